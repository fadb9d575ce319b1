import HLTensor

/// Which records may follow each other: header, batches, end, and again from the header on. It holds every reader to
/// the same rules.
struct StreamGrammar {
    let name: String
    private(set) var header: StreamHeader?
    private(set) var layout: TensorLayout?
    private(set) var samples = 0
    /// Since the last header.
    private var segmentBatches = 0
    private var segmentSamples = 0
    private var isInside = false

    init(name: String) { self.name = name }

    mutating func accept(_ next: StreamHeader) throws {
        if isInside { throw unfinished("has a header where its end record should be") }
        if let header {
            for (what, old, new) in [
                ("generators", header.generator, next.generator), ("data sets", header.data, next.data),
            ] where old != new {
                throw Failure(
                    .incompatible, "\(name) joins streams of different \(what)",
                    "join streams that come from one source only")
            }
        } else {
            header = next
        }
        segmentBatches = 0
        segmentSamples = 0
        isInside = true
    }

    mutating func accept(_ next: TensorLayout, count: Int) throws {
        guard isInside else { throw noHeader() }
        if let layout, layout != next {
            throw Failure(
                .incompatible,
                "\(name) changes its tensors after \(samples) samples (\(next.difference(from: layout)))",
                "join streams with the same tensors only")
        }
        layout = next
        segmentBatches += 1
        segmentSamples += count
        samples += count
    }

    mutating func acceptEnd(batches: Int, samples: Int) throws {
        guard isInside else { throw noHeader() }
        guard batches == segmentBatches && samples == segmentSamples else {
            throw Failure(
                .data,
                "\(name) has \(segmentSamples) samples in \(segmentBatches) batches where its end record says "
                    + "\(samples) in \(batches)", "records were lost: make it again")
        }
        isInside = false
    }

    /// The input is over.
    func finish() throws {
        if header == nil { throw Failure(.data, "\(name) is not a stream (no header)", Self.notAStream) }
        if isInside { throw unfinished("ends without an end record") }
    }

    private func unfinished(_ what: String) -> Failure {
        Failure(
            .data, "\(name) \(what) after \(samples) samples",
            "the program that wrote it failed or was stopped: run it again")
    }

    private func noHeader() -> Failure {
        Failure(
            .data, "\(name) has a record without a header before it\(header == nil ? "" : " after an end record")",
            "it is only a part of a stream: make it again")
    }

    static let notAStream = "give it the output of hl-sample or another program of this family"

    /// `error` in the words of a stream's reader.
    func explain(_ error: any Error) -> any Error {
        guard let problem = error as? ZstdProblem else { return error }
        switch problem {
        case .foreign(let bytes):
            return Self.foreign(FileForm(bytes), name)
        case .truncated: return unfinished("ends in the middle of a record")
        case .damaged(let reason):
            return Failure(.data, "\(name) is damaged after \(samples) samples (\(reason))", "copy or make it again")
        case .refused(let what, let remedy): return Failure(.data, "\(name) has \(what)", remedy)
        case .windowBeyondMemory(let size):
            return Failure(
                .resources,
                "\(name) has a record with a window of \(size) bytes, for which there is not enough memory",
                "write it with a window log of 27 or less, or raise the limit")
        case .tooLarge:
            return Failure(.data, "\(name) has a record of more than 2 GiB", "write it again with smaller batches")
        }
    }

    private static func foreign(_ form: FileForm, _ name: String) -> Failure {
        let remedy =
            switch form.kind {
            case .safetensors, .npy, .zip: "latents become a stream by hl-sample --from"
            default: notAStream
            }
        return form.refusal(of: name, wanted: "a stream", remedy: remedy)
    }
}
