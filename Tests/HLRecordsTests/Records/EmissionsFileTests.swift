import Foundation
import HLFormats
import HLRecords
import TestSupport
import Testing

struct EmissionsFileTests {
    private func record() throws -> RunRecord {
        var record = RunRecord()
        (record.id, record.tool, record.updated) = ("00ff", "hl-train", 1_700_000_000)
        record.machine.processor = "A processor, \"fast\""
        record.machine.processors = 4
        record.machine.memory = 8 << 30
        record.cost.seconds = 100
        record.cost.cpuSeconds = 200
        record.cost.energy = .init(joules: 36_000, method: .measured, subject: "package-0")
        record.cost.carbon = try CarbonIntensity(country: "ITA")
        return record
    }

    /// The fields of a line, as RFC 4180 quotes them.
    private func fields(_ line: Substring) -> [String] {
        var fields = [""], isQuoted = false
        for character in line {
            if character == "\"" { isQuoted.toggle() }
            if character == ",", !isQuoted { fields.append("") } else { fields[fields.count - 1].append(character) }
        }
        return fields
    }

    /// 36 kJ are 0.01 kWh; in 100 s they are 360 W; at 330.718 g they are 3.30718 g.
    @Test func aLineHasCodeCarbonsColumns() throws {
        let folder = try Scratch(), path = folder.path + "/emissions.csv"
        try EmissionsFile.check(path: path)
        try EmissionsFile.append(try record(), to: path)
        try EmissionsFile.append(try record(), to: path)
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 3 && lines[1] == lines[2])
        let heading = fields(lines[0]), values = fields(lines[1])
        #expect(heading == EmissionsFile.columns && values.count == heading.count)
        let row = Dictionary(uniqueKeysWithValues: zip(heading, values))
        func number(_ name: String) -> Double { row[name].flatMap(Double.init) ?? .nan }
        #expect(abs(number("energy_consumed") - 0.01) < 1e-12 && abs(number("cpu_power") - 360) < 1e-9)
        #expect(abs(number("emissions") - 0.00330718) < 1e-12 && abs(number("emissions_rate") - 3.30718e-5) < 1e-12)
        #expect(row["country_name"] == "Italy" && row["country_iso_code"] == "ITA" && row["tracking_mode"] == "machine")
        #expect(row["cpu_model"] == "\"A processor, \"\"fast\"\"\"" && number("cpu_utilization_percent") == 50)
        #expect(row["ram_energy"] == "" && row["gpu_energy"] == "" && number("ram_total_size") == 8)
    }

    @Test func otherTablesAreRefused() throws {
        let folder = try Scratch()
        try folder.write("a,b\n1,2\n", to: "other.csv")
        #expect(failure { try EmissionsFile.check(path: folder.path + "/other.csv") }?.kind == .incompatible)
        // The lines of CodeCarbon end in two characters on some systems.
        try folder.write(EmissionsFile.columns.joined(separator: ",") + "\r\n", to: "windows.csv")
        try EmissionsFile.check(path: folder.path + "/windows.csv")
        #expect(failure { try EmissionsFile.check(path: folder.path + "/none/x.csv") }?.kind == .cannotCreate)
    }
}
