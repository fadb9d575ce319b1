"""Checks that torch, torchvision, timm, onnxruntime and detectron2 take what hl-export writes, and see the same features.

    PATH=.build/release:$PATH python check_exports.py [--detectron2 DIR] [--samples N] [--only WORD] [--encoder FILE]

Trains small encoders of every depth and of several widths and stems for a few steps, exports each in every form, runs the
lines that hl-export prints, and compares the features that come out of them with those of hl-encode: the greatest
difference over the greatest feature, at most 1e-5. Every .pth is read with weights_only=True, every .onnx is checked by
onnx' own checker and run with a batch of 1 and of many. With --detectron2, a folder of its sources (no build is needed), a
.pkl is loaded by its DetectionCheckpointer into its R50-C4 and into a bare backbone. Last, a linear classifier that
scikit-learn fits on torchvision's features has to be as accurate as that of hl-probe to 0.1 points, and so has hl-probe's
own in torchvision, timm and onnxruntime; --encoder takes an encoder that has learnt something for this.

Ends with exit status 1 after the first difference. Needs torch, torchvision, timm, safetensors, onnx, onnxruntime, numpy,
zstandard, scikit-learn, and for detectron2 fvcore, iopath, omegaconf, pycocotools and yaml.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile

import numpy as np
import onnx
import onnxruntime
import torch
import torchvision
import zstandard
from safetensors import safe_open
from safetensors.numpy import load as load_tensors

TOLERANCE = 1e-5
SIDE = 64
# Name, architecture, width, stem, and what else it is written for.
ENCODERS = (
    ("r18", "resnet18", 64, "imagenet", ("lightly", "solo-learn", "detectron2")),
    ("r18w16", "resnet18", 16, "imagenet", ("lightly",)),
    ("r18cifar", "resnet18", 64, "cifar", ("lightly",)),
    ("r34w8cifar", "resnet34", 8, "cifar", ("lightly",)),
    ("r50", "resnet50", 64, "imagenet", ("lightly", "solo-learn", "detectron2")),
    ("r50w16", "resnet50", 16, "imagenet", ("lightly", "detectron2")),
)


def fail(message):
    print(f"check_exports.py: error: {message}", file=sys.stderr)
    sys.exit(1)


def run(command):
    result = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True)
    if result.returncode:
        fail(f"{command}: {result.stderr.strip()}")
    return result.stdout


def read(path):
    """All tensors of a stream (hl-stream(5)), each joined over its batches."""
    with open(path, "rb") as file:
        data = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True).read()
    place, parts = 0, {}
    while place < len(data):
        length = 8 + int.from_bytes(data[place:place + 8], "little")
        entries = json.loads(data[place + 8:place + length])
        entries.pop("__metadata__", None)
        end = place + length + max((entry["data_offsets"][1] for entry in entries.values()), default=0)
        for name, tensor in load_tensors(data[place:end]).items():
            parts.setdefault(name, []).append(tensor)
        place = end
    return {name: np.concatenate(tensors) for name, tensors in parts.items()}


def compare(what, found, expected):
    found, expected = np.asarray(found), np.asarray(expected)
    if found.shape != expected.shape:
        fail(f"{what}: features are {found.shape}, not {expected.shape}")
    difference = float(np.abs(found - expected).max() / np.abs(expected).max())
    print(f"{what:44} {difference:.2e}", flush=True)
    if not difference <= TOLERANCE:
        fail(f"{what}: the features differ by {difference:.3g}, more than {TOLERANCE}")


def crop(images, side):
    return torchvision.transforms.functional.center_crop(images, [side, side])


def in_torch(script, images):
    """Features by the printed lines."""
    names = {}
    exec(compile(script, "printed", "exec"), names)
    with torch.inference_mode():
        return torch.cat([names["model"](names["transform"](part)) for part in images.split(64)]).numpy()


def check_archive(path):
    """Zip tools find the lines that were printed, and nothing damaged; storages are aligned."""
    with zipfile.ZipFile(path) as archive:
        if damaged := archive.testzip():
            fail(f"{path}: {damaged} has another checksum")
        for entry in archive.infolist():
            archive.fp.seek(entry.header_offset + 26)
            lengths = np.frombuffer(archive.fp.read(4), "<u2").astype(int)
            if (entry.header_offset + 30 + lengths.sum()) % 64:
                fail(f"{path}: {entry.filename} is not aligned")
        return archive.read("archive/hl.loading").decode()


def check_onnx(name, path, images, expected, script, crop_side):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    if {entry.key for entry in model.metadata_props} < {"hl.encoder", "hl.loading"}:
        fail(f"{path}: its metadata are missing")
    crops = crop(images, crop_side).numpy()
    for count in (1, len(crops)):
        names = {"images": crops[:count]}
        exec(compile(script, "printed", "exec"), names)
        compare(f"{name} onnxruntime, batch of {count}", names["features"], expected[:count])


def check_detectron2(name, path, arch, script, images, expected, crop_side, sources):
    import logging

    import yaml
    from detectron2.checkpoint import DetectionCheckpointer
    from detectron2.config import CfgNode, get_cfg
    from detectron2.layers import ShapeSpec
    from detectron2.modeling import build_model
    from detectron2.modeling.backbone.resnet import build_resnet_backbone

    # Which names it finds a place for, in colours.
    logging.disable(logging.WARNING)

    def config():
        result = get_cfg()
        result.merge_from_file(os.path.join(sources, "configs", "Base-RCNN-C4.yaml"))
        result.merge_from_other_cfg(CfgNode(yaml.safe_load(script)))
        result.MODEL.DEVICE = "cpu"
        return result

    settings = config()
    settings.MODEL.RESNETS.OUT_FEATURES = ["res5"]
    backbone = build_resnet_backbone(settings, ShapeSpec(channels=3)).eval()
    left = DetectionCheckpointer(backbone)._load_model(DetectionCheckpointer(backbone)._load_file(path))
    if left.missing_keys or left.incorrect_shapes:
        fail(f"{path}: detectron2 misses {left.missing_keys} {left.incorrect_shapes}")
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (settings.MODEL.PIXEL_MEAN, settings.MODEL.PIXEL_STD))
    with torch.inference_mode():
        maps = backbone((crop(images, crop_side) * 255 - mean) / std)["res5"]
    compare(f"{name} detectron2 backbone", maps.mean((2, 3)).numpy(), expected)

    if arch != "resnet50":
        return
    model = build_model(config())
    DetectionCheckpointer(model).load(path)
    arrays = DetectionCheckpointer(model)._load_file(path)["model"]
    state = model.state_dict()
    for key, array in arrays.items():
        if key.endswith("num_batches_tracked"):
            continue
        place = ("roi_heads." if key.startswith("res5") else "backbone.") + key
        if not np.array_equal(state[place].numpy(), array):
            fail(f"{path}: {place} of R50-C4 is not {key}")
    print(f"{name} detectron2 R50-C4: every weight in its place", flush=True)


def check_probe(folder, encoder, script):
    """hl-probe on the encoder beside scikit-learn on torchvision's features, at one penalty."""
    from sklearn.linear_model import LogisticRegression

    sets = []
    for name, seed, count in ("train", 1, 1500), ("test", 2, 2000):
        run(f"hl-sample -q --clean --seed {seed} -n {count} --render -o {folder}/{name}.hls")
        stream = read(f"{folder}/{name}.hls")
        sets.append((in_torch(script, torch.from_numpy(stream["x.0"]).float() / 255), stream["y"]))
    penalty = 1
    report = json.loads(run(
        f"hl-probe -q --json --recipe lbfgs --penalty {penalty} --encoder {encoder} --train {folder}/train.hls"
        f" --test {folder}/test.hls"))
    (features, labels), (held_out, truth) = sets
    classifier = LogisticRegression(C=1 / penalty, tol=1e-6, max_iter=10000)
    accuracy = 100 * classifier.fit(features.astype(np.float64), labels).score(held_out, truth)
    ours = report["linear"]["top1"]["mean"]
    print(f"linear classifier: hl-probe {ours:.2f} %, scikit-learn on torchvision's features {accuracy:.2f} %", flush=True)
    if not abs(accuracy - ours) <= 0.1:
        fail("the classifiers differ by more than 0.1 points")

    # hl-probe's own classifier, with features as they are and of unit length, in torchvision, timm and onnxruntime.
    images = torch.from_numpy(read(f"{folder}/test.hls")["x.0"]).float() / 255
    for features in "raw", "unit":
        report = json.loads(run(
            f"hl-probe -q --json --recipe lbfgs --penalty {penalty} --features {features} --encoder {encoder}"
            f" --train {folder}/train.hls --test {folder}/test.hls -o {folder}/classifier.safetensors"))
        ours = report["linear"]["top1"]["mean"]
        options = f"--encoder {folder}/classifier.safetensors --classifier"
        names = {"images": crop(images, SIDE * 7 // 8).numpy()}
        exec(compile(run(f"hl-export -q {options} -o {folder}/c.onnx"), "printed", "exec"), names)
        found = {"onnxruntime": names["scores"]}
        if features == "raw":
            for library in "torchvision", "timm":
                found[library] = in_torch(run(f"hl-export -q {options} --names {library} -o {folder}/c.pth"), images)
        for library, scores in found.items():
            accuracy = 100 * (scores.argmax(1) == truth).mean()
            print(f"classifier on {features} features: hl-probe {ours:.2f} %, {library} {accuracy:.2f} %", flush=True)
            if not abs(accuracy - ours) <= 0.1:
                fail("the accuracies differ by more than 0.1 points")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--detectron2", help="folder of detectron2's sources")
    parser.add_argument("--samples", type=int, default=96, help="images to compare features of (96)")
    parser.add_argument("--encoder", help="compare classifiers on this encoder of hl-train alone, for images of 64 pixels")
    parser.add_argument("--only", default="", help="a part of the name of the encoders to check")
    arguments = parser.parse_args()
    if arguments.detectron2:
        sys.path.insert(0, arguments.detectron2)

    with tempfile.TemporaryDirectory() as folder:
        if arguments.encoder:
            encoder = os.path.abspath(arguments.encoder)
            check_probe(folder, encoder, run(f"hl-export -q --encoder {encoder} -o {folder}/encoder.pth"))
            return
        os.chdir(folder)
        run(f"hl-sample -q --seed 3 -n {arguments.samples} --size {SIDE} --render -o images.hls")
        images = torch.from_numpy(read("images.hls")["x.0"]).float() / 255
        for name, arch, width, stem, others in ENCODERS:
            if arguments.only not in name:
                continue
            encoder = f"{name}.safetensors"
            run(f"hl-sample -q -n 96 | hl-perturb -q --chunks 1-5 | hl-train -q --arch {arch} --width {width} --stem {stem}"
                f" --batch 32 -n 96 -o {encoder}")
            run(f"hl-encode -q --encoder {encoder} images.hls -o e.hls")
            expected = read("e.hls")["e.0"]
            with safe_open(encoder, "np") as file:
                crop_side = json.loads(file.metadata()["hl.encoder"])["crop"]
            for library in ("torchvision", "timm") + tuple(o for o in others if o != "detectron2"):
                for ending in "pth", "safetensors":
                    path = f"{name}-{library}.{ending}"
                    script = run(f"hl-export -q --encoder {encoder} --names {library} -o {path}")
                    if ending == "pth" and check_archive(path) != script:
                        fail(f"{path}: the lines in the file are others")
                    compare(f"{name} {library} .{ending}", in_torch(script, images), expected)
            script = run(f"hl-export -q --encoder {encoder} -o {name}.onnx")
            check_onnx(name, f"{name}.onnx", images, expected, script, crop_side)
            if arguments.detectron2 and "detectron2" in others:
                script = run(f"hl-export -q --encoder {encoder} -o {name}.pkl")
                check_detectron2(
                    name, f"{name}.pkl", arch, script, images, expected, crop_side, arguments.detectron2)
            # What comes back is the encoder, with what is done to images.
            for path in f"{name}-torchvision.safetensors", f"{name}-lightly.pth":
                run(f"hl-encode -q --encoder {path} images.hls -o again.hls")
                if not np.array_equal(read("again.hls")["e.0"], expected):
                    fail(f"{path} gives hl-encode other embeddings")
            if name == "r18w16":
                check_probe(folder, encoder, run(f"hl-export -q --encoder {encoder} -o {name}.pth"))
        check_efficientnet(images, arguments.only)


def check_efficientnet(images, only):
    """Weights of timm's own, without training: batch norms get the statistics of the images, so that features differ."""
    import timm
    from safetensors.torch import save_file

    for arch in "tf_efficientnet_lite0", "efficientnet_lite0":
        if only not in arch:
            continue
        torch.manual_seed(0)
        module = timm.create_model(arch, num_classes=10).train()
        with torch.no_grad():
            module(torchvision.transforms.functional.normalize(crop(images, 56), (0.5,) * 3, (0.5,) * 3))
        save_file(module.state_dict(), f"{arch}.safetensors")
        options = f"--encoder {arch}.safetensors --arch {arch} --side {SIDE}"
        run(f"hl-encode -q {options} images.hls -o e.hls")
        expected = read("e.hls")["e.0"]
        for ending in "pth", "safetensors":
            script = run(f"hl-export -q {options} -o out-{arch}.{ending}")
            compare(f"{arch} timm .{ending}", in_torch(script, images), expected)
        script = run(f"hl-export -q {options} -o {arch}.onnx")
        check_onnx(arch, f"{arch}.onnx", images, expected, script, 56)
        layers = "reduction_2+reduction_5+logits"
        run(f"hl-encode -q {options} --layer {layers} images.hls -o e.hls")
        script = run(f"hl-export -q {options} --layer {layers} -o {arch}.onnx")
        check_onnx(f"{arch} {layers}", f"{arch}.onnx", images, read("e.hls")["e.0"], script, 56)


if __name__ == "__main__":
    main()
