import HLCompute

/// The backends of this build.
package var testedBackends: [BackendChoice] {
    #if HL_ONEDNN
        [.plain, .oneDNN]
    #else
        [.plain]
    #endif
}
