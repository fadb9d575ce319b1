"""The PyTorch peer of the speed comparison: one step of a hierarchical generator's training, discriminator and generator.

    python gan_step.py --batch 32 --threads 2 < commands

Reads commands on stdin so that a driver can alternate it with another program in one run: `run N` does N steps and
prints one JSON line, `quit` (or the end of input) ends. The generator is that of BigBiGAN's public code (Brock et al.
2019; spectral norm by one power iteration, conditional batch norm), the discriminator made of its blocks, hinge loss,
Adam, and a running average of the generator. It does nothing that need not be done: real and generated images in one
call, no gradient to the discriminator's weights in the generator's step, shortcuts' 1 x 1 convolutions at the smaller
side. `--precision bf16` runs both networks under autocast.
"""

import argparse
import copy
import json
import resource
import statistics
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

CHUNK, SHARED, CLASSES = 20, 8, 10
GENERATOR = {32: (4, 4, 2, 1), 64: (16, 16, 8, 4, 2), 128: (16, 16, 8, 4, 2, 1)}
DISCRIMINATOR = {32: (1, 2, 4, 4), 64: (1, 2, 4, 8, 16), 128: (1, 2, 4, 8, 16, 16)}


class Spectral(nn.Module):
    """A convolution or linear layer whose weight is divided by its largest singular value."""

    def __init__(self, *shape, bias=True):
        super().__init__()
        self.weight = nn.Parameter(nn.init.orthogonal_(torch.empty(shape)))
        self.bias = nn.Parameter(torch.zeros(shape[0])) if bias else None
        self.register_buffer("u0", torch.randn(1, shape[0]))

    def normalised(self):
        matrix = self.weight.flatten(1)
        with torch.no_grad():
            v = F.normalize(self.u0 @ matrix, eps=1e-4)
            u = F.normalize(v @ matrix.t(), eps=1e-4)
            self.u0.copy_(u)
        return self.weight / (v @ matrix.t() @ u.t()).squeeze()

    def forward(self, x):
        weight = self.normalised()
        if weight.dim() == 2:
            return F.linear(x, weight, self.bias)
        return F.conv2d(x, weight, self.bias, padding=weight.shape[-1] // 2)


class ConditionalNorm(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.gain = Spectral(channels, SHARED + CHUNK, bias=False)
        self.bias = Spectral(channels, SHARED + CHUNK, bias=False)

    def forward(self, x, y):
        gain, bias = 1 + self.gain(y), self.bias(y)
        x = F.batch_norm(x, None, None, training=True, eps=1e-4)
        return torch.addcmul(bias[:, :, None, None].to(x.dtype), x, gain[:, :, None, None].to(x.dtype))


class GeneratorBlock(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv1, self.conv2 = Spectral(outputs, inputs, 3, 3, bias=False), Spectral(outputs, outputs, 3, 3, bias=False)
        self.conv_sc = Spectral(outputs, inputs, 1, 1, bias=False)
        self.bn1, self.bn2 = ConditionalNorm(inputs), ConditionalNorm(outputs)

    def forward(self, x, y):
        h = F.interpolate(F.relu(self.bn1(x, y), inplace=True), scale_factor=2)
        h = self.conv2(F.relu(self.bn2(self.conv1(h), y), inplace=True))
        return h + F.interpolate(self.conv_sc(x), scale_factor=2)


class Generator(nn.Module):
    def __init__(self, side, width):
        super().__init__()
        widths = [width * k for k in GENERATOR[side]]
        self.chunks = len(widths)
        self.shared = nn.Parameter(nn.init.orthogonal_(torch.empty(1, SHARED)))
        self.linear = Spectral(16 * widths[0], CHUNK)
        self.blocks = nn.ModuleList([GeneratorBlock(i, o) for i, o in zip(widths, widths[1:])])
        self.norm, self.output = nn.BatchNorm2d(widths[-1]), Spectral(3, widths[-1], 3, 3)

    def forward(self, z, layout):
        label = self.shared.expand(len(z), -1)
        x = self.linear(z[:, 0]).view(len(z), -1, 4, 4).contiguous(memory_format=layout)
        for index, block in enumerate(self.blocks):
            x = block(x, torch.cat([label, z[:, index + 1]], 1))
        return torch.tanh(self.output(F.relu(self.norm(x), inplace=True)).float())


class DiscriminatorBlock(nn.Module):
    def __init__(self, inputs, outputs, first, halves):
        super().__init__()
        self.conv1, self.conv2 = Spectral(outputs, inputs, 3, 3), Spectral(outputs, outputs, 3, 3)
        self.conv_sc = Spectral(outputs, inputs, 1, 1, bias=False) if inputs != outputs or halves else None
        self.first, self.halves = first, halves

    def forward(self, x):
        h = self.conv2(F.relu(self.conv1(x if self.first else F.relu(x)), inplace=True))
        if self.halves:
            h, x = F.avg_pool2d(h, 2), F.avg_pool2d(x, 2)
        return h + (x if self.conv_sc is None else self.conv_sc(x))


class Discriminator(nn.Module):
    def __init__(self, side, width, content):
        super().__init__()
        widths = [3] + [width * k for k in DISCRIMINATOR[side]]
        self.blocks = nn.Sequential(*[DiscriminatorBlock(widths[i], widths[i + 1], i == 0, i < len(widths) - 2)
                                      for i in range(len(widths) - 1)])
        self.linear = Spectral(1, widths[-1])
        if content == "cells":
            self.embed = Spectral(CLASSES, widths[-1], bias=False)
        if content == "infonce":
            self.head = nn.Sequential(Spectral(widths[-1], widths[-1]), nn.ReLU(), Spectral(64, widths[-1]))

    def forward(self, x, labels):
        features = F.relu(self.blocks(x)).float().sum((2, 3))
        score = self.linear(features)[:, 0]
        if labels is not None:
            score = score + (self.embed.normalised()[labels] * features).sum(1)
        return score, features


def info_nce(embeddings, temperature):
    embeddings = F.normalize(embeddings.float(), dim=1)
    count = len(embeddings)
    logits = (embeddings @ embeddings.t() / temperature).masked_fill(torch.eye(count, dtype=torch.bool), float("-inf"))
    return F.cross_entropy(logits, (torch.arange(count) + count // 2) % count)


def augment(x):
    """DiffAugment's colour, translation and cutout (https://github.com/mit-han-lab/data-efficient-gans)."""
    count, _, side, _ = x.shape
    x = x + torch.rand(count, 1, 1, 1) - 0.5
    grey = x.mean(1, keepdim=True)
    x = (x - grey) * (2 * torch.rand(count, 1, 1, 1)) + grey
    mean = x.mean((1, 2, 3), keepdim=True)
    x = (x - mean) * (torch.rand(count, 1, 1, 1) + 0.5) + mean
    shift = side // 8
    grid = torch.meshgrid(torch.arange(count), torch.arange(side), torch.arange(side), indexing="ij")
    down, right = (torch.randint(-shift, shift + 1, (count, 1, 1)) for _ in range(2))
    rows, columns = (grid[1] + down + 1).clamp(0, side + 1), (grid[2] + right + 1).clamp(0, side + 1)
    x = F.pad(x, [1, 1, 1, 1]).permute(0, 2, 3, 1)[grid[0], rows, columns].permute(0, 3, 1, 2)
    size = side // 2
    grid = torch.meshgrid(torch.arange(count), torch.arange(size), torch.arange(size), indexing="ij")
    first, second = (torch.randint(0, side + 1, (count, 1, 1)) - size // 2 for _ in range(2))
    mask = torch.ones(count, side, side)
    mask[grid[0], (grid[1] + first).clamp(0, side - 1), (grid[2] + second).clamp(0, side - 1)] = 0
    return x * mask[:, None]


class Runner:
    def __init__(self, options):
        torch.manual_seed(0)
        self.options = options
        self.layout = torch.channels_last if options.layout == "channels-last" else torch.contiguous_format
        self.g = Generator(options.side, options.width)
        self.d = Discriminator(options.side, options.width, options.content)
        self.average = copy.deepcopy(self.g)
        self.g_adam = torch.optim.Adam(self.g.parameters(), 3e-4, (0.0, 0.99))
        self.d_adam = torch.optim.Adam(self.d.parameters(), 6e-4, (0.0, 0.99))
        self.images = torch.rand(options.batch, 3, options.side, options.side)

    def autocast(self):
        return torch.autocast("cpu", torch.bfloat16, enabled=self.options.precision == "bf16")

    def fake(self):
        z = torch.randn(self.options.batch, self.g.chunks, CHUNK).clamp(-2, 2)
        if self.options.content == "infonce":
            z[len(z) // 2:, 0] = z[:len(z) // 2, 0]
        with self.autocast():
            return self.g(z, self.layout), z[:, 0, :CLASSES].argmax(1) if self.options.content == "cells" else None

    def judged(self, images, labels):
        if self.options.augment == "all":
            images = augment(images)
        with self.autocast():
            return self.d(images.contiguous(memory_format=self.layout), labels)

    def head_loss(self, features):
        if self.options.content != "infonce":
            return 0
        with self.autocast():
            return 0.1 * info_nce(self.d.head(features), 0.2)

    def step(self):
        batch = self.options.batch
        with torch.no_grad():
            fake, cells = self.fake()
        real = self.images * 2 - 1
        real = torch.where(torch.rand(batch, 1, 1, 1) < 0.5, real.flip(3), real)
        labels = None if cells is None else torch.cat([torch.arange(batch) % CLASSES, cells])
        score, features = self.judged(torch.cat([real, fake]), labels)
        loss_d = F.relu(1 - score[:batch]).mean() + F.relu(1 + score[batch:]).mean()
        self.d_adam.zero_grad(set_to_none=True)
        (loss_d + self.head_loss(features[batch:])).backward()
        self.d_adam.step()
        self.d.requires_grad_(False)
        fake, cells = self.fake()
        score, features = self.judged(fake, cells)
        self.g_adam.zero_grad(set_to_none=True)
        (-score.mean() + self.head_loss(features)).backward()
        self.g_adam.step()
        self.d.requires_grad_(True)
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.g.parameters()), 0.001)
        return loss_d.item()

    def run(self, steps):
        """Times `steps` steps and prints their seconds, the images per second of their median, the peak memory."""
        seconds = []
        for _ in range(steps):
            start = time.perf_counter()
            loss = self.step()
            seconds.append(round(time.perf_counter() - start, 6))
        report = {
            "program": "pytorch", "version": torch.__version__, "isa": torch.backends.cpu.get_cpu_capability(),
            "layout": self.options.layout, "precision": self.options.precision, "threads": torch.get_num_threads(),
            "loss": round(loss, 6), "step_seconds": seconds,
            "images_per_second": round(self.options.batch / statistics.median(seconds), 2),
            "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        }
        print(json.dumps(report), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=32, help="images per step (32)")
    parser.add_argument("--side", type=int, choices=sorted(GENERATOR), default=32)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--content", choices=["none", "infonce", "cells"], default="none")
    parser.add_argument("--augment", choices=["none", "all"], default="none")
    parser.add_argument("--threads", type=int, default=0, help="intra-op threads; 0 leaves PyTorch's choice (0)")
    parser.add_argument("--layout", choices=["channels-last", "nchw"], default="channels-last")
    parser.add_argument("--precision", choices=["f32", "bf16"], default="f32")
    parser.add_argument("--steps", type=int, help="time this many steps and end, without reading stdin")
    options = parser.parse_args()
    if options.threads > 0:
        torch.set_num_threads(options.threads)
    runner = Runner(options)
    if options.steps:
        return runner.run(options.steps)
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        words = line.split()
        if words == ["quit"]:
            return 0
        if len(words) == 2 and words[0] == "run" and words[1].isdigit() and int(words[1]) > 0:
            runner.run(int(words[1]))
        elif words:
            print(f"gan_step.py: error: unknown command {line.strip()!r}: run N or quit", file=sys.stderr)
            return 64
    return 0


if __name__ == "__main__":
    sys.exit(main())
