import HLTensor
import HLViews
import Testing

@Suite struct BestOfGroupTests {
    @Test func keepsTheBestInOrder() throws {
        let group = try BestOfGroup(keep: 0.5, batch: 3)
        #expect(group.groupSize == 6)
        #expect(group.chosen([0.1, 0.9, 0.2, 0.8, 0.3, 0.7]) == [1, 3, 5])
        // Of equal scores the earlier ones.
        #expect(group.chosen([0.5, 0.5, 0.5, 0.5, 0.5, 0.5]) == [0, 1, 2])
    }

    @Test(arguments: [(0.3, 64, 214), (1.0, 7, 7), (0.5, 64, 128), (0.33, 1, 4)])
    func groupSizes(_ keep: Double, _ batch: Int, _ size: Int) throws {
        let group = try BestOfGroup(keep: keep, batch: batch)
        #expect(group.groupSize == size)
        #expect(group.chosen((0..<size).map { Float($0) }).count == batch)
    }

    @Test func aShortGroupGivesItsShare() throws {
        let group = try BestOfGroup(keep: 0.5, batch: 64)
        #expect(group.chosen((0..<100).map { Float($0) }) == Array(50..<100))
        #expect(group.chosen([1]) == [0])
        #expect(group.chosen([]).isEmpty)
    }

    @Test(arguments: [0.0, -1, 1.5, .nan]) func sharesOutOfRange(_ keep: Double) {
        #expect(throws: Failure.self) { _ = try BestOfGroup(keep: keep, batch: 64) }
    }
}
