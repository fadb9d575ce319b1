"""Times steps of a generator's training of this project and of PyTorch side by side, in turns, in one run.

    python compare_gan_steps.py --ours ../.build/release/gan-step --rounds 5 --steps 3

All programs stay loaded and take turns, so that a machine whose speed drifts slows all alike: ours, PyTorch in f32 in
both layouts, and under bf16's autocast. Prints the ratios of the median step times to the faster of PyTorch's f32 forms
and to bf16, their ranges over the rounds, images per second, and peaks of memory.
"""

import argparse
import pathlib
import sys

from turns import take_turns

HERE = pathlib.Path(__file__).resolve().parent


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ours", default=str(HERE.parent / ".build/release/gan-step"))
    parser.add_argument("--rounds", type=int, default=5, help="turns of each program (5)")
    parser.add_argument("--steps", type=int, default=4, help="steps per turn (4)")
    parser.add_argument("--warmup", type=int, default=3, help="steps of each before counting (3)")
    parser.add_argument("--batch", type=int, default=32, help="images per step (32)")
    parser.add_argument("--side", type=int, default=32, choices=(32, 64, 128))
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--content", choices=("none", "infonce", "cells"), default="none")
    parser.add_argument("--augment", choices=("none", "all"), default="none")
    parser.add_argument("--threads", type=int, default=2, help="threads of each program (2)")
    parser.add_argument("--precision", choices=["f32", "bf16"], default="f32", help="of ours (f32)")
    options = parser.parse_args()
    shared = [part for name in ("batch", "side", "width", "content", "augment", "threads")
              for part in (f"--{name}", str(getattr(options, name)))]
    peer = [sys.executable, str(HERE / "gan_step.py"), *shared]
    commands = {
        "ours": [options.ours, *shared, "--precision", options.precision],
        "f32, channels last": [*peer, "--layout", "channels-last"],
        "f32, row-major": [*peer, "--layout", "nchw"],
        "bf16, channels last": [*peer, "--layout", "channels-last", "--precision", "bf16"],
    }
    def said(name, program):
        about = program.ready.get("summary") or f"PyTorch {program.last['version']}, {program.last['isa']}"
        print(f"{name}: {about}", flush=True)

    programs = take_turns(commands, options.rounds, options.steps, options.warmup, said)
    for name, program in programs.items():
        print(f"{name}: {program.step:.4f} s per step, {options.batch / program.step:.1f} images/s, peak {program.peak:.0f} MB")
    ours = programs["ours"]
    best = min(("f32, channels last", "f32, row-major"), key=lambda name: programs[name].step)
    for name in (best, "bf16, channels last"):
        print(f"{options.side} px, width {options.width}, batch {options.batch}, content {options.content}, augment "
              f"{options.augment}, {options.threads} threads, {options.precision}, ratio to PyTorch {name}: "
              f"{programs[name].over(ours)}, memory {ours.peak:.0f} against {programs[name].peak:.0f} MB")
    print(f"convolution kernels alone: {ours.kernel:.4f} s of our step")


if __name__ == "__main__":
    main()
