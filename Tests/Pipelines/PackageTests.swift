import Foundation
import TestSupport
import Testing

/// The Debian package of `.ci/deb/build`. `.ci/deb/check` installs it in a Debian of its own, which tests cannot.
struct PackageTests {
    private static let folder = URL(fileURLWithPath: Programs.tests).deletingLastPathComponent().path
    /// Of the build that `HL_BIN` names: the objects that the package links.
    private static let hasObjects = FileManager.default.fileExists(
        atPath: "\(Programs.directory)/hl-sample.product/Objects.LinkFileList")
    private static let canPack = ["dpkg-deb", "dpkg-shlibdeps", "make", "swiftc"].allSatisfy(Programs.isInstalled)

    /// The same bytes again, the programs as one file that does what they do, and a page and completions for each.
    @Test(.enabled(if: canPack && hasObjects, "dpkg-dev is not installed, or the programs were built elsewhere"))
    func package() throws {
        let space = try Workspace()
        let build = "env -u MAKEFLAGS DEB_COMPRESSION=none \(Self.folder)/.ci/deb/build \(Programs.directory)"
        let outcome = try space.run("\(build) one && mv one/*.deb a.deb && \(build) two && cmp a.deb two/*.deb")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.text.split(separator: "\n").count == 2)
        try space.succeed("dpkg-deb -x a.deb root && dpkg-deb -f a.deb > control")
        let control = try String(contentsOfFile: space.file("control"), encoding: .utf8)
        let version = try space.succeed("hl-sample --version").text.split(separator: " ")[1]
        #expect(control.contains("\nVersion: \(version)-1\n"), "\(control)")
        let depends = try #require(control.firstMatch(of: /\nDepends: (.*)\n/)).1
        for library in ["libc6", "libopenblas0", "libzstd1", "libpng16"] { #expect(depends.contains(library)) }
        #expect(depends.contains("libdnnl") == !(try space.succeed("hl-sample --version").text.contains("oneDNN: no")))

        let share = "root/usr/share"
        for program in Programs.names {
            try space.succeed(
                """
                [[ $(readlink root/usr/bin/\(program)) = ../lib/hl-views/hl-views ]]
                for option in --help --version "--generate-completion-script fish"; do
                    cmp <(root/usr/bin/\(program) $option) <(\(program) $option)
                done
                [[ -s \(share)/man/man1/\(program).1.gz && -s \(share)/bash-completion/completions/\(program) ]]
                [[ -s \(share)/zsh/vendor-completions/_\(program) ]]
                [[ -s \(share)/fish/vendor_completions.d/\(program).fish ]]
                """)
        }
        #expect(try space.succeed("ldd root/usr/lib/hl-views/hl-views").text.contains("libswift") == false)
        try space.succeed(
            """
            train='hl-train -q --width 4 --batch 8 -n 16 --threads 1 -o e.safetensors'
            hl-sample --size 32 | hl-perturb --chunks 1-5 | $train
            mv e.safetensors built.safetensors
            PATH=$PWD/root/usr/bin:$PATH
            hl-sample --size 32 | hl-perturb --chunks 1-5 | $train
            cmp built.safetensors e.safetensors
            """)
        try space.fail(64, "root/usr/bin/hl-sample --nonsense")
        let stray = try space.run("root/usr/lib/hl-views/hl-views")
        #expect(stray.status == 64 && stray.errorLines.count == 1 && stray.errors.contains("hl-train"))
    }
}
