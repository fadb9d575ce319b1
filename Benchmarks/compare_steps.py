"""Times SimSiam training steps of this project and of PyTorch side by side, in turns, in one run.

    python compare_steps.py --arch resnet18 --ours ../.build/release/simsiam-step --rounds 5 --steps 3
    python compare_steps.py --arch resnet50 --precision bf16 --peers f32,bf16,compiled
    python compare_steps.py --arch resnet50 --batch 256 --precision bf16 --backend cuda --device cuda

All programs stay loaded and take turns, so that a machine whose speed drifts slows them alike. Prints, for each peer, the
ratio of the median step times, its range over the rounds, the ceiling (PyTorch's step over the time that ours spends
inside convolution kernels, as if all else were free), and the peaks of memory. Peers are PyTorch in f32, by autocast in
bf16, and each of them compiled: f32, bf16, compiled, bf16-compiled; on a card also tf32. With bf16 on a processor oneDNN's
kernels for the same convolutions take their turns by themselves too: how many times as long our whole step takes as the
fastest of them for each shape.
"""

import argparse
import pathlib
import sys

from turns import duration, take_turns


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
    parser.add_argument("--backend", default="auto", help="of ours (auto)")
    parser.add_argument("--device", default="cpu", help="of PyTorch: cpu, cuda or cuda:N (cpu)")
    parser.add_argument("--precision", choices=["f32", "tf32", "bf16"], default="f32", help="of ours (f32)")
    parser.add_argument("--peers", help="PyTorch's forms, joined by commas (that of --precision)")
    parser.add_argument("--kernels", help="the program that times oneDNN's kernels; '' for none (beside --ours)")
    options = parser.parse_args()
    if options.kernels is None:
        beside = pathlib.Path(options.ours).with_name("convolution-kernels")
        on_processor = options.device == "cpu" and not options.backend.startswith("cuda")
        options.kernels = str(beside) if on_processor and options.precision == "bf16" else ""
    split = [part for name in ("arch", "batch", "side", "threads") for part in (f"--{name}", str(getattr(options, name)))]
    commands = {"ours": [options.ours, *split, "--precision", options.precision, "--backend", options.backend]}
    for name in (options.peers or options.precision).split(","):
        precision = name.partition("-")[0].replace("compiled", "f32")
        form = ["--precision", precision, "--device", options.device] + ["--compile"] * ("compiled" in name)
        commands[name] = [sys.executable, str(here / "simsiam_step.py"), *split, *form]
    if options.kernels:
        commands["kernels"] = [options.kernels, *split]

    def said(name, program):
        if name == "kernels":
            return
        about = program.last
        print(f"ours: {program.ready['summary']}, {options.precision}" if name == "ours" else
              f"theirs: PyTorch {about['version']}, {about['isa']}, {about['layout']}, {about['precision']}", flush=True)

    programs = take_turns(commands, options.rounds, options.steps, options.warmup, said)
    ours, kernels = programs.pop("ours"), programs.pop("kernels", None)
    print(
        f"{options.arch} {options.side} px, {options.batch} pairs, {options.threads} threads: ours {duration(ours.step)} per "
        "step, " + (f"{ours.kernel:.3f} s of it in convolution kernels ({ours.step / ours.kernel:.2f} times them), "
                    if ours.kernel else "") + f"peak memory {ours.memory}")
    if kernels:
        each = ", ".join(f"{name} {duration(seconds)}" for name, seconds in kernels.last["kernels"].items())
        print(
            f"kernels by themselves, last turn: {each}; in all turns, for each shape the fastest of oneDNN's {duration(kernels.step)}: our step takes "
            f"{ours.over(kernels)} times as long")
    for name, theirs in programs.items():
        print(
            f"PyTorch {name}: {duration(theirs.step)}; ratio {theirs.over(ours)}"
            + (f", ceiling of the convolution kernels alone {theirs.step / ours.kernel:.2f}" if ours.kernel else "")
            + f"; peak memory {theirs.memory}")


if __name__ == "__main__":
    main()
