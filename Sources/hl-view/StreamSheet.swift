import HLCommand
import HLFigures
import HLFormats
import HLGenerators
import HLTensor

/// The first samples of a stream as a contact sheet.
struct StreamSheet {
    private let sheet: ContactSheet

    /// What of the stream is shown, and how.
    struct Layout {
        let rows: Int
        /// Of a grid.
        let columns: Int
        /// Samples to leave out before the first.
        let skip: Int
        /// nil enlarges small images.
        let zoom: Int?
        let captions: Bool
    }

    /// Reads no more of the stream than it shows.
    /// - Throws: `Failure` (data) if there is nothing to show.
    init(_ layout: Layout, _ reader: StreamReader, _ renderer: Renderer) throws {
        let regrouper = BatchRegrouper(reader)
        var left = layout.skip
        while left > 0, let skipped = try regrouper.nextBatch(of: min(left, 4096)) { left -= skipped.count }

        var rows: [[Image]] = []
        var rowCaptions: [String] = []
        var columnCaptions: [String] = []
        var isGrid = false
        var firstCaption = ""
        var shown = 0
        // A record may hold thousands of samples; only those on the sheet are rendered.
        while rows.count < layout.rows || (isGrid && rows.last?.count ?? 0 < layout.columns) {
            let wanted = isGrid ? layout.rows * layout.columns - shown : layout.rows - rows.count
            guard wanted > 0, let batch = try regrouper.nextBatch(of: min(wanted, 64)) else { break }
            let views = Renderer.views(of: batch)
            if shown == 0 { isGrid = views.count == 1 }
            if !isGrid {
                for header in batch.parts.map(\.segment.header) {
                    let names = Self.columnCaptions(views, header)
                    // Streams that were joined need not have moved the same chunks.
                    if columnCaptions.isEmpty { columnCaptions = names }
                    if columnCaptions != names { columnCaptions = Self.columnCaptions(views, StreamHeader()) }
                }
            }
            if let first = rows.first?.first {
                let after = isGrid ? (shown + batch.count - 1) / layout.columns + 1 : shown + batch.count
                try ContactSheet.check(
                    rows: after, columns: isGrid ? min(layout.columns, shown + batch.count) : views.count,
                    width: first.width, height: first.height, zoom: layout.zoom)
            }
            let images = try views.map { try Image.batch(renderer.hostImages(of: $0, in: batch)) }
            let captions = isGrid ? Self.ids(of: batch) : Self.captions(of: batch, reader.header)
            for sample in 0..<batch.count {
                let row = images.map { $0[sample] }
                if isGrid, let last = rows.indices.last, rows[last].count < layout.columns {
                    rows[last] += row
                    // The label of one image would pass for that of the row.
                    rowCaptions[last] = firstCaption.isEmpty ? "" : "\(firstCaption) - \(captions[sample])"
                } else {
                    firstCaption = captions[sample]
                    rows.append(row)
                    rowCaptions.append(captions[sample])
                }
            }
            shown += batch.count
        }
        guard let first = rows.first?.first else {
            throw Failure(
                .data,
                layout.skip > 0
                    ? "\(reader.name) has no samples after the first \(layout.skip)"
                    : "\(reader.name) has no samples to show",
                layout.skip > 0 ? "lower --skip" : "draw some with hl-sample")
        }
        var sheet = ContactSheet(rows: rows)
        sheet.zoom = layout.zoom ?? ContactSheet.zoom(forSide: max(first.width, first.height))
        if layout.captions {
            sheet.rowCaptions = rowCaptions
            sheet.columnCaptions = columnCaptions
        }
        self.sheet = sheet
    }

    func rendered() throws -> Image { try sheet.rendered() }

    private static func ids(of batch: Batch) -> [String] {
        batch.ids?.integers.map { String($0) } ?? [String](repeating: "", count: batch.count)
    }

    /// `17 star`
    private static func captions(of batch: Batch, _ header: StreamHeader) -> [String] {
        let ids = batch.ids?.integers
        let labels = batch.tensors["y"].flatMap { $0.type == .i64 && $0.shape.count == 1 ? $0.integers : nil }
        let names = header.classNames ?? []
        return (0..<batch.count).map { sample in
            var parts: [String] = []
            if let ids { parts.append("\(ids[sample])") }
            if let label = labels?[sample] {
                let name = Int(exactly: label).flatMap { names.indices.contains($0) ? names[$0] : nil }
                parts.append(name ?? "y=\(label)")
            }
            return parts.joined(separator: " ")
        }
    }

    /// What a view is: the chunks or layers that moved for it alone, such as `z^0` or `layers 4-7`, else its number.
    private static func columnCaptions(_ views: [Int], _ header: StreamHeader) -> [String] {
        let perturbation = header.metadata["hl.perturbation"].flatMap {
            try? JSONValue(parsing: $0, name: "hl.perturbation")
        }
        let groups = perturbation?["groups"]?.array?.compactMap { $0["chunks"]?.string } ?? []
        let hasViewEach = [perturbation?["sweep"], perturbation?["each"]].contains { $0?.bool == true }
        let isMapped = perturbation?["latent"]?.string == "w"
        return views.map { view in
            if view == 0 { return "anchor" }
            guard hasViewEach && view <= groups.count else { return "view \(view)" }
            let moved = groups[view - 1]
            if Int(moved) == nil { return "\(isMapped ? "layers" : "chunks") \(moved)" }
            return isMapped ? "layer \(moved)" : "z^\(moved)"
        }
    }
}
