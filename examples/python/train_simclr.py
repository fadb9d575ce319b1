#!/usr/bin/env python3
"""SimCLR in PyTorch on views that come through a pipe. The encoder that it leaves is one for hl-encode and hl-probe.

    hl-sample | hl-perturb --chunks 1-5 --render | python3 train_simclr.py --samples 65536 -o encoder.safetensors
    hl-probe --train train.hls --test test.hls --encoder encoder.safetensors

The stream's views are the augmentation here: images are cropped to their centres and normalised, nothing else.
"""

from __future__ import annotations

import argparse
import itertools

import torch
from torch.nn import functional

from hlviews import Backbone, Header, StreamReader, Transform, history_entry, save_encoder, to_tensors


def info_nce(a: torch.Tensor, b: torch.Tensor, temperature: float) -> torch.Tensor:
    """SimCLR's loss of projections [B, d] of two views: each of the 2B finds its partner among the others."""
    z = functional.normalize(torch.cat([a, b]), dim=1)
    similarities = (z @ z.T / temperature).fill_diagonal_(-torch.inf)
    partners = torch.arange(2 * len(a), device=z.device).roll(len(a))
    return functional.cross_entropy(similarities, partners)


def history(header: Header, arguments: argparse.Namespace) -> list[dict]:
    """Of the stream, with this training last."""
    words = [f"--{name}={value}" for name, value in vars(arguments).items()]
    return [*header.history, history_entry("train_simclr.py", "1", words, arguments.seed)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stream", nargs="?", default="-", help="stream with images of views 0 and 1; default stdin")
    parser.add_argument("-o", "--output", default="encoder.safetensors")
    parser.add_argument("--samples", type=int, default=65536, help="pairs to train on")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--arch", default="resnet18")
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--stem", default="imagenet")
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--temperature", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    torch.manual_seed(arguments.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    backbone = Backbone(arguments.arch, arguments.width, arguments.stem)
    d = backbone.features
    # As in SimCLR's code: without batch norm the first steps learn next to nothing.
    head = torch.nn.Sequential(
        torch.nn.Linear(d, d),
        torch.nn.BatchNorm1d(d),
        torch.nn.ReLU(),
        torch.nn.Linear(d, 128),
        torch.nn.BatchNorm1d(128, affine=False),
    )
    network = torch.nn.Sequential(backbone, head).to(device).train()
    optimiser = torch.optim.Adam(network.parameters(), arguments.learning_rate)
    steps = arguments.samples // arguments.batch

    with StreamReader(arguments.stream) as stream:
        step = 0
        for batch in itertools.islice(stream.batches(arguments.batch, drop_last=True), steps):
            tensors = to_tensors(batch, ["x.0", "x.1"])
            if not step:
                side = tensors["x.0"].shape[-1]
                transform = Transform(side, (7 * side + 4) // 8)
            x = torch.cat([transform(images.to(device)) for images in tensors.values()])
            loss = info_nce(*network(x).chunk(2), arguments.temperature)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            step += 1
            if step % 10 == 0 or step == steps:
                print(f"step {step} of {steps}, loss {loss.item():.4f}", flush=True)
    if step < steps:
        parser.error(f"the stream ended after {step} of {steps} steps: lower --samples")
    settings = {"method": "simclr", "temperature": arguments.temperature, "steps": steps, "batch": arguments.batch}
    labels = any((header.generator or {}).get("has_seen_labels") for header in stream.headers)
    save_encoder(
        arguments.output, backbone, side=side, crop=transform.crop, history=history(stream.header, arguments),
        training=settings, supervision="labels that its generator has seen" if labels else None,
    )  # fmt: skip


if __name__ == "__main__":
    main()
