import HLFormats
import HLTensor

/// Everything that rendering needs to know about a generator, as the stream's header carries it: a stage that holds
/// these and the latents makes the same pixels as any other.
public struct GeneratorSpecification: Sendable, Equatable {
    /// `shapes`, `bigbigan`, …
    public let name: String
    /// The latent is [chunks, dimension].
    public let chunks: Int
    public let dimension: Int
    /// Side of a rendered image in pixels.
    public let resolution: Int
    /// Path of the weights and their SHA-256 in hex; neither for the built-in generator, or where only latents are drawn.
    public let weights: String?
    public let weightsDigest: String?
    /// `shapes` only: rendered without defects, in the part of real data.
    public let isClean: Bool

    public init(
        name: String, chunks: Int, dimension: Int, resolution: Int, weights: String? = nil,
        weightsDigest: String? = nil, isClean: Bool = false
    ) {
        self.name = name
        self.chunks = chunks
        self.dimension = dimension
        self.resolution = resolution
        self.weights = weights
        self.weightsDigest = weightsDigest
        self.isClean = isClean
    }

    /// The generators that this version knows, for messages and help.
    public static let names = ["shapes", "bigbigan"]

    /// A generator by name.
    /// - Parameters:
    ///   - resolution: side in pixels, where the generator leaves a choice.
    ///   - weights: its weights, needed only where images are.
    /// - Throws: `Failure(.usage)` for an unknown name or an option that the generator does not take.
    public static func named(
        _ name: String, resolution: Int? = nil, weights: String? = nil, clean: Bool = false
    ) throws -> GeneratorSpecification {
        switch name {
        case "shapes":
            guard weights == nil else {
                throw Failure(.usage, "the generator shapes is built in", "leave out --weights")
            }
            return try Shapes.specification(resolution: resolution ?? Shapes.defaultResolution, clean: clean)
        case "bigbigan":
            guard !clean else {
                throw Failure(.usage, "--clean is for the generator shapes", "leave it out")
            }
            return GeneratorSpecification(
                name: name, chunks: 6, dimension: 20, resolution: resolution ?? 128, weights: weights)
        default:
            throw Failure(
                .usage, "there is no generator '\(name)'", "take one of \(names.joined(separator: ", "))")
        }
    }

    // MARK: In a stream's header

    public var json: JSONValue {
        var object: JSONObject = [
            "name": .string(name), "chunks": .integer(Int64(chunks)), "dimension": .integer(Int64(dimension)),
            "resolution": .integer(Int64(resolution)), "latent": "z",
        ]
        if let weights { object["weights"] = .string(weights) }
        if let weightsDigest { object["sha256"] = .string(weightsDigest) }
        if isClean { object["clean"] = true }
        return .object(object)
    }

    /// - Throws: `Failure(.data)` where the header's object is not what `json` writes.
    public init(json: JSONValue) throws {
        func size(_ key: String) throws -> Int {
            guard let value = json[key]?.integer, (1...1 << 16).contains(value) else {
                throw Failure(
                    .data, "the stream's header gives no valid '\(key)' of its generator",
                    "the stream was not written by these programs, or is damaged")
            }
            return Int(value)
        }
        guard let name = json["name"]?.string else {
            throw Failure(
                .data, "the stream's header does not name its generator",
                "the stream was not written by these programs, or is damaged")
        }
        self.init(
            name: name, chunks: try size("chunks"), dimension: try size("dimension"),
            resolution: try size("resolution"), weights: json["weights"]?.string,
            weightsDigest: json["sha256"]?.string, isClean: json["clean"]?.bool ?? false)
    }

    /// The generator of a stream.
    /// - Throws: `Failure(.incompatible)` for a stream of real images, which has none.
    public init(of header: StreamHeader) throws {
        guard let json = header.generator else {
            throw Failure(
                .incompatible, "the stream comes from a data set, not from a generator",
                "give this program the latents of hl-sample --generator")
        }
        try self.init(json: json)
    }
}
