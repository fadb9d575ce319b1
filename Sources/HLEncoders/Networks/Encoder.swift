import CKernels
import HLCompute
import HLFormats
import HLNet
import HLTensor

/// A frozen backbone that turns images into embeddings.
package final class Encoder {
    package let description: EncoderDescription
    package let backbone: ResNet
    package let backend: any Backend

    /// Images per pass through the network. Always the same, the last pass filled up with zeros, so that the kernels
    /// that run, and with them the last bits, do not depend on how many images come at a time.
    package static let microBatch = 64

    private init(_ description: EncoderDescription, _ backend: any Backend) {
        self.description = description
        self.backend = backend
        backbone = ResNet(backend, description.architecture, width: description.width, stem: description.stem)
    }

    /// A backbone that is already there, such as that of a training under way.
    package init(_ backbone: ResNet, _ description: EncoderDescription, on backend: any Backend) {
        precondition(
            backbone.architecture == description.architecture && backbone.width == description.width
                && backbone.stem == description.stem)
        self.description = description
        self.backbone = backbone
        self.backend = backend
    }

    /// Reads an encoder of hl-train, a `.pth` of torchvision or SimSiam, or safetensors with torchvision's names.
    /// - Parameters:
    ///   - side: of the images that the network expects; nil takes the file's, or 128 where it says none.
    ///   - crop: nil takes the file's, or 7/8 of the side.
    /// - Throws: `Failure`: noInput; data for damaged files, missing tensors or wrong shapes, by name; incompatible for
    ///   files that hold something else.
    package static func load(
        path: String, side: Int? = nil, crop: Int? = nil, backend: any Backend
    ) throws -> Encoder {
        let contents = try EncoderCheckpoint.read(path: path, side: side, crop: crop)
        let encoder = Encoder(contents.description, backend)
        try encoder.backbone.load(contents.tensors, from: path, on: backend)
        return encoder
    }

    /// The encoder that a training with this seed starts from.
    package static func untrained(
        _ description: EncoderDescription, seed: UInt64, backend: any Backend
    ) -> Encoder {
        let encoder = Encoder(description, backend)
        // A parameter's values depend on its name, which has the prefix in a training method.
        Prefixed(encoder.backbone).initialise(seed: seed, on: backend)
        return encoder
    }

    private final class Prefixed: Module {
        let backbone: ResNet
        init(_ backbone: ResNet) { self.backbone = backbone }

        func forEachState(_ prefix: String, _ body: (String, State) throws -> Void) rethrows {
            try backbone.forEachState(prefix + EncoderCheckpoint.prefix, body)
        }
    }

    /// Whether images of this size are what the encoder expects. Others have their central square, with the same margin
    /// cut off in proportion, resized to the crop.
    package func fits(height: Int, width: Int) -> Bool { min(height, width) == description.side }

    /// Embeddings of the centre crops: F32 [B, featureCount].
    /// - Parameters:
    ///   - images: U8 (0…255) or F32 (0…1), [B, 3, H, W].
    ///   - threads: for cropping and normalising, at least 1.
    /// - Throws: `Failure`: data for images of another type or shape, or whatever went wrong on the backend.
    package func encode(images: HostTensor, threads: Int) throws -> HostTensor {
        guard images.shape.count == 4 else {
            throw Failure(
                .data, "images to encode are \(images.type.rawValue) of shape \(images.shape)",
                "give U8 or F32 images of shape [batch, 3, height, width]")
        }
        let (height, width) = (images.shape[2], images.shape[3])
        let size: Int
        if fits(height: height, width: width) {
            size = description.crop
        } else {
            let share = Double(description.crop) / Double(description.side)
            size = max(1, Int((Double(min(height, width)) * share).rounded()))
        }
        let parameters = Augmentation.centreCrop(imageHeight: height, imageWidth: width, size: size)
        return try encode(images: images, threads: threads) { _ in parameters }
    }

    /// Embeddings of augmented images: F32 [B, featureCount].
    /// - Parameters:
    ///   - ids: of the B images; with `epoch` and `seed` they decide each image's augmentation.
    package func encode(
        images: HostTensor, augmentation: Augmentation, ids: [Int64], epoch: Int, seed: UInt64, threads: Int
    ) throws -> HostTensor {
        precondition(images.shape.count == 4 && ids.count == images.rowCount)
        let (height, width) = (images.shape[2], images.shape[3])
        return try encode(images: images, threads: threads) { row in
            augmentation.parameters(
                id: ids[row], view: 0, epoch: epoch, seed: seed, imageHeight: height, imageWidth: width,
                size: self.description.crop)
        }
    }

    private func encode(
        images: HostTensor, threads: Int, parameters: (Int) -> hl_augment_parameters
    ) throws -> HostTensor {
        let count = images.rowCount, crop = description.crop
        var parts: [HostTensor] = []
        for start in stride(from: 0, to: count, by: Self.microBatch) {
            let range = start..<min(start + Self.microBatch, count)
            let input = try Augmentation.apply(
                images: images.rows(range), parameters: range.map(parameters), size: crop, threads: max(1, threads))
            parts.append(try features(of: input))
        }
        return parts.isEmpty
            ? HostTensor([Float](), shape: [0, description.featureCount]) : HostTensor.concatenate(parts)
    }

    /// Features F32 [b, featureCount] of normalised images F32 [b, 3, crop, crop], b ≤ `microBatch`.
    private func features(of input: HostTensor) throws -> HostTensor {
        let count = input.rowCount
        var full = input
        if count < Self.microBatch {
            let padding = HostTensor(.f32, shape: [Self.microBatch - count] + input.shape.dropFirst()) { bytes in
                bytes.initializeMemory(as: UInt8.self, repeating: 0)
            }
            full = HostTensor.concatenate([input, padding])
        }
        let pass = Pass(Tape(backend, recording: false), training: false)
        return try backend.read(backbone(Variable(backend.tensor(full)), pass).value).rows(0..<count)
    }

    /// A number that is the same for the same weights and settings, in hex, by which streams of embeddings are told
    /// apart.
    package func fingerprint() throws -> String {
        var hash = UInt64(bitPattern: stableHash(description.json.text))
        for (name, tensor) in try backbone.state(on: backend) where !name.hasSuffix("num_batches_tracked") {
            tensor.withUnsafeElements(as: UInt32.self) { words in
                for word in words { hash = (hash ^ UInt64(word)) &* 0x100_0000_01b3 }
            }
        }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
