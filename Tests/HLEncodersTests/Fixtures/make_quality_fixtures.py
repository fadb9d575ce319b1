"""Makes the parity fixture of the worth of pairs, with real torch.

    python make_quality_fixtures.py [DIRECTORY]      (default: the directory of this script)

GenView++'s weights (util/quality_driven_weight.py of its code), written here from what that computes: foreground maps from
0 to 1 and their complements, divided by their sums; features as sums of tokens by these; cosines; exp of the difference.
The direction that a map goes along is the first right singular vector of the image's own tokens, by torch.linalg.svd.
README.md beside this script describes quality.safetensors.
"""

import os
import pathlib
import sys

import torch
import torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Support"))
from formula import check_philox, rounded, uniform
from reference import store

SHAPE = (6, 9, 3, 4)


def maps(name, shift):
    """[B, C, H, W]: with a shift of 0.3 as behind a ReLU, with 0.5 of both signs."""
    x = uniform(name, SHAPE) - shift
    return rounded(x.clip(min=0) if shift < 0.5 else x)


def masks(tokens):
    """tokens [B, P, C] → foreground and background [B, P]."""
    direction = torch.linalg.svd(tokens, full_matrices=False).Vh[:, 0]
    along = torch.einsum("bpc,bc->bp", tokens, direction)
    along = along * torch.sign(along.sum(1, keepdim=True))
    least, greatest = along.min(1, keepdim=True).values, along.max(1, keepdim=True).values
    front = (along - least) / (greatest - least)
    return [m / (m.sum(1, keepdim=True) + 1e-7) for m in (front, 1 - front)]


def features(x):
    tokens = x.flatten(2).transpose(1, 2)
    return [torch.einsum("bp,bpc->bc", mask, tokens) for mask in masks(tokens)]


def make(directory):
    tensors = {}
    for name, shift in (("relu", 0.3), ("signed", 0.5)):
        pairs = zip(*(features(maps(f"quality.{name}.{view}", shift)) for view in (0, 1)))
        front, back = (F.cosine_similarity(a, b, dim=1) for a, b in pairs)
        tensors[f"{name}.foreground"], tensors[f"{name}.background"] = front, back
        for sensitivity in (1, 2):
            tensors[f"{name}.worth_{sensitivity}"] = torch.exp(sensitivity * (front - back))
    store(os.path.join(directory, "quality.safetensors"), tensors)
    for name, tensor in tensors.items():
        print(name, [round(x, 4) for x in tensor.tolist()])


if __name__ == "__main__":
    check_philox()
    make(sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__)))
