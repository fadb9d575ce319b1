"""Whole streams as arrays, and what files say of themselves."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .errors import StreamError
from .header import parse_json
from .reader import StreamReader
from .records import MAXIMUM_HEADER, parse_header
from .sources import Source


def arrays(source: Source, names: Iterable[str] | None = None, limit: int | None = None) -> dict[str, np.ndarray]:
    """Tensors of a stream by name, each [B, ...] of all its samples, or of the first `limit`.

    `names`: those to keep; by default all. A stream is read to its end unless there is a limit. Raises KeyError for
    tensors that it lacks, StreamError and its kinds where it is damaged or truncated.
    """
    wanted = None if names is None else list(names)
    parts: dict[str, list[np.ndarray]] = {}
    missing = limit
    with StreamReader(source) as stream:
        for batch in stream if limit != 0 else ():
            rows = batch if missing is None else batch.rows(0, min(missing, batch.count))
            for name in wanted if wanted is not None else batch:
                # Copies, so that the rest of the record is freed.
                parts.setdefault(name, []).append(rows[name].copy() if wanted is not None else rows[name])
            if missing is not None and (missing := missing - rows.count) == 0:
                break
    return {name: np.concatenate(tensors) for name, tensors in parts.items()}


def latents(
    source: Source,
    view: int = 0,
    space: str | None = None,
    chunks: str | Sequence[int] | None = None,
    limit: int | None = None,
) -> np.ndarray:
    """Latents of a stream: float32 [B, n, m], n chunks of m dimensions.

    `view`: 0 for anchors, 1, 2, ... for positives. `space`: "z" or "w"; by default mapped latents where there are some,
    as everywhere. `chunks`: those to take, such as "1-5" or [0, 2]; n is their number then. `limit`: samples to read.
    """
    with StreamReader(source) as stream:
        parts: list[np.ndarray] = []
        missing = limit
        for batch in stream:
            name = f"{space or ('w' if f'w.{view}' in batch else 'z')}.{view}"
            tensor = batch[name] if missing is None else batch[name][:missing]
            if tensor.ndim != 3:
                raise StreamError(f"{name} of {stream.name} has the shape {list(tensor.shape)}, not [B, n, m]")
            parts.append(tensor[:, chunk_numbers(chunks, tensor.shape[1])] if chunks is not None else tensor.copy())
            if missing is not None and (missing := missing - len(tensor)) <= 0:
                break
        if not parts:
            raise StreamError(f"{stream.name} has no samples")
    return np.concatenate(parts)


def chunk_numbers(chunks: str | Sequence[int], count: int) -> list[int]:
    """Chunks as numbers: "0,2-4" is [0, 2, 3, 4]. Raises ValueError for what is none of the `count` chunks."""
    numbers: list[int] = []
    for part in chunks.split(",") if isinstance(chunks, str) else chunks:
        try:
            bounds = [int(bound) for bound in part.split("-")] if isinstance(part, str) else [int(part)]
        except ValueError:
            bounds = []
        if not 1 <= len(bounds) <= 2 or not all(0 <= bound < count for bound in bounds) or bounds[0] > bounds[-1]:
            raise ValueError(f"chunks {chunks!r} of a latent with {count}: write numbers and ranges, such as 0,2-4")
        numbers += range(bounds[0], bounds[-1] + 1)
    return numbers


def metadata(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What a file says of itself: a stream, an encoder, a walker, a discriminator. JSON is parsed, "hl." left out.

        metadata("encoder.safetensors")["encoder"]["width"]
        metadata("views.hls")["generator"]["name"]

    Raises OSError where there is no such file, StreamError where it is of another form.
    """
    with open(path, "rb") as file:
        start = file.read(9)
        if start[8:] == b"{":
            rest = file.read(min(int.from_bytes(start[:8], "little"), MAXIMUM_HEADER) - 1)
            texts = parse_header(start + rest, os.fstat(file.fileno()).st_size, os.fspath(path)).metadata
        else:
            with StreamReader(path) as stream:
                texts = stream.header.record().metadata
    return {key.removeprefix("hl."): _parsed(value, key) for key, value in texts.items()}


def _parsed(text: str, key: str) -> Any:
    return parse_json(text, key) if text[:1] in ("{", "[") else text
