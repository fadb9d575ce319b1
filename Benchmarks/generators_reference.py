"""The PyTorch peer of rendering: seconds per image and peak memory of the public generators in their own code.

    python generators_reference.py bigbigan --reference DIR --weights BigBiGAN_x1.pth --batch 8 [--gradient]
    python generators_reference.py stylegan2 --reference DIR --weights stylegan2-car-config-f.pkl --batch 1

DIR is a checkout of lukemelas/pytorch-pretrained-gans or NVlabs/stylegan2-ada-pytorch. Forward passes run in inference
mode; with --gradient also backwards to z with frozen weights. PyTorch's best counts: both memory layouts are tried, and
for StyleGAN2 modulation of the weights (its default) and of the activations, each in a process of its own, so that the
peak of memory is its own too. Prints one JSON object: the best variant, and the median of each.

Weights may also be a .safetensors of examples/random_weights.py. With --device cuda on a card, where BigBiGAN has the
forms `folded` and `folded,compiled` too: every weight is divided by its singular value once, not in every pass. What
StyleGAN2's code has for half precision is float16 in its four last blocks: there `bf16` means that.
"""

import argparse
import json
import statistics
import subprocess
import sys

import torch

import peer_device
import reference_code

VARIANTS = {
    "bigbigan": ["nchw", "channels-last"],
    "stylegan2": ["nchw", "channels-last", "nchw,activations", "channels-last,activations"],
}


class BigBiGAN:
    def __init__(self, arguments, place, layout, form):
        self.place = place
        self.network = reference_code.load_bigbigan(arguments.reference, arguments.weights, layout).to(place.device)
        self.size = self.network.dim_z
        if "folded" in form:
            reference_code.fold_spectral_norm(self.network, layout)
        if "compiled" in form:
            self.network = torch.compile(self.network, dynamic=False)

    def latents(self, count):
        return torch.randn(count, self.size).clamp(-2, 2)

    def images(self, z):
        with self.place.autocast():
            x = self.network(z)
        return ((x.float() + 1) / 2).clamp(0, 1)


class StyleGAN2:
    def __init__(self, arguments, place, layout, modulation):
        self.network = reference_code.load_stylegan2(arguments.reference, arguments.weights).to(
            place.device, memory_format=layout)
        self.fused = modulation != "activations"
        # The first block, whose constant lacks a batch dimension, stays as it is, as in the half precision networks.
        for resolution in self.network.synthesis.block_resolutions[1:]:
            getattr(self.network.synthesis, f"b{resolution}").channels_last = layout == torch.channels_last
        if place.precision == "bf16":
            self.use_half_precision(place)

    def use_half_precision(self, place):
        """As the code's own training does it."""
        if not place.is_card:
            sys.exit("generators_reference.py: error: StyleGAN2's float16 is for cards: give --device cuda")
        for resolution in self.network.synthesis.block_resolutions[-4:]:
            block = getattr(self.network.synthesis, f"b{resolution}")
            block.use_fp16 = True
            for layer in (block.conv0, block.conv1, block.torgb):
                layer.conv_clamp = 256

    def latents(self, count):
        return torch.randn(count, self.network.z_dim).clamp(-2, 2)

    def images(self, z):
        classes = torch.zeros(len(z), self.network.c_dim, device=z.device)
        x = self.network(z, classes, noise_mode="const", fused_modconv=self.fused)
        return ((x.float() + 1) / 2).clamp(0, 1)


class Work:
    """A generator, and passes through it."""

    def __init__(self, arguments):
        self.place = peer_device.Place(arguments)
        torch.manual_seed(0)
        layout, _, form = arguments.variant.partition(",")
        kind = {"bigbigan": BigBiGAN, "stylegan2": StyleGAN2}[arguments.generator]
        self.generator = kind(arguments, self.place, reference_code.LAYOUTS[layout], form)
        self.batch, self.goes_back = arguments.batch, arguments.gradient

    def forward(self, z):
        with torch.inference_mode():
            return self.generator.images(z)

    def forward_and_backward(self, z):
        z = z.requires_grad_(True)
        images = self.generator.images(z)
        images.backward(torch.ones_like(images))
        return z.grad

    def time(self):
        """Seconds of one pass."""
        z = self.generator.latents(self.batch).to(self.place.device)
        work = self.forward_and_backward if self.goes_back else self.forward
        return self.place.timed(lambda: work(z))[0]


def take_turns(arguments):
    """Does N passes and prints their times as JSON for every line `run N` on standard input; see compare_generators.py."""
    work = Work(arguments)
    print(json.dumps({"ready": True, "version": torch.__version__, "variant": arguments.variant,
                      "precision": arguments.precision}), flush=True)
    for line in sys.stdin:
        seconds = [work.time() for _ in range(int(line.split()[1]))]
        print(json.dumps({"step_seconds": seconds, **work.place.peaks()}), flush=True)


def measure(arguments):
    """Times one variant in this process and prints JSON."""
    work = Work(arguments)
    for _ in range(arguments.warmup):
        work.time()
    seconds = [work.time() / arguments.batch for _ in range(arguments.repeats)]
    print(json.dumps({
        "program": "pytorch", "version": torch.__version__, "isa": work.place.name,
        "generator": arguments.generator, "work": "forward and backward to z" if arguments.gradient else "forward",
        "batch": arguments.batch, "threads": torch.get_num_threads(), "variant": arguments.variant,
        "precision": arguments.precision,
        "seconds_per_image": {"median": round(statistics.median(seconds), 6), "min": round(min(seconds), 6)},
        "images_per_second": round(1 / statistics.median(seconds), 3), **work.place.peaks(),
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
    peer_device.add_options(parser)
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
