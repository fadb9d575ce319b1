import HLCompute
import HLTensor
import Testing

extension ComputeTests {
    /// What `--backend` takes, and what comes of it where there is no card.
    struct BackendChoiceTests {
        @Test func namesAndDevices() {
            #expect(Backends.names.prefix(2) == ["auto", "cuda"])
            #expect(Backends.forms.prefix(2) == ["auto", "cuda[:N]"])
            for text in ["auto", "cuda", "cuda:0", "cuda:12", "onednn", "plain"] {
                #expect(BackendChoice(text)?.description == text)
            }
            #expect(BackendChoice("cuda:1")?.device == 1)
            #expect(BackendChoice("cuda")?.device == nil)
            #expect(BackendChoice("cuda:01")?.device == 1)
            for text in [
                "", "cpu", "cuda:", "cuda:x", "cuda:-1", "cuda:+1", "cuda:1:2", "cuda:99999999999999999999", "plain:0",
                "auto:0", ":0",
            ] {
                #expect(BackendChoice(text) == nil, "\(text)")
            }
        }

        @Test(.enabled(if: !CUDALibraries.hasCard, "there is a card here"))
        func withoutACardTheProcessorIsTaken() throws {
            let automatic = try BackendChoice.automatic.make(threads: 1)
            #expect(automatic is CPUBackend)
            let first = try #require(Backends.all.first { $0.isBuilt && $0.isHere })
            #expect(try BackendChoice(first.name)?.make(threads: 1).summary == automatic.summary)
        }

        @Test(.enabled(if: !CUDALibraries.hasCard, "there is a card here"))
        func whoInsistsOnACardIsTold() {
            for text in ["cuda", "cuda:1"] {
                do throws(Failure) {
                    _ = try BackendChoice(text)?.make(threads: 1)
                    Issue.record("\(text) was made")
                } catch {
                    #expect(error.kind == .software)
                    #expect(error.what.contains("driver"))
                    #expect(error.remedy.contains("--backend"))
                }
            }
        }

        @Test(.enabled(if: CUDALibraries.hasCard, "there is no card here"))
        func cardsAreCounted() {
            let error = #expect(throws: Failure.self) { try BackendChoice("cuda:4096")?.make(threads: 1) }
            #expect(error?.kind == .usage)
            #expect(error?.what == "there is no card 4096")
        }
    }
}
