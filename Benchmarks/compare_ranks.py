"""Times SimSiam steps of several processes together: ours over MPI, and PyTorch's DDP over gloo, in turns, in one run.

    python compare_ranks.py --ranks 2 --threads 1 --rounds 5 --steps 3
    python compare_ranks.py --launcher "mpirun.mpich"

Every process has --batch pairs of its own. Prints the time of a step of one process alone, of as many as there are ranks
side by side with no word to each other, of the ranks together with global and with local batch norm, and of DDP, whose
batch norm is local; and the scaling: how many pairs a second the ranks do, beside one process and beside those that do not
know of each other.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys


class Job:
    """One or several processes that do the same steps at once; the slowest counts."""

    def __init__(self, commands):
        self.processes = [
            subprocess.Popen(c, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) for c in commands]
        self.ready = [json.loads(p.stdout.readline()) for p in self.processes]
        self.medians, self.seen = [], []

    def run(self, steps):
        for process in self.processes:
            process.stdin.write(f"run {steps}\n")
            process.stdin.flush()
        answers = [json.loads(p.stdout.readline()) for p in self.processes]
        # The last step of each turn, with what it exchanged.
        self.seen += [{"seconds": a["step_seconds"][-1], "exchanges": a["exchanges"]} for a in answers if "exchanges" in a]
        return max(statistics.median(a["step_seconds"]) for a in answers)

    def end(self):
        for process in self.processes:
            process.stdin.close()
            process.wait()

    @property
    def typical(self):
        """The step of median length of those whose exchanges were seen."""
        return sorted(self.seen, key=lambda step: step["seconds"])[len(self.seen) // 2]

    @property
    def step(self):
        return statistics.median(self.medians)

    def over(self, other):
        ratios = [mine / theirs for mine, theirs in zip(self.medians, other.medians)]
        return f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    here = pathlib.Path(__file__).resolve().parent
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1, help="of each process (1)")
    parser.add_argument("--arch", default="resnet18")
    parser.add_argument("--batch", type=int, default=32, help="pairs per step and process (32)")
    parser.add_argument("--side", type=int, default=112)
    parser.add_argument("--rounds", type=int, default=5, help="turns of each (5)")
    parser.add_argument("--steps", type=int, default=2, help="steps per turn (2)")
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--ours", default=str(here.parent / ".build/release/simsiam-step"))
    parser.add_argument("--launcher", default="mpirun.openmpi --oversubscribe --bind-to none")
    parser.add_argument("--delay", type=int, default=0, help="microseconds that each gathering takes longer, ours (0)")
    parser.add_argument("--without-peer", action="store_true", help="leave PyTorch out")
    parser.add_argument("--save", help="a file for what the ranks exchange, which link_model.py reads")
    options = parser.parse_args()
    split = [w for name in ("arch", "batch", "side", "threads") for w in (f"--{name}", str(getattr(options, name)))]
    ours = [options.ours, *split]
    together = [*options.launcher.split(), "-n", str(options.ranks), *ours, "--delay", str(options.delay), "--batch-norm"]
    jobs = {"alone": [ours], "side by side": [ours] * options.ranks, "ranks, global batch norm": [together + ["global"]],
            "ranks, local batch norm": [together + ["local"]]}
    if not options.without_peer:
        jobs["PyTorch DDP"] = [[sys.executable, str(here / "ddp_step.py"), "--ranks", str(options.ranks), *split]]
    jobs = {name: Job(commands) for name, commands in jobs.items()}
    print(f"{jobs['alone'].ready[0]['summary']}; {options.launcher}", flush=True)
    for job in jobs.values():
        job.run(options.warmup)
        job.seen.clear()
    for _ in range(options.rounds):
        for job in jobs.values():
            job.medians.append(job.run(options.steps))
    for job in jobs.values():
        job.end()
    alone, apart = jobs["alone"], jobs["side by side"]
    print(f"{options.arch} {options.side} px, {options.batch} pairs and {options.threads} threads a process")
    for name, job in jobs.items():
        print(f"{name}: {job.step:.3f} s per step")
    for name in list(jobs)[2:]:
        job = jobs[name]
        print(f"{name}: {options.ranks * alone.step / job.step:.2f} times one process, {apart.over(job)} of those side by side")
    exchanging = {name: job.typical for name, job in jobs.items() if job.seen}
    for name, step in exchanging.items():
        waited, gathering = step["exchanges"]["waited"], step["exchanges"]["gathering"]
        print(f"{name}: of {step['seconds']:.3f} s {waited:.3f} ({100 * waited / step['seconds']:.1f} %) waiting for sums, "
              f"{gathering:.3f} to gather")
    if options.save:
        pathlib.Path(options.save).write_text(json.dumps(exchanging))
    if "PyTorch DDP" in jobs:
        for name in list(jobs)[2:4]:
            print(f"PyTorch DDP takes {jobs['PyTorch DDP'].over(jobs[name])} times as long as {name}")


if __name__ == "__main__":
    main()
