import HLFormats
import HLTensor
import TestSupport
import Testing

@Suite struct MatFileTests {
    private let fixtures = FixtureFolder("mat")

    @Test(arguments: ["plain.mat", "compressed.mat"])
    func whatScipyWritesIsRead(file: String) throws {
        let mat = try MatFile(path: fixtures.path(file))
        #expect(mat.names.contains("labels") && mat.names.contains("annotations") && mat.names.count == 11)
        let labels = try #require(mat.value("labels").numbers)
        #expect(labels.shape == [1, 20] && labels.className == "double")
        #expect(labels.integers == (0..<20).map { $0 * 7 % 11 + 1 })
        let table = try #require(mat.value("table").numbers)
        // The first index runs fastest.
        #expect(table.shape == [2, 3] && table.doubles == [0, 3000, 1000, 4000, 2000, 5000])
        #expect(try mat.value("single").numbers?.doubles == [0.5, -1.25])
        #expect(try mat.value("single").numbers?.integers == nil)
        #expect(try mat.value("huge").numbers?.integers == [1 << 60 + 1, -(1 << 60) - 1])
        #expect(try mat.value("flag").numbers?.className == "logical")
        #expect(try mat.value("flag").numbers?.integers == [1, 0, 1])
        #expect(try mat.value("names").texts == ["Acura RL", "Citroën", "x"])
        #expect(try mat.value("rows").texts == ["cat", "dog"])
        #expect(try mat.value("nothing").numbers?.count == 0)
        let cars = try #require(mat.value("annotations").structures)
        #expect(cars.count == 4 && cars.fields == ["bbox_x1", "class", "fname"])
        for index in 0..<4 {
            #expect(cars[index, "bbox_x1"]?.number == 10.5 * Double(index))
            #expect(cars[index, "class"]?.integer == index + 1)
            #expect(cars[index, "fname"]?.text == "0000\(index + 1).jpg")
        }
        #expect(cars[0, "absent"] == nil)
        #expect(failure { _ = try mat.value("sparse") }?.what.contains("sparse matrix") == true)
        #expect(failure { _ = try mat.value("complex") }?.what.contains("complex numbers") == true)
        #expect(failure { _ = try mat.value("absent") }?.what.contains("no variable 'absent', it has 'labels'") == true)
    }

    @Test(arguments: ["little.mat", "big.mat"])
    func whatMATLABWritesIsReadInBothByteOrders(file: String) throws {
        let mat = try MatFile(path: fixtures.path(file))
        #expect(try mat.value("labels").numbers?.className == "double")
        #expect(try mat.value("labels").numbers?.integers == [77, 1, 2, 3, 5, 8, 13, 255])
        #expect(try mat.value("short").numbers?.doubles == [-300, 300])
        #expect(try mat.value("halves").numbers?.doubles == [0.5, 1.5, 2.5, 3.5])
        #expect(try mat.value("int").integer == -7)
        #expect(try mat.value("utf8").text == "Škoda")
        #expect(try mat.value("utf16").text == "Škoda ")
        #expect(try mat.value("rows").texts == ["abc", "bca"])
        #expect(try mat.value("empty").cells?.first?.numbers?.count == 0)
        let cells = try #require(mat.value("cells").cells)
        #expect(cells[0].integer == 9)
        #expect(cells[1].structures?[0, "words"]?.text == "kit fox")
        #expect(cells[1].structures?[0, "gloss"]?.text == "a fox")
    }

    @Test func otherVersionsAreNamedWithTheWayOut() throws {
        let hdf5 = failure { _ = try MatFile(path: fixtures.path("v73.mat")) }
        #expect(hdf5?.kind == .data && hdf5?.what.contains("version 7.3") == true)
        #expect(hdf5?.remedy.contains("'-v7'") == true)
        try fixtures.withFile(Array("\u{89}HDF".utf8) + [0]) { path in
            #expect(failure { _ = try MatFile(path: path) }?.what.contains("no MAT-file") == true)
        }
        #expect(failure { _ = try MatFile(path: fixtures.path("missing.mat")) }?.kind == .noInput)
    }

    @Test func neitherDepthNorUnfoldedSizeIsWithoutBounds() throws {
        #expect(
            failure { _ = try MatFile(path: fixtures.path("deep.mat")) }?.what.contains("nested without end") == true)
        let file = fixtures.path("compressed.mat")
        let found = failure { _ = try MatFile(path: file, inflatingAtMost: 500) }
        #expect(found?.kind == .data && found?.what.contains("unfold to more than") == true)
    }

    @Test(arguments: ["plain.mat", "compressed.mat", "big.mat"])
    func cutAnywhereIsNoCrashAndMostlyAnError(file: String) throws {
        let bytes = try fixtures.contents(file)
        let whole = try MatFile(path: fixtures.path(file)).names
        for count in 0..<bytes.count {
            try fixtures.withFile(Array(bytes[..<count])) { path in
                let found = failure {
                    // Between two variables a file looks whole; what is left is what came first.
                    let left = try MatFile(path: path).names
                    #expect(whole.starts(with: left) && count >= 128)
                }
                #expect(found.map { $0.kind == .data && $0.what.hasPrefix(path) } ?? true, "\(count) bytes")
            }
        }
    }
}
