import HLFormats
import HLRecords

/// A cost for people.
package enum CostText {
    /// `took 12 min 5 s, 23 min 40 s of processors, 4.2 Wh (measured: package-0 by RAPL, the whole machine), 1.39 g CO2e`
    package static func line(_ cost: RunCost) -> String {
        var parts = [
            "took \(Progress.duration(cost.seconds))", "\(Progress.duration(cost.cpuSeconds)) of processors",
        ]
        if let energy = cost.energy {
            let skipped = energy.skipped > 0 ? ", without \(counted(energy.skipped, "reading", "readings"))" : ""
            parts.append("\(Self.energy(energy.joules)) (\(energy.method.rawValue): \(energy.subject)\(skipped))")
        }
        if let grams = cost.grams, let carbon = cost.carbon {
            parts.append("\(Self.mass(grams)) CO2e (\(carbon.country.map { "\($0), " } ?? "")\(carbon.source))")
        }
        return parts.joined(separator: ", ")
    }

    /// `812 J`, `4.2 Wh`, `1.7 kWh`
    package static func energy(_ joules: Double) -> String {
        if joules < 3600 { return "\(digits(joules)) J" }
        return joules < 3.6e6 ? "\(digits(joules / 3600)) Wh" : "\(digits(joules / 3.6e6)) kWh"
    }

    /// `0.07 g`, `1.4 kg`
    package static func mass(_ grams: Double) -> String {
        grams < 1000 ? "\(digits(grams)) g" : "\(digits(grams / 1000)) kg"
    }

    /// Three digits, without zeros at the end.
    package static func digits(_ value: Double) -> String {
        guard value.isFinite, value != 0 else { return value == 0 ? "0" : "-" }
        var scale = 1.0, magnitude = abs(value)
        while magnitude < 100 && scale < 1e9 {
            magnitude *= 10
            scale *= 10
        }
        let rounded = (value * scale).rounded() / scale
        return rounded.plainText
    }
}
