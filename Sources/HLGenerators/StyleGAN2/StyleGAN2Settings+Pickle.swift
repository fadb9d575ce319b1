import HLFormats
import HLTensor

/// What the modules of a `.pkl` of StyleGAN2-ada say of themselves: the attributes that the constructors set are what
/// the network computes with, the constructors' arguments only tell what was asked for.
extension StyleGAN2Settings {
    /// - Parameters:
    ///   - prefix: what leads to the generator, such as `G_ema.`; empty where it is the whole file.
    ///   - value: the file's pickle. Where it has a state dict instead of a module, the defaults hold.
    init(ofModuleAt prefix: String, in value: PickleValue) throws {
        guard let generator = PickledModule(at: prefix, in: value) else { return }
        try readMapping(of: generator)
        try readSynthesis(of: generator)
    }

    private mutating func readMapping(of generator: PickledModule) throws {
        let mapping = generator.child("mapping")
        var factors: [Float] = []
        for index in 0..<64 {
            guard let layer = mapping?.child("fc\(index)") else { break }
            try layer.require("activation", "lrelu")
            guard let gain = layer.attribute("bias_gain") else { continue }
            factors.append(try Self.positive(gain.number, "learning rate multiplier"))
        }
        let asked =
            mapping?.argument("lr_multiplier") ?? generator.argument("mapping_kwargs")?["lr_multiplier"]
        if let factor = factors.first {
            guard factors.allSatisfy({ $0 == factor }) else { throw Self.mixed("learning rate multipliers") }
            learningRateMultiplier = factor
        } else if let asked {
            learningRateMultiplier = try Self.positive(asked.number, "learning rate multiplier")
        }
    }

    private mutating func readSynthesis(of generator: PickledModule) throws {
        let synthesis = generator.child("synthesis")
        var clamps: [Float?] = []
        for exponent in 2..<16 {
            guard let block = synthesis?.child("b\(1 << exponent)") else { break }
            if let found = block.attribute("architecture")?.text, found != "skip" { architecture = found }
            for name in ["conv0", "conv1", "torgb"] {
                guard let layer = block.child(name) else { continue }
                if name != "torgb" { try layer.require("activation", "lrelu") }
                guard let clamp = layer.attribute("conv_clamp") else { continue }
                clamps.append(try Self.clamp(clamp))
            }
        }
        let asked =
            synthesis?.argument("conv_clamp") ?? generator.argument("synthesis_kwargs")?["conv_clamp"]
            ?? generator.argument("conv_clamp")
        if let clamp = clamps.first {
            guard clamps.allSatisfy({ $0 == clamp }) else { throw Self.mixed("clamps") }
            convClamp = clamp
        } else if let asked {
            convClamp = try Self.clamp(asked)
        }
    }

    static func clamp(_ value: PickleValue) throws -> Float? {
        value.isNone ? nil : try positive(value.number, "conv_clamp")
    }

    private static func mixed(_ what: String) -> Failure {
        Failure(
            .incompatible, "its layers have different \(what), which is not supported",
            "use a network as StyleGAN2-ada makes it")
    }
}

/// A module of PyTorch as a pickle holds it.
private struct PickledModule {
    private let object: PickleObject

    /// The module whose tensors' names begin with `prefix`; nil where that leads to something else.
    init?(at prefix: String, in value: PickleValue) {
        guard let module = value.descendant(at: prefix)?.unwrapped else { return nil }
        self.init(module)
    }

    private init?(_ value: PickleValue) {
        // Bounds the time of the look-ups below, which are linear.
        guard let object = value.object, object.attribute("_parameters") != nil,
            [object.state, object.attribute("_modules") ?? .none].allSatisfy({ ($0.dictionary?.count ?? 0) < 1 << 12 })
        else { return nil }
        self.object = object
    }

    func child(_ name: String) -> PickledModule? {
        (object.attribute("_modules")?.child(name)?.unwrapped).flatMap(PickledModule.init)
    }

    func attribute(_ name: String) -> PickleValue? { object.attribute(name) }

    /// A named argument that the module was made with.
    func argument(_ name: String) -> PickleValue? { object.attribute("_init_kwargs")?[name] }

    /// - Throws: `Failure(.incompatible)` where the attribute is there and is something else.
    func require(_ name: String, _ wanted: String) throws {
        guard let found = object.attribute(name)?.text, found != wanted else { return }
        throw Failure(
            .incompatible, "its \(name) is '\(found.prefix(40))', and only '\(wanted)' is known",
            "use a network as StyleGAN2-ada makes it")
    }
}
