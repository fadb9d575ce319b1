import HLTensor

/// A dictionary of NumPy arrays as `pickle.dump` writes it, which is what detectron2's model zoo consists of
/// (detectron2/checkpoint/detection_checkpoint.py).
package enum ArrayPickle {
    /// Writes {'model': {name: array}, …}, all or nothing.
    /// - Parameters:
    ///   - arrays: F32 or I64.
    ///   - flags: further keys.
    ///   - texts: further keys.
    /// - Throws: `Failure` (cannotCreate, inputOutput).
    package static func write(
        model arrays: NamedTensors, flags: [String: Bool], texts: [String: String], to path: String
    ) throws {
        var entries = [("model", PickleTerm.dictionary(arrays.map { ($0.name, array($0.tensor)) }))]
        entries += texts.sorted { $0.key < $1.key }.map { ($0.key, .text($0.value)) }
        entries += flags.sorted { $0.key < $1.key }.map { ($0.key, .boolean($0.value)) }
        let file = try OutputFile(path: path)
        try PickleTerm.dictionary(entries).pickle(version: 4).forEachPiece { try file.write($0) }
        try file.commit()
    }

    /// What `ndarray.__reduce__` says: an empty array, then (version, shape, dtype, is Fortran order, bytes).
    private static func array(_ tensor: HostTensor) -> PickleTerm {
        precondition([.f32, .i64].contains(tensor.type))
        let numpy = { PickleTerm.global(module: "numpy", name: $0) }
        let empty = PickleTerm.call(
            .global(module: "numpy.core.multiarray", name: "_reconstruct"),
            [
                numpy("ndarray"), .tuple([.integer(0)]),
                .elements(HostTensor(.u8, shape: [1]) { $0[0] = UInt8(ascii: "b") }),
            ])
        let type = PickleTerm.built(
            .call(numpy("dtype"), [.text(tensor.type == .f32 ? "f4" : "i8"), .boolean(false), .boolean(true)]),
            // Version, byte order, no subtype, names, fields, size, alignment, flags.
            state: .tuple([
                .integer(3), .text("<"), .none, .none, .none, .integer(-1), .integer(-1), .integer(0),
            ]))
        return .built(
            empty,
            state: .tuple([
                .integer(1), .tuple(tensor.shape.map { .integer($0) }), type, .boolean(false), .elements(tensor),
            ]))
    }
}
