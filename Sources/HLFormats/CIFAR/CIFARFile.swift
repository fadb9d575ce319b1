import HLTensor

/// Which of the two sets; they differ in their labels.
package enum CIFARKind: Sendable {
    case cifar10, cifar100

    /// How many classes the (fine) labels tell apart.
    package var classCount: Int { self == .cifar10 ? 10 : 100 }

    /// Of CIFAR-100's coarse labels.
    package static let coarseClassCount = 20
}

/// One file of CIFAR-10 or CIFAR-100, in the Python form or the binary one (https://www.cs.toronto.edu/~kriz/cifar.html).
/// The file is mapped; images are copied out when they are asked for.
package struct CIFARFile: Sendable {
    package let kind: CIFARKind
    /// 0…9, or CIFAR-100's fine labels 0…99; one per image.
    package let labels: [UInt8]
    /// CIFAR-100's 0…19, nil for CIFAR-10.
    package let coarseLabels: [UInt8]?

    private let path: String
    /// Bytes of the file in which an image of index i begins at `first + i · stride`.
    private let bytes: ByteSlice
    private let first: Int
    private let stride: Int

    /// The side of the images in pixels.
    package static let side = 32
    static let pixelBytes = 3 * side * side

    package var count: Int { labels.count }

    /// Image `index` < ``count``; planes R, G, B are how the files hold them.
    package func image(at index: Int) -> Image {
        precondition(labels.indices.contains(index))
        return Image(width: Self.side, height: Self.side) { planes in
            bytes.withUnsafeBytes { all in
                let start = first + index * stride
                _ = planes.update(fromContentsOf: all.bindMemory(to: UInt8.self)[start..<start + Self.pixelBytes])
            }
        }
    }

    /// - Throws: `Failure` (data) unless the images lie within the bytes and every label is one of the classes.
    init(
        _ kind: CIFARKind, labels: [UInt8], coarseLabels: [UInt8]?, path: String, bytes: ByteSlice, first: Int,
        stride: Int
    ) throws {
        let reach = labels.isEmpty ? 0 : first + (labels.count - 1) * stride + Self.pixelBytes
        guard reach <= bytes.count else {
            throw Failure(.data, "\(path) has more labels than images", "fetch it again")
        }
        for (labels, classes) in [(labels, kind.classCount), (coarseLabels ?? [], CIFARKind.coarseClassCount)] {
            if let wrong = labels.firstIndex(where: { Int($0) >= classes }) {
                throw Failure(
                    .data, "\(path): image \(wrong) has the label \(labels[wrong]), and there are \(classes) classes",
                    kind == .cifar10 ? "fetch it again, or name it as cifar100" : "fetch it again")
            }
        }
        self.kind = kind
        self.labels = labels
        self.coarseLabels = coarseLabels
        self.path = path
        self.bytes = bytes
        self.first = first
        self.stride = stride
    }

    // MARK: The binary form

    /// A file such as `data_batch_1.bin`, `test_batch.bin` or `train.bin`: records of one label (CIFAR-10) or two
    /// (CIFAR-100: coarse, fine) and 3,072 bytes of pixels.
    /// - Throws: `Failure`: noInput for a file that cannot be opened, data for one of another kind.
    package init(binary path: String, kind: CIFARKind) throws {
        let bytes = try MappedFile(path: path).bytes
        let labelBytes = kind == .cifar10 ? 1 : 2
        let record = labelBytes + Self.pixelBytes
        guard bytes.count > 0, bytes.count % record == 0 else {
            throw Failure(
                .data, "\(path) has \(bytes.count) bytes, which is no multiple of \(record)",
                "fetch it again, or name the binary form of \(kind)")
        }
        func column(_ index: Int) -> [UInt8] {
            bytes.withUnsafeBytes { all in Swift.stride(from: index, to: all.count, by: record).map { all[$0] } }
        }
        try self.init(
            kind, labels: column(labelBytes - 1), coarseLabels: kind == .cifar10 ? nil : column(0), path: path,
            bytes: bytes, first: labelBytes, stride: record)
    }
}
