"""Times a generator's images in this project and in its public PyTorch code side by side, in turns, in one run.

    python compare_generators.py bigbigan --reference DIR --weights BigBiGAN_x1.pth --batch 8 [--gradient]

Both programs stay loaded and take turns, so that a machine whose speed drifts slows both alike. DIR is a checkout of the
public repository (see generators_reference.py); `--variant` is the memory layout that generators_reference.py finds to be
PyTorch's fastest. Prints the ratio of the median times, its range over the rounds, the share of the library's
convolution kernels in ours, and both peaks of memory.
"""

import argparse
import pathlib
import statistics
import sys

from compare_steps import run, start


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
    options = parser.parse_args()
    variant = options.variant or ("channels-last" if options.gradient else "nchw")
    shared = ["--weights", options.weights, "--batch", str(options.batch), "--threads", str(options.threads)]
    ours, ready = start([options.ours, *shared, "--backward", str(int(options.gradient))])
    theirs, peer = start(
        [sys.executable, str(here / "generators_reference.py"), options.generator, "--reference", options.reference,
         *shared, "--variant", variant, "--turns", *(["--gradient"] if options.gradient else [])])
    print(f"ours:   {ready['summary']}; opened in {ready['opening_seconds'] + ready['loading_seconds']:.2f} s")
    print(f"theirs: PyTorch {peer['version']}, {variant}")
    run(ours, 2)
    run(theirs, 2)
    ratios, ours_all, theirs_all, kernels = [], [], [], []
    for _ in range(options.rounds):
        a, b = run(ours, options.steps), run(theirs, options.steps)
        ours_all += a["step_seconds"]
        theirs_all += b["step_seconds"]
        kernels.append(a["convolution_seconds"] / options.batch)
        ratios.append(statistics.median(b["step_seconds"]) / statistics.median(a["step_seconds"]))
    per_image = [statistics.median(seconds) / options.batch for seconds in (ours_all, theirs_all)]
    print(
        f"{options.generator} batch {options.batch}{' with gradient' if options.gradient else ''}: ours "
        f"{per_image[0]:.3f} s, PyTorch {per_image[1]:.3f} s per image; ratio {statistics.median(ratios):.2f} "
        f"({min(ratios):.2f} to {max(ratios):.2f}); convolution kernels {statistics.median(kernels) / per_image[0]:.0%} "
        f"of ours; peak memory {a['peak_rss_mb']} and {b['peak_rss_mb']} MB")
    for process in (ours, theirs):
        process.stdin.close()
        process.wait()


if __name__ == "__main__":
    main()
