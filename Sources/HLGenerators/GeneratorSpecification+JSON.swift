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
        if isClean { object["clean"] = true }
        object["command"] = command.map { .string($0) }
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
        return .object(object)
    }

    private static func json(_ value: Int) -> JSONValue { .integer(Int64(value)) }

    /// - Throws: `Failure(.data)` where the header's object is not what `json` writes.
    package init(json: JSONValue) throws {
        let header = HeaderObject(json: json)
        guard let name = try header.string("name") else { throw header.invalid("name") }
        let layers = try header.integer("layers"), width = try header.integer("width")
        guard (layers == nil) == (width == nil) else { throw header.invalid(layers == nil ? "layers" : "width") }
        let digest = try header.string("sha256")
        let isHex = digest.map { $0.utf8.count == 64 && $0.allSatisfy { "0123456789abcdef".contains($0) } } ?? true
        guard isHex else { throw header.invalid("sha256") }
        let command = try header.string("command")
        guard (command != nil) == (name == "exec") else { throw header.invalid("command") }
        self.init(
            name: name, chunks: try header.required("chunks"), dimension: try header.required("dimension"),
            mapped: layers.flatMap { layers in width.map { LatentShape(chunks: layers, dimension: $0) } },
            resolution: try header.required("resolution"), weights: try header.string("weights"),
            weightsDigest: digest, isClean: try header.bool("clean") ?? false,
            rendering: try RenderingSettings(header), command: command)
    }

    /// The generator of a stream.
    /// - Throws: `Failure(.incompatible)` for a stream of real images, which has none.
    package init(of header: StreamHeader) throws {
        guard let json = header.generator else {
            throw Failure(
                .incompatible, "the stream comes from a data set, not from a generator",
                "give this program the latents of hl-sample --generator")
        }
        try self.init(json: json)
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
    }
}

/// Members of `hl.generator`: nil where they are missing, `Failure(.data)` where they are not what they should be.
private struct HeaderObject {
    let json: JSONValue

    func invalid(_ key: String) -> Failure {
        Failure(
            .data, "the stream's header gives no valid '\(key)' of its generator",
            "the stream was not written by these programs, or is damaged")
    }

    private func member<Value>(_ key: String, _ read: (JSONValue) -> Value?) throws -> Value? {
        guard let value = json[key] else { return nil }
        guard let result = read(value) else { throw invalid(key) }
        return result
    }

    func string(_ key: String) throws -> String? { try member(key) { $0.string.flatMap { $0.isEmpty ? nil : $0 } } }

    func bool(_ key: String) throws -> Bool? { try member(key, \.bool) }

    func integer(_ key: String, _ range: ClosedRange<Int> = 1...1 << 16) throws -> Int? {
        try member(key) { value in
            value.integer.flatMap { Int(exactly: $0) }.flatMap { range.contains($0) ? $0 : nil }
        }
    }

    func required(_ key: String) throws -> Int {
        guard let value = try integer(key) else { throw invalid(key) }
        return value
    }

    func number(_ key: String) throws -> Double? {
        try member(key) { $0.number.flatMap { $0.isFinite ? $0 : nil } }
    }

    func seed(_ key: String) throws -> UInt64? {
        try member(key) { $0.string.flatMap { UInt64($0) } ?? $0.integer.flatMap { UInt64(exactly: $0) } }
    }

    func choice<Value: RawRepresentable>(_ key: String) throws -> Value? where Value.RawValue == String {
        try member(key) { $0.string.flatMap(Value.init(rawValue:)) }
    }
}
