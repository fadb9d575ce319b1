import HLCompute
import HLFormats
import HLNet
import HLTensor

/// A network that turns normalised images into features, whatever heads come behind it.
package protocol Backbone: Module {
    /// Features of normalised images [B, 3, S, S], one variable [B, length] for each of `layers`, which are names of
    /// `BackboneArchitecture.layers`, in their order.
    func features(of layers: [String], _ images: Variable, _ pass: Pass) -> [Variable]
    /// What the features of a layer are the means of, [B, length, H, W]; nil for a layer without positions.
    func map(of layer: String, _ images: Variable, _ pass: Pass) -> Variable?
}

/// What decides how a backbone looks and what it expects of images: what `hl.encoder` says of it.
package protocol BackboneArchitecture: Sendable {
    /// As `arch` has it.
    var name: String { get }
    /// Members of `hl.encoder`: `arch`, and whatever else tells it from its like.
    var identity: JSONObject { get }
    /// What can be features, from the first to the last, with their lengths: means over positions [C], or what a name says.
    var layers: [(name: String, length: Int)] { get }
    /// The layer that is taken where none is named.
    var mainLayer: String { get }
    /// What is done to channels of images.
    var normalisation: Normalisation { get }
    /// The side of images that it is made for, in pixels, which files of others do not say.
    var side: Int { get }
    /// Images per pass in evaluation: always as many, so that the last bits do not depend on how many come at a time.
    var microBatch: Int { get }
    /// Labels that it has been trained on, in words; nil where none are known of.
    var supervision: String? { get }
    /// What the names of its tensors begin with. All others of a file belong to heads, which are left out.
    var parts: [String] { get }

    /// The network, without values.
    func makeBackbone(on backend: any Backend) -> any Backbone

    // MARK: In the code of others

    /// Whose names its tensors have.
    var ownLibrary: ForeignLibrary { get }
    /// What a library calls its tensors, and is told to take them.
    /// - Parameter classes: of a linear layer `fc` that is written behind the features; nil without one.
    /// - Throws: `Failure` (incompatible) where the library has no such network.
    func names(in library: ForeignLibrary, classes: Int?) throws -> ForeignNames
    /// Appends the network in evaluation mode to a graph, whose weights have the names of its tensors.
    /// - Parameters:
    ///   - images: the graph's value of normalised images [B, 3, side, side].
    ///   - layers: names of `layers`, in their order.
    /// - Returns: the graph's values of features [B, length], one for each of `layers`.
    func append(to graph: inout ONNXGraph, of images: String, side: Int, layers: [String]) -> [String]
}

/// A family of backbones: what `Backbones` lists.
package protocol BackboneFamily: Sendable {
    /// In messages, such as `ResNet`.
    var title: String { get }
    /// Names of its architectures, for options and `hl.encoder`.
    var names: [String] { get }

    /// The architecture that `hl.encoder` speaks of.
    /// - Throws: `Failure`: incompatible for one that this version does not know, data for what no version writes.
    func architecture(_ metadata: EncoderMetadata) throws -> any BackboneArchitecture

    /// The networks of this family in a file of others.
    /// - Parameter tensors: all of the file, under the keys that lead to them, without wrappers.
    func networks(in tensors: [(name: String, tensor: StoredTensor)]) -> [FoundBackbone]

    /// The architecture of tensors under this family's own names.
    /// - Parameters:
    ///   - name: of the architecture, where it is known.
    ///   - file: for messages.
    ///   - shape: of a tensor, nil where there is none of that name.
    /// - Throws: `Failure` (incompatible) for another network.
    func inferred(
        named name: String?, file: String, shape: (String) -> [Int]?
    ) throws -> any BackboneArchitecture
}

/// A network in a file of others.
package struct FoundBackbone {
    /// The family that has found it.
    let family: any BackboneFamily
    /// What stands before its names, without wrappers and the last dot; empty where nothing does.
    let prefix: String
    /// By the names that the family's own network has.
    let tensors: [String: StoredTensor]
    /// Its architecture, where its names tell.
    var architecture: String?
}

/// `hl.encoder` of a file, member by member.
package struct EncoderMetadata {
    let json: JSONValue
    /// For messages.
    let file: String

    /// - Throws: `Failure` (data) where there is no such text.
    func text(_ key: String) throws -> String {
        guard let value = json[key]?.string else { throw missing(key) }
        return value
    }

    /// - Throws: `Failure` (data) where there is no such number.
    func size(_ key: String) throws -> Int {
        guard let value = json[key]?.integer, let size = Int(exactly: value) else { throw missing(key) }
        return size
    }

    private func missing(_ key: String) -> Failure {
        Failure(.data, "hl.encoder of \(file) gives no '\(key)'", "take a file that hl-train wrote")
    }
}

extension Backbone {
    /// Loads weights under the names of this network. Heads are left out.
    /// - Throws: `Failure`: data for a missing tensor, one of another shape, or one that holds what is no number;
    ///   incompatible for one that this network has no place for.
    func load(
        _ tensors: [String: StoredTensor], of architecture: any BackboneArchitecture, from path: String,
        on backend: any Backend
    ) throws {
        var known: Set<String> = []
        do {
            try checkTensors(tensors.map { ($0.key, $0.value) })
            try load(on: backend) { name in
                known.insert(name)
                guard let tensor = try tensors[name]?.hostTensor() else { return nil }
                if name.hasSuffix("num_batches_tracked") { return tensor }
                let isFloat = [.f32, .f64, .f16, .bf16].contains(tensor.type)
                let values = isFloat ? try convertedToFloat32(tensor) : tensor
                if values.type == .f32 && values.firstNonFinite != nil {
                    throw Failure.notFinite(name, remedy: "use another file: its training has diverged")
                }
                return values
            }
        } catch let failure as Failure {
            throw Failure(failure.kind, "\(path): \(failure.what)", failure.remedy)
        }
        let surplus = tensors.keys.filter { name in
            !known.contains(name) && architecture.parts.contains { name.hasPrefix($0) }
        }.min()
        if let surplus {
            throw Failure(
                .incompatible, "\(path): \(architecture.name) has no place for \(surplus)",
                "use the file of a plain \(architecture.name)")
        }
    }
}

/// Tensors behind a prefix, under other names; those that `rename` has none for are left out.
func renamed(
    _ tensors: [(name: String, tensor: StoredTensor)], behind prefix: String, _ rename: (String) -> String?
) -> [String: StoredTensor] {
    var result: [String: StoredTensor] = [:]
    for (name, tensor) in tensors where name.hasPrefix(prefix) {
        if let name = rename(String(name.dropFirst(prefix.count))) { result[name] = tensor }
    }
    return result
}
