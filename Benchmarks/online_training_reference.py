"""The Python peer of online training on generated views: sampling, rendering, augmenting and training in one process.

    python online_training_reference.py --reference DIR --weights BigBiGAN_x1.pth --batch 16 --steps 3

The counterpart of

    hl-sample --generator bigbigan --weights W | hl-perturb --chunks 1-5 | hl-train --method simsiam --arch resnet18

done as the public code of this line of work does it: per step, anchors and noise from scipy's truncnorm seeded anew,
both views in one pass of the public generator without gradients, Kornia's augmentations per view, SimSiam on
torchvision's ResNet with SGD. DIR is a checkout of lukemelas/pytorch-pretrained-gans. Needs kornia and scipy. Prints
one JSON object with samples (pairs) per second and where the time of a step goes.
"""

import argparse
import json
import resource
import statistics
import time

import kornia.augmentation as augmentation
import numpy as np
import torch
from scipy.stats import truncnorm

import reference_code
import simsiam_step

CHUNK = 20


def draw(shape, truncation, seed):
    """N^t(0, 1, truncation)"""
    state = np.random.RandomState(seed)
    return truncnorm.rvs(-truncation, truncation, loc=0, scale=1, size=shape, random_state=state).astype(np.float32)


def sample_views(batch, dimension, truncation, step):
    """Anchors and positives [2 * batch, dimension]: all chunks but the first are moved."""
    anchors = draw((batch, dimension), truncation, 2 * step)
    positives = anchors.copy()
    positives[:, CHUNK:] += draw((batch, dimension - CHUNK), truncation, 2 * step + 1)
    return torch.from_numpy(np.concatenate([anchors, positives]))


def make_augmentation(side):
    return augmentation.AugmentationSequential(
        augmentation.RandomResizedCrop((side, side), scale=(0.2, 1.0)),
        augmentation.RandomHorizontalFlip(),
        augmentation.ColorJiggle(0.4, 0.4, 0.4, 0.1, p=0.8),
        augmentation.RandomGrayscale(p=0.2),
        augmentation.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]),
        same_on_batch=False)


class Training:
    def __init__(self, arguments):
        torch.manual_seed(0)
        self.arguments = arguments
        layout = reference_code.LAYOUTS[arguments.layout]
        self.generator = reference_code.load_bigbigan(arguments.reference, arguments.weights, layout)
        self.augment = make_augmentation(side=112)
        self.model = simsiam_step.SimSiam(arguments.arch).to(memory_format=torch.channels_last).train()
        self.optimiser = torch.optim.SGD(self.model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)

    def autocast(self):
        return torch.autocast("cpu", torch.bfloat16, enabled=self.arguments.precision == "bf16")

    def render(self, z):
        with torch.inference_mode(), self.autocast():
            parts = z.split(self.arguments.render_batch or len(z))
            return torch.cat([((self.generator(part).float() + 1) / 2).clamp(0, 1) for part in parts])

    def learn(self, views):
        self.optimiser.zero_grad(set_to_none=True)
        with self.autocast():
            loss = self.model(*[view.contiguous(memory_format=torch.channels_last) for view in views])
        loss.backward()
        self.optimiser.step()
        return loss.item()

    def step(self, index):
        """Seconds of each part and of the whole."""
        times = [time.perf_counter()]
        z = sample_views(self.arguments.batch, self.generator.dim_z, 2.0, index)
        times.append(time.perf_counter())
        # A copy outside inference mode: autograd takes no tensors from inside.
        images = self.render(z).clone()
        times.append(time.perf_counter())
        with torch.no_grad():
            views = [self.augment(part) for part in images.split(self.arguments.batch)]
        times.append(time.perf_counter())
        loss = self.learn(views)
        times.append(time.perf_counter())
        parts = dict(zip(("sample", "render", "augment", "train"), np.diff(times).tolist()))
        return {**parts, "total": times[-1] - times[0], "loss": loss}


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
    parser.add_argument("--precision", choices=["f32", "bf16"], default="f32",
                        help="bf16: rendering and training under autocast (f32)")
    parser.add_argument("--steps", type=int, default=3, help="timed steps after one for warming up (3)")
    arguments = parser.parse_args()
    if arguments.threads > 0:
        torch.set_num_threads(arguments.threads)
    training = Training(arguments)
    steps = [training.step(index) for index in range(arguments.steps + 1)][1:]
    medians = {part: round(statistics.median(step[part] for step in steps), 3) for part in steps[0] if part != "loss"}
    print(json.dumps({
        "program": "pytorch", "version": torch.__version__, "isa": torch.backends.cpu.get_cpu_capability(),
        "arch": arguments.arch, "batch": arguments.batch, "threads": torch.get_num_threads(),
        "layout": arguments.layout, "precision": arguments.precision, "render_batch": arguments.render_batch, "steps": arguments.steps,
        "samples_per_second": round(arguments.batch / statistics.median(step["total"] for step in steps), 3),
        "step_seconds": medians, "loss": round(steps[-1]["loss"], 4),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }))


if __name__ == "__main__":
    main()
