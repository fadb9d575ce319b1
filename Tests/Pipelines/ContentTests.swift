import Foundation
import HLFormats
import HLTensor
import TestSupport
import Testing

/// hl-delta --classifier and the files of hl-probe -o.
struct ContentTests {
    private func json(_ text: String) throws -> JSONValue { try JSONValue(parsing: text, name: "json") }

    private func stream(_ space: Workspace, _ name: String) throws -> [String: [Float]] {
        let reader = try StreamReader(path: space.file(name))
        var result: [String: [Float]] = [:]
        while let batch = try reader.next() {
            for (name, tensor) in batch.tensors {
                let values =
                    tensor.type == .u8
                    ? tensor.withUnsafeElements(as: UInt8.self) { $0.map { Float($0) } }
                    : tensor.type == .i64 ? tensor.integers.map { Float($0) } : tensor.floats
                result[name, default: []] += values
            }
        }
        return result
    }

    /// W e + b of every row, and which is the greatest.
    private func classes(_ embeddings: [Float], _ file: TensorFile) throws -> [Int] {
        let weight = try #require(file.tensors["fc.weight"]), bias = try #require(file.tensors["fc.bias"]).floats
        let (count, d, w) = (weight.shape[0], weight.shape[1], weight.floats)
        return stride(from: 0, to: embeddings.count, by: d).map { start in
            let scores = (0..<count).map { label in
                var sum = Double(bias[label])
                for column in 0..<d { sum += Double(w[label * d + column]) * Double(embeddings[start + column]) }
                return sum
            }
            return scores.indices.max { scores[$0] < scores[$1] } ?? 0
        }
    }

    /// Of rows of `size` numbers each.
    private func meanDistance(_ a: [Float], _ b: [Float], size: Int) -> Double {
        var total = 0.0
        for start in stride(from: 0, to: a.count, by: size) {
            var square = 0.0
            for index in start..<start + size {
                let step = Double(a[index]) - Double(b[index])
                square += step * step
            }
            total += square.squareRoot()
        }
        return total / Double(a.count / size)
    }

    /// Every number of the report against what embeddings, weights and pixels say by themselves.
    @Test func countsAreThoseOfTheStreamsOwnTensors() throws {
        let space = try Workspace()
        try space.succeed(
            """
            hl-sample --clean --size 32 --seed 9 -n 512 > train.hls; hl-sample --clean --size 32 --seed 10 -n 150 > test.hls
            hl-train -q --method supervised --width 4 --stem cifar --batch 32 -n 512 -o c.safetensors train.hls
            hl-sample --size 32 -n 150 |
                hl-perturb --redraw --each --group 0 --group 5 --group 1-5 --render > views.hls
            hl-delta -q --classifier c.safetensors --test test.hls --json --figure f.png views.hls > content.json
            hl-encode -q --encoder c.safetensors --view all views.hls > e.hls
            hl-encode -q --encoder c.safetensors test.hls > t.hls
            """)
        let report = try json(space.text("content.json")), values = try stream(space, "e.hls")
        let file = try Safetensors.read(path: space.file("c.safetensors"))
        let anchors = try classes(try #require(values["e.0"]), file), pixels = try #require(values["x.0"])
        let entries = try #require(report["views"]?.array)
        #expect(entries.compactMap { $0["chunks"]?.string } == ["0", "5", "1-5"])
        #expect(entries.allSatisfy { $0["by"]?.string == "redrawn" } && report["samples"]?.integer == 150)
        for (number, entry) in zip(1..., entries) {
            let labels = try classes(try #require(values["e.\(number)"]), file)
            let kept = zip(labels, anchors).filter { $0 == $1 }.count
            #expect(
                entry["kept"]?["count"]?.integer == Int64(kept) && entry["kept"]?["share"]?.number == Double(kept) / 150
            )
            let ends = entry["kept"]?["interval"]?.array?.compactMap(\.number)
            let interval = try #require(ends)
            #expect(interval[0] < Double(kept) / 150 && interval[1] > Double(kept) / 150)
            let size = pixels.count / 150, other = try #require(values["x.\(number)"])
            var sum = 0.0
            for (a, b) in zip(pixels, other) { sum += Double(abs(a - b)) }
            let change = sum / 255 / Double(size * 150)
            #expect(abs((entry["change"]?["mean"]?.number ?? 0) - change) < 1e-9)
            let (z, moved) = (try #require(values["z.0"]), try #require(values["z.\(number)"]))
            let mean = meanDistance(z, moved, size: 120)
            #expect(abs((entry["delta"]?["mean"]?.number ?? 0) - mean) < 1e-4)
        }
        let counts = (0..<10).map { label in anchors.filter { $0 == label }.count }
        #expect(report["classes"]?.array?.compactMap { $0["anchors"]?.integer } == counts.map { Int64($0) })
        let chance = Double(counts.map { $0 * ($0 - 1) }.reduce(0, +)) / (150 * 149)
        #expect(abs((report["chance"]?["share"]?.number ?? 0) - chance) < 1e-12)
        // The error on labelled images.
        let test = try stream(space, "t.hls")
        let told = try classes(try #require(test["e.0"]), file),
            right = zip(told, try #require(test["y"])).filter {
                Float($0) == $1
            }.count
        #expect(report["test"]?["count"]?.integer == Int64(right) && report["test"]?["images"]?.integer == 150)
        let figure = try space.bytes("f.png").withUnsafeBytes { try Image(png: $0, name: "f.png") }
        #expect(figure.width > 800 && figure.height > 200)
        // For people, from latents that are rendered here, the same.
        let text = try space.succeed(
            """
            hl-sample --size 32 -n 150 | hl-perturb --redraw --each --group 0 --group 5 --group 1-5 |
                hl-delta -q --classifier c.safetensors --test test.hls
            """
        ).text
        let share = try #require(entries[2]["kept"]?["share"]?.number)
        #expect(text.contains("chunks") && text.contains(" 1-5 ") && text.contains(fixed(100 * share, 2)), "\(text)")
        #expect(
            text.contains("is wrong on \(fixed(100 * (1 - Double(right) / 150), 2)) % of the 150 images"), "\(text)")
    }

    /// A probe's classifier says of the test set what the probe said, whatever the features were scaled by, and its file is
    /// an encoder too.
    @Test(
        arguments: ["--recipe paper --passes 0 --epochs 5 --learning-rate 0.5", "--recipe lbfgs --penalty 1"],
        ["raw", "unit", "standard"])
    func probesClassifier(recipe: String, features: String) throws {
        let space = try Workspace()
        try space.succeed(
            """
            hl-sample --clean --size 32 --seed 9 -n 300 > train.hls; hl-sample --clean --size 32 --seed 10 -n 120 > test.hls
            hl-probe -q --train train.hls --test test.hls --untrained --width 8 --side 32 \(recipe) --features \(features) \
                --seed 4 -o c.safetensors --json > probe.json
            hl-sample --size 32 -n 20 | hl-perturb > views.hls
            hl-delta -q --classifier c.safetensors --test test.hls --json views.hls > content.json
            hl-encode -q --encoder c.safetensors test.hls | hl-view --header > a
            hl-encode -q --untrained --width 8 --side 32 --seed 4 test.hls | hl-view --header > b
            """)
        let probe = try json(space.text("probe.json")), content = try json(space.text("content.json"))
        let top = try #require(probe["linear"]?["top1"]?["values"]?.array?.first?.number)
        #expect(abs(100 * (content["test"]?["share"]?.number ?? 0) - top) < 1e-3, "\(recipe) \(features)")
        let fingerprint = /"fingerprint":"([0-9a-f]+)"/
        #expect(
            try space.text("a").firstMatch(of: fingerprint)?.output.1
                == space.text("b").firstMatch(of: fingerprint)?.output.1)
        let file = try Safetensors.read(path: space.file("c.safetensors"))
        let about = try json(try #require(file.metadata["hl.classifier"]))
        #expect(about["classes"]?.array?.count == 10 && about["test"]?["samples"]?.integer == 120)
        #expect(about["features"]?.string == (features == "unit" ? "unit" : "raw"))
    }

    /// A walker beside noise on the chunk that it moves.
    @Test func walkersHaveViewsOfTheirOwn() throws {
        let space = try Workspace()
        try space.succeed(
            """
            hl-sample --size 32 | hl-train walker -q --chunks 2 --width 4 --batch 16 -n 64 -o w.safetensors
            hl-sample --clean --size 32 -n 64 | hl-train -q --method supervised --width 4 --batch 16 -n 64 -o c.safetensors
            hl-sample --size 32 -n 30 | hl-perturb --each --group 2 --walker w.safetensors |
                hl-delta -q --classifier c.safetensors --json > content.json
            """)
        let views = try #require(try json(space.text("content.json"))["views"]?.array)
        #expect(views.compactMap { $0["chunks"]?.string } == ["2", "2"])
        #expect(views[0]["by"]?.string == "noise" && views[1]["by"]?.string == "w.safetensors")
        let means = views.compactMap { $0["delta"]?["mean"]?.number }
        #expect(means[1] > 0 && means[0] > means[1])
    }

    @Test func refusals() throws {
        let space = try Workspace()
        try space.succeed(
            """
            hl-sample --size 32 -n 16 > a.hls; hl-perturb a.hls > p.hls
            hl-train -q --width 4 --batch 8 -n 16 -o e.safetensors p.hls
            hl-train -q --method supervised --classes 10 --width 4 --batch 8 -n 16 -o c.safetensors a.hls
            """)
        try space.fail(78, "hl-delta --classifier e.safetensors p.hls", saying: "hl-probe -o")
        try space.fail(66, "hl-delta --classifier missing.safetensors p.hls", saying: "missing")
        try space.fail(65, "hl-delta --classifier c.safetensors a.hls", saying: "no views")
        try space.fail(64, "hl-delta --test a.hls p.hls", saying: "--classifier")
        try space.fail(64, "hl-delta --classifier c.safetensors --pairs p.hls", saying: "--pairs")
        try space.fail(64, "hl-delta --classifier c.safetensors --view 1 p.hls", saying: "--view")
        try space.fail(64, "hl-probe --train a.hls --test a.hls -o c.safetensors", saying: "--encoder")
        try space.fail(64, "hl-perturb --sweep --each a.hls", saying: "--each")
        try space.fail(64, "hl-perturb --each --views 2 a.hls", saying: "--views")
        try space.fail(64, "hl-perturb --group 1 --group 1-2 a.hls", saying: "two groups")
    }
}
