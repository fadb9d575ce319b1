import Foundation
import HLFormats
import HLTensor
import Testing

/// Files that want to do harm, or are damaged: a `Failure` or a harmless value, never a trap, a hang or much memory.
@Suite struct TorchHostileTests {
    // MARK: Calls

    @Test(arguments: ["os system", "posix system", "builtins eval", "__builtin__ exec", "subprocess Popen"])
    func refusesToRunAnything(function: String) {
        let names = function.split(separator: " ")
        let mark = NSTemporaryDirectory() + "hl-pickle-\(UUID())"
        let pickle = Pickle().global(String(names[0]), String(names[1])).text("touch \(mark)").op(0x85, "R", ".")
        expectFailure(pickle, saying: "nothing was run")
        #expect(!FileManager.default.fileExists(atPath: mark))
    }

    @Test func unknownClassesAreOpaque() throws {
        let pickle = Pickle().global("evil.module", "Class").text("argument").op(0x85, "R")
            .op("}").text("key").op("K", 7, "s", "b", ".")
        let object = try #require(try TorchFile.read(bytes: pickle.bytes).object)
        #expect(object.module == "evil.module" && object.name == "Class")
        #expect(object.arguments.elements?.first?.text == "argument")
        #expect(object.attribute("key")?.integer == 7)
    }

    // MARK: Graphs

    @Test func containersKeepReferenceSemantics() throws {
        // A list is remembered, put into a tuple twice and appended to afterwards.
        let pickle = Pickle().op("]", "q", 0, "h", 0, 0x86, "q", 1, "0", "h", 0, "K", 5, "a", "0", "h", 1, ".")
        let pair = try #require(try TorchFile.read(bytes: pickle.bytes).elements)
        #expect(pair.map { $0.elements?.first?.integer } == [5, 5])
    }

    @Test func cyclesAreCut() throws {
        let pickle = Pickle().op("]", "q", 0, "h", 0, "a", ".")
        let list = try #require(try TorchFile.read(bytes: pickle.bytes).elements)
        guard case .recursion = list[0] else {
            Issue.record("the list still holds itself")
            return
        }
    }

    @Test func deeplyNestedTuples() {
        let levels = [Pickle.Part](repeating: 0x85, count: 200_000)
        expectFailure(Pickle().op("N").op(levels).op("."), saying: "deep")
    }

    @Test func deeplyNestedLists() {
        let levels = 200_000
        let opening = [Pickle.Part](repeating: "]", count: levels + 1)
        expectFailure(Pickle().op(opening).op([Pickle.Part](repeating: "a", count: levels)).op("."), saying: "deep")
        // Cut short, so that nothing is sealed and everything must be let go.
        expectFailure(Pickle().op(opening).op([Pickle.Part](repeating: "a", count: levels)), saying: "cut off")
    }

    @Test func deepNestingThatNothingUses() throws {
        let levels = [Pickle.Part](repeating: 0x85, count: 200_000)
        let pickle = Pickle().op("N").op(levels).op("0", "K", 1, ".")
        #expect(try TorchFile.read(bytes: pickle.bytes).integer == 1)
    }

    /// Thirty levels of dictionaries that hold the next one ten times: 10^30 paths.
    @Test func exponentiallyManyPaths() throws {
        var pickle = Pickle().op("}", "q", 0)
        for level in 1...30 {
            pickle = pickle.op("}", "q", .byte(UInt8(level)))
            for key in 0..<10 { pickle = pickle.text("\(key)").op("h", .byte(UInt8(level - 1)), "s") }
        }
        let value = try TorchFile.read(bytes: pickle.op(".").bytes)
        #expect(throws: Failure.self) { try TorchFixtures.tensors(of: value) }
    }

    @Test func repeatedCopies() {
        // One list of 10,000 elements, copied into a set 10,000 times.
        var pickle = Pickle().global("builtins", "set").op("q", 0, "0", "]", "(")
        pickle = pickle.op([Pickle.Part](repeating: "N", count: 10_000)).op("e", 0x85, "q", 1, "0")
        let copy: [Pickle.Part] = ["h", 0, "h", 1, "R"]
        expectFailure(pickle.op((0..<10_000).flatMap { _ in copy }).op("."), saying: "more operations")
    }

    // MARK: Sizes

    @Test(
        arguments: [
            ["X", 0xFF, 0xFF, 0xFF, 0xFF], ["B", 0xFF, 0xFF, 0xFF, 0x7F], [0x8b, 0xFF, 0xFF, 0xFF, 0x7F],
            [0x8b, 0xFF, 0xFF, 0xFF, 0xFF], [0x8e, 0, 0, 0, 0, 0, 0, 0, 0x80],
            [0x8d, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F],
            [0x95, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
        ] as [[Pickle.Part]])
    func hugeLengths(parts: [Pickle.Part]) {
        #expect(throws: Failure.self) { try TorchFile.read(bytes: Pickle().op(parts).op(".").bytes) }
    }

    @Test func longNames() throws {
        let pickle = Pickle().op("}", "X", 0, 8, 0, 0).op([Pickle.Part](repeating: "n", count: 2048)).op("}", "s", ".")
        let value = try TorchFile.read(bytes: pickle.bytes)
        #expect { try TorchFixtures.tensors(of: value) } throws: { "\($0)".contains("name") }
    }

    /// Copies of a nested file's bytes must not be taken for so many files.
    @Test func archivesWithinPickles() {
        let zip = Zip(entries: [("a/data.pkl", [0x4e, 0x2e])]).bytes
        let pickle = Pickle().global("torch.storage", "_load_from_bytes")
            .op("C", .byte(UInt8(zip.count))).op(zip.map(Pickle.Part.byte)).op(0x85, "R", ".")
        expectFailure(pickle, saying: "archive within itself")
    }

    /// Arrays of one float that claim other extents.
    @Test(arguments: [
        [1 << 40], [-1], [Int.max, Int.max], [0, Int.max, Int.max], [2], [1, 2], [1 << 32, 1 << 32],
    ])
    func hugeShapes(shape: [Int]) {
        var pickle = Pickle().global("numpy.core.multiarray", "_reconstruct").op(")", "R", "(", "K", 1, "(")
        for size in shape { pickle = pickle.integer(size) }
        pickle = pickle.op("t").global("numpy", "dtype").text("f4").op(0x85, "R", 0x89)
            .op("C", 4, 0, 0, 0x80, 0x3F, "t", "b", ".")
        #expect(throws: Failure.self) { try TorchFile.read(bytes: pickle.bytes).tensor?.hostTensor() }
    }

    @Test func stridesOfZeroAreBounded() throws {
        let bytes = try TorchFixtures.bytes("types_zip.pt")
        // The expanded tensor's shape (2, 3) as BININT1s; the file goes on to claim ever more rows.
        let needle: [UInt8] = [0x4b, 2, 0x4b, 3, 0x86]
        let place = try #require(
            bytes.indices.dropLast(5).first { Array(bytes[$0..<($0 + 5)]) == needle })
        for rows in UInt8(3)...255 {
            var changed = bytes
            changed[place + 1] = rows
            attempt(changed)
        }
    }

    // MARK: Archives

    @Test func overlappingEntriesAndTwins() throws {
        let bytes = try TorchFixtures.bytes("types_zip.pt")
        let directory = try #require(centralEntries(of: bytes))
        // The second storage's entry points at the first one's header, whose name differs.
        var moved = bytes
        moved.replaceSubrange(
            (directory[2] + 42)..<(directory[2] + 46), with: bytes[(directory[1] + 42)..<(directory[1] + 46)])
        expectFailure(moved, saying: "header")
        // A size that reaches into the next entry.
        var grown = bytes
        for field in [20, 24] { grown[directory[1] + field + 1] = 2 }
        expectFailure(grown, saying: "overlap")
        // Compression.
        var compressed = bytes
        compressed[directory[1] + 10] = 8
        expectFailure(compressed, saying: "compressed")
    }

    @Test func entriesOfOneNameAreRefused() {
        let twins = Zip(entries: [("a/data.pkl", [0x80, 2, 0x4e, 0x2e]), ("a/data.pkl", [0x80, 2, 0x4e, 0x2e])])
        expectFailure(twins.bytes, saying: "two entries")
        #expect(throws: Never.self) { try TorchFile.read(bytes: Zip(entries: [("a/data.pkl", [0x4e, 0x2e])]).bytes) }
        expectFailure(Zip(entries: [("a/other", [1])]).bytes, saying: "data.pkl")
    }

    // MARK: Damage

    @Test(arguments: ["types_zip.pt", "types_legacy.pt", "module_zip.pt", "ada_5.pkl", "tf_2.pkl"])
    func cutAtEveryByte(name: String) throws {
        let bytes = try TorchFixtures.bytes(name)
        for count in 0..<bytes.count {
            // Pickles end with their last byte; so does the data of a legacy file.
            #expect(throws: Failure.self, "\(name) cut to \(count)") {
                try TorchFile.read(bytes: Array(bytes[..<count]))
            }
        }
    }

    @Test(arguments: ["types_zip.pt", "types_legacy.pt", "module_legacy.pt", "ada_2.pkl", "ada_5.pkl", "tf_5.pkl"])
    func mutations(name: String) throws {
        let bytes = try TorchFixtures.bytes(name)
        for seed in 0..<700 { attempt(TorchMutation.mutated(bytes, seed: seed)) }
    }

    // MARK: Helpers

    /// Reads and flattens; only a `Failure` may come of it.
    private func attempt(_ bytes: [UInt8]) {
        do {
            _ = try TorchFixtures.tensors(of: TorchFile.read(bytes: bytes))
        } catch {
            #expect(error is Failure)
        }
    }

    private func expectFailure(_ pickle: Pickle, saying words: String) { expectFailure(pickle.bytes, saying: words) }

    private func expectFailure(_ bytes: [UInt8], saying words: String) {
        #expect { try TorchFile.read(bytes: bytes) } throws: { error in
            guard let failure = error as? Failure else { return false }
            return failure.kind == .data && failure.what.contains(words) && !failure.description.contains("\n")
        }
    }

    /// Where the entries of a zip archive's central directory start.
    private func centralEntries(of bytes: [UInt8]) -> [Int]? {
        let starts = bytes.indices.dropLast(4).filter { Array(bytes[$0..<($0 + 4)]) == [0x50, 0x4b, 1, 2] }
        return starts.count > 3 ? starts : nil
    }
}
