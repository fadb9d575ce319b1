import Dispatch

/// Calls `body` with ranges that together cover `0 ..< count` once each, as equal as can be, at most `parts` of them,
/// on as many threads as the system gives, and returns when all are done. Not at all where `count` is 0.
///
/// What is written must be different memory for different ranges. Rows that are each computed by themselves do not show
/// the split.
package func inParallel(_ count: Int, parts: Int, _ body: (Range<Int>) -> Void) {
    let parts = max(1, min(parts, count))
    if parts == 1 {
        if count > 0 { body(0..<count) }
        return
    }
    // The call outlives all parts, so that nothing escapes.
    withoutActuallyEscaping(body) { body in
        nonisolated(unsafe) let body = body
        DispatchQueue.concurrentPerform(iterations: parts) { part in
            body(count * part / parts..<count * (part + 1) / parts)
        }
    }
}
