import CSystem

/// What the machine offers this process.
package enum Machine {
    /// Processors that this process may run on, at least 1.
    package static var coreCount: Int { Int(hl_processor_count()) }
}
