"""Streams and encoders of the hl programs in Python.

    StreamReader, SeekableStream   read a stream in its order, or a file in any order
    StreamWriter, Header           write one
    arrays, latents, metadata      whole streams as arrays, and what files say of themselves
    ViewStream, ViewFile           data sets of PyTorch
    load_encoder, save_encoder     encoders of hl-train in PyTorch, and back

hl-stream(5) describes the format. Nothing is imported before it is used: streams need numpy and zstandard, data sets
torch, encoders torch, torchvision and safetensors.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .version import __version__

if TYPE_CHECKING:
    from .backbone import Backbone as Backbone
    from .batch import Batch
    from .contents import arrays, chunk_numbers, latents, metadata
    from .encoder import load_encoder as load_encoder
    from .encoder import save_encoder as save_encoder
    from .errors import IncompatibleError, StreamError, TruncatedError
    from .header import Header, history_entry
    from .reader import StreamReader
    from .seekable import SeekableStream
    from .sources import Command
    from .torch import ViewFile as ViewFile
    from .torch import ViewStream as ViewStream
    from .torch import to_tensors as to_tensors
    from .transform import Transform as Transform
    from .writer import StreamWriter

_MODULES = {
    "backbone": ("Backbone",),
    "batch": ("Batch",),
    "contents": ("arrays", "chunk_numbers", "latents", "metadata"),
    "encoder": ("load_encoder", "save_encoder"),
    "errors": ("IncompatibleError", "StreamError", "TruncatedError"),
    "header": ("Header", "history_entry"),
    "reader": ("StreamReader",),
    "seekable": ("SeekableStream",),
    "sources": ("Command",),
    "torch": ("ViewFile", "ViewStream", "to_tensors"),
    "transform": ("Transform",),
    "writer": ("StreamWriter",),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

# What needs no more than numpy and zstandard; the rest is imported by name.
__all__ = [
    "Batch", "Command", "Header", "IncompatibleError", "SeekableStream", "StreamError", "StreamReader", "StreamWriter",
    "TruncatedError", "__version__", "arrays", "chunk_numbers", "history_entry", "latents", "metadata",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    value = getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
