import CKernels
import HLTensor

/// The gradient of the kernel of a first convolution, on images: few channels, whose neighbours in a row come together with those
/// of the next columns, so that all columns of a kernel are one row of inputs. The rows of an image have their padding in memory.
struct AMXColumns {
    /// [B, C, H, W] and [B, O, H', W'].
    let input, output: [Int]
    let window: Window
    /// Columns of an image with its padding.
    let width: Int

    /// Whether they fill a tile's row better than the channels alone.
    static func suit(_ channels: Int, _ window: Window) -> Bool { channels < 16 && channels * window.size <= 32 }

    init(input: [Int], output: [Int], window: Window) {
        (self.input, self.output, self.window) = (input, output, window)
        width = max(input[3] + window.padding, (output[3] - 1) * window.stride + window.size)
    }

    /// [B, H, width, C] of x [B, C, H, W], BF16.
    func padded(_ x: Tensor, on backend: any ConvolutionHost) -> Tensor {
        let x = backend.laidOut(x, as: .plain)
        let result = backend.allocate([input[0], input[2], width, input[1]], .plain, type: .bf16)
        backend.parallel(input[0], grain: 1) {
            hl_amx_pad_columns(
                input[1], input[2], input[3], window.padding, width, $0.lowerBound, $0.upperBound, x.narrow,
                result.narrow)
        }
        return result
    }

    /// The place of a row and a column of the output under a row of the kernel; −1 is beyond the image.
    private func place(_ row: Int, _ column: Int, under tap: Int) -> Int32 {
        let row = row * window.stride + tap - window.padding
        return (0..<input[2]).contains(row) ? Int32(row * width + column * window.stride) : -1
    }

    /// Rows of the output lie without gaps; those of the input in as many phases as the stride has rows.
    var lines: AMXLines {
        let results = output[2] * output[3], phases = min(window.stride, window.size)
        let reach = (window.size - 1) / window.stride * output[3]
        let length = (results + 31) / 32 * 32, pitch = (length + reach + 1) / 2 * 2
        let inputs = (0..<phases).flatMap { phase in
            (0...pitch).map {
                $0 < results + reach ? place($0 / output[3], $0 % output[3], under: phase) : -1
            }
        }
        return AMXLines(
            length: length, pitch: pitch, phases: phases, step: input[1], inputPositions: input[2] * width,
            outputPositions: results, inputs: inputs, outputs: (0..<length).map { Int32($0 < results ? $0 : -1) },
            tapPhases: (0..<window.size).map { Int32($0 % phases) },
            tapOffsets: (0..<window.size).map { Int32($0 / window.stride * output[3]) })
    }
}
