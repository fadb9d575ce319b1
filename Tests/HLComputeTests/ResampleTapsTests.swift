import HLCompute
import HLTensor
import Testing

struct ResampleTapsTests {
    /// A constant image stays as it is.
    @Test func resamplingKeepsBrightness() throws {
        let backend = try CPUBackend.plain(threads: 1)
        for antialias in [true, false] {
            let taps = ResampleTaps.bilinear(from: 31, to: 10, antialias: antialias)
            let image = try backend.read(backend.resample(backend.constant(0.7, shape: [1, 3, 31, 31]), taps))
            #expect(image.floats.allSatisfy { abs($0 - 0.7) < 1e-6 })
        }
    }
}
