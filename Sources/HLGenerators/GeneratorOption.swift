import HLCompute
import HLTensor

/// An option that says what a generator is to make, and that not all of them take.
package struct GeneratorOption: Sendable {
    /// With its dashes.
    package let name: String
    /// What it does, for `--help`, without who takes it.
    package let help: String
    /// Type, range and default, for `--help`.
    package let values: String?
    /// Refuses a value, or one that does not go with the others on the command line; asked only where it is given.
    package let check: @Sendable (GeneratorOptionValues) throws -> Void

    init(
        _ name: String, _ help: String, values: String? = nil,
        check: @escaping @Sendable (GeneratorOptionValues) throws -> Void = { _ in }
    ) {
        self.name = name
        self.help = help
        self.values = values
        self.check = check
    }
}

/// What a command line says of a generator.
package struct GeneratorOptionValues: Sendable, ExpressibleByDictionaryLiteral {
    /// Side of the images; every generator takes it.
    package var size: Int?
    /// What stands behind the generator's name and a colon, where it takes that.
    package var argument: String?
    private var values: [(name: String, value: any Sendable)] = []

    package init(dictionaryLiteral elements: (String, any Sendable)...) { values = elements.map { ($0.0, $0.1) } }

    /// The options that are given, with their dashes, in the order in which they were set.
    package var names: [String] { values.map(\.name) }

    /// The value of an option, nil where it is not given. Every option has one type, wherever it is read.
    package func value<Value: Sendable>(of name: String, as type: Value.Type) -> Value? {
        guard let found = values.first(where: { $0.name == name }) else { return nil }
        guard let value = found.value as? Value else { preconditionFailure("\(name) is no \(type)") }
        return value
    }

    /// Gives an option its value; nil leaves it out.
    package mutating func set<Value: Sendable>(_ name: String, _ value: Value?) {
        values.removeAll { $0.name == name }
        if let value { values.append((name, value)) }
    }
}

// MARK: Options of several generators

extension GeneratorOption {
    static let precision = GeneratorOption(
        "--precision", "type of activations in the network, which every program that renders the stream keeps to",
        values: "f32 or bf16; default: f32")

    static let classIndex = GeneratorOption(
        "--class", "class that a conditional network renders", values: "integer from 0; default: 0"
    ) { options in
        if let index = options.value(of: "--class", as: Int.self), !(0...1 << 20).contains(index) {
            throw Failure(.usage, "there is no class \(index)", "give --class a number from 0")
        }
    }

    static let crop = GeneratorOption(
        "--crop", "cut out the square of this side in the middle", values: "integer from 1 to the network's"
    ) { options in
        if let side = options.value(of: "--crop", as: Int.self), !RenderingSettings.sides.contains(side) {
            throw Failure(.usage, "images cannot be cropped to \(side) pixels", "give --crop from 1 to 4096")
        }
    }

    static let filter = GeneratorOption(
        "--filter", "filter that resizes to --size: antialias as torchvision, or bilinear without it as kornia",
        values: "default: antialias"
    ) { options in
        if options.size == nil {
            throw Failure(.usage, "--filter is for resized images", "give --size too, or leave it out")
        }
    }
}

extension RenderingSettings {
    /// As the options of several generators say.
    init(_ options: GeneratorOptionValues) {
        self.init()
        classIndex = options.value(of: "--class", as: Int.self) ?? classIndex
        crop = options.value(of: "--crop", as: Int.self)
        size = options.size
        filter = options.value(of: "--filter", as: ResizeFilter.self) ?? filter
        precision = options.value(of: "--precision", as: Precision.self) ?? precision
    }
}
