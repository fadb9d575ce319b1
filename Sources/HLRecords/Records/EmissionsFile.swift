import Glibc
import HLFormats
import HLTensor

/// A table of runs with the columns of CodeCarbon 3's `emissions.csv`, to which each run adds a line. What is not measured
/// here (graphics cards, memory, water, places) stays empty.
package enum EmissionsFile {
    package static let columns = [
        "timestamp", "project_name", "run_id", "experiment_id", "duration", "emissions", "emissions_rate", "cpu_power",
        "gpu_power", "ram_power", "cpu_energy", "gpu_energy", "ram_energy", "energy_consumed", "water_consumed",
        "country_name", "country_iso_code", "region", "cloud_provider", "cloud_region", "os", "python_version",
        "codecarbon_version", "cpu_count", "cpu_model", "gpu_count", "gpu_model", "longitude", "latitude",
        "ram_total_size", "tracking_mode", "cpu_utilization_percent", "gpu_utilization_percent",
        "ram_utilization_percent", "ram_used_gb", "on_cloud", "pue", "wue",
    ]

    /// - Throws: `Failure`: cannotCreate where it cannot be written, incompatible for a file with other columns.
    package static func check(path: String) throws {
        let descriptor = try opened(path)
        defer { close(descriptor) }
        _ = try beginsAnew(descriptor, path)
    }

    /// Adds a line, behind the heading where the file is new. Programs that end at the same time do not mix theirs.
    package static func append(_ record: RunRecord, to path: String) throws {
        let descriptor = try opened(path)
        defer { close(descriptor) }
        // Some file systems have no locks; a line is still one call.
        _ = flock(descriptor, LOCK_EX)
        var text = line(record)
        if try beginsAnew(descriptor, path) { text = columns.joined(separator: ",") + "\n" + text }
        try Array(text.utf8).withUnsafeBytes { try writeAll($0, to: descriptor, name: path) }
    }

    private static func opened(_ path: String) throws -> Int32 {
        let descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else {
            throw Failure(
                .cannotCreate, "cannot write \(path) (\(String(cString: strerror(errno))))", "give another --emissions")
        }
        return descriptor
    }

    private static func beginsAnew(_ descriptor: Int32, _ path: String) throws -> Bool {
        let heading = Array((columns.joined(separator: ",") + "\n").utf8)
        var first = [UInt8](repeating: 0, count: heading.count)
        let count = pread(descriptor, &first, first.count, 0)
        if count == 0 { return true }
        // CodeCarbon writes line ends of either kind.
        let found = first.prefix(max(count, 0)).prefix { $0 != 10 && $0 != 13 }
        guard count > 0, found.elementsEqual(heading.dropLast()) else {
            throw Failure(
                .incompatible, "\(path) has other columns than an emissions.csv of CodeCarbon 3",
                "give another --emissions")
        }
        return false
    }

    private static func line(_ record: RunRecord) -> String {
        let cost = record.cost, machine = record.machine, hours = cost.seconds / 3600
        let energy = cost.energy?.kilowattHours, kilograms = cost.grams.map { $0 / 1000 }
        var values: [String: String] = [
            "timestamp": RunDate.local(record.updated), "project_name": record.tool, "run_id": record.id,
            "duration": "\(cost.seconds)", "country_iso_code": cost.carbon?.country ?? "",
            "country_name": cost.carbon?.country.flatMap { Countries[$0]?.name } ?? "", "os": machine.system,
            "cpu_count": "\(machine.processors)", "cpu_model": machine.processor,
            "ram_total_size": "\(Double(machine.memory) / 1_073_741_824)", "on_cloud": "N", "pue": "1.0",
        ]
        if let energy {
            values["cpu_energy"] = "\(energy)"
            values["energy_consumed"] = "\(energy)"
            if hours > 0 { values["cpu_power"] = "\(1000 * energy / hours)" }
            values["tracking_mode"] = cost.energy?.method == .measured ? "machine" : "process"
        }
        if let kilograms {
            values["emissions"] = "\(kilograms)"
            if cost.seconds > 0 { values["emissions_rate"] = "\(kilograms / cost.seconds)" }
        }
        if cost.seconds > 0 {
            let share = cost.cpuSeconds / cost.seconds / Double(max(1, machine.processors))
            values["cpu_utilization_percent"] = "\(100 * share)"
        }
        return columns.map { quoted(values[$0] ?? "") }.joined(separator: ",") + "\n"
    }

    /// As RFC 4180 has it.
    private static func quoted(_ field: String) -> String {
        guard field.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return field }
        return "\"" + field.replacing("\"", with: "\"\"") + "\""
    }
}
