import BenchmarkHarness
import HLCompute
import HLTensor

#if HL_ONEDNN
    /// Kernels for convolutions, of oneDNN and of this project.
    struct ConvolutionKernels {
        /// Those of oneDNN, f32 first, and what a bf16 step takes where that is something else.
        private let library: [Kernels]
        private let own: Kernels?

        /// - Throws: `Failure` where a library cannot be loaded.
        init(threads: Int) throws(Failure) {
            let f32 = try Kernels("oneDNN f32", .f32, threads, hasOwn: false)
            let hasNarrow = f32.backend.bf16 == .native
            library = try hasNarrow ? [f32, Kernels("oneDNN bf16", .bf16, threads, hasOwn: false)] : [f32]
            own = try hasNarrow ? Kernels("bf16 step", .bf16, threads, hasOwn: true) : nil
        }

        /// One call of each shape by each of the kernels.
        func run(_ calls: ConvolutionCalls) -> KernelSums {
            var sums = KernelSums()
            for (call, count) in calls.counted { sums.add(seconds(call), times: Double(count)) }
            return sums
        }

        /// Seconds of one call by each.
        private func seconds(_ call: ConvolutionCall) -> [(name: String, seconds: Double, isLibrary: Bool)] {
            library.map { ($0.name, $0.seconds(call), true) } + (own.map { [($0.name, $0.seconds(call), false)] } ?? [])
        }

        /// Prints milliseconds of a step's calls by shapes and kernels, medians of so many rounds, as a table in Markdown.
        func printTable(of calls: ConvolutionCalls, rounds: Int) {
            let names = (library + (own.map { [$0] } ?? [])).map(\.name)
            report("\(library[0].backend.summary); milliseconds of a step's calls, medians of \(rounds) rounds\n")
            report("| shape | to | window | pass | calls | " + names.joined(separator: " | ") + " |")
            report("|" + String(repeating: "---|", count: 5 + names.count))
            var times = [[[Double]]](repeating: [], count: calls.counted.count)
            // The first round makes the kernels.
            for round in 0...rounds {
                for (place, entry) in calls.counted.enumerated() {
                    let found = seconds(entry.call).map { $0.seconds * Double(entry.count) * 1000 }
                    if round > 0 { times[place].append(found) }
                }
            }
            func row(_ cells: [String], _ values: [Double]) {
                report("| " + (cells + values.map { "\(($0 * 10).rounded() / 10)" }).joined(separator: " | ") + " |")
            }
            var sums: [String: [Double]] = [:], fastest: [String: Double] = [:]
            for (entry, rounds) in zip(calls.counted, times) {
                let call = entry.call, window = call.window
                let medians = names.indices.map { kernel in
                    rounds.map { $0[kernel] }.sorted()[rounds.count / 2]
                }
                row(
                    [
                        call.input.map(String.init).joined(separator: " × "), "\(call.outChannels)",
                        "\(window.size) × \(window.size) / \(window.stride)", call.pass.rawValue, "\(entry.count)",
                    ], medians)
                let pass = call.pass.rawValue
                sums[pass] = zip(sums[pass] ?? medians.map { _ in 0 }, medians).map(+)
                fastest[pass, default: 0] += medians.prefix(library.count).min() ?? 0
            }
            report("\n| pass | " + (names + ["faster of oneDNN's"]).joined(separator: " | ") + " |")
            report("|" + String(repeating: "---|", count: 2 + names.count))
            for pass in ConvolutionPass.allCases.map(\.rawValue) {
                row([pass], (sums[pass] ?? []) + [fastest[pass] ?? 0])
            }
            let total = names.indices.map { kernel in sums.values.map { $0[kernel] }.reduce(0, +) }
            row(["all"], total + [fastest.values.reduce(0, +)])
        }
    }

    /// Kernels of one origin in one precision.
    private final class Kernels {
        let name: String
        let backend: CPUBackend
        private let type: ElementType
        /// Spent inside the kernels.
        private var inside = 0.0
        /// What all tensors are filled with, again and again: 4 MB.
        private static let values: [Float] = {
            var random = RandomKey(seed: 0, purpose: .augmentation).sequence(id: 0)
            return (0..<1 << 20).map { _ in random.uniform(-1, 1) }
        }()

        init(_ name: String, _ precision: Precision, _ threads: Int, hasOwn: Bool) throws(Failure) {
            self.name = name
            type = precision.type
            backend = try CPUBackend(threads: threads) { count throws(Failure) in
                try OneDNNConvolutions(threads: count, hasOwnKernels: hasOwn)
            }
            backend.engine.aroundKernel = { [unowned self] kernel in
                inside += timed(kernel).seconds
            }
        }

        private func tensor(_ shape: [Int]) -> Tensor {
            backend.tensor(.f32, shape: shape) { bytes in
                Self.values.withUnsafeBytes { values in
                    for start in stride(from: 0, to: bytes.count, by: values.count) {
                        let count = min(values.count, bytes.count - start)
                        UnsafeMutableRawBufferPointer(rebasing: bytes[start..<start + count])
                            .copyMemory(from: UnsafeRawBufferPointer(rebasing: values[..<count]))
                    }
                }
            }
        }

        /// Of this precision, laid out as from layer to layer.
        private func activations(_ shape: [Int]) -> Tensor {
            backend.laidOut(
                backend.converted(tensor(shape), to: type), as: backend.engine.activationLayout(shape[1], type))
        }

        /// Seconds inside the kernels of one call; what comes before and after, such as another layout, does not count.
        func seconds(_ call: ConvolutionCall) -> Double {
            let weight = tensor(call.weight), engine = backend.engine
            inside = 0
            switch call.pass {
            case .forward:
                _ = engine.convolution(activations(call.input), weight: weight, window: call.window, on: backend)
            case .input:
                _ = engine.inputGradient(
                    activations(call.output), weight: weight, inputShape: call.input, window: call.window, on: backend)
            case .weights:
                _ = engine.weightGradient(
                    activations(call.output), input: activations(call.input), weightShape: call.weight,
                    window: call.window, on: backend)
            }
            return inside
        }
    }
#endif

/// Seconds of a step's calls by several kernels.
struct KernelSums {
    /// By kernels, in their order.
    private(set) var sums: [(name: String, seconds: Double)] = []
    /// Each call by the faster kernel of the library.
    private(set) var fastestOfLibrary = 0.0

    mutating func add(_ call: [(name: String, seconds: Double, isLibrary: Bool)], times count: Double) {
        if sums.isEmpty { sums = call.map { ($0.name, 0) } }
        for (place, kernel) in call.enumerated() { sums[place].seconds += count * kernel.seconds }
        fastestOfLibrary += count * (call.filter(\.isLibrary).map(\.seconds).min() ?? 0)
    }

    /// Medians of several, by names.
    static func json(of rounds: [KernelSums]) -> String {
        guard let first = rounds.first else { return "{}" }
        let members = first.sums.indices.map { place in
            "\"\(first.sums[place].name)\": \(rounds.map { $0.sums[place].seconds }.sorted()[rounds.count / 2])"
        }
        return "{" + members.joined(separator: ", ") + "}"
    }
}
