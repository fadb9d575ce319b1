import HLTensor

/// EfficientNet-Lite0 in the code of others.
extension EfficientNetLiteArchitecture {
    package var ownLibrary: ForeignLibrary { .timm }

    package func names(in library: ForeignLibrary) throws -> ForeignNames {
        guard library == .timm else {
            throw Failure(
                .incompatible, "\(library.rawValue) has no EfficientNet-Lite", "leave out --names, or give --names timm"
            )
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
