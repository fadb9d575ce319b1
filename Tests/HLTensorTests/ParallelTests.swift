import HLTensor
import Testing

@Suite struct ParallelTests {
    @Test(arguments: [0, 1, 2, 7, 64, 1000], [-1, 0, 1, 2, 3, 7, 100]) func everyRowIsDoneOnce(count: Int, parts: Int) {
        let visits = UnsafeMutablePointer<Int>.allocate(capacity: count + 1)
        visits.initialize(repeating: 0, count: count + 1)
        defer { visits.deallocate() }
        inParallel(count, parts: parts) { rows in
            for row in rows { visits[row] += 1 }
        }
        #expect((0..<count).allSatisfy { visits[$0] == 1 } && visits[count] == 0)
    }

    @Test func partsAreAsEqualAsCanBe() {
        let sizes = UnsafeMutablePointer<Int>.allocate(capacity: 10)
        sizes.initialize(repeating: 0, count: 10)
        defer { sizes.deallocate() }
        inParallel(10, parts: 4) { sizes[$0.lowerBound] = $0.count }
        #expect((0..<10).map { sizes[$0] }.filter { $0 > 0 } == [2, 3, 2, 3])
    }

    @Test func thereIsACore() { #expect(Machine.coreCount >= 1) }
}
