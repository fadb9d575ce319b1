import Foundation
import HLFormats
import HLTensor
import Testing

/// Files for torch.load and for detectron2, read back by our own readers; Tests/Interchange reads them with the libraries.
@Suite struct TorchWritingTests {
    private let tensors: NamedTensors = [
        "conv1.weight": HostTensor([1, -2, 3, 4, 5, 6.5] as [Float], shape: [1, 3, 2]),
        "bn1.num_batches_tracked": HostTensor([1 << 40] as [Int64], shape: []),
        "nothing": HostTensor([Float](), shape: [0, 4]),
        "ä": HostTensor(.f16, shape: [3]) { $0.copyBytes(from: [0, 0x3C, 0, 0xC0, 1, 0]) },
    ]

    private func withFile(_ body: (String) throws -> Void) throws { try FixtureFolder("torch").withFile([], body) }

    private func expectSame(_ found: [(name: String, tensor: HostTensor)], prefix: String = "") {
        #expect(found.map(\.name) == tensors.map { prefix + $0.name })
        for (one, other) in zip(found, tensors) {
            #expect(one.tensor.type == other.tensor.type && one.tensor.shape == other.tensor.shape)
            #expect(one.tensor.withUnsafeBytes { Array($0) } == other.tensor.withUnsafeBytes { Array($0) })
        }
    }

    @Test(arguments: [nil, "state_dict"]) func stateDictsComeBack(key: String?) throws {
        try withFile { path in
            try TorchFile.writeStateDict(tensors, under: key, notes: [:], to: path)
            let prefix = key.map { $0 + "." } ?? ""
            expectSame(try TorchFixtures.tensors(of: TorchFile.read(path: path)), prefix: prefix)
        }
    }

    /// Payloads begin at multiples of 64 bytes and have the checksums that unzip compares; notes are entries.
    @Test func archivesAreAlignedAndChecked() throws {
        try withFile { path in
            try TorchFile.writeStateDict(tensors, notes: ["hl.note": "123456789"], to: path)
            #expect(try TorchFile.note("hl.note", path: path) == "123456789")
            #expect(try TorchFile.note("hl.other", path: path) == nil)
            let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
            func number(_ place: Int, _ count: Int) -> Int {
                (0..<count).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) }
            }
            var place = 0
            var payloads: [String: (range: Range<Int>, checksum: Int)] = [:]
            while number(place, 4) == 0x0403_4b50 {
                let names = place + 30, start = names + number(place + 26, 2) + number(place + 28, 2)
                let name = String(decoding: bytes[names..<names + number(place + 26, 2)], as: UTF8.self)
                #expect(start % 64 == 0, "\(name)")
                payloads[name] = (start..<start + number(place + 18, 4), number(place + 14, 4))
                place = start + number(place + 18, 4)
            }
            #expect(payloads.count == 8)
            let note = try #require(payloads["archive/hl.note"])
            #expect(bytes[note.range].elementsEqual("123456789".utf8))
            // The check value of CRC-32.
            #expect(note.checksum == 0xCBF4_3926)
            #expect(payloads["archive/data/2"]?.range.isEmpty == true && payloads["archive/data/2"]?.checksum == 0)
            #expect(payloads["archive/byteorder"].map { bytes[$0.range].elementsEqual("little".utf8) } == true)
        }
    }

    @Test func sameTensorsGiveTheSameBytes() throws {
        var files: [[UInt8]] = []
        for _ in 0..<2 {
            try withFile { path in
                try TorchFile.writeStateDict(tensors, notes: ["b": "2", "a": "1"], to: path)
                files.append(try [UInt8](Data(contentsOf: URL(fileURLWithPath: path))))
            }
        }
        #expect(files[0] == files[1])
    }

    /// Files of others have none; one that is cut short is refused.
    @Test func notesOfOtherFiles() throws {
        for name in ["types_zip.pt", "types_legacy.pt", "tf_2.pkl"] {
            #expect(try TorchFile.note("hl.note", path: TorchFixtures.path(name)) == nil)
        }
        try withFile { path in
            try TorchFile.writeStateDict(tensors, notes: ["hl.note": "1"], to: path)
            let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
            try FixtureFolder("torch").withFile(Array(bytes.dropLast(30))) { cut in
                do {
                    _ = try TorchFile.note("hl.note", path: cut)
                    Issue.record("it was read")
                } catch let failure as Failure {
                    #expect(failure.kind == .data)
                }
            }
        }
    }

    @Test func arraysComeBack() throws {
        var arrays = tensors
        arrays.remove("ä")
        try withFile { path in
            try ArrayPickle.write(
                model: arrays, flags: ["matching_heuristics": true], texts: ["__author__": "somebody"], to: path)
            let value = try TorchFile.read(path: path)
            #expect(value["matching_heuristics"]?.boolean == true && value["__author__"]?.text == "somebody")
            let found = try TorchFixtures.tensors(of: value)
            #expect(found.map(\.name) == arrays.map { "model." + $0.name })
            for (one, other) in zip(found, arrays) {
                #expect(one.tensor.type == other.tensor.type && one.tensor.shape == other.tensor.shape)
                #expect(one.tensor.withUnsafeBytes { Array($0) } == other.tensor.withUnsafeBytes { Array($0) })
            }
        }
    }
}
