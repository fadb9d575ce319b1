import HLFormats
import HLTensor

/// ImageNet-100: a hundred classes of ImageNet-1K, which a class index names: `{"NUMBER": ["WORDNET ID", "NAME"], …}`, or
/// a list of WordNet ids, one a line. Labels number the chosen ids in their order, as if the others had no folders.
enum ImageNet100 {
    static let kind = DatasetKind(
        name: "imagenet100", abstract: "the classes of ImageNet-1K that a class index names",
        splits: ["train", "val"],
        settings: [
            DatasetSetting(
                "index", .text("FILE"), standard: nil,
                "JSON or list of WordNet ids; else DIR/imagenet100_class_index.json"
            )
        ],
        open: { place in
            let ids: [String]
            let standard = "imagenet100_class_index.json"
            if place["index"].isEmpty {
                let folder = try place.base(holding: [standard])
                ids = try folder.contents(standard).withBytes { try read($0, "\(folder.path.shown)/\(standard)") }
            } else {
                let path = place["index"]
                ids = try FileDescriptorSource(opening: SystemPath(path)).readAll().withBytes { try read($0, path) }
            }
            return try ImageNet.images(place, of: Set(ids))
        })

    private static func read(_ bytes: UnsafeRawBufferPointer, _ name: String) throws -> [String] {
        let text = String(decoding: bytes, as: UTF8.self)
        var ids: [String]
        if text.first(where: { !$0.isWhitespace }) == "{" {
            let members = try JSONValue(parsing: bytes, name: name).object?.members ?? []
            ids = members.map { $0.value.array?.first?.string ?? $0.value.string ?? "" }
        } else {
            ids = text.split(whereSeparator: \.isNewline).compactMap { $0.split(whereSeparator: \.isWhitespace).first }
                .map(String.init)
        }
        let isPlain = ids.allSatisfy { id in
            id.utf8.count == 9 && id.first == "n" && id.dropFirst().allSatisfy { $0.isASCII && $0.isNumber }
        }
        guard !ids.isEmpty, isPlain, Set(ids).count == ids.count else {
            throw Failure(
                .data, "\(name) is no index of WordNet ids such as n01440764, each once",
                "write it as {\"0\": [\"n01440764\", \"tench\"], ...}, or one id a line")
        }
        return ids
    }
}
