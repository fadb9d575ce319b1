import HLCompute
import HLFormats
import HLTensor

/// One family of generators: what it is called, what may be asked of it, and how it is made. It lives in a folder of
/// its own, and `GeneratorCatalogue.all` lists it.
package protocol GeneratorArchitecture: Sendable {
    /// As `--generator` and the streams' headers name it.
    var name: String { get }
    /// What is written behind the name and a colon; nil where nothing is.
    var argument: String? { get }
    /// What to know of it where generators are listed.
    var remark: String? { get }
    /// The options that it takes beside `--size`; all others are refused.
    var options: [GeneratorOption] { get }
    /// The sides of its images in pixels, and the one that it has when none is asked for; nil where its files decide.
    var sides: ClosedRange<Int>? { get }
    var defaultSide: Int? { get }
    /// Where anchors are cut off unless `--trunc` says otherwise, in standard deviations.
    var defaultTruncation: Double { get }
    /// Of the labels that its oracle gives, from 0; empty where it has none.
    var classNames: [String] { get }
    /// Whether a gradient leads from its images back to its latents.
    var isDifferentiable: Bool { get }
    /// Members of the header that are its own, and whether a value is one of theirs.
    var members: [String: @Sendable (JSONValue) -> Bool] { get }

    /// Refuses options that do not go together, before anything is opened.
    /// - Throws: `Failure(.usage)`.
    func check(_ options: GeneratorOptionValues) throws
    /// Refuses what a header says of it.
    /// - Throws: `Failure(.data)`.
    func check(_ specification: GeneratorSpecification) throws
    /// The generator without weights: of a network, latents alone.
    /// - Throws: `Failure(.usage)` where the options do not fit it.
    func specification(_ options: GeneratorOptionValues) throws -> GeneratorSpecification
    /// What knows the truth about its samples; nil where nobody does.
    /// - Throws: `Failure(.incompatible)` when this version's oracle is not that of the stream.
    func oracle(_ specification: GeneratorSpecification) throws -> (any Oracle)?
}

extension GeneratorArchitecture {
    package var argument: String? { nil }
    package var remark: String? { nil }
    package var sides: ClosedRange<Int>? { nil }
    package var defaultSide: Int? { nil }
    package var defaultTruncation: Double { standardTruncation }
    package var classNames: [String] { [] }
    package var isDifferentiable: Bool { true }
    package var members: [String: @Sendable (JSONValue) -> Bool] { [:] }

    package func check(_ options: GeneratorOptionValues) throws {}
    package func check(_ specification: GeneratorSpecification) throws {}
    package func oracle(_ specification: GeneratorSpecification) throws -> (any Oracle)? { nil }

    /// As it is given to `--generator`.
    package var usage: String { argument.map { "\(name):\($0)" } ?? name }
    /// Whether its images come from a file of weights.
    package var needsWeights: Bool { self is any NetworkArchitecture }
}

/// Where anchors of most generators are cut off, in standard deviations.
package let standardTruncation = 2.0

/// A family that needs no file.
protocol BuiltInArchitecture: GeneratorArchitecture {
    /// - Parameter trusted: whether a command in the specification comes from the user of this process.
    /// - Throws: `Failure(.incompatible)` for a specification that is not this version's.
    func make(
        _ specification: GeneratorSpecification, on backend: any Backend, trusted: Bool
    ) throws -> any Generator
}

/// A family of networks, whose weights come from files.
protocol NetworkArchitecture: GeneratorArchitecture {
    /// For messages: `BigBiGAN`.
    var title: String { get }
    /// Tensors that only its files have all of, by their names in the PyTorch reference.
    var landmarks: [String] { get }
    /// Tensors of networks that are often taken for one of this family, and what these are.
    var lookalikes: [(sign: String, what: String)] { get }

    /// What is in a file that does not hold tensors under the reference's names; nil where it is another form.
    func converted(_ file: ModelFile) throws -> GeneratorFile.Contents?
    /// What a file says beyond its tensors; `prefix` stands before their names.
    func settings(of file: ModelFile, prefix: String) throws -> (any Sendable)?
    /// Refuses files of the family that this version does not compute, going by settings and names.
    /// - Throws: `Failure(.incompatible)`.
    func check(_ file: GeneratorFile) throws

    /// The generator in a file.
    /// - Parameter digest: the file's SHA-256 in hex.
    /// - Throws: `Failure`: data or incompatible where the file is not that of such a network, usage where the options
    ///   do not fit it.
    func specification(
        of file: GeneratorFile, digest: String, _ options: GeneratorOptionValues
    ) throws -> GeneratorSpecification
    /// - Throws: as `specification`; incompatible where the specification does not fit the file.
    func make(
        _ specification: GeneratorSpecification, from file: GeneratorFile, on backend: any Backend
    ) throws -> any Generator
}

extension NetworkArchitecture {
    /// For messages.
    var article: String { "a \(title) network" }

    var lookalikes: [(sign: String, what: String)] { [] }

    func converted(_ file: ModelFile) throws -> GeneratorFile.Contents? { nil }
    func settings(of file: ModelFile, prefix: String) throws -> (any Sendable)? { nil }
    func check(_ file: GeneratorFile) throws {}
}

/// A family whose layers take mapped latents.
protocol MappingArchitecture: NetworkArchitecture {
    /// The mapping network alone.
    /// - Throws: as `make`.
    func mapper(
        _ specification: GeneratorSpecification, from file: GeneratorFile, on backend: any Backend
    ) throws -> any LatentMapper
}
