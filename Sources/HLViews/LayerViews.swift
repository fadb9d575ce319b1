import HLFormats
import HLGenerators
import HLTensor

/// Positives of a generator whose layers take mapped latents (StyleGAN2): z is perturbed as a whole, mapped, and the
/// result w' = f(z') taken for the chosen layers; the other layers keep the anchor's w. Here chunks and groups number
/// layers.
///
/// Where a view takes all layers from one z', it is that z' and needs no mapping.
package struct LayerViews {
    private let perturbation: Perturbation
    /// The shapes of z and w.
    private let base: LatentShape
    private let mapped: LatentShape

    /// - Throws: `Failure`: usage if the generator lacks a chosen layer, incompatible for a walker of another z.
    package init(_ perturbation: Perturbation, base: LatentShape, mapped: LatentShape) throws {
        try perturbation.validate(count: mapped.chunks)
        for (walker, _) in perturbation.walkers where walker.dimension != base.size {
            throw Failure(
                .incompatible, "\(walker.name) moves \(walker.dimension) values, and z has \(base.size)",
                "use a walker of this generator")
        }
        self.perturbation = perturbation
        self.base = base
        self.mapped = mapped
    }

    package var viewCount: Int { perturbation.viewCount }

    /// Whether every view is a z of its own.
    package var needsNoMapping: Bool {
        (1...viewCount).allSatisfy { view in
            perturbation.parts(ofView: view).allSatisfy { $0.chunks.indices.count == mapped.chunks }
        }
    }

    /// What the views add to a batch: `z.1` … where no mapping is needed, else `w.0` and `w.1` …. Where the anchors
    /// have w already it is kept, and every view has one too.
    /// - Parameters:
    ///   - z: the anchors, F32 [B, chunks, dimension].
    ///   - w: their mapped latents, F32 [B, layers, width], where they are there.
    ///   - ids: I64 [B].
    ///   - mapper: asked for only where something is to be mapped.
    /// - Throws: `Failure(.data)` if the tensors do not fit each other or the generator.
    package func tensors(
        z: HostTensor, w: HostTensor?, ids: HostTensor, threads: Int = 1, mapper: () throws -> any LatentMapper
    ) throws -> NamedTensors {
        try base.require(z, "z.0")
        if let w { try mapped.require(w, "w.0") }
        guard ids.type == .i64, ids.shape == [z.rowCount], w?.rowCount ?? z.rowCount == z.rowCount else {
            throw Failure(
                .data, "\(z.rowCount) latents have ids \(ids.type.rawValue) \(ids.shape)",
                "make the stream again with hl-sample")
        }
        var result = NamedTensors()
        if needsNoMapping {
            for view in 1...viewCount {
                let (moved, _) = try moved(
                    z, view: view, perturbation.parts(ofView: view)[0].part, ids: ids, threads: threads)
                result["z.\(view)"] = moved
                if w != nil { result["w.\(view)"] = try map(moved, mapper()) }
            }
            return result
        }
        let mapper = try mapper()
        let anchors = try w ?? map(z, mapper)
        result["w.0"] = anchors
        for view in 1...viewCount {
            let parts = try perturbation.parts(ofView: view).map { part, layers in
                let (moved, moves) = try moved(z, view: view, part, ids: ids, threads: threads)
                return Substitute(layers: layers, w: try map(moved, mapper), moves: moves)
            }
            result["w.\(view)"] = Self.substituting(parts, into: anchors)
        }
        return result
    }

    /// z', [B, chunks, dimension], and whether each sample moves; nil where all do.
    private func moved(
        _ z: HostTensor, view: Int, _ part: Perturbation.Part, ids: HostTensor, threads: Int
    ) throws -> (z: HostTensor, moves: [Bool]?) {
        switch part {
        case .noise(let group):
            guard let noise = perturbation.noise else { return (z, nil) }
            let drawn = noise.noise(view: view, group: group, ids: ids, dimension: base.size, threads: threads)
            let moved = noise.isRedrawn ? drawn.reshaped(z.shape) : Self.sum(z, drawn)
            guard let moves = noise.moves(view: view, group: group, ids: ids) else { return (moved, nil) }
            return (Self.choosing(moved, where: moves, else: z), moves)
        case .walker(let walker):
            try z.requireFinite("z.0", ids: ids)
            let flat = z.reshaped([z.rowCount, 1, base.size])
            let moved = try walker.apply(to: flat, chunks: ChunkSet(0)).reshaped(z.shape)
            try moved.requireFinite("z.\(view)", ids: ids)
            return (moved, nil)
        }
    }

    private func map(_ z: HostTensor, _ mapper: any LatentMapper) throws -> HostTensor {
        let w = try mapper.map(z)
        guard w.type == .f32, w.shape == [z.rowCount, mapped.chunks, mapped.dimension] else {
            throw Failure(
                .incompatible,
                "the mapping network makes w \(w.shape) where the header says "
                    + "\(mapped.chunks) layers of \(mapped.dimension)",
                "make the stream again with hl-sample --weights")
        }
        guard w.firstNonFinite == nil else {
            throw Failure.notFinite("the w that the mapping network makes of a view", remedy: "perturb by less")
        }
        return w
    }

    private static func sum(_ a: HostTensor, _ b: HostTensor) -> HostTensor {
        HostTensor(.f32, shape: a.shape) { bytes in
            let target = bytes.bindMemory(to: Float.self)
            a.withUnsafeElements(as: Float.self) { a in
                b.withUnsafeElements(as: Float.self) { b in
                    for i in 0..<min(a.count, b.count) { target[i] = a[i] + b[i] }
                }
            }
        }
    }

    /// The rows of `a` where `isFirst`, else those of `b`; both of one shape.
    private static func choosing(_ a: HostTensor, where isFirst: [Bool], else b: HostTensor) -> HostTensor {
        HostTensor(.f32, shape: a.shape) { bytes in
            let target = bytes.bindMemory(to: Float.self), size = a.rowSize
            a.withUnsafeElements(as: Float.self) { a in
                b.withUnsafeElements(as: Float.self) { b in
                    for i in 0..<target.count { target[i] = isFirst[i / size] ? a[i] : b[i] }
                }
            }
        }
    }

    /// What takes the place of some layers.
    struct Substitute {
        let layers: ChunkSet
        /// F32 [B, layers, width].
        let w: HostTensor
        /// Of which samples; nil is all.
        var moves: [Bool]?
    }

    /// `anchors` with each part's layers taken from its w; all F32 [B, layers, width].
    static func substituting(_ parts: [Substitute], into anchors: HostTensor) -> HostTensor {
        let (count, layers, width) = (anchors.shape[0], anchors.shape[1], anchors.shape[2])
        return HostTensor(.f32, shape: anchors.shape) { bytes in
            let target = bytes.bindMemory(to: Float.self)
            anchors.withUnsafeElements(as: Float.self) { _ = target.update(from: $0) }
            for part in parts {
                part.w.withUnsafeElements(as: Float.self) { source in
                    for sample in 0..<count where part.moves?[sample] ?? true {
                        for layer in part.layers.indices {
                            let start = (sample * layers + layer) * width
                            for i in start..<start + width { target[i] = source[i] }
                        }
                    }
                }
            }
        }
    }
}

extension Walker {
    /// The layers of mapped latents that take the walked z: the wanted ones, else those of its file, else all.
    package func layers(wanted: ChunkSet?, count: Int) throws -> ChunkSet {
        let chosen = wanted ?? chunks ?? ChunkSet(all: count)
        try chosen.validate(count: count)
        return chosen
    }
}
