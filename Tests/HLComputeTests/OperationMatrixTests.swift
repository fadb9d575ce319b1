import Foundation
import HLCompute
import HLTensor
import OperationCases
import TestSupport
import Testing

extension ComputeTests {
    /// Every operation on every backend, in all shapes and layouts, against its formula.
    struct OperationMatrixTests {
        static let cases = OperationCase.families.flatMap { $0 }

        @Test(arguments: cases) func operation(_ test: OperationCase) throws {
            let check = OperationCheck(test)
            for choice in allTestedBackends {
                let backend = try choice.make(threads: 2)
                expectNoFault(try check.inF32(on: backend, choice.name, convolutions: .of(choice)))
            }
        }

        @Test(arguments: cases.filter(\.takesBF16)) func inBF16(_ test: OperationCase) throws {
            let check = OperationCheck(test)
            for choice in allTestedBackends {
                expectNoFault(try check.inBF16(on: choice.make(threads: 2), choice.name))
            }
        }

        /// On a card neither blocks nor the threads of one run in an order: what depends on one lacks a barrier.
        @Test(arguments: cases, [ElementType.f32, .bf16])
        func inAnyOrder(_ test: OperationCase, _ type: ElementType) throws {
            guard type == .f32 || test.takesBF16 else { return }
            let runs = try [false, true].map { isBackwards in
                let device = EmulatedDevice(isBackwards: isBackwards)
                return try test.results(on: CUDABackend(on: device, threads: 1), in: type)
            }
            #expect(runs[0].count == runs[1].count && !runs[0].isEmpty)
            for (one, other) in zip(runs[0], runs[1]) {
                let same = one.tensor.withUnsafeBytes { one in
                    other.tensor.withUnsafeBytes { one.elementsEqual($0) }
                }
                #expect(
                    same && one.tensor.shape == other.tensor.shape,
                    "\(test.name), \(type), \(one.what) depends on the order of threads")
            }
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
            let covered = Set(Self.cases.flatMap(\.covers))
            #expect(required.subtracting(others).subtracting(covered).isEmpty)
            #expect(covered.subtracting(required).isEmpty)
            let names = Self.cases.map(\.name)
            #expect(Set(names).count == names.count)
        }
    }
}
