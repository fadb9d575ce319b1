import HLFormats

/// What a run has cost.
package struct RunCost: Sendable, Equatable {
    /// On the clock, since the program started.
    package var seconds = 0.0
    /// Of processors: the program's and those of the programs that it started and that have ended.
    package var cpuSeconds = 0.0
    package var energy: Energy?
    /// Why there is no energy; nil where there is.
    package var withoutEnergy: String?
    package var carbon: CarbonIntensity?

    package struct Energy: Sendable, Equatable {
        package enum Method: String, Sendable {
            /// Of the whole machine, by its counters.
            case measured
            /// A stated power times the run's share of the processors.
            case estimated
        }
        package var joules: Double
        package let method: Method
        /// What the joules are of: `package-0 by RAPL, the whole machine`.
        package let subject: String
        /// Readings of counters that nothing could be made of.
        package var skipped = 0

        package init(joules: Double, method: Method, subject: String, skipped: Int = 0) {
            self.joules = joules
            self.method = method
            self.subject = subject
            self.skipped = skipped
        }

        package var kilowattHours: Double { joules / 3.6e6 }
    }

    package init() {}

    /// Grams of CO₂ equivalent; nil without energy or intensity.
    package var grams: Double? {
        guard let energy, let carbon else { return nil }
        return energy.kilowattHours * carbon.gramsPerKilowattHour
    }

    /// Of two parts of a run, one after the other. Energy is known where both parts know it.
    package static func + (a: RunCost, b: RunCost) -> RunCost {
        var sum = b
        sum.seconds += a.seconds
        sum.cpuSeconds += a.cpuSeconds
        if let first = a.energy, let second = b.energy {
            let method: Energy.Method =
                first.method == .measured && second.method == .measured ? .measured : .estimated
            sum.energy = Energy(
                joules: first.joules + second.joules, method: method, subject: second.subject,
                skipped: first.skipped + second.skipped)
        } else {
            sum.energy = nil
            sum.withoutEnergy = b.withoutEnergy ?? a.withoutEnergy ?? "it is not known of all parts of the run"
        }
        return sum
    }

    // MARK: JSON

    package var json: JSONValue {
        var object: JSONObject = ["seconds": Self.rounded(seconds), "cpu_seconds": Self.rounded(cpuSeconds)]
        if let energy {
            object["energy"] = [
                "joules": Self.rounded(energy.joules), "method": .string(energy.method.rawValue),
                "of": .string(energy.subject), "skipped": .integer(Int64(energy.skipped)),
            ]
        } else if let withoutEnergy {
            object["energy"] = ["method": "none", "reason": .string(withoutEnergy)]
        }
        if let carbon {
            var part = carbon.json
            part["grams"] = grams.map { .number($0) } ?? .null
            object["carbon"] = .object(part)
        }
        return .object(object)
    }

    /// What is no such object gives a cost of nothing.
    package init(_ json: JSONValue?) {
        seconds = json?["seconds"]?.number ?? 0
        cpuSeconds = json?["cpu_seconds"]?.number ?? 0
        let energy = json?["energy"]
        if let joules = energy?["joules"]?.number,
            let method = energy?["method"]?.string.flatMap(Energy.Method.init(rawValue:))
        {
            self.energy = Energy(
                joules: joules, method: method, subject: energy?["of"]?.string ?? "",
                skipped: Int(energy?["skipped"]?.integer ?? 0))
        }
        withoutEnergy = energy?["reason"]?.string
        carbon = json?["carbon"].flatMap(CarbonIntensity.init(json:))
    }

    /// To the millisecond, which is all that the clocks are worth.
    private static func rounded(_ value: Double) -> JSONValue { .number((value * 1000).rounded() / 1000) }
}
