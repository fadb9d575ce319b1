"""The PyTorch peer of walker-step: steps of a walker's training on BigBiGAN with the public generator, timed.

    python walker_reference.py --reference DIR --weights BigBiGAN_x1.pth [--batch 8] [--chunks 1-5] [--layout nchw]

DIR is a checkout of lukemelas/pytorch-pretrained-gans. The step is that of COP-Gen's train_navigator on the paper's
networks: anchors rendered without a graph, positives with one; the estimator (torchvision's ResNet-18, head 512-512-128)
descends InfoNCE on detached images; the images go once more through it, and the walker ascends. The public code takes
the gradients of the estimator's weights in this second pass too and throws them away; `--lean 1` leaves them out, which
is faster. On standard input `run N` does N steps and prints one JSON line; see compare_walkers.py. With --device cuda on
a card, with spectral norms computed once (`--folded 1`).
"""

import argparse
import json
import statistics
import sys

import torch
import torch.nn.functional as F
import torchvision
from torch import nn

import peer_device
import reference_code

TEMPERATURE, CHUNK, BETAS = 0.1, 20, (0.5, 0.999)
MEAN = torch.tensor((0.485, 0.456, 0.406)).view(3, 1, 1)
STD = torch.tensor((0.229, 0.224, 0.225)).view(3, 1, 1)


class Estimator(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = torchvision.models.resnet18()
        self.backbone.fc = nn.Identity()
        self.head = nn.Sequential(nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 128))

    def forward(self, images):
        return F.normalize(self.head(self.backbone(images)), dim=1)


def info_nce(embeddings):
    """All 2N embeddings are anchors; the other view is the positive, the row itself is left out."""
    count = len(embeddings)
    similarity = embeddings @ embeddings.T / TEMPERATURE
    itself = torch.eye(count, dtype=torch.bool, device=embeddings.device)
    similarity = similarity.masked_fill(itself, float("-inf"))
    return F.cross_entropy(similarity, torch.arange(count, device=embeddings.device).roll(count // 2))


def walker_of(size):
    walker = nn.Sequential(nn.Linear(size, size), nn.ReLU(), nn.Linear(size, size))
    for layer in (walker[0], walker[2]):
        nn.init.normal_(layer.weight, std=0.01)
        nn.init.uniform_(layer.bias, -0.001, 0.001)
    return walker


def chunks_of(text):
    parts = [tuple(int(end) for end in part.split("-")) for part in text.split(",")]
    return [chunk for part in parts for chunk in range(part[0], part[-1] + 1)]


class Training:
    def __init__(self, options):
        self.place = peer_device.Place(options)
        device = self.place.device
        torch.manual_seed(0)
        self.layout = reference_code.LAYOUTS[options.layout]
        self.generator = reference_code.load_bigbigan(options.reference, options.weights, self.layout).to(device)
        if options.folded:
            reference_code.fold_spectral_norm(self.generator, self.layout)
        self.estimator = Estimator().to(device, memory_format=self.layout)
        self.columns = [chunk * CHUNK + value for chunk in chunks_of(options.chunks) for value in range(CHUNK)]
        self.walker = walker_of(len(self.columns)).to(device)
        fused = {"fused": True} if self.place.is_card else {}
        self.on_walker = torch.optim.Adam(self.walker.parameters(), 8e-5, BETAS, **fused)
        self.on_estimator = torch.optim.Adam(self.estimator.parameters(), 5e-5, BETAS, **fused)
        self.batch, self.lean = options.batch, options.lean
        self.mean, self.deviation = MEAN.to(device), STD.to(device)

    def images(self, z):
        with self.place.autocast():
            images = self.generator(z)
        return ((images.float() + 1) / 2).clamp(0, 1)

    def embeddings(self, images):
        with self.place.autocast():
            embeddings = self.estimator(images)
        return embeddings.float()

    def prepared(self, images):
        side = images.shape[-1]
        margin = side // 16
        images = images[:, :, margin:side - margin, margin:side - margin]
        return ((images - self.mean) / self.deviation).contiguous(memory_format=self.layout)

    def latents(self):
        return torch.randn(self.batch, self.generator.dim_z).clamp(-2, 2).to(self.place.device)

    def step(self, z):
        with torch.no_grad():
            anchors = self.images(z)
        moved = z.clone()
        moved[:, self.columns] += self.walker(z[:, self.columns])
        images = self.prepared(torch.cat([anchors, self.images(moved)]))
        loss = info_nce(self.embeddings(images.detach()))
        self.on_estimator.zero_grad(set_to_none=True)
        loss.backward()
        self.on_estimator.step()
        self.estimator.requires_grad_(not self.lean)
        ascended = info_nce(self.embeddings(images))
        self.on_walker.zero_grad(set_to_none=True)
        (-ascended).backward()
        self.on_walker.step()
        self.estimator.requires_grad_(True)
        return loss.item()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reference", required=True, metavar="DIR", help="checkout of the public repository")
    parser.add_argument("--weights", required=True, metavar="FILE", help="BigBiGAN_x1.pth")
    parser.add_argument("--batch", type=int, default=8, help="anchors per step (8)")
    parser.add_argument("--chunks", default="1-5", help="chunks that move (1-5)")
    parser.add_argument("--layout", choices=sorted(reference_code.LAYOUTS), default="channels-last")
    parser.add_argument("--lean", type=int, default=1, help="leave out gradients that are thrown away (1)")
    parser.add_argument("--threads", type=int, default=2, help="intra-op threads (2)")
    parser.add_argument("--folded", type=int, default=0, help="1: spectral norms are computed once (0)")
    peer_device.add_options(parser)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    training = Training(options)
    print(json.dumps({"ready": True, "version": torch.__version__}), flush=True)
    for line in sys.stdin:
        seconds, losses = [], []
        for _ in range(int(line.split()[1])):
            z = training.latents()
            time, loss = training.place.timed(lambda: training.step(z))
            seconds.append(time)
            losses.append(loss)
        print(json.dumps({"seconds_per_step": statistics.median(seconds), "step_seconds": seconds, "losses": losses,
                          **training.place.peaks()}), flush=True)


if __name__ == "__main__":
    main()
