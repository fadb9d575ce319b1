import Testing

/// Everything that computes on a backend, one test at a time: each of them uses all cores.
@Suite(.serialized) enum ComputeTests {}
