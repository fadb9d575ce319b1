import HLFormats
import TestSupport
import Testing

/// hl-train --eval: an encoder judged while it is trained, and where the values go.
struct EvaluationTests {
    private static let train = "hl-train -q --width 4 --backend plain --batch 8 -n 48 p.hls"

    private func workspace() throws -> Workspace {
        let space = try Workspace()
        try space.succeed(
            """
            hl-sample -n 48 --size 32 | hl-perturb --chunks 1-5 -o p.hls
            hl-sample -n 60 --size 32 --seed 5 -o a.hls; hl-sample -n 40 --size 32 --seed 6 -o b.hls
            """)
        return space
    }

    private func weights(_ space: Workspace, _ name: String) throws -> [[UInt8]] {
        try Safetensors.read(path: space.file(name)).tensors.map { $0.tensor.withUnsafeBytes { [UInt8]($0) } }
    }

    private func log(_ space: Workspace, _ name: String) throws -> [JSONValue] {
        try space.text(name).split(separator: "\n").map { try JSONValue(parsing: String($0), name: name) }
    }

    /// It draws nothing and changes nothing, comes when it is asked for and at the end, and says what hl-probe and
    /// hl-metrics say of the finished encoder.
    @Test func bitsStayAndValuesAreThoseOfTheOtherPrograms() throws {
        let space = try workspace()
        try space.succeed("\(Self.train) -o plain.safetensors")
        try space.succeed(
            "\(Self.train) -o judged.safetensors --eval a.hls --eval-test b.hls --eval-every 17 --log log --tensorboard tb"
        )
        #expect(try weights(space, "plain.safetensors") == weights(space, "judged.safetensors"))
        let judged = try log(space, "log").filter { $0["eval_knn"] != nil }
        #expect(judged.map { $0["samples"]?.integer } == [24, 40, 48])
        let last = try #require(judged.last)
        let probe = try JSONValue(
            parsing: space.succeed(
                "hl-probe -q --recipe ridge --encoder judged.safetensors --backend plain --train a.hls --test b.hls --json"
            ).text, name: "probe")
        #expect(last["eval_knn"]?.number == probe["knn"]?["top1"]?.number)
        #expect(last["eval_ridge"]?.number == probe["linear"]?["top1"]?["mean"]?.number)
        try space.succeed("hl-encode -q --encoder judged.safetensors --backend plain a.hls -o e.hls")
        let metrics = try JSONValue(
            parsing: space.succeed("hl-metrics -q --metrics rankme --json e.hls").text, name: "metrics")
        let rank = try #require(last["eval_rankme"]?.number)
        #expect(
            metrics.text.contains("\"value\":\(rank)") || metrics.text.contains("\"rankme\":\(rank)"), "\(metrics.text)"
        )
    }

    @Test func tables() throws {
        let space = try workspace()
        try space.succeed("\(Self.train) -o e.safetensors --eval a.hls --log log.csv --checkpoint-every 0")
        let rows = try space.text("log.csv").split(separator: "\n", omittingEmptySubsequences: false).map {
            $0.split(separator: ",", omittingEmptySubsequences: false)
        }
        #expect(
            rows[0].joined(separator: ",")
                == "step,samples,loss,spread,learning_rate,eval_knn,eval_ridge,eval_rankme")
        #expect(rows.dropLast().allSatisfy { $0.count == 8 } && rows.last == [""])
        // The first step has no evaluation, and the last one has.
        #expect(rows[1][0] == "1" && rows[1][5].isEmpty && rows[2][0] == "6" && Double(rows[2][5]) != nil)
        // A table of another training is not written over where it would be gone on with.
        try space.write("a,b\n1,2\n".utf8, to: "other.csv")
        let more = "\(Self.train.replacing("-n 48", with: "-n 64")) -o r.safetensors"
        try space.fail(65, "\(more) --log r.csv", saying: "the stream ended after 48 of 64 pairs")
        try space.fail(65, "\(more) --resume --log other.csv", saying: "other.csv is no table of this training")
    }

    @Test func conditionsThatStop() throws {
        let space = try workspace()
        let run = try space.run(
            "\(Self.train.replacing(" -q", with: "")) -o e.safetensors --eval a.hls --eval-every 16 --stop-when 'eval_knn>=0'"
        )
        #expect(
            run.status == 0 && run.errors.contains("after 16 pairs: --stop-when eval_knn>=0.0 ends it"), "\(run.errors)"
        )
        #expect(space.exists("e.safetensors") && !space.exists("e.safetensors.resume"))
        let refused = "\(Self.train) -o f.safetensors --stop-when"
        try space.fail(64, "\(refused) 'accuracy>1'", saying: "the training logs no number 'accuracy'")
        try space.fail(64, "\(refused) 'loss=1'", saying: "--stop-when")
        try space.fail(
            64, "\(Self.train) -o f.safetensors --eval-every 8", saying: "--eval-test and --eval-every are for --eval")
        try space.fail(
            64, "\(Self.train) -o f.safetensors --eval -", saying: "an evaluation does not read standard input")
    }

    /// A training that is stopped is an encoder already, of the step that it stands at; what it began with can be had, and it
    /// can be begun with.
    @Test func encodersOnTheWay() throws {
        let space = try workspace()
        let short = "hl-sample -n 20 --size 32 | hl-perturb --chunks 1-5 | \(Self.train.replacing(" p.hls", with: ""))"
        try space.fail(65, "\(short) --keep-every 8 -o e.safetensors", saying: "ended after 16 of 48 pairs")
        #expect(
            space.exists("e.checkpoints/000000008.safetensors") && space.exists("e.checkpoints/000000016.safetensors"))
        let embed = "hl-encode --backend plain b.hls"
        let run = try space.run("\(embed) --encoder e.safetensors.resume -o way.hls")
        #expect(run.status == 0 && run.errors.contains("is a training after 2 of 6 steps"), "\(run.errors)")
        var impossible = try Safetensors.read(path: space.file("e.safetensors.resume"))
        impossible.metadata["hl.side"] = "9000000000000000000"
        try Safetensors.write(impossible, to: space.file("x.resume"))
        try space.fail(65, "\(embed) --encoder x.resume -o x.hls", saying: "images of 9000000000000000000 pixels")
        try space.succeed("\(embed) -q --encoder e.checkpoints/000000016.safetensors -o kept.hls")
        func embeddings(_ name: String) throws -> [Int64: [UInt8]]? {
            try StreamContent(path: space.file(name)).rows["e.0"]
        }
        #expect(try embeddings("way.hls") == embeddings("kept.hls"))

        try space.succeed("\(embed) -q --untrained-of e.checkpoints/000000008.safetensors -o start.hls")
        try space.succeed("\(embed) -q --untrained --width 4 --side 32 -o own.hls")
        #expect(try embeddings("start.hls") == embeddings("own.hls"))
        #expect(try embeddings("start.hls") != embeddings("kept.hls"))

        // A rate of almost nothing leaves what the training began with, and torchvision's file has no seed.
        let further = "\(Self.train) -n 8 --learning-rate 1e-12 --momentum 0 -o f.safetensors"
        try space.succeed("\(further) --init e.checkpoints/000000016.safetensors")
        let (a, b) = (
            try convolution(space, "f.safetensors"), try convolution(space, "e.checkpoints/000000016.safetensors")
        )
        #expect(zip(a, b).allSatisfy { abs($0 - $1) < 1e-6 })
        try space.fail(
            78,
            "hl-train -q --width 8 --backend plain -n 64 p.hls --init e.checkpoints/000000016.safetensors -o g.safetensors",
            saying: "give --arch, --width and --stem as it has them")
        try space.fail(64, "\(embed) --untrained --untrained-of e.safetensors -o x.hls", saying: "contradicts")
    }

    /// MoCo's residual branches start as torchvision's, the others' at 0.
    @Test(arguments: ["moco", "byol"]) func whatATrainingBeganWith(method: String) throws {
        let space = try workspace()
        let options = method == "moco" ? " --queue 8" : ""
        try space.succeed(
            "\(Self.train) -n 8 --method \(method)\(options) --learning-rate 1e-30 --weight-decay 0 -o e.safetensors")
        let embed = "hl-encode -q --backend plain b.hls"
        try space.succeed(
            "\(embed) --untrained-of e.safetensors -o start.hls; \(embed) --untrained --width 4 --side 32 -o own.hls")
        func embeddings(_ name: String) throws -> [Int64: [UInt8]]? {
            try StreamContent(path: space.file(name)).rows["e.0"]
        }
        #expect(try (embeddings("start.hls") == embeddings("own.hls")) == (method == "byol"))
        let file = try Safetensors.read(path: space.file("e.safetensors"))
        let scales = try #require(file.tensors["backbone.layer1.0.bn2.weight"]).floats
        #expect(scales.allSatisfy { abs($0 - (method == "moco" ? 1 : 0)) < 1e-20 })
    }

    /// Labels behind the encoder that a training begins at are behind what it ends at.
    @Test func labelsOfTheBeginningAreNotForgotten() throws {
        let space = try workspace()
        try space.succeed(
            "\(Self.train.replacing("p.hls", with: "a.hls")) --method supervised --classes 10 -o s.safetensors")
        try space.succeed("\(Self.train) --init s.safetensors -o e.safetensors")
        let file = try Safetensors.read(path: space.file("e.safetensors"))
        let encoder = try JSONValue(parsing: file.metadata["hl.encoder"] ?? "", name: "hl.encoder")
        #expect(encoder["supervision"] == "the labels of its stream, where it began")
    }

    /// A training is worth more than its evaluation, and one that a condition ends is judged all the same.
    @Test func whatCannotBeJudgedGoesOn() throws {
        let space = try workspace()
        try space.succeed("hl-sample -n 1 --size 32 -o one.hls")
        try space.succeed(
            "mkdir -p ds/a ds/b; hl-view one.hls --rows 1 --columns 1 --zoom 1 --no-captions -o ds/a/0.png")
        try space.succeed("for n in 1 2 3; do cp ds/a/0.png ds/a/$n.png; cp ds/a/0.png ds/b/$n.png; done")
        try space.succeed("hl-sample --data imagefolder:ds --size 32 -o same.hls")
        let run = try space.run(
            "\(Self.train.replacing(" -q", with: "")) -o e.safetensors --eval same.hls --eval-every 16 --log log")
        #expect(run.status == 0 && run.errors.contains("the encoder cannot be judged"), "\(run.errors)")
        #expect(try log(space, "log").allSatisfy { $0["eval_knn"] == nil })
        try space.succeed(
            "\(Self.train) -o f.safetensors --eval a.hls --eval-every 1000 --stop-when 'samples>=8' --log log")
        #expect(try log(space, "log").map { $0["eval_knn"] != nil } == [true])
        let file = try Safetensors.read(path: space.file("f.safetensors"))
        let training = try JSONValue(parsing: file.metadata["hl.training"] ?? "", name: "hl.training")
        #expect(training["steps"] == 6 && training["steps_done"] == 1)
    }

    private func convolution(_ space: Workspace, _ name: String) throws -> [Float] {
        let file = try Safetensors.read(path: space.file(name))
        return try #require(file.tensors["backbone.layer1.0.conv1.weight"]).floats
    }

    @Test func setsThatSayNothing() throws {
        let space = try workspace()
        let judged = "\(Self.train) -o f.safetensors --eval"
        try space.succeed("hl-sample -n 1 --size 32 -o one.hls")
        try space.fail(65, "\(judged) one.hls", saying: "there is nothing to judge by")
        try space.fail(66, "\(judged) gone.hls", saying: "gone.hls")
    }
}
