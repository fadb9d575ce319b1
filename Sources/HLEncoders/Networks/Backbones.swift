/// The backbones that this version knows. One more is its folder and one more entry.
package enum Backbones {
    /// The first is what hl-train trains.
    package static let all: [any BackboneFamily] = [ResNetFamily(), EfficientNetLiteFamily()]

    /// Names of architectures, for options.
    package static var names: [String] { all.flatMap(\.names) }

    /// For messages: `ResNet or EfficientNet-Lite`.
    static var titles: String { all.map(\.title).joined(separator: " or ") }

    /// - Returns: nil for an architecture of no family.
    static func family(of name: String) -> (any BackboneFamily)? { all.first { $0.names.contains(name) } }
}
