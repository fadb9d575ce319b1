"""Writes Tests/HLWalkersTests/Fixtures/walker_steps.safetensors: ten steps of a walker's training in PyTorch.

    python make_walker.py --bigbigan DIR [--output FILE]

DIR is a checkout of lukemelas/pytorch-pretrained-gans. Needs torch, torchvision and safetensors. The generator is
HLGeneratorsTests' bigbigan_tiny.pth (32 px, 4 chunks of 5), the estimator torchvision's ResNet-18 of width 8 with a head
64-64-128. The step is that of the paper, its parts shared with Benchmarks/walker_reference.py: InfoNCE on detached images, the estimator's Adam, the same images
through the updated estimator, T's Adam upwards. Everything runs in float64.

Batch norm's biases are 3 away from 0, to either side, so that few activations lie near the kink of ReLU: one that
rounds to the other side is made large by Adam, which takes the sign of a gradient rather than its size, and then float32
in PyTorch leaves float64 as well (by a few percent of the loss in ten steps).

    start.estimator.*               the estimator's state in F16, the same for all runs
    RUN.start.walker.*              T's weights
    RUN.z [10, 8, 4, 5]             anchors of every step
    RUN.losses, RUN.walker_losses   [10], before and after the estimator's update
    RUN.end.walker.*                T's weights after ten steps
    RUN.end.estimator.*             some of the estimator's state, in F32

RUN is single, several or apart: one chunk, three neighbours, two that do not touch; metadata has RUN.chunks,
learning_rate and estimator_learning_rate.
"""

import argparse
import copy
import pathlib
import sys

import safetensors.torch
import torch
import torch.nn.functional as F
import torchvision
from torch import nn
from torchvision.models.resnet import BasicBlock

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "Benchmarks"))

import reference_code  # noqa: E402
from walker_reference import info_nce, walker_of  # noqa: E402

STEPS, BATCH, CHUNKS, DIMENSION, SIDE, CROP, WIDTH = 10, 8, 4, 5, 32, 28, 8
SEED = 3
RATES = {"learning_rate": 8e-5, "estimator_learning_rate": 5e-5}
SHIFT = 3.0
RUNS = {"single": ("2", [2]), "several": ("1-3", [1, 2, 3]), "apart": ("0,2", [0, 2])}
KEPT = ("conv1.weight", "bn1.weight", "bn1.running_mean", "bn1.running_var", "layer1.0.conv1.weight",
        "layer2.0.downsample.0.weight", "layer2.1.bn2.bias", "layer3.0.conv2.weight", "layer4.1.bn2.weight",
        "layer4.1.bn2.running_var")


def narrow_resnet18():
    network = torchvision.models.resnet18()
    network.inplanes = WIDTH
    network.conv1 = nn.Conv2d(3, WIDTH, 7, 2, 3, bias=False)
    network.bn1 = nn.BatchNorm2d(WIDTH)
    for stage in range(4):
        layer = network._make_layer(BasicBlock, WIDTH << stage, 2, stride=1 if stage == 0 else 2)
        setattr(network, f"layer{stage + 1}", layer)
    network.fc = nn.Identity()
    return network


class Estimator(nn.Module):
    def __init__(self):
        super().__init__()
        features = 8 * WIDTH
        self.backbone = narrow_resnet18()
        with torch.no_grad():
            for norm in self.backbone.modules():
                if isinstance(norm, nn.BatchNorm2d):
                    norm.bias.copy_(SHIFT * (1 - 2 * (torch.rand(norm.num_features) < 0.25).double()))
        self.head = nn.Sequential(nn.Linear(features, features), nn.ReLU(), nn.Linear(features, 128))

    def forward(self, images):
        return F.normalize(self.head(self.backbone(images)), dim=1)


def prepared(images):
    margin = (SIDE - CROP) // 2
    cropped = images[:, :, margin:margin + CROP, margin:margin + CROP]
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    return (cropped - mean) / std


def load_generator(folder):
    package = reference_code.import_bigbigan(folder)
    config = package.make_biggan_config(128)
    config.update(resolution=SIDE, n_classes=7, G_ch=4, dim_z=20, shared_dim=8)
    network = package.BigGAN.Generator(**config)
    path = HERE.parent / "HLGeneratorsTests/Fixtures/bigbigan_tiny.pth"
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    generator = package.GeneratorWrapper(network).double().eval().requires_grad_(False)
    return lambda z: ((generator(z.flatten(1)) + 1) / 2).clamp(0, 1)


def train(generator, estimator, chunks):
    walker = walker_of(DIMENSION * len(chunks)).float().double()
    found = {f"start.walker.{name}": tensor.clone() for name, tensor in walker.state_dict().items()}
    betas = (0.5, 0.999)
    on_walker = torch.optim.Adam(walker.parameters(), RATES["learning_rate"], betas)
    on_estimator = torch.optim.Adam(estimator.parameters(), RATES["estimator_learning_rate"], betas)
    anchors = torch.randn(STEPS, BATCH, CHUNKS, DIMENSION).float().double().clamp(-2, 2)
    losses, walker_losses = [], []
    for z in anchors:
        moved = z.clone()
        moved[:, chunks] += walker(z[:, chunks].flatten(1)).view(BATCH, len(chunks), DIMENSION)
        images = prepared(torch.cat([generator(z), generator(moved)]))
        loss = info_nce(estimator(images.detach()))
        on_estimator.zero_grad()
        loss.backward()
        on_estimator.step()
        walker_loss = info_nce(estimator(images))
        on_walker.zero_grad()
        (-walker_loss).backward()
        on_walker.step()
        losses.append(loss.item())
        walker_losses.append(walker_loss.item())
    found |= {"z": anchors, "losses": torch.tensor(losses), "walker_losses": torch.tensor(walker_losses)}
    found |= {f"end.walker.{name}": tensor for name, tensor in walker.state_dict().items()}
    state = estimator.state_dict()
    found |= {f"end.estimator.{name}": state[name]
              for name in [f"backbone.{key}" for key in KEPT] + [key for key in state if key.startswith("head.")]}
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bigbigan", required=True, metavar="DIR", help="checkout of the public repository")
    parser.add_argument("--output", default=HERE.parent / "HLWalkersTests/Fixtures/walker_steps.safetensors")
    options = parser.parse_args()
    torch.set_default_dtype(torch.float64)
    generator = load_generator(options.bigbigan)
    torch.manual_seed(SEED)
    start = Estimator()
    with torch.no_grad():
        for tensor in start.state_dict().values():
            if tensor.is_floating_point():
                tensor.copy_(tensor.half())
    tensors = {f"start.estimator.{name}": tensor.half() for name, tensor in start.state_dict().items()
               if tensor.is_floating_point()}
    for name, (_, chunks) in RUNS.items():
        found = train(generator, copy.deepcopy(start), chunks)
        tensors |= {f"{name}.{key}": tensor.float().contiguous() for key, tensor in found.items()}
        print(name, *(f"{value:.4f}" for value in found["losses"].tolist()))
    metadata = {f"{name}.chunks": text for name, (text, _) in RUNS.items()}
    metadata |= {key: str(value) for key, value in RATES.items()}
    safetensors.torch.save_file(tensors, options.output, metadata)


if __name__ == "__main__":
    main()
