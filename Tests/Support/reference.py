"""What several makers of fixtures share: PyTorch's forms of two losses, and the files that hold the results."""

import os

import torch
import torch.nn.functional as F
import torchvision
from safetensors.torch import save_file

VERSIONS = {"torch": torch.__version__.split("+")[0], "torchvision": torchvision.__version__.split("+")[0]}


def store(path, tensors, **metadata):
    out = {}
    for name, tensor in tensors.items():
        tensor = tensor.detach()
        out[name] = (tensor.float() if tensor.is_floating_point() else tensor).contiguous().clone()
    save_file(out, path, metadata={**VERSIONS, **metadata})
    print(f"{os.path.basename(path)}: {len(out)} tensors, {os.path.getsize(path)} bytes")


def relative(a, b):
    """Greatest difference over greatest magnitude."""
    return ((a.double() - b.double()).abs().max() / b.double().abs().max()).item()


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
