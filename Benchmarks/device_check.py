#!/usr/bin/env python3
"""Says in nine minutes what this project does on a machine with a card. Needs Python 3; PyTorch for the comparisons.

    python3 device_check.py --out results

Runs device-check (see its main.swift) as pack_device_check.sh has packed it with this script, part by part, what matters
most first; where it dies or hangs it goes on behind the piece that did it:

    libraries     what is there, and whether it works at all
    operations    every operation beside its formula and the plain backend; at the same time
    repeats, parity, resume    trainings done twice, beside PyTorch's and the plain backend's, stopped and resumed
    timings       steps in turns with PyTorch on the same card (device_timings.py)

Every result is a line of results.jsonl at once, and all are in results.json in the end, with a summary, which is printed
too; what programs say on standard error is in log.txt. `--tiny --backend onednn --device cpu` goes the same ways in a
minute where there is no card. The card's settings are left as they are.
"""

import argparse
import json
import os
import pathlib
import platform
import queue
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time

import device_timings

HERE = pathlib.Path(__file__).resolve().parent
STARTED = time.monotonic()


def found(name, *elsewhere, folder=False):
    """A file beside this script, or where the repository has it."""
    places = [HERE / name, *(HERE / place for place in elsewhere)]
    return next((str(path) for path in places if (path.is_dir() if folder else path.is_file())), None)


class Report:
    """Results as they come, from several threads."""

    def __init__(self, folder, arguments):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.lines = open(self.folder / "results.jsonl", "w")
        self.log = open(self.folder / "log.txt", "ab", buffering=0)
        self.records, self.arguments, self.lock = [], arguments, threading.Lock()

    def add(self, record):
        record["at"] = round(time.monotonic() - STARTED, 1)
        with self.lock:
            self.records.append(record)
            self.lines.write(json.dumps(record) + "\n")
            self.lines.flush()
        if record.get("ok") is False or "error" in record:
            faults = record.get("faults") or [record.get("error", "not as it should be")]
            print(f"{record.get('check', record.get('timing'))}, {record.get('name')}: {faults[0]}"[:300], flush=True)

    def say(self, text):
        print(f"[{time.monotonic() - STARTED:5.0f} s] {text}", flush=True)

    def summary(self):
        """Of each check: pieces, those that are not as they should be, and those that were not done."""
        checks = {}
        for record in self.records:
            if "check" in record:
                of = checks.setdefault(record["check"], {"pieces": 0, "faulty": 0, "skipped": 0})
                of["pieces"] += 1
                of["faulty"] += record.get("ok") is False
                of["skipped"] += bool(record.get("skipped"))
        for record in (r for r in self.records if r.get("check") == "operations" and "beside_plain" in r):
            of = checks["operations"]
            of["results"] = of.get("results", 0) + record["beside_plain"]
            of["results_with_the_bits_of_plain"] = (
                of.get("results_with_the_bits_of_plain", 0) + record["equal_to_plain"])
        return checks

    def save(self):
        with self.lock:
            content = {"arguments": self.arguments, "seconds": round(time.monotonic() - STARTED, 1),
                       "summary": self.summary(), "records": self.records}
            path = self.folder / "results.json"
            with open(f"{path}.new", "w") as file:
                json.dump(content, file, indent=1)
            os.replace(f"{path}.new", path)


class Checks:
    """Runs checks of device-check."""

    # Seconds that a piece may take; the first one compiles kernels.
    PATIENCE = 60

    def __init__(self, options, report, folder):
        self.options, self.report, self.folder = options, report, folder

    def run(self, check, until, share="0/1", threads=0):
        """Until a point of time. After a death or a hang once more from behind the piece that did it."""
        first = 0
        for attempt in range(20):
            left = until - time.monotonic()
            if left < 2:
                self.report.add({"check": check, "name": f"from {first} on", "skipped": "no time left"})
                return
            command = [
                self.options.program, check, "--backend", self.options.backend, "--minutes", f"{left / 60:.4f}",
                "--tiny", str(int(self.options.tiny)), "--from", str(first), "--share", share, "--threads", str(threads),
                "--folder", str(self.folder)]
            if self.options.fixture:
                command += ["--fixture", self.options.fixture]
            status, begun = self.attempt(command, until)
            if status == 0:
                return
            if begun is None:
                self.report.add({"check": check, "name": "the program itself", "ok": False,
                                 "error": f"ends with status {status}: see log.txt"})
                return
            if not begun.get("done"):
                how = "takes too long" if status is None else f"ends with status {status}"
                self.report.add({"check": check, "name": begun["name"], "index": begun["index"], "ok": False,
                                 "error": f"the program {how} here"})
            first = begun["index"] + 1

    def attempt(self, command, until):
        """Status, None where it was ended; and the last piece that it began."""
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self.report.log, env=self.options.environment,
            start_new_session=True)
        lines, begun = queue.Queue(), None
        threading.Thread(target=lambda: [*map(lines.put, process.stdout), lines.put(None)], daemon=True).start()
        while True:
            try:
                line = lines.get(timeout=max(0.1, min(self.PATIENCE, until + 5 - time.monotonic())))
            except queue.Empty:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                return None, begun
            if line is None:
                return process.wait(), begun
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if "begin" in record:
                begun = record
            else:
                if begun:
                    begun["done"] = True
                self.report.add(record)


def facts(options):
    """What there is to know without a library of NVIDIA's. Identities of the single card are nobody's business."""
    record = {"check": "facts", "name": "machine", "system": platform.platform(), "glibc": platform.libc_ver()[1],
              "cores": os.cpu_count(), "python": platform.python_version()}
    tool = shutil.which("nvidia-smi")
    names = "name,driver_version,memory.total,memory.used,compute_mode,clocks.max.sm,power.limit"
    if tool:
        asked = subprocess.run([tool, f"--query-gpu={names}", "--format=csv,noheader"], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
        record["card"] = dict(zip(names.split(","), asked.stdout.strip().split("\n")[0].split(", ")))
    with open("/proc/cpuinfo") as file:
        record["processor"] = next((line.split(":")[1].strip() for line in file if "model name" in line), None)
    return record


def environment(options):
    """Ours: with the libraries that came along, and with those of this Python for a card."""
    result, libraries = dict(os.environ), pathlib.Path(options.program).parent / "lib"
    if libraries.is_dir():
        result["LD_LIBRARY_PATH"] = ":".join(filter(None, [str(libraries), result.get("LD_LIBRARY_PATH")]))
    packages = sysconfig.get_paths()["purelib"]
    if "HL_CUDA_LIBRARIES" not in result and os.path.isdir(os.path.join(packages, "nvidia")):
        result["HL_CUDA_LIBRARIES"] = packages
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True, metavar="DIR", help="folder for results")
    parser.add_argument("--minutes", type=float, default=9, help="time in all (9)")
    parser.add_argument("--backend", default="cuda", help="of ours (cuda)")
    parser.add_argument("--device", default="cuda", help="of PyTorch (cuda)")
    parser.add_argument("--parts", default="checks,timings", help="which (checks,timings)")
    parser.add_argument("--tiny", action="store_true", help="small sizes, to try this where there is no card")
    parser.add_argument("--program", default=found("device-check", "../.build/release/device-check"), metavar="FILE")
    parser.add_argument("--bigbigan", metavar="DIR", default=found("reference/bigbigan", folder=True),
                        help="checkout of lukemelas/pytorch-pretrained-gans (reference/bigbigan)")
    parser.add_argument("--stylegan2", metavar="DIR", default=found("reference/stylegan2", folder=True),
                        help="checkout of NVlabs/stylegan2-ada-pytorch (reference/stylegan2)")
    parser.add_argument("--no-peers", action="store_true", help="time ours alone")
    options = parser.parse_args()
    if not options.program:
        parser.error("there is no device-check beside this script: pack it with pack_device_check.sh")
    options.fixture = found("training.safetensors", "../Tests/HLEncodersTests/Fixtures/training.safetensors")
    report = Report(options.out, {name: value for name, value in vars(options).items() if name != "out"})
    options.environment = environment(options)
    end = STARTED + 60 * options.minutes - 4
    folder = tempfile.mkdtemp(prefix="device-check-")
    # Kernels are compiled once for all programs.
    options.environment.setdefault("XDG_CACHE_HOME", folder)
    weights = device_timings.Weights(found("random_weights.py", "../examples/random_weights.py"), folder, options.tiny)
    try:
        report.add(facts(options))
        checks = Checks(options, report, folder)
        if "checks" in options.parts:
            check_all(checks, end)
            report.save()
        if "timings" in options.parts:
            device_timings.run(options, report, weights, end)
    finally:
        report.save()
        weights.stop()
        shutil.rmtree(folder, ignore_errors=True)
    for name, of in report.summary().items():
        print(f"{name:12}" + ", ".join(f"{count} {what.replace('_', ' ')}" for what, count in of.items()))
    device_timings.table(report.records)
    report.say("done")


def check_all(checks, end):
    report, tiny = checks.report, checks.options.tiny
    report.say("libraries")
    checks.run("libraries", min(end, time.monotonic() + 60))
    if any(r.get("check") == "libraries" and r.get("name") == "opening" and r.get("ok") for r in report.records):
        report.say("operations, repeats, parity, resume")
        cores = len(os.sched_getaffinity(0))
        shares = 1 if tiny else max(1, min(4, cores // 3))
        until = STARTED + 0.4 * (end - STARTED)
        work = [("operations", f"{k}/{shares}") for k in range(shares)]
        work += [(check, "0/1") for check in ("parity", "repeats", "resume")]
        threads = [threading.Thread(target=checks.run, args=(check, until, share, max(1, cores // len(work))))
                   for check, share in work]
        for thread in threads:
            thread.start()
            # On two cores one after the other.
            if cores < 4:
                thread.join()
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    main()
