/// How the field reports what a classifier makes of a data set (Kornblith et al., *Do better ImageNet models transfer
/// better?*, CVPR 2019, Table 1, and all who follow it).
package enum ReportedMetric: String, Sendable, CaseIterable {
    /// Share of the samples that are right.
    case top1
    /// Mean over the classes of the share of their samples that are right.
    case meanPerClass = "mean-per-class"
    /// Mean over the classes of the 11-point average precision of Pascal VOC 2007, where images show several.
    case map11
}
