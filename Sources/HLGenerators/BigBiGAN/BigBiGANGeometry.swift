import HLTensor

/// Widths and counts of a BigBiGAN, as its tensors' shapes say.
struct BigBiGANGeometry {
    struct Block {
        let inputs: Int
        let outputs: Int
        let hasAttention: Bool
    }

    let blocks: [Block]
    /// Blocks + 1 chunks.
    let latent: LatentShape
    /// Values of the class embedding.
    let shared: Int
    let classes: Int

    /// The first positions are 4 × 4, and every block doubles their side.
    var resolution: Int { 4 << blocks.count }

    /// - Throws: `Failure`: data where the shapes do not fit each other, incompatible for a network outside the family.
    init(_ file: GeneratorFile) throws {
        let reader = WeightsReader(file)
        var blocks: [Block] = []
        while reader.has("blocks.\(blocks.count).0.conv1.weight") {
            let index = blocks.count
            guard index < 7 else {
                throw Failure(
                    .incompatible, "\(file.path) has more blocks than an image of 512 pixels", "use a smaller network")
            }
            let shape = try reader.shape("blocks.\(index).0.conv1.weight", rank: 4)
            guard shape[0] <= 1 << 13, shape[1] <= 1 << 13, index == 0 || shape[1] == blocks[index - 1].outputs else {
                throw Failure(
                    .data, "the blocks of \(file.path) do not fit each other", "fetch or save the file again")
            }
            let hasAttention = reader.has("blocks.\(index).1.theta.weight")
            blocks.append(Block(inputs: shape[1], outputs: shape[0], hasAttention: hasAttention))
        }
        guard blocks.count >= 3 else {
            throw Failure(
                .incompatible, "\(file.path) has fewer than three blocks", "use a network of 32 pixels or more")
        }
        let linear = try reader.shape("linear.weight", rank: 2)
        let embedding = try reader.shape("shared.weight", rank: 2)
        let gain = try reader.shape("blocks.0.0.bn1.gain.weight", rank: 2)
        guard linear[0] == 16 * blocks[0].inputs, gain[1] == embedding[1] + linear[1] else {
            throw Failure(
                .incompatible, "\(file.path) does not feed chunks of its latent to its blocks",
                "use a network with hierarchical latents and a shared class embedding")
        }
        self.blocks = blocks
        latent = LatentShape(chunks: blocks.count + 1, dimension: linear[1])
        classes = embedding[0]
        shared = embedding[1]
    }

    func check(classIndex: Int) throws {
        guard (0..<classes).contains(classIndex) else {
            throw Failure(.usage, "the network has no class \(classIndex)", "give --class from 0 to \(classes - 1)")
        }
    }
}
