import Glibc
import HLCommand
import HLFormats
import HLTensor

/// The file that a stopped run goes on from. It appears under its name only when it is complete.
struct TrainingCheckpoint {
    let path: String

    struct Content {
        let settings: JSONValue
        /// Steps done.
        let step: Int
        /// `TrainingStream.hash` after these steps.
        let streamHash: UInt64
        /// Side of the images in pixels.
        let side: Int
        let tensors: NamedTensors
    }

    func save(_ content: Content) throws {
        let metadata = [
            "hl.kind": "training", "hl.version": "1", "hl.training": content.settings.text,
            "hl.step": String(content.step), "hl.stream": String(content.streamHash), "hl.side": String(content.side),
        ]
        try Safetensors.write(TensorFile(tensors: content.tensors, metadata: metadata), to: path)
    }

    /// - Returns: nil where there is no such file.
    private func load() throws -> Content? {
        guard access(path, F_OK) == 0 else { return nil }
        let file = try Safetensors.read(path: path)
        guard file.metadata["hl.kind"] == "training", let settings = file.metadata["hl.training"],
            let step = file.metadata["hl.step"].flatMap({ Int($0) }), step >= 0,
            let hash = file.metadata["hl.stream"].flatMap({ UInt64($0) }),
            let side = file.metadata["hl.side"].flatMap({ Int($0) })
        else {
            throw Failure(.data, "\(path) is no checkpoint of a stopped run", "delete it and start anew")
        }
        return Content(
            settings: try JSONValue(parsing: settings, name: path), step: step, streamHash: hash, side: side,
            tensors: file.tensors)
    }

    /// What a run with these settings goes on from; nil, with a message, where there is nothing.
    /// - Throws: `Failure(.incompatible)` where other settings have left it.
    func load(for settings: JSONValue) throws -> Content? {
        guard let saved = try load() else {
            Console.inform("there is no \(path) to resume from: starting anew")
            return nil
        }
        guard saved.settings == settings else {
            throw Failure(
                .incompatible, "\(path) was made with other settings (\(saved.settings.text))",
                "give the same options, or start anew without --resume")
        }
        return saved
    }

    /// The stream's hash after the steps that are to be skipped is not the one that was saved.
    var differentStream: Failure {
        Failure(
            .incompatible, "this is not the stream that \(path) was made from",
            "give the same pipeline, or start anew without --resume")
    }

    func remove() { unlink(path) }
}
