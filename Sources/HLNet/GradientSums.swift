import HLCompute

/// Gradients added up over the ranks, in buckets that leave while the rest of the way back is computed (Li et al. 2020,
/// https://arxiv.org/abs/2006.15704).
///
/// They are sums: each rank's loss is its part of that of all samples, divided by the number of all.
package final class GradientSums {
    private let ranks: any Ranks
    private let parameters: [Parameter]
    private let bucketBytes: Int
    /// Parameters whose gradients are complete and have not left yet.
    private var bucket: [Tensor] = []
    private var size = 0
    private var begun: Set<ObjectIdentifier> = []

    /// - Parameters:
    ///   - parameters: all that gradients train, in the same order on all ranks.
    ///   - tape: on which nothing is yet.
    ///   - bucketBytes: that are gathered before they leave. PyTorch waits for 25 MB, most of which is left over when the
    ///     way back ends: a ResNet's largest weights, its last, come first.
    package init(_ ranks: any Ranks, of parameters: [Parameter], on tape: Tape, bucketBytes: Int = 4 << 20) {
        self.ranks = ranks
        self.parameters = parameters
        self.bucketBytes = bucketBytes
        tape.watch(parameters) { [unowned self] in add($0) }
    }

    /// Call once the tape has run: all gradients are sums when it returns.
    package func finish() {
        // None is left but where something adds to a gradient that is no operation of the tape.
        for parameter in parameters where !begun.contains(ObjectIdentifier(parameter)) { add(parameter) }
        send()
        ranks.finishSums()
    }

    private func add(_ parameter: Variable) {
        guard let gradient = parameter.gradient else { return }
        begun.insert(ObjectIdentifier(parameter))
        bucket.append(gradient)
        size += gradient.elementCount * 4
        if size >= bucketBytes { send() }
    }

    private func send() {
        guard !bucket.isEmpty else { return }
        ranks.beginSum(bucket)
        (bucket, size) = ([], 0)
    }
}
