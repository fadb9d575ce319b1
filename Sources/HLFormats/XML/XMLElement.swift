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
}
