"""The Python peer of `hl-sample | hl-perturb --walker | hl-delta`: 1 M BigBiGAN latents, walked and measured.

    python truncnorm_walker.py [--walker WALKER.pth] [-n 1000000] [--threads 2] [--skip-scipy]

Two ways to draw N^t(0, 1, 2): scipy's truncnorm.rvs, as the public code of this line of work calls it, and the inverse
distribution function by scipy.special.ndtri over whole arrays. Then T(z) = Linear-ReLU-Linear in PyTorch over batches,
and delta per chunk (mean and standard deviation of the L2 norm of T(z)). Prints one JSON line per way with its seconds.
Without `--walker` the weights are random: the times are the same, delta means nothing.
"""

import argparse
import json
import pickle
import resource
import sys
import time

import numpy as np
import torch
from scipy.special import ndtr, ndtri
from scipy.stats import truncnorm
from torch import nn

CHUNKS, WIDTH = 6, 20


def draw_scipy(count, random):
    return truncnorm.rvs(-2, 2, size=(count, CHUNKS * WIDTH), random_state=random).astype(np.float32)


def draw_ndtri(count, random):
    low, high = ndtr(-2.0), ndtr(2.0)
    out = np.empty((count, CHUNKS * WIDTH), np.float32)
    for start in range(0, count, 8192):
        rows = out[start:start + 8192]
        rows[:] = ndtri(low + (high - low) * random.random_sample(rows.shape))
    return out


class NonlinearWalk(nn.Module):
    """Stands for the class that the published walker was pickled with."""

    def __init__(self, width=CHUNKS * WIDTH):
        super().__init__()
        self.walker = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))

    def forward(self, z):
        return self.walker(z)


def load_walker(path):
    """The published file holds a whole pickled module: only load a file that you trust."""
    sys.modules["__main__"].NonlinearWalk = NonlinearWalk

    class Unpickler(pickle.Unpickler):
        def find_class(self, module, name):
            return NonlinearWalk if name == "NonlinearWalk" else super().find_class(module, name)

    reader = type("reader", (), {"Unpickler": Unpickler, "load": pickle.load, "__name__": "pickle"})
    walker = torch.load(path, map_location="cpu", weights_only=False, pickle_module=reader)["nn_walker"]
    return getattr(walker, "module", walker).eval()


def measure(walker, z, batch):
    norms = []
    with torch.inference_mode():
        for rows in torch.from_numpy(z).split(batch):
            norms.append(walker(rows).view(-1, CHUNKS, WIDTH).norm(dim=2))
    return torch.cat(norms)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=1_000_000, help="latents (1000000)")
    parser.add_argument("--walker", help="published walker (.pth); random weights without it")
    parser.add_argument("--batch", type=int, default=8192, help="latents per forward pass (8192)")
    parser.add_argument("--threads", type=int, default=0, help="PyTorch threads; 0 leaves PyTorch's choice (0)")
    parser.add_argument("--skip-scipy", action="store_true", help="leave out the slow way")
    arguments = parser.parse_args()
    if arguments.threads > 0:
        torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    walker = load_walker(arguments.walker) if arguments.walker else NonlinearWalk().eval()
    ways = {"ndtri": draw_ndtri, "scipy.stats.truncnorm": draw_scipy}
    for name, draw in ways.items():
        if name != "ndtri" and arguments.skip_scipy:
            continue
        start = time.perf_counter()
        z = draw(arguments.n, np.random.RandomState(0))
        drawn = time.perf_counter()
        delta = measure(walker, z, arguments.batch)
        end = time.perf_counter()
        print(json.dumps({
            "program": "python", "way": name, "n": arguments.n, "threads": torch.get_num_threads(),
            "draw_seconds": round(drawn - start, 3), "walk_seconds": round(end - drawn, 3),
            "total_seconds": round(end - start, 3),
            "delta_mean": [round(v, 4) for v in delta.mean(0).tolist()],
            "delta_std": [round(v, 4) for v in delta.std(0).tolist()],
            "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        }), flush=True)
        del z


if __name__ == "__main__":
    main()
