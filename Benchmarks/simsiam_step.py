"""The PyTorch peer of the speed comparison: one SimSiam training step (forward of both views, backward, SGD).

    python simsiam_step.py --arch resnet18 --threads 2 < commands

Reads commands on stdin so that a driver can alternate it with another program in one run: `run N` does N steps and
prints one JSON line, `quit` (or the end of input) ends. With `--steps N` it runs once without reading stdin. The model
is SimSiam as its authors publish it (Chen and He, CVPR 2021) on torchvision's ResNet, channels-last, two forward passes
per step, batch norm in training mode, SGD with momentum 0.9 and weight decay 1e-4 on all parameters. With `--device cuda`
on a card.
"""

import argparse
import json
import sys

import torch
import torch.nn.functional as F
import torchvision
from torch import nn

import peer_device


class SimSiam(nn.Module):
    def __init__(self, arch):
        super().__init__()
        self.backbone = getattr(torchvision.models, arch)(zero_init_residual=True)
        width = self.backbone.fc.in_features
        self.backbone.fc = nn.Identity()
        self.projector = nn.Sequential(
            nn.Linear(width, width, bias=False), nn.BatchNorm1d(width), nn.ReLU(inplace=True),
            nn.Linear(width, width, bias=False), nn.BatchNorm1d(width), nn.ReLU(inplace=True),
            nn.Linear(width, 2048), nn.BatchNorm1d(2048, affine=False),
        )
        self.projector[6].bias.requires_grad = False
        self.predictor = nn.Sequential(
            nn.Linear(2048, 512, bias=False), nn.BatchNorm1d(512), nn.ReLU(inplace=True), nn.Linear(512, 2048)
        )

    def forward(self, x1, x2):
        z1 = self.projector(self.backbone(x1))
        z2 = self.projector(self.backbone(x2))
        p1, p2 = self.predictor(z1), self.predictor(z2)
        first = F.cosine_similarity(p1, z2.detach(), dim=1).mean()
        second = F.cosine_similarity(p2, z1.detach(), dim=1).mean()
        return -0.5 * (first + second)


def make_optimiser(model, place):
    """One launch for all parameters where there is a card."""
    fused = {"fused": True} if place.is_card else {}
    return torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4, **fused)


class Runner:
    def __init__(self, arguments):
        self.place = place = peer_device.Place(arguments)
        torch.manual_seed(0)
        self.arguments = arguments
        layout = torch.channels_last if arguments.layout == "channels-last" else torch.contiguous_format
        self.model = SimSiam(arguments.arch).to(place.device, memory_format=layout).train()
        self.optimiser = make_optimiser(self.model, place)
        shape = (arguments.batch, 3, arguments.side, arguments.side)
        self.views = [torch.randn(shape).to(place.device).contiguous(memory_format=layout) for _ in range(2)]

        self.loss = torch.compile(self.model) if arguments.compile else self.model
        if torch.distributed.is_initialized():
            # Batch norm is each rank's own: PyTorch's synchronised one does not run on processors.
            self.loss = nn.parallel.DistributedDataParallel(self.loss)

    def step(self):
        self.optimiser.zero_grad(set_to_none=True)
        with self.place.autocast():
            loss = self.loss(*self.views)
        loss.backward()
        self.optimiser.step()
        return loss.item()

    def run(self, steps):
        """Times `steps` steps and prints their seconds, the pairs per second of their median, the peak memory."""
        seconds = []
        for _ in range(steps):
            time, loss = self.place.timed(self.step)
            seconds.append(round(time, 6))
        median = sorted(seconds)[len(seconds) // 2]
        report = {
            "program": "pytorch",
            "version": torch.__version__,
            "isa": self.place.name,
            "arch": self.arguments.arch,
            "side": self.arguments.side,
            "batch": self.arguments.batch,
            "threads": torch.get_num_threads(),
            "layout": self.arguments.layout,
            "precision": self.arguments.precision + (", compiled" if self.arguments.compile else ""),
            "loss": round(loss, 6),
            "step_seconds": seconds,
            "pairs_per_second": round(self.arguments.batch / median, 3),
            **self.place.peaks(),
        }
        print(json.dumps(report), flush=True)

    def profile(self, steps):
        """Prints where the time of `steps` steps goes, by kind of operator, as shares of the self CPU time."""
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profiler:
            for _ in range(steps):
                self.step()
        kinds = {
            "convolution forward": ("mkldnn_convolution",),
            "convolution backward": ("convolution_backward",),
            "batch norm forward": ("native_batch_norm",),
            "batch norm backward": ("native_batch_norm_backward",),
            "matrix products": ("aten::mm", "aten::addmm"),
            "ReLU": ("clamp_min", "threshold_backward"),
            "pooling and mean": ("max_pool2d", "aten::mean", "adaptive_avg"),
            "additions": ("aten::add", "aten::add_"),
            "optimiser": ("_foreach",),
        }
        shares, events = dict.fromkeys([*kinds, "rest"], 0.0), profiler.key_averages()
        total = sum(event.self_cpu_time_total for event in events)
        for event in events:
            matches = [k for k, parts in kinds.items() if any(
                event.key == p if p in ("aten::add", "aten::add_", "aten::mm") else p in event.key for p in parts)]
            shares[matches[-1] if matches else "rest"] += event.self_cpu_time_total / total
        report = {k: round(100 * v, 1) for k, v in shares.items()}
        print(json.dumps({"arch": self.arguments.arch, "self_cpu_percent": report}), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--arch", choices=["resnet18", "resnet34", "resnet50"], default="resnet18")
    parser.add_argument("--batch", type=int, default=32, help="pairs per step (32)")
    parser.add_argument("--side", type=int, default=112, help="image height and width in pixels (112)")
    parser.add_argument("--threads", type=int, default=0, help="intra-op threads; 0 leaves PyTorch's choice (0)")
    parser.add_argument("--layout", choices=["channels-last", "nchw"], default="channels-last")
    peer_device.add_options(parser)
    parser.add_argument("--compile", action="store_true", help="by torch.compile")
    parser.add_argument("--warmup", type=int, default=4, help="untimed steps before the first command (4)")
    parser.add_argument("--steps", type=int, help="time this many steps and end, without reading stdin")
    parser.add_argument("--profile", type=int, metavar="N", help="profile N steps and end, without reading stdin")
    arguments = parser.parse_args()
    if arguments.threads > 0:
        torch.set_num_threads(arguments.threads)
    runner = Runner(arguments)
    for _ in range(arguments.warmup):
        runner.step()
    if arguments.profile:
        return runner.profile(arguments.profile)
    if arguments.steps:
        return runner.run(arguments.steps)
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        words = line.split()
        if words == ["quit"]:
            return 0
        if len(words) == 2 and words[0] == "run" and words[1].isdigit() and int(words[1]) > 0:
            runner.run(int(words[1]))
        elif words:
            print(f"simsiam_step.py: error: unknown command {line.strip()!r}: run N or quit", file=sys.stderr)
            return 64
    return 0


if __name__ == "__main__":
    sys.exit(main())
