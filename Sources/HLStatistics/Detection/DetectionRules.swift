import HLFormats

/// Two programs that count the same detections a little differently.
package enum DetectionRules: String, Sendable, CaseIterable {
    /// detectron2's `PascalVOCDetectionEvaluator`, which the field's tables are by: an object is found by a box that
    /// overlaps it by more than the threshold.
    case detectron2
    /// `VOCevaldet.m` of Pascal VOC's development kit: by the threshold or more.
    case devkit

    func finds(overlap: Double, threshold: Double) -> Bool {
        switch self {
        case .detectron2: overlap > threshold
        case .devkit: overlap >= threshold
        }
    }

    /// Recalls 0, 0.1, …, 1 to the last bit: recall is a quotient, and one of three tenths is below NumPy's fourth point,
    /// 0.30000000000000004, but not below all that lie as near to another. MATLAB's `0:0.1:1` counts from both ends.
    func recall(at point: Int) -> Double {
        switch self {
        case .detectron2: Double(point) * 0.1
        case .devkit: point <= 5 ? Double(point) * 0.1 : 1 - Double(10 - point) * 0.1
        }
    }
}

/// What average precision averages (Everingham et al., *The Pascal visual object classes (VOC) challenge*, 2010, section
/// 4.2; *A retrospective*, 2015, section 2.3).
package enum PrecisionAverage: String, Sendable, CaseIterable {
    /// VOC 2007 to 2009: the greatest precision at recalls 0, 0.1, …, 1 or beyond.
    case elevenPoints = "11-point"
    /// From VOC 2010 on: the area under the curve of the greatest precision at each recall or beyond.
    case area
}
