import HLFormats
import HLTensor
import Testing

@Suite struct NpyTests {
    private func read(_ name: String) throws -> HostTensor { try Npy.read(path: StreamFixtures.path(name)) }
    private func ramp(_ count: Int) -> [Float] { (0..<count).map { Float($0) / 4 - 3 } }

    @Test(arguments: ["f4.npy", "f4_big.npy", "v2.npy", "v3.npy"])
    func readsFloats(_ name: String) throws {
        let array = try read(name)
        #expect(array.type == .f32 && array.shape == [4, 3])
        #expect(array.floats == ramp(12))
    }

    @Test func turnsColumnMajorArrays() throws {
        let array = try read("f4_fortran.npy")
        #expect(array.shape == [2, 3, 4])
        #expect(array.floats == ramp(24))
    }

    @Test func convertsWhereFloatsAreAskedFor() throws {
        #expect(try read("f8.npy").type == .f64)
        let doubles = try convertedToFloat32(read("f8.npy"))
        #expect(doubles.shape == [2, 3, 2] && doubles.floats == ramp(12))
        #expect(try convertedToFloat32(read("f2.npy")).floats == ramp(6))
        #expect(try convertedToFloat32(read("i8.npy")).floats == [0, 1, 2, 3, 4])
    }

    @Test func readsOtherTypesAndShapes() throws {
        #expect(try read("i8.npy").integers == [0, 1, 2, 3, 4])
        let bytes = try read("u1.npy")
        #expect(bytes.type == .u8 && bytes.shape == [2, 2] && bytes.withUnsafeBytes(Array.init) == [0, 1, 2, 3])
        #expect(try read("bool.npy").withUnsafeBytes(Array.init) == [1, 0])
        #expect(try read("scalar.npy").shape == [])
        #expect(try read("empty.npy").shape == [0, 3])
    }

    @Test(arguments: ["complex.npy", "object.npy", "struct.npy", "library.safetensors"])
    func refuses(_ name: String) {
        expectFailure(.data, name) { _ = try read(name) }
    }

    @Test func everyCutAndEveryExtraByteIsRefused() throws {
        for name in ["f4.npy", "v2.npy"] {
            let whole = try StreamFixtures.bytes(StreamFixtures.path(name))
            for count in whole.indices {
                expectFailure(.data) { _ = try Npy.decode(StreamFixtures.buffer(Array(whole[..<count])), name: "a") }
            }
            expectFailure(.data) { _ = try Npy.decode(StreamFixtures.buffer(whole + [0]), name: "a") }
        }
    }

    @Test(arguments: [
        "{'descr': '<f4', 'fortran_order': False}", "{'descr': '<f4', 'shape': (2,), 'fortran_order': 0}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4611686018427387904, 4611686018427387904)}",
        "{'descr': '<f4', 'fortran_order': True, 'shape': (4611686018427387904, 0, 4611686018427387904)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'shape': (2,)}", "{'descr': '<f4'", "", "{}", "[]",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} x",
        "{'descr': 'f4', 'fortran_order': False, 'shape': (2,)}",
        "{'descr': '<U1', 'fortran_order': False, 'shape': (2,)}",
        "{'descr': '', 'fortran_order': False, 'shape': (2,)}",
    ])
    func refusesTheHeader(_ header: String) {
        let bytes =
            [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0] + Array(header.utf8)
            + [UInt8](repeating: 0, count: 8)
        expectFailure(.data) { _ = try Npy.decode(StreamFixtures.buffer(bytes), name: "a") }
    }

    // MARK: Archives

    private func archive(_ entries: [(String, [UInt8])]) throws -> Npz {
        try Npz(StreamFixtures.buffer(Zip(entries: entries.map { (name: $0.0, contents: $0.1) }).bytes), name: "z.npz")
    }

    @Test func arraysOfAnArchive() throws {
        func bytes(_ name: String) throws -> [UInt8] { try StreamFixtures.bytes(StreamFixtures.path(name)) }
        let npz = try archive([("z.npy", bytes("f4.npy")), ("notes.npy", bytes("object.npy"))])
        #expect(npz.names == ["notes", "z"])
        #expect(try npz.array("z")?.floats == ramp(12))
        #expect(try npz.array("w") == nil)
        // What nobody asks for may be of any type; what is asked for is refused by the names of array and file.
        expectFailure(.data, "z.npz: the array 'notes'") { _ = try npz.array("notes") }
        #expect(try archive([("a/data.pkl", [0x4E, 0x2E])]).names.isEmpty)
        expectFailure(.data, "z.npz") {
            _ = try Npz(StreamFixtures.buffer(Array("PK".utf8) + [3, 4, 0, 0]), name: "z.npz")
        }
    }

    /// numpy.savez_compressed: method 8 in the directory's entry.
    @Test func compressedArchives() throws {
        var bytes = Zip(entries: [("z.npy", [1, 2, 3])]).bytes
        let entry = try #require(bytes.indices.first { Array(bytes[$0...].prefix(4)) == [0x50, 0x4B, 1, 2] })
        bytes[entry + 10] = 8
        let npz = try Npz(StreamFixtures.buffer(bytes), name: "z.npz")
        #expect(npz.names == ["z"])
        expectFailure(.data, "compressed") { _ = try npz.array("z") }
    }
}
