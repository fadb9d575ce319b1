import Foundation
import HLFormats
import HLTensor
import OperationCases
import TestSupport
import Testing

/// Recipes of hl-probe on embeddings made by hand: one place for each class, and noise.
struct ProbeRecipeTests {
    private static let lbfgs = "hl-probe --recipe lbfgs --backend plain -k 3"

    /// Embeddings of labels `labels`: 1 at the place of the first letter of the class, and noise from 0 to `noise`.
    private func set(
        _ space: Workspace, _ name: String, _ labels: [Int64], kind: String = "imagefolder",
        classes: [String] = ["ant", "bee", "cat"], noise: Float = 0.3, width: Int = 6,
        scale: Float = 1, bad: Int? = nil
    ) throws {
        let uniform = Formula.uniform("probe.\(name)", labels.count * width)
        var values = uniform.indices.map { index -> Float in
            let place = Int(classes[Int(labels[index / width])].utf8.first ?? 0) - Int(UInt8(ascii: "a"))
            return scale * ((index % width == place ? 1 : 0) + noise * uniform[index])
        }
        if let bad { values[bad * width] = .nan }
        let tensors: NamedTensors = [
            "id": HandMade.ids(labels.count), "y": HostTensor(labels, shape: [labels.count]),
            "e.0": HostTensor(values, shape: [labels.count, width]),
        ]
        try HandMade.stream(
            to: space.file("\(name).hls"), generator: nil,
            data: [
                "kind": .string(kind), "directory": "d", "split": .string(name),
                "classes": .array(classes.map { .string($0) }),
            ], tensors)
    }

    private func labels(_ count: Int, _ classes: Int = 3) -> [Int64] { (0..<count).map { Int64($0 % classes) } }

    private func report(_ space: Workspace, _ command: String) throws -> JSONValue {
        try JSONValue(parsing: try space.succeed("\(command) --json").text, name: "report")
    }

    @Test func everyRecipeTellsClassesApartAndSaysHow() throws {
        let space = try Workspace()
        try set(space, "train", labels(60))
        try set(space, "test", labels(30))
        let sets = "--train train.hls --test test.hls"
        for (name, arguments, seeds) in [
            ("paper", "", 5), ("copgen", "", 1), ("mlvgm", "", 5), ("lbfgs", "", 1),
        ] {
            let report = try report(space, "hl-probe --recipe \(name) --backend plain -k 3 \(arguments) \(sets)")
            #expect(report["recipe"]?.string == name)
            #expect(report["linear"]?["top1"]?["mean"]?.number == 100)
            #expect(report["linear"]?["seeds"]?.array?.count == seeds)
            #expect(report["per_class"]?.array?.map { $0["accuracy"]?.number } == [100, 100, 100])
        }
        let first = try space.succeed("hl-probe --backend plain --seeds 1 --epochs 2 \(sets)").output
        #expect(
            first == (try space.succeed("hl-probe --recipe paper --backend plain --seeds 1 --epochs 2 \(sets)").output))
        let rates = try report(space, "hl-probe --recipe copgen --batch 64 --epochs 2 -k 3 \(sets)")
        #expect(rates["linear"]?["settings"]?["learning_rate"]?.number == 0.5)
        #expect(rates["linear"]?["settings"]?["initial"]?.string == "U(-1/sqrt(d), 1/sqrt(d))")
        // The rates of whole recipes are for their own batches.
        for (name, rate, last) in [("paper", 30.0, 0.0), ("copgen", 1.75, 0.014), ("mlvgm", 30, 3)] {
            let settings = try report(
                space, "hl-probe --recipe \(name) --backend plain --epochs 1 --seeds 1 -k 3 \(sets)")
            #expect(settings["linear"]?["settings"]?["learning_rate"]?.number == rate, "\(name)")
            #expect(settings["linear"]?["settings"]?["final_rate"]?.number == last, "\(name)")
        }
        #expect(rates["linear"]?["settings"]?["final_rate"]?.number == 0.004)
        #expect(rates["linear"]?["settings"]?["reported"]?.string == "best epoch on the test set")
        #expect(rates["linear"]?["reported_epochs"]?.array?.count == 1)
        let normalised = try report(space, "hl-probe --batch-norm --learning-rate 1 -k 3 \(sets)")
        #expect(normalised["linear"]?["top1"]?["mean"]?.number == 100)
        #expect(normalised["linear"]?["settings"]?["batch_norm"]?.string == "without affine part")
    }

    @Test(arguments: [
        ("--recipe lbfgs --epochs 3", "--epochs is no option of --recipe lbfgs"),
        ("--recipe lbfgs --batch-norm", "--batch-norm is no option of --recipe lbfgs"),
        ("--penalty 1", "--penalty is no option of --recipe paper"),
        ("--recipe copgen --shots 1", "--shots is no option of --recipe copgen"),
        ("--recipe mine", "there is no recipe 'mine'"), ("--metric f1", "there is no metric 'f1'"),
        ("--recipe lbfgs --penalty 0", "'0' is no penalty"), ("--recipe lbfgs --penalty 1,,2", "'' is no penalty"),
        ("--recipe lbfgs --shots 0", "cannot learn from '0' samples"),
        ("--recipe lbfgs --validation-share 1", "cannot choose on 1.0 of the samples"),
        ("--recipe lbfgs --validation v --validation-share 0.5", "--validation-share contradicts --validation"),
        ("--recipe lbfgs --validation -", "cannot be two sets"), ("--confusion c.jpg", "ends in .png or .tsv"),
        ("--unmatched guess", "there is no way 'guess'"),
    ])
    func optionsOfOthersAndValuesOutOfRangeAreRefused(options: String, message: String) throws {
        try Workspace().fail(64, "hl-probe --train - --test test.hls \(options) < /dev/null", saying: message)
    }

    @Test func theMetricIsThatOfTheDataSet() throws {
        let space = try Workspace()
        for (kind, expected) in [
            ("pets", "mean_per_class"), ("caltech101", "mean_per_class"), ("dtd", "top1"), ("voc", "top1"),
        ] {
            try set(space, "train", labels(30), kind: kind)
            try set(space, "test", labels(12), kind: kind)
            let report = try report(space, "\(Self.lbfgs) -q --train train.hls --test test.hls")
            #expect(report["metric"]?["name"]?.string == expected, "\(kind)")
            let given = try self.report(
                space, "\(Self.lbfgs) -q --train train.hls --test test.hls --metric mean-per-class")
            #expect(
                given["metric"]?["name"]?.string == "mean_per_class" && given["metric"]?["from"]?.string == "--metric")
        }
    }

    @Test func penaltiesShotsAndValidationAreReported() throws {
        let space = try Workspace()
        try set(space, "train", labels(60), noise: 1.2)
        try set(space, "val", labels(30), noise: 1.2)
        try set(space, "test", labels(90), noise: 1.2)
        let sets = "--train train.hls --test test.hls"
        let drawn = try report(space, "\(Self.lbfgs) \(sets) --shots 1,5 --seeds 3")
        let fits = try #require(drawn["linear"]?["fits"]?.array)
        #expect(fits.count == 3 && fits[0]["path"]?.array?.count == 45)
        #expect(fits[0]["validation_samples"]?.integer == 12 && fits[0]["fitted_samples"]?.integer == 60)
        #expect(fits.allSatisfy { $0["end"]?.string == "converged" })
        let shots = try #require(drawn["shots"]?.array)
        #expect(shots.map { $0["shots"]?.integer } == [1, 5])
        #expect(shots[0]["fits"]?.array?.map { $0["penalty"]?.number } == [1, 1, 1])
        #expect(shots[1]["fits"]?.array?.map { $0["fitted_samples"]?.integer } == [15, 15, 15])
        #expect(shots[1]["score"]?["interval95"]?.array?.count == 2)
        let chosen = try report(space, "\(Self.lbfgs) \(sets) --validation val.hls")
        #expect(chosen["linear"]?["fits"]?.array?[0]["fitted_samples"]?.integer == 90)
        #expect(chosen["validation"]?["samples"]?.integer == 30)
        let given = try report(space, "\(Self.lbfgs) \(sets) --penalty 0.5")
        #expect(given["linear"]?["fits"]?.array?[0]["C"]?.number == 2)
        try space.fail(64, "\(Self.lbfgs) \(sets) --penalty 0.5 --seeds 2", saying: "give the same classifier")
        try space.fail(78, "\(Self.lbfgs) \(sets) --validation train.hls", saying: "train and validation set share 60")
        let hasty = try space.run("\(Self.lbfgs) \(sets) --penalty 0.0001 --iterations 1")
        #expect(hasty.status == 0)
        #expect(hasty.errors.contains("has not converged") && hasty.text.contains("not converged"))
    }

    @Test func theConfusionIsWrittenAsPictureAndTable() throws {
        let space = try Workspace()
        try set(space, "train", labels(30))
        try set(space, "test", labels(12))
        let probe = "\(Self.lbfgs) --train train.hls --test test.hls --penalty 1"
        let table = try space.succeed("\(probe) --confusion c.tsv --per-class && cat c.tsv").text
        #expect(table.contains("class\tant\tbee\tcat\nant\t4\t0\t0\nbee\t0\t4\t0\ncat\t0\t0\t4\n"))
        let bee = table.split(separator: "\n").first { $0.hasPrefix("bee ") }
        #expect(bee?.split(separator: " ") == ["bee", "4", "100.00"])
        #expect(
            try report(space, probe)["confusion"]?.array?.map { $0.array?.map(\.integer) } == [
                [4, 0, 0], [0, 4, 0], [0, 0, 4],
            ])
        try space.succeed("\(probe) --confusion c.png")
        let image = try space.bytes("c.png").withUnsafeBytes { try Image(png: $0, name: "c.png") }
        #expect(image.width > 100)
    }

    /// The square of many classes does not stand in JSON, and is no picture; a table has it.
    @Test func theConfusionOfManyClasses() throws {
        let space = try Workspace()
        let names = (0..<1001).map { "a\($0)" }
        for name in ["train", "test"] { try set(space, name, labels(1001, 1001), classes: names) }
        let probe = "\(Self.lbfgs) -q --train train.hls --test test.hls --penalty 1 --iterations 2"
        let report = try report(space, "\(probe) --confusion c.tsv")
        #expect(report["confusion"] == .null && report["per_class"]?.array?.count == 1001)
        let lines = try String(decoding: space.bytes("c.tsv"), as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 1002 && lines.allSatisfy { $0.count { $0 == "\t" } == 1001 })
        try space.fail(64, "\(probe) --confusion c.png", saying: "a figure cannot show a confusion of 1001 classes")
    }

    @Test func badSetsAreRefusedByName() throws {
        let space = try Workspace()
        try set(space, "train", labels(30))
        try set(space, "test", labels(12))
        try set(space, "one", [Int64](repeating: 1, count: 9))
        try set(space, "two", labels(20, 2))
        try set(space, "nan", labels(12), bad: 7)
        try set(space, "single", labels(3))
        try set(space, "wide", labels(12), width: 7)
        let test = "\(Self.lbfgs) --test test.hls --train"
        try space.fail(65, "\(test) one.hls", saying: "the train set has one class only")
        try space.fail(65, "\(test) nan.hls", saying: "the train set's embedding of sample 7 holds a NaN")
        try space.fail(
            65, "\(Self.lbfgs) --train train.hls --test nan.hls", saying: "the test set's embedding of sample 7")
        try space.fail(65, "\(test) single.hls", saying: "no class of the train set has two samples")
        try space.succeed("\(test) single.hls --penalty 1")
        try space.succeed("\(test) single.hls --validation train.hls")
        try space.fail(78, "\(test) wide.hls", saying: "a train sample is F32 [7] and a test sample F32 [6]")
        try space.fail(65, "\(test) train.hls --shots 11", saying: "no class of the train set has 11 samples")
        #expect(
            try space.run("\(test) two.hls").errors.contains(
                "the train set lacks 1 class of the test set, such as cat: their samples count as errors"))
        try space.fail(78, "\(test) two.hls --unmatched refuse", saying: "such as cat: give --unmatched leave-out")
        try space.fail(65, "\(test) train.hls --metric map11", saying: "a set has no y.all")
        try set(space, "huge", labels(12), noise: 1e25)
        try space.fail(65, "\(test) huge.hls", saying: "too large for a regression")
        for penalty in ["1e-310", "0", "nan", "1e31"] {
            try space.fail(64, "\(test) train.hls --penalty \(penalty)", saying: "is no penalty")
        }
        try space.fail(
            64, "hl-probe --backend plain -k 3 --test test.hls --train train.hls --batch 1 --batch-norm",
            saying: "a batch norm cannot normalise")
        try set(space, "cats", labels(6).map { _ in 2 })
        try set(space, "pairs", labels(30, 2))
        try space.fail(
            65, "\(Self.lbfgs) -q --train train.hls --validation cats.hls --test pairs.hls --unmatched leave-out",
            saying: "no sample of the validation set is left")
    }

    /// Of small features the gradient is small wherever one is: a fit goes on as long as its steps help, and --tolerance
    /// says how long that is.
    @Test func smallFeaturesAreLearntFrom() throws {
        let space = try Workspace()
        try set(space, "train", labels(60), scale: 1e-4)
        try set(space, "test", labels(30), scale: 1e-4)
        func fit(_ options: String) throws -> (steps: Int64, top1: Double) {
            let report = try report(
                space,
                "\(Self.lbfgs) --train train.hls --test test.hls --penalty 1e-9 --validation-share 0.2 \(options)")
            return (
                try #require(report["linear"]?["fits"]?.array?.first?["iterations"]?.integer),
                try #require(report["linear"]?["top1"]?["mean"]?.number)
            )
        }
        let fine = try fit(""), coarse = try fit("--tolerance 0.1")
        #expect(fine.top1 == 100 && coarse.steps > 0 && coarse.steps < fine.steps, "\(coarse) \(fine)")
    }

    @Test func aSetIsTestedOnAnotherWhereNamesAgree() throws {
        let space = try Workspace()
        try set(space, "train", labels(40, 4), classes: ["ant", "bee", "cat", "dog"])
        try set(space, "test", labels(30), kind: "webdataset", classes: ["cat", "eel", "bee"])
        let report = try report(space, "\(Self.lbfgs) -q --train train.hls --test test.hls --unmatched leave-out")
        let names = try #require(report["unmatched"]?["classes"]?.array).compactMap(\.string)
        #expect(Set(names) == ["ant", "dog", "eel"])
        #expect(
            report["unmatched"]?["train_samples"]?.integer == 20 && report["unmatched"]?["test_samples"]?.integer == 10)
        #expect(report["per_class"]?.array?.map { $0["class"]?.string } == ["bee", "cat"])
        #expect(report["linear"]?["top1"]?["mean"]?.number == 100 && report["test"]?["samples"]?.integer == 20)
    }

    /// Class c is shown where place c of the embedding says so.
    @Test func samplesThatShowSeveralClassesAreRanked() throws {
        let space = try Workspace()
        func several(_ name: String, _ count: Int) throws {
            let marks: [UInt8] = (0..<count).flatMap { (sample: Int) -> [UInt8] in
                let third = sample % 5 == 0 ? 255 : sample / 4 % 2
                return [UInt8(sample % 2), UInt8(sample / 2 % 2), UInt8(third)]
            }
            let noise = Formula.uniform("several.\(name)", count * 3)
            let values: [Float] = zip(marks, noise).map { (mark: UInt8, noise: Float) -> Float in
                (mark == 1 ? 1 : 0) + 0.5 * noise
            }
            try HandMade.stream(
                to: space.file("\(name).hls"), generator: nil,
                data: [
                    "kind": "voc", "directory": "d", "split": .string(name), "classes": ["a", "b", "c"],
                ],
                [
                    "id": HandMade.ids(count), "y": HostTensor([Int64](repeating: 0, count: count), shape: [count]),
                    "y.all": HostTensor(.u8, shape: [count, 3]) { $0.copyBytes(from: marks) },
                    "e.0": HostTensor(values, shape: [count, 3]),
                ])
        }
        try several("train", 80)
        try several("test", 40)
        // One sample shows what it shows, and no other does not: no class has an average precision.
        try several("one", 1)
        try space.fail(
            65, "\(Self.lbfgs) -q --train train.hls --test test.hls --validation one.hls",
            saying: "the validation samples have no map11")
        let report = try report(space, "\(Self.lbfgs) --train train.hls --test test.hls")
        #expect(report["metric"]?["name"]?.string == "map11" && report["linear"]?["score"]?["mean"]?.number == 100)
        #expect(report["per_class"]?.array?.map { $0["average_precision"]?.number } == [100, 100, 100])
        #expect(report["per_class"]?.array?.map { $0["samples"]?.integer } == [20, 20, 16])
        try space.fail(
            64, "hl-probe --metric map11 --train train.hls --test test.hls",
            saying: "--metric map11 is for --recipe lbfgs")
        try space.fail(
            64, "\(Self.lbfgs) --train train.hls --test test.hls --shots 1",
            saying: "--shots is for samples of one label")
    }

    @Test func threadsChangeNothingThatIsReported() throws {
        let space = try Workspace()
        try set(space, "train", labels(60), noise: 2)
        try set(space, "test", labels(30), noise: 2)
        let probe = "\(Self.lbfgs) --train train.hls --test test.hls --json"
        #expect(try space.succeed("\(probe) --threads 1").output == space.succeed("\(probe) --threads 2").output)
    }
}
