// Opens damaged files, thousands of times: every one has to load or to be refused with an error of one line.
//
//     format-fuzzer FORMAT [--cases 100000] [--seed 1] [--from 0] [--keep FOLDER] FILE...
//
// FORMAT is one of FormatCatalogue.swift's, FILEs are good ones to begin with. The work is done by a second process. When it
// crashes, takes more than five seconds over a file, or wants more than three gigabytes of address space, this one notes
// the case, keeps its file in FOLDER, and goes on with the next. fuzz.sh tries all formats.

import Glibc
import HLTensor

var options = ["--cases": "100000", "--seed": "1", "--from": "0", "--keep": "/tmp", "--worker": ""]
var words: [String] = []
var arguments = CommandLine.arguments.dropFirst().makeIterator()
while let name = arguments.next() {
    if options[name] != nil { options[name] = arguments.next() ?? "" } else { words.append(name) }
}
guard words.count > 1, let format = formats.first(where: { $0.name == words[0] }) else {
    let usage = "usage: format-fuzzer \(formats.map(\.name).joined(separator: "|")) [OPTION]... FILE...\n"
    _ = usage.withCString { write(STDERR_FILENO, $0, strlen($0)) }
    exit(64)
}
let campaign = try Campaign(
    format, cases: Int(options["--cases"] ?? "") ?? 0, seed: UInt64(options["--seed"] ?? "") ?? 1,
    first: Int(options["--from"] ?? "") ?? 0, files: Array(words.dropFirst()), folder: options["--keep"] ?? "/tmp")

/// What became of one file: "loaded", or the kind of its failure.
func outcome(_ path: String, thorough: Bool) -> String {
    do {
        try campaign.format.read(path: path, thorough: thorough)
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

func work(_ campaign: Campaign, from start: Int) throws {
    var limit = rlimit(rlim_cur: 3 << 30, rlim_max: 3 << 30)
    setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
    for number in start..<campaign.first + campaign.cases {
        report("case \(number)")
        let path = "/dev/shm/format-fuzzer-\(getpid())-\(number)"
        try campaign.save(number, to: path)
        let result = outcome(path, thorough: number % 100 == 0)
        unlink(path)
        report("result \(result)")
    }
    report("done")
}

if let start = Int(options["--worker"] ?? "") {
    try work(campaign, from: start)
} else {
    let found = supervise(campaign)
    exit(found == 0 ? 0 : 1)
}
