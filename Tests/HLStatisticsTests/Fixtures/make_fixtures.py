#!/usr/bin/env python3
"""Makes delta.json beside this file: statistics of distances by numpy. Needs numpy."""
import json
import pathlib

import numpy as np


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
    pathlib.Path(__file__).with_name("delta.json").write_text(json.dumps(deltas()) + "\n")
