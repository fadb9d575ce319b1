// swift-tools-version:6.0
import Foundation
import PackageDescription

// The rooms of ARCHITECTURE.md, floor by floor. Every module that is imported is declared here.
//
// OpenBLAS, zstd, libpng and the zlib that it stands on are always needed. oneDNN, libjpeg-turbo and libwebp are taken
// in where their headers are found; HL_WITHOUT=onednn,jpeg,webp builds as if they were absent.

let environment = ProcessInfo.processInfo.environment
let unwanted = Set((environment["HL_WITHOUT"] ?? "").split(separator: ",").map(String.init))

func isPresent(_ header: String, as name: String) -> Bool {
    !unwanted.contains(name)
        && ["/usr/include", "/usr/local/include", "/opt/local/include"].contains {
            FileManager.default.fileExists(atPath: "\($0)/\(header)")
        }
}

/// The folders of a folder whose names begin with `prefix`, in order.
func folders(_ folder: String, _ prefix: String) -> [String] {
    let path = "\(Context.packageDirectory)/\(folder)"
    return ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).filter { $0.hasPrefix(prefix) }.sorted()
}

let hasOneDNN = isPresent("dnnl.h", as: "onednn")
let hasJPEG = isPresent("jpeglib.h", as: "jpeg")
let hasWebP = isPresent("webp/decode.h", as: "webp")

let features: [SwiftSetting] =
    (hasOneDNN ? [.define("HL_ONEDNN")] : []) + (hasJPEG ? [.define("HL_JPEG")] : [])
    + (hasWebP ? [.define("HL_WEBP")] : [])

/// A C target of ours. Contraction is off so that the clones of one kernel for several instruction sets agree to the bit.
func cTarget(_ name: String, libraries: [String] = [], exclude: [String] = []) -> Target {
    .target(
        name: name, exclude: exclude,
        cSettings: [.unsafeFlags(["-O3", "-ffp-contract=off", "-fno-math-errno", "-Wall", "-Wextra"])],
        linkerSettings: libraries.map { .linkedLibrary($0) })
}

func swiftTarget(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: features)
}

/// `Tests/NAME`, with the folder `Fixtures` there if it has one.
func testTarget(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: name, dependencies: dependencies,
        resources: folders("Tests/\(name)", "Fixtures").isEmpty ? [] : [.copy("Fixtures")], swiftSettings: features)
}

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let oneDNN: [Target.Dependency] = hasOneDNN ? ["COneDNN"] : []
let jpeg: [Target.Dependency] = hasJPEG ? ["CJPEG"] : []
let webp: [Target.Dependency] = hasWebP ? ["CWebP"] : []

// Data and encoders above their formats, compute above tensors.
let tensors: [Target.Dependency] = ["HLTensor", "CKernels"]
let networks: [Target.Dependency] = tensors + ["HLCompute", "HLNet", "HLFormats"]

var targets: [Target] = [
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    cTarget("CSystem"),
    cTarget("CKernels", libraries: ["m"]),
    cTarget("COpenBLAS", libraries: ["dl"]),
    cTarget("CMPI", libraries: ["dl"]),
    cTarget("CCUDA", libraries: ["dl"], exclude: ["kernels"]),
    swiftTarget("HLTensor", ["CKernels", "CSystem"]),
    swiftTarget("HLFormats", tensors + ["CSystem", "CZstd", "CPNG", "CZlib"] + jpeg + webp),
    swiftTarget("HLCompute", tensors + ["COpenBLAS", "CMPI", "CCUDA"] + oneDNN),
    swiftTarget("HLFigures", ["HLTensor", "HLFormats"]),
    swiftTarget("HLData", ["HLTensor", "HLFormats"]),
    swiftTarget("HLRecords", ["HLTensor", "HLFormats", "CSystem"]),
    swiftTarget("HLNet", tensors + ["HLCompute"]),
    swiftTarget("HLGenerators", networks),
    swiftTarget("HLEncoders", networks),
    swiftTarget("HLViews", tensors + ["HLCompute", "HLFormats", "HLGenerators"]),
    swiftTarget("HLStatistics", tensors + ["HLCompute", "HLFormats", "HLGenerators", "HLViews"]),
    swiftTarget("HLWalkers", networks + ["HLGenerators", "HLEncoders", "HLViews"]),
    swiftTarget("HLAdversarial", networks + ["HLGenerators"]),
]
if hasOneDNN { targets.append(cTarget("COneDNN", libraries: ["dl"])) }
if hasJPEG { targets.append(cTarget("CJPEG", libraries: ["jpeg"])) }
if hasWebP {
    targets.append(.systemLibrary(name: "CWebP", pkgConfig: "libwebp", providers: [.apt(["libwebp-dev"])]))
}

/// What any program may stand on.
let rooms: [Target.Dependency] = [
    "HLTensor", "HLFormats", "HLCompute", "HLFigures", "HLData", "HLNet", "HLGenerators", "HLEncoders", "HLViews",
    "HLStatistics", "HLWalkers", "HLAdversarial", "HLRecords",
]
targets.append(
    swiftTarget(
        "HLCommand",
        [
            "HLTensor", "CSystem", "CZstd", "CPNG", "HLCompute", "HLFormats", "HLGenerators", "HLEncoders", "HLViews",
            "HLRecords", argumentParser,
        ]))

// A folder Sources/hl-… is a program.
let programs = folders("Sources", "hl-")
targets += programs.map {
    .executableTarget(name: $0, dependencies: rooms + ["HLCommand", argumentParser], swiftSettings: features)
}

// Operations and training steps with what they are held against, for tests and for a machine with a card.
targets += [
    .target(name: "OperationCases", dependencies: networks, path: "Tests/OperationCases"),
    .target(
        name: "TrainingCases", dependencies: networks + ["HLEncoders", "OperationCases"], path: "Tests/TrainingCases"),
]

targets.append(.target(name: "BenchmarkHarness", dependencies: tensors + ["HLCompute"], path: "Benchmarks/harness"))
targets.append(
    .target(name: "BenchmarkSteps", dependencies: rooms + ["BenchmarkHarness"], path: "Benchmarks/steps"))
/// What a program of Benchmarks needs beside the rooms.
let ofBenchmarks: [String: [Target.Dependency]] = [
    "simsiam-step": ["BenchmarkSteps"], "generator-step": ["BenchmarkSteps"], "walker-step": ["BenchmarkSteps"],
    "gan-step": [], "convolution-kernels": [], "format-fuzzer": ["CZlib"],
    "device-check": ["BenchmarkSteps", "OperationCases", "TrainingCases", "CCUDA", "CSystem"],
]
targets += ofBenchmarks.sorted { $0.key < $1.key }.map { name, others in
    .executableTarget(
        name: name, dependencies: rooms + ["BenchmarkHarness"] + others, path: "Benchmarks/\(name)",
        swiftSettings: features)
}

// The kernels of cards, compiled for the processor. What they may not contract there, they may not here.
targets.append(
    .target(
        name: "EmulatedCUDA", dependencies: ["CCUDA"], path: "Tests/EmulatedCUDA",
        cxxSettings: [.unsafeFlags(["-std=c++17", "-O3", "-ffp-contract=off", "-fno-math-errno", "-Wall", "-Wextra"])]))
targets.append(
    .target(
        name: "TestSupport", dependencies: networks + ["CCUDA", "EmulatedCUDA", "OperationCases"],
        path: "Tests/Support",
        exclude: ["README.md", "formula.py", "reference.py"], swiftSettings: features))

/// What tests of networks share.
let support: [Target.Dependency] = ["TestSupport", "OperationCases"]

// Prints which files stand on which; the test command runs it.
targets.append(.executableTarget(name: "room-map", path: "Tests/room-map"))

targets += [
    testTarget("CSystemTests", ["CSystem"]),
    // The clones of the kernels, by name.
    .target(name: "CKernelsClones", dependencies: ["CKernels"], path: "Tests/CKernelsTests/Clones"),
    .testTarget(
        name: "CKernelsTests", dependencies: ["CKernels", "CKernelsClones", "CSystem"], path: "Tests/CKernelsTests",
        exclude: ["Clones"]),
    testTarget("HLTensorTests", tensors),
    testTarget("HLFormatsTests", ["HLTensor", "HLFormats", "TestSupport"]),
    testTarget("HLFiguresTests", ["HLTensor", "HLFormats", "HLFigures", "TestSupport"]),
    testTarget("HLDataTests", ["HLTensor", "HLFormats", "HLData"]),
    testTarget("HLRecordsTests", ["HLTensor", "HLFormats", "HLRecords", "TestSupport"]),
    testTarget("HLCommandTests", ["HLTensor", "HLFormats", "HLRecords", "HLCommand", argumentParser]),
    testTarget("HLComputeTests", networks + support + ["CCUDA"]),
    testTarget("HLNetTests", networks + support),
    testTarget("HLGeneratorsTests", networks + support + ["HLGenerators"]),
    testTarget("HLEncodersTests", networks + support + ["HLEncoders", "TrainingCases"]),
    testTarget("HLViewsTests", networks + ["HLGenerators", "HLViews"]),
    testTarget("HLStatisticsTests", networks + support + ["HLGenerators", "HLViews", "HLStatistics"]),
    testTarget("HLWalkersTests", networks + support + ["HLGenerators", "HLEncoders", "HLViews", "HLWalkers"]),
    testTarget("HLAdversarialTests", networks + support + ["HLGenerators", "HLAdversarial"]),
    .testTarget(
        name: "PipelineTests", dependencies: support + ["HLTensor", "HLFormats"], path: "Tests/Pipelines",
        swiftSettings: features),
    // What the pages show, run.
    .testTarget(
        name: "PageTests", dependencies: networks + ["HLEncoders", "TestSupport"], path: "Tests/Pages",
        exclude: ["README.md", "inputs.mk", "latents.py", "stand-ins"], swiftSettings: features),
    .testTarget(
        name: "SnapshotTests", dependencies: ["TestSupport"], path: "Tests/Snapshots", exclude: ["README.md", "cases"],
        swiftSettings: features),
]

let package = Package(
    name: "hl-views",
    products: programs.map { .executable(name: $0, targets: [$0]) },
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0")
    ],
    targets: targets
)
