import CCUDA
import HLTensor

/// Activations as the kernels of norms see them, [groups][rows][channels], a row being a position of a sample, and the
/// tiles in which blocks of threads go through them.
struct NormRows {
    private let groups: Int
    private let rows: Int
    private let channels: Int
    private let width: Int
    private let lanes: Int

    /// Equal parts of the batch.
    init(_ x: Tensor, groups: Int) {
        precondition(groups > 0 && x.shape[0] % groups == 0, "\(groups) groups of \(x.shape[0]) samples")
        (self.groups, rows, channels) = (groups, x.shape[0] / groups * x.positions, x.shape[1])
        width = x.vectorWidth
        // A row of a tile is 128 bytes or more where there are as many: the widest that leaves the fewest threads
        // without work.
        let vectors = (channels + width - 1) / width
        lanes =
            vectors < 8
            ? [1, 2, 4, 8].first { $0 >= vectors } ?? 8
            : [32, 16, 8].min { ($0 + vectors - 1) / $0 * $0 < ($1 + vectors - 1) / $1 * $1 } ?? 8
    }

    /// Values of a channel in a group.
    var count: Int { rows }

    /// Of passes that add up: few tiles, of which there are sums to be added up again.
    var tilingOfSums: hl_cuda_norm_tiling { tiling(blocks: 1024, least: 8) }

    /// Of passes that change every value.
    var tilingOfValues: hl_cuda_norm_tiling { tiling(blocks: 2048, least: 4) }

    /// - Parameters:
    ///   - blocks: enough of them to fill a card, not many more.
    ///   - least: rows of a thread that are worth the loading of its channels' constants.
    private func tiling(blocks: Int, least: Int) -> hl_cuda_norm_tiling {
        let step = Int(HL_CUDA_THREADS) / lanes, columns = (channels + lanes * width - 1) / (lanes * width)
        let tiles = max(1, blocks / (groups * columns))
        let height = step * max(least, (rows + step * tiles - 1) / (step * tiles))
        return hl_cuda_norm_tiling(
            rows: UInt32(kernel: rows), channels: UInt32(kernel: channels),
            tiles: UInt32(kernel: max(1, (rows + height - 1) / height)), height: UInt32(kernel: height),
            columns: UInt32(kernel: columns), lanes: UInt32(kernel: lanes), wide: width > 1 ? 1 : 0)
    }

    /// A block for every tile.
    func grid(_ tiling: hl_cuda_norm_tiling) -> Grid { Grid(groups * Int(tiling.tiles) * Int(tiling.columns)) }

    /// A block for every few channels.
    var gridOfChannels: Grid { Grid((channels + Int(HL_CUDA_NORM_CHANNELS) - 1) / Int(HL_CUDA_NORM_CHANNELS)) }
}

extension Tensor {
    /// Values of neighbouring channels that a thread takes in one access: 16 bytes, or one value.
    var vectorWidth: Int { shape[1] * type.size % 16 == 0 ? 16 / type.size : 1 }
}
