import HLCompute
import HLFormats
import HLGenerators
import HLTensor
import Testing

/// What the catalogue says of its inhabitants, and what it refuses for all of them alike.
struct CatalogueTests {
    @Test func names() throws {
        let names = GeneratorCatalogue.all.map(\.name)
        #expect(Set(names).count == names.count)
        for architecture in GeneratorCatalogue.all {
            #expect(GeneratorCatalogue[architecture.name]?.usage == architecture.usage)
            let text = architecture.name + (architecture.argument == nil ? "" : ":a:b c")
            let (found, argument) = try GeneratorCatalogue.named(text)
            #expect(found.name == architecture.name && argument == (architecture.argument == nil ? nil : "a:b c"))
            // With a colon where nothing belongs behind one, and without one where something does.
            let wrong = architecture.name + (architecture.argument == nil ? ":a" : "")
            let failure = #expect(throws: Failure.self) { try GeneratorCatalogue.named(wrong) }
            #expect(failure?.kind == .usage && failure?.remedy.contains(architecture.usage) == true)
        }
        #expect(GeneratorCatalogue.standard.usage == "shapes" && !GeneratorCatalogue.standard.needsWeights)
        #expect(GeneratorCatalogue.networkNames == ["bigbigan", "stylegan2"])
    }

    /// Every option of one generator is refused by all that do not take it, with the names of those that do.
    @Test func optionsOfOthers() throws {
        let options = Set(GeneratorCatalogue.all.flatMap(\.options).map(\.name))
        #expect(options.count > 5)
        for architecture in GeneratorCatalogue.all {
            for option in options where !architecture.options.contains(where: { $0.name == option }) {
                let failure = #expect(throws: Failure.self) {
                    try GeneratorCatalogue.check(
                        [option: 1], for: architecture, hasWeights: architecture.needsWeights)
                }
                #expect(failure?.kind == .usage)
                #expect(failure?.what == "the generator \(architecture.name) takes no \(option)")
                for taker in GeneratorCatalogue.takers(of: option) {
                    #expect(failure?.remedy.contains(taker.usage) == true)
                }
            }
        }
    }

    /// Where a file decides what a network renders, nothing of that is taken without one.
    @Test func optionsWithoutWeights() throws {
        for name in GeneratorCatalogue.networkNames {
            let failure = #expect(throws: Failure.self) {
                try GeneratorSpecification.named(name, options: ["--class": 0])
            }
            #expect(failure?.kind == .usage && failure?.remedy.contains("--weights") == true)
        }
        let failure = #expect(throws: Failure.self) {
            try GeneratorCatalogue.check([:], for: GeneratorCatalogue.standard, hasWeights: true)
        }
        #expect(failure?.kind == .usage && failure?.what.contains("--weights") == true)
    }

    @Test func valuesOfOptions() {
        func kind(_ given: GeneratorOptionValues) -> Failure.Kind? {
            (Result { try GeneratorCatalogue.check(given) }.failure as? Failure)?.kind
        }
        #expect(kind(["--psi": 0.5, "--cutoff": 3]) == nil)
        #expect(kind(["--cutoff": 3]) == .usage)
        #expect(kind(["--psi": Double.nan]) == .usage)
        #expect(kind(["--noise": NoiseMode.random, "--noise-seed": UInt64.max]) == nil)
        #expect(kind(["--noise": NoiseMode.none, "--noise-seed": UInt64(1)]) == .usage)
        #expect(kind(["--class": -1]) == .usage)
        #expect(kind(["--crop": 0]) == .usage)
        #expect(kind(["--filter": ResizeFilter.bilinear]) == .usage)
        var sized: GeneratorOptionValues = ["--filter": ResizeFilter.bilinear]
        sized.size = 128
        #expect(kind(sized) == nil)
        sized.size = 5000
        #expect(kind(sized) == .usage)
    }

    /// Members of later versions come back as they were; those of another generator are refused.
    @Test func membersOfHeaders() throws {
        let later = #"{"name":"shapes","chunks":6,"dimension":20,"resolution":32,"latent":"z","hue":[1,2]}"#
        let specification = try GeneratorSpecification(json: JSONValue(parsing: later, name: "header"))
        #expect(specification.json.text == later)
        let generator = try specification.makeGenerator(on: CPUBackend.plain(threads: 1))
        #expect(generator.specification.resolution == 32)
        for members in [#""command":"ls""#, #""clean":1"#] {
            let text = later.replacing(#""hue":[1,2]"#, with: members)
            let failure = #expect(throws: Failure.self) {
                try GeneratorSpecification(json: JSONValue(parsing: text, name: "header"))
            }
            #expect(failure?.kind == .data)
        }
        let lacking = #"{"name":"exec","chunks":6,"dimension":20,"resolution":32,"latent":"z"}"#
        #expect(throws: Failure.self) { try GeneratorSpecification(json: JSONValue(parsing: lacking, name: "header")) }
        let clean = try GeneratorSpecification.named("shapes", resolution: 32, options: ["--clean": true])
        #expect(clean.isClean && clean.json.text == later.replacing(#""hue":[1,2]"#, with: #""clean":true"#))
    }
}

extension Result {
    fileprivate var failure: (any Error)? { if case .failure(let error) = self { error } else { nil } }
}
