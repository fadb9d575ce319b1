"""Makes the parity fixture of the methods that take many views of a sample, StableRep on SimCLR's network and LeJEPA, with
real torch and torchvision.

    python make_views_fixtures.py [DIRECTORY]      (default: the directory of this script)

Both are written here from their papers and the facts of their published code; the losses are those of
Tests/Support/reference.py. README.md beside this script describes views.safetensors.
"""

import json
import math
import os
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F
from scipy.special import ndtri
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Support"))
from formula import check_philox, fill, images, philox, summary
from make_momentum_fixtures import BATCH, FEATURES, SIDE, narrow_resnet18
from reference import lejepa, multi_positive, relative, store

STEPS, VIEWS = 10, 4


class StableRep(nn.Module):
    """SimCLR's head with batch norm, F-F-32; every view is a forward pass of its own."""

    rate, floor, warmup = 0.03, 0.001, 0

    def __init__(self):
        super().__init__()
        self.backbone = narrow_resnet18()
        self.head = nn.Sequential(
            nn.Linear(FEATURES, FEATURES), nn.BatchNorm1d(FEATURES), nn.ReLU(), nn.Linear(FEATURES, 32),
            nn.BatchNorm1d(32, affine=False),
        )
        fill(self.head.double(), "head.")

    def optimiser(self):
        return torch.optim.SGD(self.parameters(), lr=0, momentum=0.9, weight_decay=1e-4)

    def forward(self, views, step):
        return multi_positive([self.head(self.backbone(x)) for x in views], 0.1, 0.1 / 0.07)


def directions(step, count, dimension, seed):
    """Those that hl-train draws: Philox' words through the quantile function, to unit length."""
    key = philox([[15, 0, 0, step]], (seed & 0xFFFFFFFF, seed >> 32))[0]
    blocks = (dimension + 3) // 4
    rows = [
        philox([[b, 0, row, 0] for b in range(blocks)], (int(key[0]), int(key[1]))).reshape(-1)[:dimension]
        for row in range(count)
    ]
    normal = ndtri((np.array(rows, np.float64) + 0.5) / 2**32)
    return F.normalize(torch.from_numpy(normal), dim=1)


class LeJEPA(nn.Module):
    """Head F-64-64-8 as torchvision's MLP, whose layers that drop nothing out have numbers too."""

    rate, floor, warmup, seed = 2e-4, 0.001, 2, 3

    def __init__(self):
        super().__init__()
        self.backbone = narrow_resnet18()
        self.proj = nn.Sequential(
            nn.Linear(FEATURES, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Identity(),
            nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Identity(), nn.Linear(64, 8),
        )
        fill(self.proj.double(), "proj.")

    def optimiser(self):
        return torch.optim.AdamW(self.parameters(), lr=0, weight_decay=5e-4)

    def forward(self, views, step):
        z = torch.stack([self.proj(self.backbone(x)) for x in views])
        return lejepa(z, directions(step, 24, 8, self.seed).to(z.dtype), 0.1)


def rate(kind, step):
    if step < kind.warmup:
        return kind.rate * step / kind.warmup
    progress = (step - kind.warmup) / (STEPS - kind.warmup)
    return kind.rate * (kind.floor + (1 - kind.floor) * 0.5 * (1 + math.cos(math.pi * progress)))


def train(kind, dtype):
    model = kind().to(dtype).train()
    optimiser = model.optimiser()
    losses = []
    for step in range(STEPS):
        optimiser.param_groups[0]["lr"] = rate(kind, step)
        views = [images(f"step{step}.view{v}", f"step{step}.scene", BATCH, SIDE).to(dtype) for v in range(VIEWS)]
        loss = model(views, step)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return model, losses


def make_views(directory):
    tensors, metadata = {}, {}
    for name, kind in (("stablerep", StableRep), ("lejepa", LeJEPA)):
        model, losses = train(kind, torch.float64)
        other, single = train(kind, torch.float32)
        tensors[f"{name}.losses"] = torch.tensor(losses, dtype=torch.float64)
        tensors[f"{name}.rates"] = torch.tensor([rate(kind, s) for s in range(STEPS)], dtype=torch.float64)
        named = list(model.named_parameters())
        tensors[f"{name}.parameters"] = torch.stack([summary(p) for _, p in named])
        metadata[f"{name}.parameters"] = json.dumps([n.removeprefix("backbone.") for n, _ in named])
        norms = [(n, m) for n, m in model.named_modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
        tensors[f"{name}.running_mean"] = torch.stack([summary(m.running_mean) for _, m in norms])
        tensors[f"{name}.running_var"] = torch.stack([summary(m.running_var) for _, m in norms])
        metadata[f"{name}.norms"] = json.dumps([n.removeprefix("backbone.") for n, _ in norms])
        deviation = {"losses": max(abs(a - b) / abs(b) for a, b in zip(single, losses))}
        for (n, p), q in zip(named, other.parameters()):
            deviation[n] = relative(q, p)
        worst = sorted(deviation, key=deviation.get)[-6:]
        metadata[f"{name}.float32_deviation"] = json.dumps({k: float(f"{deviation[k]:.3g}") for k in ["losses", *worst]})
        print(name, ["%.6f" % v for v in losses], metadata[f"{name}.float32_deviation"])
    store(os.path.join(directory, "views.safetensors"), tensors, **metadata)


if __name__ == "__main__":
    check_philox()
    make_views(sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__)))
