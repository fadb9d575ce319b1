extension EncoderDescription {
    /// A ResNet, as hl-train trains it.
    /// - Parameter crop: nil takes T_x's 7/8 of `side`.
    /// - Throws: `Failure` (usage) for sizes that no network of this kind has.
    package init(
        architecture: ResNet.Architecture = .resnet18, width: Int = 64, stem: ResNet.Stem = .imagenet,
        side: Int = 128, crop: Int? = nil, layer: String? = nil, supervision: String? = nil
    ) throws {
        try self.init(
            try ResNetArchitecture(architecture, width: width, stem: stem), side: side, crop: crop, layer: layer,
            supervision: supervision)
    }
}
