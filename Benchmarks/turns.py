"""Programs that stay loaded and take turns in one run, so that a machine whose speed drifts slows all of them alike.

A program prints a line of JSON when it is ready, and one for every line `run N` on its standard input, N steps, with
`step_seconds` and `peak_rss_mb` in it; the end of its input ends it.
"""

import json
import statistics
import subprocess


class Program:
    """One of them."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.ready = json.loads(self.process.stdout.readline())
        self.last, self.seconds, self.medians, self.kernels = {}, [], [], []

    def run(self, steps):
        self.process.stdin.write(f"run {steps}\n")
        self.process.stdin.flush()
        self.last = json.loads(self.process.stdout.readline())
        return self.last

    def turn(self, steps):
        result = self.run(steps)
        self.seconds += result["step_seconds"]
        self.medians.append(statistics.median(result["step_seconds"]))
        self.kernels.append(result.get("convolution_seconds", 0))

    @property
    def step(self):
        """Median seconds of a step."""
        return statistics.median(self.seconds)

    @property
    def kernel(self):
        """Median seconds of a step inside the library's convolution kernels, where it is ours."""
        return statistics.median(self.kernels)

    @property
    def peak(self):
        return self.last["peak_rss_mb"]

    def over(self, other):
        """How many times as long it takes as another, by rounds: median and range, as text."""
        ratios = [mine / theirs for mine, theirs in zip(self.medians, other.medians)]
        return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def take_turns(commands, rounds, steps, warmup, said=None):
    """Starts all programs, warms them up and lets them take turns: a dictionary of `Program` under the names of `commands`.

    `said(name, program)` is called as soon as one is warm.
    """
    programs = {}
    for name, command in commands.items():
        programs[name] = Program(command)
        programs[name].run(warmup)
        if said:
            said(name, programs[name])
    for _ in range(rounds):
        for program in programs.values():
            program.turn(steps)
    for program in programs.values():
        program.process.stdin.close()
        program.process.wait()
    return programs
