#!/usr/bin/env python3
"""Random weights for BigBiGAN or StyleGAN2, to try the programs without a download. Needs Python 3, no packages.

    random_weights.py bigbigan|stylegan2 [--width N] [--seed N] -o FILE.safetensors

The networks have the layers, latents and image side of the official ones (BigBiGAN at 128 px with 6 chunks of 20;
StyleGAN2 at 512 px with z and w of 512 and 16 layers) and fewer channels, of which WIDTH are in the last block of
BigBiGAN (default 16, official 96) and at most WIDTH in any block of StyleGAN2 (default 32, official 512).

Such networks have learnt nothing: their images are coloured blobs. But latents enter where they do in trained ones, and
activations keep a size that neither saturates nor flattens the images. The same options give the same bytes.
"""
import argparse, array, json, math, random

BLUR = [a * b / 16 for a in (1, 2, 1) for b in (1, 2, 1)]  # 3 x 3, so that blobs are larger than a pixel


class Weights(dict):
    """Tensors by name: (shape, F32 values)."""

    def __init__(self, seed):
        self.gauss = random.Random(seed).gauss

    def fill(self, name, shape, value):
        self[name] = shape, array.array("f", [value]) * math.prod(shape)

    def draw(self, name, shape, scale=1.0):
        gauss = self.gauss
        self[name] = shape, array.array("f", [gauss(0, scale) for _ in range(math.prod(shape))])

    def convolution(self, name, outputs, inputs, taps=(1,), scale=1.0):
        """Kernels that are all the same filter, each times a random gain of its own.

        The mean over an output's gains is 0, so that the mean that activations have in common leaves no cast.
        """
        values = array.array("f")
        for _ in range(outputs):
            gains = [self.gauss(0, scale) for _ in range(inputs)]
            mean = sum(gains) / inputs
            values.extend([(gain - mean) * tap for gain in gains for tap in taps])
        side = math.isqrt(len(taps))
        self[name] = [outputs, inputs, side, side], values

    def write(self, path):
        header, end = {}, 0
        for name, (shape, values) in self.items():
            header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [end, end + 4 * len(values)]}
            end += 4 * len(values)
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        with open(path, "wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            for _, values in self.values():
                values.tofile(file)


def bigbigan(weights, width):
    shared, chunk, classes = 128, 20, 1000
    channels = [width * factor for factor in (16, 16, 8, 4, 2, 1)]

    def spectral(name, outputs):
        """What spectral norm keeps beside a weight: the vector it starts from, and a number that nothing reads."""
        weights.draw(name + ".u0", [1, outputs])
        weights.fill(name + ".sv0", [1], 1)

    def convolution(name, outputs, inputs, side=3, bias=True):
        weights.convolution(name + ".weight", outputs, inputs, BLUR if side == 3 else (1,))
        spectral(name, outputs)
        if bias:
            weights.draw(name + ".bias", [outputs], 0.05)

    def norm(name, count, variance):
        for part in ("gain", "bias"):
            weights.draw(f"{name}.{part}.weight", [count, shared + chunk])
            spectral(f"{name}.{part}", count)
        weights.fill(name + ".stored_mean", [count], 0)
        weights.fill(name + ".stored_var", [count], variance)

    weights.draw("shared.weight", [classes, shared], 0.3)
    weights.draw("linear.weight", [16 * channels[0], chunk])
    spectral("linear", 16 * channels[0])
    weights.fill("linear.bias", [16 * channels[0]], 0)
    variance = 0.005  # what the linear layer makes; convolutions of normalised inputs make about 1.5
    for index, (inputs, outputs) in enumerate(zip(channels, channels[1:])):
        name = f"blocks.{index}.0"
        norm(name + ".bn1", inputs, variance)
        convolution(name + ".conv1", outputs, inputs)
        norm(name + ".bn2", outputs, 1.5)
        convolution(name + ".conv2", outputs, outputs)
        convolution(name + ".conv_sc", outputs, inputs, side=1)
        variance = 1.5 + 0.7 * variance
        if index == 3:
            for part, count in (("theta", outputs // 8), ("phi", outputs // 8), ("g", outputs // 2)):
                convolution(f"blocks.3.1.{part}", count, outputs, side=1, bias=False)
            convolution("blocks.3.1.o", outputs, outputs // 2, side=1, bias=False)
            weights.fill("blocks.3.1.gamma", [], 0.5)
    for part, value in (("gain", 0.5), ("bias", 0), ("stored_mean", 0), ("stored_var", variance)):
        weights.fill("output_layer.0." + part, [channels[5]], value)
    convolution("output_layer.2", 3, channels[5])


def stylegan2(weights, width):
    latent, sides = 512, [4 << level for level in range(8)]
    channels = {side: max(1, min(width, 64 * width // side)) for side in sides}
    taps = (1, 3, 3, 1)
    blur = [4, 4], array.array("f", [a * b / 64 for a in taps for b in taps])

    def affine(name, outputs):
        weights.draw(name + ".affine.weight", [outputs, latent])
        weights.fill(name + ".affine.bias", [outputs], 1)

    def layer(name, side, outputs, inputs):
        weights.draw(name + ".weight", [outputs, inputs, 3, 3])
        affine(name, inputs)
        weights.draw(name + ".bias", [outputs], 0.1)
        weights.fill(name + ".noise_strength", [], 0.02)
        weights.draw(name + ".noise_const", [side, side])
        weights[name + ".resample_filter"] = blur

    for index in range(8):  # the network multiplies these weights by 0.01
        weights.draw(f"mapping.fc{index}.weight", [latent, latent], 100)
        weights.fill(f"mapping.fc{index}.bias", [latent], 0)
    weights.fill("mapping.w_avg", [latent], 0)
    weights.draw("synthesis.b4.const", [channels[4], 4, 4])
    for side in sides:
        name, count = f"synthesis.b{side}", channels[side]
        weights[name + ".resample_filter"] = blur
        if side > 4:
            layer(name + ".conv0", side, count, channels[side // 2])
        layer(name + ".conv1", side, count, count)
        weights.convolution(name + ".torgb.weight", 3, count, scale=0.25)
        weights.fill(name + ".torgb.bias", [3], 0)
        affine(name + ".torgb", count)


def main():
    networks = {"bigbigan": (bigbigan, 16), "stylegan2": (stylegan2, 32)}
    parser = argparse.ArgumentParser(description="Random weights for BigBiGAN or StyleGAN2.")
    parser.add_argument("network", choices=networks)
    parser.add_argument("--width", type=int, help="channels, from 4 to 512 (default 16 for bigbigan, 32 for stylegan2)")
    parser.add_argument("--seed", type=int, default=4, help="seed of the random numbers (default 4)")
    parser.add_argument("-o", dest="output", metavar="FILE", required=True, help="file to write")
    options = parser.parse_args()
    build, width = networks[options.network]
    if options.width is not None:
        width = options.width
    if not 4 <= width <= 512:
        parser.error(f"cannot make a width of {width}: give --width from 4 to 512")
    weights = Weights(options.seed)
    build(weights, width)
    weights.write(options.output)


if __name__ == "__main__":
    main()
