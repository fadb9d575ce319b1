"""The timings of device_check.py: steps of ours and of PyTorch in turns on one card."""

import os
import pathlib
import statistics
import subprocess
import sys
import time

from turns import Program, card_memory, duration

HERE = pathlib.Path(__file__).resolve().parent


class Weights:
    """Random weights of the official sizes, made while other things are checked."""

    def __init__(self, script, folder, tiny):
        self.processes, self.paths = {}, {}
        widths = {"bigbigan": 8, "stylegan2": 16} if tiny else {"bigbigan": 96, "stylegan2": 512}
        for name, width in widths.items():
            self.paths[name] = os.path.join(folder, f"{name}.safetensors")
            self.processes[name] = script and subprocess.Popen(
                [sys.executable, script, name, "--width", str(width), "-o", self.paths[name]])

    def path(self, name, until):
        """None where they are not there in time."""
        process = self.processes[name]
        try:
            return self.paths[name] if process and process.wait(max(0.1, until - time.monotonic())) == 0 else None
        except subprocess.TimeoutExpired:
            return None

    def stop(self):
        for process in filter(None, self.processes.values()):
            process.kill()
            process.wait()


class Comparison:
    """Ours and its peers at the same step."""

    def __init__(self, kind, name, unit, count, ours, peers, weights=None):
        self.kind, self.name, self.unit, self.count = kind, name, unit, count
        self.ours, self.peers, self.weights = ours, peers, weights


def simsiam(arch, pairs, side, precision, compile=False):
    shared = ["--arch", arch, "--batch", str(pairs), "--side", str(side), "--precision", precision]
    name = "PyTorch, compiled" if compile else "PyTorch"
    return Comparison(
        "simsiam", f"SimSiam {arch} {side} px {pairs} pairs {precision}{' compiled' if compile else ''}", "pairs", pairs,
        shared, {name: ["simsiam_step.py", *shared, "--warmup", "3", *(["--compile"] if compile else [])]})


def bigbigan(images, precision, forms):
    shared = ["--batch", str(images), "--precision", precision]
    peers = {f"PyTorch, {form or 'published'}": [
        "generators_reference.py", "bigbigan", *shared, "--turns", "--variant", f"channels-last,{form}"] for form in forms}
    return Comparison("generator", f"BigBiGAN 128 px {images} {precision}", "images", images, shared, peers, "bigbigan")


def stylegan2(images, precision):
    shared = ["--batch", str(images), "--precision", precision]
    peers = {"PyTorch": ["generators_reference.py", "stylegan2", *shared, "--turns", "--variant", "channels-last"]}
    return Comparison("generator", f"StyleGAN2 512 px {images} {precision}", "images", images, shared, peers, "stylegan2")


def walker(anchors, precision):
    shared = ["--batch", str(anchors), "--precision", precision, "--chunks", "1-5"]
    peers = {"PyTorch": ["walker_reference.py", *shared, "--folded", "1"]}
    return Comparison("walker", f"walker BigBiGAN {anchors} {precision}", "anchors", anchors, shared, peers, "bigbigan")


def online(arch, pairs, precision):
    shared = ["--arch", arch, "--batch", str(pairs), "--precision", precision]
    peers = {"PyTorch": ["online_training_reference.py", *shared, "--lean", "--turns"]}
    return Comparison("online", f"online BigBiGAN {arch} {pairs} {precision}", "pairs", pairs, shared, peers, "bigbigan")


def comparisons(tiny):
    """What matters most first: time may run out."""
    if tiny:
        return [simsiam("resnet18", 4, 32, "f32"), bigbigan(2, "f32", ["", "folded"]), online("resnet18", 2, "f32"),
                walker(2, "f32"), simsiam("resnet18", 4, 32, "bf16"), stylegan2(1, "f32"), bigbigan(2, "bf16", ["folded"])]
    some = [
        simsiam("resnet50", 256, 112, "bf16"), bigbigan(64, "bf16", ["", "folded"]), simsiam("resnet18", 64, 112, "bf16"),
        online("resnet50", 64, "bf16"), walker(64, "bf16"), simsiam("resnet50", 256, 112, "tf32"),
        simsiam("resnet50", 64, 112, "bf16"), simsiam("resnet18", 256, 112, "bf16"), stylegan2(8, "bf16"),
        bigbigan(256, "bf16", ["folded"]), simsiam("resnet50", 256, 112, "f32"), bigbigan(64, "tf32", ["folded"]),
        simsiam("resnet18", 64, 112, "tf32"), online("resnet50", 256, "bf16"),
        simsiam("resnet50", 256, 112, "bf16", compile=True), walker(64, "tf32"), stylegan2(8, "tf32"),
    ]
    rest = [simsiam(arch, pairs, 112, precision) for precision in ("tf32", "f32")
            for arch, pairs in (("resnet50", 64), ("resnet18", 256), ("resnet18", 64))]
    rest += [bigbigan(64, "f32", ["folded"]), walker(64, "f32"), stylegan2(8, "f32"), online("resnet50", 64, "tf32")]
    done = {comparison.name for comparison in some}
    return some + [comparison for comparison in rest if comparison.name not in done]


class Timings:
    def __init__(self, options, report, weights, end):
        self.options, self.report, self.weights, self.end = options, report, weights, end
        self.rounds, self.turn = (2, 0.02) if options.tiny else (5, 0.3)

    def command(self, comparison, arguments, path):
        """Of a peer, with all that depends on where this runs; None where something for it is missing."""
        script, *rest = arguments
        command = [sys.executable, str(HERE / script), *rest, "--device", self.options.device, "--wait"]
        if self.options.tiny:
            command += ["--threads", "2"]
        if comparison.weights:
            reference = getattr(self.options, comparison.weights)
            if not reference:
                return None
            command += ["--weights", path, "--reference", reference]
        return command

    def start_peers(self, comparison):
        """Imports are done while another comparison runs; a card is not touched before `begin`."""
        path = comparison.weights and self.weights.path(comparison.weights, min(self.end, time.monotonic() + 30))
        comparison.path, programs = path, {}
        if self.options.no_peers or (comparison.weights and not path):
            return programs
        for name, arguments in comparison.peers.items():
            command = self.command(comparison, arguments, path)
            if command:
                programs[name] = Program(command, waits=True, stderr=self.report.log)
            else:
                self.report.add({"timing": comparison.name, "name": name, "skipped": f"no --{comparison.weights}"})
        return programs

    def warm(self, programs, name, start, until):
        """Begins with a program and warms it up; leaves it out where that fails."""
        before = card_memory()
        try:
            program = programs[name] = start()
            program.until = until
            if not program.ready:
                program.begin()
            seconds = program.run(2)["step_seconds"][-1]
            program.count = max(1, min(100, round(self.turn / max(seconds, 1e-4))))
            program.run(min(program.count, 10))
        except (RuntimeError, TimeoutError, OSError, ValueError) as error:
            self.report.add({"timing": self.now.name, "name": name, "ok": False, "error": str(error)})
            if name in programs:
                programs.pop(name).end(patience=0)
            return
        after = card_memory()
        if before is not None and after is not None and after > before:
            program.card = after - before

    def run(self, comparison, peers):
        self.now, programs = comparison, {}
        # torch.compile takes a minute and more.
        until = min(self.end, time.monotonic() + (130 if "compiled" in comparison.name else 60))
        ours = [self.options.program, "steps", comparison.kind, *comparison.ours, "--backend", self.options.backend]
        if comparison.weights:
            ours += ["--weights", str(comparison.path)]
        self.warm(programs, "ours",
                  lambda: Program(ours, until=until, stderr=self.report.log, env=self.options.environment), until)
        for name, program in peers.items():
            self.warm(programs, name, lambda: program, until)
        try:
            for _ in range(self.rounds):
                for program in programs.values():
                    program.turn(program.count)
        except (RuntimeError, TimeoutError, OSError, ValueError) as error:
            self.report.add({"timing": comparison.name, "name": "turns", "ok": False, "error": str(error)})
        for name, program in programs.items():
            if program.seconds:
                self.note(comparison, name, program, programs.get("ours"))
        for program in programs.values():
            program.end(patience=3)

    def note(self, comparison, name, program, ours):
        step = program.step
        record = {
            "timing": comparison.name, "name": name, "step_seconds": step, "least": min(program.medians),
            "most": max(program.medians), "steps": len(program.seconds), f"{comparison.unit}_per_second": comparison.count / step,
            "version": program.ready.get("summary") or program.last.get("version") or program.ready.get("version")}
        record.update({key: value for key, value in program.last.items() if key.startswith("peak_")})
        if program.card is not None:
            record["card_mb"] = program.card
        losses = program.last.get("losses") or [program.last.get("loss")]
        record["loss"] = losses[-1]
        if ours and ours is not program and len(ours.medians) == len(program.medians):
            ratios = program.ratios(ours)
            record["over_ours"] = [statistics.median(ratios), min(ratios), max(ratios)]
        self.report.add(record)

    def all(self):
        left = [c for c in comparisons(self.options.tiny)
                if self.options.device != "cpu" or "tf32" not in c.name]
        peers = self.start_peers(left[0]) if left else {}
        while left:
            comparison, coming = left.pop(0), {}
            if self.end - time.monotonic() < (3 if self.options.tiny else 12):
                for program in peers.values():
                    program.end(patience=0)
                for late in [comparison, *left]:
                    self.report.add({"timing": late.name, "name": "all", "skipped": "no time left"})
                return
            if left:
                coming = self.start_peers(left[0])
            if comparison.weights and not comparison.path:
                self.report.add({"timing": comparison.name, "name": "all", "skipped": "no weights in time"})
            else:
                self.report.say(comparison.name)
                self.run(comparison, peers)
            peers = coming


def run(options, report, weights, end):
    Timings(options, report, weights, end).all()


def table(records):
    """The timings once more, for the eye."""
    for record in records:
        if "step_seconds" in record:
            rate = next(f"{value:,.1f} {key.replace('_per_second', '/s')}" for key, value in record.items()
                        if key.endswith("_per_second"))
            over = "{:.2f} ({:.2f} to {:.2f}) times ours".format(*record["over_ours"]) if "over_ours" in record else ""
            memory = f"{record['card_mb']} MB of the card" if "card_mb" in record else f"{record['peak_rss_mb']} MB"
            print(f"{record['timing']:46}{record['name']:20}{duration(record['step_seconds']):>11}  {rate:20}  {memory:22}  "
                  f"{over}")
