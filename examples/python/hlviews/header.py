"""The header of a stream: where its samples come from, and what was done to them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .errors import IncompatibleError, StreamError
from .records import Record

VERSION = 1
"""The major version of the stream that is read and written."""

JSONObject = dict[str, Any]


@dataclass(frozen=True)
class Header:
    """What hl-stream(5) has in a header record. What this package does not know is carried along."""

    generator: JSONObject | None = None
    """All that rendering needs; None for real images."""
    data: JSONObject | None = None
    """Of real images: kind, place, classes."""
    latent: JSONObject | None = None
    """The distribution of the anchors."""
    history: tuple[JSONObject, ...] = ()
    """One entry per program that the stream has gone through, in order."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """All other metadata by their full names, such as hl.perturbation, in JSON."""
    tensors: Mapping[str, np.ndarray] = field(default_factory=dict)
    """None in version 1."""

    @classmethod
    def parse(cls, record: Record, name: str) -> Header:
        """Raises IncompatibleError for another major version, StreamError for anything malformed."""
        rest = dict(record.metadata)
        rest.pop("hl.kind", None)
        version = rest.pop("hl.version", "none")
        major = version.partition(".")[0]
        if not (major.isascii() and major.isdecimal() and len(major) < 10):
            raise StreamError(f"{name} has the stream version {version}: make it again with the hl programs")
        if int(major) != VERSION:
            raise IncompatibleError(f"{name} is a stream of version {version}, this package reads version {VERSION}")

        def take(key: str, kind: type) -> Any:
            if key not in rest:
                return None
            value = parse_json(rest.pop(key), f"{key} of {name}")
            if not isinstance(value, kind):
                raise StreamError(f"{key} of {name} is no {kind.__name__}: make the stream again")
            return value

        generator, data, latent = (take(f"hl.{key}", dict) for key in ("generator", "data", "latent"))
        history = take("hl.history", list) or []
        if not all(isinstance(entry, dict) for entry in history):
            raise StreamError(f"hl.history of {name} is not a list of objects: make the stream again")
        return cls(generator, data, latent, tuple(history), rest, record.tensors)

    def record(self) -> Record:
        """The header as a record."""
        metadata = {**self.metadata, "hl.kind": "header", "hl.version": str(VERSION)}
        for key in ("generator", "data", "latent"):
            if (value := getattr(self, key)) is not None:
                metadata[f"hl.{key}"] = write_json(value)
        metadata["hl.history"] = write_json(list(self.history))
        return Record(dict(self.tensors), metadata)

    def replace(self, **changes: Any) -> Header:
        """The header with other fields: `header.replace(data={"kind": "mine"}, generator=None)`."""
        return dataclasses.replace(self, **changes)

    def appending(self, entry: JSONObject) -> Header:
        """The header with one more program in its history."""
        return self.replace(history=(*self.history, entry))

    def json(self, key: str) -> Any:
        """What the metadata say under `key`, such as "hl.perturbation" or "hl.encoder"; None where they do not."""
        return None if key not in self.metadata else parse_json(self.metadata[key], key)

    @property
    def latent_shape(self) -> tuple[int, int] | None:
        """Chunks n and dimension m of a latent z; None where the header does not say them."""
        generator = self.generator or {}
        shape = generator.get("chunks"), generator.get("dimension")
        return shape if all(isinstance(size, int) for size in shape) else None  # type: ignore[return-value]

    @property
    def classes(self) -> list[str] | None:
        """Names of the labels y, where the header has them."""
        return (self.data or {}).get("classes")

    @property
    def source(self) -> str:
        """Where ids count, as JSON; two samples are the same where source, seed and id are.

        How latents are rendered and in what order images are read makes no other samples of them.
        """
        if self.data is not None:
            left_out = {"classes", "count", "size", "fingerprint"}
            members = {key: value for key, value in self.data.items() if key not in left_out}
        else:
            known = ("name", "sha256", "chunks", "dimension")
            members = {key: self.generator[key] for key in known if key in (self.generator or {})}  # type: ignore
        return json.dumps(members, sort_keys=True)

    @property
    def seed(self) -> int | str | None:
        """The seed of the anchors, or the file that they are from; None for real images, whose ids tell them apart."""
        if self.data is not None:
            return None
        latent = self.latent or {}
        first = self.history[0] if self.history else {}
        seed = latent.get("file", latent.get("seed", first.get("seed")))
        return int(seed) if isinstance(seed, str) and "file" not in latent and seed.isdecimal() else seed


def history_entry(tool: str, version: str, arguments: Sequence[str] = (), seed: int | None = None) -> JSONObject:
    """One program that touched a stream. `seed`: of what it drew, 0 ... 2^64-1."""
    entry: JSONObject = {"tool": tool, "version": version, "arguments": list(arguments)}
    if seed is not None:
        # Numbers that other readers of JSON may not hold are text.
        entry["seed"] = seed if seed < 1 << 63 else str(seed)
    return entry


def parse_json(text: str, name: str) -> Any:
    """Raises StreamError where `text` is not JSON."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no number")

    try:
        return json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise StreamError(f"{name} is not JSON ({error}): make it again") from None


def write_json(value: Any) -> str:
    """As the hl programs write it. Raises ValueError for NaN and infinities."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
