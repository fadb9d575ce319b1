import HLFormats
import HLTensor

/// Which network an encoder file holds, at what size it looks at images, and which of its layers are the features.
package struct EncoderDescription: Sendable, Equatable {
    package let architecture: any BackboneArchitecture
    /// Side of the images that the encoder was trained on, in pixels.
    package let side: Int
    /// Side of the crops that the network sees, in pixels; at most `side`.
    package let crop: Int
    /// Names of the layers whose values are the features, one behind the other.
    package let layers: [String]
    /// Labels that the encoder has been trained on, in words; nil where none are known of.
    package let supervision: String?

    /// Length of an embedding.
    package var featureCount: Int {
        architecture.layers.filter { layers.contains($0.name) }.map(\.length).reduce(0, +)
    }

    /// - Parameters:
    ///   - side: nil takes what the architecture is made for.
    ///   - crop: nil takes T_x's 7/8 of `side`.
    ///   - layer: names of layers, joined by +; nil takes the architecture's main one.
    ///   - supervision: nil takes what the architecture says.
    /// - Throws: `Failure` (usage) for sizes and layers that no network of this kind has.
    package init(
        _ architecture: any BackboneArchitecture, side: Int? = nil, crop: Int? = nil, layer: String? = nil,
        supervision: String? = nil
    ) throws {
        let side = side ?? architecture.side, crop = crop ?? Augmentation.cropSize(renderSide: side)
        guard Self.sides.contains(side), (1...side).contains(crop) else {
            throw Failure(
                .usage, "images of side \(side) cropped to \(crop)",
                "choose a side between \(Self.sides.lowerBound) and \(Self.sides.upperBound), and a crop within it")
        }
        let known = architecture.layers.map(\.name)
        let wanted = layer?.split(separator: "+", omittingEmptySubsequences: false).map(String.init)
        if let stranger = wanted?.first(where: { !known.contains($0) }) {
            throw Failure(
                .usage, "\(architecture.name) has no layer '\(stranger)'",
                "choose from \(known.joined(separator: ", ")), or several joined by +")
        }
        self.architecture = architecture
        self.side = side
        self.crop = crop
        layers = wanted.map { wanted in known.filter(wanted.contains) } ?? [architecture.mainLayer]
        self.supervision = supervision ?? architecture.supervision
    }

    package static func == (a: EncoderDescription, b: EncoderDescription) -> Bool {
        a.identity.text == b.identity.text && a.supervision == b.supervision
    }

    /// Sides of images that an encoder can be made for, in pixels.
    package static let sides = 8...4096

    /// The layers' names, joined by +.
    package var layer: String { layers.joined(separator: "+") }

    /// What an encoder is told apart by: network, sizes, and the layer where it is not the main one.
    package var identity: JSONValue {
        var object = architecture.identity
        object["side"] = .integer(Int64(side))
        object["crop"] = .integer(Int64(crop))
        if layers != [architecture.mainLayer] { object["layer"] = .string(layer) }
        return .object(object)
    }

    /// Metadata `hl.encoder` of an encoder file: also what is done to images from 0 to 1, so that others can do the same.
    package var json: JSONValue {
        var object = identity.object ?? JSONObject()
        for (key, value) in Self.preparation(for: architecture).members { object[key] = value }
        object["supervision"] = supervision.map { .string($0) }
        return .object(object)
    }

    /// How the central part of an image of another size becomes the crop, and what is taken off its channels R, G and B
    /// and what they are divided by then.
    private static func preparation(for architecture: any BackboneArchitecture) -> JSONObject {
        [
            "resize": "bilinear", "mean": .array(architecture.normalisation.mean.map { .float($0) }),
            "std": .array(architecture.normalisation.deviation.map { .float($0) }),
        ]
    }

    /// - Parameters:
    ///   - name: of the file, for messages.
    ///   - supervision: what else is known of labels that it has been trained on.
    /// - Throws: `Failure`: incompatible for an architecture or stem that this version does not know, data for anything
    ///   else that `json` does not write.
    package init(json: JSONValue, name: String, supervision: String? = nil) throws {
        let metadata = EncoderMetadata(json: json, file: name)
        let arch = try metadata.text("arch")
        guard let family = Backbones.family(of: arch) else {
            throw Failure(
                .incompatible, "\(name) holds a \(arch), which this version does not know",
                "use the release that wrote it")
        }
        do {
            let architecture = try family.architecture(metadata)
            for (key, value) in Self.preparation(for: architecture).members where json[key] ?? value != value {
                throw Failure(
                    .incompatible,
                    "\(name) has another '\(key)' for its images (\(json[key]?.text ?? "")) than this version",
                    "use the release that wrote it")
            }
            try self.init(
                architecture, side: try metadata.size("side"), crop: try metadata.size("crop"),
                layer: json["layer"]?.string, supervision: supervision ?? json["supervision"]?.string)
        } catch let failure as Failure where failure.kind == .usage {
            throw Failure(.data, "\(name) claims to hold \(failure.what)", "take a file that hl-train wrote")
        }
    }
}
