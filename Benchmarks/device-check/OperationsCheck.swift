import BenchmarkHarness
import HLCompute
import HLFormats
import HLTensor
import OperationCases

/// Every operation beside its formula and beside the plain backend: in F32 first, then in BF16, then convolutions in TF32.
func checkOperations(_ checker: Checker) throws {
    let backend = try checker.make(), plain = try checker.makePlain()
    let device = (backend as? CUDABackend)?.device as? DriverDevice
    // Who reads what nobody has written reads NaN.
    device?.poisons = true
    let cases = OperationCase.families.flatMap { $0 }
    for precision in checker.precisions(of: backend) {
        for test in cases {
            switch precision {
            case .f32: break
            case .bf16: guard test.takesBF16 else { continue }
            case .tf32: guard case .convolution = test.precision else { continue }
            }
            checker.piece("operations", "\(test.name), \(precision.rawValue)", on: backend) {
                try OperationPiece(test: test, precision: precision, isPlain: checker.isPlain).run(on: backend, plain)
            }
        }
    }
    device?.poisons = false
}

/// One operation in one precision.
private struct OperationPiece {
    let test: OperationCase
    let precision: Precision
    /// Whether the backend is the reference.
    let isPlain: Bool

    func run(on backend: any Backend, _ plain: any Backend) throws -> JSONObject {
        backend.roundsToTF32 = precision == .tf32
        defer { backend.roundsToTF32 = false }
        let check = OperationCheck(test)
        let convolutions = precision == .tf32 ? Tolerance.tf32 : isPlain ? .plain : .library
        var findings =
            precision == .bf16
            ? try check.inBF16(on: backend, precision.rawValue)
            : try check.inF32(on: backend, precision.rawValue, convolutions: convolutions)
        var record: JSONObject = [:]
        if precision != .tf32 && !isPlain {
            let others = try besidePlain(convolutions, backend, plain)
            findings += others.findings
            record["equal_to_plain"] = .integer(Int64(others.equal))
            record["beside_plain"] = .integer(Int64(others.findings.count))
        }
        let faults = findings.filter(\.isFault), inexact = findings.filter { $0.tolerance > 0 }
        record["ok"] = .bool(faults.isEmpty && !findings.isEmpty)
        record["compared"] = .integer(Int64(findings.count))
        // The nearest to what is allowed.
        if let worst = inexact.max(by: { $0.deviation / $0.tolerance < $1.deviation / $1.tolerance }) {
            record["worst"] = .number(worst.deviation)
            record["allowed"] = .number(worst.tolerance)
            record["worst_place"] = .string(worst.place)
        }
        if !faults.isEmpty {
            record["faults"] = .array(faults.prefix(6).map { .string($0.description) })
            record["fault_count"] = .integer(Int64(faults.count))
        }
        return record
    }

    /// The same inputs on both: what is exact has the same bits, the rest is as far off as either may be.
    private func besidePlain(
        _ convolutions: Tolerance, _ backend: any Backend, _ plain: any Backend
    ) throws -> (findings: [Finding], equal: Int) {
        let own = try test.results(on: backend, in: precision.type)
        let others = try test.results(on: plain, in: precision.type)
        let allowed = test.precision.tolerance(convolutions: convolutions)
        let reference = test.precision.tolerance(convolutions: .plain)
        var findings: [Finding] = [], equal = 0
        for (one, other) in zip(own, others) {
            let place = "\(one.what) beside plain"
            let isGradient = one.what.hasPrefix("gradient")
            let f32 = isGradient ? allowed.gradients + reference.gradients : allowed.values + reference.values
            let same = one.tensor.withUnsafeBytes { one in other.tensor.withUnsafeBytes { one.elementsEqual($0) } }
            if same && one.tensor.shape == other.tensor.shape {
                equal += 1
                findings.append(Finding(place, deviation: 0, tolerance: f32))
            } else if case .exact = test.precision {
                findings.append(Finding(place, wrong: "has other bits"))
            } else {
                findings.append(
                    .tensors(one.tensor, other.tensor, precision == .bf16 ? max(f32, 0x1p-7) : f32, place))
            }
        }
        if own.count != others.count {
            findings.append(Finding(test.name, wrong: "gives \(own.count) results, plain \(others.count)"))
        }
        return (findings, equal)
    }
}
