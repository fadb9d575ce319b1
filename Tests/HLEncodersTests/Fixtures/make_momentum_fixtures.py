"""Makes the parity fixtures of BYOL, MoCo v2 and LARS with real torch and torchvision.

    python make_momentum_fixtures.py [DIRECTORY]      (default: the directory of this script)

Both methods are written here from their papers and the facts of their published code (what is averaged when, what batch
norm sees, which keys are negatives). README.md beside this script describes momentum.safetensors.
"""

import copy
import json
import math
import os
import pathlib
import sys

import torch
import torch.nn.functional as F
import torchvision
from torch import nn
from torchvision.models.resnet import BasicBlock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Support"))
from formula import centred, check_philox, fill, fill_backbone, images, philox, summary
from reference import relative, store

WIDTH, BATCH, SIDE, STEPS, WARMUP = 16, 8, 32, 6, 2
FEATURES = 8 * WIDTH


def narrow_resnet18():
    """torchvision's ResNet-18 with 16 channels in the first stage, filled as backbones are."""
    network = torchvision.models.resnet18()
    network.inplanes = WIDTH
    network.conv1 = nn.Conv2d(3, WIDTH, 7, 2, 3, bias=False)
    network.bn1 = nn.BatchNorm2d(WIDTH)
    for stage in range(4):
        layer = network._make_layer(BasicBlock, WIDTH << stage, 2, stride=1 if stage == 0 else 2)
        setattr(network, f"layer{stage + 1}", layer)
    network.fc = nn.Identity()
    return fill_backbone(network.double())


class LARS(torch.optim.Optimizer):
    """What lies behind a parameter's gradient: decay, then the trust ratio, then momentum, and the rate last of all.
    Parameters of one dimension are spared decay and trust ratio."""

    def __init__(self, parameters, lr, momentum=0.9, decay=0.0, trust=1e-3):
        super().__init__(parameters, dict(lr=lr, momentum=momentum, decay=decay, trust=trust))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for parameter in group["params"]:
                update = parameter.grad
                if parameter.ndim > 1:
                    update = update + group["decay"] * parameter
                    own, length = parameter.norm(), update.norm()
                    if own > 0 and length > 0:
                        update = update * (group["trust"] * own / length)
                state = self.state[parameter]
                state["velocity"] = group["momentum"] * state.get("velocity", 0) + update
                parameter -= group["lr"] * state["velocity"]


@torch.no_grad()
def follow(slow, fast, momentum):
    for own, other in zip(slow.parameters(), fast.parameters()):
        own.mul_(momentum).add_(other, alpha=1 - momentum)


class BYOL(nn.Module):
    """Projector F-64-32 and predictor 32-64-32; the target's momentum starts at 0.9."""

    rate, prefix = 0.3, "target"

    def __init__(self):
        super().__init__()

        def head(inputs):
            return nn.Sequential(
                nn.Linear(inputs, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 32, bias=False)
            )

        self.backbone, self.projector, self.predictor = narrow_resnet18(), head(FEATURES), head(32)
        self.double()
        fill(self.projector, "projector.")
        fill(self.predictor, "predictor.")
        self.online = nn.ModuleDict({"backbone": self.backbone, "projector": self.projector})
        self.follower = copy.deepcopy(self.online)

    def optimiser(self):
        return LARS(self.trained(), lr=0, decay=1.5e-6, trust=0.02)

    def trained(self):
        return [p for n, p in self.named_parameters() if n.split(".")[0] in ("backbone", "projector", "predictor")]

    @staticmethod
    def project(network, x):
        return network["projector"](network["backbone"](x))

    def forward(self, x1, x2, step):
        with torch.no_grad():
            t1, t2 = self.project(self.follower, x1), self.project(self.follower, x2)
        p1, p2 = (self.predictor(self.project(self.online, x)) for x in (x1, x2))
        first, second = (2 - 2 * F.cosine_similarity(p, t, dim=1) for p, t in ((p1, t2), (p2, t1)))
        return (first + second).mean()

    def after(self, step):
        follow(self.follower, self.online, 1 - 0.1 * (math.cos(math.pi * step / STEPS) + 1) / 2)


def shuffled(count, seed, step):
    """The order in which hl-train brings keys to the key encoder: 40 rounds of swap-or-not by the words of Philox."""
    key = philox([[10, 0, 0, step]], (seed & 0xFFFFFFFF, seed >> 32))[0]
    key = (int(key[0]), int(key[1]))
    numbers = [int(w) for w in philox([[b, 0, 0xFFFFFFFF, 0xFFFFFFFF] for b in range(20)], key).reshape(-1)]
    bits = philox([[0, 0, x, 0] for x in range(count)], key)
    order = list(range(count))
    for turn in range(40):
        sum_of_pair = (numbers[2 * turn] | numbers[2 * turn + 1] << 32) * count >> 64
        for place, x in enumerate(order):
            partner = (sum_of_pair - x) % count
            if int(bits[max(x, partner)][turn // 32]) >> turn % 32 & 1:
                order[place] = partner
    return order


class MoCo(nn.Module):
    """Head F-F-32, 20 keys in the queue, momentum 0.9, temperature 0.2; batch norm sees the batch in two halves."""

    rate, prefix, keys, seed = 0.1, "key", 20, 3

    def __init__(self):
        super().__init__()
        self.backbone = narrow_resnet18()
        self.head = nn.Sequential(nn.Linear(FEATURES, FEATURES), nn.ReLU(), nn.Linear(FEATURES, 32))
        self.double()
        fill(self.head, "head.")
        self.online = nn.ModuleDict({"backbone": self.backbone, "head": self.head})
        self.follower = copy.deepcopy(self.online)
        self.queue = F.normalize(centred("queue", (self.keys, 32)), dim=1)
        self.position = 0

    def optimiser(self):
        return torch.optim.SGD(self.trained(), lr=0, momentum=0.9, weight_decay=1e-4)

    def trained(self):
        return [p for n, p in self.named_parameters() if n.split(".")[0] in ("backbone", "head")]

    @staticmethod
    def embed(network, x):
        return F.normalize(torch.cat([network["head"](network["backbone"](half)) for half in x.chunk(2)]), dim=1)

    def forward(self, x1, x2, step):
        q = self.embed(self.online, x1)
        with torch.no_grad():
            order = shuffled(len(x2), self.seed, step)
            k = torch.empty_like(q)
            k[order] = self.embed(self.follower, x2[order])
        queue = self.queue.to(q.dtype)
        logits = torch.cat([(q * k).sum(1, keepdim=True), q @ queue.T], dim=1) / 0.2
        queue = queue.clone()
        for row in k:
            queue[self.position] = row
            self.position = (self.position + 1) % self.keys
        self.queue = queue
        return F.cross_entropy(logits, torch.zeros(len(q), dtype=torch.long))

    def after(self, step):
        follow(self.follower, self.online, 0.9)


def rate(base, step):
    if step < WARMUP:
        return base * step / WARMUP
    return base * 0.5 * (1 + math.cos(math.pi * (step - WARMUP) / (STEPS - WARMUP)))


def train(kind, dtype):
    model = kind().to(dtype).train()
    optimiser = model.optimiser()
    losses = []
    for step in range(STEPS):
        optimiser.param_groups[0]["lr"] = rate(kind.rate, step)
        x1, x2 = (images(f"step{step}.view{v}", f"step{step}.scene", BATCH, SIDE).to(dtype) for v in (1, 2))
        loss = model(x1, x2, step)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        model.after(step)
        losses.append(loss.item())
    return model, losses


def networks(model):
    """The trained network and its follower: parameters and batch norms by name, the backbone's without a prefix."""
    heads = [n for n in ("projector", "predictor", "head") if hasattr(model, n)]
    online = nn.ModuleDict({n: getattr(model, n) for n in ("backbone", *heads)})
    return {"online": online, model.prefix: model.follower}


def make_momentum(directory):
    tensors, metadata = {}, {}
    for name, kind in (("byol", BYOL), ("moco", MoCo)):
        model, losses = train(kind, torch.float64)
        other, single = train(kind, torch.float32)
        tensors[f"{name}.losses"] = torch.tensor(losses, dtype=torch.float64)
        tensors[f"{name}.rates"] = torch.tensor([rate(kind.rate, s) for s in range(STEPS)], dtype=torch.float64)
        deviation = {"losses": max(abs(a - b) / abs(b) for a, b in zip(single, losses))}
        for (part, network), same in zip(networks(model).items(), networks(other).values()):
            key = f"{name}.{part}"
            named = list(network.named_parameters())
            tensors[f"{key}.parameters"] = torch.stack([summary(p) for _, p in named])
            metadata[f"{key}.parameters"] = json.dumps([n.removeprefix("backbone.") for n, _ in named])
            norms = [(n, m) for n, m in network.named_modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
            tensors[f"{key}.running_mean"] = torch.stack([summary(m.running_mean) for _, m in norms])
            tensors[f"{key}.running_var"] = torch.stack([summary(m.running_var) for _, m in norms])
            metadata[f"{key}.norms"] = json.dumps([n.removeprefix("backbone.") for n, _ in norms])
            deviation[part] = max(relative(p, q) for p, q in zip(same.parameters(), network.parameters()))
        if kind is MoCo:
            tensors["moco.queue"] = model.queue
            deviation["queue"] = relative(other.queue, model.queue)
        metadata[f"{name}.float32_deviation"] = json.dumps({k: float(f"{v:.3g}") for k, v in deviation.items()})
        print(name, ["%.6f" % v for v in losses], metadata[f"{name}.float32_deviation"])

    for name, shape in (("lars", (7, 5)), ("lars_excluded", (35,))):
        value = nn.Parameter(centred(f"{name}.parameter", shape))
        optimiser, after = LARS([value], lr=20.0, decay=0.01), []
        for step in range(5):
            value.grad = 0.01 * centred(f"{name}.gradient.{step}", shape)
            optimiser.step()
            after.append(value.detach().clone())
        tensors[f"{name}.parameter"] = torch.stack(after)
    store(os.path.join(directory, "momentum.safetensors"), tensors, **metadata)


if __name__ == "__main__":
    check_philox()
    make_momentum(sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__)))
