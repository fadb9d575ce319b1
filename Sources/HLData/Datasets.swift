import HLTensor

/// The data sets that this version reads. One more is a folder of its own and one more entry.
package enum Datasets {
    package static let all: [DatasetKind] = [
        ImageFolder.kind, ImageNet.kind, ImageNet100.kind, Birdsnap.kind, Caltech101.kind, CIFAR.cifar10,
        CIFAR.cifar100,
        DTD.kind, Flowers102.kind, Food101.kind, Pets.kind, StanfordCars.kind, Aircraft.kind, VOC.kind, LSUN.kind,
        MNIST.mnist, MNIST.fashion, WebDataset.kind,
        StoredStream.kind,
    ]

    /// Their names, for help and messages: `imagefolder, … or …`.
    package static var names: String {
        let names = all.map(\.name)
        return names.dropLast().joined(separator: ", ") + " or " + names[names.count - 1]
    }

    /// The data set that `kind:path` or `kind:path,key=value` names.
    /// - Throws: `Failure(.usage)` for another kind, no path, or a setting or split that the kind does not have, and
    ///   whatever the kind refuses.
    package static func open(_ text: String, _ options: DatasetOptions = DatasetOptions()) throws -> any ImageDataset {
        let (kind, path, settings) = try DatasetName.parse(text, of: all)
        return try kind.open(kind.place(path, settings: settings, options))
    }
}
