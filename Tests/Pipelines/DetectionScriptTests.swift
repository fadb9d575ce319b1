import Foundation
import Glibc
import HLFormats
import TestSupport
import Testing

/// `examples/detection.sh` on folders of VOC in small.
struct DetectionScriptTests {
    private static let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("examples/detection.sh").path

    /// Two images in each part, each with a bird and a dog.
    private func folders(_ space: Workspace) throws {
        for (year, split) in [("2007", "trainval"), ("2012", "trainval"), ("2007", "test")] {
            let base = "voc/VOC\(year)"
            try space.succeed("mkdir -p \(base)/{Annotations,ImageSets/Main,JPEGImages}")
            let names = (1...2).map { "\(split)\($0)" }
            let list = names.joined(separator: "\n") + "\n"
            try space.write(Array(list.utf8), to: "\(base)/ImageSets/Main/\(split).txt")
            for name in names {
                try Image(width: 64, height: 48, grey: 90).writePNG(to: space.file("\(base)/JPEGImages/\(name).jpg"))
                let objects = [("bird", 1), ("dog", 30)].map { label, left in
                    "<object><name>\(label)</name><difficult>0</difficult><bndbox><xmin>\(left)</xmin><ymin>5</ymin>"
                        + "<xmax>\(left + 20)</xmax><ymax>40</ymax></bndbox></object>"
                }
                let text = "<annotation>\(objects.joined())</annotation>"
                try space.write(Array(text.utf8), to: "\(base)/Annotations/\(name).xml")
            }
        }
    }

    /// With something in detectron2's place that finds every bird and no dog: configuration, weights, detections, AP.
    @Test func detectron2() throws {
        let space = try Workspace()
        try folders(space)
        try space.write(
            Array(
                """
                #!/usr/bin/env bash
                [[ $1 == -c ]] && exit
                set -e
                [[ $2 == detectron2 && $3 == --data && -d $4/VOC2007 && $5 == --gpus && $6 == 0 && $7 == detectron2.yaml ]]
                for name in aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person \\
                    pottedplant sheep sofa train tvmonitor; do : >"$8/$name.txt"; done
                printf 'test1 0.900 1.0 5.0 21.0 40.0\\ntest2 0.800 1.0 5.0 21.0 40.0\\n' >"$8/bird.txt"
                """.utf8), to: "python")
        try space.succeed(
            """
            chmod +x python
            hl-sample --size 32 -n 4 | hl-train -q --arch resnet50 --batch 2 -n 4 -o e.safetensors
            """)
        let command =
            "\(Self.script) --encoder e.safetensors --data voc --python ./python --gpus 0 --iterations 240 --batch 8 --folder d"
        let outcome = try space.run(command, limit: 300)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.text.contains("by detectron2, 240 iterations of 8"))
        #expect(outcome.text.firstMatch(of: /bird +2 +0 +2 +100\.00 +100\.00 +100\.00/) != nil, "\(outcome.text)")
        #expect(outcome.text.firstMatch(of: /mean +4 +0 +2 +50\.00 +50\.00 +50\.00/) != nil, "\(outcome.text)")
        let said = try JSONValue(parsing: space.text("d/ap.json"), name: "ap.json")
        #expect(said["AP"]?.number == 50 && said["AP75"]?.number == 50)
        let configuration = try space.text("d/detectron2.yaml")
        for line in [
            "_BASE_: encoder.yaml", "NAME: Res5ROIHeadsExtraNorm", "FREEZE_AT: 0", "NUM_CLASSES: 20", "BASE_LR: 0.01",
            "STEPS: (180, 220)", "MAX_ITER: 240", "WARMUP_ITERS: 1", "IMS_PER_BATCH: 8", "MIN_SIZE_TEST: 800",
            "MIN_SIZE_TRAIN: (480, 512, 544, 576, 608, 640, 672, 704, 736, 768, 800,)",
        ] { #expect(configuration.contains(line), "\(line)") }
        let encoder = try space.text("d/encoder.yaml")
        #expect(encoder.contains("WEIGHTS: \"backbone.pkl\"") && encoder.contains("DEPTH: 50"), "\(encoder)")
        #expect(FileManager.default.fileExists(atPath: space.file("d/backbone.pkl")))
        // Nothing is done again, and other settings need another folder.
        try space.succeed("printf '#!/bin/sh\\n[ \"$1\" = -c ]\\n' > python")
        #expect(try space.run(command).text == outcome.text)
        #expect(try space.run(command.replacing("--batch 8", with: "--batch 4")).status == 78)
        // The device may be another one, but not the norm.
        #expect(try space.run(command.replacing("--gpus 0", with: "--gpus 1")).status == 0)
        #expect(try space.text("d/detectron2.yaml").contains("DEVICE: cuda"))
        #expect(try space.run(command.replacing("--gpus 0", with: "--gpus 2")).status == 78)
    }

    @Test func refusals() throws {
        let space = try Workspace()
        try folders(space)
        try space.succeed(
            """
            hl-sample --size 32 -n 4 | hl-train -q --width 4 --batch 2 -n 4 -o narrow.safetensors
            hl-sample --size 32 -n 4 | hl-train -q --batch 2 -n 4 -o wide.safetensors
            printf '#!/bin/sh\\nexit 1\\n' > without; printf '#!/bin/sh\\nexit 0\\n' > with; chmod +x with without
            """)
        #expect(
            try space.succeed("\(Self.script) --check --data voc").text
                == "VOC2007 trainval: 2 images\nVOC2012 trainval: 2 images\nVOC2007 test: 2 images\n")
        for (options, status, saying) in [
            ("", 64, "there is no data set"), ("--data missing", 66, "no folder"), ("--data voc", 64, "no encoder"),
            ("--data voc --encoder missing", 66, "there is no missing"), ("--data voc --with caffe", 64, "no caffe"),
            ("--data voc --encoder narrow.safetensors --python ./without", 69, "has no detectron2: install it"),
            ("--data voc --encoder narrow.safetensors --python ./without --with torchvision", 69, "no torchvision"),
            ("--data voc --encoder narrow.safetensors --python ./with", 78, "width 4"),
            ("--data voc --encoder wide.safetensors --python ./with --folder w", 65, "is no ResNet-50"),
            ("--batch 0", 64, "--batch cannot be 0"), ("--gpus some", 64, "cannot take some GPUs"),
        ] {
            let outcome = try space.run("\(Self.script) --folder d \(options)")
            #expect(outcome.status == status && outcome.errors.contains(saying), "\(options): \(outcome.errors)")
        }
        try space.succeed("rm voc/VOC2007/JPEGImages/test2.jpg voc/VOC2012/ImageSets/Main/trainval.txt")
        let outcome = try space.run("\(Self.script) --check --data voc")
        #expect(outcome.status == 66 && outcome.errors.contains("1 images or annotations are missing, such as test2"))
        #expect(outcome.errors.contains("VOC2012/ImageSets/Main/trainval.txt is missing"))
    }

    private static let hasTorchvision =
        Programs.isInstalled("python3")
        && system("python3 -c 'import numpy, PIL, torchvision.models.detection' > /dev/null 2>&1") == 0

    /// The stand-in, on made-up folders.
    @Test(.enabled(if: hasTorchvision, "python3 has no torchvision, NumPy and Pillow")) func torchvision() throws {
        let space = try Workspace()
        let outcome = try space.run(
            """
            \(Self.script) --made-up voc
            hl-sample --size 32 -n 4 | hl-train -q --arch resnet50 --batch 2 -n 4 -o e.safetensors
            \(Self.script) --encoder e.safetensors --data voc --with torchvision --gpus 0 --iterations 2 --batch 1 \
                --short-side 64 --rois 8 --folder d
            """, limit: 600)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains("iteration 2 of 2") && outcome.text.contains("by torchvision"))
        #expect(outcome.text.split(separator: "\n").last?.hasPrefix("mean") == true, "\(outcome.text)")
    }
}
