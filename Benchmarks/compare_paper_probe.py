"""Compares hl-probe --recipe paper with its transcription into PyTorch, from the same weights and in the same order.

    python compare_paper_probe.py --train train.hls --test test.hls

Both sets are streams of embeddings with labels (hl-encode). The transcription is that of MoCo's and SimSiam's linear
evaluation with the paper's settings: torch.nn.Linear, SGD with momentum 0.9 and rate 30, no decay, cross-entropy, batches
of 256, 60 epochs, half a cosine to 0 step by step. Initial weights and orders are those of hl-probe's seed, computed here
from its definition: Philox4x32-10, quantiles of N(0, 0.01), and 40 rounds of swap-or-not. Prints top-1 and top-5 of both
for each seed and the largest difference in points; leaves with 1 where it is above --within. Rounding grows at rate 30:
--double also runs the transcription in float64, to tell how far PyTorch is from itself.
"""

import argparse
import json
import math
import pathlib
import subprocess
import sys

import numpy as np
import scipy.stats
import torch
from compare_probes import read

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Tests" / "Support"))
from formula import philox

INITIALISATION, PROBE_ORDER = 4, 9


def key(seed, purpose, epoch=0):
    """The key of a purpose: half of the block at counter (purpose, view, group, epoch) under the seed."""
    return tuple(int(word) for word in philox([[purpose, 0, 0, epoch]], (seed & 0xFFFFFFFF, seed >> 32))[0][:2])


def initial_weight(seed, classes, width):
    """N(0, 0.01) of the parameter `weight`, whose sequence is the FNV-1a hash of that name."""
    sequence = 0xCBF29CE484222325
    for byte in b"weight":
        sequence = ((sequence ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    count = classes * width
    counters = np.zeros((math.ceil(count / 4), 4), np.uint64)
    counters[:, 0] = np.arange(len(counters))
    counters[:, 2], counters[:, 3] = sequence & 0xFFFFFFFF, sequence >> 32
    words = philox(counters, key(seed, INITIALISATION)).reshape(-1)[:count].astype(float)
    return torch.tensor(0.01 * scipy.stats.norm.ppf((words + 0.5) / 2**32), dtype=torch.float32).reshape(classes, width)


def order(count, seed, epoch):
    """The order of an epoch: 40 rounds of swap-or-not over all places at once."""
    own = key(seed, PROBE_ORDER, epoch)
    numbers = [int(w) for w in philox([[b, 0, 0xFFFFFFFF, 0xFFFFFFFF] for b in range(20)], own).reshape(-1)]
    counters = np.zeros((count, 4), np.uint64)
    counters[:, 2] = np.arange(count)
    bits = philox(counters, own).astype(np.int64)
    places = np.arange(count, dtype=np.int64)
    for turn in range(40):
        pairing = (numbers[2 * turn] | numbers[2 * turn + 1] << 32) * count >> 64
        partners = (pairing - places) % count
        larger = np.maximum(places, partners)
        places = np.where(bits[larger, turn // 32] >> turn % 32 & 1, partners, places)
    return torch.from_numpy(places)


def transcription(train, labels, test, asked, classes, seed, epochs, batch, rate):
    """Top-1 and top-5 in percent, computed in the features' precision."""
    layer = torch.nn.Linear(train.shape[1], classes, dtype=train.dtype)
    with torch.no_grad():
        layer.weight.copy_(initial_weight(seed, classes, train.shape[1]))
        layer.bias.zero_()
    optimizer = torch.optim.SGD(layer.parameters(), lr=rate, momentum=0.9, weight_decay=0)
    steps, step = epochs * math.ceil(len(labels) / batch), 0
    for epoch in range(epochs):
        for rows in order(len(labels), seed, epoch).split(batch):
            for group in optimizer.param_groups:
                group["lr"] = rate * 0.5 * (1 + math.cos(math.pi * step / steps))
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(layer(train[rows]), labels[rows]).backward()
            optimizer.step()
            step += 1
    with torch.no_grad():
        best = layer(test).topk(min(5, classes)).indices == asked[:, None]
    return 100 * best[:, 0].double().mean().item(), 100 * best.any(1).double().mean().item()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    here = pathlib.Path(__file__).resolve().parent
    parser.add_argument("--train", required=True, metavar="FILE", help="stream of embeddings with labels")
    parser.add_argument("--test", required=True, metavar="FILE", help="another one, of the same classes")
    parser.add_argument("--ours", default=str(here.parent / ".build/release/hl-probe"))
    parser.add_argument("--seeds", type=int, default=2, help="seeds from 0 on (2)")
    parser.add_argument("--epochs", type=int, default=60, help="(60)")
    parser.add_argument("--batch", type=int, default=256, help="(256)")
    parser.add_argument("--rate", type=float, default=30, help="(30)")
    parser.add_argument("--within", type=float, default=0.5, help="points that top-1 may differ by (0.5)")
    parser.add_argument("--double", action="store_true", help="also run the transcription in float64")
    options = parser.parse_args()
    command = [
        options.ours, "--recipe", "paper", "--train", options.train, "--test", options.test, "--json", "--quiet",
        "--seeds", str(options.seeds), "--epochs", str(options.epochs), "--batch", str(options.batch),
        "--learning-rate", str(options.rate)]
    report = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["linear"]
    (train, labels, _), (test, asked, _) = read(options.train), read(options.test)
    # hl-probe numbers the classes of both sets from 0 without gaps, in the order of their labels.
    classes = np.unique(np.concatenate([labels, asked]))
    train, test = torch.from_numpy(train.copy()), torch.from_numpy(test.copy())
    labels, asked = (torch.from_numpy(np.searchsorted(classes, values)) for values in (labels, asked))
    differences, own = [], []
    for seed in range(options.seeds):
        rest = len(classes), seed, options.epochs, options.batch, options.rate
        top1, top5 = transcription(train, labels, test, asked, *rest)
        ours = report["top1"]["values"][seed], report["top5"]["values"][seed]
        line = f"seed {seed}: ours {ours[0]:.2f} and {ours[1]:.2f}, PyTorch {torch.__version__} {top1:.2f} and {top5:.2f}"
        if options.double:
            double = transcription(train.double(), labels, test.double(), asked, *rest)
            line += f", in float64 {double[0]:.2f} and {double[1]:.2f}"
            own.append(top1 - double[0])
        print(line, flush=True)
        differences.append(ours[0] - top1)
    worst = max(map(abs, differences))
    print(f"{len(asked)} test samples: top-1 within {worst:.2f} points, {np.mean(differences):+.2f} on average")
    if own:
        print(f"PyTorch in float32 is within {max(map(abs, own)):.2f} points of float64, {np.mean(own):+.2f} on average")
    sys.exit(worst > options.within)


if __name__ == "__main__":
    main()
