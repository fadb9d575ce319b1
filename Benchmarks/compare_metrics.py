#!/usr/bin/env python3
"""hl-metrics beside Python, in turns: times and values of metrics of embeddings.

    python3 Benchmarks/compare_metrics.py [--bin .build/release] [--rounds 5] [--threads 2] [--sizes 10000x432,25000x512]

For each size two streams of embeddings are made up, samples with three views and a reference, with a decaying spectrum
and means apart. In each round hl-metrics and the peer compute the metrics of a row one after the other:

    one set     RankMe (torch.linalg.svdvals, float32), alpha-ReQ (numpy), uniformity (torch.pdist)
    views       LiDAR (stable-pretraining's formula, float32), alignment
    frechet     scipy.linalg.sqrtm of float64 covariances, as pytorch-fid
    kernel      torchmetrics' poly_mmd on 100 subsets of 1,000, float32
    neighbours  prdc (numpy and scikit-learn) for density and coverage, and once more for precision and recall

The peer has its arrays in memory before the clock starts; hl-metrics starts as a program and reads its streams. Printed
are medians with their range, the ratio, the peak of memory and the values side by side. Values of the kernel distance
differ by the draw of the subsets. Needs the packages of requirements.txt.
"""
import argparse
import contextlib
import io
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

NAMES = {
    "one set": "rankme,alpha-req,uniformity",
    "views": "lidar,alignment",
    "frechet": "frechet",
    "kernel": "kernel",
    "neighbours": "precision-recall,density-coverage",
}


def made_up(count, dimension, seed):
    """Samples with three views and a reference, float32."""
    random = np.random.default_rng(seed)
    scales = np.arange(1, dimension + 1) ** -0.5
    mix = random.normal(size=(dimension, dimension)) / np.sqrt(dimension)

    def draw(offset, spread):
        return ((random.normal(size=(count, dimension)) * scales * spread) @ mix + offset).astype(np.float32)

    anchor = draw(0.3, 0.95)
    views = [anchor] + [anchor + (0.2 * draw(0, 1)).astype(np.float32) for _ in range(2)]
    return views, draw(0.32, 1)


def write_stream(path, views):
    import safetensors.numpy
    import zstandard

    compressor = zstandard.ZstdCompressor(level=1, write_checksum=True)
    with open(path, "wb") as file:

        def record(kind, tensors={}, **metadata):
            metadata = {"hl." + key: value for key, value in metadata.items()}
            file.write(compressor.compress(safetensors.numpy.save(tensors, {"hl.kind": kind} | metadata)))

        encoder = {"arch": "made up", "file": "none", "fingerprint": "0"}
        source = {"kind": "made up", "file": pathlib.Path(path).name}
        record("header", version="1", history="[]", data=json.dumps(source), encoder=json.dumps(encoder))
        count, batches = len(views[0]), 0
        for start in range(0, count, 1024):
            rows = {f"e.{v}": np.ascontiguousarray(x[start : start + 1024]) for v, x in enumerate(views)}
            record("batch", {"id": np.arange(start, min(start + 1024, count))} | rows)
            batches += 1
        record("end", batches=str(batches), samples=str(count))


# The peers. Imports are within, so that each row's process holds what it needs.


def effective_rank(weights, epsilon):
    import torch

    p = weights / weights.sum() + epsilon
    return float(torch.exp(-(p * torch.log(p)).sum()))


def peer_one_set(views, reference):
    import torch

    z = torch.from_numpy(views[0])
    rank = effective_rank(torch.linalg.svdvals(z), 1e-7)
    spectrum = np.linalg.eigvalsh(np.cov(views[0].T, dtype=np.float64))[::-1]
    ranks = np.arange(12, 101)
    x = np.stack([-np.log(ranks), np.ones(len(ranks))], 1)
    w = 1.0 / ranks[:, None]
    alpha = np.linalg.solve(x.T @ (x * w), (w * x).T @ np.log(spectrum[ranks - 1])[:, None])[0, 0]
    unit = torch.nn.functional.normalize(z, dim=1)
    uniformity = torch.pdist(unit, p=2).pow(2).mul(-2).exp().mean().log()
    return {"rankme": rank, "alpha-req": float(alpha), "uniformity": float(uniformity)}


def peer_views(views, reference):
    import torch

    x = torch.stack([torch.from_numpy(view) for view in views], 1)
    n, q, d = x.shape
    means = x.mean(1)
    centred = means - means.mean(0)
    between = centred.T @ centred / (n - 1)
    around = (x - means[:, None]).reshape(-1, d)
    within = around.T @ around / (n * (q - 1)) + 1e-4 * torch.eye(d)
    values, vectors = torch.linalg.eigh(within)
    root = (vectors / values.sqrt()) @ vectors.T
    eigenvalues = torch.linalg.eigvalsh(root @ between @ root).clamp(min=0)
    unit = torch.nn.functional.normalize(x, dim=2)
    pairs = [(i, j) for i in range(q) for j in range(i)]
    alignment = sum((unit[:, i] - unit[:, j]).pow(2).sum(1).mean() for i, j in pairs) / len(pairs)
    return {"lidar": effective_rank(eigenvalues, 1e-7), "alignment": float(alignment)}


def peer_frechet(views, reference):
    import scipy.linalg

    a, b = views[0].astype(np.float64), reference.astype(np.float64)
    first, second = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = np.real(scipy.linalg.sqrtm(first @ second))
    distance = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(first) + np.trace(second) - 2 * np.trace(root)
    return {"frechet": float(distance)}


def peer_kernel(views, reference):
    import torch
    from torchmetrics.image.kid import poly_mmd

    real, fake = torch.from_numpy(reference), torch.from_numpy(views[0])
    torch.manual_seed(0)
    scores = torch.stack(
        [
            poly_mmd(real[torch.randperm(len(real))[:1000]], fake[torch.randperm(len(fake))[:1000]])
            for _ in range(100)
        ]
    )
    return {"kernel": float(scores.mean()), "kernel std": float(scores.std(unbiased=False))}


def peer_neighbours(views, reference):
    import prdc

    with contextlib.redirect_stdout(io.StringIO()):
        first = prdc.compute_prdc(reference, views[0], nearest_k=3)
        second = prdc.compute_prdc(reference, views[0], nearest_k=5)
    return {k: float(first[k]) for k in ("precision", "recall")} | {k: float(second[k]) for k in ("density", "coverage")}


PEERS = {
    "one set": peer_one_set,
    "views": peer_views,
    "frechet": peer_frechet,
    "kernel": peer_kernel,
    "neighbours": peer_neighbours,
}


def peer_process(row, folder, threads):
    """Computes a row in this process; prints seconds, peak memory and values as JSON."""
    import torch

    torch.set_num_threads(threads)
    views = [np.load(f"{folder}/view{v}.npy") for v in range(3)]
    reference = np.load(f"{folder}/reference.npy")
    PEERS[row]([view[:200] for view in views], reference[:200]) if row != "kernel" else None
    start = time.perf_counter()
    values = PEERS[row](views, reference)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak": peak, "values": values}))


def run_peer(row, folder, threads):
    environment = os.environ | {name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    command = [sys.executable, __file__, "--peer", row, "--folder", folder, "--threads", str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        return None
    return json.loads(done.stdout.splitlines()[-1])


def run_ours(row, folder, threads, programs):
    command = [f"{programs}/hl-metrics", f"{folder}/samples.hls", "--metrics", NAMES[row], "--json"]
    command += ["--threads", str(threads)]
    if row not in ("one set", "views"):
        command += ["--reference", f"{folder}/reference.hls"]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status != 0:
        sys.exit(f"hl-metrics failed: {command}")
    metrics = json.loads(output)["metrics"]
    values = {name: metric["value"] for name, metric in metrics.items()}
    if "kernel" in metrics:
        values["kernel std"] = metrics["kernel"]["std"]
    return {"seconds": seconds, "peak": usage.ru_maxrss / 1024, "values": values}


def span(runs, key="seconds"):
    numbers = [run[key] for run in runs]
    return f"{statistics.median(numbers):8.3f} [{min(numbers):.3f}, {max(numbers):.3f}]"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", default=".build/release")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--sizes", default="10000x432,25000x512")
    parser.add_argument("--rows", default=",".join(NAMES))
    parser.add_argument("--peer")
    parser.add_argument("--folder")
    arguments = parser.parse_args()
    if arguments.peer:
        return peer_process(arguments.peer, arguments.folder, arguments.threads)
    for size in arguments.sizes.split(","):
        count, dimension = map(int, size.split("x"))
        with tempfile.TemporaryDirectory() as folder:
            views, reference = made_up(count, dimension, 0)
            for number, view in enumerate(views):
                np.save(f"{folder}/view{number}.npy", view)
            np.save(f"{folder}/reference.npy", reference)
            write_stream(f"{folder}/samples.hls", views)
            write_stream(f"{folder}/reference.hls", [reference])
            del views, reference
            print(f"{count} samples, {dimension} dimensions, {arguments.threads} threads, seconds [range]")
            for row in arguments.rows.split(","):
                ours, theirs = [], []
                for _ in range(arguments.rounds):
                    ours.append(run_ours(row, folder, arguments.threads, arguments.bin))
                    theirs.append(run_peer(row, folder, arguments.threads))
                peers = [run for run in theirs if run]
                ratio = "the peer failed"
                if peers:
                    ratio = statistics.median(r["seconds"] for r in peers) / statistics.median(r["seconds"] for r in ours)
                    ratio = f"{span(peers)} s, {max(r['peak'] for r in peers):.0f} MB; ratio {ratio:.2f}"
                print(f"{row:10} hl-metrics {span(ours)} s, {max(r['peak'] for r in ours):.0f} MB; Python {ratio}")
                for name, value in ours[0]["values"].items():
                    other = peers[0]["values"].get(name) if peers else None
                    text = "" if other is None else f"{other:.8g}, {abs(value / other - 1):.1e} apart"
                    print(f"{'':10}   {name} {value:.8g} {text}", flush=True)


if __name__ == "__main__":
    main()
