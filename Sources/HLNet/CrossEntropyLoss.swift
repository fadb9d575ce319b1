import HLCompute

/// Mean cross-entropy of softmax(logits) against class labels, torch.nn.functional.cross_entropy
/// (https://pytorch.org/docs/stable/generated/torch.nn.functional.cross_entropy.html).
package enum CrossEntropyLoss {
    /// - Parameters:
    ///   - logits: [B, classes].
    ///   - labels: B labels below the number of classes.
    /// - Returns: the losses of the rows, [B], whose mean is the loss; the gradient is seeded on `logits`.
    package static func apply(_ logits: Variable, labels: [Int32], _ pass: Pass) -> Tensor {
        let (losses, gradient) = pass.backend.crossEntropy(
            logits.value, targets: pass.backend.indices(labels), excluded: nil, scale: 1,
            weight: 1 / Float(pass.overall(labels.count)))
        pass.tape.seed(logits, gradient: gradient)
        return losses
    }
}
