import HLCompute

/// A convolution with padding of half its window.
package struct ConvolutionShape: Sendable, CustomStringConvertible {
    package let input: [Int]
    package let outChannels: Int
    package let window: Window
    package var description: String {
        "\(input) → \(outChannels), \(window.size) × \(window.size), stride \(window.stride)"
    }

    package init(_ input: [Int], _ outChannels: Int, _ size: Int, stride: Int = 1) {
        self.input = input
        self.outChannels = outChannels
        window = Window(size: size, stride: stride, padding: size / 2)
    }
}
