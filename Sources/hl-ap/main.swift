import ArgumentParser
import HLCommand
import HLData
import HLFormats
import HLStatistics
import HLTensor

/// hl-ap: how well a detector finds objects.
struct AveragePrecision: Tool {
    static let configuration = describe(
        "hl-ap", "Measure detections on Pascal VOC: average precision.",
        discussion: """
            Reads what a detector has found, in the form of VOC's development kit (a text for each class, or a folder of \
            them) or of COCO's results (JSON, as detectron2 writes it), and VOC's annotations. Prints AP50, AP75 and AP, \
            which is the mean over overlaps of 0.5, 0.55, ..., 0.95, of every class and their mean, in percent.
            """)

    static let examples = [
        "hl-ap --data voc:VOCdevkit,year=2007 results/",
        "hl-ap --data voc:VOCdevkit,year=2007 --rules devkit --average area coco_instances_results.json",
    ]

    @Argument(
        help: ArgumentHelp(
            "Detections: a folder or files such as comp4_det_test_bird.txt or bird.txt, or one of COCO's results; - is "
                + "standard input, for these. (path)", valueName: "file"), completion: .file())
    var inputs: [String] = ["-"]

    @Option(
        help: ArgumentHelp(
            "Data set that they were found on. (\(AnnotatedImages.kind.form), or with ,year=2007-2012)",
            valueName: "set"), completion: .list([AnnotatedImages.kind.name + ":"]))
    var data: String

    @Option(
        help: ArgumentHelp(
            "Split of it. (\((AnnotatedImages.kind.splits ?? []).joined(separator: ", ")); default: "
                + "\(AnnotatedImages.kind.defaultSplit ?? ""))",
            valueName: "name"), completion: .list(AnnotatedImages.kind.splits ?? []))
    var split: String?

    @Option(
        help: ArgumentHelp(
            "What is averaged: precision at eleven recalls, or the area under its curve. "
                + "(\(PrecisionAverage.allCases.map(\.rawValue).joined(separator: " or ")); default: that of the year, "
                + "11-point up to 2009)",
            valueName: "name"), completion: .list(PrecisionAverage.allCases.map(\.rawValue)),
        transform: { try choice($0, or: "there is no average") })
    var average: PrecisionAverage?

    @Option(
        help: ArgumentHelp(
            "Whose rules count: an object is found by more than the overlap in detectron2, by as much in the development "
                + "kit. (\(DetectionRules.allCases.map(\.rawValue).joined(separator: " or ")); default: detectron2)",
            valueName: "name"), completion: .list(DetectionRules.allCases.map(\.rawValue)),
        transform: { try choice($0, or: "there are no rules of") })
    var rules = DetectionRules.detectron2

    @Option(
        help: ArgumentHelp(
            "Number that COCO's results give the first class. (0 or 1; default: what they show)", valueName: "n"))
    var firstCategory: Int?

    @Flag(help: "Print JSON instead of a table.")
    var json = false

    @OptionGroup(title: "Record and cost") var recording: RecordOptions
    @OptionGroup(title: "Common options") var shared: SharedOptions

    static let memoryRemedy = "keep fewer detections of an image: those of low scores decide little"

    func validate() throws {
        if let firstCategory {
            try check(
                firstCategory == 0 || firstCategory == 1, "classes do not count from \(firstCategory)",
                "give --first-category 0 or 1")
        }
        try check(
            inputs.count == 1 || !inputs.contains("-"), "standard input is for COCO's results alone", "leave out -")
    }

    func run() throws {
        try Recording.begin(recording)
        let images = try AnnotatedImages(data, split: split)
        let average = try average ?? Self.average(of: images)
        let detections = try GivenDetections(inputs, firstCategory: firstCategory, on: images)
        let scores = zip(images.classes, detections.classes).map { name, guesses in
            let targets = images.annotations.map { annotation in
                annotation.objects.filter { $0.name == name }.map {
                    DetectionScore.Target(box: $0.box, isDifficult: $0.isDifficult)
                }
            }
            return DetectionScore(guesses, targets, rules: rules, average: average)
        }
        let empty = zip(images.classes, scores).filter { $1.precisions == nil }.map(\.0)
        guard empty.count < scores.count else {
            throw Failure(.data, "no image of the split shows an object", "choose another --split")
        }
        if !empty.isEmpty {
            let shown =
                empty.count > 5 ? "\(empty.count) classes, such as \(empty[0])" : empty.joined(separator: ", ")
            warn("the split does not show \(shown): the mean is over the other classes")
        }
        let report = PrecisionReport(data: data, images: images, rules: rules, average: average, scores: scores)
        Recording.tell(report.json.object ?? JSONObject())
        try Console.printOutput(json ? report.json.indentedText + "\n" : report.table)
    }

    private static func average(of images: AnnotatedImages) throws -> PrecisionAverage {
        guard let year = images.year else {
            throw refuse("no folder says the year of the challenge", "add ,year=2007 to --data, or give --average")
        }
        return year < 2010 ? .elevenPoints : .area
    }
}

runTool(AveragePrecision.self)
