import HLCompute
import HLFormats
import HLNet
import HLTensor

/// A frozen backbone that turns images into embeddings.
package final class Encoder {
    package let description: EncoderDescription
    package let backbone: any Backbone
    package let backend: any Backend
    /// What the user should know of how its file was read.
    package let remark: String?
    /// Of activations. Embeddings are F32 in any case.
    package var precision = Precision.f32

    /// Images per record of hl-encode where nothing else is said.
    package static let batch = 64
    /// Images per pass through this network. Always the same, the last pass filled up with zeros, so that the kernels that
    /// run, and with them the last bits, do not depend on how many images come at a time.
    private var microBatch: Int { description.architecture.microBatch }

    private init(_ description: EncoderDescription, _ backend: any Backend, remark: String? = nil) {
        self.description = description
        self.backend = backend
        self.remark = remark
        backbone = description.architecture.makeBackbone(on: backend)
    }

    /// A backbone of that architecture that is already there, such as that of a training under way.
    package init(_ backbone: any Backbone, _ description: EncoderDescription, on backend: any Backend) {
        self.description = description
        self.backbone = backbone
        self.backend = backend
        remark = nil
    }

    /// Reads an encoder of hl-train, or a file of others with a backbone of `Backbones` in it: a state dict or checkpoint of
    /// torch.save, or safetensors, under the names of its public code, behind whatever prefix.
    /// - Throws: `Failure`: noInput; data for damaged files, missing tensors or wrong shapes, by name; incompatible for
    ///   files that hold something else, or several networks without telling which is meant; usage for a part or layer
    ///   that is not there.
    package static func load(
        path: String, _ choice: EncoderChoice = EncoderChoice(), backend: any Backend
    ) throws -> Encoder {
        try Encoder(EncoderCheckpoint.read(path: path, choice), path: path, on: backend)
    }

    /// - Parameter path: of the file that was read, for messages.
    convenience init(_ contents: EncoderCheckpoint.Contents, path: String, on backend: any Backend) throws {
        self.init(contents.description, backend, remark: contents.remark)
        try backbone.load(contents.tensors, of: contents.description.architecture, from: path, on: backend)
    }

    /// The encoder that a training with this seed starts from.
    package static func untrained(
        _ description: EncoderDescription, seed: UInt64, backend: any Backend
    ) -> Encoder {
        begun(Encoder(description, backend), seed: seed)
    }

    private static func begun(_ encoder: Encoder, seed: UInt64) -> Encoder {
        // A parameter's values depend on its name, which has the prefix in a training method.
        Prefixed(encoder.backbone).initialise(seed: seed, on: encoder.backend)
        return encoder
    }

    /// The encoder that the training of another one started from.
    /// - Throws: as `load`; incompatible for a file that does not say its seed.
    package static func untrained(
        likeThatOf path: String, _ choice: EncoderChoice = EncoderChoice(), backend: any Backend
    ) throws -> Encoder {
        let (description, seed, zeroInitResidual) = try EncoderCheckpoint.start(path: path, choice)
        guard let network = description.architecture as? ResNetArchitecture else {
            return untrained(description, seed: seed, backend: backend)
        }
        let backbone = ResNet(
            backend, network.depth, width: network.width, stem: network.stem, zeroInitResidual: zeroInitResidual)
        return begun(Encoder(backbone, description, on: backend), seed: seed)
    }

    private final class Prefixed: Module {
        let backbone: any Backbone
        init(_ backbone: any Backbone) { self.backbone = backbone }

        func forEachState(_ prefix: String, _ body: (String, State) throws -> Void) rethrows {
            try backbone.forEachState(prefix + EncoderCheckpoint.prefix, body)
        }
    }

    /// Whether images of this size are what the encoder expects. Others have their central square, with the same margin
    /// cut off in proportion, resized to the crop.
    package func fits(height: Int, width: Int) -> Bool { min(height, width) == description.side }

    /// Images to embed, [B, 3, H, W], U8 (0…255) or F32 (0…1): on the backend already, or on the host, from where so many
    /// as go through the network at a time are brought there.
    package enum Images {
        case device(Tensor)
        case host(HostTensor)

        var type: ElementType {
            switch self {
            case .device(let images): images.type
            case .host(let images): images.type
            }
        }

        /// [B, 3, H, W], if they are images.
        package var shape: [Int] {
            switch self {
            case .device(let images): images.shape
            case .host(let images): images.shape
            }
        }

        func rows(_ range: Range<Int>, on backend: any Backend) -> Tensor {
            switch self {
            case .device(let images): backend.rows(images, range)
            case .host(let images): backend.tensor(images.rows(range))
            }
        }
    }

    /// Embeddings of the centre crops: F32 [B, featureCount].
    /// - Parameter areCrops: whether the images are crops already, of which nothing is cut off.
    /// - Throws: `Failure`: data for images of another type or shape, or whatever went wrong on the backend.
    package func encode(_ images: Images, areCrops: Bool = false) throws -> HostTensor {
        let parameters = try centreCrop(of: images, areCrops: areCrops)
        return try encode(images, parameters: { _ in parameters })
    }

    /// What the embeddings of centre crops by one layer are the means of: F32 [B, featureCount, H, W].
    /// - Throws: as `encode`; `Failure(.usage)` for a layer without positions, or several layers.
    package func maps(_ images: Images, areCrops: Bool = false) throws -> HostTensor {
        let parameters = try centreCrop(of: images, areCrops: areCrops)
        return try encode(images, by: { try self.maps(of: $0) }, parameters: { _ in parameters })
    }

    /// Positions in the maps of crops.
    /// - Throws: `Failure(.usage)` for a layer without positions, or several layers; whatever the backend throws.
    package func positions() throws -> Int {
        let image = backend.constant(0, shape: [1, 3, description.crop, description.crop])
        return try map(of: image).shape[2...].reduce(1, *)
    }

    private func centreCrop(of images: Images, areCrops: Bool) throws -> AugmentationParameters {
        try Augmentation.check(images.type, images.shape)
        let (height, width) = (images.shape[2], images.shape[3])
        let size: Int
        if areCrops {
            size = min(height, width)
        } else if fits(height: height, width: width) {
            size = description.crop
        } else {
            let share = Double(description.crop) / Double(description.side)
            size = max(1, Int((Double(min(height, width)) * share).rounded()))
        }
        return Augmentation.centreCrop(imageHeight: height, imageWidth: width, size: size)
    }

    /// Embeddings of augmented images: F32 [B, featureCount].
    /// - Parameters:
    ///   - ids: of the B images; with `epoch` and `seed` they decide each image's augmentation.
    package func encode(
        _ images: Images, augmentation: Augmentation, ids: [Int64], epoch: Int, seed: UInt64
    ) throws -> HostTensor {
        try Augmentation.check(images.type, images.shape)
        precondition(ids.count == images.shape[0])
        let (height, width) = (images.shape[2], images.shape[3])
        return try encode(
            images,
            parameters: { row in
                augmentation.parameters(
                    id: ids[row], view: 0, epoch: epoch, seed: seed, imageHeight: height, imageWidth: width,
                    size: self.description.crop)
            })
    }

    /// - Parameter network: what is made of normalised images [b, 3, crop, crop], b ≤ `microBatch`; nil is features.
    private func encode(
        _ images: Images, by network: ((Tensor) throws -> HostTensor)? = nil,
        parameters: (Int) -> AugmentationParameters
    ) throws -> HostTensor {
        let count = images.shape[0]
        var parts: [HostTensor] = []
        for start in stride(from: 0, to: count, by: microBatch) {
            let range = start..<min(start + microBatch, count)
            let input = try Augmentation.apply(
                images.rows(range, on: backend), range.map(parameters), size: description.crop,
                normalisation: description.architecture.normalisation, on: backend)
            parts.append(try network?(input) ?? features(of: input))
        }
        return parts.isEmpty
            ? HostTensor([Float](), shape: [0, description.featureCount]) : HostTensor.concatenate(parts)
    }

    /// The images with zeros behind them, [microBatch, 3, crop, crop].
    private func filledUp(_ input: Tensor) -> Tensor {
        guard input.shape[0] < microBatch else { return input }
        let full = backend.constant(0, shape: [microBatch] + input.shape.dropFirst())
        backend.assignRows(input, to: full, at: 0)
        return full
    }

    /// The layer's maps F32 [b, C, H, W] of normalised images, as of `features`.
    private func maps(of input: Tensor) throws -> HostTensor {
        try convertedToFloat32(backend.read(map(of: filledUp(input)))).rows(0..<input.shape[0])
    }

    /// The same where the backend computes, in the precision of activations, of all images.
    /// - Throws: `Failure(.usage)` for a layer without positions, or several layers.
    private func map(of input: Tensor) throws -> Tensor {
        let pass = Pass(Tape(backend, recording: false), training: false, precision: precision)
        guard description.layers.count == 1,
            let map = backbone.map(of: description.layers[0], Variable(input), pass)
        else {
            throw Failure(
                .usage, "\(description.layer) of \(description.architecture.name) is no layer with positions",
                "give another --layer, one alone")
        }
        return map.value
    }

    /// Features F32 [b, featureCount], layer behind layer, of normalised images F32 [b, 3, crop, crop], b ≤ `microBatch`.
    private func features(of input: Tensor) throws -> HostTensor {
        let count = input.shape[0]
        let pass = Pass(Tape(backend, recording: false), training: false, precision: precision)
        let parts = backbone.features(of: description.layers, Variable(filledUp(input)), pass).map(\.value)
        guard parts.count > 1 else { return try backend.read(parts[0]).rows(0..<count) }
        let joined = backend.constant(0, shape: [microBatch, description.featureCount])
        var column = 0
        for part in parts {
            backend.addColumns(part, into: joined, at: column)
            column += part.shape[1]
        }
        return try backend.read(joined).rows(0..<count)
    }

    /// A number that is the same for the same weights and settings, in hex, by which streams of embeddings are told
    /// apart.
    package func fingerprint() throws -> String {
        var hash = StableHash(description.identity.text + (precision == .f32 ? "" : precision.rawValue))
        for (name, tensor) in try backbone.state(on: backend) where !name.hasSuffix("num_batches_tracked") {
            tensor.withUnsafeElements(as: UInt32.self) { hash.add(words: $0) }
        }
        return hash.text
    }
}
