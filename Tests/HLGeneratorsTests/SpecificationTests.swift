import Foundation
import HLFormats
import HLGenerators
import HLTensor
import Testing

/// Generators in a stream's header, and what the renderer makes of them.
struct SpecificationTests {
    private func parsed(_ text: String) throws -> GeneratorSpecification {
        try GeneratorSpecification(json: JSONValue(parsing: text, name: "header"))
    }

    private func roundTrip(_ specification: GeneratorSpecification) throws {
        #expect(try parsed(specification.json.text) == specification)
    }

    @Test func everythingComesBack() throws {
        for name in ["shapes", "bigbigan", "stylegan2"] { try roundTrip(.named(name)) }
        try roundTrip(.named("shapes", resolution: 32, options: ["--clean": true]))
        try roundTrip(
            .external(command: "python3 render.py", latent: LatentShape(chunks: 3, dimension: 7), resolution: 64))
        var settings = RenderingSettings()
        settings.classIndex = 17
        settings.psi = 0.7
        settings.cutoff = 8
        settings.noise = .random
        settings.noiseSeed = .max
        settings.crop = 384
        settings.size = 128
        settings.filter = .bilinear
        settings.precision = .bf16
        try roundTrip(
            GeneratorSpecification(
                name: "stylegan2", chunks: 1, dimension: 512, mapped: LatentShape(chunks: 16, dimension: 512),
                resolution: 128, weights: "cars.pkl", weightsDigest: String(repeating: "0a", count: 32),
                rendering: settings))
        settings.noise = .none
        settings.noiseSeed = 3
        try roundTrip(
            GeneratorSpecification(
                name: "bigbigan", chunks: 6, dimension: 20, resolution: 128, rendering: settings))
    }

    /// Defaults are not written, so that the headers of version 0.1.0 and later ones join.
    @Test func headersOfEarlierVersionsAgree() throws {
        let old = #"{"name":"shapes","chunks":6,"dimension":20,"resolution":64,"latent":"z"}"#
        #expect(try GeneratorSpecification.named("shapes").json.text == old)
        #expect(try parsed(old) == .named("shapes"))
        let network = #"{"name":"bigbigan","chunks":6,"dimension":20,"resolution":128,"latent":"z"}"#
        #expect(try GeneratorSpecification.named("bigbigan").json.text == network)
    }

    @Test func layersOfStyleGAN2() throws {
        for (side, layers) in [(8, 4), (64, 10), (512, 16), (1024, 18)] {
            let specification = try GeneratorSpecification.named("stylegan2", resolution: side)
            #expect(specification.mapped == LatentShape(chunks: layers, dimension: 512))
            #expect(specification.shape(in: .z) == LatentShape(chunks: 1, dimension: 512))
        }
        #expect(try GeneratorSpecification.named("bigbigan").shape(in: .w) == nil)
    }

    @Test(arguments: [
        #""chunks":0"#, #""chunks":"6""#, #""dimension":70000"#, #""resolution":-1"#, #""layers":16"#, #""width":512"#,
        #""layers":0,"width":512"#, #""weights":"""#, #""weights":7"#, #""sha256":"abc""#,
        #""sha256":"\#(String(repeating: "G", count: 64))""#, #""clean":"yes""#, #""class":-1"#, #""class":1.5"#,
        #""content":3"#, #""has_seen_labels":"no""#, #""psi":"0.7""#, #""psi":1e999"#, #""cutoff":-1"#,
        #""noise":"some""#, #""noise":1"#, #""noise_seed":-1"#,
        #""noise_seed":"x""#, #""crop":0"#, #""size":100000"#, #""filter":"lanczos""#, #""command":"ls""#,
    ])
    func refusesInvalidHeaders(members: String) throws {
        let valid = #"{"name":"stylegan2","chunks":1,"dimension":512,"resolution":64}"#
        var object = try #require(try JSONValue(parsing: valid, name: "valid").object)
        _ = try GeneratorSpecification(json: .object(object))
        let failure = #expect(throws: Failure.self) {
            let changed = try JSONValue(parsing: "{\(members)}", name: "members")
            for (key, value) in changed.object?.members ?? [] { object[key] = value }
            _ = try GeneratorSpecification(json: .object(object))
        }
        #expect(failure?.kind == .data)
    }

    @Test(arguments: ["name", "chunks", "dimension", "resolution"])
    func refusesIncompleteHeaders(key: String) throws {
        var object = try #require(GeneratorSpecification.named("bigbigan").json.object)
        object[key] = nil
        let failure = #expect(throws: Failure.self) { try GeneratorSpecification(json: .object(object)) }
        #expect(failure?.kind == .data && failure?.what.contains(key == "name" ? "name" : "'\(key)'") == true)
    }

    @Test func finishedSides() throws {
        var settings = RenderingSettings()
        #expect(try settings.finishedSide(of: 512) == 512)
        settings.crop = 384
        #expect(try settings.finishedSide(of: 512) == 384)
        settings.size = 128
        #expect(try settings.finishedSide(of: 512) == 128)
        #expect(throws: Failure.self) { try settings.finishedSide(of: 256) }
    }
}

/// What the file of a generator says of its training goes into the header.
struct GeneratorTrainingMetadataTests {
    /// A network of the family whose file says this of itself.
    private func specification(_ metadata: [String: String]) throws -> GeneratorSpecification {
        let url = try #require(Bundle.module.url(forResource: "Fixtures/bigbigan_32", withExtension: "safetensors"))
        var file = try Safetensors.read(path: url.path)
        file.metadata = metadata
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("hl-\(UUID().uuidString)").path
        defer { unlink(path) }
        try Safetensors.write(file, to: path)
        return try GeneratorSpecification.fromWeights(path: path)
    }

    @Test func contentAndLabels() throws {
        for (content, isSeen) in [("none", false), ("infonce", false), ("cells", true)] {
            let found = try specification([
                "hl.generator": #"{"content":"\#(content)","has_seen_labels":\#(isSeen),"images":5}"#
            ])
            #expect(found.json["content"]?.string == content)
            #expect(found.json["has_seen_labels"]?.bool == (isSeen ? true : nil))
            #expect(StreamHeader(generator: found.json).generatorHasSeenLabels == isSeen)
            #expect(try GeneratorSpecification(json: found.json) == found)
        }
        // Files of others say nothing.
        let plain = try specification([:])
        #expect(plain.json["content"] == nil && !StreamHeader(generator: plain.json).generatorHasSeenLabels)
    }

    @Test(arguments: ["{}", "no JSON", #"{"content":3,"has_seen_labels":true}"#, #"{"content":"none"}"#])
    func whatNobodyWrites(text: String) throws {
        let failure = #expect(throws: Failure.self) { _ = try specification(["hl.generator": text]) }
        #expect(failure?.kind == .data)
    }
}
