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


def shares(weights):
    """Weights over their mean."""
    return weights / weights.mean()


def weighted_simsiam(p1, p2, z1, z2, weights):
    first = F.cosine_similarity(p1, z2.detach(), dim=1)
    second = F.cosine_similarity(p2, z1.detach(), dim=1)
    return (-0.5 * (first + second) * shares(weights)).mean()


def weighted_byol(p1, p2, z1, z2, weights):
    first = 2 - 2 * F.cosine_similarity(p1, z2.detach(), dim=1)
    second = 2 - 2 * F.cosine_similarity(p2, z1.detach(), dim=1)
    return ((first + second) * shares(weights)).mean()


def weighted_infonce(e1, e2, temperature, factor, weights):
    """GenView++'s form: the weights of all pairs as a matrix, on the targets of the cross-entropy."""
    embeddings = F.normalize(torch.cat([e1, e2]), dim=1)
    count = len(embeddings)
    logits = (embeddings @ embeddings.T / temperature).masked_fill(torch.eye(count, dtype=torch.bool), -1e9)
    targets = torch.zeros(count, count, dtype=embeddings.dtype)
    targets[torch.arange(count), (torch.arange(count) + count // 2) % count] = 1
    matrix = targets * torch.cat([weights, weights])[:, None]
    matrix = matrix / matrix[matrix != 0].mean()
    return -factor * (targets * F.log_softmax(logits, dim=1) * matrix).sum(1).mean()


def weighted_moco(q, k, queue, temperature, weights):
    q, k, queue = (F.normalize(x, dim=1) for x in (q, k.detach(), queue))
    logits = torch.cat([(q * k).sum(1, keepdim=True), q @ queue.T], dim=1) / temperature
    losses = F.cross_entropy(logits, torch.zeros(len(q), dtype=torch.long), reduction="none")
    return (losses * shares(weights)).mean()


def infonce(e1, e2, temperature, factor):
    """Mean over all 2N anchors of -log softmax of the positive among the 2N - 1 others, times `factor`."""
    embeddings = F.normalize(torch.cat([e1, e2]), dim=1)
    logits = embeddings @ embeddings.T / temperature
    count = logits.shape[0]
    logits = logits.masked_fill(torch.eye(count, dtype=torch.bool), float("-inf"))
    positives = (torch.arange(count) + count // 2) % count
    return factor * F.cross_entropy(logits, positives)


def multi_positive(views, temperature, factor):
    """Mean over all V N rows of the mean over the V - 1 other views of -log softmax among all other rows, times `factor`:
    SupCon's L_out with a sample's views as its class."""
    count = views[0].shape[0]
    embeddings = F.normalize(torch.cat(list(views)), dim=1)
    labels = torch.arange(count).repeat(len(views))
    total = 0
    for i in range(len(embeddings)):
        others = [a for a in range(len(embeddings)) if a != i]
        logits = embeddings[others] @ embeddings[i] / temperature
        is_positive = labels[others] == labels[i]
        total = total - torch.log_softmax(logits, 0)[is_positive].mean()
    return factor * total / len(embeddings)


def sigreg(views, directions, knots=17, limit=3.0):
    """LeJEPA's statistic as its minimal code has it: views [V, N, d], directions [M, d] of unit length."""
    t = torch.linspace(0, limit, knots, dtype=views.dtype)
    weights = torch.full_like(t, 2 * limit / (knots - 1))
    weights[0] = weights[-1] = limit / (knots - 1)
    window = torch.exp(-(t**2) / 2)
    characteristic = torch.exp(1j * (views @ directions.T).unsqueeze(-1) * t).mean(1)
    return views.shape[1] * (((characteristic - window).abs() ** 2) * (weights * window)).sum(-1).mean()


def lejepa(views, directions, trade):
    """(1 - trade) prediction + trade SIGReg of views [V, N, d]."""
    prediction = (views.mean(0) - views).square().mean()
    return (1 - trade) * prediction + trade * sigreg(views, directions)
