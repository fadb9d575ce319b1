import HLCommand
import HLCompute
import HLFormats
import HLTensor

/// What the ranks of a training have to have in common, and what not. What is found all of them throw.
extension ProcessGroup {
    /// Trainings of different settings do not belong together.
    /// - Parameter side: of the images in pixels; 0 where it is not known yet.
    func requireSame(settings: JSONValue, side: Int, weights: NamedTensors) throws {
        if let other = other(than: StableHash(settings.text).value) {
            throw common(
                Failure(
                    .usage, "rank \(other) has other settings than rank 0", "start all ranks with the same command"))
        }
        try requireSame(side: side)
        try requireSame(weights, after: 0)
    }

    /// All ranks have images of as many pixels.
    func requireSame(side: Int) throws {
        if let other = other(than: UInt64(side)) {
            throw common(
                Failure(
                    .incompatible, "rank \(other) has images of another size than rank 0 (\(side) pixels)",
                    "give all ranks one pipeline"))
        }
    }

    /// All ranks compute by the same libraries with as many threads, on cards of one kind if on cards.
    func requireSame(_ backend: any Backend) throws {
        guard let other = other(than: StableHash(backend.kind).value) else { return }
        throw common(
            Failure(
                .incompatible, "rank \(other) computes by other libraries or threads than rank 0 (\(backend.summary))",
                "give --threads and --backend, and start on machines of one kind"))
    }

    /// All ranks hold the same state, to the bit, but for the running statistics of batch norms that each has its own of.
    func requireSame(_ state: NamedTensors, after step: Int) throws {
        var hash = StableHash()
        for (name, tensor) in state where !name.contains("running_") {
            hash.add(name)
            tensor.withUnsafeBytes { hash.add(words: $0.bindMemory(to: UInt32.self)) }
        }
        if let other = other(than: hash.value) {
            throw common(
                Failure(
                    .software, "rank \(other) has other weights than rank 0 after step \(step)",
                    "begin at one file on all ranks, or report this defect"))
        }
    }

    /// Whoever forgot to share out the samples would train on each of them several times.
    /// - Parameters:
    ///   - samples: ids of this rank's first samples of a stream.
    ///   - stream: what it is called.
    func requireDifferent(samples: [Int64], of stream: String) throws {
        var hash = StableHash()
        samples.withUnsafeBytes { hash.add($0) }
        // Of a second stream a step may have none.
        if samples.isEmpty { hash.add("none of rank \(rank)") }
        if let (first, second) = same(hash.value) {
            throw common(
                Failure(
                    .incompatible, "ranks \(first) and \(second) are given the same samples by \(stream)",
                    "give hl-sample --shard mpi; the only file that is shared out is that of --epochs"))
        }
    }
}

/// Every rank takes as many samples of a step.
/// - Parameter divisor: what the batch has to be a multiple of.
/// - Throws: `Failure` (usage).
func checkShares(_ batch: Int, _ unit: String, among ranks: Int, divisor: Int) throws {
    try check(
        batch % divisor == 0, "\(batch) \(unit) a step cannot be shared out to \(ranks) processes",
        "give a --batch that \(divisor) divides")
}

/// A rank without any of what is held out would have nothing to go by.
/// - Parameter option: the option that says how many they are.
/// - Throws: `Failure` (usage).
func checkHeldOut(_ count: Int, _ option: String, among ranks: Int) throws {
    try check(
        count >= ranks, "\(count) images to hold out cannot be shared out to \(ranks) processes",
        "give \(option) from \(ranks)")
}
