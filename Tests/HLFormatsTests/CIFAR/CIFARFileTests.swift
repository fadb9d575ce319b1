import HLFormats
import HLTensor
import TestSupport
import Testing

@Suite struct CIFARFileTests {
    private let fixtures = FixtureFolder("cifar")

    private func expectPixels(_ file: CIFARFile) {
        for index in 0..<file.count {
            let image = file.image(at: index)
            #expect(image.pixels.shape == [3, 32, 32])
            #expect(image.withPlanes(Array.init) == (0..<3072).map { UInt8((31 * index + 7 * $0) % 256) })
        }
    }

    @Test(arguments: ["data_batch_1", "python3", "fortran"])
    func thePythonFormOfCIFAR10IsRead(name: String) throws {
        let file = try CIFARFile(pickle: fixtures.path(name))
        #expect(file.kind == .cifar10 && file.labels == [9, 0, 3] && file.coarseLabels == nil)
        expectPixels(file)
    }

    @Test func thePythonFormOfCIFAR100IsRead() throws {
        let file = try CIFARFile(pickle: fixtures.path("train"))
        #expect(file.kind == .cifar100 && file.labels == [99, 0, 42] && file.coarseLabels == [19, 0, 7])
        expectPixels(file)
    }

    @Test func theBinaryFormsAreRead() throws {
        let ten = try CIFARFile(binary: fixtures.path("data_batch_1.bin"), kind: .cifar10)
        #expect(ten.labels == [9, 0, 3] && ten.coarseLabels == nil)
        expectPixels(ten)
        let hundred = try CIFARFile(binary: fixtures.path("train.bin"), kind: .cifar100)
        #expect(hundred.labels == [99, 0, 42] && hundred.coarseLabels == [19, 0, 7])
        expectPixels(hundred)
    }

    @Test func classesHaveTheirNames() throws {
        let ten = (0..<10).map { "class \($0)" }
        #expect(try CIFARClassNames(pickle: fixtures.path("batches.meta")).names == ten)
        #expect(try CIFARClassNames(text: fixtures.path("batches.meta.txt")).names == ten)
        let hundred = try CIFARClassNames(pickle: fixtures.path("meta"))
        #expect(hundred.names.count == 100 && hundred.names[42] == "fine_42")
        #expect(hundred.coarseNames?.count == 20 && hundred.coarseNames?[7] == "coarse_07")
        let found = failure { _ = try CIFARClassNames(pickle: fixtures.path("train")) }
        #expect(found?.kind == .data && found?.what.contains("no list 'label_names'") == true)
    }

    @Test func theOtherKindIsNoticed() throws {
        let size = failure { _ = try CIFARFile(binary: fixtures.path("train.bin"), kind: .cifar10) }
        #expect(size?.kind == .data && size?.what.contains("9222 bytes, which is no multiple of 3073") == true)
        var bytes = try fixtures.contents("data_batch_1.bin")
        bytes[3073] = 10
        try fixtures.withFile(bytes) { path in
            let label = failure { _ = try CIFARFile(binary: path, kind: .cifar10) }
            #expect(label?.what == "\(path): image 1 has the label 10, and there are 10 classes")
        }
        #expect(failure { _ = try CIFARFile(pickle: fixtures.path("batches.meta")) }?.kind == .data)
    }

    @Test func nothingInAPickleIsRun() throws {
        // os.system('true')
        let call = Array("cos\nsystem\nU".utf8) + [4] + Array("true".utf8) + [0x85] + Array("R.".utf8)
        try fixtures.withFile([0x80, 2] + call) { path in
            let found = failure { _ = try CIFARFile(pickle: path) }
            #expect(found?.kind == .data && found?.what.contains("tries to run 'os.system'; nothing was run") == true)
        }
    }

    @Test func cutAnywhereIsAnError() throws {
        let bytes = try fixtures.contents("train")
        for count in Swift.stride(from: 0, to: bytes.count, by: 5) {
            try fixtures.withFile(Array(bytes[..<count])) { path in
                let found = failure { _ = try CIFARFile(pickle: path) }
                #expect(found?.kind == .data && found?.what.contains(path) == true, "\(count) bytes")
            }
        }
    }
}
