/// Channels of the two networks for a side: BigGAN's for 64 and 128 pixels (Brock et al. 2019, appendix B; the tables
/// `G_arch` and `D_arch` of https://github.com/lukemelas/pytorch-pretrained-gans, BigBiGAN/model/BigGAN.py), and tapering
/// ones for 32, whose own entries there are four times as wide at the largest sides.
struct NetworkShape: Sendable, Equatable {
    let side: Int
    let width: Int
    /// Values of a chunk of the latent.
    let chunkDimension: Int

    /// Channels of the first 4 × 4 positions, then of what leaves each block.
    var generatorChannels: [Int] {
        let factors =
            switch side {
            case 32: [4, 4, 2, 1]
            case 64: [16, 16, 8, 4, 2]
            default: [16, 16, 8, 4, 2, 1]
            }
        return factors.map { $0 * width }
    }

    /// Channels of what leaves each block of the discriminator; all blocks but the last halve the side.
    var discriminatorChannels: [Int] {
        let factors =
            switch side {
            case 32: [1, 2, 4, 4]
            case 64: [1, 2, 4, 8, 16]
            default: [1, 2, 4, 8, 16, 16]
            }
        return factors.map { $0 * width }
    }
}
