import Foundation
import HLFormats
import TestSupport
import Testing

/// A folder in which the examples of one page run, one after the other.
struct PageRun {
    private let space: Workspace
    private let setup: String

    /// - Parameter folder: that of the inputs.
    init(folder: String, page: String) throws {
        space = try Workspace()
        let (source, programs) = (Example.sources, Programs.directory)
        // Records are kept, as where a user types.
        setup = """
            unset HL_RECORD
            export HL_REAL='\(programs)' HL_FAILURES=$PWD/.failures HL_SOURCES='\(source)' HL_MAKE=$(command -v make)
            export PATH='\(folder)/bin':$PATH PYTHONPATH='\(source)/examples/python' PYTHONDONTWRITEBYTECODE=1

            """
        try space.succeed("cp -R '\(folder)/for/\(page)/.' .")
    }

    /// Runs an example and expects every program in it to succeed, and nothing binary that a terminal would get.
    func check(_ example: Example) throws {
        let entry = Treatment.all.first { $0.page == example.page && example.text.hasPrefix($0.start) }
        switch entry?.treatment {
        case nil: if !example.isPrinted { try run(example, example.text) }
        case .notRun: break
        case .json: #expect(throws: Never.self) { try JSONValue(parsing: example.text, name: "\(example)") }
        case .file(let name): try space.write(Array((example.text + "\n").utf8), to: name)
        case .output(let command):
            let outcome = try space.run(setup + command)
            #expect(words(outcome.text) == words(example.text), "\(example): \(outcome.errors)")
        case .bash(let modules): if hasModules(modules, example) { try run(example, example.text) }
        case .shells(let shells):
            let lines = example.text.split(separator: "\n").map(String.init)
            #expect(lines.count == shells.count, "\(example)")
            for (line, shell) in zip(lines, shells) where isInstalled(shell, example) {
                try space.write(Array(line.utf8), to: ".line")
                let completing = "zsh -fc 'autoload -U compinit && compinit -D -u && . ./.line'"
                try run(example, shell == "zsh" ? completing : "\(shell) .line")
            }
        case .python(let modules, let before, let behind):
            guard hasModules(modules, example) else { break }
            try space.write(Array((before + "\n" + example.text + "\n").utf8), to: ".example.py")
            try run(example, "python3 -W ignore .example.py \(behind)")
        }
    }

    private func run(_ example: Example, _ script: String) throws {
        let start = Date()
        let outcome = try space.run(setup + script, limit: 60)
        let failures = space.exists(".failures") ? try space.text(".failures") : ""
        unlink(space.file(".failures"))
        let complaints = "\(outcome.errors.suffix(2000))\(failures)"
        #expect(outcome.status == 0 && failures.isEmpty, "\(example) ends with \(outcome.status): \(complaints)")
        #expect(!outcome.errors.contains(": error: "), "\(example): \(complaints)")
        // What the programs refuse to write to a terminal.
        #expect(!outcome.output.contains(0), "\(example): writes binary data to the terminal")
        if ProcessInfo.processInfo.environment["HL_PAGE"] != nil {
            print(String(format: "%5.2f s  %@", Date().timeIntervalSince(start), "\(example)"))
        }
    }

    private func words(_ text: String) -> [Substring] { text.split(whereSeparator: \.isWhitespace) }

    private func isInstalled(_ tool: String, _ example: Example) -> Bool {
        if Programs.isInstalled(tool) { return true }
        print("\(example) is not run: there is no \(tool)")
        return false
    }

    private func hasModules(_ modules: String, _ example: Example) -> Bool {
        if (try? space.run("python3 -c 'import \(modules)'").status) == 0 { return true }
        print("\(example) is not run: python3 has not all of \(modules)")
        return false
    }
}
