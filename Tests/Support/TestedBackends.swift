import HLCompute

/// The backends of this build, the reference first.
package var testedBackends: [BackendChoice] {
    Backends.all.reversed().filter(\.isBuilt).compactMap { BackendChoice($0.name) }
}
