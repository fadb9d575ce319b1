"""Programs that stay loaded and take turns in one run, so that a machine whose speed drifts slows all of them alike.

A program prints a line of JSON when it is ready, and one for every line `run N` on its standard input, N steps, with
`step_seconds` and `peak_rss_mb` in it; the end of its input ends it. One that was given `--wait` does nothing with a card
before its first line, whatever that says.
"""

import json
import os
import select
import shutil
import signal
import statistics
import subprocess
import time


class Program:
    """One of them."""

    def __init__(self, command, waits=False, until=None, **how):
        """`waits`: `begin` is to be called, so that what can be done before its turn is done before it. `until`: when it is
        to be given up, by time.monotonic; `how` goes to Popen."""
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, start_new_session=True, **how)
        self.until, self.ready, self.card = until, {}, None
        self.last, self.seconds, self.medians, self.kernels = {}, [], [], []
        if not waits:
            self.ready = self.answer()

    def begin(self):
        self.say("begin")
        self.ready = self.answer()

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def answer(self):
        """Its next line."""
        # What libraries print is passed over.
        while True:
            if self.until is not None:
                left = max(self.until - time.monotonic(), 0.01)
                if not select.select([self.process.stdout], [], [], left)[0]:
                    raise TimeoutError(f"{self.name} has not answered in time")
            line = self.process.stdout.readline()
            if not line:
                raise RuntimeError(f"{self.name} has ended with status {self.process.wait()}")
            if line.startswith("{"):
                return json.loads(line)

    @property
    def name(self):
        return " ".join(self.process.args[:3])

    def run(self, steps):
        self.say(f"run {steps}")
        self.last = self.answer()
        return self.last

    def turn(self, steps):
        result = self.run(steps)
        self.seconds += result["step_seconds"]
        self.medians.append(statistics.median(result["step_seconds"]))
        self.kernels.append(result.get("convolution_seconds", 0))

    def end(self, patience=None):
        """Lets it end, and ends it with all that it has started where it does not within `patience` seconds."""
        try:
            self.process.stdin.close()
        except OSError:
            pass
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.process.wait()

    @property
    def step(self):
        """Median seconds of a step."""
        return statistics.median(self.seconds)

    @property
    def kernel(self):
        """Median seconds of a step inside the library's convolution kernels, where it is ours on a processor."""
        return statistics.median(self.kernels)

    @property
    def peak(self):
        return self.last["peak_rss_mb"]

    @property
    def memory(self):
        """Peaks of memory, as text."""
        text = f"{self.peak:.0f} MB"
        if "peak_card_mb" in self.last:
            text += f", {self.last['peak_card_mb']} MB of tensors on the card"
        return text if self.card is None else f"{text}, {self.card} MB of the card in all"

    def ratios(self, other):
        """How many times as long it takes as another, by rounds."""
        return [mine / theirs for mine, theirs in zip(self.medians, other.medians)]

    def over(self, other):
        """The same: median and range, as text."""
        ratios = self.ratios(other)
        return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def duration(seconds):
    return f"{seconds:.3f} s" if seconds >= 0.1 else f"{1000 * seconds:.2f} ms"


def card_memory():
    """MB that are in use on the first card, by everybody; None where nobody says so."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return None
    try:
        asked = subprocess.run(
            [tool, "--query-gpu=memory.used", "--format=csv,noheader,nounits"], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, timeout=10)
        return int(asked.stdout.splitlines()[0])
    except (OSError, ValueError, IndexError, subprocess.SubprocessError):
        return None


def warm(start, warmup):
    """Starts a program and warms it up; notes what it holds of a card, its context and libraries included."""
    before = card_memory()
    program = start()
    program.run(warmup)
    after = card_memory()
    if before is not None and after is not None and after > before:
        program.card = after - before
    return program


def take_turns(commands, rounds, steps, warmup, said=None):
    """Starts all programs, warms them up and lets them take turns: a dictionary of `Program` under the names of `commands`.

    `said(name, program)` is called as soon as one is warm.
    """
    programs = {}
    for name, command in commands.items():
        programs[name] = warm(lambda: Program(command), warmup)
        if said:
            said(name, programs[name])
    for _ in range(rounds):
        for program in programs.values():
            program.turn(steps)
    for program in programs.values():
        program.end()
    return programs
