"""Times steps of a generator's training of this project and of PyTorch side by side, in turns, in one run.

    python compare_gan_steps.py --ours ../.build/release/gan-step --rounds 5 --steps 3

All programs stay loaded and take turns, so that a machine whose speed drifts slows all alike: ours, PyTorch in f32 in
both layouts, and under bf16's autocast. Prints the ratios of the median step times to the faster of PyTorch's f32 forms
and to bf16, their ranges over the rounds, images per second, and peaks of memory.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


def start(command):
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
    return process, json.loads(process.stdout.readline())


def run(process, steps):
    process.stdin.write(f"run {steps}\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())


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
    options = parser.parse_args()
    shared = [part for name in ("batch", "side", "width", "content", "augment", "threads")
              for part in (f"--{name}", str(getattr(options, name)))]
    peer = [sys.executable, str(HERE / "gan_step.py"), *shared]
    programs = {
        "ours": [options.ours, *shared],
        "f32, channels last": [*peer, "--layout", "channels-last"],
        "f32, row-major": [*peer, "--layout", "nchw"],
        "bf16, channels last": [*peer, "--layout", "channels-last", "--precision", "bf16"],
    }
    processes = {}
    for name, command in programs.items():
        processes[name], ready = start(command)
        first = run(processes[name], options.warmup)
        print(f"{name}: {ready.get('summary') or 'PyTorch ' + first['version'] + ', ' + first['isa']}", flush=True)
    rounds, last = {name: [] for name in programs}, {}
    for _ in range(options.rounds):
        for name, process in processes.items():
            last[name] = run(process, options.steps)
            rounds[name].append(statistics.median(last[name]["step_seconds"]))
    medians = {name: statistics.median(times) for name, times in rounds.items()}
    for name in programs:
        print(f"{name}: {medians[name]:.4f} s per step, {options.batch / medians[name]:.1f} images/s, "
              f"peak {last[name]['peak_rss_mb']:.0f} MB")
    best = min(("f32, channels last", "f32, row-major"), key=medians.get)
    for name in (best, "bf16, channels last"):
        ratios = [theirs / ours for theirs, ours in zip(rounds[name], rounds["ours"])]
        print(f"{options.side} px, width {options.width}, batch {options.batch}, content {options.content}, augment "
              f"{options.augment}, {options.threads} threads, ratio to PyTorch {name}: {statistics.median(ratios):.2f} "
              f"({min(ratios):.2f} to {max(ratios):.2f}), memory {last['ours']['peak_rss_mb']:.0f} against "
              f"{last[name]['peak_rss_mb']:.0f} MB")
    print(f"convolution kernels alone: {last['ours']['convolution_seconds']:.4f} s of our step")
    for process in processes.values():
        process.stdin.write("quit\n")
        process.stdin.flush()
        process.wait()


if __name__ == "__main__":
    main()
