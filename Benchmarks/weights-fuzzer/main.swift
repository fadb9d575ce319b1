// Opens damaged weights files and builds their networks, thousands of times: every one has to load or to be refused with
// an error of one line.
//
//     weights-fuzzer [--cases 100000] [--seed 1] [--from 0] [--keep FOLDER] FILE...
//
// The work is done by a second process. When it crashes, takes more than five seconds over a file, or wants more than three
// gigabytes of address space, this one notes the case, keeps its file in FOLDER, and goes on with the next.

import Glibc
import HLCompute
import HLGenerators
import HLTensor

var options = ["--cases": "100000", "--seed": "1", "--from": "0", "--keep": "/tmp", "--worker": ""]
var files: [String] = []
var arguments = CommandLine.arguments.dropFirst().makeIterator()
while let name = arguments.next() {
    if options[name] != nil { options[name] = arguments.next() ?? "" } else { files.append(name) }
}
let campaign = try Campaign(
    cases: Int(options["--cases"] ?? "") ?? 0, seed: UInt64(options["--seed"] ?? "") ?? 1,
    first: Int(options["--from"] ?? "") ?? 0, files: files, folder: options["--keep"] ?? "/tmp")

/// What became of one file: "loaded", or the kind of its failure.
func outcome(_ path: String, rendering: Bool) -> String {
    do {
        let specification = try GeneratorSpecification.fromWeights(path: path)
        let generator = try specification.makeGenerator(on: CPUBackend.plain(threads: 1))
        if rendering {
            let shape = specification.base
            let z = HostTensor([Float](repeating: 0.5, count: shape.size), shape: [1, shape.chunks, shape.dimension])
            _ = try generator.backend.read(
                generator.render([Latents(z, ids: HostTensor([Int64(0)], shape: [1]))], pixels: .f32))
        }
        return "loaded"
    } catch let failure as Failure {
        let allowed: [Failure.Kind] = [.data, .incompatible]
        guard allowed.contains(failure.kind), !failure.description.contains("\n") else {
            return "BAD \(failure.kind) \(failure.description.prefix(300))"
        }
        return "\(failure.kind)"
    } catch {
        return "BAD \(error)"
    }
}

func work(_ campaign: Campaign, from start: Int) {
    var limit = rlimit(rlim_cur: 3 << 30, rlim_max: 3 << 30)
    setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
    for number in start..<campaign.first + campaign.cases {
        report("case \(number)")
        let path = "/dev/shm/weights-fuzzer-\(getpid())-\(number)"
        campaign.save(number, to: path)
        let result = outcome(path, rendering: number % 100 == 0)
        unlink(path)
        report("result \(result)")
    }
    report("done")
}

if let start = Int(options["--worker"] ?? "") {
    work(campaign, from: start)
} else {
    let found = supervise(campaign)
    exit(found == 0 ? 0 : 1)
}
