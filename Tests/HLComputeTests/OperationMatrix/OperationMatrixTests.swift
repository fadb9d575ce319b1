import Foundation
import HLCompute
import TestSupport
import Testing

extension ComputeTests {
    /// Every operation on every backend, in all shapes and layouts, against its formula.
    struct OperationMatrixTests {
        static let families = [
            rowOperations, productOperations, convolutions, depthwiseConvolutions, elementwiseOperations, modulations,
            normalisations, poolingOperations, generatorOperations, adversarialOperations, pixelOperations, losses,
            optimisers,
        ]

        @Test(arguments: families.flatMap { $0 }) func operation(_ test: OperationCase) throws { try test.check() }

        @Test(arguments: families.flatMap { $0.filter(\.takesBF16) })
        func inBF16(_ test: OperationCase) throws { try test.checkBF16() }

        /// On a card neither blocks nor the threads of one run in an order: what depends on one lacks a barrier.
        @Test(arguments: families.flatMap { $0 }, [ElementType.f32, .bf16])
        func inAnyOrder(_ test: OperationCase, _ type: ElementType) throws {
            if type == .f32 || test.takesBF16 { try test.checkOrders(type) }
        }

        /// What the protocols require stands in the matrix.
        @Test func nothingIsLeftOut() throws {
            let folder = URL(fileURLWithPath: Programs.tests).deletingLastPathComponent()
                .appendingPathComponent("Sources/HLCompute/Backend")
            // These say how the rest is to be used, or are used by every case; tiles have PairTilingTests, ranks RanksTests.
            let others: Set = ["fail", "read", "renderBatch", "recordedSamples", "forEachTile", "ranks"]
            var required: Set<String> = []
            for name in ["Backend", "ComposedOperations"] {
                let text = try String(contentsOf: folder.appendingPathComponent("\(name).swift"), encoding: .utf8)
                required.formUnion(text.matches(of: /\n    func ([A-Za-z]+)\(/).map { String($0.1) })
            }
            #expect(required.count > 60)
            let covered = Set(Self.families.joined().flatMap(\.covers))
            #expect(required.subtracting(others).subtracting(covered).isEmpty)
            #expect(covered.subtracting(required).isEmpty)
            let names = Self.families.joined().map(\.name)
            #expect(Set(names).count == names.count)
        }
    }
}
