// Holds a backend against its references, on a machine that has a card and perhaps nothing else. device_check.py runs it
// there, and goes on where it dies.
//
//     device-check CHECK [--backend cuda[:N]] [--minutes 2] [--threads 0] [--tiny 1] [--from 0] [--share 0/1]
//                  [--fixture training.safetensors] [--folder /tmp]
//
// CHECK is one of
//     libraries     what is there, and whether it works at all
//     operations    every operation beside its formula and beside the plain backend, in F32, BF16 and TF32
//     repeats       trainings that are done twice
//     parity        trainings beside PyTorch's (--fixture, of HLEncodersTests) and the plain backend's
//     resume        trainings that are stopped and go on
//     all           all of them
// and prints a line of JSON for everything it does: one with "begin" and a number before it, one with what was found after
// it. --from leaves out what has smaller numbers, --share K/N takes every N-th. It ends with 75 where the card is no longer
// to be used by this process.
//
//     device-check steps simsiam|generator|walker|online [OPTIONS]
//
// does the timed steps of Benchmarks/steps in turns with a peer.

import BenchmarkHarness
import BenchmarkSteps
import Glibc
import HLCompute
import HLTensor

let words = CommandLine.arguments.dropFirst()

func run() throws {
    if words.first == "steps" {
        let options = Options(after: 2)
        switch words.dropFirst().first {
        case "simsiam": return try simSiamSteps(options)
        case "generator": return try generatorSteps(options)
        case "walker": return try walkerSteps(options)
        case "online": return try onlineSteps(options)
        default: throw Failure(.usage, "there are no such steps", "give simsiam, generator, walker or online")
        }
    }
    let checks: [(name: String, check: (Checker) throws -> Void)] = [
        ("libraries", checkLibraries), ("operations", checkOperations), ("repeats", checkRepeats),
        ("parity", checkParity), ("resume", checkResume),
    ]
    let wanted = checks.filter { words.first == $0.name || words.first == "all" }
    guard !wanted.isEmpty else {
        let names = checks.map(\.name).joined(separator: ", ")
        throw Failure(.usage, "there is no check '\(words.first ?? "")'", "give one of \(names), all or steps")
    }
    let checker = try Checker(Options(after: 1))
    for (_, check) in wanted { try check(checker) }
}

do {
    try run()
} catch {
    let failure = error as? Failure ?? Failure(.software, "\(error)", "")
    let line = "device-check: error: \(failure)\n"
    _ = line.withCString { write(2, $0, strlen($0)) }
    exit(failure.kind.rawValue)
}
