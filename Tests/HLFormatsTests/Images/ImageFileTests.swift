import HLFormats
import HLTensor
import TestSupport
import Testing

@Suite struct ImageFileTests: ImageSuite {
    @Test func whatIsNoImageSaysSo() throws {
        #expect(failure { _ = try Image.read(path: path("missing.png")) }?.kind == .noInput)
        #expect(failure { _ = try Image.read(path: path("")) }?.kind == .noInput)
        let text = failure { _ = try decode(Array("a text".utf8), name: "notes.jpg") }
        #expect(text?.kind == .data && text?.what == "notes.jpg is no PNG, JPEG or WebP file")
        #expect(failure { _ = try decode([], name: "empty.jpg") }?.what == "empty.jpg is empty")
        let pointer = failure {
            _ = try decode(Array("version https://git-lfs.github.com/spec/v1".utf8), name: "a.jpg")
        }
        #expect(pointer?.what.contains("a.jpg is a Git LFS pointer") == true)
    }

    @Test func anUnwritablePlaceIsSaid() throws {
        let image = Image(width: 2, height: 2, grey: 9)
        #expect(failure { try image.writePNG(to: "/nonexistent/x.png") }?.kind == .cannotCreate)
    }
}
