import CKernels
import COpenBLAS
import HLTensor

/// The reference: row-major activations, convolution as im2col and one matrix product per image, on OpenBLAS alone.
///
/// It is what a machine without oneDNN runs, and what the tests hold every other engine to.
package final class PlainConvolutions: ConvolutionEngine {
    package let summary: String? = nil
    /// Matrix products of OpenBLAS are F32.
    package let bf16 = BF16Support.emulated
    package var aroundKernel: ((() -> Void) -> Void)?

    /// It needs nothing of its own.
    package init() {}

    package func activationLayout(_ channels: Int, _ type: ElementType) -> CPUStorage.Layout { .plain }

    package func convolution(_ x: Tensor, weight: Tensor, window: Window, on backend: any ConvolutionHost) -> Tensor {
        let g = Geometry(input: x.shape, weight: weight.shape, window: window)
        let result = backend.allocateFloats([g.batch, g.outChannels, g.outHeight, g.outWidth])
        let columns = backend.allocateFloats([g.depth, g.positions])
        for sample in 0..<g.batch {
            g.gather(x.floats + sample * g.inputSize, columns.floats)
            hl_blas_sgemm(
                0, 0, Int32(g.outChannels), Int32(g.positions), Int32(g.depth), 1, weight.floats, Int32(g.depth),
                columns.floats, Int32(g.positions), 0, result.floats + sample * g.outputSize, Int32(g.positions))
        }
        return result
    }

    package func inputGradient(
        _ gradient: Tensor, weight: Tensor, inputShape: [Int], window: Window, on backend: any ConvolutionHost
    ) -> Tensor {
        let g = Geometry(input: inputShape, weight: weight.shape, window: window)
        let result = backend.allocateFloats(inputShape)
        let columns = backend.allocateFloats([g.depth, g.positions])
        for sample in 0..<g.batch {
            hl_blas_sgemm(
                1, 0, Int32(g.depth), Int32(g.positions), Int32(g.outChannels), 1, weight.floats, Int32(g.depth),
                gradient.floats + sample * g.outputSize, Int32(g.positions), 0, columns.floats, Int32(g.positions))
            g.scatter(columns.floats, result.floats + sample * g.inputSize)
        }
        return result
    }

    package func weightGradient(
        _ gradient: Tensor, input: Tensor, weightShape: [Int], window: Window, on backend: any ConvolutionHost
    ) -> Tensor {
        let g = Geometry(input: input.shape, weight: weightShape, window: window)
        let result = backend.allocateFloats(weightShape)
        let columns = backend.allocateFloats([g.depth, g.positions])
        for sample in 0..<g.batch {
            g.gather(input.floats + sample * g.inputSize, columns.floats)
            hl_blas_sgemm(
                0, 1, Int32(g.outChannels), Int32(g.depth), Int32(g.positions), 1,
                gradient.floats + sample * g.outputSize, Int32(g.positions), columns.floats, Int32(g.positions),
                sample == 0 ? 0 : 1, result.floats, Int32(g.depth))
        }
        return result
    }

    // MARK: Depthwise

    package func depthwise(_ x: Tensor, weight: Tensor, window: Window, on backend: any ConvolutionHost) -> Tensor {
        let x = backend.laidOut(x, as: .plain), shape = Self.shape(x.shape, window), channels = x.shape[1]
        let weight = backend.laidOut(weight, as: .plain)
        let result = backend.allocateFloats([x.shape[0], channels, shape.out_height, shape.out_width])
        withUnsafePointer(to: shape) { shape in
            backend.parallel(x.shape[0] * channels, grain: 1) { planes in
                for plane in planes {
                    hl_depthwise(
                        shape, x.floats + plane * shape.pointee.inputSize,
                        weight.floats + plane % channels * shape.pointee.kernelSize,
                        result.floats + plane * shape.pointee.outputSize)
                }
            }
        }
        return result
    }

    package func depthwiseInputGradient(
        _ gradient: Tensor, weight: Tensor, inputShape: [Int], window: Window, on backend: any ConvolutionHost
    ) -> Tensor {
        let gradient = backend.laidOut(gradient, as: .plain), weight = backend.laidOut(weight, as: .plain)
        let shape = Self.shape(inputShape, window), channels = inputShape[1]
        let result = backend.allocateFloats(inputShape)
        withUnsafePointer(to: shape) { shape in
            backend.parallel(inputShape[0] * channels, grain: 1) { planes in
                for plane in planes {
                    hl_depthwise_input_gradient(
                        shape, gradient.floats + plane * shape.pointee.outputSize,
                        weight.floats + plane % channels * shape.pointee.kernelSize,
                        result.floats + plane * shape.pointee.inputSize)
                }
            }
        }
        return result
    }

    package func depthwiseWeightGradient(
        _ gradient: Tensor, input: Tensor, window: Window, on backend: any ConvolutionHost
    ) -> Tensor {
        let gradient = backend.laidOut(gradient, as: .plain), input = backend.laidOut(input, as: .plain)
        let shape = Self.shape(input.shape, window), (samples, channels) = (input.shape[0], input.shape[1])
        let result = backend.allocateFloats([channels, 1, window.size, window.size])
        withUnsafePointer(to: shape) { shape in
            backend.parallel(channels, grain: 1) { range in
                for channel in range {
                    hl_depthwise_weight_gradient(
                        shape, samples, input.floats + channel * shape.pointee.inputSize,
                        channels * shape.pointee.inputSize, gradient.floats + channel * shape.pointee.outputSize,
                        channels * shape.pointee.outputSize, result.floats + channel * shape.pointee.kernelSize)
                }
            }
        }
        return result
    }

    private static func shape(_ input: [Int], _ window: Window) -> hl_depthwise_shape {
        hl_depthwise_shape(
            height: input[2], width: input[3], out_height: window.output(input[2]), out_width: window.output(input[3]),
            kernel: window.size, stride: window.stride, padding: window.padding)
    }

    private struct Geometry {
        let batch, inChannels, height, width, outChannels, outHeight, outWidth: Int
        let window: Window

        init(input: [Int], weight: [Int], window: Window) {
            precondition(input[1] == weight[1], "input \(input) and weight \(weight) do not fit")
            (batch, inChannels, height, width) = (input[0], input[1], input[2], input[3])
            outChannels = weight[0]
            outHeight = window.output(height)
            outWidth = window.output(width)
            self.window = window
        }

        var depth: Int { inChannels * window.size * window.size }
        var positions: Int { outHeight * outWidth }
        var inputSize: Int { inChannels * height * width }
        var outputSize: Int { outChannels * positions }

        func gather(_ image: UnsafePointer<Float>, _ columns: UnsafeMutablePointer<Float>) {
            hl_im2col(
                image, columns, inChannels, height, width, window.size, window.stride, window.padding, window.trailing)
        }

        func scatter(_ columns: UnsafePointer<Float>, _ image: UnsafeMutablePointer<Float>) {
            hl_col2im(
                columns, image, inChannels, height, width, window.size, window.stride, window.padding, window.trailing)
        }
    }
}

extension hl_depthwise_shape {
    fileprivate var inputSize: Int { height * width }
    fileprivate var outputSize: Int { out_height * out_width }
    fileprivate var kernelSize: Int { kernel * kernel }
}
