import HLEncoders
import HLFigures
import HLFormats
import HLTensor

/// Writes a confusion matrix as a picture or as a table, as the name of the file says.
struct ConfusionOutput {
    private let path: String
    private let isFigure: Bool

    /// - Throws: `Failure` (usage) for a name that ends neither in `.png` nor in `.tsv`.
    init(_ path: String) throws {
        self.path = path
        isFigure = path.lowercased().hasSuffix(".png")
        guard isFigure || path.lowercased().hasSuffix(".tsv") else {
            throw Failure(
                .usage, "a confusion matrix cannot be written to '\(path)'", "name a file that ends in .png or .tsv")
        }
    }

    /// - Throws: `Failure` (cannotCreate) where the file could not be made.
    func check() throws { try OutputFile.check(path: path) }

    /// - Throws: `Failure` (usage) for more classes than a picture has place for.
    func check(classes: Int) throws { if isFigure { try ConfusionFigure.check(classes: classes) } }

    /// - Parameter names: of the classes.
    func write(_ matrix: ConfusionMatrix, names: [String]) throws {
        if isFigure {
            let rows = (0..<matrix.classes).map { row in (0..<matrix.classes).map { matrix[row, $0] } }
            return try ConfusionFigure(counts: rows, names: names).rendered().writePNG(to: path)
        }
        // What would end a cell stands as a space.
        let cells = names.map { String($0.map { $0 == "\t" || $0.isNewline ? " " : $0 }) }
        let file = try OutputFile(path: path)
        func write(_ line: [String]) throws {
            var text = line.joined(separator: "\t") + "\n"
            try text.withUTF8 { try file.write(UnsafeRawBufferPointer($0)) }
        }
        try write(["class"] + cells)
        for row in 0..<matrix.classes {
            try write([cells[row]] + (0..<matrix.classes).map { "\(matrix[row, $0])" })
        }
        try file.commit()
    }
}
