import CZlib
import HLFormats

/// MAT-files. Half of the cases damage what is in the compressed variables and compress it anew, so that the damage
/// reaches what reads them.
struct MatFormat: FuzzedFormat {
    let name = "mat"

    func damaged(_ damage: inout Damage, _ files: [[UInt8]]) -> [UInt8] {
        guard damage.below(2) == 0 else { return damage.applied(to: files) }
        let plain = damage.applied(to: files)
        guard plain.count > 128 else { return plain }
        // All that follows the header as one compressed variable, in the byte order of the header.
        let body = Self.compressed(Array(plain[128...]))
        let isBig = plain[126] == UInt8(ascii: "M")
        let tag = [UInt32(15), UInt32(body.count)].flatMap { word in
            withUnsafeBytes(of: isBig ? word.bigEndian : word.littleEndian, Array.init)
        }
        return plain[..<128] + tag + body
    }

    private static func compressed(_ bytes: [UInt8]) -> [UInt8] {
        var count = compressBound(UInt(bytes.count))
        var result = [UInt8](repeating: 0, count: Int(count))
        compress2(&result, &count, bytes, UInt(bytes.count), 1)
        return Array(result[..<Int(count)])
    }

    func read(path: String, thorough: Bool) throws {
        let file = try MatFile(path: path)
        // Kinds that are not read are refused one by one.
        for name in file.names { (try? file.value(name)).map(visit) }
    }

    private func visit(_ value: MatValue) {
        _ = (value.number, value.integer, value.text, value.texts, value.numbers?.integers, value.numbers?.doubles)
        value.cells?.forEach(visit)
        guard let structures = value.structures else { return }
        for index in 0..<min(structures.count, 1000) {
            for field in structures.fields { structures[index, field].map(visit) }
        }
    }
}
