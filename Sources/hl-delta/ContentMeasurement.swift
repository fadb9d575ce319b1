import HLCommand
import HLCompute
import HLEncoders
import HLFormats
import HLGenerators
import HLStatistics
import HLTensor
import HLViews

/// What --classifier counts along a stream: of each view the class that the classifier tells, how much of the image has
/// changed, and how far which chunks went. Its size does not depend on the stream's length.
struct ContentMeasurement {
    private let renderer: Renderer
    let classifier: ImageClassifier
    /// The numbers of the views, but for the anchor's.
    let views: [Int]
    private(set) var keeping: LabelKeeping
    /// δ of all chunks of each view; nil where the stream has no latents of it.
    private(set) var deltas: [DeltaStatistics?]
    /// Whether the chunks are layers.
    let isMapped: Bool
    /// What moved each view, in words.
    let movers: [String]
    /// Whether the generator was trained with labels.
    let hasSeenLabels: Bool

    /// - Parameter first: the first batch, which says what the stream has; it is not added.
    /// - Throws: `Failure`: data where there are no views; as `Renderer`.
    init(_ header: StreamHeader, _ first: Batch, classifier: ImageClassifier, name: String) throws {
        let views = Renderer.views(of: first).filter { $0 > 0 }
        guard !views.isEmpty, Renderer.views(of: first).first == 0 else {
            throw Failure(.data, "\(name) has no views beside its anchors", "put hl-perturb before this program")
        }
        self.views = views
        self.classifier = classifier
        hasSeenLabels = header.generatorHasSeenLabels
        renderer = try Renderer(header, on: classifier.encoder.backend)
        try renderer.require([0] + views, in: first)
        keeping = LabelKeeping(classes: classifier.classes, views: views.count)
        let spaces = views.map { Self.space(of: $0, first) }
        isMapped = spaces.contains(.w)
        deltas = try zip(views, spaces).map { view, space in
            try space.map { space in
                let chunks = try first.require("\(space.rawValue).0", .f32, rank: 3).shape[1]
                return DeltaStatistics(chunks: ChunkSet(all: chunks))
            }
        }
        movers = views.map { Self.mover(of: $0, count: views.count, header) }
    }

    private static func space(of view: Int, _ batch: Batch) -> LatentSpace? {
        [LatentSpace.w, .z].first { space in
            [0, view].allSatisfy { batch.tensors["\(space.rawValue).\($0)"] != nil }
        }
    }

    /// `noise`, `redrawn`, or the walkers' names, as the header has them.
    private static func mover(of view: Int, count: Int, _ header: StreamHeader) -> String {
        guard let text = header.metadata["hl.perturbation"],
            let perturbation = try? JSONValue(parsing: text, name: "hl.perturbation")
        else { return "" }
        // One walker alone is the perturbation itself.
        let groups = perturbation["groups"]?.array ?? [perturbation]
        let hasViewEach = [perturbation["sweep"], perturbation["each"]].contains { $0?.bool == true }
        let own =
            hasViewEach && groups.count == count && groups.indices.contains(view - 1) ? [groups[view - 1]] : groups
        let noise = perturbation["redraw"]?.bool == true ? "redrawn" : "noise"
        var names: [String] = []
        for name in own.map({ $0["walker"]?.string ?? noise }) where !names.contains(name) { names.append(name) }
        return names.joined(separator: ", ")
    }

    mutating func add(_ batch: Batch) throws {
        let backend = classifier.encoder.backend
        let images = try renderer.separateImages(of: [0] + views, in: batch, on: backend)
        let pixels = try images.map { try backend.read($0) }
        let labels = try images.map { try classifier.classes(of: .device($0)) }
        for view in pixels.indices.dropFirst()
        where pixels[view].type != pixels[0].type || pixels[view].shape != pixels[0].shape {
            throw Failure(
                .data, "the images of view \(views[view - 1]) are of another size or type than their anchors'",
                "make them alike")
        }
        keeping.add(
            anchors: labels[0],
            views: pixels.indices.dropFirst().map { (labels[$0], LabelKeeping.change(from: pixels[0], to: pixels[$0])) }
        )
        let ids = batch.ids ?? HostTensor((0..<Int64(batch.count)).map { $0 }, shape: [batch.count])
        for (number, view) in views.enumerated() {
            guard var delta = deltas[number], let space = Self.space(of: view, batch) else { continue }
            deltas[number] = nil  // The only copy is the one that grows.
            let names = ("\(space.rawValue).0", "\(space.rawValue).\(view)")
            try delta.add(
                anchors: batch.require(names.0, .f32, rank: 3), positives: batch.require(names.1, .f32, rank: 3),
                ids: ids,
                names: names)
            deltas[number] = delta
        }
    }

    /// The chunks that move in any sample of view `number`, counted from 0, such as `1-3`; nil where that is not known or
    /// none moves.
    func moved(_ number: Int) -> String? {
        guard let delta = deltas[number] else { return nil }
        let moved = zip(delta.chunks.indices, delta.perChunk).filter { $1.maximum > 0 }.map { String($0.0) }
        return moved.isEmpty ? nil : (try? ChunkSet(parsing: moved.joined(separator: ",")))?.text
    }

    /// A class by its name, or its number.
    func className(_ label: Int) -> String {
        guard let names = classifier.names, names.indices.contains(label) else { return String(label) }
        return names[label]
    }
}
