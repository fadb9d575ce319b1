import Foundation
import HLRecords
import Testing

/// Folders of counters as `/sys/class/powercap` has them, and the joules worked out by hand.
struct EnergyMeterTests {
    /// A counter's folder with its three files, µJ.
    private func zone(_ root: Scratch, _ folder: String, _ name: String, _ energy: Int, range: Int? = nil) throws {
        try root.write(name + "\n", to: "\(folder)/name")
        try root.write("\(energy)\n", to: "\(folder)/energy_uj")
        if let range { try root.write("\(range)\n", to: "\(folder)/max_energy_range_uj") }
    }

    private func set(_ root: Scratch, _ folder: String, _ energy: Int) throws {
        try root.write("\(energy)\n", to: "\(folder)/energy_uj")
    }

    private func meter(_ root: Scratch) -> EnergyMeter { EnergyMeter(PowerZones(root: root.path).zones) }

    /// Two sockets with their cores and memories, and the platform: the packages alone are added.
    @Test func packagesAreAddedAndTheirPartsAreNot() throws {
        let root = try Scratch()
        try zone(root, "intel-rapl:0", "package-0", 1_000_000, range: 262_143_328_850)
        try zone(root, "intel-rapl:0:0", "core", 500_000)
        try zone(root, "intel-rapl:0:1", "dram", 200_000)
        try zone(root, "intel-rapl:1", "package-1", 9_000_000, range: 262_143_328_850)
        try zone(root, "intel-rapl:2", "psys", 40_000_000)
        try zone(root, "intel-rapl:3", "dram", 70_000)
        var meter = meter(root)
        #expect(meter.names == ["package-0", "package-1"])
        for (folder, energy) in [
            ("intel-rapl:0", 4_500_000), ("intel-rapl:0:0", 3_000_000), ("intel-rapl:0:1", 900_000),
            ("intel-rapl:1", 11_000_000), ("intel-rapl:2", 90_000_000), ("intel-rapl:3", 2_070_000),
        ] { try set(root, folder, energy) }
        meter.read()
        // 3.5 J of the first package and 2 J of the second.
        #expect(abs(meter.joules - 5.5) < 1e-9 && meter.skipped == 0)
        try set(root, "intel-rapl:0", 5_000_000)
        meter.read()
        #expect(abs(meter.joules - 6) < 1e-9)
    }

    /// As the kernel lays them out: a control type's folder with its zones in it, and links to all of them beside it.
    @Test func aZoneIsTakenOnceHoweverItIsReached() throws {
        let root = try Scratch()
        try zone(root, "intel-rapl/intel-rapl:0", "package-0", 10_000_000, range: 1_000_000_000)
        try FileManager.default.createSymbolicLink(
            atPath: root.path + "/intel-rapl:0", withDestinationPath: "intel-rapl/intel-rapl:0")
        var meter = meter(root)
        #expect(meter.names == ["package-0"])
        try set(root, "intel-rapl/intel-rapl:0", 12_000_000)
        meter.read()
        #expect(abs(meter.joules - 2) < 1e-9)
    }

    /// 262,143.32885 J are where the counter begins anew: from 262,000 J to 500 J it has counted 643.32885 J.
    @Test func aCounterThatBeganAnewGoesOn() throws {
        let root = try Scratch()
        try zone(root, "intel-rapl:0", "package-0", 262_000_000_000, range: 262_143_328_850)
        var meter = meter(root)
        try set(root, "intel-rapl:0", 500_000_000)
        meter.read()
        #expect(abs(meter.joules - 643.32885) < 1e-6 && meter.skipped == 0)
        try set(root, "intel-rapl:0", 501_000_000)
        meter.read()
        #expect(abs(meter.joules - 644.32885) < 1e-6)
    }

    /// Without a range nobody knows how far it came: the interval counts nothing, and the next one goes on from there.
    @Test func aCounterThatWentBackIsLeftOutOnce() throws {
        let root = try Scratch()
        try zone(root, "intel-rapl:0", "package-0", 8_000_000)
        var meter = meter(root)
        try set(root, "intel-rapl:0", 3_000_000)
        meter.read()
        #expect(meter.joules == 0 && meter.skipped == 1)
        try set(root, "intel-rapl:0", 4_000_000)
        meter.read()
        #expect(abs(meter.joules - 1) < 1e-9 && meter.skipped == 1)
    }

    /// A reading that fails counts nothing, and neither does the one after it, which has nothing to begin at.
    @Test func unreadableCountersAreLeftOut() throws {
        let root = try Scratch()
        try zone(root, "intel-rapl:0", "package-0", 1_000_000, range: 100_000_000)
        try zone(root, "intel-rapl:1", "package-1", 50_000_000, range: 100_000_000)
        var meter = meter(root)
        try set(root, "intel-rapl:0", 3_000_000)
        try root.write("no number\n", to: "intel-rapl:1/energy_uj")
        meter.read()
        #expect(abs(meter.joules - 2) < 1e-9 && meter.skipped == 1)
        try set(root, "intel-rapl:1", 60_000_000)
        meter.read()
        #expect(abs(meter.joules - 2) < 1e-9 && meter.skipped == 2)
        try set(root, "intel-rapl:1", 61_500_000)
        meter.read()
        #expect(abs(meter.joules - 3.5) < 1e-9 && meter.skipped == 2)
    }

    @Test func whatCannotBeReadAtAllIsSaid() throws {
        let root = try Scratch()
        #expect(PowerZones(root: root.path + "/none").problem?.contains("no counters of energy") == true)
        try root.write("package-0\n", to: "intel-rapl:0/name")
        // A file of the system that only root may read; root itself is stopped by a folder in its place.
        try FileManager.default.createDirectory(
            atPath: root.path + "/intel-rapl:0/energy_uj", withIntermediateDirectories: true)
        let zones = PowerZones(root: root.path)
        #expect(zones.zones.isEmpty && zones.problem?.contains("intel-rapl:0/energy_uj") == true)
        try zone(root, "intel-rapl:1", "package-1", 5_000_000)
        #expect(PowerZones(root: root.path).zones.map(\.name) == ["package-1"])
        #expect(PowerZones(root: root.path).problem?.contains("intel-rapl:0/energy_uj") == true)
    }

    /// The dies of one processor show its counter each: read one after the other, 0.4 J apart.
    @Test func mirroredCountersCountOnce() throws {
        let root = try Scratch()
        try zone(root, "intel-rapl:0", "package-0-die-0", 700_000_000_000, range: 65_532_610_987_000)
        try zone(root, "intel-rapl:1", "package-0-die-1", 700_000_400_000, range: 65_532_610_987_000)
        try zone(root, "intel-rapl:2", "package-1-die-0", 810_000_000_000, range: 65_532_610_987_000)
        var meter = meter(root)
        #expect(meter.names == ["package-0-die-0", "package-1-die-0"])
        try set(root, "intel-rapl:0", 700_050_000_000)
        try set(root, "intel-rapl:1", 700_050_300_000)
        try set(root, "intel-rapl:2", 810_020_000_000)
        meter.read()
        // 50 J and 20 J, and not 49.9 J once more.
        #expect(abs(meter.joules - 70) < 1e-6)
        // Settled: what it does from now on changes nothing.
        try set(root, "intel-rapl:1", 700_090_000_000)
        meter.read()
        #expect(abs(meter.joules - 70) < 1e-6)
    }

    /// Equal at the beginning by chance: the first interval in which they count differently settles it, and counts.
    @Test func countersThatWereEqualByChanceCountBoth() throws {
        let root = try Scratch()
        try zone(root, "intel-rapl:0", "package-0", 5_000_000_000, range: 65_532_610_987)
        try zone(root, "intel-rapl:1", "package-1", 5_000_000_000, range: 65_532_610_987)
        var meter = meter(root)
        #expect(meter.names == ["package-0"])
        // Nothing has been counted yet: that settles nothing.
        meter.read()
        #expect(meter.joules == 0 && meter.names == ["package-0"])
        try set(root, "intel-rapl:0", 5_030_000_000)
        try set(root, "intel-rapl:1", 5_012_000_000)
        meter.read()
        #expect(abs(meter.joules - 42) < 1e-6 && meter.names == ["package-0", "package-1"])
    }

    /// The first reading comes when hardly anything has been counted, which settles nothing and is not lost.
    @Test func littleSettlesNothing() throws {
        let root = try Scratch()
        try zone(root, "intel-rapl:0", "package-0", 5_000_000_000, range: 65_532_610_987)
        try zone(root, "intel-rapl:1", "package-1", 5_000_000_000, range: 65_532_610_987)
        var meter = meter(root)
        try set(root, "intel-rapl:0", 5_000_300_000)
        try set(root, "intel-rapl:1", 5_000_200_000)
        meter.read()
        #expect(abs(meter.joules - 0.3) < 1e-6 && meter.names == ["package-0"])
        try set(root, "intel-rapl:0", 5_030_300_000)
        try set(root, "intel-rapl:1", 5_012_200_000)
        meter.read()
        // 30.3 J and 12.2 J.
        #expect(abs(meter.joules - 42.5) < 1e-6 && meter.names == ["package-0", "package-1"])
    }

    /// One package by its registers and through memory, whose counters began at different times.
    @Test func aNameCountsOnceAndThroughMemorySooner() throws {
        let root = try Scratch()
        try zone(root, "intel-rapl:0", "package-0", 1_000_000, range: 262_143_328_850)
        try zone(root, "intel-rapl-mmio:0", "package-0", 88_000_000, range: 262_143_328_850)
        var meter = meter(root)
        try set(root, "intel-rapl:0", 31_000_000)
        try set(root, "intel-rapl-mmio:0", 119_000_000)
        meter.read()
        #expect(abs(meter.joules - 31) < 1e-9)
    }

    /// A platform without packages is all that there is; cores alone are not the machine.
    @Test func thePlatformStandsInForPackages() throws {
        let root = try Scratch()
        try zone(root, "intel-rapl:1", "psys", 2_000_000, range: 262_143_328_850)
        try zone(root, "intel-rapl:0:0", "core", 1_000_000)
        var meter = meter(root)
        try set(root, "intel-rapl:1", 9_000_000)
        try set(root, "intel-rapl:0:0", 5_000_000)
        meter.read()
        #expect(meter.names == ["psys"] && abs(meter.joules - 7) < 1e-9)
        try root.remove("intel-rapl:1")
        let zones = PowerZones(root: root.path)
        #expect(zones.zones.isEmpty && zones.problem?.contains("of a package") == true)
    }
}
