import Foundation
import HLFormats
import HLTensor
import Testing

enum TorchFixtures {
    struct Expected {
        let name: String
        let type: ElementType
        let shape: [Int]
        let values: [Double]
    }

    static func path(_ name: String) -> String {
        Bundle.module.resourceURL!.appendingPathComponent("Fixtures/torch/\(name)").path
    }

    static func bytes(_ name: String) throws -> [UInt8] {
        try [UInt8](Data(contentsOf: URL(fileURLWithPath: path(name))))
    }

    /// All tensors of a value whose names begin with `prefix`, read, without it.
    static func tensors(
        of value: PickleValue, behind prefix: String = ""
    ) throws -> [(name: String, tensor: HostTensor)] {
        let found = try collectedTensors(of: value).filter { $0.name.hasPrefix(prefix) }
        try checkTensors(found)
        return try found.map { (String($0.name.dropFirst(prefix.count)), try $0.tensor.hostTensor()) }
    }

    /// Two lines per tensor: name, type and shape; values.
    static func expectation(_ name: String) throws -> [Expected] {
        let lines = try String(contentsOfFile: path(name + ".txt"), encoding: .utf8)
            .split(separator: "\n", omittingEmptySubsequences: false)
        return try stride(from: 0, to: lines.count - 1, by: 2).map { index in
            let fields = lines[index].split(separator: " ", omittingEmptySubsequences: false)
            return Expected(
                name: String(fields[0]), type: try #require(ElementType(rawValue: String(fields[1]))),
                shape: fields[2].split(separator: ",").compactMap { Int($0) },
                values: lines[index + 1].split(separator: " ").compactMap { Double($0) })
        }
    }

    /// A file in the folder that holds the package's own, or nil where it is not there.
    static func besidePackage(_ path: String) -> String? {
        var folder = URL(fileURLWithPath: #filePath)
        for _ in 0..<4 { folder.deleteLastPathComponent() }
        let file = folder.appendingPathComponent(path).path
        return FileManager.default.fileExists(atPath: file) ? file : nil
    }

    /// Per tensor of the published walker: the sum of its values, and the sum weighted by index mod 97.
    static let walkerSums: [(plain: Double, weighted: Double)] = [
        (-3.808795001310955, -72.90490717635339),
        (-0.027866899588843808, -6.225751081161434),
        (-0.29948743950944845, -147.1179332914753),
        (0.267876545432955, 8.734312530839816),
    ]
}
