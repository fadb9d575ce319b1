import TestSupport
import Testing

/// Shells are given the scripts of `--generate-completion-script` and driven by keys, as at a terminal. Programs of the
/// same names, which print their arguments, show what the line has become.
@Suite(.serialized) struct CompletionTests {
    /// What is typed before the tab, and what a program is called with then.
    private static let lines: [(String, String)] = [
        // Files, wherever one is named.
        ("hl-view al", "<alpha.hls>"), ("hl-view -o be", "<-o><beta.safetensors>"),
        ("hl-encode --encoder be", "<--encoder><beta.safetensors>"), ("hl-train --log al", "<--log><alpha.hls>"),
        ("hl-sample --weights be", "<--weights><beta.safetensors>"), ("hl-probe --test al", "<--test><alpha.hls>"),
        ("hl-perturb --walker be", "<--walker><beta.safetensors>"), ("hl-delta --figure al", "<--figure><alpha.hls>"),
        ("hl-filter --discriminator be", "<--discriminator><beta.safetensors>"), ("hl-train al", "<alpha.hls>"),
        ("hl-train discriminator --real al", "<discriminator><--real><alpha.hls>"),
        ("hl-train walker al", "<walker><alpha.hls>"),
        // Subcommands and their options.
        ("hl-train wal", "<walker>"), ("hl-train disc", "<discriminator>"),
        ("hl-train gen", "<generator>"), ("hl-train generator --init be", "<generator><--init><beta.safetensors>"),
        ("hl-train walker --stop-l", "<walker><--stop-loss>"), ("hl-train --meth", "<--method>"),
        ("hl-view --inf", "<--info>"), ("hl-view --no-c", "<--no-captions>"),
        // Values.
        ("hl-train --method sims", "<--method><simsiam>"), ("hl-encode --arch resnet1", "<--arch><resnet18>"),
        ("hl-encode --arch=resnet5", "<--arch=resnet50>"),
        ("hl-train walker --arch resnet3", "<walker><--arch><resnet34>"),
        ("hl-probe --features sta", "<--features><standard>"),
        ("hl-sample --generator bigb", "<--generator><bigbigan>"),
        ("hl-sample --data imagef", "<--data><imagefolder:"),
        // Nothing to offer: the line stays.
        ("hl-view --rows al", "<--rows><al>"), ("hl-train --resnet", "<--resnet>"),
    ]

    /// Every option that takes a path offers paths.
    @Test func pathsAreOfferedForPaths() throws {
        let space = try Workspace()
        for program in Programs.names + ["hl-train walker", "hl-train discriminator", "hl-train generator"] {
            let help = try space.succeed("\(program) --help").text
            let script = try space.succeed("\(program) --generate-completion-script bash").text
            let word = program == "hl-train" ? "encoder" : program.split(separator: " ").dropFirst().first ?? "main"
            var count = 0
            for entry in help.split(separator: "\n  -").dropFirst() {
                let text = entry.split(whereSeparator: \.isWhitespace).joined(separator: " ")
                guard text.contains("(path"), let name = text.firstMatch(of: /--?([a-z-]+) </)?.1 else { continue }
                count += 1
                #expect(script.contains("\(word):--\(name))\n            compopt -o "), "\(program) --\(name)")
            }
            #expect(count > 0, "\(program)")
        }
    }

    private static func missing(_ shell: String) -> Comment { "\(shell) is not installed" }

    @Test(.enabled(if: Programs.isInstalled("bash"), missing("bash"))) func bash() throws {
        try drive(
            "bash --noprofile --norc -i", "bash", file: { $0 }, setup: "PS1='REA''DY '; for f in bash/*; do . $f; done")
    }

    @Test(.enabled(if: Programs.isInstalled("zsh"), missing("zsh"))) func zsh() throws {
        try drive(
            "zsh -f -i", "zsh", file: { "_\($0)" },
            setup: "PS1='REA''DY '; fpath=($PWD/zsh $fpath); autoload -Uz compinit; compinit -u -D")
    }

    @Test(.enabled(if: Programs.isInstalled("fish"), missing("fish"))) func fish() throws {
        try drive(
            "fish --no-config -i", "fish", file: { "\($0).fish" },
            setup: "function fish_prompt; echo -n 'REA''DY '; end; for f in fish/*; source $f; end")
    }

    /// - Parameters:
    ///   - file: the name of a program's script where the shell looks for it.
    ///   - setup: the first line that is typed, after which every prompt is `READY `; it does not have that word itself.
    private func drive(_ command: String, _ shell: String, file: (String) -> String, setup: String) throws {
        let space = try Workspace()
        try space.succeed(
            "mkdir bin folder \(shell); touch alpha.hls beta.safetensors\n"
                + Programs.names.map {
                    "\($0) --generate-completion-script \(shell) > \(shell)/\(file($0))\n"
                        + "printf '#!/bin/sh\\nprintf \"<%%s>\" \"$@\"; echo .\\n' > bin/\($0)"
                }.joined(separator: "\n") + "\nchmod +x bin/*")
        let terminal = try #require(Terminal())
        terminal.resize(columns: 200)
        let child = try space.start(
            """
            export HOME=$PWD PATH=$PWD/bin:$PATH TERM=xterm; unset LS_COLORS
            exec setsid --ctty --wait \(command) < \(terminal.path) > \(terminal.path) 2>&1
            """)
        var screen = ""
        func wait(for text: String, limit: Int = 30) throws {
            try child.until(limit: limit) {
                screen += terminal.read(waiting: 20)
                return screen.contains(text) ? true : child.poll().map { _ in false }
            }
        }
        /// Until nothing more comes: a completion that has nothing to say is over too.
        func settle() {
            var silence = 0
            while silence < 3 {
                let more = terminal.read(waiting: 60)
                silence = more.isEmpty ? silence + 1 : 0
                screen += more
            }
        }
        settle()
        terminal.type(setup + "\n")
        try wait(for: "READY ")
        settle()
        for (typed, expected) in Self.lines {
            screen = ""
            terminal.type(typed + "\t")
            settle()
            terminal.type("\n")
            try wait(for: ">.")
            #expect(screen.contains(expected), "\(shell): \(typed): \(screen)")
            settle()
        }
        terminal.type("exit\n")
        _ = try child.wait(limit: 30)
    }
}
