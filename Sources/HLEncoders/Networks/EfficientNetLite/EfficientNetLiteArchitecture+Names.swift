import HLTensor

/// EfficientNet-Lite0 in the code of others.
extension EfficientNetLiteArchitecture {
    package var ownLibrary: ForeignLibrary { .timm }

    package func names(in library: ForeignLibrary, classes layer: Int?) throws -> ForeignNames {
        guard library == .timm else {
            throw Failure(
                .incompatible, "\(library.rawValue) has no EfficientNet-Lite",
                "give --names timm and a file that ends in .pth, or name one that ends in .onnx")
        }
        guard layer == nil else {
            throw Failure(
                .incompatible, "timm's EfficientNet-Lite0 has no linear layer 'fc'",
                "leave out --classifier, or name a file that ends in .onnx")
        }
        guard width == EfficientNetLite.publishedWidth else {
            throw Failure(
                .incompatible, "timm has EfficientNet-Lite0 of width \(EfficientNetLite.publishedWidth), not \(width)",
                "name a file that ends in .onnx")
        }
        return ForeignNames(
            imports: ["timm"], building: ["model = timm.create_model(\"\(name)\", num_classes=\(classes ?? 0))"],
            finishing: classes == nil ? [] : ["model.reset_classifier(0)  # without this line, scores of classes"])
    }
}
