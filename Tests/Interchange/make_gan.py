"""Writes Tests/HLAdversarialTests/Fixtures/steps.safetensors: ten steps of a generator's training in PyTorch.

    python make_gan.py --bigbigan DIR [--output FILE]

DIR is a checkout of lukemelas/pytorch-pretrained-gans. Needs torch, numpy, scipy and safetensors. The generator is the
public code's, to whose table of widths one entry is added; the discriminator is made of its blocks, the head of its
linear layers. Weights and images come from Tests/Support/formula.py, latents and augmentations from the random numbers
that the Swift code defines, computed here anew. Everything runs in float64.

Adam's epsilon is 0.1. At its usual 1e-8 the first steps take a gradient's sign rather than its size, so that one entry
whose gradient is all but 0 sets PyTorch in float32 and in float64 apart by more than the tests allow. Biases in front of a
batch norm are left out of the training: their gradient is 0. So are the biases of the discriminator's shortcuts, for which
those of the second convolutions do the same.

    RUN.losses [10, 3]              of the discriminator, of the generator, and InfoNCE (0 where there is no head)
    RUN.summary.PART.*              formula.summary of the state after ten steps; PART is generator, discriminator, average
    RUN.end.PART.*                  some of the weights after ten steps, whole
    z [4, 4, 20], images            latents and, 0...1, the images of the public code in evaluation mode: the formula's
                                    weights with the statistics of 60 batches

RUN is none, infonce, cells or augmented (all augmentations, two steps of the discriminator to one of the generator).
"""

import argparse
import copy
import pathlib
import sys

import numpy as np
import scipy.stats
import torch
import torch.nn.functional as F
from torch import nn

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "Benchmarks"), str(HERE.parent / "Support")]

import formula  # noqa: E402
import reference_code  # noqa: E402
from reference import infonce, store  # noqa: E402

STEPS, BATCH, SIDE, WIDTH, CHUNKS, DIMENSION, SHARED, CLASSES = 10, 8, 32, 16, 4, 20, 8, 10
SEED, RATE_G, RATE_D, BETAS, EPSILON, DECAY = 1, 1e-3, 2e-3, (0.0, 0.99), 0.1, 0.999
WEIGHT, TEMPERATURE, HEAD = 0.2, 0.2, 64
LATENTS, AUGMENTATION, STANDING = 20, 21, 22
KEPT = {
    "generator": ("shared.weight", "blocks.0.0.bn1.gain.weight", "blocks.2.0.conv1.weight", "blocks.1.0.conv_sc.weight",
                  "blocks.2.0.bn2.bias.weight", "output_layer.0.gain", "output_layer.2.weight", "output_layer.2.bias"),
    "average": ("blocks.2.0.conv2.weight", "output_layer.2.weight"),
    "discriminator": ("blocks.0.0.conv1.weight", "blocks.0.0.conv2.bias", "blocks.1.0.conv2.weight",
                      "blocks.1.0.conv_sc.weight", "linear.weight", "linear.bias", "embed.weight", "head.2.weight"),
}


# ---------------------------------------------------------------------------------------------- random numbers, anew


def key_of(purpose, view=0, group=0, epoch=0):
    return formula.philox(np.array([[purpose, view, group, epoch]], np.uint32), (SEED, 0))[0][:2]


def words(key, sample, count):
    counter = np.zeros(((count + 3) // 4, 4), np.uint32)
    counter[:, 0] = np.arange(len(counter))
    counter[:, 2] = sample
    return formula.philox(counter, key).reshape(-1)[:count]


def latents(count, key):
    """[count, CHUNKS * DIMENSION] of N(0, 1) cut off at 2, by inverting the distribution function."""
    rows = np.stack([words(key, sample, CHUNKS * DIMENSION) for sample in range(count)])
    return torch.from_numpy(scipy.stats.truncnorm.ppf((rows + 0.5) / 2.0**32, -2, 2))


class Draws:
    """The words of one sample in order, as uniform numbers and whole ones."""

    def __init__(self, key, sample):
        self.words = iter(words(key, sample, 64).tolist())

    def uniform(self):
        return (next(self.words) >> 8) * 2.0**-24

    def below(self, bound):
        return next(self.words) * bound >> 32


def augmented(images, key, flips, everything):
    """Images -1...1, mirrored and by DiffAugment's three steps, one after the other."""
    result = []
    for sample, x in enumerate(images):
        draws = Draws(key, sample)
        if flips and draws.uniform() < 0.5:
            x = x.flip(2)
        if everything:
            brightness, saturation, contrast = draws.uniform(), draws.uniform(), draws.uniform()
            x = x + (brightness - 0.5)
            grey = x.mean(0, keepdim=True)
            x = (x - grey) * (saturation * 2) + grey
            mean = x.mean()
            x = (x - mean) * (contrast + 0.5) + mean
            shift = int(SIDE * 0.125 + 0.5)
            down, right = draws.below(2 * shift + 1) - shift, draws.below(2 * shift + 1) - shift
            padded = F.pad(x, (SIDE, SIDE, SIDE, SIDE))
            x = padded[:, SIDE - down:2 * SIDE - down, SIDE - right:2 * SIDE - right]
            size = int(SIDE * 0.5 + 0.5)
            mask = torch.ones(SIDE, SIDE, dtype=x.dtype)
            row, column = draws.below(SIDE + 1 - size % 2), draws.below(SIDE + 1 - size % 2)
            rows = (torch.arange(size) + row - size // 2).clamp(0, SIDE - 1)
            columns = (torch.arange(size) + column - size // 2).clamp(0, SIDE - 1)
            mask[rows[:, None], columns[None, :]] = 0
            x = x * mask
        result.append(x)
    return torch.stack(result)


# -------------------------------------------------------------------------------------------------------- networks


def generator_of(package, side, width, dimension, shared, classes):
    """The public generator with hierarchical latents of that many values in all; of 32 pixels its channels are 4, 4, 2 and 1
    times the width, by an entry that its table of widths gets for this."""
    table = package.BigGAN.G_arch

    def with_one_entry_more(ch=64, attention="64", **rest):
        arch = table(ch, attention, **rest)
        arch[32]["in_channels"], arch[32]["out_channels"] = [4 * ch, 4 * ch, 2 * ch], [4 * ch, 2 * ch, ch]
        return arch

    package.BigGAN.G_arch = with_one_entry_more
    config = package.make_biggan_config(128)
    config.update(resolution=side, G_ch=width, G_attn="0", n_classes=classes, shared_dim=shared, dim_z=dimension)
    network = package.BigGAN.Generator(**config)
    package.BigGAN.G_arch = table
    return network


def public_generator(package):
    return generator_of(package, SIDE, WIDTH, CHUNKS * DIMENSION, SHARED, 1)


class Discriminator(nn.Module):
    def __init__(self, layers, content):
        super().__init__()

        def conv(inputs, outputs, kernel_size=3, padding=1):
            return layers.SNConv2d(inputs, outputs, kernel_size=kernel_size, padding=padding, num_svs=1, num_itrs=1,
                                   eps=1e-4)

        def linear(inputs, outputs):
            return layers.SNLinear(inputs, outputs, num_svs=1, num_itrs=1, eps=1e-4)

        widths = [3] + [WIDTH * k for k in (1, 2, 4, 4)]
        self.blocks = nn.ModuleList([nn.ModuleList([layers.DBlock(
            widths[i], widths[i + 1], which_conv=conv, wide=True, activation=nn.ReLU(), preactivation=i > 0,
            downsample=nn.AvgPool2d(2) if i < 3 else None)]) for i in range(4)])
        self.linear = linear(widths[-1], 1)
        if content == "cells":
            self.embed = layers.SNEmbedding(CLASSES, widths[-1], num_svs=1, num_itrs=1, eps=1e-4)
        if content == "infonce":
            self.head = nn.Sequential(linear(widths[-1], widths[-1]), nn.ReLU(), linear(widths[-1], HEAD))

    def forward(self, x, labels):
        for block in self.blocks:
            x = block[0](x)
        features = F.relu(x).sum((2, 3))
        score = self.linear(features)
        if labels is not None:
            score = score + (self.embed(labels) * features).sum(1, keepdim=True)
        return score[:, 0], features


def fill(network, prefix, idle):
    """The formula of README.md for a network's weights, and for what its spectral norms begin with; 0 for the biases that
    are `idle`."""
    with torch.no_grad():
        for name, tensor in [*network.named_parameters(), *network.named_buffers()]:
            leaf = name.rsplit(".", 1)[-1]
            if leaf in ("stored_mean", "stored_var", "sv0"):
                continue
            u = formula.uniform(prefix + name, tuple(tensor.shape))
            if idle(name):
                tensor.zero_()
            elif leaf == "bias" and tensor.dim() == 1:
                tensor.copy_(formula.rounded((u - 0.5) * 0.1))
            elif tensor.dim() == 1:
                tensor.copy_(formula.rounded(0.5 + u))
            else:
                tensor.copy_(formula.rounded((2 * u - 1) * (6 / np.prod(tensor.shape[1:])) ** 0.5))


def idle_in_generator(name):
    """Biases that are not trained."""
    return name.startswith("blocks.") and ".conv" in name and name.endswith(".bias")


def idle_in_discriminator(name):
    return name.endswith("conv_sc.bias")


# -------------------------------------------------------------------------------------------------------- training


def run(package, name):
    content = name if name in ("infonce", "cells") else "none"
    everything, d_steps = name == "augmented", 2 if name == "augmented" else 1
    layers = sys.modules[package.BigGAN.layers.__name__]
    g = public_generator(package).double().train()
    d = Discriminator(layers, content).double().train()
    fill(g, "gan.generator.", idle_in_generator)
    fill(d, "gan.discriminator.", idle_in_discriminator)
    average = copy.deepcopy(g)
    g_weights = [w for key, w in g.named_parameters() if not idle_in_generator(key)]
    d_weights = [w for key, w in d.named_parameters() if not idle_in_discriminator(key)]
    g_adam = torch.optim.Adam(g_weights, RATE_G, BETAS, EPSILON)
    d_adam = torch.optim.Adam(d_weights, RATE_D, BETAS, EPSILON)

    def draw(step, part):
        z = latents(BATCH, key_of(LATENTS, part, 0, step))
        if content == "infonce":
            z[BATCH // 2:, :DIMENSION] = z[:BATCH // 2, :DIMENSION]
        labels = z[:, :CLASSES].argmax(1) if content == "cells" else None
        image = g(z, g.shared(torch.zeros(BATCH, dtype=torch.int64)))
        return augmented(image, key_of(AUGMENTATION, part, 1, step), False, everything), labels

    def head_loss(features):
        if content != "infonce":
            return torch.zeros((), dtype=torch.float64)
        e = d.head(features)
        return infonce(e[:BATCH // 2], e[BATCH // 2:], TEMPERATURE, 1)

    losses, nearest = [], 9.0
    for step in range(STEPS):
        half = STEPS // 2
        decay = 1 if step < half else 1 - (step - half) / (STEPS - half)
        for adam, rate in ((g_adam, RATE_G), (d_adam, RATE_D)):
            adam.param_groups[0]["lr"] = rate * decay
        for part in range(d_steps):
            with torch.no_grad():
                fake, fake_labels = draw(step, part)
            pixels = torch.from_numpy(formula.uniform(f"gan.real.{step}.{part}", (BATCH, 3, SIDE, SIDE)))
            real = augmented(2 * pixels - 1, key_of(AUGMENTATION, part, 0, step), True, everything)
            labels = None
            if content == "cells":
                labels = torch.cat([(torch.arange(BATCH) + step) % CLASSES, fake_labels])
            score, features = d(torch.cat([real, fake]), labels)
            loss_d = F.relu(1 - score[:BATCH]).mean() + F.relu(1 + score[BATCH:]).mean()
            nearest = min(nearest, (1 - score[:BATCH]).abs().min().item(), (1 + score[BATCH:]).abs().min().item())
            d_adam.zero_grad()
            (loss_d + WEIGHT * head_loss(features[BATCH:])).backward()
            d_adam.step()
        fake, labels = draw(step, d_steps)
        score, features = d(fake, labels)
        loss_g, loss_c = -score.mean(), head_loss(features)
        g_adam.zero_grad()
        (loss_g + WEIGHT * loss_c).backward()
        g_adam.step()
        losses.append([loss_d.item(), loss_g.item(), loss_c.item()])
        mix = min(DECAY, (2 + step) / (11 + step))
        with torch.no_grad():
            for target, source in zip(average.parameters(), g.parameters()):
                target.lerp_(source, 1 - mix)

    out = {f"{name}.losses": torch.tensor(losses)}
    for part, network in (("generator", g), ("discriminator", d), ("average", average)):
        idle = idle_in_discriminator if part == "discriminator" else idle_in_generator
        for key, tensor in network.named_parameters():
            if not idle(key):
                out[f"{name}.summary.{part}.{key}"] = formula.summary(tensor)
        for key, tensor in network.named_buffers():
            if part != "average" and key.endswith("u0"):
                out[f"{name}.summary.{part}.{key}"] = formula.summary(tensor)
        for key in KEPT[part]:
            if key in network.state_dict():
                out[f"{name}.end.{part}.{key}"] = network.state_dict()[key]
    # A score that rounds to the other side of a hinge's kink, or an activation to that of a ReLU's, makes another training:
    # at this SEED PyTorch's float32 stays within 2e-4 of its float64.
    print(name, f"{nearest:.4f} from a kink;", *(f"{row[0]:.3f}/{row[1]:.3f}/{row[2]:.3f}" for row in losses))
    return out


def rendered(package):
    """What the public code makes of the formula's weights, with statistics of 60 batches: stored_mean and stored_var as
    means of what each batch has."""
    g = public_generator(package).double().train()
    fill(g, "gan.generator.", idle_in_generator)
    label = torch.zeros(BATCH, dtype=torch.int64)
    with torch.no_grad():
        sums = {key: torch.zeros_like(v) for key, v in g.state_dict().items() if "stored" in key}
        for batch in range(60):
            for key, value in g.state_dict().items():
                if "stored" in key:
                    value.zero_()
            g(latents(BATCH, key_of(STANDING, 0, 0, batch)), g.shared(label))
            for key in sums:
                sums[key] += g.state_dict()[key] / 0.1 / 60  # the public code's momentum
        g.load_state_dict({**g.state_dict(), **sums})
        g.eval()
        z = formula.centred("gan.z", (4, CHUNKS * DIMENSION)) * 4
        images = (g(z, g.shared(label[:4])) + 1) / 2
    return {"z": z.reshape(4, CHUNKS, DIMENSION), "images": images}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bigbigan", required=True, help="a checkout of lukemelas/pytorch-pretrained-gans")
    parser.add_argument("--output", default=str(HERE.parent / "HLAdversarialTests/Fixtures/steps.safetensors"))
    options = parser.parse_args()
    formula.check_philox()
    torch.manual_seed(0)
    package = reference_code.import_bigbigan(options.bigbigan)
    tensors = rendered(package)
    for name in ("none", "infonce", "cells", "augmented"):
        tensors.update(run(package, name))
    store(options.output, tensors)


if __name__ == "__main__":
    main()
