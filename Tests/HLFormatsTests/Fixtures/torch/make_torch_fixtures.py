"""Writes the fixtures of TorchFileTests: python make_torch_fixtures.py [directory]

Needs torch and numpy. Beside each NAME.pt or NAME.pkl stands NAME.txt with what the reader must find: per tensor a line
"name dtype d0,d1,…" (safetensors' names of dtypes) and a line of its values in row-major order.
"""

import collections
import os
import pickle
import sys
import types

import numpy
import torch

TYPES = {
    torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.float64: "F64", torch.int64: "I64",
    torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL",
}


def expect(name, tensors):
    with open(name + ".txt", "w") as file:
        for key, tensor in tensors.items():
            file.write(f"{key} {TYPES[tensor.dtype]} {','.join(map(str, tensor.shape))}\n")
            values = tensor.detach().to(torch.float64).contiguous().reshape(-1).tolist()
            file.write(" ".join(repr(value) for value in values) + "\n")


def save(name, value, tensors):
    torch.save(value, name + "_zip.pt")
    torch.save(value, name + "_legacy.pt", _use_new_zipfile_serialization=False)
    expect(name, tensors)


def numbers(*shape):
    return torch.randn(*shape, generator=generator)


# The legacy form copies the source code of every module into the file; a stand-in keeps the fixtures small.
torch.serialization.get_source_lines_and_file = lambda item, error=None: (["pass\n"], 1, "source.py")

generator = torch.Generator().manual_seed(1)
os.chdir(sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__)))

shared = numbers(24)
tensors = collections.OrderedDict(
    plain=numbers(2, 3),
    scalar=torch.tensor(7, dtype=torch.int64),
    empty=torch.zeros(0, 4),
    half=numbers(5).half(),
    bfloat=numbers(5).bfloat16(),
    double=numbers(3).double(),
    long=torch.tensor([-(2**40), 0, 2**40]),
    int=torch.tensor([-7, 7], dtype=torch.int32),
    short=torch.tensor([-7, 7], dtype=torch.int16),
    char=torch.tensor([-7, 7], dtype=torch.int8),
    byte=torch.tensor([0, 255], dtype=torch.uint8),
    bool=torch.tensor([True, False, True]),
    channels_last=numbers(2, 3, 2, 2).to(memory_format=torch.channels_last),
    transposed=numbers(3, 4).t(),
    expanded=numbers(2, 1).expand(2, 3),
    view_head=shared[:6].view(2, 3),
    view_tail=shared[6:].view(3, 6)[:, 1::2],
)
save("types", tensors, tensors)

# A whole module, in DataParallel, as some checkpoints hold it.
torch.manual_seed(2)
walker = types.ModuleType("walker_example")
sys.modules["walker_example"] = walker


class Walk(torch.nn.Module):
    def __init__(self):
        super().__init__()
        layers = [torch.nn.Linear(3, 3), torch.nn.BatchNorm1d(3), torch.nn.Linear(3, 2, bias=False)]
        self.walker = torch.nn.Sequential(*layers)
        self.register_buffer("kept", torch.arange(3.0))
        self.register_buffer("dropped", torch.arange(2.0), persistent=False)


Walk.__module__ = "walker_example"
walker.Walk = Walk
module = torch.nn.DataParallel(Walk())
save("module", {"nn_walker": module, "epoch": 3}, module.state_dict())

# The layout of StyleGAN2-ada's files: modules that carry their source, storages pickled on their own.
persistence = types.ModuleType("torch_utils.persistence")
dnnlib = types.ModuleType("dnnlib.util")
sys.modules.update({
    "torch_utils": types.ModuleType("torch_utils"), "torch_utils.persistence": persistence,
    "dnnlib": types.ModuleType("dnnlib"), "dnnlib.util": dnnlib,
})


def _reconstruct_persistent_obj(meta):
    raise NotImplementedError


_reconstruct_persistent_obj.__module__ = "torch_utils.persistence"
persistence._reconstruct_persistent_obj = _reconstruct_persistent_obj


class EasyDict(dict):
    pass


EasyDict.__module__ = "dnnlib.util"
dnnlib.EasyDict = EasyDict


class Generator(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.synthesis = torch.nn.Module()
        self.synthesis.weight = torch.nn.Parameter(numbers(2, 3, 2, 2).to(memory_format=torch.channels_last))
        self.register_buffer("w_avg", numbers(4).half())

    def __reduce__(self):
        meta = dict(type="class", version=6, module_src="raise SystemExit", class_name="Generator", state=self.__dict__)
        return (_reconstruct_persistent_obj, (meta,), None, None, None)


gan = Generator()
kwargs = EasyDict(resolution=64, scale=numpy.float64(0.5), path=None, deep={"a", "b"})
for protocol in (2, 3, 4, 5):
    with open(f"ada_{protocol}.pkl", "wb") as file:
        pickle.dump(dict(training_set_kwargs=kwargs, G=None, G_ema=gan), file, protocol)
expect("ada", gan.state_dict())

# The layout of the TensorFlow files: NumPy arrays in the state of an unknown class.
tflib = types.ModuleType("dnnlib.tflib.network")
sys.modules.update({"dnnlib.tflib": types.ModuleType("dnnlib.tflib"), "dnnlib.tflib.network": tflib})


class Network:
    pass


Network.__module__ = "dnnlib.tflib.network"
tflib.Network = Network
network = Network()
arrays = collections.OrderedDict(
    weight=numpy.arange(12, dtype=numpy.float32).reshape(2, 3, 2) / 8,
    fortran=numpy.asfortranarray(numpy.arange(6, dtype=numpy.float32).reshape(2, 3)),
    lod=numpy.array(1.5, dtype=numpy.float64),
)
network.__dict__.update(version=4, name="Gs", variables=list(arrays.items()), scalar=numpy.float32(0.25))
for protocol in (2, 4, 5):
    with open(f"tf_{protocol}.pkl", "wb") as file:
        pickle.dump((None, None, network), file, protocol)
expect("tf", {key: torch.tensor(array) for key, array in arrays.items()})
