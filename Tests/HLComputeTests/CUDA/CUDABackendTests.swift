import CCUDA
import HLCompute
import HLTensor
import OperationCases
import TestSupport
import Testing

/// What stands between the backend and C, and what no operation shows.
struct CUDABackendTests {
    /// Every number of a product and a convolution has its place, none two.
    @Test func asCHasIt() {
        var product = MatrixProduct(rows: 2, columns: 3, depth: 5, transposeA: true)
        product.strides = (7, 11, 13)
        product.steps = (17, 19, 23)
        (product.count, product.type, product.scale) = (29, .bf16, 0.5)
        let p = hl_cuda_product(product)
        #expect([p.rows, p.columns, p.depth, p.count] == [2, 3, 5, 29])
        #expect([p.stride_a, p.stride_b, p.stride_c, p.step_a, p.step_b, p.step_c] == [7, 11, 13, 17, 19, 23])
        #expect(
            [p.transpose_a, p.transpose_b, p.accumulates, p.narrow, p.narrow_result, p.tf32] == [1, 0, 0, 1, 0, 0])
        #expect(p.scale == 0.5)
        product = MatrixProduct(rows: 2, columns: 3, depth: 5, transposeB: true)
        (product.accumulates, product.resultType, product.tf32) = (true, .bf16, true)
        let q = hl_cuda_product(product)
        #expect([q.stride_a, q.stride_b, q.stride_c] == [5, 5, 3])
        #expect(
            [q.transpose_a, q.transpose_b, q.accumulates, q.narrow, q.narrow_result, q.tf32] == [0, 1, 1, 0, 1, 1])

        let c = hl_cuda_convolution(
            DeviceConvolution(
                .weightGradient, input: [2, 3, 11, 13], weight: [5, 3, 7, 7],
                window: Window(size: 7, stride: 2, padding: 4, trailing: 1), type: .f32, tf32: true))
        #expect([c.pass, c.batch, c.inputs, c.height, c.width, c.outputs] == [2, 2, 3, 11, 13, 5])
        #expect([c.rows, c.columns, c.kernel, c.stride, c.padding, c.trailing] == [7, 8, 7, 2, 4, 1])
        #expect([c.narrow, c.tf32] == [0, 1])
    }

    /// What the library has no way to convolve is made of products.
    @Test func withoutAPlan() throws {
        let window = Window(size: 3, stride: 2, padding: 1, trailing: 1)
        let x = Formula.centred("plan.x", [2, 5, 6, 7]), weight = Formula.centred("plan.w", [4, 5, 3, 3])
        let y = Formula.centred("plan.y", [2, 4, window.output(6), window.output(7)])
        func passes(_ backend: any Backend) throws -> [HostTensor] {
            let (x, weight, y) = (backend.tensor(x), backend.tensor(weight), backend.tensor(y))
            return try [
                backend.convolution(x, weight: weight, window: window),
                backend.convolutionInputGradient(y, weight: weight, inputShape: x.shape, window: window),
                backend.convolutionWeightGradient(y, input: x, weightShape: weight.shape, window: window),
            ].map { try backend.read($0) }
        }
        let device = EmulatedDevice(hasPlans: false)
        let found = try passes(CUDABackend(on: device, threads: 1))
        #expect(device.convolutions.isEmpty)
        for (index, (found, expected)) in zip(found, try passes(CPUBackend.plain(threads: 1))).enumerated() {
            expectClose(found, expected, 1e-6, "pass \(index)")
        }
    }

    /// Nothing runs on what nobody wrote, and the error is told once.
    @Test func nothingGoesOnBehindAnError() throws {
        let backend = CUDABackend(on: EmulatedDevice(), threads: 1), one = backend.constant(1, shape: [3])
        let error = Failure(.software, "something", "")
        backend.fail(error)
        backend.accumulate(one, into: one)
        #expect(throws: error) { try backend.read(one) }
        #expect(try backend.read(one).floats == [1, 1, 1])
    }

    /// Cards before Ampere are told of as cards.
    @Test func oldCards() throws {
        let backend = CUDABackend(on: EmulatedDevice(isOld: true), threads: 1)
        #expect(try PrecisionChoice.auto.precision(on: backend) == .f32)
        for choice in [PrecisionChoice.bf16, .tf32] {
            #expect { try choice.precision(on: backend) } throws: { "\($0)".contains("compute capability 8.0") }
        }
    }

    /// A card's memory is not the machine's: the message is the device's, the status that of all memory.
    @Test func aFullCardEndsTheProgram() async {
        await #expect(processExitsWith: .exitCode(71)) {
            let backend = CUDABackend(on: EmulatedDevice(memory: 48 << 20), threads: 1)
            let first = backend.constant(0, shape: [4 << 20])
            _ = backend.constant(0, shape: [8 << 20])
            _ = try backend.read(first)
        }
    }
}
