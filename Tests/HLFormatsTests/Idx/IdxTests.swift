import HLFormats
import HLTensor
import TestSupport
import Testing

@Suite struct IdxTests {
    private let fixtures = FixtureFolder("idx")

    @Test(arguments: ["images-idx3-ubyte", "images-idx3-ubyte.gz", "members.gz"])
    func imagesAreReadCompressedOrNot(file: String) throws {
        let images = try Idx.read(path: fixtures.path(file))
        #expect(images.type == .u8 && images.shape == [3, 4, 5])
        #expect(images.withUnsafeBytes(Array.init) == (0..<60).map { UInt8(7 * $0 % 256) })
    }

    @Test func otherTypesAreTurnedRound() throws {
        let labels = try Idx.read(path: fixtures.path("labels-idx1-ubyte"))
        #expect(labels.shape == [3] && labels.withUnsafeBytes(Array.init) == [2, 0, 1])
        let integers = try Idx.read(path: fixtures.path("i32"))
        #expect(integers.type == .i32 && integers.shape == [2, 2])
        #expect(integers.withUnsafeElements(as: Int32.self, Array.init) == [-1, 256, 65_536, 7])
        let doubles = try Idx.read(path: fixtures.path("f64"))
        #expect(doubles.withUnsafeElements(as: Double.self, Array.init) == [0.5, -2, 3, 1e300])
    }

    @Test(arguments: ["images-idx3-ubyte", "images-idx3-ubyte.gz", "members.gz", "i32"])
    func cutAnywhereOrGoneOnIsAnError(file: String) throws {
        let bytes = try fixtures.contents(file)
        for count in 0..<bytes.count {
            try fixtures.withFile(Array(bytes[..<count])) { path in
                let found = failure { _ = try Idx.read(path: path) }
                #expect(found?.kind == .data && found?.what.contains(path) == true, "\(count) bytes")
            }
        }
        try fixtures.withFile(bytes + [1]) { path in
            #expect(failure { _ = try Idx.read(path: path) }?.kind == .data)
        }
    }

    /// The checksum of gzip finds every flipped bit but for those of the header that say nothing.
    @Test func damageIsFound() throws {
        let bytes = try fixtures.contents("images-idx3-ubyte.gz")
        let whole = try Idx.read(path: fixtures.path("images-idx3-ubyte.gz")).withUnsafeBytes(Array.init)
        for position in bytes.indices {
            var damaged = bytes
            damaged[position] ^= 1 << UInt8(position % 8)
            try fixtures.withFile(damaged) { path in
                let found = failure {
                    let found = try Idx.read(path: path).withUnsafeBytes(Array.init)
                    #expect(found == whole, "byte \(position)")
                }
                #expect(found.map { $0.kind == .data } ?? true)
            }
        }
    }

    @Test func aClaimThatTheFileDoesNotBackIsRefused() throws {
        let found = failure { _ = try Idx.read(path: fixtures.path("claims.gz")) }
        #expect(found?.kind == .data && found?.what.contains("65535 x 65535") == true)
        try fixtures.withFile(Array("not an idx file".utf8)) { path in
            #expect(failure { _ = try Idx.read(path: path) }?.what == "\(path) is not an idx file")
        }
    }
}
