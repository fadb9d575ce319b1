"""Imports the public generators from checkouts of their repositories; shared by the peers here and the tests' fixtures.

    BigBiGAN    https://github.com/lukemelas/pytorch-pretrained-gans
    StyleGAN2   https://github.com/NVlabs/stylegan2-ada-pytorch

Nothing is downloaded and nothing of that code is changed: on a CPU both take their plain PyTorch paths. The functions
need only torch; StyleGAN2's code also imports numpy, and scipy for its augmentations.
"""

import importlib
import json
import math
import pathlib
import sys
import types
import unittest.mock

import torch

# What StyleGAN2's code imports and only its command line, its downloads and its augmentations use.
UNUSED_IMPORTS = ("click", "requests", "distutils.util", "scipy.signal")

LAYOUTS = {"nchw": torch.contiguous_format, "channels-last": torch.channels_last}


def _stand_in_for_missing(names):
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError:
            parent = name.partition(".")[0]
            sys.modules.setdefault(parent, unittest.mock.MagicMock())
            sys.modules[name] = unittest.mock.MagicMock()


def _search(folder, *inside):
    """Puts the first of the folders that has what lies `inside` it on the module path."""
    folder = pathlib.Path(folder).resolve()
    for place in (folder, folder / "pytorch_pretrained_gans"):
        if all((place / part).exists() for part in inside):
            sys.path.insert(0, str(place))
            return
    sys.exit(f"{sys.argv[0]}: error: {folder} has no {inside[0]}: give a checkout of the public repository")


def import_bigbigan(folder):
    """The package with `make_biggan_config` and `GeneratorWrapper`; its networks are `package.BigGAN`."""
    _search(folder, "BigBiGAN/model/BigGAN.py")
    return importlib.import_module("BigBiGAN")


def import_stylegan2(folder):
    """The modules of the repository that fixtures and peers need: networks, legacy and so on."""
    _search(folder, "training/networks.py", "torch_utils", "dnnlib", "legacy.py")
    _stand_in_for_missing(UNUSED_IMPORTS)
    names = {"networks": "training.networks", "legacy": "legacy", "persistence": "torch_utils.persistence",
             "augment": "training.augment", "dnnlib": "dnnlib"}
    return types.SimpleNamespace(**{key: importlib.import_module(name) for key, name in names.items()})


def load_bigbigan(folder, weights, layout=torch.contiguous_format):
    """The public generator of class 0 with the weights of a state dict; narrower copies of BigBiGAN_x1 load too.

    `layout` is that of the activations, which convolutions carry from the first on. The weights cannot take another
    one: the spectral norm views them as matrices."""
    package = import_bigbigan(folder)
    state = read_state(weights)
    config = package.make_biggan_config(128)
    classes, shared = state["shared.weight"].shape
    config.update(G_ch=state["linear.weight"].shape[0] // 256, n_classes=classes, shared_dim=shared)
    network = package.BigGAN.Generator(**config)
    network.load_state_dict(state)
    network.blocks[0][0].register_forward_pre_hook(
        lambda _, given: (given[0].contiguous(memory_format=layout), *given[1:]))
    return package.GeneratorWrapper(network).eval().requires_grad_(False)


def fold_spectral_norm(network, layout=torch.contiguous_format):
    """Divides every weight of the public BigBiGAN by its singular value once, which gives the same images. Weights are no
    longer viewed as matrices, and may lie as `layout` says."""
    for module in network.modules():
        if hasattr(module, "W_"):
            weight = module.W_().detach()
            weight = weight.contiguous(memory_format=layout) if weight.dim() == 4 else weight.contiguous()
            module.W_ = lambda weight=weight: weight


def load_stylegan2(folder, weights):
    """G_ema of a pickle of StyleGAN2-ada or of the TensorFlow version, or a generator by the names of its tensors
    (.safetensors). Runs code of the pickle: trust the file."""
    code = import_stylegan2(folder)
    if str(weights).endswith(".safetensors"):
        network = make_stylegan2(code, read_state(weights))
    else:
        with open(weights, "rb") as file:
            network = read_stylegan2(code, file)
    return network.eval().requires_grad_(False)


def make_stylegan2(code, state):
    """The public generator, its sizes taken from the shapes of its tensors."""
    sides = sorted(int(name.split(".")[1][1:]) for name in state if name.endswith(".torgb.weight"))
    channels = [state[f"synthesis.b{side}.torgb.weight"].shape[1] for side in sides]
    mapping = [name for name in state if name.startswith("mapping.fc") and name.endswith(".weight")]
    network = code.networks.Generator(
        z_dim=state["mapping.fc0.weight"].shape[1], c_dim=0, w_dim=state["mapping.w_avg"].shape[0],
        img_resolution=sides[-1], img_channels=3, mapping_kwargs=code.dnnlib.EasyDict(num_layers=len(mapping)),
        synthesis_kwargs=code.dnnlib.EasyDict(channel_base=channels[-1] * sides[-1], channel_max=max(channels)))
    network.load_state_dict(state)
    return network


def read_state(path):
    """Tensors by name of a file of torch.save or of safetensors."""
    if not str(path).endswith(".safetensors"):
        return torch.load(path, map_location="cpu", weights_only=True)
    content = pathlib.Path(path).read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    state, data = {}, torch.frombuffer(bytearray(content[end:]), dtype=torch.float32)
    for name, about in json.loads(content[8:end]).items():
        if name != "__metadata__":
            assert about["dtype"] == "F32", f"{name} of {path} is {about['dtype']}"
            first = about["data_offsets"][0] // 4
            state[name] = data[first:first + math.prod(about["shape"])].reshape(about["shape"]).clone()
    return state


def read_stylegan2(code, file):
    """G_ema by the public loader. Our own files carry a stand-in for the source code that the public ones repeat: there
    the classes of the checkout take its place."""
    for module in (code.networks, code.augment):
        code.persistence._src_to_module_dict.setdefault(stand_in_source(module.__name__), module)
    return code.legacy.load_network_pkl(file)["G_ema"]


def stand_in_source(module):
    """What our files carry where the public ones repeat the source code of `module`: as long as to need four bytes of
    length, not ASCII throughout, and an error for whoever executes it."""
    return f"raise SystemExit  # stands for the source code of {module} …\n" * 6
