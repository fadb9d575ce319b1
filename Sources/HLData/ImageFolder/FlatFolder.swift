import HLFormats
import HLTensor

/// All images of a folder and the folders below it, without classes: one label for all. Links are followed, as in
/// ``ImageFolder``.
struct FlatFolder: ImageDataset {
    let classNames = ["image"]
    let omissions: Omissions
    private let place: DatasetPlace
    private let root: SystemPath
    private let files: NameTable

    /// - Throws: `Failure(.noInput)` for a missing folder and for one without images.
    init(_ place: DatasetPlace) throws {
        let top = SystemPath(place.path)
        root =
            try place.split.map { split in
                guard try Directory(top).folders.contains(SystemPath(split)) else {
                    throw Failure(.noInput, "no split '\(split)' in \(top.shown)", "name a folder that is there")
                }
                return top / SystemPath(split)
            } ?? top
        let content = try ClassFolder(root)
        guard !content.images.isEmpty else {
            let rest = content.omissions.isEmpty ? "" : ", but \(content.omissions.text)"
            throw Failure(
                .noInput, "\(root.shown) has no images of formats that are read\(rest)", "give a folder of images")
        }
        var files = NameTable()
        for image in content.images { files.append(image) }
        self.place = place
        self.files = files
        omissions = content.omissions
    }

    var source: String { "\(place.kind):\(root.shown)" }
    var count: Int { files.count }

    var identity: JSONObject {
        var object = place.identity, content = ContentFingerprint()
        for index in 0..<count { content.add(files[index]) }
        content.addContents(of: count) { root / files[$0] }
        object["fingerprint"] = .string(content.text)
        return object
    }

    func label(at index: Int) -> Int { 0 }

    func encodedSample(at index: Int) throws -> EncodedSample {
        EncodedSample(id: Int64(index), label: 0, image: try EncodedImage(root / files[index]))
    }
}
