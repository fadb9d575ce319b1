"""Writes StyleGAN2 networks in the layouts of the public pickles; for make_generators.py.

Two layouts: that of NVlabs/stylegan2-ada-pytorch, whose modules pickle themselves together with their source code
(here a stand-in takes the code's place), and that of the TensorFlow versions, three `dnnlib.tflib.network.Network`.
"""

import pickle
import struct
import sys
import types

import numpy as np
import torch

import reference_code


class OldNumpyPickler(pickle._Pickler):
    """Names NumPy's internals as versions before 2 did, and with them all public files."""

    def save_global(self, obj, name=None):
        if getattr(obj, "__module__", None) != "numpy._core.multiarray":
            return super().save_global(obj, name)
        module, name = "numpy.core.multiarray", obj.__name__
        if self.proto >= 4:
            self.save(module)
            self.save(name)
            self.write(pickle.STACK_GLOBAL)
        else:
            self.write(pickle.GLOBAL + f"{module}\n{name}\n".encode())
        self.memoize(obj)


class Python2Pickler(OldNumpyPickler):
    """Writes texts and bytes alike as Python 2's `str`."""

    dispatch = dict(pickle._Pickler.dispatch)

    def save_string(self, value):
        data = value if isinstance(value, bytes) else value.encode("ascii")
        if len(data) < 256:
            self.write(pickle.SHORT_BINSTRING + bytes([len(data)]) + data)
        else:
            self.write(pickle.BINSTRING + struct.pack("<i", len(data)) + data)
        self.memoize(value)

    dispatch[str] = dispatch[bytes] = save_string


def dump(value, path, protocol, pickler=OldNumpyPickler):
    with open(path, "wb") as file:
        pickler(file, protocol).dump(value)


# stylegan2-ada-pytorch

def small_others(code):
    """A generator and a discriminator to stand beside G_ema, as small as the code makes them."""
    size = dict(channel_base=32, channel_max=8)
    generator = code.networks.Generator(
        z_dim=8, c_dim=0, w_dim=8, img_resolution=4, img_channels=3, mapping_kwargs=dict(num_layers=1),
        synthesis_kwargs=size)
    discriminator = code.networks.Discriminator(c_dim=0, img_resolution=4, img_channels=3, **size)
    return [network.eval().requires_grad_(False) for network in (generator, discriminator)]


def write_ada(path, code, network, protocol=3, augmented=False):
    """A snapshot as the training loop saves it. Protocol 5 names NumPy's internals as NumPy 2 does."""
    for decorated in code.persistence._decorators:
        decorated._orig_module_src = reference_code.stand_in_source(decorated.__mro__[1].__module__)
    data_set = dict(class_name="training.dataset.ImageFolderDataset", path="/data/images.zip", xflip=False,
                    use_labels=network.c_dim > 0, max_size=8144, resolution=network.img_resolution)
    generator, discriminator = small_others(code)
    pipe = code.augment.AugmentPipe(xflip=1, scale=1, brightness=1) if augmented else None
    snapshot = dict(training_set_kwargs=data_set, G=generator, D=discriminator, G_ema=network,
                    augment_pipe=pipe and pipe.eval().requires_grad_(False))
    dump(snapshot, path, protocol, pickle._Pickler if protocol == 5 else OldNumpyPickler)


# TensorFlow

def array(tensor, fortran=False):
    values = tensor.detach().numpy() if isinstance(tensor, torch.Tensor) else tensor
    return np.asfortranarray(values) if fortran else np.ascontiguousarray(values)


def kernel(weight, flipped=False, fortran=False):
    """[O, I, H, W] to [H, W, I, O]; layers that enlarge hold their kernel turned by 180 degrees."""
    values = weight.detach().numpy().transpose(2, 3, 1, 0)
    return array(values[::-1, ::-1] if flipped else values, fortran)


def modulated(name, layer, flipped=False, fortran=False):
    """The variables of a modulated convolution or of a ToRGB layer."""
    yield f"{name}/weight", kernel(layer.weight, flipped, fortran)
    yield f"{name}/mod_weight", array(layer.affine.weight.T)
    yield f"{name}/mod_bias", array(layer.affine.bias - 1)
    if hasattr(layer, "noise_strength"):
        yield f"{name}/noise_strength", np.float32(layer.noise_strength.item())
    yield f"{name}/bias", array(layer.bias)


def synthesis_variables(synthesis):
    blocks = [(r, getattr(synthesis, f"b{r}")) for r in synthesis.block_resolutions]
    layers = [layer for _, block in blocks for layer in (getattr(block, "conv0", None), block.conv1) if layer]
    for index, layer in enumerate(layers):
        yield f"noise{index}", array(layer.noise_const[None, None])
    for resolution, block in blocks:
        scope = f"{resolution}x{resolution}"
        if resolution == 4:
            yield f"{scope}/Const/const", array(block.const[None])
            yield from modulated(f"{scope}/Conv", block.conv1)
        else:
            yield from modulated(f"{scope}/Conv0_up", block.conv0, flipped=True)
            yield from modulated(f"{scope}/Conv1", block.conv1, fortran=resolution == 8)
        yield from modulated(f"{scope}/ToRGB", block.torgb)


def mapping_variables(mapping):
    for index in range(mapping.num_layers):
        layer = getattr(mapping, f"fc{index}")
        # A transposed matrix is in Fortran order as it stands.
        yield f"Dense{index}/weight", array(layer.weight.T, fortran=index == 0)
        yield f"Dense{index}/bias", array(layer.bias)


def discriminator_variables(random, channels=8):
    """Those of a discriminator for 4 px."""
    shapes = {"4x4/Conv": (3, 3, channels + 1, channels), "4x4/Dense0": (16 * channels, channels),
              "Output": (channels, 1)}
    for name, shape in shapes.items():
        yield f"{name}/weight", random.standard_normal(shape, dtype=np.float32)
        yield f"{name}/bias", random.standard_normal(shape[-1], dtype=np.float32)


def network_class():
    """The class that the pickles name, in a module of that name."""
    module = types.ModuleType("dnnlib.tflib.network")
    module.Network = type("Network", (), {"__module__": module.__name__})
    sys.modules.setdefault("dnnlib.tflib", types.ModuleType("dnnlib.tflib"))
    return sys.modules.setdefault(module.__name__, module).Network


def tensorflow_network(name, function, settings, variables, **components):
    network = network_class()()
    network.__dict__.update(
        version=4, name=name, static_kwargs=dict(settings), components=components,
        build_module_src=reference_code.stand_in_source("training.networks_stylegan2").replace("…", "..."),
        build_func_name=function, variables=list(variables))
    return network


def tensorflow_generator(name, network, channels, channel_limit):
    common = dict(num_channels=3, resolution=network.img_resolution, label_size=0, fmap_base=channels,
                  fmap_max=channel_limit, latent_size=network.z_dim, dlatent_size=network.w_dim,
                  mapping_fmaps=network.w_dim, mapping_layers=network.mapping.num_layers)
    mapping = tensorflow_network("G_mapping", "G_mapping", common, mapping_variables(network.mapping))
    synthesis = tensorflow_network(
        "G_synthesis", "G_synthesis_stylegan2", common, synthesis_variables(network.synthesis))
    own = [("lod", np.float32(0)), ("dlatent_avg", array(network.mapping.w_avg))]
    return tensorflow_network(name, "G_main", common, own, synthesis=synthesis, mapping=mapping)


def write_tensorflow(path, code, network, channels, channel_limit, protocol=4, pickler=OldNumpyPickler):
    """The tuple (G, D, Gs). `channels` is fmap_base: half of what the PyTorch version calls channel_base."""
    settings = dict(num_channels=3, resolution=4, label_size=0, fmap_base=16, fmap_max=8)
    variables = discriminator_variables(np.random.default_rng(0))
    discriminator = tensorflow_network("D", "D_stylegan2", settings, variables)
    other = tensorflow_generator("G", small_others(code)[0], 16, 8)
    dump((other, discriminator, tensorflow_generator("Gs", network, channels, channel_limit)), path, protocol, pickler)
