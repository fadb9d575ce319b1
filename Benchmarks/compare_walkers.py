"""Times steps of a walker's training on BigBiGAN in this project and in PyTorch side by side, in turns, in one run.

    python compare_walkers.py --reference DIR --weights BigBiGAN_x1.pth

DIR is a checkout of lukemelas/pytorch-pretrained-gans. Both programs stay loaded and take turns, so that a machine whose
speed drifts slows both alike. By default PyTorch leaves out the gradients that the public code takes and throws away,
and runs in the layout that is its fastest here (see walker_reference.py). Prints the ratio of the median times, its range
over the rounds, and both peaks of memory.
"""

import argparse
import pathlib
import statistics
import sys

from compare_steps import run, start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    here = pathlib.Path(__file__).resolve().parent
    parser.add_argument("--reference", required=True, metavar="DIR", help="checkout of the public repository")
    parser.add_argument("--weights", required=True, metavar="FILE", help="BigBiGAN_x1.pth")
    parser.add_argument("--ours", default=str(here.parent / ".build/release/walker-step"))
    parser.add_argument("--layout", default="channels-last", help="PyTorch's: nchw or channels-last")
    parser.add_argument("--lean", default="1", help="0: PyTorch takes all gradients, as the public code does (1)")
    parser.add_argument("--chunks", default="1-5", help="chunks that move (1-5)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each program (5)")
    parser.add_argument("--steps", type=int, default=1, help="steps per turn (1)")
    parser.add_argument("--batch", type=int, default=8, help="anchors per step (8)")
    parser.add_argument("--threads", type=int, default=2, help="threads of each program (2)")
    options = parser.parse_args()
    shared = ["--weights", options.weights, "--batch", str(options.batch), "--threads", str(options.threads),
              "--chunks", options.chunks]
    ours, ready = start([options.ours, *shared])
    theirs, peer = start(
        [sys.executable, str(here / "walker_reference.py"), "--reference", options.reference, *shared,
         "--layout", options.layout, "--lean", options.lean])
    print(f"ours:   {ready['summary']}")
    print(f"theirs: PyTorch {peer['version']}, {options.layout}{'' if options.lean == '0' else ', no gradients in vain'}")
    run(ours, 1)
    run(theirs, 1)
    ratios, ours_all, theirs_all = [], [], []
    for _ in range(options.rounds):
        a, b = run(ours, options.steps), run(theirs, options.steps)
        ours_all += a["step_seconds"]
        theirs_all += b["step_seconds"]
        ratios.append(b["seconds_per_step"] / a["seconds_per_step"])
    print(
        f"walker step, BigBiGAN 128 px, batch {options.batch}: ours {statistics.median(ours_all):.2f} s, PyTorch "
        f"{statistics.median(theirs_all):.2f} s; ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to "
        f"{max(ratios):.2f}); peak memory {a['peak_rss_mb']} and {b['peak_rss_mb']} MB")
    for process in (ours, theirs):
        process.stdin.close()
        process.wait()


if __name__ == "__main__":
    main()
