import Foundation
import HLFormats
import HLTensor
import TestSupport
import Testing

@Suite struct LMDBFileTests {
    private let fixtures = FixtureFolder("lmdb")

    private func key(_ number: Int) -> String {
        let digits = String(number * 2_654_435_761, radix: 16)
        return String(repeating: "0", count: 40 - digits.count) + digits
    }

    private func size(_ number: Int) -> Int { number % 50 == 7 ? 5000 + 40 * number : 20 + number }

    @Test func recordsComeInTheOrderOfTheirKeys() throws {
        let database = try LMDBFile(path: fixtures.path("small.mdb"))
        #expect(database.count == 120)
        let numbers = (0..<120).sorted { key($0) < key($1) }
        for (index, number) in numbers.enumerated() {
            #expect(String(decoding: try database.key(at: index), as: UTF8.self) == key(number))
            let value = try database.value(at: index)
            #expect(value.count == size(number) && value.name.contains(key(number)))
            #expect(try value.read().withBytes(Array.init) == (0..<size(number)).map { UInt8((number + $0) % 251) })
            #expect(try database.index(ofKey: Array(key(number).utf8)) == index)
        }
        #expect(try database.index(ofKey: Array("absent".utf8)) == nil)
        #expect(try database.index(ofKey: []) == nil)
    }

    @Test func aTreeOfThreeLevelsAndAnEmptyOneAreWalked() throws {
        let deep = try LMDBFile(path: fixtures.path("deep.mdb"))
        #expect(deep.count == 150)
        for index in 0..<150 {
            let value = try deep.value(at: index).read().withBytes { String(decoding: $0, as: UTF8.self) }
            #expect(value == "\(index)")
        }
        #expect(try LMDBFile(path: fixtures.path("empty.mdb")).count == 0)
    }

    @Test func aFolderIsTakenForItsDataFile() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("hl-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let missing = failure { _ = try LMDBFile(path: folder.path) }
        #expect(missing?.kind == .noInput && missing?.what.contains("data.mdb") == true)
        try FileManager.default.copyItem(
            atPath: fixtures.path("small.mdb"), toPath: folder.appendingPathComponent("data.mdb").path)
        #expect(try LMDBFile(path: folder.path).count == 120)
        // No lock file is left behind.
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["data.mdb"])
    }

    @Test func otherKindsOfDatabaseAreRefused() throws {
        let named = failure { _ = try LMDBFile(path: fixtures.path("named.mdb")) }
        #expect(named?.kind == .data && named?.what.contains("named databases") == true)
        // MDB_DUPSORT in both meta pages' flags of the main database.
        var bytes = try fixtures.contents("small.mdb")
        for page in [0, 4096] { bytes[page + 16 + 76] = 4 }
        try fixtures.withFile(bytes) { path in
            #expect(failure { _ = try LMDBFile(path: path) }?.what.contains("several under one key") == true)
        }
        try fixtures.withFile(Array(repeating: 0, count: 9000)) { path in
            #expect(failure { _ = try LMDBFile(path: path) }?.what.contains("not an LMDB database") == true)
        }
    }

    @Test func aFileThatIsCutIsRefused() throws {
        let bytes = try fixtures.contents("small.mdb")
        for count in [0, 1, 100, 152, 4096, 4200, 8192, bytes.count - 4096, bytes.count - 1] {
            try fixtures.withFile(Array(bytes[..<count])) { path in
                let found = failure { _ = try LMDBFile(path: path) }
                #expect(found?.kind == .data && found?.what.contains(path) == true, "\(count) bytes")
            }
        }
    }

    /// Wherever a byte changes, the tree stays within its bounds: every record is read or refused.
    @Test func flippedBitsNeverLeadOutOfTheFile() throws {
        let bytes = try fixtures.contents("deep.mdb")
        for position in Swift.stride(from: 0, to: bytes.count, by: 13) {
            var damaged = bytes
            damaged[position] ^= 1 << UInt8(position % 8)
            try fixtures.withFile(damaged) { path in
                let found = failure {
                    let database = try LMDBFile(path: path)
                    for index in 0..<database.count { _ = try database.value(at: index).read() }
                }
                #expect(found.map { $0.kind == .data } ?? true, "byte \(position)")
            }
        }
    }
}
