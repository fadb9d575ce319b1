/// Code of others for which a backbone's weights can be written under its own names: the words of hl-export --names.
package enum ForeignLibrary: String, CaseIterable, Sendable {
    case torchvision, timm, lightly
    case soloLearn = "solo-learn"
    case detectron2
}

/// What a library calls the tensors of a backbone, and what it is told to take them.
package struct ForeignNames: Sendable {
    /// Beside torch and torchvision.
    var imports: [String] = []
    /// Lines of Python after which `model` makes features of normalised images, but for its values; or whatever else the
    /// library is told, where it builds networks by itself.
    let building: [String]
    /// Lines behind the one that loads the values.
    var finishing: [String] = []
    /// What stands before the names in the file, and not in `model`.
    var prefix = ""
    /// The key of a checkpoint under which the state dict lies; nil makes it the whole file.
    var key: String?
    /// The library's name, without the prefix, of a tensor of ours.
    var name: @Sendable (_ ours: String) -> String = { $0 }
}
