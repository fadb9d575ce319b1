import ArgumentParser
import Glibc
import HLFormats
import HLRecords
import HLTensor

/// The record of a run, and what is counted of its cost.
package struct RecordOptions: ParsableArguments, Sendable {
    @Option(
        help: ArgumentHelp(
            "Record of the run, as hl-run(5) tells; none keeps none. (path; default: beside -o FILE, as FILE.run.json)",
            valueName: "file"), completion: .file())
    package var record: String?

    @Option(
        help: ArgumentHelp(
            "Power of all processors under full load, by which energy is estimated where no counter can be read. (number "
                + "above 0)", valueName: "w"))
    package var watts: Double?

    @Option(
        name: .customLong("gco2"),
        help: ArgumentHelp(
            "Grams of CO2 equivalent of a kilowatt hour. (number from 0)", valueName: "g"))
    package var gramsPerKilowattHour: Double?

    @Option(
        help: ArgumentHelp(
            "Country whose electricity it was, for those grams. (three letters of ISO 3166-1, such as ITA)",
            valueName: "code"))
    package var country: String?

    @Option(
        help: ArgumentHelp(
            "File that gets a line for the run, with the columns of CodeCarbon's emissions.csv. (path)",
            valueName: "file"), completion: .file())
    package var emissions: String?

    package init() {}

    package func validate() throws {
        if let watts {
            try check(watts > 0 && watts.isFinite, "a power of \(watts) W is out of range", "give --watts above 0")
        }
        if let grams = gramsPerKilowattHour {
            try check(
                grams >= 0 && grams.isFinite, "\(grams) g of a kilowatt hour are out of range", "give --gco2 from 0")
            try check(
                country == nil, "--country looks up what --gco2 gives", "give one of them")
        }
        _ = try carbon
    }

    /// Whether the user has asked for the cost.
    var wantsCost: Bool { watts != nil || gramsPerKilowattHour != nil || country != nil || emissions != nil }

    /// - Throws: `Failure(.usage)` for a country that nobody knows.
    var carbon: CarbonIntensity? {
        get throws {
            if let grams = gramsPerKilowattHour {
                return CarbonIntensity(gramsPerKilowattHour: grams, source: "--gco2")
            }
            return try country.map { code throws(Failure) in try CarbonIntensity(country: code) }
        }
    }

    /// Whether runs have a record that nobody asked for: unless `HL_RECORD` is `none`.
    private static var isUsual: Bool { getenv("HL_RECORD").map { String(cString: $0) != "none" } ?? true }

    /// Where the record of a run goes that writes `output`; nil where there is none.
    func path(beside output: String?) -> String? {
        if let record { return record == "none" ? nil : record }
        guard let output, output != "-", Self.isUsual, HLFormats.descriptor(namedBy: output) == nil else { return nil }
        var status = stat()
        guard stat(output, &status) != 0 || status.st_mode & S_IFMT == S_IFREG else { return nil }
        return output + RunRecordFile.ending
    }
}
