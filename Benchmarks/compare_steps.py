"""Times SimSiam training steps of this project and of PyTorch side by side, in turns, in one run.

    python compare_steps.py --arch resnet18 --ours ../.build/release/simsiam-step --rounds 5 --steps 3

Both programs stay loaded and take turns, so that a machine whose speed drifts slows both alike. Prints the ratio of the
median step times, its range over the rounds, the ceiling (PyTorch's step over the time that ours spends inside the
library's convolution kernels, as if all else were free), and both peaks of memory.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys


def start(command):
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
    return process, json.loads(process.stdout.readline())


def run(process, steps):
    process.stdin.write(f"run {steps}\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    here = pathlib.Path(__file__).resolve().parent
    parser.add_argument("--arch", choices=["resnet18", "resnet34", "resnet50"], default="resnet18")
    parser.add_argument("--ours", default=str(here.parent / ".build/release/simsiam-step"))
    parser.add_argument("--rounds", type=int, default=5, help="turns of each program (5)")
    parser.add_argument("--steps", type=int, default=3, help="steps per turn (3)")
    parser.add_argument("--warmup", type=int, default=3, help="steps of each before counting (3)")
    parser.add_argument("--batch", type=int, default=32, help="pairs per step (32)")
    parser.add_argument("--side", type=int, default=112, help="image side in pixels (112)")
    parser.add_argument("--threads", type=int, default=2, help="threads of each program (2)")
    options = parser.parse_args()
    shared = [f"--{name}={getattr(options, name)}" for name in ("arch", "batch", "side", "threads")]
    split = [part for option in shared for part in option.split("=")]
    ours, ready = start([options.ours, *split])
    theirs, _ = start([sys.executable, str(here / "simsiam_step.py"), *split])
    run(ours, options.warmup)
    peer = run(theirs, options.warmup)
    print(f"ours:   {ready['summary']}")
    print(f"theirs: PyTorch {peer['version']}, {peer['isa']}, {peer['layout']}")
    ratios, ours_all, theirs_all, kernels = [], [], [], []
    for _ in range(options.rounds):
        a, b = run(ours, options.steps), run(theirs, options.steps)
        ours_all += a["step_seconds"]
        theirs_all += b["step_seconds"]
        kernels.append(a["convolution_seconds"])
        ratios.append(statistics.median(b["step_seconds"]) / statistics.median(a["step_seconds"]))
    print(
        f"{options.arch} {options.side} px, {options.batch} pairs, {options.threads} threads: ours "
        f"{statistics.median(ours_all):.3f} s, PyTorch {statistics.median(theirs_all):.3f} s per step; "
        f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}), ceiling of the "
        f"convolution kernels alone {statistics.median(theirs_all) / statistics.median(kernels):.2f}; peak memory "
        f"{a['peak_rss_mb']:.0f} MB against {b['peak_rss_mb']:.0f} MB"
    )
    for process in (ours, theirs):
        process.stdin.write("quit\n")
        process.stdin.flush()
        process.wait()


if __name__ == "__main__":
    main()
