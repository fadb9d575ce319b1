import HLFormats
import HLTensor

/// A generator in a stream's header, `hl.generator`. Settings that have their default are left out, so that headers of
/// earlier versions and of this one agree.
extension GeneratorSpecification {
    package var json: JSONValue {
        var object: JSONObject = [
            "name": .string(name), "chunks": Self.json(chunks), "dimension": Self.json(dimension),
            "resolution": Self.json(resolution), "latent": "z",
        ]
        object["layers"] = mapped.map { Self.json($0.chunks) }
        object["width"] = mapped.map { Self.json($0.dimension) }
        object["weights"] = weights.map { .string($0) }
        object["sha256"] = weightsDigest.map { .string($0) }
        for (key, value) in own.members { object[key] = value }
        let standard = RenderingSettings()
        if rendering.classIndex != standard.classIndex { object["class"] = Self.json(rendering.classIndex) }
        if rendering.psi != standard.psi { object["psi"] = .number(rendering.psi) }
        object["cutoff"] = rendering.cutoff.map(Self.json)
        if rendering.noise != standard.noise { object["noise"] = .string(rendering.noise.rawValue) }
        if rendering.noiseSeed != standard.noiseSeed {
            // Seeds beyond Int64 would lose digits in most JSON readers.
            let seed = rendering.noiseSeed
            object["noise_seed"] = .seed(seed)
        }
        object["crop"] = rendering.crop.map(Self.json)
        object["size"] = rendering.size.map(Self.json)
        if rendering.filter != standard.filter { object["filter"] = .string(rendering.filter.rawValue) }
        if rendering.precision != standard.precision { object["precision"] = .string(rendering.precision.rawValue) }
        return .object(object)
    }

    private static func json(_ value: Int) -> JSONValue { .integer(Int64(value)) }

    /// Members that every version has known, in the order of writing; all others are a generator's own.
    private static let common: Set<String> = [
        "name", "chunks", "dimension", "resolution", "latent", "layers", "width", "weights", "sha256", "class", "psi",
        "cutoff", "noise", "noise_seed", "crop", "size", "filter", "precision",
    ]

    /// What a header says, before the generator itself has looked at its own members.
    /// - Throws: `Failure(.data)` where the header's object is not what `json` writes.
    init(unchecked json: JSONValue) throws {
        let header = HeaderObject(json: json)
        guard let name = try header.string("name") else { throw Self.invalidHeader("name") }
        let layers = try header.integer("layers"), width = try header.integer("width")
        guard (layers == nil) == (width == nil) else { throw Self.invalidHeader(layers == nil ? "layers" : "width") }
        let digest = try header.string("sha256")
        let isHex = digest.map { $0.utf8.count == 64 && $0.allSatisfy { "0123456789abcdef".contains($0) } } ?? true
        guard isHex else { throw Self.invalidHeader("sha256") }
        let own = JSONObject(
            uniqueMembers: (json.object?.members ?? []).filter { !Self.common.contains($0.key) })
        self.init(
            name: name, chunks: try header.required("chunks"), dimension: try header.required("dimension"),
            mapped: layers.flatMap { layers in width.map { LatentShape(chunks: layers, dimension: $0) } },
            resolution: try header.required("resolution"), weights: try header.string("weights"),
            weightsDigest: digest, rendering: try RenderingSettings(header), own: own)
    }

    static func invalidHeader(_ key: String) -> Failure {
        Failure(
            .data, "the stream's header gives no valid '\(key)' of its generator",
            "the stream was not written by these programs, or is damaged")
    }
}

extension RenderingSettings {
    fileprivate init(_ header: HeaderObject) throws {
        self.init()
        classIndex = try header.integer("class", 0...1 << 20) ?? classIndex
        psi = try header.number("psi") ?? psi
        cutoff = try header.integer("cutoff", 0...1 << 16)
        noise = try header.choice("noise") ?? noise
        noiseSeed = try header.seed("noise_seed") ?? noiseSeed
        crop = try header.integer("crop", Self.sides)
        size = try header.integer("size", Self.sides)
        filter = try header.choice("filter") ?? filter
        precision = try header.choice("precision") ?? precision
    }
}

/// Members of `hl.generator`: nil where they are missing, `Failure(.data)` where they are not what they should be.
private struct HeaderObject {
    let json: JSONValue

    private func member<Value>(_ key: String, _ read: (JSONValue) -> Value?) throws -> Value? {
        guard let value = json[key] else { return nil }
        guard let result = read(value) else { throw GeneratorSpecification.invalidHeader(key) }
        return result
    }

    func string(_ key: String) throws -> String? { try member(key) { $0.string.flatMap { $0.isEmpty ? nil : $0 } } }

    func integer(_ key: String, _ range: ClosedRange<Int> = 1...LatentShape.maximum) throws -> Int? {
        try member(key) { value in
            value.integer.flatMap { Int(exactly: $0) }.flatMap { range.contains($0) ? $0 : nil }
        }
    }

    func required(_ key: String) throws -> Int {
        guard let value = try integer(key) else { throw GeneratorSpecification.invalidHeader(key) }
        return value
    }

    func number(_ key: String) throws -> Double? {
        try member(key) { $0.number.flatMap { $0.isFinite ? $0 : nil } }
    }

    func seed(_ key: String) throws -> UInt64? {
        try member(key) { $0.seed }
    }

    func choice<Value: RawRepresentable>(_ key: String) throws -> Value? where Value.RawValue == String {
        try member(key) { $0.string.flatMap(Value.init(rawValue:)) }
    }
}
