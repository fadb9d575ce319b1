"""Samples of a stream, and how they are regrouped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from .errors import IncompatibleError, StreamError
from .header import Header

Row = tuple[np.dtype, tuple[int, ...]]
"""Type and shape of one sample in a tensor."""


class Batch(Mapping[str, np.ndarray]):
    """Tensors by name that share their first dimension, the samples. `len` is the number of tensors, as of a dict.

    Tensors are views of the record that they came in: copy what you keep if the rest shall be freed.
    """

    __slots__ = ("tensors", "count", "parts", "metadata")

    def __init__(
        self,
        tensors: Mapping[str, np.ndarray],
        parts: Iterable[tuple[Header, int]] = (),
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """`parts`: of which of the joined streams the samples are, one run after the other; empty where they come from
        no stream. Raises StreamError unless there is a tensor and all have the same first dimension.
        """
        self.tensors = dict(tensors)
        counts = {name: tensor.shape[0] if tensor.ndim else None for name, tensor in self.tensors.items()}
        if not counts or None in counts.values():
            raise StreamError("a batch without samples: every tensor of a batch has one row per sample")
        if len(set(counts.values())) > 1:
            raise StreamError(f"tensors of a batch differ in their numbers of samples: {counts}")
        self.count: int = next(iter(counts.values())) or 0
        """Samples B."""
        self.parts = tuple(part for part in parts if part[1])
        self.metadata = dict(metadata or {})
        """What the record says about itself beside its kind."""

    def __getitem__(self, name: str) -> np.ndarray:
        try:
            return self.tensors[name]
        except KeyError:
            raise KeyError(f"the stream has no {name}; it has {', '.join(sorted(self.tensors))}") from None

    def __contains__(self, name: object) -> bool:
        return name in self.tensors

    def __iter__(self) -> Iterator[str]:
        return iter(self.tensors)

    def __len__(self) -> int:
        return len(self.tensors)

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __repr__(self) -> str:
        tensors = ", ".join(f"{name} {tensor.dtype}{list(tensor.shape)}" for name, tensor in self.tensors.items())
        return f"<Batch of {self.count}: {tensors}>"

    @property
    def header(self) -> Header | None:
        """Of the stream that the first sample is of."""
        return self.parts[0][0] if self.parts else None

    def identities(self) -> list[tuple[str, int | str | None, int]]:
        """Source, seed and id of each sample: equal ones are the same sample, in whatever streams they lie."""
        ids = iter(self["id"].tolist())
        return [(header.source, header.seed, next(ids)) for header, count in self.parts for _ in range(count)]

    def replacing(self, tensors: Mapping[str, np.ndarray | None]) -> Batch:
        """The same samples with other tensors beside or instead of theirs; None takes a tensor away."""
        merged = {**self.tensors, **tensors}
        result = Batch({name: tensor for name, tensor in merged.items() if tensor is not None}, (), self.metadata)
        if result.count != self.count:
            raise StreamError(f"{result.count} samples in the place of {self.count}")
        result.parts = self.parts
        return result

    def rows(self, start: int, stop: int) -> Batch:
        """Samples `start` ... `stop` - 1; shares memory."""
        parts, position = [], 0
        for header, count in self.parts:
            overlap = min(stop, position + count) - max(start, position)
            if overlap > 0:
                parts.append((header, overlap))
            position += count
        return Batch({name: tensor[start:stop] for name, tensor in self.items()}, parts, self.metadata)

    def layout(self) -> dict[str, Row]:
        """Types and row shapes by name: what all batches of a stream share."""
        return {name: (tensor.dtype, tensor.shape[1:]) for name, tensor in self.items()}


def concatenate(batches: list[Batch]) -> Batch:
    """Batches with the same tensors, one below the other, with the metadata of the first.

    Raises IncompatibleError where the tensors differ.
    """
    first = batches[0]
    if len(batches) == 1:
        return first
    if any(batch.layout() != first.layout() for batch in batches):
        raise IncompatibleError("batches with different tensors: use streams from one pipeline")
    parts: list[tuple[Header, int]] = []
    for header, count in (part for batch in batches for part in batch.parts):
        if parts and parts[-1][0] is header:
            parts[-1] = (header, parts[-1][1] + count)
        else:
            parts.append((header, count))
    tensors = {name: np.concatenate([batch[name] for batch in batches]) for name in first}
    return Batch(tensors, parts, first.metadata)


def regroup(batches: Iterable[Batch], size: int, drop_last: bool = False) -> Iterator[Batch]:
    """The samples of `batches` in batches of `size`, fewer in the last one, which `drop_last` leaves out."""
    if size < 1:
        raise ValueError(f"batches of {size} samples: choose a size of at least 1")
    pending: list[Batch] = []
    missing = size
    for batch in batches:
        start = 0
        while batch.count - start >= missing:
            pending.append(batch.rows(start, start + missing))
            yield concatenate(pending)
            start, missing, pending = start + missing, size, []
        if start < batch.count:
            pending.append(batch.rows(start, batch.count))
            missing -= batch.count - start
    if pending and not drop_last:
        yield concatenate(pending)


def describe_difference(new: Mapping[str, Row], old: Mapping[str, Row]) -> str:
    """What the first layout has differently, in words."""
    for name in sorted({*new, *old}):
        if name not in old:
            return f"{name} is new"
        if name not in new:
            return f"{name} is missing"
        if new[name] != old[name]:
            return f"{name} is {new[name][0]} {list(new[name][1])}, not {old[name][0]} {list(old[name][1])}"
    return "no difference"
