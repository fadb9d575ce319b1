import CKernels
import CKernelsClones
import Testing

/// Depthwise convolution and its ways back against plain loops over eighths, whose sums are exact.
struct DepthwiseTests {
    struct Shape: Sendable {
        let height, width, kernel, stride, padding, trailing: Int

        init(_ height: Int, _ width: Int, _ kernel: Int, _ stride: Int, _ padding: Int, _ trailing: Int = 0) {
            (self.height, self.width, self.kernel) = (height, width, kernel)
            (self.stride, self.padding, self.trailing) = (stride, padding, trailing)
        }

        var outHeight: Int { (height + 2 * padding + trailing - kernel) / stride + 1 }
        var outWidth: Int { (width + 2 * padding + trailing - kernel) / stride + 1 }
        var plane: hl_depthwise_shape {
            hl_depthwise_shape(
                height: height, width: width, out_height: outHeight, out_width: outWidth, kernel: kernel,
                stride: stride, padding: padding)
        }

        /// All products: places in the input, the output and the kernel.
        func forEach(_ body: (_ x: Int, _ y: Int, _ tap: Int) -> Void) {
            for i in 0..<outHeight {
                for j in 0..<outWidth {
                    for tap in 0..<kernel * kernel {
                        let row = i * stride + tap / kernel - padding, column = j * stride + tap % kernel - padding
                        guard (0..<height).contains(row), (0..<width).contains(column) else { continue }
                        body(row * width + column, i * outWidth + j, tap)
                    }
                }
            }
        }
    }

    /// TensorFlow's padding of even sides, images smaller than the kernel, wide lines that fill vectors, and rests.
    static let shapes = [
        Shape(8, 8, 3, 2, 0, 1), Shape(9, 7, 3, 2, 1), Shape(6, 40, 5, 1, 2), Shape(10, 36, 5, 2, 1, 1),
        Shape(1, 1, 3, 1, 1),
        Shape(2, 3, 5, 1, 2), Shape(7, 7, 1, 1, 0), Shape(4, 5, 3, 3, 1, 1), Shape(1, 9, 5, 2, 2, 1),
    ]

    @Test(arguments: shapes) func oneChannel(_ shape: Shape) {
        var numbers = Numbers(60)
        let size = shape.height * shape.width, outSize = shape.outHeight * shape.outWidth
        let taps = shape.kernel * shape.kernel
        // Two samples, with a plane of another channel behind each.
        let x = numbers.eighths(4 * size), gradient = numbers.eighths(4 * outSize), weight = numbers.eighths(taps)
        var plane = shape.plane
        var y = [Double](repeating: 0, count: outSize), back = [Double](repeating: 0, count: size)
        var onWeight = [Double](repeating: 0, count: taps)
        shape.forEach { input, output, tap in
            y[output] += Double(weight[tap]) * Double(x[input])
            back[input] += Double(weight[tap]) * Double(gradient[output])
            for sample in [0, 1] {
                onWeight[tap] +=
                    Double(x[2 * sample * size + input]) * Double(gradient[2 * sample * outSize + output])
            }
        }
        let forward = everyClone(hl_depthwise, avx2: hl_depthwise_avx2, baseline: hl_depthwise_baseline) { run in
            var result = [Float](repeating: .nan, count: outSize)
            run(&plane, x, weight, &result)
            return result
        }
        expectClose(forward, y, within: 0, "forward")
        let input = everyClone(
            hl_depthwise_input_gradient, avx2: hl_depthwise_input_gradient_avx2,
            baseline: hl_depthwise_input_gradient_baseline
        ) { run in
            var result = [Float](repeating: .nan, count: size)
            run(&plane, gradient, weight, &result)
            return result
        }
        expectClose(input, back, within: 0, "input")
        let kernel = everyClone(
            hl_depthwise_weight_gradient, avx2: hl_depthwise_weight_gradient_avx2,
            baseline: hl_depthwise_weight_gradient_baseline
        ) { run in
            var result = [Float](repeating: .nan, count: taps)
            run(&plane, 2, x, 2 * size, gradient, 2 * outSize, &result)
            return result
        }
        expectClose(kernel, onWeight, within: 0, "weight")
    }
}
