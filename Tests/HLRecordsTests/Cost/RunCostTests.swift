import Foundation
import HLFormats
import HLRecords
import TestSupport
import Testing

struct RunCostTests {
    /// 1 kWh is 3.6 MJ: 7.2 MJ at 330.718 g are 661.436 g.
    @Test func gramsFollowFromJoules() throws {
        var cost = RunCost()
        cost.energy = .init(joules: 7.2e6, method: .measured, subject: "package-0")
        #expect(cost.grams == nil)
        cost.carbon = CarbonIntensity(gramsPerKilowattHour: 330.718, source: "--gco2")
        #expect(abs(try #require(cost.grams) - 661.436) < 1e-9)
    }

    /// Our World in Data's numbers, as they stand in CodeCarbon 3.3.2.
    @Test func countriesHaveTheirYear() throws {
        let italy = try CarbonIntensity(country: "ita")
        #expect(italy.gramsPerKilowattHour == 330.718 && italy.country == "ITA")
        #expect(italy.source == "Our World in Data, 2023")
        #expect(try CarbonIntensity(country: "FRA").gramsPerKilowattHour == 56.039)
        #expect(failure { _ = try CarbonIntensity(country: "IT") }?.kind == .usage)
    }

    /// Without counters, a power that was stated counts as far as this process used the processors.
    @Test func anEstimateIsMadeOnlyWhenAsked() throws {
        let none = "/nowhere/powercap"
        var silent = CostMeter(root: none)
        let unknown = silent.read()
        #expect(unknown.energy == nil && unknown.withoutEnergy?.contains(none) == true)
        var meter = CostMeter(root: none, watts: 65)
        let cost = meter.read(), energy = try #require(cost.energy)
        let count = Double(CostMeter.processorCount)
        #expect(energy.method == .estimated && energy.subject.hasPrefix("65 W times"))
        #expect(cost.cpuSeconds > 0 && abs(energy.joules - 65 * cost.cpuSeconds / count) < 1e-6)
        #expect(RunCost(cost.json).energy?.method == .estimated)
    }

    /// Counters win over a power that somebody stated.
    @Test func whatIsMeasuredIsNotEstimated() throws {
        let root = try Scratch()
        try root.write("package-0\n", to: "intel-rapl:0/name")
        try root.write("5000000\n", to: "intel-rapl:0/energy_uj")
        var meter = CostMeter(root: root.path, watts: 65)
        #expect(meter.problem == nil)
        try root.write("5750000\n", to: "intel-rapl:0/energy_uj")
        let energy = try #require(meter.read().energy)
        #expect(energy.method == .measured && abs(energy.joules - 0.75) < 1e-9)
        #expect(energy.subject == "package-0 by RAPL, the whole machine")
    }

    /// A package that cannot be read is not said to be counted.
    @Test func whatIsMeasuredInPartSaysSo() throws {
        let root = try Scratch()
        for (number, energy) in ["5000000\n", "no number\n"].enumerated() {
            try root.write("package-\(number)\n", to: "intel-rapl:\(number)/name")
            try root.write(energy, to: "intel-rapl:\(number)/energy_uj")
        }
        var meter = CostMeter(root: root.path)
        #expect(meter.isMeasuring && meter.problem?.contains("intel-rapl:1/energy_uj") == true)
        #expect(try #require(meter.read().energy).subject == "package-0 by RAPL, not the whole machine")
    }

    @Test func partsAddUpWhereAllAreKnown() throws {
        var first = RunCost(), second = RunCost()
        (first.seconds, first.cpuSeconds, second.seconds, second.cpuSeconds) = (10, 15, 4, 5)
        first.energy = .init(joules: 100, method: .measured, subject: "a", skipped: 1)
        second.energy = .init(joules: 50, method: .measured, subject: "a")
        let sum = first + second
        #expect(sum.seconds == 14 && sum.cpuSeconds == 20 && sum.energy?.joules == 150 && sum.energy?.skipped == 1)
        second.energy = nil
        #expect((first + second).energy == nil)
    }
}
