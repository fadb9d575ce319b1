// The kernels of a step's convolutions by themselves (see Harness.swift): those of every shape that a SimSiam step calls, by
// oneDNN in f32, where Winograd's algorithm is taken where it wins, by oneDNN in bf16, and by this project, in turns.
//
//     convolution-kernels [--arch resnet18] [--batch 32] [--side 112] [--width 64] [--threads 2] [--table ROUNDS]
//
// A step of this program is one call of every shape by all of them; its seconds are those of a SimSiam step's calls, each by
// the faster one of oneDNN's two, and `kernels` has the sums of all. --table prints them by shapes instead, as medians.

import BenchmarkHarness
import HLCompute
import HLEncoders
import HLNet
import HLTensor

#if HL_ONEDNN
    let options = Options()
    let calls = try ConvolutionCalls(ofStep: options)
    let kernels = try ConvolutionKernels(threads: options.number("threads", 2))
    if let rounds = options["table"].flatMap({ Int($0) }) {
        kernels.printTable(of: calls, rounds: max(rounds, 1))
    } else {
        var sums: [KernelSums] = []
        func sumsOfTurn() -> String {
            defer { sums.removeAll() }
            return ", \"kernels\": \(KernelSums.json(of: sums))"
        }
        // The kernels have their own stopwatches, so that this is of a backend that does nothing.
        try takeTurns(CPUBackend.oneDNN(threads: options.number("threads", 2)), more: sumsOfTurn) {
            sums.append(kernels.run(calls))
            return (sums[sums.count - 1].fastestOfLibrary, nil)
        }
    }
#else
    throw Failure(.usage, "this build has no oneDNN", "install its headers (libdnnl-dev) and build again")
#endif
