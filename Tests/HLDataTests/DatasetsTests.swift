import Foundation
import HLData
import HLFormats
import HLTensor
import Testing

/// The catalogue of data sets.
@Suite struct DatasetsTests {
    @Test func kindsHaveNamesOfTheirOwn() {
        let names = Datasets.all.map(\.name)
        #expect(Set(names).count == names.count)
        #expect(names.allSatisfy { !$0.isEmpty && !$0.contains(":") })
        for kind in Datasets.all {
            #expect(
                Datasets.names.contains(kind.name) && !kind.abstract.isEmpty && kind.form.hasPrefix("\(kind.name):"))
            #expect(Set(kind.settings.map(\.name)).count == kind.settings.count)
            if let standard = kind.defaultSplit { #expect(kind.splits?.contains(standard) == true) }
        }
    }

    @Test(arguments: ["", "imagefolder", "imagefolder:", "cifar:data", ":data", "dtd:,partition=1"])
    func refused(_ text: String) {
        let failure = #expect(throws: Failure.self) { _ = try Datasets.open(text) }
        #expect(failure?.kind == .usage)
    }

    @Test func missingFolders() {
        let failure = #expect(throws: Failure.self) { _ = try Datasets.open("imagefolder:no/such:folder") }
        #expect(failure?.kind == .noInput && failure?.what.contains("no/such:folder") == true)
    }

    /// Settings are read from the right, known ones only; what exists as it is written is a path.
    @Test func settingsStandBehindThePath() throws {
        let scratch = Scratch()
        for name in ["a,b=1", "c", "c,labels=none", "d,labels=none"] { try scratch.write(3, to: "\(name)/x/1.png") }
        try scratch.write(3, to: "c/x/2.png")
        func open(_ text: String) throws -> any ImageDataset {
            try Datasets.open("imagefolder:\(scratch.path)/\(text)")
        }
        #expect(try open("a,b=1").count == 1)
        #expect(try open("a,b=1,labels=none").classNames == ["image"])
        // Both could be meant; the path is.
        #expect(try open("c,labels=none").classNames == ["x"] && open("c,labels=none").count == 1)
        #expect(try open("c,labels=none,labels=none").classNames == ["image"])
        #expect(try open("d,labels=none").classNames == ["x"])
        for (text, saying) in [
            ("c,colour=red", "imagefolder has no setting 'colour=red'"), ("c,none", "has no setting 'none'"),
            ("c/x,labels=none,labels=none", "labels is given twice"), ("c/x,labels=all", "cannot have labels=all"),
        ] {
            let refused = failure { _ = try open(text) }
            #expect(refused?.kind == .usage && refused?.what.contains(saying) == true, "\(String(describing: refused))")
        }
        let known = failure { _ = try open("c,colour=red") }
        #expect(known?.remedy == "it has labels=folders|none, holdout=0.01-0.99, split-seed=0-2^64-1")
        // Nothing of it exists: the whole is the path that is missed.
        let missing = failure { _ = try open("nowhere,colour=red") }
        #expect(missing?.kind == .noInput && missing?.what.contains("nowhere,colour=red") == true)
        for (name, value) in [("dtd", "partition=0"), ("dtd", "partition=11"), ("caltech101", "split-seed=-1")] {
            #expect(failure { _ = try Datasets.open("\(name):\(scratch.path),\(value)") }?.kind == .usage)
        }
        let split = failure { _ = try Datasets.open("dtd:\(scratch.path)", DatasetOptions(split: "training")) }
        #expect(split?.kind == .usage && split?.remedy == "use one of train, val, test")
    }

    /// hl-data(7) explains every set with its splits, the standard one first, its settings and their values.
    @Test func thePageHasTheCatalogue() throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("man/hl-data.7")
        let page = try String(contentsOf: file, encoding: .utf8)
        // Sets stand in a list, their settings in lists of their own.
        let list = try #require(page.components(separatedBy: "\n.Sh DATA SETS\n").last)
        let parts = "\n\(list)".components(separatedBy: "\n.It Cm ").dropFirst()
        var entries: [(name: String, text: String)] = []
        for part in parts {
            let name = String(part.prefix { $0 != "\n" })
            if name.contains("Ns ="), !entries.isEmpty {
                entries[entries.count - 1].text += "\n" + part
            } else {
                entries.append((name, part))
            }
        }
        #expect(entries.map(\.name).sorted() == Datasets.all.map(\.name).sorted())
        for kind in Datasets.all {
            let text = try #require(entries.first { $0.name == kind.name }).text
            let words = text.split(whereSeparator: \.isWhitespace).map(String.init)
            let splits = kind.splits ?? []
            for split in splits { #expect(words.contains(split), "\(kind.name): \(split)") }
            if let standard = kind.defaultSplit, let start = words.firstIndex(where: { $0.hasPrefix("Splits") }) {
                #expect(words[start...].first(where: splits.contains) == standard, "\(kind.name)")
            }
            for setting in kind.settings {
                #expect(text.contains("\(setting.name) Ns ="), "\(kind.name): \(setting.name)")
                guard case .choice(let choices) = setting.values, choices.count < 10 else { continue }
                for choice in choices { #expect(words.contains(choice), "\(kind.name): \(choice)") }
            }
        }
    }
}
