"""Makes the parity fixtures of HLEncoders and HLNet with real torch and torchvision.

    python make_encoder_fixtures.py [DIRECTORY]      (default: the directory of this script)

Needs torch, torchvision, numpy, safetensors. Reference values are computed in float64 from float32 inputs and stored as
float32; where it matters, the same computation in float32 runs too and its deviation is stored in the file's metadata.
README.md beside this script describes every file.
"""

import json
import math
import os
import sys

import torch
import torch.nn.functional as F
import torchvision
from safetensors.torch import save_file
from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck

from formula import centred, check_philox, fill, images, parameter, rounded, summary, uniform

VERSIONS = {"torch": torch.__version__.split("+")[0], "torchvision": torchvision.__version__.split("+")[0]}


def store(path, tensors, **metadata):
    out = {}
    for name, tensor in tensors.items():
        tensor = tensor.detach()
        out[name] = (tensor.float() if tensor.is_floating_point() else tensor).contiguous().clone()
    save_file(out, path, metadata={**VERSIONS, **metadata})
    print(f"{os.path.basename(path)}: {len(out)} tensors, {os.path.getsize(path)} bytes")


SHIFT = 3.0


def backbone(arch):
    network = getattr(torchvision.models, arch)()
    network.fc = nn.Identity()
    network = network.double()
    fill(network)
    with torch.no_grad():
        # Damped branches, as at the start of training, and pre-activations away from zero: with both, rounding errors
        # stay rounding errors through five optimiser steps and through the gradients of 50 layers.
        for block in network.modules():
            if isinstance(block, BasicBlock):
                block.bn2.weight.mul_(0.25)
            elif isinstance(block, Bottleneck):
                block.bn3.weight.mul_(0.25)
        for name, norm in network.named_modules():
            if isinstance(norm, nn.BatchNorm2d):
                u = uniform(f"{name}.bias", (norm.num_features,))
                norm.bias.copy_(rounded((u - 0.5) * 0.2 + SHIFT * (1 - 2 * (u < 0.25))))
    return network


def relative(a, b):
    """Greatest difference over greatest magnitude."""
    return ((a.double() - b.double()).abs().max() / b.double().abs().max()).item()


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


def simsiam_loss(p1, p2, z1, z2):
    first = F.cosine_similarity(p1, z2.detach(), dim=1).mean()
    second = F.cosine_similarity(p2, z1.detach(), dim=1).mean()
    return -0.5 * (first + second)


def infonce(e1, e2, temperature, factor):
    """Mean over all 2N anchors of -log softmax of the positive among the 2N - 1 others, times `factor`."""
    embeddings = F.normalize(torch.cat([e1, e2]), dim=1)
    logits = embeddings @ embeddings.T / temperature
    count = logits.shape[0]
    logits = logits.masked_fill(torch.eye(count, dtype=torch.bool), float("-inf"))
    positives = (torch.arange(count) + count // 2) % count
    return factor * F.cross_entropy(logits, positives)


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
    cases = ("simsiam", SimSiam, 0.3, "scene.0"), ("simclr", SimCLR, 0.03, "step{step}.scene")
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


# ---------------------------------------------------------------------------------------------- layers.safetensors


def conv_case(tensors, name, x_shape, out_channels, kernel, stride, padding, bias=False):
    x = centred(f"{name}.input", x_shape).requires_grad_()
    weight = parameter(f"{name}.weight", (out_channels, x_shape[1], *kernel), False).requires_grad_()
    shift = parameter(f"{name}.bias", (out_channels,), False).requires_grad_() if bias else None
    finish(tensors, name, F.conv2d(x, weight, shift, stride, padding), x, weight=weight, bias=shift)


def finish(tensors, name, output, x, **parameters):
    (output * centred(f"{name}.cotangent", tuple(output.shape))).sum().backward()
    tensors[f"{name}.output"] = output
    tensors[f"{name}.input_gradient"] = x.grad
    for leaf, value in parameters.items():
        if value is not None:
            tensors[f"{name}.{leaf}_gradient"] = value.grad


def norm_case(tensors, name, layer, x_shape, training):
    layer = layer.double().train(training)
    fill(layer, f"{name}.")
    x = centred(f"{name}.input", x_shape).requires_grad_()
    finish(tensors, name, layer(x), x, **dict(layer.named_parameters()))
    if training:
        tensors[f"{name}.running_mean"] = layer.running_mean
        tensors[f"{name}.running_var"] = layer.running_var


def loss_case(tensors, name, loss, **inputs):
    loss.backward()
    tensors[f"{name}.loss"] = loss.reshape(1)
    for leaf, value in inputs.items():
        tensors[f"{name}.{leaf}_gradient"] = value.grad


def optimiser_case(tensors, name, make):
    value = nn.Parameter(centred(f"{name}.parameter", (7, 5)))
    optimiser = make([value])
    after = []
    for step in range(5):
        value.grad = centred(f"{name}.gradient.{step}", (7, 5))
        optimiser.step()
        after.append(value.detach().clone())
    tensors[f"{name}.parameter"] = torch.stack(after)


def make_layers(directory):
    tensors = {}
    conv_case(tensors, "conv3x3", (2, 16, 7, 7), 16, (3, 3), 1, 1)
    conv_case(tensors, "conv3x3_stride2", (2, 16, 7, 7), 32, (3, 3), 2, 1)
    conv_case(tensors, "conv1x1", (2, 16, 5, 5), 32, (1, 1), 1, 0)
    conv_case(tensors, "conv1x1_stride2", (2, 16, 6, 6), 32, (1, 1), 2, 0)
    conv_case(tensors, "conv7x7_stride2", (2, 3, 15, 15), 16, (7, 7), 2, 3)
    conv_case(tensors, "conv3x3_odd", (3, 5, 9, 6), 7, (3, 3), 1, 1)
    conv_case(tensors, "conv3x3_odd_stride2", (2, 20, 6, 5), 12, (3, 3), 2, 1)
    conv_case(tensors, "conv1x1_odd", (2, 10, 3, 4), 17, (1, 1), 1, 0)
    conv_case(tensors, "conv3x3_bias", (2, 4, 5, 6), 6, (3, 3), 1, 1, bias=True)

    x = rounded(uniform("maxpool.input", (2, 5, 9, 7)) - 1).requires_grad_()  # all negative: padding must not win
    finish(tensors, "maxpool", F.max_pool2d(x, 3, 2, 1), x)
    x = centred("avgpool.input", (2, 5, 4, 3)).requires_grad_()
    finish(tensors, "avgpool", F.adaptive_avg_pool2d(x, 1).flatten(1), x)
    x = centred("relu.input", (3, 11)).requires_grad_()
    finish(tensors, "relu", F.relu(x), x)
    x = centred("normalise.input", (4, 9)).requires_grad_()
    finish(tensors, "normalise", F.normalize(x, dim=1), x)

    norm_case(tensors, "batchnorm2d_train", nn.BatchNorm2d(6), (3, 6, 4, 5), True)
    norm_case(tensors, "batchnorm2d_eval", nn.BatchNorm2d(6), (3, 6, 4, 5), False)
    norm_case(tensors, "batchnorm1d_train", nn.BatchNorm1d(6), (8, 6), True)
    norm_case(tensors, "batchnorm1d_eval", nn.BatchNorm1d(6), (8, 6), False)
    norm_case(tensors, "batchnorm1d_plain", nn.BatchNorm1d(6, affine=False), (8, 6), True)

    for name, bias in (("linear", True), ("linear_nobias", False)):
        layer = nn.Linear(12, 7, bias=bias).double()
        fill(layer, f"{name}.")
        x = centred(f"{name}.input", (5, 12)).requires_grad_()
        finish(tensors, name, layer(x), x, **dict(layer.named_parameters()))

    for name, temperature, factor in (
        ("infonce", 0.1, 1.0), ("infonce_factor", 0.1, 0.1 / 0.07), ("infonce_half", 0.5, 1.0)
    ):
        e1, e2 = (centred(f"infonce.view{v}", (6, 8)).requires_grad_() for v in (0, 1))
        loss_case(tensors, name, infonce(e1, e2, temperature, factor), view0=e1, view1=e2)
    p1, p2, z1, z2 = (centred(f"simsiam_loss.{leaf}", (6, 8)).requires_grad_() for leaf in ("p1", "p2", "z1", "z2"))
    loss_case(tensors, "simsiam_loss", simsiam_loss(p1, p2, z1, z2), p1=p1, p2=p2)
    assert z1.grad is None and z2.grad is None
    logits = rounded(8 * (uniform("cross_entropy.logits", (6, 5)) - 0.5)).requires_grad_()
    labels = torch.tensor([(3 * i + 1) % 5 for i in range(6)])
    loss_case(tensors, "cross_entropy", F.cross_entropy(logits, labels), logits=logits)
    tensors["cross_entropy.labels"] = labels

    optimiser_case(tensors, "sgd", lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=0.01))
    optimiser_case(tensors, "sgd_plain", lambda p: torch.optim.SGD(p, lr=0.05))
    optimiser_case(tensors, "adam", lambda p: torch.optim.Adam(p, lr=1e-3, betas=(0.5, 0.999)))
    store(os.path.join(directory, "layers.safetensors"), tensors)


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


# ---------------------------------------------------------------------------------------------- formula.safetensors


def make_formula(directory):
    """The first values of a few parameters, so that a reader can check his own formula before all else."""
    state = backbone("resnet18").state_dict()
    names = ["conv1.weight"] + [f"layer1.0.bn2.{leaf}" for leaf in ("weight", "bias", "running_mean", "running_var")]
    tensors = {name: state[name].reshape(-1)[:16] for name in names}
    tensors["uniform.conv1.weight"] = torch.from_numpy(uniform("conv1.weight", (16,)))
    tensors["predictor.3.bias"] = parameter("predictor.3.bias", (2048,), False)[:16]
    tensors["image.0"] = images("image.0", "scene.0", 4, 56)[1, :, 3, 7:21].contiguous()
    store(os.path.join(directory, "formula.safetensors"), tensors)


if __name__ == "__main__":
    directory = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    check_philox()
    torch.manual_seed(0)
    for make in (make_formula, make_layers, make_neighbours, make_resnet, make_training):
        make(directory)
