import HLTensor

/// The objects that an image shows, as Pascal VOC writes them in `Annotations/*.xml`.
package struct VOCAnnotation: Sendable, Equatable {
    package struct Object: Sendable, Equatable {
        /// Of its class.
        package let name: String
        package let box: BoundingBox
        /// Whether finding it counts neither for nor against a detector.
        package let isDifficult: Bool
    }

    package let objects: [Object]

    /// - Parameter name: of the file, for the message.
    /// - Throws: `Failure` (data).
    package init(parsing bytes: UnsafeRawBufferPointer, name: String) throws {
        let root = try XMLElement(parsing: bytes, name: name)
        guard root.name == "annotation" else {
            throw Failure(
                .data, "\(name) is no annotation: it has <\(shown(root.name))>", "take Annotations/ as published")
        }
        // Parts of objects, such as heads, have names and boxes of their own, deeper inside.
        objects = try root.elements.filter { $0.name == "object" }.enumerated().map { index, object in
            func damaged(_ what: String) -> Failure {
                Failure(.data, "object \(index + 1) of \(name) has \(what)", "take Annotations/ as published")
            }
            guard let label = object["name"]?.text, !label.isEmpty else { throw damaged("no name") }
            let corners = try ["xmin", "ymin", "xmax", "ymax"].map { corner in
                guard let text = object["bndbox"]?[corner]?.text, let value = Double(text) else {
                    throw damaged("no number \(corner)")
                }
                return value
            }
            let box = BoundingBox(left: corners[0], top: corners[1], right: corners[2], bottom: corners[3])
            guard box.isPlausible, box.area > 0 else { throw damaged("a box of no pixels") }
            let mark = object["difficult"]?.text ?? "0"
            guard mark == "0" || mark == "1" else {
                throw damaged("difficult '\(shown(mark))', which is neither 0 nor 1")
            }
            return Object(name: label, box: box, isDifficult: mark == "1")
        }
    }
}

/// A word of a file for a message.
private func shown(_ text: String) -> String { SystemPath(String(text.prefix(40))).shown }
