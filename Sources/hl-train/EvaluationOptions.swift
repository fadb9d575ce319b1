import ArgumentParser
import HLCommand
import HLCompute
import HLTensor

/// How an encoder is judged while it is trained.
struct EvaluationOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Labelled stream, images or latents, on whose features the encoder is judged as it is trained: k nearest "
                + "neighbours, ridge regression and RankMe go to the progress line, --log and --tensorboard. (path; default: "
                + "none, nothing is judged)", valueName: "file"), completion: .file())
    var eval: String?

    @Option(
        help: ArgumentHelp(
            "Labelled stream that neighbours and regression are judged on. (path; default: a fifth of each class of "
                + "--eval, which they do not learn from)", valueName: "file"), completion: .file())
    var evalTest: String?

    @Option(
        help: ArgumentHelp(
            "Samples of the training between two evaluations; one comes at the end in any case. (integer from 1; default: "
                + "ten times the images that are judged, of methods with more or fewer views than two in proportion)",
            valueName: "n"))
    var evalEvery: Int?

    func validate() throws {
        try check(
            eval != nil || (evalTest == nil && evalEvery == nil), "--eval-test and --eval-every are for --eval",
            "give it too, or leave them out")
        try check(
            ![eval, evalTest].contains("-"), "an evaluation does not read standard input, which is trained on",
            "name a file")
        if let evalEvery {
            try check(evalEvery >= 1, "cannot judge every \(evalEvery) samples", "give --eval-every from 1")
        }
    }

    /// Files that are read.
    var inputs: [String] { [eval, evalTest].compactMap { $0 } }

    /// What judges, and the samples between two times.
    struct Judge {
        /// nil where another rank does it.
        let evaluation: EncoderEvaluation?
        let interval: Int
    }

    /// - Parameters:
    ///   - views: of a sample that go through the network in a step.
    ///   - group: of several processes the first judges, and the others wait for it.
    /// - Returns: nil where nothing is to be judged.
    func make(views: Int, threads: Int, group: ProcessGroup?, on backend: any Backend) throws -> Judge? {
        guard eval != nil else { return nil }
        let own = group?.isFirst ?? true ? try judge(views: views, threads: threads, on: backend) : nil
        guard let group else { return own }
        let interval = group.ofFirst(own.map { Double($0.interval) })
        return Judge(evaluation: own?.evaluation, interval: interval.map { Int($0) } ?? 1)
    }

    private func judge(views: Int, threads: Int, on backend: any Backend) throws -> Judge? {
        guard let eval else { return nil }
        let evaluation = try EncoderEvaluation(
            LabelledImages(path: eval, on: backend),
            test: try evalTest.map { try LabelledImages(path: $0, on: backend) },
            threads: threads)
        // A view's step costs three passes or more, an image's evaluation one: under 2 %.
        return Judge(
            evaluation: evaluation, interval: evalEvery ?? 20 * evaluation.passedCount / max(1, views))
    }
}
