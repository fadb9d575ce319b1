"""Times steps of a walker's training on BigBiGAN in this project and in PyTorch side by side, in turns, in one run.

    python compare_walkers.py --reference DIR --weights BigBiGAN_x1.pth

DIR is a checkout of lukemelas/pytorch-pretrained-gans. All programs stay loaded and take turns, so that a machine whose
speed drifts slows them alike. By default PyTorch leaves out the gradients that the public code takes and throws away,
and runs in the layout that is its fastest here (see walker_reference.py). Prints the ratio of the median times, its range
over the rounds, and the peaks of memory. With `--precision bf16` our own f32 and PyTorch under autocast take turns too.
"""

import argparse
import pathlib
import sys

from turns import duration, take_turns


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
    parser.add_argument("--backend", default="auto", help="of ours (auto)")
    parser.add_argument("--device", default="cpu", help="of PyTorch: cpu, cuda or cuda:N (cpu)")
    parser.add_argument("--folded", default="0", help="1: PyTorch computes spectral norms once (0)")
    parser.add_argument("--precision", choices=["f32", "tf32", "bf16"], default="f32", help="of ours (f32)")
    options = parser.parse_args()
    shared = ["--weights", options.weights, "--batch", str(options.batch), "--threads", str(options.threads),
              "--chunks", options.chunks]
    theirs = [sys.executable, str(here / "walker_reference.py"), "--reference", options.reference, *shared,
              "--layout", options.layout, "--lean", options.lean, "--folded", options.folded, "--device", options.device]
    mine = [options.ours, *shared, "--backend", options.backend]
    commands = {"ours": [*mine, "--precision", options.precision]}
    if options.precision != "f32":
        commands["ours, f32"] = mine
    commands["PyTorch"] = theirs
    if options.precision != "f32":
        commands[f"PyTorch, {options.precision}"] = [*theirs, "--precision", options.precision]

    def said(name, program):
        about = program.ready
        print(f"{name}: {about['summary']}" if "summary" in about else f"{name}: {about['version']}, {options.layout}"
              f"{'' if options.lean == '0' else ', no gradients in vain'}", flush=True)

    programs = take_turns(commands, options.rounds, options.steps, 1, said)
    ours = programs.pop("ours")
    print(f"walker step, BigBiGAN 128 px, batch {options.batch}, {options.precision}: ours {duration(ours.step)}; peak "
          f"memory {ours.memory}")
    for name, other in programs.items():
        print(f"{name}: {duration(other.step)}; ratio {other.over(ours)}; peak memory {other.memory}")


if __name__ == "__main__":
    main()
