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
        for kind in Datasets.all { #expect(Datasets.forms.contains(kind.form) && !kind.abstract.isEmpty) }
    }

    @Test(arguments: ["", "imagefolder", "imagefolder:", "cifar:data", ":data"])
    func refused(_ text: String) {
        let failure = #expect(throws: Failure.self) { _ = try Datasets.open(text) }
        #expect(failure?.kind == .usage)
    }

    @Test func missingFolders() {
        let failure = #expect(throws: Failure.self) { _ = try Datasets.open("imagefolder:no/such:folder") }
        #expect(failure?.kind == .noInput && failure?.what.contains("no/such:folder") == true)
    }
}
