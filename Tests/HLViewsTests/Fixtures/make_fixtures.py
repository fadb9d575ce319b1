#!/usr/bin/env python3
"""Makes views.json beside this file: quantiles of truncated normals by scipy, and statistics of distances by numpy.

Needs numpy and scipy. Values that double precision cannot take from the upper tail directly come from the lower one by
symmetry.
"""
import json
import pathlib

import numpy as np
from scipy.stats import norm, truncnorm


def quantiles():
    generator = np.random.default_rng(1)
    words = [0, 1, 2, 3, 10, 100, 1000, 2**16, 2**20, 2**24, 2**28, 2**30, 2**31 - 2**20]
    words += [2**31 - 1, 2**31 - 2, 2**31 - 1000]
    words += [int(w) for w in generator.integers(0, 2**31, 60)]
    words = sorted(set(words))
    table = []
    for truncation in (0.05, 0.9, 1.0, 2.0, 5.0, 10.0, None):
        u = (np.array(words) + 0.5) / 2.0**32
        if truncation is None:
            values = norm.ppf(u)
        else:
            values = truncnorm.ppf(u, -truncation, truncation)
        # ppf loses digits next to the median: there the quantile is linear, with the density's inverse as its slope.
        mass = 1.0 if truncation is None else norm.cdf(truncation) - norm.cdf(-truncation)
        q = mass * (u - 0.5)
        values = np.where(np.abs(q) < 1e-5, np.sqrt(2 * np.pi) * q, values)
        table.append({"trunc": truncation, "values": [float(v) for v in values]})
    return {"words": words, "tables": table}


def deltas():
    generator = np.random.default_rng(2)
    samples, chunks, dimension = 37, 4, 5
    anchors = generator.normal(size=(samples, chunks, dimension)).astype(np.float32)
    scale = np.array([0.1, 1.0, 3.0, 0.5]).reshape(1, chunks, 1)
    positives = (anchors + scale * generator.normal(size=anchors.shape)).astype(np.float32)
    positives[5, 2] = anchors[5, 2]  # one distance of zero
    difference = anchors.astype(np.float64) - positives
    chosen = [0, 2, 3]
    norms = np.sqrt((difference**2).sum(2))[:, chosen]
    together = np.sqrt((difference[:, chosen] ** 2).sum((1, 2)))

    def describe(x):
        fractions = [0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0]
        return {
            "mean": float(x.mean()),
            "std": float(x.std(ddof=1)),
            "min": float(x.min()),
            "max": float(x.max()),
            "fractions": fractions,
            "quantiles": [float(v) for v in np.quantile(x, fractions, method="inverted_cdf")],
        }

    pairs = [(0, 1), (0, 2), (1, 2)]
    below = {f"{chosen[i]}<{chosen[j]}": int((norms[:, i] < norms[:, j]).sum()) for i, j in pairs}
    return {
        "shape": [samples, chunks, dimension],
        "anchors": [float(v) for v in anchors.ravel()],
        "positives": [float(v) for v in positives.ravel()],
        "chunks": [describe(norms[:, i]) for i in range(3)],
        "together": describe(together),
        "below": below,
    }


if __name__ == "__main__":
    target = pathlib.Path(__file__).with_name("views.json")
    target.write_text(json.dumps({"quantiles": quantiles(), "delta": deltas()}) + "\n")
