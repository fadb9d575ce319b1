import Glibc

/// Times in records: seconds since 1970, and text of ISO 8601.
package enum RunDate {
    package static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    /// `2026-11-27T07:38:31Z`
    package static func text(_ seconds: Double) -> String { text(seconds, isLocal: false) + "Z" }

    /// `2026-11-27T08:38:31`, where the machine is.
    package static func local(_ seconds: Double) -> String { text(seconds, isLocal: true) }

    private static func text(_ seconds: Double, isLocal: Bool) -> String {
        var time = time_t(min(max(seconds.rounded(.down), -6e10), 2.5e11)), parts = tm()
        _ = isLocal ? localtime_r(&time, &parts) : gmtime_r(&time, &parts)
        func padded(_ value: Int32, _ digits: Int = 2) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, digits - text.count)) + text
        }
        return "\(padded(parts.tm_year + 1900, 4))-\(padded(parts.tm_mon + 1))-\(padded(parts.tm_mday))T"
            + "\(padded(parts.tm_hour)):\(padded(parts.tm_min)):\(padded(parts.tm_sec))"
    }

    /// The seconds of a text as `text(_:)` writes it; nil for any other.
    package static func seconds(_ text: String) -> Double? {
        let bytes = Array(text.utf8)
        guard bytes.count == 20, bytes[4] == 45, bytes[7] == 45, bytes[10] == 84, bytes[13] == 58, bytes[16] == 58,
            bytes[19] == 90
        else { return nil }
        func number(_ range: Range<Int>) -> Int? {
            var value = 0
            for byte in bytes[range] {
                guard (48...57).contains(byte) else { return nil }
                value = value * 10 + Int(byte - 48)
            }
            return value
        }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
            let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19),
            (1...12).contains(month)
        else { return nil }
        // Days of the Gregorian calendar, from a year that begins in March.
        let shifted = month > 2 ? year : year - 1, era = (month + 9) % 12
        let days = 365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 + (153 * era + 2) / 5 + day - 1 - 719_468
        return Double(((days * 24 + hour) * 60 + minute) * 60 + second)
    }
}
