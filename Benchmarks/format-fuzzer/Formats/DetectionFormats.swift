import HLFormats

/// Annotations of Pascal VOC, XML.
struct AnnotationFormat: FuzzedFormat {
    let name = "annotation"

    func read(path: String, thorough: Bool) throws {
        _ = try FileDescriptorSource(path: path).readAll().withBytes { try VOCAnnotation(parsing: $0, name: path) }
    }
}

/// Detections: COCO's results where a file begins as JSON, else a text of the development kit.
struct DetectionFormat: FuzzedFormat {
    let name = "detections"

    func read(path: String, thorough: Bool) throws {
        let isJSON = try FileDescriptorSource(path: path).readAll().withBytes { $0.first == UInt8(ascii: "[") }
        if isJSON {
            _ = try DetectionJSON.read(path: path)
        } else {
            _ = try DetectionText.read(path: SystemPath(path))
        }
    }
}
