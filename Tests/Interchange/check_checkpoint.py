"""Checks that torchvision takes the backbone of a checkpoint that hl-train wrote.

    python check_checkpoint.py encoder.safetensors --arch resnet18
    python check_checkpoint.py encoder.safetensors --images x.npy --embeddings e.npy

Loads every tensor under the prefix into torchvision's ResNet without its `fc` by `load_state_dict(strict=True)`; a
missing, unexpected or wrongly shaped tensor, or a number that is not finite, ends with exit status 1. With images
(u8 0...255 or float 0...1, [N, 3, H, W], already cropped or with --crop) and embeddings [N, d] it also compares
torchvision's features in evaluation mode with the embeddings. Needs torch, torchvision, safetensors, numpy.
"""

import argparse
import json
import sys

import numpy as np
import torch
import torchvision
from safetensors import safe_open

ARCHITECTURES = ("resnet18", "resnet34", "resnet50")


def fail(message):
    print(f"check_checkpoint.py: error: {message}", file=sys.stderr)
    sys.exit(1)


def find_architecture(metadata):
    """The first metadata value that names an architecture, plain or as a field of a JSON object."""
    for value in metadata.values():
        if value in ARCHITECTURES:
            return value
        try:
            fields = json.loads(value)
        except ValueError:
            continue
        if isinstance(fields, dict):
            for field in fields.values():
                if field in ARCHITECTURES:
                    return field
    return None


def features(network, path, crop, batch=64):
    pixels = np.load(path)
    x = torch.from_numpy(pixels.astype(np.float32))
    if pixels.dtype == np.uint8:
        x = x / 255
    if crop:
        x = torchvision.transforms.functional.center_crop(x, [crop, crop])
    x = torchvision.transforms.functional.normalize(x, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    with torch.inference_mode():
        return torch.cat([network(part) for part in x.split(batch)])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", help="safetensors file written by hl-train")
    parser.add_argument("--arch", choices=ARCHITECTURES, help="default: as the metadata say")
    parser.add_argument("--prefix", default="backbone.", help="what precedes torchvision's names (backbone.)")
    parser.add_argument("--images", help=".npy of images to embed")
    parser.add_argument("--embeddings", help=".npy of the embeddings that our programs gave for them")
    parser.add_argument("--crop", type=int, help="centre crop of the images in pixels")
    parser.add_argument("--tolerance", type=float, default=1e-3, help="greatest relative difference (0.001)")
    arguments = parser.parse_args()
    if (arguments.images is None) != (arguments.embeddings is None):
        parser.error("--images and --embeddings go together")

    with safe_open(arguments.checkpoint, framework="pt") as file:
        metadata = file.metadata() or {}
        state = {
            name[len(arguments.prefix):]: file.get_tensor(name)
            for name in file.keys() if name.startswith(arguments.prefix)
        }
    arch = arguments.arch or find_architecture(metadata)
    if arch is None:
        fail("the metadata name no architecture: give --arch")
    if not state:
        fail(f"no tensor's name begins with {arguments.prefix!r}: give --prefix")
    broken = [n for n, t in state.items() if t.is_floating_point() and not torch.isfinite(t).all()]
    if broken:
        fail(f"numbers that are not finite in {broken[0]} and {len(broken) - 1} more")

    network = getattr(torchvision.models, arch)()
    network.fc = torch.nn.Identity()
    try:
        network.load_state_dict(state, strict=True)
    except RuntimeError as error:
        fail(" ".join(str(error).split()))
    report = {"arch": arch, "tensors": len(state), "parameters": sum(p.numel() for p in network.parameters())}

    if arguments.images:
        expected = features(network.eval(), arguments.images, arguments.crop)
        found = torch.from_numpy(np.load(arguments.embeddings).astype(np.float32))
        if found.shape != expected.shape:
            fail(f"the embeddings have the shape {list(found.shape)}, torchvision's features {list(expected.shape)}")
        report["difference"] = ((found - expected).abs().max() / expected.abs().max()).item()
        if not report["difference"] <= arguments.tolerance:
            fail(f"the features differ by {report['difference']:.3g}, more than {arguments.tolerance}")
    print(json.dumps(report))


if __name__ == "__main__":
    main()
