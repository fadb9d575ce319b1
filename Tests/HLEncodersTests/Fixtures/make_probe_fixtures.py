"""Makes probe.safetensors: steps of the linear classifier, by PyTorch in float64.

    python make_probe_fixtures.py [directory]

24 samples of 6 non-negative features and 3 classes; three epochs in batches of 10 (the last has 4), rate 30 falling by
half a cosine per step over the 9 steps, SGD with momentum 0.9 and no decay, mean cross-entropy. Arrays come from the
formula of Tests/Support. Stored: `features` [24, 6], `labels` [24], `order` [72] (three permutations), `rates` [9], and after
every step `weight` [9, 3, 6] and `bias` [9, 3]; the initial weight is 0.02 (U - 0.5) of `probe.weight`, stored as
`initial` [3, 6], the initial bias 0.
"""

import math
import os
import pathlib
import sys

import numpy as np
import torch
from safetensors.torch import save_file

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Support"))
from formula import uniform

COUNT, WIDTH, CLASSES, BATCH, EPOCHS = 24, 6, 3, 10, 3


def main(directory):
    features = torch.tensor(uniform("probe.features", (COUNT, WIDTH)).astype(np.float32))
    labels = torch.arange(COUNT) % CLASSES
    initial = torch.tensor((0.02 * (uniform("probe.weight", (CLASSES, WIDTH)) - 0.5)).astype(np.float32))
    order = [torch.tensor(np.argsort(uniform(f"probe.order.{e}", (COUNT,)), kind="stable")) for e in range(EPOCHS)]

    layer = torch.nn.Linear(WIDTH, CLASSES, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.copy_(initial)
        layer.bias.zero_()
    optimizer = torch.optim.SGD(layer.parameters(), lr=30, momentum=0.9, weight_decay=0)
    steps = EPOCHS * math.ceil(COUNT / BATCH)
    rates, weights, biases = [], [], []
    for epoch in range(EPOCHS):
        for start in range(0, COUNT, BATCH):
            rates.append(30 * 0.5 * (1 + math.cos(math.pi * len(rates) / steps)))
            for group in optimizer.param_groups:
                group["lr"] = rates[-1]
            batch = order[epoch][start : start + BATCH]
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(layer(features[batch].double()), labels[batch]).backward()
            optimizer.step()
            weights.append(layer.weight.detach().clone())
            biases.append(layer.bias.detach().clone())
    save_file(
        {
            "features": features,
            "labels": labels,
            "order": torch.cat(order),
            "rates": torch.tensor(rates, dtype=torch.float32),
            "initial": initial,
            "weight": torch.stack(weights).float(),
            "bias": torch.stack(biases).float(),
        },
        os.path.join(directory, "probe.safetensors"),
        metadata={"torch": torch.__version__},
    )


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__)))
