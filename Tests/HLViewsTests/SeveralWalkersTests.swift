import Foundation
import HLCompute
import HLFormats
import HLGenerators
import HLTensor
import HLViews
import Testing

/// Walkers from their files, alone, several at a time, and with noise.
struct SeveralWalkersTests {
    private let backend: any Backend

    init() throws { backend = try CPUBackend.plain(threads: 2) }

    private func path(_ name: String) -> String {
        Bundle.module.bundleURL.appendingPathComponent("Fixtures/\(name)").path
    }

    private func expected(_ name: String) throws -> HostTensor {
        try #require(try Safetensors.read(path: path("walkers.safetensors")).tensors[name])
    }

    private func ids(_ count: Int) -> HostTensor { HostTensor((0..<Int64(count)).map { $0 }, shape: [count]) }

    private func distance(_ a: HostTensor, _ b: HostTensor) -> Float {
        zip(a.floats, b.floats).reduce(0) { max($0, abs($1.0 - $1.1)) }
    }

    /// Values of some chunks of [B, 6, 20], sample by sample.
    private func part(_ latents: HostTensor, _ chunks: Range<Int>) -> [Float] {
        (0..<latents.rowCount).flatMap { sample in
            latents.rows(sample..<sample + 1).floats[chunks.lowerBound * 20..<chunks.upperBound * 20]
        }
    }

    // MARK: Files

    @Test(arguments: [("cop_gen", "0-5"), ("chunks_2_4", "2-3")])
    func publishedFiles(_ name: String, _ chunks: String) throws {
        let walker = try Walker.load(path: path("\(name).pth"), backend: backend)
        let chosen = try walker.chunks(wanted: nil, count: 6, dimension: 20)
        #expect(chosen.text == chunks)
        let z = try expected("z")
        #expect(distance(try walker.apply(to: z, chunks: chosen), try expected(name)) < 1e-5)
    }

    /// A walker's tensors behind a prefix, in a file of that ending.
    private func foreign(_ prefixes: [String], also extra: [String] = [], ending: String = "") throws -> String {
        func values(_ shape: [Int]) -> HostTensor {
            HostTensor((0..<shape.reduce(1, *)).map { Float($0 % 7) / 10 - 0.3 }, shape: shape)
        }
        var tensors = NamedTensors()
        for prefix in prefixes {
            for (name, shape) in [("0.weight", [20, 20]), ("0.bias", [20]), ("2.weight", [20, 20]), ("2.bias", [20])] {
                tensors[prefix + name] = values(shape)
            }
        }
        for name in extra { tensors[name] = values([20]) }
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID())\(ending)").path
        try Safetensors.write(TensorFile(tensors: tensors), to: path)
        return path
    }

    /// Whatever its name, and whatever training put around the module.
    @Test(arguments: [
        "walker.", "module.walker.", "_orig_mod.module.walker.", "module._orig_mod.walker.", "walker._orig_mod.",
        "nn_walker.module.walker.",
    ])
    func wrappers(prefix: String) throws {
        for ending in ["", ".safetensors", ".pth"] {
            let path = try foreign([prefix], also: ["optimiser.step"], ending: ending)
            defer { unlink(path) }
            #expect(try Walker.load(path: path, backend: backend).dimension == 20)
        }
    }

    @Test func walkersThatAreNotApplied() throws {
        func refusal(_ prefixes: [String], also extra: [String] = []) throws -> Failure? {
            let path = try foreign(prefixes, also: extra)
            defer { unlink(path) }
            let failure = #expect(throws: Failure.self) { try Walker.load(path: path, backend: backend) }
            #expect(failure?.kind == .incompatible && failure?.what.contains(path) == true)
            return failure
        }
        let several = try refusal(["first.walker.", "second.module.walker."])
        #expect(several?.what.contains("2 walkers ('first', 'second')") == true)
        #expect(
            try refusal(["walker."], also: ["walker.4.weight"])?.what.contains("it has walker.4.weight too") == true)
        #expect(try refusal(["navigator."])?.what.contains("it has no walker.0.weight") == true)
    }

    /// A pickled module names the classes of its layers.
    @Test func activationsOtherThanReLU() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).pth").path
        defer { unlink(path) }
        var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: self.path("cop_gen.pth"))))
        let name = Array("ReLU\n".utf8)
        let place = try #require(bytes.indices.first { bytes[$0...].starts(with: name) })
        bytes.replaceSubrange(place..<place + 5, with: "GELU\n".utf8)
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let failure = #expect(throws: Failure.self) { try Walker.load(path: path, backend: backend) }
        #expect(failure?.kind == .incompatible && failure?.what.contains("Linear, GELU, Linear") == true)
        #expect(failure?.what.contains(path) == true)
    }

    @Test func filesThatAreNoWalkers() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).safetensors").path
        defer { unlink(path) }
        for (text, words) in [
            ("<html></html>", "a web page"), ("", "is empty"), ("words", "is not a walker (it starts"),
        ] {
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
            let failure = #expect(throws: Failure.self) { try Walker.load(path: path, backend: backend) }
            #expect(failure?.kind == .data && failure?.what.contains(words) == true)
        }
    }

    @Test func choices() throws {
        func choice(_ text: String, _ files: Set<String> = []) -> WalkerChoice {
            WalkerChoice(parsing: text, exists: files.contains)
        }
        #expect(choice("w.pth") == choice("w.pth", ["w.pth"]))
        #expect(choice("w.pth:1-3").path == "w.pth" && choice("w.pth:1-3").chunks?.text == "1-3")
        #expect(choice("w:1", ["w:1"]).path == "w:1" && choice("w:1", ["w:1"]).chunks == nil)
        #expect(choice("a:b:0,2").path == "a:b")
        #expect(choice("a:b").path == "a:b" && choice("w:").path == "w:" && choice("w:3-1").path == "w:3-1")
    }

    /// A file of hl-train walker, with what its metadata says.
    private func file(_ metadata: [String: String], size: Int = 20) throws -> String {
        func values(_ shape: [Int]) -> HostTensor {
            HostTensor([Float](repeating: 0.1, count: shape.reduce(1, *)), shape: shape)
        }
        let tensors: NamedTensors = [
            "walker.0.weight": values([size, size]), "walker.0.bias": values([size]),
            "walker.2.weight": values([size, size]), "walker.2.bias": values([size]),
        ]
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).safetensors").path
        try Safetensors.write(TensorFile(tensors: tensors, metadata: metadata), to: path)
        return path
    }

    @Test func metadata() throws {
        func kind(_ metadata: [String: String]) throws -> Failure.Kind? {
            let path = try file(metadata)
            defer { unlink(path) }
            do {
                _ = try Walker.load(path: path, backend: backend)
                return nil
            } catch { return (error as? Failure)?.kind }
        }
        let good = ["hl.kind": "walker", "hl.version": "1", "hl.walker": #"{"chunks":"2"}"#]
        func with(_ key: String, _ value: String) -> [String: String] { good.merging([key: value]) { $1 } }
        #expect(try kind([:]) == nil && kind(good) == nil)
        for other in ["encoder", "discriminator", "training"] {
            #expect(try kind(with("hl.kind", other)) == .incompatible)
        }
        #expect(try kind(with("hl.version", "2")) == .incompatible)
        for text in ["", "{}", #"{"chunks":"2-1"}"#, #"{"chunks":2}"#] {
            #expect(try kind(with("hl.walker", text)) == .data)
        }
        #expect(try kind(with("hl.generator", "{}")) == .data)
    }

    @Test func generators() throws {
        let digests = (String(repeating: "ab", count: 32), String(repeating: "cd", count: 32))
        func specification(_ name: String, chunks: Int = 6, digest: String? = nil) -> GeneratorSpecification {
            GeneratorSpecification(
                name: name, chunks: chunks, dimension: 20, resolution: 128, weights: digest.map { _ in "file" },
                weightsDigest: digest)
        }
        let path = try file([
            "hl.kind": "walker", "hl.version": "1", "hl.walker": #"{"chunks":"2"}"#,
            "hl.generator": specification("bigbigan", digest: digests.0).json.text,
        ])
        defer { unlink(path) }
        let walker = try Walker.load(path: path, backend: backend)
        try walker.check(for: specification("bigbigan", digest: digests.0))
        try walker.check(for: specification("bigbigan"))
        for other in [
            specification("shapes"), specification("bigbigan", chunks: 7), specification("bigbigan", digest: digests.1),
        ] {
            let failure = #expect(throws: Failure.self) { try walker.check(for: other) }
            #expect(failure?.kind == .incompatible)
        }
    }

    // MARK: Together

    @Test func twoWalkersAndNoise() throws {
        let whole = try Walker.load(path: path("cop_gen.pth"), backend: backend)
        let some = try Walker.load(path: path("chunks_2_4.pth"), backend: backend)
        let z = try expected("z")
        let noise = try RandomPerturbation(
            groups: [PerturbationGroup(parsing: "0-1:std=0.5"), PerturbationGroup(parsing: "5")], seed: 4, views: 2)
        let both = try Perturbation(noise: noise, walkers: [(some, ChunkSet(parsing: "2-3"))])
        #expect(both.viewCount == 2)
        let views = try both.apply(to: z, ids: ids(9)), noisy = try noise.apply(to: z, ids: ids(9))
        for (view, noisy) in zip(views, noisy) {
            #expect(part(view, 2..<4) == part(try some.apply(to: z, chunks: ChunkSet(parsing: "2-3")), 2..<4))
            #expect(part(view, 0..<2) == part(noisy, 0..<2) && part(view, 5..<6) == part(noisy, 5..<6))
            #expect(part(view, 4..<5) == part(z, 4..<5))
        }
        for overlapping in [noise, try RandomPerturbation(groups: [PerturbationGroup(parsing: "4")], seed: 0)] {
            let failure = #expect(throws: Failure.self) {
                try Perturbation(noise: overlapping, walkers: [(whole, ChunkSet(all: 6))])
            }
            #expect(failure?.kind == .usage && failure?.what.contains("cop_gen.pth") == true)
        }
        #expect(throws: Failure.self) { try Perturbation() }
    }

    /// One view per part, by their first chunks; noise that is the same vector in all of its own.
    @Test func sweep() throws {
        let some = try Walker.load(path: path("chunks_2_4.pth"), backend: backend)
        let z = try expected("z")
        let noise = try RandomPerturbation.sweep(
            groups: [PerturbationGroup(parsing: "5"), PerturbationGroup(parsing: "0")], seed: 4)
        let views = try Perturbation(noise: noise, walkers: [(some, ChunkSet(parsing: "2-3"))], spread: .sweep)
            .apply(to: z, ids: ids(9))
        #expect(views.count == 3)
        func steps(_ view: HostTensor, _ chunks: Range<Int>) -> [Float] {
            zip(part(view, chunks), part(z, chunks)).map(-)
        }
        #expect(part(views[0], 1..<6) == part(z, 1..<6) && part(views[2], 0..<5) == part(z, 0..<5))
        #expect(distance(views[1], try expected("chunks_2_4")) < 1e-5)
        for (a, b) in zip(steps(views[0], 0..<1), steps(views[2], 5..<6)) { #expect(abs(a - b) < 1e-5 && a != 0) }
    }

    /// Noise and walkers on the same chunks, in views of their own: groups first, then walkers, as they are given.
    @Test func viewsOfTheirOwn() throws {
        let some = try Walker.load(path: path("chunks_2_4.pth"), backend: backend)
        let z = try expected("z")
        let noise = try RandomPerturbation.each(
            of: [PerturbationGroup(parsing: "5"), PerturbationGroup(parsing: "2-5")], seed: 4)
        let views = try Perturbation(noise: noise, walkers: [(some, ChunkSet(parsing: "2-3"))], spread: .each)
            .apply(to: z, ids: ids(9))
        #expect(views.count == 3)
        let alone = try noise.apply(to: z, ids: ids(9))
        #expect(views[0].floats == alone[0].floats && views[1].floats == alone[1].floats)
        #expect(distance(views[2], try expected("chunks_2_4")) < 1e-5)
    }

    @Test func aPositiveDependsOnItsAnchorAlone() throws {
        let walker = try Walker.load(path: path("cop_gen.pth"), backend: backend), z = try expected("z")
        let rows = (0..<2100).map { $0 % 9 }
        let many = try walker.apply(to: z.gather(rows), chunks: ChunkSet(all: 6)).reshaped([2100, 120])
        for sample in 0..<9 {
            let one = try walker.apply(to: z.rows(sample..<sample + 1), chunks: ChunkSet(all: 6))
            for row in stride(from: sample, to: 2100, by: 9) { #expect(many.rows(row..<row + 1).floats == one.floats) }
        }
    }

    @Test func numbersThatAreNone() throws {
        let walker = try Walker.load(path: path("cop_gen.pth"), backend: backend)
        var values = try expected("z").floats
        values[3 * 120 + 50] = .infinity
        let z = HostTensor(values, shape: [9, 6, 20])
        let failure = #expect(throws: Failure.self) {
            try Perturbation(walkers: [(walker, ChunkSet(all: 6))]).apply(to: z, ids: ids(9))
        }
        #expect(failure?.kind == .data && failure?.what.contains("sample 3 ") == true)
        // Large, but numbers.
        let large = HostTensor([Float](repeating: 3e38, count: 120), shape: [1, 6, 20])
        try large.requireFinite("z.0", ids: ids(1))
    }
}
