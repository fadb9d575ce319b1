"""Times online training on generated views in this project and in Python side by side, in turns, in one run.

    python compare_online.py --reference DIR --weights BigBiGAN_x1.pth

Ours is the pipeline hl-sample | hl-perturb --chunks 1-5 | hl-train --method simsiam --arch resnet18; theirs is
online_training_reference.py, the same work with scipy's sampling, the public generator (DIR is a checkout of
lukemelas/pytorch-pretrained-gans) and kornia's augmentation. Starting up counts for neither: ours is timed as the
difference between a long run and a short one, theirs times its steps itself.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time


def pipeline(options, folder, samples, precision):
    """Seconds of one pipeline that trains on so many pairs."""
    programs = options.programs
    command = (
        f"{programs}/hl-sample --weights '{options.weights}' --precision {precision} --threads {options.threads} | "
        f"{programs}/hl-perturb --chunks 1-5 --threads {options.threads} | "
        f"{programs}/hl-train --method simsiam --arch resnet18 --batch {options.batch} --samples {samples} "
        f"--backend {options.backend} --precision {precision} --threads {options.threads} --quiet -o {folder}/encoder.safetensors")
    start = time.perf_counter()
    subprocess.run(["bash", "-o", "pipefail", "-c", command], check=True)
    return time.perf_counter() - start


def ours(options, folder, precision):
    """Pairs a second."""
    few = options.batch * 2
    more = few + options.batch * options.steps
    short = pipeline(options, folder, few, precision)
    return (more - few) / (pipeline(options, folder, more, precision) - short)


def theirs(options, here, precision):
    """Pairs a second."""
    command = [
        sys.executable, str(here / "online_training_reference.py"), "--reference", options.reference, "--weights",
        options.weights, "--batch", str(options.batch), "--threads", str(options.threads), "--steps",
        str(options.peer_steps), "--precision", precision, "--device", options.device]
    report = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    return json.loads(report.splitlines()[-1])["samples_per_second"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    here = pathlib.Path(__file__).resolve().parent
    parser.add_argument("--reference", required=True, metavar="DIR", help="checkout of the public repository")
    parser.add_argument("--weights", required=True, metavar="FILE", help="BigBiGAN_x1.pth")
    parser.add_argument("--programs", default=str(here.parent / ".build/release"), help="folder of hl-sample and so on")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each (3)")
    parser.add_argument("--batch", type=int, default=16, help="pairs per step (16)")
    parser.add_argument("--steps", type=int, default=6, help="timed steps of ours per turn (6)")
    parser.add_argument("--peer-steps", type=int, default=2, help="timed steps of theirs per turn (2)")
    parser.add_argument("--threads", type=int, default=2, help="threads of each program (2)")
    parser.add_argument("--backend", default="auto", help="of ours (auto)")
    parser.add_argument("--device", default="cpu", help="of PyTorch: cpu, cuda or cuda:N (cpu)")
    parser.add_argument("--precision", choices=["f32", "tf32", "bf16"], default="f32",
                        help="of ours; with bf16 our own f32 and PyTorch under autocast take turns too (f32)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        arms = {"ours": lambda: ours(options, folder, options.precision),
                "PyTorch": lambda: theirs(options, here, "f32")}
        if options.precision != "f32":
            arms["ours, f32"] = lambda: ours(options, folder, "f32")
            arms[f"PyTorch, {options.precision}"] = lambda: theirs(options, here, options.precision)
        rates = {name: [] for name in arms}
        for _ in range(options.rounds):
            for name, arm in arms.items():
                rates[name].append(arm())
            print(", ".join(f"{name} {rate[-1]:.2f}" for name, rate in rates.items()) + " pairs per second", flush=True)
    mine = rates.pop("ours")
    for name, rate in rates.items():
        ratios = [a / b for a, b in zip(mine, rate)]
        print(f"over {name}: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
