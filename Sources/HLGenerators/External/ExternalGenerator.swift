import Glibc
import HLCompute
import HLFormats
import HLTensor

/// A program of the user's that makes the images: it reads records with latents on standard input and writes them with
/// `x.0` on standard output (`hl-exec(7)`).
///
/// The program is started with the first images, and ends with this object or the process. A sample's pixels are what
/// the program makes of it; that they depend on nothing but the latent, and for random noise on id and view, is up to
/// the program.
package final class ExternalGenerator: Generator {
    /// The variable that lets streams name commands to run, where it is `1`.
    package static let permission = "HL_EXEC"

    package let specification: GeneratorSpecification
    package let backend: any Backend
    private let isTrusted: Bool
    private var session: ExternalSession?
    /// After it every call fails.
    private var failure: Failure?

    /// - Parameters:
    ///   - specification: with `command`, for `/bin/sh -c`.
    ///   - trusted: whether the command comes from this process's own command line. One from a stream's header is only
    ///     run where the user has allowed that; who takes images that are in the stream already never needs it.
    ///   - backend: what the images are brought to.
    package init(_ specification: GeneratorSpecification, trusted: Bool, on backend: any Backend) {
        self.specification = specification
        self.backend = backend
        isTrusted = trusted
    }

    deinit { session?.end() }

    /// - Throws: `Failure`: incompatible where the command may not be run, data for an answer that does not fit,
    ///   software where the program dies. After a failure every call fails.
    package func render(_ views: [Latents], pixels: PixelType) throws -> Tensor {
        let images = HostTensor.concatenate(try views.map(images))
        return backend.tensor(pixels == .u8 ? Image.rounded(images) : images)
    }

    /// F32 [B, 3, S, S], 0…1.
    private func images(of latents: Latents) throws -> HostTensor {
        if let failure { throw failure }
        let side = specification.resolution
        if latents.values.rowCount == 0 { return HostTensor([Float](), shape: [0, 3, side, side]) }
        do {
            return try currentSession().render(latents)
        } catch let failure as Failure {
            self.failure = failure
            session = nil
            throw failure
        }
    }

    private func currentSession() throws -> ExternalSession {
        if let session { return session }
        guard let command = specification.command, !command.isEmpty else {
            throw Failure(
                .incompatible, "the stream's header does not say which program renders its latents",
                "attach the images where they come from, with --render")
        }
        guard isTrusted || getenv(Self.permission).map({ String(cString: $0) }) == "1" else {
            throw Failure(
                .incompatible, "the stream asks for the command '\(quoted(command))' to render its latents",
                "set \(Self.permission)=1 for streams of your own, or give --render to hl-sample for images of "
                    + "its latents alone")
        }
        let session = try ExternalSession(command: command, specification: specification)
        self.session = session
        return session
    }
}
