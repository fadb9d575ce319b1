"""Makes the parity fixtures of HLEncoders with real torch and torchvision.

    python make_encoder_fixtures.py [DIRECTORY]      (default: the directory of this script)

Needs torch, torchvision, numpy, safetensors. Reference values are computed in float64 from float32 inputs and stored as
float32; where it matters, the same computation in float32 runs too and its deviation is stored in the file's metadata.
README.md beside this script describes every file.
"""

import json
import math
import os
import pathlib
import sys

import torch
import torch.nn.functional as F
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Support"))
from formula import backbone, centred, check_philox, fill, images, rounded, summary, uniform
from reference import infonce, relative, simsiam_loss, store


# ---------------------------------------------------------------------------------------------- resnet.safetensors


# A pre-activation that is zero but for rounding makes a gradient jump. Of 16 pictures these are the ones whose
# pre-activations in training mode stay farthest from zero (least |a| / rms(a) over all ReLUs, in the metadata).
PICTURE = {"resnet18": 15, "resnet50": 11}


def resnet_case(arch, dtype):
    network = backbone(arch).to(dtype)
    picture = PICTURE[arch]
    x = images(f"image.{picture}", f"scene.{picture}", 4, 56).to(dtype).requires_grad_()
    network.eval()
    with torch.no_grad():
        evaluated = network(x)
    network.train()
    trained = network(x)
    (trained * centred("cotangent", tuple(trained.shape)).to(dtype)).sum().backward()
    norms = [(n, m) for n, m in network.named_modules() if isinstance(m, nn.BatchNorm2d)]
    return {
        "features.eval": evaluated,
        "features.train": trained,
        "gradients": torch.stack([summary(p.grad) for _, p in network.named_parameters()]),
        "input_gradient": summary(x.grad),
        "running_mean": torch.stack([summary(m.running_mean) for _, m in norms]),
        "running_var": torch.stack([summary(m.running_var) for _, m in norms]),
    }, [n for n, _ in network.named_parameters()], [n for n, _ in norms]


def relu_margin(arch, picture):
    """Least magnitude of any ReLU's input over the root mean square of that ReLU's inputs, in training mode."""
    network = backbone(arch).train()
    least = []

    def watch(module, inputs):
        least.append((inputs[0].abs().min() / inputs[0].square().mean().sqrt()).item())

    for module in network.modules():
        if isinstance(module, nn.ReLU):
            module.register_forward_pre_hook(watch)
    with torch.no_grad():
        network(images(f"image.{picture}", f"scene.{picture}", 4, 56))
    return min(least)


def make_resnet(directory):
    tensors, metadata = {}, {}
    for arch in ("resnet18", "resnet50"):
        exact, parameters, norms = resnet_case(arch, torch.float64)
        single, _, _ = resnet_case(arch, torch.float32)
        for key, value in exact.items():
            tensors[f"{arch}.{key}"] = value
        metadata[f"{arch}.parameters"] = json.dumps(parameters)
        metadata[f"{arch}.norms"] = json.dumps(norms)
        deviation = {k: relative(single[k], exact[k]) for k in ("features.eval", "features.train")}
        norm, other = exact["gradients"][:, 0], single["gradients"][:, 0]
        deviation["gradient norms"] = ((other - norm).abs() / norm).max().item()
        deviation["gradient entries over norm"] = (
            (single["gradients"][:, 2:] - exact["gradients"][:, 2:]).abs().max(1).values / norm
        ).max().item()
        deviation["input gradient norm"] = (single["input_gradient"][0] / exact["input_gradient"][0] - 1).abs().item()
        metadata[f"{arch}.float32_deviation"] = json.dumps({k: float(f"{v:.3g}") for k, v in deviation.items()})
        metadata[f"{arch}.relu_margin"] = f"{relu_margin(arch, PICTURE[arch]):.3g}"
        print(arch, metadata[f"{arch}.float32_deviation"])
    store(os.path.join(directory, "resnet.safetensors"), tensors, **metadata)


# -------------------------------------------------------------------------------------------- training.safetensors


class SimSiam(nn.Module):
    """SimSiam on ResNet-18 (Chen and He, CVPR 2021), three-layer projector with hidden width 512 and output 2048."""

    def __init__(self):
        super().__init__()
        self.backbone = backbone("resnet18")
        self.projector = nn.Sequential(
            nn.Linear(512, 512, bias=False), nn.BatchNorm1d(512), nn.ReLU(),
            nn.Linear(512, 512, bias=False), nn.BatchNorm1d(512), nn.ReLU(),
            nn.Linear(512, 2048), nn.BatchNorm1d(2048, affine=False),
        )
        self.projector[6].bias.requires_grad = False
        self.predictor = nn.Sequential(
            nn.Linear(2048, 512, bias=False), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, 2048)
        )
        self.double()
        fill(self.projector, "projector.")
        fill(self.predictor, "predictor.")

    def forward(self, x1, x2):
        z1 = self.projector(self.backbone(x1))
        z2 = self.projector(self.backbone(x2))
        return simsiam_loss(self.predictor(z1), self.predictor(z2), z1, z2)


class SimCLR(nn.Module):
    """SimCLR as COP-Gen trains it: head Linear-ReLU-Linear with biases, one forward pass over both views."""

    def __init__(self):
        super().__init__()
        self.backbone = backbone("resnet18")
        self.head = nn.Sequential(nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 128))
        self.double()
        fill(self.head, "head.")

    def forward(self, x1, x2):
        e1, e2 = self.head(self.backbone(torch.cat([x1, x2]))).chunk(2)
        return infonce(e1, e2, 0.1, 0.1 / 0.07)


def train(kind, dtype, rate, scene, steps=5, batch=8, side=32):
    model = kind().to(dtype).train()
    optimiser = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9, weight_decay=1e-4)
    losses, rates = [], []
    for step in range(steps):
        rates.append(rate * 0.5 * (1 + math.cos(math.pi * step / steps)))
        optimiser.param_groups[0]["lr"] = rates[-1]
        x1, x2 = (images(f"step{step}.view{v}", scene.format(step=step), batch, side).to(dtype) for v in (1, 2))
        loss = model(x1, x2)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return model, losses, rates


def make_training(directory):
    tensors, metadata = {}, {}
    cases = ("simsiam", SimSiam, 0.3, "scene.2"), ("simclr", SimCLR, 0.03, "step{step}.scene")
    for name, kind, rate, scene in cases:
        model, losses, rates = train(kind, torch.float64, rate, scene)
        single_model, single, _ = train(kind, torch.float32, rate, scene)
        names = [n for n, _ in model.named_parameters()]
        tensors[f"{name}.losses"] = torch.tensor(losses, dtype=torch.float64)
        tensors[f"{name}.losses.float32"] = torch.tensor(single, dtype=torch.float64)
        tensors[f"{name}.rates"] = torch.tensor(rates, dtype=torch.float64)
        tensors[f"{name}.parameters"] = torch.stack([summary(p) for _, p in model.named_parameters()])
        norms = [(n, m) for n, m in model.named_modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
        tensors[f"{name}.running_mean"] = torch.stack([summary(m.running_mean) for _, m in norms])
        tensors[f"{name}.running_var"] = torch.stack([summary(m.running_var) for _, m in norms])
        metadata[f"{name}.parameters"] = json.dumps([n.removeprefix("backbone.") for n in names])
        metadata[f"{name}.norms"] = json.dumps([n.removeprefix("backbone.") for n, _ in norms])
        deviation = {
            "losses": max(abs(a - b) / abs(b) for a, b in zip(single, losses)),
            "parameters": max(
                relative(p, q) for p, q in zip(single_model.parameters(), model.parameters())
            ),
        }
        metadata[f"{name}.float32_deviation"] = json.dumps({k: float(f"{v:.3g}") for k, v in deviation.items()})
        print(name, ["%.6f" % v for v in losses], metadata[f"{name}.float32_deviation"])
    store(os.path.join(directory, "training.safetensors"), tensors, **metadata)


# ------------------------------------------------------------------------------------------ neighbours.safetensors


def make_neighbours(directory, classes=5, width=16):
    centres = uniform("knn.centres", (classes, width)) - 0.5

    def draw(name, count):
        labels = torch.arange(count) % classes
        return rounded(uniform(name, (count, width)) - 0.5 + 0.5 * centres[labels.numpy()]), labels

    train_e, train_y = draw("knn.train", 300)
    test_e, test_y = draw("knn.test", 100)
    similarity = F.normalize(test_e, dim=1) @ F.normalize(train_e, dim=1).T
    tensors, metadata = {}, {}
    for name, k, temperature in (("k200", 200, 0.1), ("k20", 20, 0.07), ("k1", 1, 0.07)):
        value, index = similarity.topk(k, dim=1)
        scores = torch.zeros(len(test_e), classes, dtype=torch.float64)
        scores.scatter_add_(1, train_y[index], (value / temperature).exp())
        top = scores.topk(2, dim=1).values
        tensors[f"{name}.scores"] = scores
        tensors[f"{name}.predictions"] = scores.argmax(1)
        metadata[f"{name}.top1"] = f"{(scores.argmax(1) == test_y).double().mean().item():.2f}"
        margin = ((top[:, 0] - top[:, 1]) / top[:, 0]).min().item()
        assert margin > 1e-5, (name, margin)
        metadata[f"{name}.least_margin"] = f"{margin:.3g}"
    print("knn", metadata)
    store(os.path.join(directory, "neighbours.safetensors"), tensors, **metadata)


if __name__ == "__main__":
    directory = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    check_philox()
    torch.manual_seed(0)
    for make in (make_neighbours, make_resnet, make_training):
        make(directory)
