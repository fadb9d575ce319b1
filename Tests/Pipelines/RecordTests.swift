import Foundation
import Glibc
import HLFormats
import TestSupport
import Testing

/// The records that programs keep beside their outputs.
struct RecordTests {
    private static let train = "hl-train -q --width 4 --backend plain --batch 4"

    private func record(_ space: Workspace, _ name: String) throws -> JSONValue {
        try JSONValue(parsing: space.text(name), name: name)
    }

    /// What hl-view lists, by the record's name.
    private func listed(_ space: Workspace) throws -> [String: JSONValue] {
        let runs = try JSONValue(parsing: space.succeed("hl-view --runs --json").text, name: "runs").array ?? []
        return Dictionary(uniqueKeysWithValues: runs.map { ($0["record"]?.string ?? "", $0) })
    }

    @Test func everyOutputHasOne() throws {
        let space = try Workspace()
        try space.succeed(
            """
            unset HL_RECORD
            hl-sample -n 16 --size 32 --seed 7 --clean -o a.hls
            hl-perturb --chunks 1-5 a.hls -o p.hls
            \(Self.train) -n 16 p.hls -o e.safetensors
            hl-encode --encoder e.safetensors a.hls -o e.hls
            hl-delta p.hls --figure d.png > table
            """)
        let outputs = ["a.hls", "d.png", "e.hls", "e.safetensors", "p.hls"]
        #expect(Set(try space.names()) == Set(outputs + outputs.map { $0 + ".run.json" } + ["table"]))
        for name in outputs {
            let record = try record(space, name + ".run.json")
            #expect(record["hl.run"] == "1" && record["status"] == "finished" && record["output"] == .string(name))
            #expect(record["samples"] == 16, "\(name)")
            #expect(record["cost"]?["seconds"]?.number ?? 0 > 0 && record["machine"]?["processors"]?.integer ?? 0 > 0)
        }
        let sampled = try record(space, "a.hls.run.json"), trained = try record(space, "e.safetensors.run.json")
        #expect(sampled["seed"] == 7 && sampled["streams"]?.array?[0]["generator"]?["name"] == "shapes")
        #expect(trained["settings"]?["batch"] == 4 && trained["metrics"]?["loss"]?.number != nil)
        #expect(trained["streams"]?.array?[0]["hash"]?.string.flatMap(UInt64.init) != nil)
        #expect(trained["streams"]?.array?[0]["history"]?.array?.count == 2)
        #expect(trained["versions"]?["backend"]?.string?.contains("OpenBLAS") == true)
        #expect(trained["curves"]?["loss"]?["samples"] == [4, 16] && trained["unit"] == "pairs")
    }

    /// What is written does not depend on the record.
    @Test func aRecordDecidesNothing() throws {
        let space = try Workspace()
        try space.succeed(
            """
            hl-sample -n 16 --size 32 | hl-perturb -o p.hls
            \(Self.train) -n 16 p.hls -o e.safetensors; mv e.safetensors without
            unset HL_RECORD; \(Self.train) -n 16 p.hls -o e.safetensors; cmp e.safetensors without
            \(Self.train) -n 16 p.hls -o f.safetensors --record none
            hl-sample -n 4 --record here.json > s.hls; hl-sample -n 4 -o /dev/null
            """)
        #expect(
            try space.names() == [
                "e.safetensors", "e.safetensors.run.json", "f.safetensors", "here.json", "p.hls", "s.hls", "without",
            ])
        #expect(try record(space, "here.json")["output"] == nil)
    }

    /// Killed at any moment, a run leaves a record that can be read and that says that it was cut, and one that goes on
    /// with it keeps what the parts cost.
    @Test(arguments: [0, 1, 3]) func killedRunsWereCut(checkpoints: Int) throws {
        let space = try Workspace()
        let command = "\(Self.train) -n 4000 --checkpoint-every 0 -o e.safetensors"
        let resumed = command.replacing("-q", with: "-q --resume")
        let views = "hl-sample --size 32 --batch 4 --seed 3 | hl-perturb --seed 4"
        let stalling = try space.stalling(views, after: 3000)
        let child = try space.start("unset HL_RECORD; exec \(command) < <(\(stalling))")
        let name = "e.safetensors.run.json"
        let isThere = try child.until { () -> Bool? in
            if child.poll() != nil { return false }
            return space.exists(name) && (checkpoints == 0 || space.exists("e.safetensors.resume")) ? true : nil
        }
        #expect(isThere)
        let running = try #require(try listed(space)[name])
        #expect(running["status"] == "running")
        usleep(UInt32(100_000 * checkpoints))
        child.signal(SIGKILL)
        #expect(try child.wait() == 128 + SIGKILL)
        #expect(try record(space, name)["status"] == "running")
        let cut = try #require(try listed(space)[name])
        #expect(cut["status"] == "cut" && cut["process"]?["pid"]?.integer == Int64(child.pid))
        #expect(try space.succeed("hl-view --runs").text.contains(#/hl-train +cut /#))
        guard checkpoints > 0 else { return }
        // It goes on, is asked to end, and goes on once more.
        let second = try space.start("unset HL_RECORD; exec \(resumed) < <(\(stalling))")
        let goesOn = try second.until { () -> Bool? in
            if second.poll() != nil { return false }
            return try record(space, name)["earlier"] != nil ? true : nil
        }
        #expect(goesOn)
        second.signal(SIGTERM)
        #expect(try second.wait() == 128 + SIGTERM)
        let stopped = try record(space, name)
        #expect(stopped["status"] == "stopped" && stopped["earlier"]?.array?.map { $0["status"] } == ["cut"])
        try space.succeed("unset HL_RECORD; \(resumed) < <(\(views))")
        let whole = try record(space, name), parts = try #require(whole["earlier"]?.array)
        #expect(whole["status"] == "finished" && parts.map { $0["status"] } == ["cut", "stopped"])
        #expect(whole["samples"] == 4000)
        let seconds = parts.reduce(whole["cost"]?["seconds"]?.number ?? 0) {
            $0 + ($1["cost"]?["seconds"]?.number ?? 0)
        }
        let total = try #require(try listed(space)[name]?["total_cost"]?["seconds"]?.number)
        #expect(abs(total - seconds) < 0.01)
        // The curve of the whole is in order, as if nobody had stopped it.
        let samples = whole["curves"]?["loss"]?["samples"]?.array?.compactMap(\.integer) ?? []
        #expect(samples.count > 20 && samples == samples.sorted() && Set(samples).count == samples.count)
        let times = whole["curves"]?["loss"]?["seconds"]?.array?.compactMap(\.number) ?? []
        #expect(times.count == samples.count && times == times.sorted())
    }

    @Test func failedRunsSayWhy() throws {
        let space = try Workspace()
        try space.succeed("hl-sample -n 64 --size 32 > s.hls; head -c 9000 s.hls > cut.hls")
        try space.fail(65, "unset HL_RECORD; hl-perturb cut.hls -o p.hls")
        let record = try record(space, "p.hls.run.json")
        #expect(record["status"] == "failed" && record["failure"]?.string?.contains("cut.hls") == true)
        // What is refused before any work leaves none.
        try space.fail(64, "unset HL_RECORD; hl-perturb --chunks 9 s.hls -o q.hls")
        #expect(!space.exists("q.hls.run.json"))
    }

    /// A file of somebody else is not written over, and its folder need not let us write.
    @Test func foreignFilesStay() throws {
        let space = try Workspace()
        try space.write("mine".utf8, to: "a.hls.run.json")
        let outcome = try space.run("unset HL_RECORD; hl-sample -n 4 -o a.hls")
        #expect(outcome.status == 0 && outcome.errors.contains("a.hls.run.json is there and no record of a run"))
        #expect(try space.text("a.hls.run.json") == "mine" && space.exists("a.hls"))
        try space.fail(73, "hl-sample -n 4 -o b.hls --record a.hls.run.json", saying: "no record of a run")
        try space.fail(64, "hl-sample -n 4 -o c.hls --record c.hls", saying: "the record would be written over c.hls")
        try space.fail(73, "hl-sample -n 4 -o d.hls --record nowhere/d.json", saying: "nowhere/d.json")
    }

    /// A record never takes the place of a file that somebody wants, however it is spelt, and what is refused costs no
    /// record of an earlier run.
    @Test func recordsStandInNobodysPlace() throws {
        let space = try Workspace()
        try space.succeed(
            "unset HL_RECORD; hl-sample -n 8 --size 32 -o a.hls; \(Self.train) -n 8 a.hls -o e.safetensors")
        let before = try space.text("e.safetensors.run.json")
        try space.fail(64, "hl-sample -n 4 -o b.hls --record ./b.hls", saying: "the record would be written over b.hls")
        try space.fail(
            64, "\(Self.train) -n 8 a.hls -o e.safetensors --record $PWD/e.safetensors",
            saying: "the record would be written over e.safetensors")
        let again = "unset HL_RECORD; \(Self.train) -n 8 a.hls -o e.safetensors"
        try space.fail(64, "\(again) --stop-when 'foo>1'", saying: "the training logs no number 'foo'")
        try space.fail(64, "\(again) --stop-when 'eval_knn>1'", saying: "the training logs no number 'eval_knn'")
        try space.fail(73, "\(again) --tensorboard a.hls", saying: "name another folder")
        #expect(try space.text("e.safetensors.run.json") == before)
        try space.fail(64, "\(Self.train) -n 8 a.hls -o ./a.hls", saying: "a.hls, which is read")
        try space.fail(
            64, "\(Self.train) -n 8 a.hls -o f.safetensors --emissions em.csv --log ./em.csv",
            saying: "the log would be written over em.csv")
        #expect(try space.succeed("hl-view --info a.hls").text.contains("8 in"))
    }

    /// Records are files, and may say anything.
    @Test func impossibleValuesAreNotDrawn() throws {
        let space = try Workspace()
        try space.succeed(
            "unset HL_RECORD; hl-sample -n 8 --size 32 -o a.hls; \(Self.train) -n 8 a.hls -o e.safetensors")
        let text = try space.text("e.safetensors.run.json")
        for (number, values) in ["1e308,-1e308", "5e-324,0"].enumerated() {
            let name = "x\(number).run.json"
            let edited = text.replacing(#/"loss": \{[^}]*\}/#) { _ in
                "\"loss\": {\"span\": 1, \"samples\": [4, 8], \"seconds\": [1, 2], \"values\": [\(values)]}"
            }
            #expect(edited != text, "\(text)")
            try space.write(edited.utf8, to: name)
        }
        try space.succeed("hl-view --runs . --values loss -o curves.png")
        #expect(try space.run("hl-sample -n 4 -o c.hls --watts 1e300").status == 0)
    }

    @Test func costs() throws {
        let space = try Workspace()
        let options = "--watts 65 --country ITA --emissions emissions.csv"
        let outcome = try space.run("hl-sample -n 4000 -o a.hls --record a.json \(options)")
        #expect(outcome.status == 0, "\(outcome.errors)")
        // On a machine with counters it is measured.
        #expect(
            outcome.errors.contains(/took .*of processors, .* \((measured|estimated): .*\), .* g CO2e \(ITA, Our World/)
        )
        let cost = try #require(try record(space, "a.json")["cost"]), energy = cost["energy"]
        let joules = try #require(energy?["joules"]?.number), grams = try #require(cost["carbon"]?["grams"]?.number)
        #expect(abs(grams - joules / 3.6e6 * 330.718) < 1e-3 * grams + 1e-9)
        #expect(cost["carbon"]?["source"] == "Our World in Data, 2023")
        try space.succeed("hl-sample -n 4 -o b.hls -q \(options)")
        let lines = try space.text("emissions.csv").split(separator: "\n")
        #expect(
            lines.count == 3 && lines[0].hasPrefix("timestamp,project_name,run_id,experiment_id,duration,emissions,"))
        #expect(lines[2].contains(",Italy,ITA,"))
        try space.fail(64, "hl-sample -n 4 --country XYZ", saying: "XYZ")
        try space.fail(64, "hl-sample -n 4 --country ITA --gco2 3", saying: "--gco2")
        try space.fail(64, "hl-sample -n 4 --watts 0", saying: "--watts above 0")
        try space.fail(78, "echo a,b > x.csv; hl-sample -n 4 -o c.hls --emissions x.csv", saying: "x.csv")
    }

    @Test func runsAreListedSortedAndDrawn() throws {
        let space = try Workspace()
        try space.succeed(
            """
            unset HL_RECORD; mkdir runs; hl-sample -n 64 --size 32 | hl-perturb --record none -o p.hls
            for batch in 4 8 16; do \(Self.train) --batch $batch -n 64 p.hls -o runs/$batch.safetensors; done
            """.replacing("--batch 4 --batch", with: "--batch"))
        let byBatch = try space.succeed("hl-view --runs runs --sort batch --reverse --values batch,loss").text
        let rows = byBatch.split(separator: "\n").map { $0.split(separator: " ") }
        #expect(rows.count == 4 && rows[0].suffix(2) == ["batch", "loss"])
        #expect(rows.dropFirst().map { $0[0] } == ["runs/16.safetensors", "runs/8.safetensors", "runs/4.safetensors"])
        try space.succeed(
            """
            hl-view --runs runs -o losses.png
            hl-view --runs runs/4.safetensors runs/8.safetensors.run.json --values loss,spread --against seconds -o two.png
            hl-view --runs runs --against batch --values seconds,cpu_seconds -o batches.png
            """)
        for name in ["losses.png", "two.png", "batches.png"] {
            #expect(try Image.read(path: space.file(name)).width > 800, "\(name)")
        }
        try space.fail(65, "hl-view --runs runs --values nothing -o x.png", saying: "nothing")
        try space.fail(65, "mkdir empty; hl-view --runs empty", saying: "no record")
        try space.fail(66, "hl-view --runs nowhere", saying: "nowhere")
        try space.fail(64, "hl-view --sort loss p.hls", saying: "--sort is for runs")
        try space.fail(64, "hl-view --runs --info runs", saying: "--runs")
        try space.fail(64, "hl-view --runs runs -o table.txt", saying: "FILE.png")
        try space.fail(64, "hl-view p.hls p.hls", saying: "2 streams")
    }

    /// Ten thousand records are listed without reading their curves.
    @Test func manyRunsAreListed() throws {
        let space = try Workspace()
        try space.succeed(
            """
            hl-sample -n 64 --size 32 | hl-perturb -o p.hls
            \(Self.train) -n 64 p.hls -o e.safetensors --record one.run.json
            mkdir many; for i in $(seq 2000); do cp one.run.json many/$i.run.json; done
            """)
        #expect(try space.succeed("hl-view --runs many | wc -l").text.contains("2001"))
    }

    // MARK: Files of weights

    @Test func filesOfWeightsAreDescribed() throws {
        let space = try Workspace()
        try space.succeed(
            """
            hl-sample -n 16 --size 32 | hl-perturb -o p.hls
            \(Self.train) -n 16 p.hls -o e.safetensors; hl-sample -n 64 --size 32 -o a.hls
            hl-train walker -q --chunks 5 --width 4 --backend plain --batch 4 -n 8 a.hls -o w.safetensors
            """)
        let text = try space.succeed("hl-view --info e.safetensors").text
        #expect(
            text.hasPrefix("kind       encoder, version 1\n") && text.contains("\nencoder    {\"")
                && text.contains("\"arch\":\"resnet18\""))
        #expect(
            text.contains("\nhistory    hl-sample -n 16 --size 32")
                && text.contains("backbone.conv1.weight F32 4 x 3 x 7 x 7"))
        let file = try Safetensors.read(path: space.file("e.safetensors"))
        let elements = file.tensors.reduce(0) { $0 + $1.tensor.shape.reduce(1, *) }
        #expect(text.hasSuffix(" \(elements) elements, \(file.tensors.reduce(0) { $0 + $1.tensor.byteCount }) bytes\n"))
        let json = try JSONValue(parsing: space.succeed("hl-view --json w.safetensors").text, name: "walker")
        #expect(json["kind"] == "walker" && json["training"]?["batch"] == 4)
        #expect(json["tensors"]?.array?.isEmpty == false)
        let heading = try space.succeed("hl-view --header w.safetensors").text
        #expect(heading.hasPrefix("kind       walker, version") && !heading.contains("tensor "))
    }
}
