"""Makes the parity fixtures of HLNet with real torch: layers, losses, optimisers, and the formula itself.

    python make_layer_fixtures.py [DIRECTORY]      (default: the directory of this script)

Needs torch, torchvision, numpy, safetensors. Reference values are computed in float64 from float32 inputs and stored as
float32. README.md beside this script describes every file.
"""

import os
import pathlib
import sys

import torch
import torch.nn.functional as F
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Support"))
from formula import backbone, centred, check_philox, fill, images, parameter, rounded, uniform
from reference import (
    infonce, lejepa, multi_positive, simsiam_loss, store, weighted_byol, weighted_infonce, weighted_moco, weighted_simsiam,
)


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
    weights = rounded(4 * uniform("pair_weights", (6,)) + 0.1)
    p1, p2, z1, z2 = (centred(f"simsiam_loss.{leaf}", (6, 8)).requires_grad_() for leaf in ("p1", "p2", "z1", "z2"))
    loss_case(tensors, "weighted_simsiam", weighted_simsiam(p1, p2, z1, z2, weights), p1=p1, p2=p2)
    p1, p2 = (centred(f"simsiam_loss.{leaf}", (6, 8)).requires_grad_() for leaf in ("p1", "p2"))
    loss_case(tensors, "weighted_byol", weighted_byol(p1, p2, z1, z2, weights), p1=p1, p2=p2)
    e1, e2 = (centred(f"infonce.view{v}", (6, 8)).requires_grad_() for v in (0, 1))
    loss_case(tensors, "weighted_infonce", weighted_infonce(e1, e2, 0.1, 0.1 / 0.07, weights), view0=e1, view1=e2)
    q = centred("infonce.view0", (6, 8)).requires_grad_()
    queue = centred("pair_weights.queue", (20, 8))
    loss_case(tensors, "weighted_moco", weighted_moco(q, centred("infonce.view1", (6, 8)), queue, 0.2, weights), view0=q)
    logits = rounded(8 * (uniform("cross_entropy.logits", (6, 5)) - 0.5)).requires_grad_()
    labels = torch.tensor([(3 * i + 1) % 5 for i in range(6)])
    loss_case(tensors, "cross_entropy", F.cross_entropy(logits, labels), logits=logits)
    tensors["cross_entropy.labels"] = labels

    for name, count, temperature, factor in (
        ("multi_positive", 4, 0.1, 1.0), ("multi_positive_factor", 3, 0.1, 0.1 / 0.07), ("multi_positive_half", 9, 0.5, 1.0)
    ):
        views = torch.stack([centred(f"multi_positive.view{v}", (6, 8)) for v in range(count)]).requires_grad_()
        loss_case(tensors, name, multi_positive(views, temperature, factor), views=views)
    directions = F.normalize(centred("lejepa.directions", (20, 6)), dim=1)
    for name, count, trade in (("lejepa", 4, 0.02), ("lejepa_half", 2, 0.5), ("lejepa_normality", 3, 1.0)):
        views = torch.stack([6 * centred(f"lejepa.view{v}", (10, 6)) for v in range(count)]).requires_grad_()
        loss_case(tensors, name, lejepa(views, directions, trade), views=views)

    optimiser_case(tensors, "sgd", lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=0.01))
    optimiser_case(tensors, "sgd_plain", lambda p: torch.optim.SGD(p, lr=0.05))
    optimiser_case(tensors, "adam", lambda p: torch.optim.Adam(p, lr=1e-3, betas=(0.5, 0.999)))
    optimiser_case(tensors, "adamw", lambda p: torch.optim.AdamW(p, lr=1e-3, weight_decay=0.5))
    store(os.path.join(directory, "layers.safetensors"), tensors)


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
    for make in (make_formula, make_layers):
        make(directory)
