// swift-tools-version:6.0
import Foundation
import PackageDescription

// OpenBLAS, zstd and libpng are always needed. oneDNN and libjpeg-turbo are taken in where their headers are found;
// HL_WITHOUT=onednn,jpeg builds as if they were absent.

let environment = ProcessInfo.processInfo.environment
let unwanted = Set((environment["HL_WITHOUT"] ?? "").split(separator: ",").map(String.init))

func isPresent(_ header: String, as name: String) -> Bool {
    !unwanted.contains(name)
        && ["/usr/include", "/usr/local/include", "/opt/local/include"].contains {
            FileManager.default.fileExists(atPath: "\($0)/\(header)")
        }
}

let hasOneDNN = isPresent("dnnl.h", as: "onednn")
let hasJPEG = isPresent("jpeglib.h", as: "jpeg")

let features: [SwiftSetting] = (hasOneDNN ? [.define("HL_ONEDNN")] : []) + (hasJPEG ? [.define("HL_JPEG")] : [])

/// A C target of ours. Contraction is off so that the clones of one kernel for several instruction sets agree to the bit.
func cTarget(_ name: String, libraries: [String] = []) -> Target {
    .target(
        name: name,
        cSettings: [.unsafeFlags(["-O3", "-ffp-contract=off", "-fno-math-errno", "-Wall", "-Wextra"])],
        linkerSettings: libraries.map { .linkedLibrary($0) })
}

func swiftTarget(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: features)
}

func program(_ name: String) -> Target {
    .executableTarget(name: name, dependencies: ["HLCommand"], swiftSettings: features)
}

func testTarget(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: name, dependencies: dependencies, exclude: [], resources: [.copy("Fixtures")], swiftSettings: features)
}

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let oneDNN: [Target.Dependency] = hasOneDNN ? ["COneDNN"] : []
let jpeg: [Target.Dependency] = hasJPEG ? ["CJPEG"] : []

let programs = ["hl-sample", "hl-perturb", "hl-filter", "hl-train", "hl-encode", "hl-probe", "hl-delta", "hl-view"]

var targets: [Target] = [
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
    cTarget("COpenBLAS", libraries: ["dl"]),
    cTarget("CKernels", libraries: ["m"]),
    swiftTarget("HLTensor", ["CKernels"]),
    swiftTarget("HLCompute", ["HLTensor", "CKernels", "COpenBLAS"] + oneDNN),
    swiftTarget("HLNet", ["HLCompute", "CKernels"]),
    swiftTarget("HLFormats", ["HLTensor", "CKernels", "CZstd", "CPNG"] + jpeg),
    swiftTarget("HLGenerators", ["HLNet", "HLFormats", "CKernels"]),
    swiftTarget("HLViews", ["HLGenerators", "HLFormats", "CKernels"]),
    swiftTarget("HLEncoders", ["HLNet", "HLFormats", "CKernels"]),
    swiftTarget("HLData", ["HLFormats"]),
    swiftTarget("HLWalkers", ["HLViews", "HLEncoders"]),
    swiftTarget("HLCommand", ["HLWalkers", "HLData", argumentParser]),
]
if hasOneDNN { targets.append(cTarget("COneDNN", libraries: ["dl"])) }
if hasJPEG { targets.append(cTarget("CJPEG", libraries: ["jpeg"])) }
targets += programs.map(program)
targets.append(.target(name: "BenchmarkHarness", dependencies: ["HLCompute"], path: "Benchmarks/harness"))
for (name, module) in [("simsiam-step", "HLEncoders"), ("generator-step", "HLGenerators"), ("walker-step", "HLWalkers")] {
    targets.append(
        .executableTarget(
            name: name, dependencies: ["BenchmarkHarness", .byName(name: module)], path: "Benchmarks/\(name)"))
}
targets.append(
    .executableTarget(name: "weights-fuzzer", dependencies: ["HLGenerators"], path: "Benchmarks/weights-fuzzer"))
targets += [
    testTarget("HLTensorTests", ["HLTensor", "CKernels"]),
    testTarget("HLFormatsTests", ["HLFormats"]),
    testTarget("HLDataTests", ["HLData"]),
    testTarget("HLGeneratorsTests", ["HLGenerators", "CKernels"]),
    testTarget("HLViewsTests", ["HLViews", "CKernels"]),
    testTarget("HLEncodersTests", ["HLEncoders", "CKernels"]),
    testTarget("HLWalkersTests", ["HLWalkers"]),
    .testTarget(name: "PipelineTests", dependencies: ["HLFormats"], path: "Tests/Pipelines", swiftSettings: features),
]

let package = Package(
    name: "hl-views",
    products: programs.map { .executable(name: $0, targets: [$0]) },
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0")
    ],
    targets: targets
)
