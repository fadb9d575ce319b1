#!/usr/bin/env python3
"""Times the steps of two builds of this project side by side, in turns, in one run. Needs Python 3, no packages.

    compare_build_steps.py OLD NEW PROGRAM [OPTION …] [--rounds 5] [--steps 3] [--warmup 2]

OLD and NEW are folders of programs (.build/release of two commits), PROGRAM is one of the benchmarks' own (simsiam-step,
walker-step, generator-step) and takes the other options. Both stay loaded and take turns, so that a machine whose speed
drifts slows both alike. Prints the ratio of the median step times, new over old, its range over the rounds, and both
peaks of memory.
"""

import argparse
import json
import pathlib
import statistics
import subprocess


class Stepper:
    """A benchmark that waits for `run N` (see harness/Harness.swift)."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.ready = json.loads(self.process.stdout.readline())

    def run(self, steps):
        self.process.stdin.write(f"run {steps}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def quit(self):
        self.process.stdin.write("quit\n")
        self.process.stdin.flush()
        self.process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("old", type=pathlib.Path, help="folder of the older programs")
    parser.add_argument("new", type=pathlib.Path, help="folder of the newer programs")
    parser.add_argument("program", help="simsiam-step, walker-step or generator-step")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each program (5)")
    parser.add_argument("--steps", type=int, default=3, help="steps per turn (3)")
    parser.add_argument("--warmup", type=int, default=2, help="steps of each before counting (2)")
    options, passed = parser.parse_known_args()
    old, new = (Stepper([folder / options.program, *passed]) for folder in (options.old, options.new))
    for stepper in (old, new):
        stepper.run(options.warmup)
    times, ratios = {old: [], new: []}, []
    for _ in range(options.rounds):
        turns = {stepper: stepper.run(options.steps) for stepper in (old, new)}
        medians = [statistics.median(turns[stepper]["step_seconds"]) for stepper in (old, new)]
        ratios.append(medians[1] / medians[0])
        for stepper in (old, new):
            times[stepper] += turns[stepper]["step_seconds"]
    print(
        f"{options.program} {' '.join(passed)}: {statistics.median(times[new]):.3f} s against "
        f"{statistics.median(times[old]):.3f} s per step; ratio {statistics.median(ratios):.3f} "
        f"({min(ratios):.3f} to {max(ratios):.3f}); peak memory {turns[new]['peak_rss_mb']:.0f} MB against "
        f"{turns[old]['peak_rss_mb']:.0f} MB"
    )
    for stepper in (old, new):
        stepper.quit()


if __name__ == "__main__":
    main()
