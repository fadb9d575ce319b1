import HLFormats
import HLRecords
import Testing

struct ValueCurveTests {
    private func curve(_ values: [Double]) -> ValueCurve {
        var curve = ValueCurve()
        for (index, value) in values.enumerated() {
            curve.append(.init(samples: index + 1, seconds: Double(index + 1), value: value))
        }
        return curve
    }

    @Test func shortCurvesKeepEveryValue() {
        let points = curve([3, 1, 2]).points
        #expect(points.map(\.value) == [3, 1, 2] && points.map(\.samples) == [1, 2, 3])
    }

    /// 1…n in points of equal span: each is the mean of its values, and stands where the last of them was.
    @Test(arguments: [256, 257, 1000, 5000])
    func longCurvesAreMeans(_ count: Int) {
        let curve = curve((1...count).map(Double.init)), points = curve.points, span = curve.span
        #expect(points.count <= ValueCurve.limit && points.last?.samples == count)
        var first = 1
        for point in points {
            #expect(point.value == Double(first + point.samples) / 2)
            #expect(point.samples == min(first + span - 1, count))
            first = point.samples + 1
        }
        #expect(first == count + 1)
    }

    @Test func whatIsNoNumberIsLeftOut() {
        #expect(curve([1, .nan, .infinity, 2]).points.map(\.value) == [1, 2])
    }

    @Test func aRunThatGoesOnForgetsWhatItDoesAgain() {
        var curve = curve([1, 2, 3, 4, 5])
        curve.cut(after: 3)
        curve.append(.init(samples: 4, seconds: 9, value: 40))
        #expect(curve.points.map(\.value) == [1, 2, 3, 40])
    }
}
