import HLFormats
import HLTensor

extension GeneratorSpecification {
    /// The generator of a header, `hl.generator`. Members of later versions are kept as they are.
    /// - Throws: `Failure(.data)` where the header's object is not what `json` writes.
    package init(json: JSONValue) throws {
        try self.init(unchecked: json)
        for (key, value) in own.members {
            let owners = GeneratorCatalogue.all.filter { $0.members[key] != nil }
            let isValid = owners.contains { $0.name == name && $0.members[key]?(value) == true }
            guard owners.isEmpty || isValid else { throw Self.invalidHeader(key) }
        }
        try GeneratorCatalogue[name]?.check(self)
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

    /// The generator of a stream that has one.
    /// - Throws: `Failure(.incompatible)` for one that this version does not know, whatever else its header says of it;
    ///   else as `init`.
    static func known(by header: StreamHeader) throws -> Self {
        if let name = header.generator?["name"]?.string, GeneratorCatalogue[name] == nil { throw unknown(name) }
        return try Self(of: header)
    }

    /// The generator of a stream, where it has one that this version knows; what others say of theirs is theirs.
    /// - Throws: `Failure(.data)` as `init`.
    package static func ifKnown(by header: StreamHeader) throws -> Self? {
        guard let name = header.generator?["name"]?.string, GeneratorCatalogue[name] != nil else { return nil }
        return try Self(of: header)
    }

    static func unknown(_ name: String) -> Failure {
        Failure(
            .incompatible, "the stream's generator '\(name)' is not known to this version",
            "attach its images to the stream (x.0, x.1 ...), or take a version that knows it")
    }
}

extension StreamHeader {
    /// The names of the classes that labels `y` number, where the header or the generator that it names has them.
    package var classNames: [String]? {
        if let name = generator?["name"]?.string, let known = GeneratorCatalogue[name]?.classNames, !known.isEmpty {
            return known
        }
        return (data?["classes"] ?? generator?["classes"])?.array?.compactMap(\.string)
    }
}
