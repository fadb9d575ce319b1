#!/usr/bin/env python3
"""Compares the images of generators that hl-train generator has made with those that the public code makes of their files.

    python3 check_generator.py --bigbigan DIR hl-sample FILE...

DIR is a checkout of lukemelas/pytorch-pretrained-gans. Needs torch, numpy, safetensors and zstandard. Files of 64 and 128
pixels load by the entries of the public code's own table of widths, those of 32 by one that is added to it. Of 64 samples of
each the greatest difference of a value, of 0 to 1, must be below 0.0001.
"""

import argparse
import json
import pathlib
import sys

import numpy
import safetensors
import torch

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "Benchmarks"), str(HERE.parents[1] / "examples/python"), str(HERE)]

import reference_code  # noqa: E402
from hlviews import Command, arrays  # noqa: E402
from make_gan import generator_of  # noqa: E402


def public(package, file):
    """The public generator with the weights of the file, in evaluation mode, and its side."""
    with safetensors.safe_open(file, "pt") as weights:
        about = json.loads(weights.metadata()["hl.generator"])
        state = {key: weights.get_tensor(key) for key in weights.keys() if not key.startswith("hl.")}
    classes, shared = state["shared.weight"].shape
    network = generator_of(package, about["side"], about["width"], about["chunks"] * about["dimension"], shared, classes)
    network.load_state_dict(state)
    return network.eval(), about["side"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bigbigan", required=True, help="a checkout of lukemelas/pytorch-pretrained-gans")
    parser.add_argument("program", help="hl-sample")
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    package = reference_code.import_bigbigan(options.bigbigan)
    failed = False
    for file in options.files:
        network, side = public(package, file)
        command = [options.program, "-q", "--weights", file, "-n", "64", "--render", "--pixels", "f32"]
        ours = arrays(Command(command))
        z = torch.from_numpy(ours["z.0"]).flatten(1)
        with torch.no_grad():
            images = (network(z, network.shared(torch.zeros(len(z), dtype=torch.int64))) + 1) / 2
        worst = numpy.abs(images.numpy() - ours["x.0"]).max()
        print(f"{file}: {side} px, greatest difference {worst:.1e}")
        failed |= not worst < 1e-4
    sys.exit(failed)


if __name__ == "__main__":
    main()
