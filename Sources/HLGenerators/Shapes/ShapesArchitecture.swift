import HLCompute
import HLFormats
import HLTensor

/// The built-in generator in the catalogue.
struct ShapesArchitecture: BuiltInArchitecture {
    let name = Shapes.name
    let remark: String? = "built in"
    let options = [GeneratorOption.clean]
    let classNames = Shapes.classNames
    let sides: ClosedRange<Int>? = Shapes.sides
    let defaultSide: Int? = Shapes.defaultResolution
    let members: [String: @Sendable (JSONValue) -> Bool] = ["clean": { $0.bool != nil }]

    func specification(_ options: GeneratorOptionValues) throws -> GeneratorSpecification {
        try Shapes.specification(
            resolution: options.size ?? Shapes.defaultResolution,
            clean: options.value(of: "--clean", as: Bool.self) ?? false)
    }

    func make(
        _ specification: GeneratorSpecification, on backend: any Backend, trusted: Bool
    ) throws -> any Generator {
        try Shapes(specification, on: backend)
    }

    func oracle(_ specification: GeneratorSpecification) throws -> (any Oracle)? {
        try ShapesOracle(specification)
    }
}

extension GeneratorOption {
    static let clean = GeneratorOption("--clean", "render without defects, in the part of real data")
}
