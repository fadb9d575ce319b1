#!/usr/bin/env python3
"""Makes quantiles.json beside this file: quantiles of truncated normals by scipy.

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


if __name__ == "__main__":
    pathlib.Path(__file__).with_name("quantiles.json").write_text(json.dumps(quantiles()) + "\n")
