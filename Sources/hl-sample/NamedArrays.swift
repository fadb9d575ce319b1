import HLFormats
import HLGenerators
import HLTensor

/// The latents in a file of arrays: one array (.npy), or several with names (.npz, .safetensors), of which those that are
/// no latents may be of any type.
struct NamedArrays {
    /// F32, as the file has them.
    typealias Latents = (z: HostTensor?, w: HostTensor?)

    private let file: String
    private let isNumPy: Bool
    /// The names in the file; empty of a single array.
    private let names: [String]
    /// An array by its name, in its own type.
    private let array: (String) throws -> HostTensor?
    /// The types of arrays that cannot be read, by name.
    private let unread: [String: String]

    /// - Throws: `Failure`: data where the file is damaged.
    init(_ source: PeekingSource) throws {
        let file = source.name, buffer = try source.readAll()
        self.file = file
        isNumPy = source.form.kind != .safetensors
        switch source.form.kind {
        case .npy:
            let only = try Npy.decode(buffer, name: file)
            (names, array, unread) = ([], { _ in only }, [:])
        case .zip:
            let archive = try Npz(buffer, name: file)
            guard !archive.names.isEmpty else {
                throw Failure(
                    .data, "\(file) is a zip archive without NumPy arrays, as torch.save writes",
                    "save the latents with numpy.save, numpy.savez or as safetensors")
            }
            (names, array, unread) = (archive.names, archive.array, [:])
        default:
            let safetensors = try Safetensors.decode(buffer, name: file)
            names = safetensors.tensors.names + safetensors.unread.keys.sorted()
            array = { safetensors.tensors[$0] }
            unread = safetensors.unread
        }
    }

    /// The latents for a generator. The only array of NumPy's files needs no name for latents; its shape says in which
    /// space they are.
    /// - Throws: `Failure`: data where there are none, or where they are no real numbers.
    func latents(of specification: GeneratorSpecification) throws -> Latents {
        // A .npy file has one array and no name for it.
        let name = names.first ?? "array"
        if isNumPy, names.count < 2, !["z", "z.0", "w", "w.0"].contains(name), let only = try floats(name) {
            let isMapped = specification.mapped.map { Array(only.shape.dropFirst()) == [$0.chunks, $0.dimension] }
            return isMapped == true ? (nil, only) : (only, nil)
        }
        func named(_ space: String) throws -> HostTensor? { try floats("\(space).0") ?? floats(space) }
        let z = try named("z"), w = specification.mapped == nil && z != nil ? nil : try named("w")
        guard z != nil || w != nil else {
            let found = names.prefix(6).joined(separator: ", ") + (names.count > 6 ? ", ..." : "")
            throw Failure(
                .data, "\(file) has none of z.0, z, w.0 and w\(names.isEmpty ? "" : ", but \(found)")",
                "name the latents z.0, mapped ones w.0")
        }
        return (z, w)
    }

    private func floats(_ name: String) throws -> HostTensor? {
        if let type = unread[name] {
            throw Failure(.data, "\(name) of \(file) has the type \(type), which is not read", "convert it to F32")
        }
        return try array(name).map { try convertedToFloat32($0, name: names.isEmpty ? file : "\(name) of \(file)") }
    }
}
