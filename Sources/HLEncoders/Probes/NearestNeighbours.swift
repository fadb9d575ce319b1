import Glibc
import HLCompute
import HLTensor

/// Weighted k-nearest-neighbour classification by cosine similarity (Wu et al. 2018), as lightly and solo-learn have it:
/// the score of a class is Σ exp(similarity / τ) over those of the k nearest train samples that belong to it.
package struct NearestNeighbours: Sendable, Equatable {
    /// Neighbours that vote; all train samples where there are fewer.
    package var k: Int
    /// Temperature τ.
    package var temperature: Double

    package init(k: Int = 200, temperature: Double = 0.1) {
        self.k = k
        self.temperature = temperature
    }

    private static let testBlock = 256
    private static let trainBlock = 8192

    /// Scores F32 [N, classes] of test features F32 [N, d].
    ///
    /// Time O(N · M · d) for M train samples; beside the features, memory for 256 × 8192 similarities and k neighbours
    /// per test sample of a block. Of equally near samples the one that comes first in the train set counts.
    ///
    /// - Parameters:
    ///   - train: M > 0 features of length d and labels below `classes`.
    ///   - progress: called with the number of test samples done since the last call.
    /// - Throws: whatever went wrong on the backend.
    package func scores(
        train: LinearProbe.Samples, test: HostTensor, classes: Int, on backend: any Backend,
        progress: (Int) -> Void = { _ in }
    ) throws -> HostTensor {
        precondition(k > 0 && temperature > 0 && train.features.rowSize == test.rowSize)
        let count = train.labels.count
        let trainBlocks = stride(from: 0, to: count, by: Self.trainBlock).map { start in
            let range = start..<min(start + Self.trainBlock, count)
            return (start, backend.normaliseRows(backend.tensor(train.features.rows(range))).output)
        }
        var scores = [Float](repeating: 0, count: test.rowCount * classes)
        for start in stride(from: 0, to: test.rowCount, by: Self.testBlock) {
            let range = start..<min(start + Self.testBlock, test.rowCount)
            let queries = backend.normaliseRows(backend.tensor(test.rows(range))).output
            var nearest = range.map { _ in NearestList(capacity: min(k, count)) }
            for (first, block) in trainBlocks {
                let similarities = try backend.read(
                    backend.matmul(queries, block, transposeA: false, transposeB: true))
                similarities.withUnsafeElements(as: Float.self) { values in
                    let width = similarities.rowSize
                    nearest.withUnsafeMutableBufferPointer { lists in
                        nonisolated(unsafe) let lists = lists
                        inParallel(lists.count, parts: backend.threads) { rows in
                            for row in rows {
                                lists[row].add(values[(row * width)..<((row + 1) * width)], from: first)
                            }
                        }
                    }
                }
            }
            for (row, list) in zip(range, nearest) {
                var votes = [Double](repeating: 0, count: classes)
                for neighbour in list.sorted {
                    votes[Int(train.labels[neighbour.index])] += exp(Double(neighbour.similarity) / temperature)
                }
                for label in 0..<classes { scores[row * classes + label] = Float(votes[label]) }
            }
            progress(range.count)
        }
        return HostTensor(scores, shape: [test.rowCount, classes])
    }
}

/// The nearest samples seen so far: a heap with the farthest of them on top.
private struct NearestList {
    typealias Neighbour = (similarity: Float, index: Int)

    private var heap: [Neighbour] = []
    private let capacity: Int

    init(capacity: Int) {
        self.capacity = capacity
        heap.reserveCapacity(capacity)
    }

    /// Takes in the similarities of samples `first`…, which come after all that were taken in before.
    mutating func add(_ similarities: Slice<UnsafeBufferPointer<Float>>, from first: Int) {
        var index = first
        for similarity in similarities {
            if heap.count < capacity {
                heap.append((similarity, index))
                siftUp()
            } else if similarity > heap[0].similarity {
                heap[0] = (similarity, index)
                siftDown()
            }
            index += 1
        }
    }

    /// Nearest first.
    var sorted: [Neighbour] { heap.sorted { Self.isFarther($1, $0) } }

    private static func isFarther(_ a: Neighbour, _ b: Neighbour) -> Bool {
        a.similarity < b.similarity || (a.similarity == b.similarity && a.index > b.index)
    }

    private mutating func siftUp() {
        var child = heap.count - 1
        while child > 0, Self.isFarther(heap[child], heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private mutating func siftDown() {
        var parent = 0
        while true {
            var farthest = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < heap.count && Self.isFarther(heap[child], heap[farthest]) {
                farthest = child
            }
            if farthest == parent { return }
            heap.swapAt(parent, farthest)
            parent = farthest
        }
    }
}
