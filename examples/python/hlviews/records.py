"""Records of a stream: objects in the safetensors format (https://github.com/huggingface/safetensors), eight bytes of
little-endian header length, a JSON header, and the tensors, row-major and little-endian without gaps.

They are read without copies, as views of the record. Every length is checked before it is used.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .errors import IncompatibleError, StreamError

DTYPES: dict[str, str] = {
    "BOOL": "?", "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "U32": "<u4", "I32": "<i4", "U64": "<u8",
    "I64": "<i8", "F16": "<f2", "F32": "<f4", "F64": "<f8", "C64": "<c8",
}  # fmt: skip
"""NumPy's types by safetensors' names."""

ML_DTYPES: dict[str, str] = {
    "BF16": "bfloat16", "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2", "F8_E8M0": "float8_e8m0fnu",
}  # fmt: skip
"""Those that NumPy has through the package ml_dtypes."""

MAXIMUM_HEADER = 100_000_000
MAXIMUM_RANK = 64


@dataclass(frozen=True)
class Entry:
    """Where a tensor lies, in bytes from the end of the header."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True)
class RecordHeader:
    """What the JSON header of a record says."""

    entries: tuple[Entry, ...]
    metadata: dict[str, str]
    size: int
    """Bytes from the start of the record to the first tensor."""


@dataclass(frozen=True)
class Record:
    """Tensors and metadata of one safetensors object."""

    tensors: dict[str, np.ndarray] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)


def dtype_of(name: str, tensor: str, record: str) -> np.dtype[Any]:
    """NumPy's type for safetensors' `name`. Raises IncompatibleError where there is none."""
    if name in DTYPES:
        return np.dtype(DTYPES[name])
    if name in ML_DTYPES:
        try:
            import ml_dtypes
        except ImportError:
            raise IncompatibleError(
                f"{tensor} of {record} has the type {name}, which NumPy lacks: install ml_dtypes"
            ) from None
        dtype: np.dtype[Any] = np.dtype(getattr(ml_dtypes, ML_DTYPES[name]))
        return dtype
    raise IncompatibleError(f"{tensor} of {record} has the type {name}, which this package does not know")


def name_of(dtype: np.dtype[Any]) -> str:
    """safetensors' name of a type of NumPy. Raises TypeError where there is none."""
    for name, code in DTYPES.items():
        if np.dtype(code) == dtype:
            return name
    for name, code in ML_DTYPES.items():
        if dtype.name == code:
            return name
    raise TypeError(f"safetensors has no type for arrays of {dtype}")


def header_size(data: bytes, total: int, name: str) -> int:
    """Bytes of length field and JSON header, from the first eight bytes of a record of `total` bytes."""
    if total < 8 or len(data) < 8:
        raise _damaged(name, "it is too short")
    length = int.from_bytes(data[:8], "little")
    if length > min(MAXIMUM_HEADER, total - 8):
        raise _damaged(name, f"its header would be {length} bytes long")
    return 8 + length


def parse_header(data: bytes, total: int, name: str) -> RecordHeader:
    """The header of a record of `total` bytes of which `data` is the beginning, the whole header included.

    Raises StreamError for anything that the format does not allow.
    """
    size = header_size(data, total, name)
    if size > len(data) or data[8:9] != b"{":
        raise _damaged(name, "its header is not JSON")
    try:
        members = json.loads(data[8:size])
    except (ValueError, RecursionError) as error:
        raise _damaged(name, f"its header is not JSON: {error}") from None
    metadata = members.pop("__metadata__", None) or {}
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise _damaged(name, "its metadata is not text")
    entries = tuple(_entry(key, value, name) for key, value in members.items())
    position = 0
    for entry in sorted(entries, key=lambda entry: (entry.begin, entry.end)):
        if entry.begin != position:
            raise _damaged(
                name, f"{entry.name} {'overlaps another tensor' if entry.begin < position else 'leaves a gap'}"
            )
        position = entry.end
    if position != total - size:
        raise _damaged(
            name,
            f"its tensors take {position} bytes and {total - size} are there; several records need a zstd frame each",
        )
    return RecordHeader(entries, metadata, size)


def _entry(tensor: str, value: Any, name: str) -> Entry:
    def is_natural(number: Any) -> bool:
        return type(number) is int and 0 <= number < 1 << 63

    fields = value if isinstance(value, dict) else {}
    dtype, shape, offsets = fields.get("dtype"), fields.get("shape"), fields.get("data_offsets")
    if not (isinstance(dtype, str) and isinstance(shape, list) and isinstance(offsets, list) and len(offsets) == 2):
        raise _damaged(name, f"the entry of {tensor} lacks its type, shape or place")
    if not all(map(is_natural, [*shape, *offsets])) or len(shape) > MAXIMUM_RANK:
        raise _damaged(name, f"the shape or place of {tensor} is impossible")
    itemsize = dtype_of(dtype, tensor, name).itemsize
    if math.prod(side for side in shape if side) * itemsize >= 1 << 63:
        raise _damaged(name, f"the shape of {tensor} is impossible")
    if offsets[1] - offsets[0] != math.prod(shape) * itemsize:
        raise _damaged(name, f"the place of {tensor} does not fit its shape")
    return Entry(tensor, dtype, tuple(shape), offsets[0], offsets[1])


def decode(content: np.ndarray, name: str) -> Record:
    """The record in uint8 [bytes], its tensors as views of it.

    Raises StreamError where it is damaged, IncompatibleError for types of tensors that NumPy lacks.
    """
    start = content[:8].tobytes()
    size = header_size(start, len(content), name)
    header = parse_header(content[:size].tobytes(), len(content), name)
    tensors = {}
    for entry in header.entries:
        raw = content[header.size + entry.begin : header.size + entry.end]
        tensor = raw.view(dtype_of(entry.dtype, entry.name, name)).reshape(entry.shape)
        tensors[entry.name] = tensor if tensor.flags.aligned else tensor.copy()
    return Record(tensors, header.metadata)


def encode(tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> tuple[list[bytes | memoryview], int]:
    """A record as the pieces that make it up, and its size in bytes.

    Tensors lie by descending size of their elements, then by name, so that each is aligned; the same tensors and
    metadata always give the same bytes. Raises TypeError for types that safetensors lacks.
    """
    arrays = {name: _little_endian(np.asarray(array)) for name, array in tensors.items()}
    order = sorted(arrays, key=lambda name: (-arrays[name].itemsize, name.encode()))
    members: dict[str, Any] = {}
    if metadata:
        members["__metadata__"] = dict(sorted(metadata.items()))
    position = 0
    for name in order:
        end = position + arrays[name].nbytes
        members[name] = {
            "dtype": name_of(arrays[name].dtype), "shape": list(arrays[name].shape), "data_offsets": [position, end],
        }  # fmt: skip
        position = end
    text = json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    pieces: list[bytes | memoryview] = [len(text).to_bytes(8, "little"), text]
    pieces += [arrays[name].reshape(-1).view(np.uint8).data for name in order if arrays[name].size]
    return pieces, 8 + len(text) + position


def _little_endian(array: np.ndarray) -> np.ndarray:
    """Row-major, and of the byte order of the format."""
    return np.asarray(array, array.dtype.newbyteorder("<"), order="C")


def _damaged(name: str, reason: str) -> StreamError:
    return StreamError(f"a record of {name} is not valid safetensors ({reason}): copy or make it again")
