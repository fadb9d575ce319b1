import Glibc
import HLFormats
import HLTensor

/// A counter of Linux' powercap folder: energy that a part of the machine has used, which begins anew at a range of its
/// own.
///
/// https://docs.kernel.org/power/powercap/powercap.html
package struct PowerZone: Sendable {
    /// As the system names it: `package-0`, `psys`, `core`, `dram`.
    package let name: String
    /// Its folder, links resolved.
    package let path: String
    /// Whether it is read through the memory of the processor and not through its registers.
    package let isMapped: Bool
    /// µJ at which it begins anew; 0 where the system does not say.
    package let range: Double

    /// - Parameter path: its folder.
    init(path: String) {
        self.path = path
        let name = Self.text(path + "/name") ?? ""
        self.name = name.isEmpty ? path.split(separator: "/").last.map(String.init) ?? path : name
        isMapped = path.contains("intel-rapl-mmio")
        range = Self.text(path + "/max_energy_range_uj").flatMap(Double.init) ?? 0
    }

    package var isPackage: Bool { name.lowercased().contains("package") }
    package var isPlatform: Bool { name.lowercased() == "psys" }

    /// µJ counted so far; nil where the file cannot be read or holds no number.
    func reading() -> Double? { Self.text(path + "/energy_uj").flatMap(Double.init).flatMap { $0.isFinite ? $0 : nil } }

    /// Why it cannot be read.
    var problem: String {
        let file = path + "/energy_uj"
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "cannot read \(file) (\(String(cString: strerror(errno))))" }
        close(descriptor)
        return "\(file) holds no number"
    }

    private static func text(_ path: String) -> String? { SystemText.line(path) }
}

/// Small files of the system.
package enum SystemText {
    /// All of a file as text; nil where it cannot be read.
    package static func read(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](), part = [UInt8](repeating: 0, count: 1 << 14)
        while true {
            let count = Glibc.read(descriptor, &part, part.count)
            if count < 0 && errno == EINTR { continue }
            if count < 0 { return nil }
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += part[..<count]
            if bytes.count > 1 << 22 { return nil }
        }
    }

    /// A file of one line, without the space around it.
    package static func line(_ path: String) -> String? {
        read(path).map { text in
            let trimmed = text.drop { $0.isWhitespace }
            return String(trimmed.reversed().drop { $0.isWhitespace }.reversed())
        }
    }
}
