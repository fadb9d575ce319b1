"""Streams as data sets of PyTorch.

A pipe has one reader. A file is read by all workers of a DataLoader and all ranks of a training, a part each. A command
is started by each of them for a part of its own.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset, IterableDataset, get_worker_info

from .batch import Batch, regroup
from .reader import StreamReader
from .seekable import SeekableStream
from .sources import Command, Source, is_seekable_file

Tensors = dict[str, torch.Tensor]
Transform = Callable[[Tensors], Any]


def to_tensors(batch: Mapping[str, np.ndarray], names: Iterable[str] | None = None) -> Tensors:
    """Arrays as tensors that share their memory. `names`: those to take; by default all."""
    return {name: _to_tensor(batch[name]) for name in (batch if names is None else names)}


def _to_tensor(array: np.ndarray) -> torch.Tensor:
    if not array.flags.writeable:
        array = array.copy()
    if array.dtype.kind == "V" or array.dtype.name == "bfloat16":  # ml_dtypes
        words = array.view(np.uint16 if array.itemsize == 2 else np.uint8)
        return torch.from_numpy(words).view(getattr(torch, array.dtype.name))
    return torch.from_numpy(array)


class ViewStream(IterableDataset[Any]):
    """Samples of a stream in their order, as tensors by the names of hl-stream(5).

        views = ViewStream(Command("hl-sample --shard {shard} --threads 1 | hl-perturb --render"), batch_size=256)
        for batch in DataLoader(views, batch_size=None, num_workers=4):
            a, b = batch["x.0"], batch["x.1"]  # uint8 [256, 3, 64, 64]

    With a `batch_size` items are batches, regrouped from whatever records the stream comes in, for
    `DataLoader(..., batch_size=None)`; without one they are single samples for the DataLoader to collate.

    What several workers and ranks read depends on the source:

    - "-", open files, named pipes: one reader. More than one worker or rank is an error.
    - a path of a file: each takes a part of consecutive samples, equal but for one sample. To shuffle use ViewFile.
    - a Command with {shard}: each starts its own for the samples whose ids leave remainder K when divided by N.

    Together they read every sample once. Each worker makes batches of its own, so that each has a smaller one at its
    end, which `drop_last` leaves out. A command without -n never ends: stop the loop when you have trained enough.
    """

    def __init__(
        self,
        source: Source,
        batch_size: int | None = None,
        *,
        names: Sequence[str] | None = None,
        transform: Transform | None = None,
        drop_last: bool = False,
        shard: tuple[int, int] | None = None,
    ) -> None:
        """`names`: tensors to take; by default all. `transform`: made of each item, in the worker. `shard`: which part
        of how many this process reads with all its workers; by default its rank of torch.distributed, where that is in
        use.

        Raises FileNotFoundError for a path that does not exist, ValueError for sizes and shards that cannot be.
        """
        if batch_size is not None and batch_size < 1:
            raise ValueError(f"batches of {batch_size} samples: choose a size of at least 1")
        if shard is not None and not 0 <= shard[0] < shard[1]:
            raise ValueError(f"part {shard[0]} of {shard[1]}: parts count from 0")
        self.source = source
        self.batch_size = batch_size
        self.names = None if names is None else list(names)
        self.transform = transform
        self.drop_last = drop_last
        self.shard = shard
        self._is_file = is_seekable_file(source)
        self._is_spent = False
        # Processes of multiprocessing find /dev/null as their standard input.
        self._stdin = os.dup(sys.stdin.fileno()) if source == "-" else None

    def __iter__(self) -> Iterator[Any]:
        """Raises RuntimeError where the source cannot be shared, or is a pipe that has been read; what StreamReader
        raises where the stream is not whole."""
        batches = self._batches()
        if self.batch_size is not None:
            batches = regroup(batches, self.batch_size, self.drop_last)
        for batch in batches:
            tensors = to_tensors(batch, self.names)
            items = [tensors] if self.batch_size is not None else _rows(tensors, batch.count)
            yield from map(self.transform, items) if self.transform is not None else items

    def _batches(self) -> Iterator[Batch]:
        index, count = self._part()
        if self._is_file and count > 1:
            file = SeekableStream(self.source)  # type: ignore[arg-type]
            yield from file.part(len(file) * index // count, len(file) * (index + 1) // count)
            return
        source = self.source
        if isinstance(source, Command):
            if count > 1 and not source.is_shardable:
                raise RuntimeError(
                    f"{count} readers would each get all samples of '{source.text}': put --shard "
                    f"{Command.PLACEHOLDER} behind its hl-sample, or use num_workers=0"
                )
            source = source.shard(index, count)
        elif not self._is_file:
            if count > 1:
                raise RuntimeError(
                    f"a pipe has one reader, not {count}: use num_workers=0 or 1, a file, or a Command with "
                    f"--shard {Command.PLACEHOLDER}"
                )
            if self._is_spent:
                raise RuntimeError("a pipe can be read once: store it in a file, or use a Command")
            self._is_spent = True
            if self._stdin is not None and get_worker_info() is not None:
                source = os.fdopen(self._stdin, "rb", buffering=1 << 20, closefd=False)
        with StreamReader(source) as stream:
            yield from stream

    def _part(self) -> tuple[int, int]:
        """Which part of how many this worker of this process reads."""
        rank, ranks = self.shard or (0, 1)
        if self.shard is None and torch.distributed.is_available() and torch.distributed.is_initialized():
            rank, ranks = torch.distributed.get_rank(), torch.distributed.get_world_size()
        worker = get_worker_info()
        workers, number = (1, 0) if worker is None else (worker.num_workers, worker.id)
        return rank * workers + number, ranks * workers

    def __getstate__(self) -> dict[str, Any]:
        if not self._is_file and not isinstance(self.source, (Command, str, os.PathLike)) or self._stdin is not None:
            raise TypeError(
                "a pipe that is open cannot be handed to a process that does not inherit it: use num_workers=0, or "
                "multiprocessing_context='fork'"
            )
        return self.__dict__


class ViewFile(Dataset[Any]):
    """Samples of a file by their number, for shuffling and samplers.

        views = ViewFile("views.hls")
        loader = DataLoader(views, batch_size=256, shuffle=True, num_workers=4)

    An item is one sample, or with a list of numbers a batch, as by `DataLoader(views,
    sampler=BatchSampler(RandomSampler(views), 256, drop_last=True), batch_size=None)`, which saves a copy. Each record
    that has a wanted sample is decoded, once a batch: small records, as programs and StreamWriter write images into
    files, make that cheap.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        names: Sequence[str] | None = None,
        transform: Transform | None = None,
    ) -> None:
        """`names`: tensors to take; by default all. `transform`: made of each item, in the worker.

        Raises what SeekableStream raises.
        """
        self.stream = SeekableStream(path)
        self.names = None if names is None else list(names)
        self.transform = transform

    def __len__(self) -> int:
        return len(self.stream)

    def __getitem__(self, index: int | Sequence[int]) -> Any:
        if isinstance(index, (list, tuple, np.ndarray)):
            item = to_tensors(self.stream.take(index), self.names)
            return item if self.transform is None else self.transform(item)
        return self.__getitems__([int(index)])[0]  # type: ignore[arg-type]

    def __getitems__(self, indices: list[int]) -> list[Any]:
        """Several samples, each on its own: what a DataLoader with a batch_size asks for."""
        items = _rows(to_tensors(self.stream.take(indices), self.names), len(indices))
        return items if self.transform is None else [self.transform(item) for item in items]


def _rows(tensors: Tensors, count: int) -> list[Tensors]:
    return [{name: tensor[row] for name, tensor in tensors.items()} for row in range(count)]
