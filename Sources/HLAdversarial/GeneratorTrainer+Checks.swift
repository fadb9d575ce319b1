import HLCompute
import HLTensor

extension GeneratorTrainer.Settings {
    /// - Throws: `Failure(.usage)` for settings that fit no network.
    func check() throws {
        guard Self.sides.contains(side) else {
            throw Failure(
                .usage, "no generator is made for images of \(side) pixels",
                "give images of \(Self.sides.map(String.init).joined(separator: ", ")) pixels a side")
        }
        guard (1...256).contains(width), (1...1024).contains(chunkDimension) else {
            throw Failure(
                .usage, "a width of \(width) and chunks of \(chunkDimension) values are out of range",
                "give a width from 1 to 256 and chunks of 1 to 1024 values")
        }
        guard batch >= Self.leastBatch, batch.isMultiple(of: 2), steps > 0, discriminatorSteps > 0 else {
            throw Failure(
                .usage, "cannot train on \(batch) images a step", "give an even number from \(Self.leastBatch) on")
        }
        var hasHead = false
        if case .infoNCE = content { hasHead = true }
        let leastShared = Self.leastShared(among: ranks, hasHead: hasHead)
        guard batch.isMultiple(of: leastShared) else {
            throw Failure(
                .usage, "\(batch) images a step cannot be shared out to \(ranks) processes",
                "give a batch that \(leastShared) divides")
        }
        if case .cells(let classes) = content, !(2...chunkDimension).contains(classes) {
            throw Failure(
                .usage, "chunks of \(chunkDimension) values hold no \(classes) cells",
                "give from 2 classes to as many as a chunk has values")
        }
    }
}

extension GeneratorTrainer {
    /// The labels of the next step, none where they play no part.
    /// - Throws: `Failure(.data)` for images or labels that do not fit.
    func checked(_ real: Tensor, _ labels: [Int32]?, _ ids: [Int64]) throws -> [Int32] {
        let wanted = [share, 3, settings.side, settings.side]
        guard real.shape == wanted, ids.count == share else {
            throw Failure(.data, "the images are \(real.shape), not \(wanted)", "give images of one side")
        }
        guard case .cells(let classes) = settings.content else { return [] }
        guard let labels, labels.count == share else {
            throw Failure(.data, "the images have no labels", "give labelled images, or train without cells")
        }
        if let label = labels.first(where: { !(0..<Int32(classes)).contains($0) }) {
            throw Failure(
                .data, "there is a label \(label), and cells for the classes 0 to \(classes - 1)",
                "give as many classes as the images have")
        }
        return labels
    }
}
