import Glibc
import HLTensor

/// How much a pair of views is worth to a contrastive loss: much where the foreground is alike and the background is not
/// (GenView: Li et al., ECCV 2024, Sect. 3.4, https://arxiv.org/abs/2403.12003; GenView++: https://arxiv.org/abs/2509.23770).
///
///     q = exp(γ (s_f − s_b))
///
/// s_f and s_b are cosines between the two images' features of the foreground and of the background: sums of the vectors at
/// the positions of a feature map, weighted by a map of what is foreground from 0 to 1, and by 1 less that map
/// (https://github.com/xiaojieli0903/GenViewPlusPlus, util/quality_driven_weight.py). What divides q by its mean over a batch
/// there is left to the loss, which knows the batch.
///
/// GenView's map is how far each position goes along a direction of CLIP's features, the first principal one over a data
/// set. Here it is the first principal direction of the image's own features, about 0, which is Eigen-CAM (Muhammad & Yeasin
/// 2020, https://arxiv.org/abs/2008.00299): the worth of a pair depends on its two images alone.
package struct PairQuality: Sendable {
    /// γ.
    package let sensitivity: Double

    /// s_f − s_b is between -2 and 2, and exp(2 · 40) an F32, as it is not much above 44.
    package static let greatestSensitivity = 40.0

    /// GenView++'s γ by default; GenView has none, which is 1.
    package init(sensitivity: Double = 2) { self.sensitivity = sensitivity }

    /// What an image shows in front and behind.
    package struct Parts: Sendable {
        /// [C] each.
        package let foreground: [Double]
        package let background: [Double]
    }

    /// q of one pair, above 0.
    package func worth(_ a: Parts, _ b: Parts) -> Float {
        let alike = Self.cosine(a.foreground, b.foreground) - Self.cosine(a.background, b.background)
        return Float(exp(sensitivity * alike))
    }

    /// The parts of images.
    /// - Parameters:
    ///   - maps: F32 [B, C, H, W].
    ///   - threads: on which images are split; no result depends on it.
    package static func parts(of maps: HostTensor, threads: Int = 1) -> [Parts] {
        precondition(maps.type == .f32 && maps.shape.count == 4)
        let count = maps.shape[0], channels = maps.shape[1], size = maps.shape[2] * maps.shape[3]
        var result = [Parts?](repeating: nil, count: count)
        maps.withUnsafeElements(as: Float.self) { values in
            result.withUnsafeMutableBufferPointer { result in
                inParallel(count, parts: min(threads, count)) { images in
                    for image in images {
                        let map = values[image * channels * size..<(image + 1) * channels * size]
                        result[image] = parts(of: map, channels: channels, size: size)
                    }
                }
            }
        }
        return result.compactMap { $0 }
    }

    /// - Parameter map: [C, positions].
    private static func parts(of map: Slice<UnsafeBufferPointer<Float>>, channels: Int, size: Int) -> Parts {
        let start = map.startIndex
        func vector(_ channel: Int) -> Slice<UnsafeBufferPointer<Float>> {
            map[start + channel * size..<start + (channel + 1) * size]
        }
        // Between positions, [positions, positions].
        var products = [Double](repeating: 0, count: size * size)
        for channel in 0..<channels {
            let values = vector(channel).map { Double($0) }
            for i in 0..<size where values[i] != 0 {
                for j in 0..<size { products[i * size + j] += values[i] * values[j] }
            }
        }
        let along = principal(products, size)
        let least = along.min() ?? 0, range = (along.max() ?? 0) - least
        let front = along.map { range > 0 ? ($0 - least) / range : 0 }, back = front.map { 1 - $0 }
        let sums = (front: front.reduce(0, +) + 1e-7, back: back.reduce(0, +) + 1e-7)
        var foreground = [Double](repeating: 0, count: channels), background = foreground
        for channel in 0..<channels {
            for (i, value) in vector(channel).enumerated() {
                foreground[channel] += Double(value) * front[i] / sums.front
                background[channel] += Double(value) * back[i] / sums.back
            }
        }
        return Parts(foreground: foreground, background: background)
    }

    /// How far each position goes along the first principal direction, up to a factor above 0: the eigenvector of the
    /// greatest eigenvalue, by powers. Of its two signs it has that with more to the front.
    private static func principal(_ products: [Double], _ size: Int) -> [Double] {
        var vector = [Double](repeating: 1 / Double(size).squareRoot(), count: size)
        for _ in 0..<1000 {
            var next = [Double](repeating: 0, count: size)
            for i in 0..<size {
                for j in 0..<size { next[i] += products[i * size + j] * vector[j] }
            }
            let length = next.reduce(0) { $0 + $1 * $1 }.squareRoot()
            guard length > 0 else { return vector }
            for i in 0..<size { next[i] /= length }
            let change = zip(next, vector).reduce(0) { max($0, abs($1.0 - $1.1)) }
            vector = next
            if change < 1e-12 { break }
        }
        return vector.reduce(0, +) < 0 ? vector.map { -$0 } : vector
    }

    private static func cosine(_ a: [Double], _ b: [Double]) -> Double {
        var product = 0.0, squares = (0.0, 0.0)
        for (x, y) in zip(a, b) {
            product += x * y
            squares.0 += x * x
            squares.1 += y * y
        }
        return product / (max(squares.0.squareRoot(), 1e-12) * max(squares.1.squareRoot(), 1e-12))
    }
}
