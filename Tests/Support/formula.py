"""Numbers that a fixture's maker and its reader both compute, so that no weights need to be stored.

Value i of the array called `name` comes from word i % 4 of the Philox4x32-10 block with the key
(0x51ED270B, FNV-1a-32(name)) and the counter (i // 4, 0, 0, 0). README.md has the whole definition.
"""

import math

import numpy as np
import torch
import torchvision
from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck

KEY_LOW = 0x51ED270B
IMAGE_MEAN = (0.485, 0.456, 0.406)
IMAGE_STD = (0.229, 0.224, 0.225)


def fnv1a(name):
    value = 2166136261
    for byte in name.encode("utf-8"):
        value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
    return value


def philox(counter, key):
    """Philox4x32-10 of every row of `counter` [n, 4] (uint32) under one key; returns uint32 [n, 4]."""
    mask = np.uint64(0xFFFFFFFF)
    shift = np.uint64(32)
    c0, c1, c2, c3 = (np.asarray(counter)[:, k].astype(np.uint64) for k in range(4))
    k0, k1 = np.uint64(key[0]), np.uint64(key[1])
    for _ in range(10):
        product0 = c0 * np.uint64(0xD2511F53)
        product1 = c2 * np.uint64(0xCD9E8D57)
        c0, c1, c2, c3 = (
            (product1 >> shift) ^ c1 ^ k0,
            product1 & mask,
            (product0 >> shift) ^ c3 ^ k1,
            product0 & mask,
        )
        k0 = (k0 + np.uint64(0x9E3779B9)) & mask
        k1 = (k1 + np.uint64(0xBB67AE85)) & mask
    return np.stack([c0, c1, c2, c3], axis=1).astype(np.uint32)


def check_philox():
    """The known answers of Random123 (kat_vectors, philox4x32 10) for all-zero and all-one input."""
    zeros = philox(np.zeros((1, 4), np.uint32), (0, 0))[0]
    assert [hex(v)[2:] for v in zeros] == ["6627e8d5", "e169c58d", "bc57ac4c", "9b00dbd8"], zeros
    ones = philox(np.full((1, 4), 0xFFFFFFFF, np.uint32), (0xFFFFFFFF, 0xFFFFFFFF))[0]
    assert [hex(v)[2:] for v in ones] == ["408f276d", "41c83b0e", "a20bc7c6", "6d5451fd"], ones
    assert fnv1a("") == 0x811C9DC5 and fnv1a("a") == 0xE40C292C and fnv1a("foobar") == 0xBF9CF968


def uniform(name, shape):
    """U in [0, 1), exact in float32, returned as float64 of `shape` (row-major)."""
    count = int(np.prod(shape, dtype=np.int64))
    blocks = (count + 3) // 4
    counter = np.zeros((blocks, 4), np.uint32)
    counter[:, 0] = np.arange(blocks, dtype=np.uint32)
    words = philox(counter, (KEY_LOW, fnv1a(name))).reshape(-1)[:count]
    return ((words >> np.uint32(8)).astype(np.float64) * 2.0**-24).reshape(shape)


def rounded(values):
    """float64 numbers that are exactly representable in float32."""
    return torch.from_numpy(np.asarray(values, np.float64).astype(np.float32)).double()


def centred(name, shape):
    """U - 0.5."""
    return rounded(uniform(name, shape) - 0.5)


def parameter(name, shape, batch_norm):
    """A parameter or running statistic; `batch_norm` tells the biases of normalisation from those of linear layers."""
    u = uniform(name, shape)
    leaf = name.rsplit(".", 1)[-1]
    if leaf == "running_mean":
        return rounded((u - 0.5) * 0.2)
    if leaf == "running_var":
        return rounded(0.5 + u)
    if leaf == "weight" and len(shape) > 1:
        return rounded((2 * u - 1) * math.sqrt(6 / int(np.prod(shape[1:]))))
    if leaf == "weight":
        return rounded(0.5 + u)
    if leaf == "bias":
        return rounded((u - 0.5) * (0.2 if batch_norm else 0.1))
    raise ValueError(f"no formula for {name}")


def fill(module, prefix=""):
    """Sets every parameter and running statistic of `module` by the formula under `prefix` + its PyTorch name."""
    with torch.no_grad():
        for path, part in module.named_modules():
            batch_norm = isinstance(part, nn.modules.batchnorm._BatchNorm)
            for leaf, tensor in [*part.named_parameters(recurse=False), *part.named_buffers(recurse=False)]:
                if leaf == "num_batches_tracked":
                    continue
                name = prefix + (f"{path}.{leaf}" if path else leaf)
                tensor.copy_(parameter(name, tuple(tensor.shape), batch_norm))


def fill_backbone(network):
    """Sets a ResNet by the formula, with the two points in which backbones differ.

    Damped branches, as at the start of training, and pre-activations away from zero: with both, rounding errors stay
    rounding errors through five optimiser steps and through the gradients of 50 layers.
    """
    fill(network)
    with torch.no_grad():
        for block in network.modules():
            if isinstance(block, BasicBlock):
                block.bn2.weight.mul_(0.25)
            elif isinstance(block, Bottleneck):
                block.bn3.weight.mul_(0.25)
        for name, norm in network.named_modules():
            if isinstance(norm, nn.BatchNorm2d):
                u = uniform(f"{name}.bias", (norm.num_features,))
                norm.bias.copy_(rounded((u - 0.5) * 0.2 + 3 * (1 - 2 * (u < 0.25))))
    return network


def backbone(arch):
    """torchvision's network without its classifier, in float64, filled."""
    network = getattr(torchvision.models, arch)()
    network.fc = nn.Identity()
    return fill_backbone(network.double())


def images(name, scene, count, side):
    """ImageNet-normalised pictures of 4 x 4 coloured squares under noise; float64 copies [count, 3, side, side].

    Pixel (n, c, h, w) = 0.75 S[n, c, 4h / side, 4w / side] + 0.25 N[n, c, h, w] with S = U(`scene`), N = U(`name`),
    then (pixel - mean) / std, every operation in float32. Two names with one scene are two views of one picture.
    """
    squares = uniform(scene, (count, 3, 4, 4)).astype(np.float32)
    noise = uniform(name, (count, 3, side, side)).astype(np.float32)
    at = np.arange(side) * 4 // side
    pixels = np.float32(0.75) * squares[:, :, at][:, :, :, at] + np.float32(0.25) * noise
    mean = np.array(IMAGE_MEAN, np.float32).reshape(1, 3, 1, 1)
    std = np.array(IMAGE_STD, np.float32).reshape(1, 3, 1, 1)
    return torch.from_numpy((pixels - mean) / std).double()


def summary(tensor):
    """[10] float64: L2 norm, sum, and the 8 entries at flat indices floor((2k + 1) n / 16), k = 0...7."""
    flat = tensor.detach().double().reshape(-1)
    n = flat.numel()
    picks = [(2 * k + 1) * n // 16 for k in range(8)]
    return torch.cat([flat.norm().reshape(1), flat.sum().reshape(1), flat[picks]])
