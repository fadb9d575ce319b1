import HLTensor

/// An element of an XML text (https://www.w3.org/TR/xml): its name, the text in it, and the elements in it. Attributes,
/// comments and instructions are passed over.
package struct XMLElement: Sendable, Equatable {
    package let name: String
    /// All text between the tags, that of inner elements left out, without the white space at its ends.
    package let text: String
    /// In their order.
    package let elements: [XMLElement]

    /// The first inner element of this name.
    package subscript(name: String) -> XMLElement? { elements.first { $0.name == name } }

    /// The root of `bytes`, which must be one XML text in UTF-8.
    ///
    /// Document types are refused, and with them entities of their own making, which is how small files become large
    /// ones; so are more than 64 levels.
    /// - Parameter name: what the text is, for the message.
    /// - Throws: `Failure` (data).
    package init(parsing bytes: UnsafeRawBufferPointer, name: String) throws {
        var parser = XMLParser(bytes: bytes)
        do throws(XMLParser.Problem) {
            self = try parser.document()
        } catch {
            throw Failure(
                .data, "\(name) is not valid XML (\(error.reason) at byte \(error.offset))", "copy or make it again")
        }
    }

    init(name: String, text: String, elements: [XMLElement]) {
        self.name = name
        self.text = text
        self.elements = elements
    }
}
