import Foundation
import HLCompute
import Testing

/// Compiled kernels in files.
struct KernelCacheTests {
    private let made: MadeFolders
    private let cache: KernelCache
    private let key = String(repeating: "0a", count: 32)
    private let code = (0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 17) }

    init() throws {
        made = try MadeFolders()
        cache = KernelCache(folder: "\(made.root)/cache/hl-views")
    }

    private var path: String { "\(cache.folder)/\(key)" }

    @Test func whatIsKeptIsFound() throws {
        #expect(cache.code(for: key) == nil)
        cache.keep(code, for: key)
        #expect(cache.code(for: key) == code)
        #expect(cache.code(for: String(repeating: "0b", count: 32)) == nil)
        cache.keep([1, 2, 3], for: key)
        #expect(cache.code(for: key) == [1, 2, 3])
        #expect(try FileManager.default.contentsOfDirectory(atPath: cache.folder) == [key])
    }

    @Test func damageIsFound() throws {
        cache.keep(code, for: key)
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        for place in [0, 20, 81, 82, whole.count - 1] {
            var damaged = whole
            damaged[place] ^= 1
            try damaged.write(to: URL(fileURLWithPath: path))
            #expect(cache.code(for: key) == nil, "byte \(place)")
        }
        for count in [0, 50, 82, whole.count - 1] {
            try whole.prefix(count).write(to: URL(fileURLWithPath: path))
            #expect(cache.code(for: key) == nil, "\(count) bytes")
        }
        try (whole + [0]).write(to: URL(fileURLWithPath: path))
        #expect(cache.code(for: key) == nil)
        // What is compiled anew takes its place.
        cache.keep(code, for: key)
        #expect(cache.code(for: key) == code)
    }

    /// A file of somebody else's, a link and a folder are no code.
    @Test func foreignFilesAreIgnored() throws {
        cache.keep(code, for: key)
        let other = String(repeating: "0c", count: 32)
        try FileManager.default.createSymbolicLink(atPath: "\(cache.folder)/\(other)", withDestinationPath: path)
        #expect(cache.code(for: other) == nil)
        try Data("\u{7f}ELF and so on".utf8).write(to: URL(fileURLWithPath: path))
        #expect(cache.code(for: key) == nil)
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        #expect(cache.code(for: key) == nil)
        cache.keep(code, for: key)
        #expect(cache.code(for: key) == nil)
    }

    @Test func nothingIsKeptWhereNothingCanBe() throws {
        let file = try made.file("file")
        let closed = KernelCache(folder: "\(file)/hl-views")
        closed.keep(code, for: key)
        #expect(closed.code(for: key) == nil)
    }

    @Test func whereItIs() {
        func folder(_ variables: [String: String]) -> String? { KernelCache { variables[$0] }?.folder }
        #expect(folder(["XDG_CACHE_HOME": "/var/cache/me", "HOME": "/home/me"]) == "/var/cache/me/hl-views")
        #expect(folder(["HOME": "/home/me"]) == "/home/me/.cache/hl-views")
        #expect(folder(["XDG_CACHE_HOME": "cache", "HOME": "/home/me"]) == "/home/me/.cache/hl-views")
        #expect(folder(["XDG_CACHE_HOME": ""]) == nil)
    }
}
