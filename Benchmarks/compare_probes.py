"""Times the sweep over penalties of hl-probe --recipe lbfgs beside scikit-learn's fits, in turns, on the same embeddings.

    hl-sample --data caltech101:DIR --split train --size 64 | hl-encode --untrained -o train.hls
    hl-sample --data caltech101:DIR --split test --size 64 | hl-encode --untrained -o test.hls
    python compare_probes.py --train train.hls --test test.hls

A fifth of each class of the train set chooses the penalty; both get the same. Ours is the time of the whole program:
reading, k-NN, 45 fits, the choice, the fit on train and validation set, and the report. scikit-learn's is that of its 45
fits alone (LogisticRegression, solver lbfgs, warm_start, its default 100 iterations, the same tolerance), in the order and
with the number of threads that suit it best, on float32. Then it compares what was found, in float64: objectives, where both
gradients are within 1e-5 and elsewhere, and accuracies on the validation set.

Of scikit-learn's two orders the one from the strongest penalty down is the faster; --order 1 takes ssl-transfer's. --every
takes every n-th penalty, --classes the first n classes: for a shorter run, or for one with --tolerance 1e-5 and many
--iterations, in which both converge.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time
import warnings

import numpy as np
import threadpoolctl
import zstandard
from safetensors.numpy import save
from sklearn.linear_model import LogisticRegression

TYPES = {"F32": np.float32, "I64": np.int64, "U8": np.uint8}


def read(path):
    """e.0, y and the header's metadata of a stream (hl-stream(5))."""
    with open(path, "rb") as file:
        data = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True).read()
    place, features, labels, metadata = 0, [], [], None
    while place < len(data):
        length = int.from_bytes(data[place : place + 8], "little")
        header = json.loads(data[place + 8 : place + 8 + length])
        start = end = place + 8 + length
        metadata = metadata or header["__metadata__"]
        for name, entry in header.items():
            if name == "__metadata__":
                continue
            first, last = entry["data_offsets"]
            end = max(end, start + last)
            values = np.frombuffer(data[start + first : start + last], dtype=TYPES[entry["dtype"]])
            if name == "e.0":
                features.append(values.reshape(entry["shape"]))
            if name == "y":
                labels.append(values)
        place = end
    return np.concatenate(features), np.concatenate(labels), metadata


def write(path, features, labels, ids, metadata, split):
    """The same as a stream of one batch, said to be another split of its data set."""
    metadata = dict(metadata)
    if "hl.data" in metadata:
        metadata["hl.data"] = json.dumps(json.loads(metadata["hl.data"]) | {"split": split})
    batch = {"id": ids, "y": labels, "e.0": features}
    end = {"hl.kind": "end", "hl.batches": "1", "hl.samples": str(len(ids))}
    compressor = zstandard.ZstdCompressor(write_checksum=True)
    with open(path, "wb") as file:
        for tensors, text in ({}, metadata), (batch, {"hl.kind": "batch"}), ({}, end):
            file.write(compressor.compress(save(tensors, metadata=text)))


def objective(weight, bias, features, labels, penalty):
    """scikit-learn's objective, and the largest entry of the gradient that it compares with its tolerance."""
    logits = features @ weight.T + bias
    logits -= logits.max(1, keepdims=True)
    exponentials = np.exp(logits)
    sums = exponentials.sum(1, keepdims=True)
    rows = np.arange(len(labels))
    loss = (np.log(sums[:, 0]) - logits[rows, labels]).sum()
    slopes = exponentials / sums
    slopes[rows, labels] -= 1
    gradient = (slopes.T @ features + penalty * weight) / len(labels)
    largest = max(abs(gradient).max(), abs(slopes.sum(0)).max() / len(labels))
    return loss / penalty + 0.5 * (weight**2).sum(), largest


def peer_sweep(part, labels, penalties, options, threads):
    """Seconds of the fits alone, and coefficients."""
    model = LogisticRegression(
        solver="lbfgs", warm_start=True, tol=options.tolerance, max_iter=options.peer_iterations)
    found, seconds = {}, 0
    with threadpoolctl.threadpool_limits(threads):
        for penalty in penalties[:: options.order]:
            model.C = 1 / penalty
            start = time.perf_counter()
            model.fit(part, labels)
            seconds += time.perf_counter() - start
            found[penalty] = (model.coef_.copy(), model.intercept_.copy(), int(model.n_iter_[0]))
    return seconds, found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    here = pathlib.Path(__file__).resolve().parent
    parser.add_argument("--train", required=True, metavar="FILE", help="stream of embeddings with labels")
    parser.add_argument("--test", required=True, metavar="FILE", help="another one")
    parser.add_argument("--ours", default=str(here.parent / ".build/release/hl-probe"))
    parser.add_argument("--rounds", type=int, default=1, help="turns of scikit-learn, each between two of ours (1)")
    parser.add_argument("--tolerance", type=float, default=1e-4, help="of both (0.0001)")
    parser.add_argument("--iterations", type=int, default=1000, help="steps of ours (1000)")
    parser.add_argument("--peer-iterations", type=int, default=100, help="steps of scikit-learn's (100)")
    parser.add_argument("--order", type=int, choices=[-1, 1], default=-1, help="-1 from the strongest penalty (-1)")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="every N-th penalty (1)")
    parser.add_argument("--classes", type=int, default=10**9, metavar="N", help="the first N classes")
    parser.add_argument("--each", action="store_true", help="print a line for each penalty")
    options = parser.parse_args()
    warnings.simplefilter("ignore")

    features, labels, metadata = read(options.train)
    features, labels = features[labels < options.classes], labels[labels < options.classes]
    generator, judges = np.random.default_rng(0), np.zeros(len(labels), bool)
    for label in np.unique(labels):
        places = np.flatnonzero(labels == label)
        judges[generator.permutation(places)[: max(1, len(places) // 5)]] = True
    penalties = np.logspace(-6, 5, 45)[:: options.every]
    part, own = features[~judges], labels[~judges]
    cores = len(os.sched_getaffinity(0))

    with tempfile.TemporaryDirectory() as folder:
        ids = np.arange(len(labels))
        write(f"{folder}/part.hls", part, own, ids[~judges], metadata, "part")
        write(f"{folder}/validation.hls", features[judges], labels[judges], ids[judges], metadata, "validation")
        command = [
            options.ours, "--recipe", "lbfgs", "--train", f"{folder}/part.hls", "--validation",
            f"{folder}/validation.hls", "--test", options.test, "--metric", "top1", "--json", "--unmatched", "leave-out",
            "--quiet", "--threads", str(cores), "--tolerance", str(options.tolerance), "--iterations",
            str(options.iterations), "--penalty", ",".join(repr(float(p)) for p in penalties)]

        def ours():
            start = time.perf_counter()
            report = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
            return time.perf_counter() - start, report

        # One fit tells how many threads suit scikit-learn.
        trials = {n: peer_sweep(part, own, penalties[len(penalties) // 2 :][:1], options, n)[0] for n in {1, cores}}
        threads = min(trials, key=trials.get)
        ratios, times, peers = [], [], []
        for _ in range(options.rounds):
            before, report = ours()
            peer, found = peer_sweep(part, own, penalties, options, threads)
            after, report = ours()
            times += [before, after]
            peers.append(peer)
            ratios.append(peer / statistics.mean([before, after]))

    double, judged = part.astype(float), features[judges].astype(float)
    both, elsewhere, accuracies = [], [], []
    for step in report["linear"]["fits"][0]["path"]:
        penalty = min(found, key=lambda p: abs(np.log(p / step["penalty"])))
        weight, bias, iterations = found[penalty]
        theirs, gradient = objective(weight.astype(float), bias.astype(float), double, own, penalty)
        right = 100 * ((judged @ weight.T + bias).argmax(1) == labels[judges]).mean()
        difference = step["objective"] / theirs - 1
        converged = gradient <= 1e-5 and step["gradient_norm"] <= 1e-5
        (both if converged else elsewhere).append(difference)
        if converged:
            accuracies.append(abs(right - step["validation_score"]))
        if options.each:
            print(
                f"penalty {penalty:.3e}: ours {step['objective']:.6e} ({step['gradient_norm']:.1e}, {step['iterations']} "
                f"steps), scikit-learn {theirs:.6e} ({gradient:.1e}, {iterations} steps), {difference:+.1e}; "
                f"accuracy {step['validation_score']:.2f} and {right:.2f}")
    print(
        f"{len(own)} samples of {features.shape[1]} dimensions in {len(np.unique(own))} classes, {len(penalties)} penalties,"
        f" tolerance {options.tolerance}: ours {statistics.median(times):.2f} s with all else, scikit-learn's fits "
        f"{statistics.median(peers):.1f} s on {threads} of {cores} threads; ratio {statistics.median(ratios):.1f} "
        f"({min(ratios):.1f} to {max(ratios):.1f})")
    if both:
        print(
            f"both converged at {len(both)}: objectives within {max(map(abs, both)):.1e}, accuracies within "
            f"{max(accuracies):.2f} points")
    if elsewhere:
        print(f"elsewhere, at {len(elsewhere)}: ours is higher by at most {max(elsewhere):+.1e}")


if __name__ == "__main__":
    main()
