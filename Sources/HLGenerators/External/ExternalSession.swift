import Glibc
import HLFormats
import HLTensor
import Synchronization

/// One run of a user's program, from its first request to its end.
///
/// What it is sent is one stream: a header, a record for every request, and at last an end record.
final class ExternalSession: Sendable {
    /// Seconds that a program has to end by itself. Whoever sends us a signal wants us to leave soon.
    private static var grace: Double { Interrupted.isRequested ? 1 : ChildProcess.grace }

    /// One thread renders, and maybe another one ends the process.
    private let conversation: Mutex<ExternalConversation>
    private let isRendering = Atomic(false)

    init(command: String, specification: GeneratorSpecification) throws {
        // Made here and given to nobody else.
        nonisolated(unsafe) let start = try ExternalConversation(command: command, specification: specification)
        conversation = Mutex(start)
        Self.open.withLock { $0.append(self) }
        _ = Self.atExit
    }

    /// Images F32 [B, 3, S, S], 0…1. After a failure the program has ended.
    /// - Throws: `Failure`, or `Interrupted` where a signal that was deferred comes while it waits.
    func render(_ latents: Latents) throws -> HostTensor {
        isRendering.store(true, ordering: .relaxed)
        defer { isRendering.store(false, ordering: .relaxed) }
        do {
            return try conversation.withLock { try $0.render(latents) }
        } catch let interruption as Interrupted {
            // Who has something to save does that first.
            throw interruption
        } catch {
            close(grace: 0.5)
            throw error
        }
    }

    func end() { close(grace: Self.grace) }

    private func close(grace: Double) {
        conversation.withLock { $0.end(grace: grace) }
        Self.open.withLock { sessions in sessions.removeAll { $0 === self } }
    }

    // MARK: At the end of the process

    private static let open = Mutex<[ExternalSession]>([])

    /// Ends what is open when the process exits: generators of threads that nobody waits for, and of global variables.
    /// A program that is just rendering then finds its pipes closed.
    private static let atExit = atexit {
        for session in open.withLock({ $0 }) where !session.isRendering.load(ordering: .relaxed) { session.end() }
    }
}

/// What is said to the program and what it answers.
private final class ExternalConversation {
    private let process: ChildProcess
    private let writer: StreamWriter
    private let specification: GeneratorSpecification
    /// For messages.
    private let name: String
    private var reader: StreamReader?
    /// Of all latents: their space and the shape of one.
    private var layout: (space: LatentSpace, row: [Int])?
    /// Seconds without an answer after which the user hears of it, that it is nobody's fault that nothing moves.
    private var patience = 5.0

    init(command: String, specification: GeneratorSpecification) throws {
        self.specification = specification
        name = "'\(quoted(command))'"
        process = try ChildProcess(command: command)
        writer = try StreamWriter(process, level: StreamWriter.pipeLevel, seekable: false)
    }

    func end(grace: Double) {
        try? writer.finish()
        process.end(grace: grace)
    }

    func render(_ latents: Latents) throws -> HostTensor {
        try send(latents)
        let ids = latents.ids.integers
        var parts: [HostTensor] = [], answered = 0
        while answered < ids.count {
            process.whileWaiting = { [unowned self] in mention($0, of: ids.count - answered) }
            let batch = try next()
            guard batch.count <= ids.count - answered else {
                throw refusal("answered more samples than it was sent")
            }
            guard let given = batch.ids?.integers else { throw refusal("answered without id (I64 [B])") }
            let expected = ids[answered..<answered + given.count]
            if let (given, expected) = zip(given, expected).first(where: { $0 != $1 }) {
                throw refusal("answered sample \(given) where sample \(expected) was asked for")
            }
            parts.append(try images(of: batch))
            answered += batch.count
        }
        return HostTensor.concatenate(parts)
    }

    /// Says that it takes long: once for a start that loads weights, then ever more rarely.
    private func mention(_ seconds: Double, of samples: Int) {
        guard seconds >= patience else { return }
        Notice.give(
            "waiting for the generator's command \(name), which has said nothing for \(Int(seconds)) s, with "
                + "\(samples) \(samples == 1 ? "sample" : "samples") to answer: it may be waiting for more input itself "
                + "(hl-exec(7))")
        patience = max(60, 2 * patience)
    }

    // MARK: Asking

    private func send(_ latents: Latents) throws {
        let row = Array(latents.values.shape.dropFirst())
        if let layout {
            guard layout == (latents.space, row) else {
                throw Failure(
                    .incompatible,
                    "some views of the stream are latents \(layout.space.rawValue) of \(layout.row), others "
                        + "\(latents.space.rawValue) of \(row)", "give all views of a stream in one space")
            }
        } else {
            try writer.writeHeader(header(latents.space))
            layout = (latents.space, row)
        }
        try writer.write(
            try Batch(
                ["id": latents.ids, "\(latents.space.rawValue).0": latents.values],
                metadata: ["hl.view": String(latents.view)]))
    }

    /// All that the program may want to know. The command is left out: a program of ours that reads it must not start
    /// itself over again.
    private func header(_ space: LatentSpace) -> StreamHeader {
        var object = specification.json.object ?? JSONObject()
        object["command"] = nil
        object["latent"] = .string(space.rawValue)
        return StreamHeader(generator: .object(object))
    }

    // MARK: Answers

    private func next() throws -> Batch {
        do {
            let reader = try self.reader ?? StreamReader(process, name: "the output of \(name)")
            self.reader = reader
            if let batch = try reader.next() { return batch }
        } catch let failure as Failure {
            if !process.isSilent { throw Failure(failure.kind, failure.what, Self.remedy) }
        }
        // Its end says more than how its output stops.
        let end = process.end(grace: 5), count = reader?.samplesRead ?? 0
        throw Failure(
            end == .status(0) || end == .stopped ? .data : .software,
            "the generator's command \(name) \(end) after \(count) samples, with others to answer",
            "see what it printed, and try it by hand as hl-exec(7) tells")
    }

    private static let remedy = "see hl-exec(7) for what it has to write"

    private func refusal(_ what: String) -> Failure {
        Failure(.data, "the generator's command \(name) \(what)", Self.remedy)
    }

    /// `x.0` of a record as F32 0…1.
    private func images(of batch: Batch) throws -> HostTensor {
        guard let images = batch.tensors["x.0"] else { throw refusal("answered without images x.0") }
        let side = specification.resolution
        guard images.type == .u8 || images.type == .f32, images.shape.dropFirst() == [3, side, side] else {
            throw refusal(
                "made x.0 as \(images.type.rawValue) \(images.shape), not as U8 or F32 [B, 3, \(side), \(side)]")
        }
        if images.type == .u8 { return Self.scaled(images) }
        let stray = images.withUnsafeElements(as: Float.self) { $0.first { !($0 >= 0 && $0 <= 1) } }
        if let stray { throw refusal("made a pixel of \(stray) in x.0, where F32 goes from 0 to 1") }
        return images
    }

    /// U8 0…255 as F32 0…1.
    private static func scaled(_ images: HostTensor) -> HostTensor {
        HostTensor(.f32, shape: images.shape) { bytes in
            let target = bytes.bindMemory(to: Float.self)
            images.withUnsafeElements(as: UInt8.self) { pixels in
                for (index, pixel) in pixels.enumerated() { target[index] = Float(pixel) / 255 }
            }
        }
    }
}

/// A command for a message: at most 100 characters, and nothing that a terminal would act upon.
func quoted(_ command: String) -> String {
    var text = String.UnicodeScalarView()
    for scalar in command.unicodeScalars.prefix(100) {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: text.append(" ")
        default: text.append(scalar)
        }
    }
    return String(text) + (command.unicodeScalars.count > 100 ? "…" : "")
}
