/// What is taken off the channels R, G and B of images from 0 to 1, and what they are divided by then.
package struct Normalisation: Sendable, Equatable {
    package let mean: [Float]
    package let deviation: [Float]

    /// By the mean and standard deviation of ImageNet.
    package static let imageNet = Normalisation(
        mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225])
    /// To −1…1.
    package static let symmetric = Normalisation(mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5])
}
