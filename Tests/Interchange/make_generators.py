"""Writes the fixtures of the generators' tests with the public reference code.

    python make_generators.py --bigbigan DIR --stylegan2 DIR [--output DIR | --full DIR]

The folders are checkouts of lukemelas/pytorch-pretrained-gans and NVlabs/stylegan2-ada-pytorch. Needs torch, numpy,
scipy and safetensors. Weights are random with fixed seeds (generator_weights.py says how) and hold only values that
half precision holds too (bigbigan_32: bfloat16), so that every form of a network has the same images. Each
run writes the same values, though PyTorch's legacy form, which the pickles contain, names its storages anew.

Weights                              what they are
    bigbigan_tiny.pth                32 px, 16 channels, 4 chunks of 5, 7 classes, no attention; torch.save, zip form
    bigbigan_tiny_legacy.pth         the same, legacy form
    bigbigan_tiny_half.pth           the same in float16, names behind `big_gan.`
    bigbigan_tiny_double.pth         the same in float64, names behind `module.`, in {"epoch", "state_dict"}
    bigbigan_tiny.safetensors        the same in F32
    bigbigan_32.safetensors          32 px, 32 channels, 4 chunks of 3, in BF16
    bigbigan_64.safetensors          64 px, 32 to 4 channels, attention at 32 px, 5 chunks of 4, in F16
    bigbigan_128.safetensors         128 px, 64 to 4 channels, attention at 64 px, 6 chunks of 20, in F16
    stylegan2_a.pkl, .safetensors    32 px, z = w = 32, channels 32 to 8, 8 mapping layers; protocol 3, and in F16
    stylegan2_b.pkl, .safetensors    64 px, channels 20, 12 and 6, 2 mapping layers, fp16 blocks with channels-last
                                     weights, conv_clamp 256, an augmentation pipe; protocol 4, and in F16
    stylegan2_c_{3,4,5}.pkl, stylegan2_c.safetensors
                                     16 px, 5 classes, z 8, w 12, channels 16; in three protocols, and in F32
    stylegan2_clamp.pkl              16 px, conv_clamp 0.8, which bites in every layer, lr_multiplier 0.02; protocol 4
    stylegan2_tf.pkl, _python2.pkl   16 px, z = w = 16, 3 mapping layers, in the TensorFlow layout; protocol 4, and
                                     protocol 2 with Python 2's strings; two arrays of Gs in Fortran order

What to expect: NAME_expected.safetensors, F32 unless noted; images are clamp((x + 1) / 2, 0, 1) of the output x.
    z [N, n * m]                 latents, normal numbers clamped to -2...2
    image [N, 3, S, S]           of class 0; StyleGAN2: without truncation, constant noise
    cotangent                    F16, as image; z_grad [N, n * m] is the gradient of sum(cotangent * image)
    class3.z, class3.image       of class 3, where there is such a class (StyleGAN2 also class3.w)
    w, w_truncated               [N, layers, width] without truncation, and with psi 0.7 below layer 4
    none.image, truncated.image  of the first of the latents, without noise and truncated as above

BigBiGAN runs in float64; StyleGAN2, whose code fixes float32, in evaluation mode with force_fp32. With --full the
script writes networks of the published sizes for measurements instead: BigBiGAN_x1.pth, stylegan2-car-config-f.pkl in
both layouts, and what to expect of them, 0.55 GB.
"""

import argparse
import pathlib
import sys

import safetensors.torch
import torch

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "Benchmarks"))

import generator_pickles as pickles  # noqa: E402
import generator_weights as weights  # noqa: E402
import reference_code  # noqa: E402


def save_tensors(path, tensors, dtype=None):
    """Floating point tensors as F32, or all as `dtype`; halves stay."""
    def stored(tensor):
        if not tensor.is_floating_point() or tensor.dtype == torch.float16:
            return tensor.contiguous()
        return tensor.to(dtype or torch.float32).contiguous()

    pathlib.Path(path).write_bytes(safetensors.torch.save({name: stored(tensor) for name, tensor in tensors.items()}))


class BigBiGANFixtures:
    def __init__(self, folder, output):
        self.package = reference_code.import_bigbigan(folder)
        self.output = output

    def network(self, source, resolution, **changes):
        config = self.package.make_biggan_config(128)
        config.update(resolution=resolution, n_classes=7)
        config.update(changes)
        return weights.randomise_bigbigan(self.package.BigGAN.Generator(**config), source)

    def expect(self, name, network, source, *counts):
        save_tensors(self.output / f"{name}_expected.safetensors", weights.bigbigan_expected(network, source, *counts))

    def write(self):
        self.write_tiny()
        source = weights.Source(21, torch.bfloat16)
        network = self.network(source, 32, G_ch=8, dim_z=12, shared_dim=6)
        save_tensors(self.output / "bigbigan_32.safetensors", network.state_dict(), torch.bfloat16)
        self.expect("bigbigan_32", network, source, 4, 2)
        source = weights.Source(25, torch.float16)
        network = self.network(source, 64, G_ch=2, dim_z=20, shared_dim=8, G_attn="32")
        save_tensors(self.output / "bigbigan_64.safetensors", network.state_dict(), torch.float16)
        self.expect("bigbigan_64", network, source, 1, 1)
        source = weights.Source(24, torch.float16)
        network = self.network(source, 128, G_ch=4, dim_z=120, shared_dim=16)
        save_tensors(self.output / "bigbigan_128.safetensors", network.state_dict(), torch.float16)
        self.expect("bigbigan_128", network, source, 1)

    def write_tiny(self):
        source = weights.Source(20, torch.float16)
        network = self.network(source, 32, G_ch=4, dim_z=20, shared_dim=8)
        state, path = network.state_dict(), str(self.output / "bigbigan_tiny")
        torch.save(state, path + ".pth")
        torch.save(state, path + "_legacy.pth", _use_new_zipfile_serialization=False)
        torch.save({f"big_gan.{name}": tensor.half() for name, tensor in state.items()}, path + "_half.pth")
        wrapped = {f"module.{name}": tensor.double() for name, tensor in state.items()}
        torch.save({"epoch": 7, "state_dict": wrapped}, path + "_double.pth")
        save_tensors(path + ".safetensors", state)
        self.expect("bigbigan_tiny", network, source, 4, 2)

    def write_full(self):
        source = weights.Source(1)
        network = self.network(source, 128, n_classes=1000)
        torch.save(network.state_dict(), self.output / "BigBiGAN_x1.pth")
        self.expect("BigBiGAN_x1", network, source, 2)


class StyleGAN2Fixtures:
    def __init__(self, folder, output):
        self.code = reference_code.import_stylegan2(folder)
        self.output = output

    def network(self, source, resolution, z, w, layers=8, classes=0, mapping=None, **synthesis):
        network = self.code.networks.Generator(
            z_dim=z, c_dim=classes, w_dim=w, img_resolution=resolution, img_channels=3,
            mapping_kwargs=self.code.dnnlib.EasyDict(num_layers=layers, **(mapping or {})),
            synthesis_kwargs=self.code.dnnlib.EasyDict(synthesis))
        return weights.randomise_stylegan2(network, source)

    def expect(self, name, network, source, *counts):
        save_tensors(self.output / f"{name}_expected.safetensors", weights.stylegan2_expected(network, source, *counts))

    def write(self):
        source = weights.Source(30, torch.float16)
        network = self.network(source, 32, 32, 32, channel_base=256, channel_max=32)
        self.write_ada("stylegan2_a", network, 3)
        self.write_state("stylegan2_a", network, torch.float16)
        self.expect("stylegan2_a", network, source, 4, 2)
        self.write_half_precision()
        self.write_conditional()
        self.write_clamped()
        self.write_tensorflow()

    def write_half_precision(self):
        source = weights.Source(36, torch.float16)
        network = self.network(source, 64, 32, 32, layers=2, channel_base=384, channel_max=20, num_fp16_res=4,
                               conv_clamp=256, fp16_channels_last=True)
        assert network.synthesis.b64.conv1.weight.is_contiguous(memory_format=torch.channels_last)
        self.write_ada("stylegan2_b", network, 4, augmented=True)
        self.write_state("stylegan2_b", network, torch.float16)
        self.expect("stylegan2_b", network, source, 1)

    def write_conditional(self):
        source = weights.Source(32, torch.float16)
        network = self.network(source, 16, 8, 12, layers=2, classes=5, channel_base=256, channel_max=16)
        for protocol in (3, 4, 5):
            self.write_ada(f"stylegan2_c_{protocol}", network, protocol)
        self.write_state("stylegan2_c", network)
        self.expect("stylegan2_c", network, source, 4, 2)

    def write_clamped(self):
        source = weights.Source(33, torch.float16)
        network = self.network(source, 16, 16, 16, layers=2, mapping=dict(lr_multiplier=0.02), channel_base=256,
                               channel_max=16, conv_clamp=0.8)
        self.write_ada("stylegan2_clamp", network, 4)
        with ClampCounter(network, 0.8):
            self.expect("stylegan2_clamp", network, source, 4, 2)

    def write_tensorflow(self):
        source = weights.Source(34, torch.float16)
        network = self.network(source, 16, 16, 16, layers=3, channel_base=128, channel_max=16)
        arguments = self.code, network, 64, 16
        pickles.write_tensorflow(self.output / "stylegan2_tf.pkl", *arguments)
        python2 = self.output / "stylegan2_tf_python2.pkl"
        pickles.write_tensorflow(python2, *arguments, protocol=2, pickler=pickles.Python2Pickler)
        converted = self.converted(self.output / "stylegan2_tf.pkl", network)
        with open(python2, "rb") as file:
            generator = self.code.legacy._LegacyUnpickler(file, encoding="latin1").load()[2]
        check_same(self.code.legacy.convert_tf_generator(generator), network)
        self.expect("stylegan2_tf", converted, source, 4, 2)

    def write_full(self):
        source = weights.Source(2)
        network = self.network(source, 512, 512, 512, channel_base=32768, channel_max=512)
        self.write_ada("stylegan2-car-config-f", network, 3)
        pickles.write_tensorflow(self.output / "stylegan2-car-config-f-tf.pkl", self.code, network, 16384, 512)
        self.expect("stylegan2-car-config-f", network, source, 2)

    def write_ada(self, name, network, protocol, augmented=False):
        path = self.output / f"{name}.pkl"
        pickles.write_ada(path, self.code, network, protocol, augmented)
        self.converted(path, network)

    def write_state(self, name, network, dtype=None):
        save_tensors(self.output / f"{name}.safetensors", network.state_dict(), dtype)

    def converted(self, path, network):
        """G_ema as the public loader reads it; it must be the network that was written."""
        with open(path, "rb") as file:
            found = reference_code.read_stylegan2(self.code, file)
        check_same(found, network)
        return found


class ClampCounter:
    """Checks that every convolution and every ToRGB layer reaches its clamp."""

    def __init__(self, network, limit):
        self.hooks, self.reached, self.limit = [], {}, limit
        for name, module in network.named_modules():
            if type(module).__name__ in ("SynthesisLayer", "ToRGBLayer"):
                self.reached[name] = False
                self.hooks.append(module.register_forward_hook(self.note(name)))

    def note(self, name):
        def hook(_, __, output):
            self.reached[name] |= (output.abs() >= self.limit).any().item()
        return hook

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for hook in self.hooks:
            hook.remove()
        assert all(self.reached.values()), f"layers that never clamp: {self.reached}"


def check_same(found, network):
    theirs, ours = found.state_dict(), network.state_dict()
    assert theirs.keys() == ours.keys()
    for name, tensor in ours.items():
        assert torch.equal(theirs[name], tensor), name


def print_table(folder):
    files = sorted(path for path in folder.iterdir() if path.suffix in (".pth", ".pkl", ".safetensors"))
    for path in files:
        print(f"{path.name:<44}{path.stat().st_size:>12,}")
    print(f"{'total':<44}{sum(path.stat().st_size for path in files):>12,}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bigbigan", required=True, metavar="DIR", help="lukemelas/pytorch-pretrained-gans")
    parser.add_argument("--stylegan2", required=True, metavar="DIR", help="NVlabs/stylegan2-ada-pytorch")
    parser.add_argument("--output", type=pathlib.Path, default=HERE.parent / "HLGeneratorsTests/Fixtures",
                        metavar="DIR", help="folder of the fixtures (Tests/HLGeneratorsTests/Fixtures)")
    parser.add_argument("--full", type=pathlib.Path, metavar="DIR", help="write the full-width files there instead")
    arguments = parser.parse_args()
    output = arguments.full or arguments.output
    output.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    makers = BigBiGANFixtures(arguments.bigbigan, output), StyleGAN2Fixtures(arguments.stylegan2, output)
    for maker in makers:
        maker.write_full() if arguments.full else maker.write()
    print_table(output)


if __name__ == "__main__":
    main()
