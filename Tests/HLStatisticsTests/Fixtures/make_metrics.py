#!/usr/bin/env python3
"""Makes metrics.json beside this file: metrics of embeddings by the packages and papers that define them, in float64.

Embeddings are not stored: Tests/Support/formula.py and the tests compute them. Fréchet distance by scipy's sqrtm as in
pytorch-fid; kernel distance by torchmetrics; precision, recall, density and coverage by prdc (of whose two pairs the
first is Naeem et al.'s too), neighbours by scipy; RankMe, LiDAR, alpha-ReQ, alignment and uniformity transcribed from
their papers and the code that these name. Run it as it stands; needs numpy, scipy, torch, torchmetrics and prdc.
"""
import json
import pathlib
import sys

import numpy as np
import prdc
import scipy
import torch
import torchmetrics
from scipy.spatial.distance import cdist, pdist
from torchmetrics.image.kid import poly_mmd

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "Support"))
import formula


def embeddings(name, count, dimension, offset=0.0):
    """(U - 0.5) 2^-(j / 4) + offset, dimension j from 0 (integer division), rounded to float32 at every step."""
    values = (formula.uniform(name, (count, dimension)) - 0.5).astype(np.float32)
    scales = (2.0 ** -(np.arange(dimension) // 4)).astype(np.float32)
    return (values * scales + np.float32(offset)).astype(np.float32)


def views(name, count, dimension, number):
    """An anchor and as many views of it, each with an eighth of noise."""
    anchor = embeddings(name, count, dimension, 0.25)
    return [
        (anchor + np.float32(0.125) * embeddings(f"{name}.{view}", count, dimension)).astype(np.float32)
        for view in range(number)
    ]


def effective_rank(weights, epsilon):
    p = weights / weights.sum() + epsilon
    return float(np.exp(-(p * np.log(p)).sum()))


def rankme(z, epsilon=1e-7):
    return effective_rank(np.linalg.svd(z.astype(np.float64), compute_uv=False), epsilon)


def lidar(views, epsilon=1e-7, delta=1e-4):
    x = np.stack(views, 1).astype(np.float64)
    n, q, d = x.shape
    means = x.mean(1)
    centred = means - means.mean(0)
    between = centred.T @ centred / (n - 1)
    around = (x - means[:, None]).reshape(-1, d)
    within = around.T @ around / (n * (q - 1)) + delta * np.eye(d)
    values, vectors = np.linalg.eigh(within)
    root = vectors / np.sqrt(values) @ vectors.T
    return effective_rank(np.clip(np.linalg.eigvalsh(root @ between @ root), 0, None), epsilon)


def alpha_req(z, first, last):
    """The weighted fit of Stringer et al.'s get_powerlaw, which alpha-ReQ's authors use; ranks from 1."""
    spectrum = np.linalg.eigvalsh(np.cov(z.astype(np.float64).T))[::-1]
    ranks = np.arange(first, last + 1)
    y = np.log(spectrum[ranks - 1])[:, None]
    x = np.stack([-np.log(ranks), np.ones(len(ranks))], 1)
    w = 1.0 / ranks[:, None]
    return float(np.linalg.solve(x.T @ (x * w), (w * x).T @ y)[0, 0])


def unit(z):
    z = z.astype(np.float64)
    return z / np.linalg.norm(z, axis=1, keepdims=True)


def alignment(views):
    pairs = [(i, j) for i in range(len(views)) for j in range(i)]
    return float(np.mean([((unit(views[i]) - unit(views[j])) ** 2).sum(1).mean() for i, j in pairs]))


def uniformity(z, t=2):
    return float(np.log(np.exp(-t * pdist(unit(z)) ** 2).mean()))


def frechet(a, b):
    a, b = a.astype(np.float64), b.astype(np.float64)
    first, second = np.cov(a.T), np.cov(b.T)
    root = np.real(scipy.linalg.sqrtm(first @ second))
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(first + second - 2 * root))


def frechet_of_samples(a, b):
    """The same without a root of a singular matrix: the trace is the nuclear norm of the product of centred samples."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    x, y = (a - a.mean(0)) / np.sqrt(len(a) - 1), (b - b.mean(0)) / np.sqrt(len(b) - 1)
    root = np.linalg.svd(x @ y.T, compute_uv=False).sum()
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + (x**2).sum() + (y**2).sum() - 2 * root)


def kernel(a, b):
    return float(poly_mmd(torch.tensor(a, dtype=torch.float64), torch.tensor(b, dtype=torch.float64)))


def neighbours(reference, samples, k_precision=3, k_density=5):
    reference, samples = reference.astype(np.float64), samples.astype(np.float64)
    package = prdc.compute_prdc(reference, samples, nearest_k=k_density)
    radius = lambda x, k: np.sort(cdist(x, x), axis=1)[:, k]
    between = cdist(reference, samples)
    return {
        "precision": float((between <= radius(reference, k_precision)[:, None]).any(0).mean()),
        "recall": float((between <= radius(samples, k_precision)[None]).any(1).mean()),
        "density": float(package["density"]),
        "coverage": float(package["coverage"]),
    }


def main():
    formula.check_philox()
    samples = views("metrics.samples", 300, 24, 4)
    reference = embeddings("metrics.reference", 260, 24, 0.3)
    few, fewer = samples[0][:20], reference[:15]
    far = views("metrics.samples", 300, 24, 2)[0] * np.float32(8)
    result = {
        "rankme": rankme(samples[0]),
        "rankme_epsilon": rankme(samples[0], 1e-3),
        "lidar": lidar(samples),
        "lidar_two_views": lidar(samples[1:3]),
        "lidar_few": lidar([view[:10] for view in samples]),
        "alpha_req": alpha_req(samples[0], 2, 20),
        "alignment": alignment(samples),
        "uniformity": uniformity(samples[0]),
        "frechet": frechet(samples[0], reference),
        "frechet_few": frechet_of_samples(few, fewer),
        # torchmetrics takes sets of one size.
        "kernel": kernel(samples[0][:260], reference),
        "kernel_far": kernel(far[:260], reference),
        "neighbours": neighbours(reference, samples[0]),
        "neighbours_self": neighbours(samples[1], samples[2], 1, 10),
    }
    # Both forms of the distance agree where the first is exact.
    assert abs(frechet_of_samples(samples[0], reference) / result["frechet"] - 1) < 1e-9
    result["versions"] = {m.__name__: m.__version__ for m in (np, scipy, torchmetrics)}
    path = pathlib.Path(__file__).with_name("metrics.json")
    path.write_text(json.dumps(result, indent=1) + "\n")


main()
