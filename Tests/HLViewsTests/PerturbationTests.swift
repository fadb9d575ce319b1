import HLFormats
import HLTensor
import HLViews
import Testing

/// Pearson's r.
private func correlation(_ a: [Float], _ b: [Float]) -> Double {
    let n = Double(a.count)
    let meanA = a.reduce(0.0) { $0 + Double($1) } / n, meanB = b.reduce(0.0) { $0 + Double($1) } / n
    var aa = 0.0, bb = 0.0, ab = 0.0
    for (x, y) in zip(a, b) {
        let x = Double(x) - meanA, y = Double(y) - meanB
        aa += x * x
        bb += y * y
        ab += x * y
    }
    return ab / (aa * bb).squareRoot()
}

private func ids(_ range: Range<Int64>) -> HostTensor { HostTensor(Array(range), shape: [range.count]) }

private func zeros(_ count: Int, _ chunks: Int = 6, _ dimension: Int = 20) -> HostTensor {
    HostTensor(Array(repeating: Float(0), count: count * chunks * dimension), shape: [count, chunks, dimension])
}

struct PerturbationGroupTests {
    @Test func parses() throws {
        let group = try PerturbationGroup(parsing: "0-3:std=0.3,trunc=1,mean=-0.5")
        #expect(group.chunks.indices == [0, 1, 2, 3])
        #expect(
            group.noise == (try TruncatedNormal(mean: -0.5, standardDeviation: 0.3, truncation: 1)))
        #expect(group.text == "0-3:std=0.3,trunc=1,mean=-0.5")
        #expect(try PerturbationGroup(parsing: group.text) == group)

        // Nothing is cut off, as with --trunc inf.
        let whole = try PerturbationGroup(parsing: "1-2:std=0.5,trunc=inf")
        #expect(whole.noise.truncation == .infinity)
        #expect(whole.text == "1-2:std=0.5,trunc=inf")
        #expect(try PerturbationGroup(parsing: whole.text) == whole)

        let sometimes = try PerturbationGroup(parsing: "1-2:std=0.25..0.75,prob=0.5")
        #expect(sometimes.variation == (try NoiseVariation(probability: 0.5, deviations: 0.25...0.75)))
        #expect(sometimes.text == "1-2:std=0.25..0.75,trunc=2,prob=0.5")
        #expect(try PerturbationGroup(parsing: sometimes.text) == sometimes)
        #expect(try PerturbationGroup(parsing: "1", probability: 0.25).variation.probability == 0.25)
        #expect(try PerturbationGroup(parsing: "1:prob=1", probability: 0.25).variation == .none)

        let defaults = try TruncatedNormal(mean: 0, standardDeviation: 0.05, truncation: 3)
        #expect(try PerturbationGroup(parsing: "2", defaults: defaults).noise == defaults)
        #expect(try PerturbationGroup(parsing: "2:std=1", defaults: defaults).noise.truncation == 3)
    }

    @Test(arguments: [
        "", ":std=1", "0:", "0:std", "0:std=", "0:std=x", "0:sigma=1", "0:std=1,std=2", "0:std=-1", "0:trunc=0",
        "0:trunc=-1", "0:std=nan", "0:trunc=-inf", "0:trunc=nan", "0:std=inf", "0:mean=inf", "0:std=1,",
        "0:std=1:trunc=2", "3-1:std=1", "0:std= 1", "0:prob=0", "0:prob=1.5", "0:prob=-0.5", "0:prob=nan", "0:prob=",
        "0:std=1..0.5", "0:std=-1..1", "0:std=..1", "0:std=1..", "0:std=0..inf", "0:std=0..1..2", "0:trunc=1..2",
    ])
    func refuses(text: String) {
        let failure = #expect(throws: Failure.self) { try PerturbationGroup(parsing: text) }
        #expect(failure?.kind == .usage)
        #expect(failure?.what.contains("'\(text)'") == true)
    }

    @Test func groupsMustBeDisjointAndPresent() throws {
        let groups = try ["0-3", "3-5"].map { try PerturbationGroup(parsing: $0) }
        #expect(throws: Failure.self) { try PerturbationGroup.validate(groups, count: 6) }
        #expect(throws: Failure.self) { try RandomPerturbation(groups: groups, seed: 0) }
        #expect(throws: Failure.self) { try PerturbationGroup.validate([groups[1]], count: 5) }
        #expect(throws: Failure.self) { try PerturbationGroup.validate([], count: 5) }
        #expect(throws: Never.self) { try PerturbationGroup.validate([groups[1]], count: 6) }
    }
}

struct RandomPerturbationTests {
    private let groups: [PerturbationGroup]

    init() throws {
        groups = try ["0,2:std=0.3,trunc=1", "4-5:std=0.8,trunc=1"].map { try PerturbationGroup(parsing: $0) }
    }

    @Test func addsEachGroupsOwnNoise() throws {
        let perturbation = try RandomPerturbation(groups: groups, seed: 3, views: 2)
        let batch = ids(10..<15)
        let anchors = TruncatedNormal.standard.draw(
            ids: batch, perSample: 120, key: RandomKey(seed: 3, purpose: .anchor)
        ).reshaped([5, 6, 20])
        let views = try perturbation.apply(to: anchors, ids: batch)
        #expect(views.count == 2 && perturbation.viewCount == 2)
        let z = anchors.floats
        for (view, positives) in zip(1..., views) {
            #expect(positives.shape == [5, 6, 20])
            var expected = z
            for (number, group) in groups.enumerated() {
                let noise = group.noise.draw(
                    ids: batch, perSample: 40,
                    key: RandomKey(seed: 3, purpose: .perturbation, view: view, group: number)
                ).floats
                for row in 0..<5 {
                    for (position, chunk) in group.chunks.indices.enumerated() {
                        for i in 0..<20 {
                            expected[row * 120 + chunk * 20 + i] += noise[row * 40 + position * 20 + i]
                        }
                    }
                }
            }
            #expect(positives.floats == expected)
        }
    }

    @Test func dependsOnNeitherBatchNorThreadsNorShard() throws {
        let perturbation = try RandomPerturbation(groups: groups, seed: 1)
        let count = 1500
        let anchors = zeros(count)
        let whole = try perturbation.apply(to: anchors, ids: ids(0..<Int64(count)))[0]
        let threaded = try perturbation.apply(to: anchors, ids: ids(0..<Int64(count)), threads: 5)[0]
        #expect(threaded.floats == whole.floats)
        let parts = try [0..<1, 1..<700, 700..<1500].map {
            try perturbation.apply(
                to: anchors.rows($0), ids: ids(Int64($0.lowerBound)..<Int64($0.upperBound)))[0]
        }
        #expect(HostTensor.concatenate(parts).floats == whole.floats)
        let shard = Array(stride(from: 2, to: count, by: 4))
        let sharded = try perturbation.apply(
            to: anchors.gather(shard), ids: HostTensor(shard.map { Int64($0) }, shape: [shard.count]), threads: 2)[0]
        #expect(sharded.floats == whole.gather(shard).floats)
    }

    @Test func sweepMovesOneChunkPerViewByTheSameVector() throws {
        let perturbation = try RandomPerturbation.sweep(
            groups: PerturbationGroup.each(of: ChunkSet(parsing: "1,3-4"), noise: .standard), seed: 8)
        let views = try perturbation.apply(to: zeros(3), ids: ids(0..<3))
        #expect(views.count == 3)
        let noise = TruncatedNormal.standard.draw(
            ids: ids(0..<3), perSample: 20, key: perturbation.key(view: 1, group: 0))
        for (chunk, view) in zip([1, 3, 4], views) {
            for row in 0..<3 {
                var expected = [Float](repeating: 0, count: 120)
                expected.replaceSubrange(chunk * 20..<chunk * 20 + 20, with: noise.rows(row..<row + 1).floats)
                #expect(view.rows(row..<row + 1).floats == expected)
            }
        }
    }

    @Test func sweepOverGroupsRepeatsTheVectorInEveryChunk() throws {
        let perturbation = try RandomPerturbation.sweep(groups: groups, seed: 8)
        let views = try perturbation.apply(to: zeros(2), ids: ids(0..<2))
        #expect(views.count == 2)
        let first = views[0].floats, second = views[1].floats
        #expect(first[0..<20] == first[40..<60] && first[0] != 0)
        #expect(first[20..<40].allSatisfy { $0 == 0 } && first[60..<120].allSatisfy { $0 == 0 })
        #expect(second[80..<100] == second[100..<120] && second[0..<80].allSatisfy { $0 == 0 })
        // The same quantiles of both groups' distributions, which differ by a factor.
        for i in 0..<20 { #expect(abs(second[80 + i] / first[i] - 0.8 / 0.3) < 1e-4) }
    }

    /// Views, and what the header says of them, go by first chunks, however the groups are given; noise that is not a
    /// sweep is drawn by the number of the group, and the header keeps it.
    @Test func orderOfGroups() throws {
        let groups = try ["3:std=0.5", "0,5:std=1", "1"].map { try PerturbationGroup(parsing: $0) }
        let sweep = try Perturbation(noise: .sweep(groups: groups, seed: 8), spread: .sweep)
        let views = try sweep.apply(to: zeros(1), ids: ids(0..<1)).map(\.floats)
        let moved = views.map { view in (0..<6).filter { view[$0 * 20] != 0 } }
        #expect(moved == [[0, 5], [1], [3]])
        for (number, chunks) in moved.enumerated() {
            #expect(sweep.parts(ofView: number + 1).map(\.chunks.indices) == [chunks])
            #expect(
                try sweep.json()["groups"]?.array?[number]["chunks"]?.string
                    == ChunkSet(parsing: chunks.map(String.init).joined(separator: ",")).text)
        }
        let whole = try Perturbation(noise: RandomPerturbation(groups: groups, seed: 8))
        #expect(try whole.json()["groups"]?.array?.compactMap { $0["chunks"]?.string } == ["3", "0,5", "1"])
    }

    /// A view per group as given, chunks in common or not, each with numbers of its own: the first those of its group alone.
    @Test func eachGroupHasAViewOfItsOwn() throws {
        let groups = try ["1-2:std=0.5", "0", "1"].map { try PerturbationGroup(parsing: $0) }
        let perturbation = try RandomPerturbation.each(of: groups, seed: 8)
        let views = try perturbation.apply(to: zeros(2), ids: ids(5..<7)).map(\.floats)
        #expect(perturbation.viewCount == 3 && perturbation.spread == .each)
        #expect(views.map { view in (0..<6).filter { view[$0 * 20] != 0 } } == [[1, 2], [0], [1]])
        let alone = try RandomPerturbation(groups: [groups[0]], seed: 8).apply(to: zeros(2), ids: ids(5..<7))
        #expect(views[0] == alone[0].floats)
        // No two chunks and no two views share a vector, whatever its scale.
        #expect(abs(correlation(Array(views[0][20..<40]), Array(views[0][40..<60]))) < 0.9)
        #expect(abs(correlation(Array(views[0][20..<40]), Array(views[2][20..<40]))) < 0.9)
        let whole = try Perturbation(noise: perturbation, spread: .each), json = try whole.json()
        #expect(json["groups"]?.array?.compactMap { $0["chunks"]?.string } == ["1-2", "0", "1"])
        #expect(json["each"]?.bool == true && json["sweep"]?.bool == false && json["redraw"] == nil)
        #expect((1...3).map { whole.parts(ofView: $0).map(\.chunks.text) } == [["1-2"], ["0"], ["1"]])
        #expect(throws: Failure.self) { try RandomPerturbation.each(of: [], seed: 8) }
        #expect(throws: Failure.self) { try RandomPerturbation.sweep(groups: groups, seed: 8) }
    }

    /// What is drawn takes the place of the chunk, and the anchor's does not matter there.
    @Test func chunksAreDrawnAnew() throws {
        let groups = try ["0:std=0.3", "3-4"].map { try PerturbationGroup(parsing: $0) }
        let batch = ids(0..<4)
        let anchors = TruncatedNormal.standard.draw(
            ids: batch, perSample: 120, key: RandomKey(seed: 3, purpose: .anchor)
        ).reshaped([4, 6, 20])
        let drawn = try RandomPerturbation(groups: groups, seed: 1, isRedrawn: true)
        let view = try drawn.apply(to: anchors, ids: batch)[0].floats
        let noise = try RandomPerturbation(groups: groups, seed: 1).apply(to: zeros(4), ids: batch)[0].floats
        for index in view.indices {
            let chunk = index % 120 / 20
            #expect(view[index] == ([0, 3, 4].contains(chunk) ? noise[index] : anchors.floats[index]))
        }
        let json = try Perturbation(noise: drawn).json()
        #expect(json["redraw"]?.bool == true && json["each"] == nil)
    }

    @Test func anchorsViewsAndGroupsAreUncorrelated() throws {
        let count = 5000
        let batch = ids(0..<Int64(count))
        let all = [PerturbationGroup(chunks: ChunkSet(all: 6), noise: .standard)]
        let perturbation = try RandomPerturbation(groups: all, seed: 0, views: 2)
        let views = try perturbation.apply(to: zeros(count), ids: batch).map(\.floats)
        let anchors = TruncatedNormal.standard.draw(
            ids: batch, perSample: 120, key: RandomKey(seed: 0, purpose: .anchor)
        ).floats
        let other = perturbation.noise(view: 1, group: 0, ids: batch, dimension: 120).floats
        #expect(other == views[0])
        let bound = 5 / Double(anchors.count).squareRoot()
        #expect(abs(correlation(anchors, views[0])) < bound)
        #expect(abs(correlation(anchors, views[1])) < bound)
        #expect(abs(correlation(views[0], views[1])) < bound)
        // Neighbours within a sample, and samples next to each other.
        #expect(abs(correlation(Array(anchors.dropLast()), Array(anchors.dropFirst()))) < bound)
        #expect(abs(correlation(Array(anchors.dropLast(120)), Array(anchors.dropFirst(120)))) < bound)
        let pair = try RandomPerturbation(
            groups: [0, 1].map { PerturbationGroup(chunks: ChunkSet($0), noise: .standard) }, seed: 0)
        let first = pair.noise(view: 1, group: 0, ids: batch, dimension: 20).floats
        let second = pair.noise(view: 1, group: 1, ids: batch, dimension: 20).floats
        #expect(abs(correlation(first, second)) < 5 / Double(first.count).squareRoot())
    }

    @Test func refusesTensorsThatDoNotFit() throws {
        let perturbation = try RandomPerturbation(groups: groups, seed: 0)
        func kind(_ latent: HostTensor, _ ids: HostTensor) -> Failure.Kind? {
            do {
                _ = try perturbation.apply(to: latent, ids: ids)
                return nil
            } catch {
                return (error as? Failure)?.kind
            }
        }
        #expect(kind(zeros(2), ids(0..<2)) == nil)
        #expect(kind(zeros(0), ids(0..<0)) == nil)
        #expect(kind(zeros(2), ids(0..<3)) == .data)
        #expect(kind(zeros(2).reshaped([2, 120]), ids(0..<2)) == .data)
        #expect(kind(ids(0..<2), ids(0..<2)) == .data)
        #expect(kind(zeros(2), zeros(2)) == .data)
        #expect(kind(zeros(2, 5), ids(0..<2)) == .usage)
        #expect(throws: Failure.self) { try RandomPerturbation(groups: groups, seed: 0, views: 0) }
    }
}
