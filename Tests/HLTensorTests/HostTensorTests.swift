import HLTensor
import Testing

struct HostTensorTests {
    private let table = HostTensor([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11] as [Float], shape: [4, 3])

    @Test func knowsItsSizes() {
        #expect(table.elementCount == 12 && table.byteCount == 48)
        #expect(table.rowCount == 4 && table.rowSize == 3)
        let scalar = HostTensor([7] as [Float], shape: [])
        #expect(scalar.elementCount == 1 && scalar.rowCount == 1 && scalar.rowSize == 1)
        let empty = HostTensor([] as [Int64], shape: [0, 5])
        #expect(empty.rowCount == 0 && empty.rowSize == 5 && empty.integers.isEmpty)
    }

    @Test func slicesRows() {
        let middle = table.rows(1..<3)
        #expect(middle.shape == [2, 3] && middle.floats == [3, 4, 5, 6, 7, 8])
        #expect(middle.rows(1..<2).floats == [6, 7, 8])
        #expect(table.rows(2..<2).shape == [0, 3])
    }

    @Test func slicesOutliveTheWhole() {
        var whole: HostTensor? = HostTensor((0..<1000).map(Float.init), shape: [10, 100])
        let part = whole?.rows(9..<10)
        whole = nil
        #expect(part?.floats == (900..<1000).map(Float.init))
    }

    @Test func gathersRowsInAnyOrder() {
        let picked = table.rows(1..<4).gather([2, 0, 2])
        #expect(picked.shape == [3, 3] && picked.floats == [9, 10, 11, 3, 4, 5, 9, 10, 11])
        #expect(table.gather([]).shape == [0, 3])
    }

    @Test func reshapes() {
        let cube = table.rows(1..<3).reshaped([1, 2, 3])
        #expect(cube.shape == [1, 2, 3] && cube.floats == [3, 4, 5, 6, 7, 8])
    }

    @Test func concatenates() {
        let joined = HostTensor.concatenate([table.rows(3..<4), table.rows(0..<0), table.rows(0..<2)])
        #expect(joined.shape == [3, 3] && joined.floats == [9, 10, 11, 0, 1, 2, 3, 4, 5])
        let ids = HostTensor.concatenate([
            HostTensor([1, 2] as [Int64], shape: [2]), HostTensor([.max] as [Int64], shape: [1]),
        ])
        #expect(ids.integers == [1, 2, .max])
    }

    @Test func viewsForeignMemoryAtAnyOffset() {
        let buffer = HostBuffer(count: 64)
        for i in 0..<64 { buffer.bytes[i] = UInt8(i) }
        for offset in 0..<9 {
            let tensor = HostTensor(.u32, shape: [3], in: buffer, at: offset)
            let expected = (0..<3).map { i in
                (0..<4).reduce(UInt32(0)) { $0 | UInt32(offset + 4 * i + $1) << UInt32(8 * $1) }
            }
            #expect(tensor.withUnsafeElements(as: UInt32.self, Array.init) == expected)
        }
    }

    @Test func memoryIsAlignedForVectors() {
        table.withUnsafeBytes { bytes in
            #expect(UInt(bitPattern: bytes.baseAddress) % UInt(HostBuffer.alignment) == 0)
        }
    }

    @Test func fillErrorsComeThrough() {
        #expect(throws: Failure.self) {
            try HostTensor(.f32, shape: [2]) { _ in throw Failure(.data, "bad", "") }
        }
    }

    @Test(arguments: zip(ElementType.allCases, [1, 1, 1, 2, 2, 4, 4, 8, 8, 2, 2, 4, 8, 1, 1, 1, 8]))
    func elementSizes(type: ElementType, size: Int) {
        #expect(type.size == size)
        #expect(ElementType(rawValue: type.rawValue) == type)
    }
}

struct FailureTests {
    @Test func readsAsOneLine() {
        #expect(Failure(.data, "the file is cut", "copy it again").description == "the file is cut: copy it again")
        #expect(Failure(.data, "the file is cut", "").description == "the file is cut")
    }

    @Test func exitCodesAreThoseOfSysexits() {
        let kinds: [Failure.Kind] = [
            .usage, .data, .noInput, .software, .cannotCreate, .inputOutput, .incompatible,
        ]
        #expect(kinds.map(\.rawValue) == [64, 65, 66, 70, 73, 74, 78])
    }
}
