import HLTensor
import Testing

@Suite struct FiniteTests {
    @Test(arguments: [0, 4095, 4096, 9999]) func theFirstIsFound(place: Int) {
        for bad in [Float.nan, .infinity, -.infinity] {
            var values = [Float](repeating: 1, count: 10_000)
            values[place] = bad
            values[9999] = .nan
            #expect(HostTensor(values, shape: [100, 100]).firstNonFinite == place)
        }
    }

    /// Their sum is infinite.
    @Test func hugeNumbersAreNumbers() {
        #expect(
            HostTensor([Float](repeating: .greatestFiniteMagnitude, count: 100), shape: [100]).firstNonFinite == nil)
        #expect(HostTensor([Float](), shape: [0, 3]).firstNonFinite == nil)
    }

    @Test func theSampleIsNamed() {
        let latents = HostTensor([1, 2, 3, 4, .nan, 6] as [Float], shape: [3, 2])
        let ids = HostTensor([7, 8, 9] as [Int64], shape: [3])
        let failure = #expect(throws: Failure.self) { try latents.requireFinite("z.0", ids: ids) }
        #expect(failure?.kind == .data && failure?.what == "z.0 of sample 9 holds a NaN or an infinity")
        let own = #expect(throws: Failure.self) { try latents.requireFinite("z.0", ids: ids, remedy: "draw again") }
        #expect(own?.remedy == "draw again")
    }

    @Test(arguments: [0, 4095, 4096, 9999]) func theFirstOutsideARangeIsFound(place: Int) {
        for bad in [Float.nan, .infinity, 1.0001, -0.0001] {
            var values = [Float](repeating: 1, count: 10_000)
            values[5000] = 0
            #expect(HostTensor(values, shape: [100, 100]).firstElement(outside: 0...1) == nil)
            values[place] = bad
            values[9999] = .nan
            #expect(HostTensor(values, shape: [100, 100]).firstElement(outside: 0...1) == place)
        }
        #expect(HostTensor([Float](), shape: [0, 3]).firstElement(outside: 0...1) == nil)
    }
}
