"""The Python peer of online training on generated views: sampling, rendering, augmenting and training in one process.

    python online_training_reference.py --reference DIR --weights BigBiGAN_x1.pth --batch 16 --steps 3

The counterpart of

    hl-sample --generator bigbigan --weights W | hl-perturb --chunks 1-5 | hl-train --method simsiam --arch resnet18

done as the public code of this line of work does it: per step, anchors and noise from scipy's truncnorm seeded anew,
both views in one pass of the public generator without gradients, Kornia's augmentations per view, SimSiam on
torchvision's ResNet with SGD. DIR is a checkout of lukemelas/pytorch-pretrained-gans. Needs kornia and scipy. Prints
one JSON object with samples (pairs) per second and where the time of a step goes.

With --lean it is as fast as it can be on a card, and needs neither: latents are drawn there, T_x is one grid_sample for
crop and flip, as hl-train has it by default, and spectral norms are computed once. With --turns it takes orders as
turns.py gives them.
"""

import argparse
import json
import math
import statistics
import sys
import time

import torch
import torch.nn.functional as F

import peer_device
import reference_code
import simsiam_step

CHUNK = 20


def draw(shape, truncation, seed):
    """N^t(0, 1, truncation)"""
    import numpy as np
    from scipy.stats import truncnorm
    state = np.random.RandomState(seed)
    return truncnorm.rvs(-truncation, truncation, loc=0, scale=1, size=shape, random_state=state).astype(np.float32)


def sample_views(batch, dimension, truncation, step):
    """Anchors and positives [2 * batch, dimension]: all chunks but the first are moved."""
    anchors = draw((batch, dimension), truncation, 2 * step)
    positives = anchors.copy()
    positives[:, CHUNK:] += draw((batch, dimension - CHUNK), truncation, 2 * step + 1)
    return torch.cat([torch.from_numpy(anchors), torch.from_numpy(positives)])


def draw_on(device, *shape):
    """N^t(0, 1, 2), by the inverse of its distribution function."""
    low = math.erf(-math.sqrt(2))
    return math.sqrt(2) * torch.erfinv((low - 2 * low * torch.rand(shape, device=device)).clamp(-0.9999, 0.9999))


def crop_and_flip(images, side):
    """Boxes of 0.2 to 1 of the area and sides of 3/4 to 4/3, every second one mirrored, normalised."""
    count, device = len(images), images.device
    random = torch.rand(5, count, device=device)
    area, ratio = 0.2 + 0.8 * random[0], torch.exp((2 * random[1] - 1) * math.log(4 / 3))
    width, height = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
    sign, nothing = torch.where(random[2] < 0.5, -1.0, 1.0), torch.zeros_like(width)
    across, down = (2 * random[3] - 1) * (1 - width), (2 * random[4] - 1) * (1 - height)
    boxes = torch.stack([width * sign, nothing, across, nothing, height, down], 1).view(count, 2, 3)
    grid = F.affine_grid(boxes, (count, 3, side, side), align_corners=False)
    cut = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    mean, deviation = (torch.tensor(values, device=device).view(3, 1, 1)
                       for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    return (cut - mean) / deviation


def make_augmentation(side):
    import kornia.augmentation as augmentation
    return augmentation.AugmentationSequential(
        augmentation.RandomResizedCrop((side, side), scale=(0.2, 1.0)),
        augmentation.RandomHorizontalFlip(),
        augmentation.ColorJiggle(0.4, 0.4, 0.4, 0.1, p=0.8),
        augmentation.RandomGrayscale(p=0.2),
        augmentation.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]),
        same_on_batch=False)


class Training:
    def __init__(self, arguments):
        self.place = peer_device.Place(arguments)
        torch.manual_seed(0)
        self.arguments = arguments
        layout, device = reference_code.LAYOUTS[arguments.layout], self.place.device
        self.generator = reference_code.load_bigbigan(arguments.reference, arguments.weights, layout).to(device)
        if arguments.lean:
            reference_code.fold_spectral_norm(self.generator, layout)
            self.augment = lambda images: crop_and_flip(images, side=112)
        else:
            self.augment = make_augmentation(side=112)
        self.model = simsiam_step.SimSiam(arguments.arch).to(device, memory_format=torch.channels_last).train()
        self.optimiser = simsiam_step.make_optimiser(self.model, self.place)

    def sample(self, index):
        batch, size = self.arguments.batch, self.generator.dim_z
        if not self.arguments.lean:
            return sample_views(batch, size, 2.0, index).to(self.place.device)
        anchors = draw_on(self.place.device, batch, size)
        positives = anchors.clone()
        positives[:, CHUNK:] += draw_on(self.place.device, batch, size - CHUNK)
        return torch.cat([anchors, positives])

    def render(self, z):
        with torch.inference_mode(), self.place.autocast():
            parts = z.split(self.arguments.render_batch or len(z))
            return torch.cat([((self.generator(part).float() + 1) / 2).clamp(0, 1) for part in parts])

    def learn(self, views):
        self.optimiser.zero_grad(set_to_none=True)
        with self.place.autocast():
            loss = self.model(*[view.contiguous(memory_format=torch.channels_last) for view in views])
        loss.backward()
        self.optimiser.step()
        return loss.item()

    def step(self, index):
        """Seconds of each part and of the whole. Parts of a lean step, which does not wait for them, say nothing."""
        wait = (lambda: None) if self.arguments.lean else self.place.wait
        times = [time.perf_counter()]
        z = self.sample(index)
        wait()
        times.append(time.perf_counter())
        # A copy outside inference mode: autograd takes no tensors from inside.
        images = self.render(z).clone()
        wait()
        times.append(time.perf_counter())
        with torch.no_grad():
            views = [self.augment(part) for part in images.split(self.arguments.batch)]
        wait()
        times.append(time.perf_counter())
        loss = self.learn(views)
        times.append(time.perf_counter())
        parts = {name: after - before for name, before, after in zip(
            ("sample", "render", "augment", "train"), times, times[1:])}
        return {**parts, "total": times[-1] - times[0], "loss": loss}


def take_turns(training):
    print(json.dumps({"ready": True, "version": torch.__version__}), flush=True)
    index = 0
    for line in sys.stdin:
        steps = [training.step(index + step) for step in range(int(line.split()[1]))]
        index += len(steps)
        print(json.dumps({"step_seconds": [step["total"] for step in steps], "losses": [step["loss"] for step in steps],
                          **training.place.peaks()}), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reference", required=True, metavar="DIR", help="lukemelas/pytorch-pretrained-gans")
    parser.add_argument("--weights", required=True, metavar="FILE", help="BigBiGAN_x1.pth")
    parser.add_argument("--arch", choices=["resnet18", "resnet34", "resnet50"], default="resnet18")
    parser.add_argument("--batch", type=int, default=16, help="pairs per step (16)")
    parser.add_argument("--render-batch", type=int, default=0, help="images per pass of the generator, 0 for all (0)")
    parser.add_argument("--layout", choices=sorted(reference_code.LAYOUTS), default="channels-last",
                        help="of the generator's activations (channels-last)")
    parser.add_argument("--threads", type=int, default=0, help="intra-op threads; 0 leaves PyTorch's choice (0)")
    peer_device.add_options(parser)
    parser.add_argument("--lean", action="store_true", help="as fast as it can be on a card")
    parser.add_argument("--turns", action="store_true", help="take orders as turns.py gives them")
    parser.add_argument("--steps", type=int, default=3, help="timed steps after one for warming up (3)")
    arguments = parser.parse_args()
    if arguments.threads > 0:
        torch.set_num_threads(arguments.threads)
    training = Training(arguments)
    if arguments.turns:
        return take_turns(training)
    steps = [training.step(index) for index in range(arguments.steps + 1)][1:]
    medians = {part: round(statistics.median(step[part] for step in steps), 3) for part in steps[0] if part != "loss"}
    print(json.dumps({
        "program": "pytorch", "version": torch.__version__, "isa": training.place.name,
        "arch": arguments.arch, "batch": arguments.batch, "threads": torch.get_num_threads(),
        "layout": arguments.layout, "precision": arguments.precision, "render_batch": arguments.render_batch, "steps": arguments.steps,
        "samples_per_second": round(arguments.batch / statistics.median(step["total"] for step in steps), 3),
        "step_seconds": medians, "loss": round(steps[-1]["loss"], 4),
        **training.place.peaks(),
    }))


if __name__ == "__main__":
    main()
