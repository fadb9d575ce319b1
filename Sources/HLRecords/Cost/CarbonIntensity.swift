import HLFormats
import HLTensor

/// Grams of CO₂ equivalent that a kilowatt hour of electricity stands for, and who says so.
package struct CarbonIntensity: Sendable, Equatable {
    package let gramsPerKilowattHour: Double
    /// ISO 3166-1, three letters; nil where the number was given.
    package let country: String?
    /// Such as `Our World in Data, 2023`.
    package let source: String

    package init(gramsPerKilowattHour: Double, country: String? = nil, source: String) {
        self.gramsPerKilowattHour = gramsPerKilowattHour
        self.country = country
        self.source = source
    }

    /// That of a country, from the table.
    /// - Parameter code: three letters of ISO 3166-1, in either case.
    /// - Throws: `Failure(.usage)` for a country that the table does not have.
    package init(country code: String) throws(Failure) {
        guard let country = Countries[code] else {
            throw Failure(
                .usage, "there is no country '\(code)' in the table of carbon intensities",
                "give three letters of ISO 3166-1, such as ITA, or grams per kilowatt hour with --gco2")
        }
        self.init(
            gramsPerKilowattHour: country.gramsPerKilowattHour, country: country.code,
            source: "\(Countries.source), \(country.year)")
    }

    var json: JSONObject {
        var object: JSONObject = ["grams_per_kwh": .number(gramsPerKilowattHour)]
        object["country"] = country.map { .string($0) }
        object["source"] = .string(source)
        return object
    }

    init?(json: JSONValue) {
        guard let grams = json["grams_per_kwh"]?.number else { return nil }
        self.init(
            gramsPerKilowattHour: grams, country: json["country"]?.string, source: json["source"]?.string ?? "")
    }
}
