import Foundation
import HLCompute
import HLEncoders
import HLFormats
import HLTensor
import TestSupport
import Testing

/// What the examples read, made once: sets of images and networks that no program makes here, the rest by `inputs.mk`,
/// which says what each page gets.
struct Inputs {
    private let space: Workspace

    /// A folder for each page, with its inputs; and `bin`, with what stands for the programs.
    var folder: String { space.path }

    /// - Parameter pages: the pages that need them.
    init(for pages: [String]) throws {
        space = try Workspace()
        try Self.writeImages(space)
        try Self.writeNetworks(space)
        let standIns = "\(Example.sources)/Tests/Pages/stand-ins"
        var script = "set -e; mkdir bin; ln -s \(standIns)/{ssh,make,sudo,parallel} bin\n"
        for name in ["mpirun", "mpirun.openmpi", "mpirun.mpich", "srun"] {
            script += "ln -s \(standIns)/launcher bin/\(name)\n"
        }
        for program in Programs.names { script += "ln -s \(standIns)/miniature bin/\(program)\n" }
        script += "env -u MAKEFLAGS make -j2 -f \(Example.sources)/Tests/Pages/inputs.mk SOURCES=\(Example.sources) "
        script += pages.map { "for/\($0)" }.joined(separator: " ")
        let outcome = try space.run(script, limit: 300)
        try #require(outcome.status == 0, "the inputs cannot be made: \(outcome.errors)")
    }

    // MARK: Images

    /// Squares of the class's colour before a slope.
    private static func image(_ number: Int, class index: Int, width: Int, height: Int) -> Image {
        Image(width: width, height: height) { pixels in
            for place in pixels.indices {
                let (x, y, channel) = (place % width, place / width % height, place / width / height)
                let isInside = abs(x - width / 2) < width / 4 && abs(y - height / 2) < height / 4
                let colour = channel == index % 3 ? 230 : 20 + 20 * (index / 3)
                pixels[place] = UInt8(clamping: isInside ? colour : 2 * (x + channel) + y + 5 * number)
            }
        }
    }

    private static func writeImages(_ space: Workspace) throws {
        func write(_ count: Int, from first: Int = 0, _ name: (Int) -> String) throws {
            for number in first..<first + count {
                let path = space.file(name(number))
                try FileManager.default.createDirectory(
                    atPath: URL(fileURLWithPath: path).deletingLastPathComponent().path,
                    withIntermediateDirectories: true)
                try image(number, class: number % 2, width: 90, height: 70).writePNG(to: path)
            }
        }
        try write(24) { "photographs/\(["cats", "dogs"][$0 % 2])/\($0).png" }
        try write(32) { "split-photographs/train/\(["cats", "dogs"][$0 % 2])/\($0).png" }
        try write(16, from: 32) { "split-photographs/test/\(["cats", "dogs"][$0 % 2])/\($0).png" }
        try write(70) { "caltech101/101_ObjectCategories/\(["ant", "wheel"][$0 % 2])/image_\($0).jpg" }
        // Twelve of each of four kinds to train on, three to validate, three to test.
        try write(72) { "flowers/jpg/image_\(String(format: "%05d", $0 + 1)).jpg" }
        let numbers = (0..<72).map { UInt16($0 + 1) }
        try space.write(Self.matrices([("labels", numbers.map { ($0 - 1) % 4 + 1 })]), to: "flowers/imagelabels.mat")
        try space.write(
            Self.matrices([
                ("trnid", Array(numbers[..<48])), ("valid", Array(numbers[48..<60])), ("tstid", Array(numbers[60...])),
            ]), to: "flowers/setid.mat")
        // CIFAR in its binary form: labels, and the pixels of 32 × 32.
        func records(_ numbers: Range<Int>, labels: (Int) -> [Int]) -> [UInt8] {
            numbers.flatMap { number in
                labels(number).map { UInt8($0) }
                    + image(number, class: number % 10, width: 32, height: 32).withPlanes { Array($0) }
            }
        }
        try space.succeed("mkdir cifar10 cifar100")
        for batch in 1...5 {
            try space.write(
                records(20 * batch..<20 * batch + 20) { [$0 % 10] }, to: "cifar10/data_batch_\(batch).bin")
        }
        try space.write(records(0..<40) { [$0 % 10] }, to: "cifar10/test_batch.bin")
        for (name, count) in [
            ("cifar10/batches.meta", 10), ("cifar100/fine_label_names", 100), ("cifar100/coarse_label_names", 20),
        ] {
            try space.write((0..<count).map { "class\($0)\n" }.joined().utf8, to: "\(name).txt")
        }
        for (name, count) in [("train", 40), ("test", 20)] {
            try space.write(records(0..<count) { [$0 % 20, $0 % 100] }, to: "cifar100/\(name).bin")
        }
    }

    /// Rows of numbers as MATLAB 5 writes them without compression.
    private static func matrices(_ rows: [(name: String, values: [UInt16])]) -> [UInt8] {
        func bytes(_ values: some Sequence<some FixedWidthInteger>) -> [UInt8] {
            values.flatMap { value in withUnsafeBytes(of: value.littleEndian, Array.init) }
        }
        func element(_ type: UInt32, _ content: [UInt8]) -> [UInt8] {
            bytes([type, UInt32(content.count)]) + content + [UInt8](repeating: 0, count: -content.count & 7)
        }
        let heading = Array("MATLAB 5.0 MAT-file".utf8)
        return heading + [UInt8](repeating: 0x20, count: 124 - heading.count) + bytes([UInt16(0x0100), 0x4D49])
            + rows.flatMap { name, values in
                element(
                    14,
                    element(6, bytes([UInt32(11), 0])) + element(5, bytes([Int32(1), Int32(values.count)]))
                        + element(1, Array(name.utf8)) + element(4, bytes(values)))
            }
    }

    // MARK: Networks

    /// A narrow EfficientNet-Lite0, and a file with the names of DINO's student and teacher.
    private static func writeNetworks(_ space: Workspace) throws {
        let backend = try TestedBackend.fastest.make(threads: 1)
        let efficient = try EfficientNetLiteArchitecture(width: 8, classes: 5).makeBackbone(on: backend)
        efficient.initialise(seed: 3, on: backend)
        let state = try efficient.state(on: backend).map { (Foreign.efficientNetName($0.name), $0.tensor) }
        try Safetensors.write(TensorFile(tensors: NamedTensors(state)), to: space.file("efficientnet-lite0.pth"))
        let residual = try ResNetArchitecture(.resnet18, width: 4).makeBackbone(on: backend)
        residual.initialise(seed: 4, on: backend)
        let both = try residual.state(on: backend).flatMap { entry in
            ["student.module.backbone.", "teacher.backbone."].map { ($0 + entry.name, entry.tensor) }
        }
        try Safetensors.write(TensorFile(tensors: NamedTensors(both)), to: space.file("checkpoint.pth"))
    }
}
