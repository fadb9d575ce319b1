import HLTensor

/// One kind of data set: what it is called, what may be said of it, and how one is opened. Help, completions, messages and
/// hl-data(7) come from it.
package struct DatasetKind: Sendable {
    /// As a user writes it before the colon, such as `imagefolder`.
    package let name: String
    /// What a user writes behind the colon, such as `DIR`.
    package let place: String
    /// What lies there, in a few words for help.
    package let abstract: String
    /// The splits as published; nil where the user's folders are splits.
    package let splits: [String]?
    /// What is read where no split is named; nil where there are no splits, or one has to be chosen.
    package let defaultSplit: String?
    /// How the field reports results on it.
    package let metric: ReportedMetric
    /// What may stand behind the place.
    package let settings: [DatasetSetting]
    /// Opens the data set at a place.
    let open: @Sendable (_ place: DatasetPlace) throws -> any ImageDataset

    init(
        name: String, place: String = "DIR", abstract: String, splits: [String]? = nil, defaultSplit: String? = nil,
        metric: ReportedMetric = .top1, settings: [DatasetSetting] = [],
        open: @escaping @Sendable (_ place: DatasetPlace) throws -> any ImageDataset
    ) {
        self.name = name
        self.place = place
        self.abstract = abstract
        self.splits = splits
        self.defaultSplit = defaultSplit ?? splits?.first
        self.metric = metric
        self.settings = settings
        self.open = open
    }

    /// How a user writes it, such as `imagefolder:DIR`.
    package var form: String { "\(name):\(place)" }

    /// A place of this kind as a user named it; what was not said is the kind's standard.
    /// - Throws: `Failure(.usage)` for a split that the kind does not have and values that its settings do not take.
    func place(_ path: String, settings given: [String: String], _ options: DatasetOptions) throws -> DatasetPlace {
        for setting in settings {
            if let value = given[setting.name], !setting.takes(value) {
                throw Failure(
                    .usage, "\(name) cannot have \(setting.name)=\(value)", "give \(setting.name)=\(setting.form)")
            }
        }
        if let split = options.split, let splits, !splits.contains(split) {
            throw Failure(
                .usage, "\(name) has no split '\(split)'",
                splits.isEmpty ? "leave out --split" : "use one of \(splits.joined(separator: ", "))")
        }
        return DatasetPlace(
            kind: name, path: path, split: options.split ?? defaultSplit,
            settings: settings.compactMap { setting in
                (given[setting.name] ?? setting.standard).map { (setting.name, $0) }
            }, options)
    }
}

/// What a user may write behind a place as `,key=value`.
package struct DatasetSetting: Sendable {
    package enum Values: Sendable {
        case choice([String])
        case number(ClosedRange<Int>)
        /// Of an order or a split.
        case seed
        /// Above 0 and below 1.
        case share
        /// Such as a file.
        case text(String)
    }

    package let name: String
    package let values: Values
    /// What counts where it is not given; nil where nothing does.
    package let standard: String?
    /// In a few words.
    package let abstract: String

    init(_ name: String, _ values: Values, standard: String?, _ abstract: String) {
        self.name = name
        self.values = values
        self.standard = standard
        self.abstract = abstract
    }

    /// The values for help, such as `fine|coarse` or `1-10`.
    package var form: String {
        switch values {
        case .choice(let choices): choices.joined(separator: "|")
        case .number(let range) where range.upperBound == .max: "\(range.lowerBound)-"
        case .number(let range): "\(range.lowerBound)-\(range.upperBound)"
        case .seed: "0-2^64-1"
        case .share: "0.01-0.99"
        case .text(let form): form
        }
    }

    func takes(_ value: String) -> Bool {
        switch values {
        case .choice(let choices): choices.contains(value)
        case .number(let range): Int(value).map(range.contains) ?? false
        case .seed: UInt64(value) != nil
        case .share: Double(value).map { $0 > 0 && $0 < 1 } ?? false
        case .text: !value.isEmpty
        }
    }
}
