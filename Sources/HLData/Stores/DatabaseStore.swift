import HLFormats
import HLTensor

/// Images that are the records of LMDB databases, in the order of databases and keys.
struct DatabaseStore: ImageStore {
    let databases: [LMDBFile]
    /// How an image is cut before it is one of the set's.
    let crop: (@Sendable (Image) throws -> Image)?
    /// The records that are read, over all databases; nil for all.
    private let chosen: [UInt32]?
    /// The first record of each database, and the count of all.
    private let starts: [Int]

    init(_ databases: [LMDBFile], chosen: [UInt32]? = nil, crop: (@Sendable (Image) throws -> Image)? = nil) {
        self.databases = databases
        self.chosen = chosen
        self.crop = crop
        starts = databases.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
    }

    var count: Int { chosen?.count ?? starts[starts.count - 1] }

    /// Which database image `index` lies in.
    func database(of index: Int) -> Int {
        let record = chosen.map { Int($0[index]) } ?? index
        return (starts.firstIndex { $0 > record } ?? starts.count) - 1
    }

    func name(at index: Int) -> String {
        SystemPath((try? section(at: index).name) ?? "record \(index) of \(databases[0].path)").shown
    }

    func image(at index: Int) throws -> EncodedImage {
        let image = try EncodedImage(section(at: index))
        guard let crop else { return image }
        return EncodedImage(try crop(image.decoded()), name: image.name)
    }

    func section(at index: Int) throws -> FileSection {
        let record = chosen.map { Int($0[index]) } ?? index
        let place = database(of: index)
        return try databases[place].value(at: record - starts[place])
    }

    /// Keys are many and each a page; the images tell enough.
    func describe(to content: inout ContentFingerprint) {
        content.add(SystemPath("\(count)"))
        content.addBeginnings(of: count) { try? section(at: $0).beginning(1 << 16) }
    }
}
