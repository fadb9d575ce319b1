"""Times a generator's images in this project and in its public PyTorch code side by side, in turns, in one run.

    python compare_generators.py bigbigan --reference DIR --weights BigBiGAN_x1.pth --batch 8 [--gradient]

All programs stay loaded and take turns, so that a machine whose speed drifts slows them alike. DIR is a checkout of the
public repository (see generators_reference.py); `--variant` is the memory layout that generators_reference.py finds to be
PyTorch's fastest. Prints the ratio of the median times, its range over the rounds, the share of the library's
convolution kernels in ours, and the peaks of memory. With `--precision bf16` our own f32 takes turns too; with
`--backend cuda --device cuda` PyTorch has the same precision.
"""

import argparse
import pathlib
import sys

from turns import duration, take_turns


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    here = pathlib.Path(__file__).resolve().parent
    parser.add_argument("generator", choices=["bigbigan", "stylegan2"])
    parser.add_argument("--reference", required=True, metavar="DIR", help="checkout of the public repository")
    parser.add_argument("--weights", required=True, metavar="FILE", help="BigBiGAN's .pth or StyleGAN2's .pkl")
    parser.add_argument("--ours", default=str(here.parent / ".build/release/generator-step"))
    parser.add_argument("--gradient", action="store_true", help="also backwards to z, with frozen weights")
    parser.add_argument("--variant", help="PyTorch's (nchw; channels-last with --gradient)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each program (5)")
    parser.add_argument("--steps", type=int, default=2, help="batches per turn (2)")
    parser.add_argument("--batch", type=int, default=8, help="images per batch (8)")
    parser.add_argument("--threads", type=int, default=2, help="threads of each program (2)")
    parser.add_argument("--backend", default="auto", help="of ours (auto)")
    parser.add_argument("--device", default="cpu", help="of PyTorch: cpu, cuda or cuda:N (cpu)")
    parser.add_argument("--precision", choices=["f32", "tf32", "bf16"], default="f32", help="of ours (f32)")
    options = parser.parse_args()
    variant = options.variant or ("channels-last" if options.gradient else "nchw")
    shared = ["--weights", options.weights, "--batch", str(options.batch), "--threads", str(options.threads)]
    mine = [options.ours, *shared, "--backward", str(int(options.gradient)), "--backend", options.backend]
    commands = {"ours": [*mine, "--precision", options.precision]}
    if options.precision != "f32":
        commands["ours, f32"] = mine
    commands["PyTorch"] = [
        sys.executable, str(here / "generators_reference.py"), options.generator, "--reference", options.reference,
        *shared, "--variant", variant, "--turns", *(["--gradient"] if options.gradient else []), "--device", options.device,
        "--precision", "f32" if options.device == "cpu" else options.precision]

    def said(name, program):
        about = program.ready
        print(f"{name}: PyTorch {about['version']}, {variant}" if name == "PyTorch" else
              f"{name}: {about['summary']}; opened in {about['opening_seconds'] + about['loading_seconds']:.2f} s", flush=True)

    programs = take_turns(commands, options.rounds, options.steps, 2, said)
    ours = programs.pop("ours")
    print(
        f"{options.generator} batch {options.batch}{' with gradient' if options.gradient else ''}, {options.precision}: ours "
        f"{duration(ours.step / options.batch)} per image, "
        + (f"convolution kernels {ours.kernel / ours.step:.0%} of it; " if ours.kernel else "")
        + f"peak memory {ours.memory}")
    for name, other in programs.items():
        print(f"{name}: {duration(other.step / options.batch)}; ratio {other.over(ours)}; peak memory {other.memory}")


if __name__ == "__main__":
    main()
