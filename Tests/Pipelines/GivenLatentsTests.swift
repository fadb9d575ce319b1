import Foundation
import HLFormats
import HLTensor
import TestSupport
import Testing

/// Latents that come to hl-sample in files of others, whatever they are called and through whatever they come.
struct GivenLatentsTests {
    private static let values = (0..<480).map { Float($0 % 23) / 10 - 1 }

    /// numpy.save of F32 [4, 6, 20].
    private static var npy: [UInt8] {
        var header = "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 6, 20), }"
        header += String(repeating: " ", count: 117 - header.utf8.count) + "\n"
        return [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0] + Array(header.utf8)
            + values.withUnsafeBytes { Array($0) }
    }

    /// numpy.savez of arrays: a zip archive of stored files.
    private static func npz(_ arrays: [(name: String, bytes: [UInt8])]) -> [UInt8] {
        func little(_ value: Int, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        var file: [UInt8] = [], directory: [UInt8] = []
        for (name, bytes) in arrays {
            let sizes = little(0, 4) + little(bytes.count, 4) + little(bytes.count, 4) + little(name.utf8.count, 2)
            directory += little(0x0201_4B50, 4) + little(0, 12) + sizes + little(0, 12) + little(file.count, 4)
            directory += Array(name.utf8)
            file += little(0x0403_4B50, 4) + little(0, 10) + sizes + little(0, 2) + Array(name.utf8) + bytes
        }
        return file + directory + little(0x0605_4B50, 4) + little(0, 4) + little(arrays.count, 2)
            + little(arrays.count, 2) + little(directory.count, 4) + little(file.count, 4) + little(0, 2)
    }

    private func latents(_ space: Workspace, _ stream: String) throws -> [Float] {
        let reader = try StreamReader(path: space.file(stream))
        var values: [Float] = []
        while let batch = try reader.next() { values += try batch.require("z.0", .f32, rank: 3).floats }
        return values
    }

    @Test func formsAreToldByTheirBytes() throws {
        let space = try Workspace()
        // An array that nobody asks for, of a type that is not read.
        let strings = Array("{'descr': '<U3', 'fortran_order': False, 'shape': (), }\n".utf8)
        let other =
            [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(strings.count), 0] + strings + [UInt8](repeating: 0, count: 12)
        try space.write(Self.npy, to: "a")
        try space.write(Self.npz([("names.npy", other), ("z.npy", Self.npy)]), to: "b")
        try space.write(Self.npz([("arr_0.npy", Self.npy)]), to: "c.npy")
        let tensors: NamedTensors = ["z": HostTensor(Self.values, shape: [4, 120])]
        try Safetensors.write(TensorFile(tensors: tensors), to: space.file("d"))
        try space.succeed("hl-sample --from a -o e.npy")
        for name in ["a", "b", "c.npy", "d", "e.npy"] {
            for (number, from) in ["--from \(name)", "--from - < \(name)", "--from <(cat \(name))"].enumerated() {
                try space.succeed("hl-sample \(from) -o \(number).hls")
                #expect(try latents(space, "\(number).hls") == Self.values, "\(from)")
            }
        }
    }

    /// What StyleGAN2's projector leaves: w of one sample.
    @Test func mappedLatentsOfAnArchive() throws {
        let space = try Workspace()
        try space.succeed(
            "cp $TESTS/HLGeneratorsTests/Fixtures/stylegan2_a.pkl s.pkl".replacing("$TESTS", with: Programs.tests))
        var header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 8, 32), }"
        header += String(repeating: " ", count: 117 - header.utf8.count) + "\n"
        let w = [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0] + Array(header.utf8) + [UInt8](repeating: 0, count: 1024)
        try space.write(Self.npz([("w.npy", w)]), to: "projected_w.npz")
        let info = try space.succeed(
            "hl-sample --weights s.pkl --from projected_w.npz --render | hl-view --info"
        ).text
        #expect(info.contains("w.0 F32 B x 8 x 32") && info.contains("x.0 U8 B x 3 x 32 x 32") && !info.contains("z.0"))
    }

    @Test func whatIsNoneIsNamed() throws {
        let space = try Workspace()
        try space.write(Self.npz([("a.npy", Self.npy), ("b.npy", Self.npy)]), to: "names.npz")
        try space.fail(65, "hl-sample --from names.npz", saying: "names.npz has none of z.0, z, w.0 and w, but a, b")
        try space.write(Self.npz([("z/data.pkl", [0x80, 2, 0x4E, 0x2E])]), to: "z.pt")
        try space.fail(65, "hl-sample --from z.pt", saying: "z.pt is a zip archive without NumPy arrays")
        try space.write(Self.npy.dropLast(), to: "cut.npy")
        try space.fail(65, "hl-sample --from - < cut.npy", saying: "stdin is not valid .npy")
        try space.write(Array("version https://git-lfs.github.com/spec/v1\n".utf8), to: "z.npy")
        try space.fail(65, "hl-sample --from z.npy", saying: "z.npy is a Git LFS pointer")
        try space.fail(65, "hl-sample --from - < /dev/null", saying: "stdin is empty")
        try space.write(Self.npy, to: "a.npy")
        try space.fail(65, "hl-view --info a.npy", saying: "a.npy is a NumPy array (.npy), not a stream")
    }
}
