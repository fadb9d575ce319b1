import CSystem
import Glibc
import HLTensor

/// Measures what a run costs, from the start of the program on; energy from the meter's making on.
package struct CostMeter: Sendable {
    private let begin: Double
    private let zones: PowerZones
    private var energy: EnergyMeter
    private let watts: Double?
    private let carbon: CarbonIntensity?

    /// - Parameters:
    ///   - begin: when the program started, by `now()`.
    ///   - root: the folder of the counters of energy.
    ///   - watts: power of all processors under full load, by which energy is estimated where nothing counts it; nil
    ///     estimates nothing.
    ///   - carbon: what a kilowatt hour stands for; nil leaves that out.
    package init(
        since begin: Double = CostMeter.now(), root: String = PowerZones.systemRoot, watts: Double? = nil,
        carbon: CarbonIntensity? = nil
    ) {
        self.begin = begin
        zones = PowerZones(root: root)
        energy = EnergyMeter(zones.zones)
        self.watts = watts
        self.carbon = carbon
    }

    /// Why no energy is measured, or not all; nil where it is.
    package var problem: String? { zones.problem }
    /// Whether any energy is measured.
    package var isMeasuring: Bool { !energy.isEmpty }

    /// Since the program started.
    package var seconds: Double { max(0, Self.now() - begin) }

    /// The cost up to now.
    package mutating func read() -> RunCost {
        energy.read()
        var cost = RunCost()
        cost.seconds = seconds
        cost.cpuSeconds = Self.cpuSeconds
        cost.carbon = carbon
        if !energy.isEmpty {
            cost.energy = .init(
                joules: energy.joules, method: .measured,
                subject: energy.names.joined(separator: " and ")
                    + " by RAPL, \(zones.problem == nil ? "the whole machine" : "not the whole machine")",
                skipped: energy.skipped)
        } else if let watts {
            let count = Self.processorCount
            cost.energy = .init(
                joules: watts * cost.cpuSeconds / Double(count), method: .estimated,
                subject: "\(plain(watts)) W times the run's share of \(count) processors")
        } else {
            cost.withoutEnergy = zones.problem
        }
        return cost
    }

    private func plain(_ value: Double) -> String { Int(exactly: value).map(String.init) ?? "\(value)" }

    /// Processors of the machine that are in use.
    package static var processorCount: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    /// Seconds on a clock that only goes forward.
    package static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    /// Of processors, in user and system: this process's, and those of its children that have ended.
    package static var cpuSeconds: Double {
        var sum = 0.0
        for who in [RUSAGE_SELF, RUSAGE_CHILDREN] {
            var usage = rusage()
            guard getrusage(__rusage_who_t(who.rawValue), &usage) == 0 else { continue }
            for time in [usage.ru_utime, usage.ru_stime] { sum += Double(time.tv_sec) + Double(time.tv_usec) * 1e-6 }
        }
        return sum
    }
}
