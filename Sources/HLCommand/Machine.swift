import CKernels

/// What the machine offers this process.
public enum Machine {
    /// Processors that this process may run on, at least 1.
    public static var coreCount: Int { Int(hl_processor_count()) }
}
