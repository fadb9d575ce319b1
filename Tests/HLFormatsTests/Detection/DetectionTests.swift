import HLFormats
import HLTensor
import Testing

/// Annotations of Pascal VOC, and detections in both forms.
struct DetectionTests {
    private func failure(_ body: () throws -> Void) -> Failure? {
        do { try body() } catch { return error as? Failure }
        return nil
    }

    private func annotation(_ text: String) throws -> VOCAnnotation {
        try Array(text.utf8).withUnsafeBytes { try VOCAnnotation(parsing: $0, name: "000001.xml") }
    }

    private static let box = "<bndbox><ymin>2</ymin><xmin>1</xmin><xmax>30.5</xmax><ymax>40</ymax></bndbox>"

    @Test func annotations() throws {
        let objects = try annotation(
            """
            <annotation><filename>000001.jpg</filename><size><width>353</width></size>
              <object><name>person</name><pose>Left</pose><difficult>1</difficult>\(Self.box)
                <part><name>head</name><bndbox><xmin>3</xmin></bndbox></part></object>
              <object>\(Self.box)<name> dog </name></object></annotation>
            """
        ).objects
        #expect(objects.map(\.name) == ["person", "dog"] && objects.map(\.isDifficult) == [true, false])
        #expect(objects[1].box == BoundingBox(left: 1, top: 2, right: 30.5, bottom: 40))
        #expect(try annotation("<annotation/>").objects.isEmpty)
        for (text, reason) in [
            ("<html/>", "no annotation"), ("<annotation><object>\(Self.box)</object></annotation>", "no name"),
            ("<annotation><object><name>dog</name></object></annotation>", "no number xmin"),
            (
                "<annotation><object><name>dog</name>\(Self.box)<difficult>2</difficult></object></annotation>",
                "neither 0 nor 1"
            ),
            (
                "<annotation><object><name>dog</name>\(Self.box.replacing("30.5", with: "0"))</object></annotation>",
                "no pixels"
            ),
            (
                "<annotation><object><name>dog</name>\(Self.box.replacing("30.5", with: "inf"))</object></annotation>",
                "no pixels"
            ),
        ] {
            let refused = failure { _ = try annotation(text) }
            #expect(refused?.kind == .data && refused?.what.contains(reason) == true, "\(text)")
        }
    }

    private func texts(_ text: String) throws -> [Detection] {
        try Array(text.utf8).withUnsafeBytes { try DetectionText.parse($0, name: "bird.txt") }
    }

    @Test func texts() throws {
        let found = try texts("000004 0.702732 89 112 516 466\r\n\n2008_000001\t1e-3  1.5 2 0.6 4\n")
        #expect(found.map(\.image) == [.text("000004"), .text("2008_000001")])
        #expect(found.map(\.score) == [0.702732, 1e-3])
        #expect(found[0].box == BoundingBox(left: 89, top: 112, right: 516, bottom: 466))
        #expect(try texts("").isEmpty)
        for (text, reason) in [
            ("000004 0.7 1 2 3", "line 1 of bird.txt is no detection"), ("a 0.5 1 2 3 4\na b 1 2 3 4", "line 2"),
            ("a nan 1 2 3 4", "is no detection"), ("a 1 1 2 inf 4", "a box that is none"),
            ("a 1 9 2 3 4", "that is none"), ("a 1 1 2 3 4 5", "is no detection"),
        ] {
            let refused = failure { _ = try texts(text) }
            #expect(refused?.kind == .data && refused?.what.contains(reason) == true, "\(text)")
        }
    }

    private func results(_ text: String) throws -> [Int64: [Detection]] {
        try Array(text.utf8).withUnsafeBytes { try DetectionJSON.parse($0, name: "r.json") }
    }

    /// COCO's boxes are left, top, width and height from 0.
    @Test func results() throws {
        let found = try results(
            """
            [{"image_id": 9, "category_id": 2, "bbox": [0, 1.5, 10, 4], "score": 0.5, "segmentation": []},
             {"image_id": "000012", "category_id": 0, "bbox": [1, 1, 1, 1], "score": 1}]
            """)
        #expect(found.keys.sorted() == [0, 2])
        #expect(found[2]?[0].image == .number(9) && found[0]?[0].image == .text("000012"))
        #expect(found[2]?[0].box == BoundingBox(left: 1, top: 2.5, right: 10, bottom: 5.5))
        #expect(try results("[]").isEmpty)
        for (text, reason) in [
            ("{}", "no array"), ("[", "not valid JSON"), ("[1]", "detection 1 of r.json has no image_id"),
            ("[{\"image_id\": 1.5}]", "no image_id"), ("[{\"image_id\": 1}]", "no category_id"),
            ("[{\"image_id\": 1, \"category_id\": 1}]", "no score"),
            ("[{\"image_id\": 1, \"category_id\": 1, \"score\": 1, \"bbox\": [1, 2, 3]}]", "four numbers"),
            ("[{\"image_id\": 1, \"category_id\": 1, \"score\": 1, \"bbox\": [1, 2, -3, 4]}]", "that is none"),
        ] {
            let refused = failure { _ = try results(text) }
            #expect(refused?.kind == .data && refused?.what.contains(reason) == true, "\(text)")
        }
    }
}
