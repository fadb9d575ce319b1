"""The PyTorch peer of rendering: seconds per image and peak memory of the public generators in their own code.

    python generators_reference.py bigbigan --reference DIR --weights BigBiGAN_x1.pth --batch 8 [--gradient]
    python generators_reference.py stylegan2 --reference DIR --weights stylegan2-car-config-f.pkl --batch 1

DIR is a checkout of lukemelas/pytorch-pretrained-gans or NVlabs/stylegan2-ada-pytorch. Forward passes run in inference
mode; with --gradient also backwards to z with frozen weights. PyTorch's best counts: both memory layouts are tried, and
for StyleGAN2 modulation of the weights (its default) and of the activations, each in a process of its own, so that the
peak of memory is its own too. Prints one JSON object: the best variant, and the median of each.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time

import torch

import reference_code

VARIANTS = {
    "bigbigan": ["nchw", "channels-last"],
    "stylegan2": ["nchw", "channels-last", "nchw,activations", "channels-last,activations"],
}


class BigBiGAN:
    def __init__(self, arguments, layout, _):
        self.network = reference_code.load_bigbigan(arguments.reference, arguments.weights, layout)

    def latents(self, count):
        return torch.randn(count, self.network.dim_z).clamp(-2, 2)

    def images(self, z):
        return ((self.network(z) + 1) / 2).clamp(0, 1)


class StyleGAN2:
    def __init__(self, arguments, layout, modulation):
        self.network = reference_code.load_stylegan2(arguments.reference, arguments.weights).to(memory_format=layout)
        self.fused = modulation != "activations"
        # The first block, whose constant lacks a batch dimension, stays as it is, as in the half precision networks.
        for resolution in self.network.synthesis.block_resolutions[1:]:
            getattr(self.network.synthesis, f"b{resolution}").channels_last = layout == torch.channels_last

    def latents(self, count):
        return torch.randn(count, self.network.z_dim).clamp(-2, 2)

    def images(self, z):
        x = self.network(z, torch.zeros(len(z), self.network.c_dim), noise_mode="const", fused_modconv=self.fused)
        return ((x + 1) / 2).clamp(0, 1)


def forward(generator, z):
    with torch.inference_mode():
        return generator.images(z)


def forward_and_backward(generator, z):
    z = z.requires_grad_(True)
    images = generator.images(z)
    images.backward(torch.ones_like(images))
    return z.grad


def make(arguments):
    torch.manual_seed(0)
    layout, _, modulation = arguments.variant.partition(",")
    kind = {"bigbigan": BigBiGAN, "stylegan2": StyleGAN2}[arguments.generator]
    return kind(arguments, reference_code.LAYOUTS[layout], modulation)


def take_turns(arguments):
    """Does N passes and prints their times as JSON for every line `run N` on standard input; see compare_generators.py."""
    generator, work = make(arguments), forward_and_backward if arguments.gradient else forward
    print(json.dumps({"ready": True, "version": torch.__version__, "variant": arguments.variant}), flush=True)
    for line in sys.stdin:
        seconds = []
        for _ in range(int(line.split()[1])):
            z = generator.latents(arguments.batch)
            start = time.perf_counter()
            work(generator, z)
            seconds.append(time.perf_counter() - start)
        peak = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        print(json.dumps({"step_seconds": seconds, "peak_rss_mb": peak}), flush=True)


def measure(arguments):
    """Times one variant in this process and prints JSON."""
    generator = make(arguments)
    work, seconds = forward_and_backward if arguments.gradient else forward, []
    for turn in range(arguments.warmup + arguments.repeats):
        z = generator.latents(arguments.batch)
        start = time.perf_counter()
        work(generator, z)
        if turn >= arguments.warmup:
            seconds.append((time.perf_counter() - start) / arguments.batch)
    print(json.dumps({
        "program": "pytorch", "version": torch.__version__, "isa": torch.backends.cpu.get_cpu_capability(),
        "generator": arguments.generator, "work": "forward and backward to z" if arguments.gradient else "forward",
        "batch": arguments.batch, "threads": torch.get_num_threads(), "variant": arguments.variant,
        "seconds_per_image": {"median": round(statistics.median(seconds), 4), "min": round(min(seconds), 4)},
        "images_per_second": round(1 / statistics.median(seconds), 3),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }), flush=True)


def compare(arguments):
    """Runs every variant in a process of its own and prints the best."""
    reports = []
    for variant in VARIANTS[arguments.generator]:
        command = [sys.executable, *sys.argv, "--variant", variant]
        reports.append(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))
    best = min(reports, key=lambda report: report["seconds_per_image"]["median"])
    best["variants"] = {report["variant"]: report["seconds_per_image"]["median"] for report in reports}
    print(json.dumps(best))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("generator", choices=sorted(VARIANTS))
    parser.add_argument("--reference", required=True, metavar="DIR", help="checkout of the public repository")
    parser.add_argument("--weights", required=True, metavar="FILE", help="BigBiGAN's .pth or StyleGAN2's .pkl")
    parser.add_argument("--batch", type=int, default=8, help="images per pass (8)")
    parser.add_argument("--gradient", action="store_true", help="also backwards to z, with frozen weights")
    parser.add_argument("--threads", type=int, default=0, help="intra-op threads; 0 leaves PyTorch's choice (0)")
    parser.add_argument("--warmup", type=int, default=1, help="untimed passes (1)")
    parser.add_argument("--repeats", type=int, default=3, help="timed passes (3)")
    parser.add_argument("--variant", help="time only this one, such as nchw or channels-last,activations")
    parser.add_argument("--turns", action="store_true", help="take orders of compare_generators.py; needs --variant")
    arguments = parser.parse_args()
    if arguments.threads > 0:
        torch.set_num_threads(arguments.threads)
    if arguments.turns:
        take_turns(arguments)
    elif arguments.variant:
        measure(arguments)
    else:
        compare(arguments)


if __name__ == "__main__":
    main()
