import HLCompute
import HLGenerators
import HLNet
import HLTensor
import HLViews

/// What a walker moves in a generator's latent.
package struct WalkerTarget: Sendable {
    /// Chunks of z, or layers of w.
    package let chunks: ChunkSet
    /// `z`: T moves the chosen chunks, laid end to end. `w`: T moves all of z, and w' = f(z + T(z)) is taken for the
    /// chosen layers.
    package let space: LatentSpace
    /// d, the number of values that T moves.
    package let dimension: Int
    /// Whether the whole latent moves.
    package let isWhole: Bool
    private let base: LatentShape

    /// - Throws: `Failure(.usage)` if the generator lacks one of the chunks.
    package init(_ chunks: ChunkSet, of generator: GeneratorSpecification) throws {
        space = generator.mapped == nil ? .z : .w
        let count = generator.mapped?.chunks ?? generator.chunks
        try chunks.validate(count: count)
        self.chunks = chunks
        isWhole = chunks.indices.count == count
        base = generator.base
        dimension = space == .w ? base.size : chunks.indices.count * base.dimension
    }

    /// Where the values that T moves lie in z [n · m], as ranges of equal length.
    private var ranges: [Range<Int>] {
        if space == .w { return [0..<base.size] }
        return chunks.indices.map { $0 * base.dimension..<($0 + 1) * base.dimension }
    }

    /// The values that T moves, F32 [B, d], of z F32 [B, n, m].
    package func gather(from z: HostTensor) -> HostTensor {
        HostTensor(.f32, shape: [z.rowCount, dimension]) { bytes in
            let target = bytes.bindMemory(to: Float.self)
            z.withUnsafeElements(as: Float.self) { z in
                var position = 0
                for sample in 0..<z.count / base.size {
                    for index in ranges.joined() {
                        target[position] = z[sample * base.size + index]
                        position += 1
                    }
                }
            }
        }
    }

    /// z F32 [B, n, m] with steps [B, d] added to the values that T moves, [B, n · m].
    package func adding(_ steps: Variable, to z: HostTensor, _ pass: Pass) -> Variable {
        let ranges = ranges, width = dimension / ranges.count
        var moved = Variable(pass.backend.tensor(z.reshaped([z.rowCount, z.rowSize])))
        for (place, range) in ranges.enumerated() {
            let part = ranges.count == 1 ? steps : pass.columns(steps, place * width..<(place + 1) * width)
            moved = pass.addingColumns(part, to: moved, at: [range.lowerBound])
        }
        return moved
    }

    /// The Euclidean length of the steps F32 [B, d] in each chunk, F32 [B, chunks]; of mapped latents in all of z, [B, 1].
    package func lengths(of steps: HostTensor) -> HostTensor {
        let ranges = ranges, width = dimension / ranges.count
        return HostTensor(.f32, shape: [steps.rowCount, ranges.count]) { bytes in
            let target = bytes.bindMemory(to: Float.self)
            steps.withUnsafeElements(as: Float.self) { steps in
                for row in target.indices {
                    let values = steps[row * width..<(row + 1) * width]
                    target[row] = Float(values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot())
                }
            }
        }
    }
}
