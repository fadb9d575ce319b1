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
}
