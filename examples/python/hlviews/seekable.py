"""A stream in a regular file, read in any order: for shuffling, and for readers that take a part each."""

from __future__ import annotations

import bisect
import itertools
import operator
import os
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any, overload

import numpy as np

from .batch import Batch, Row
from .errors import StreamError
from .grammar import Grammar
from .header import Header
from .record_file import Place, RecordFile


class SeekableStream:
    """The samples of a file by their number: `stream[7]`, `stream[10:20]`, `stream.take([3, 1, 2])` are batches.

    Opening it reads the beginnings of the records and checks their order, their tensors and the totals of the end
    records; the checksum of a record is checked when it is decoded. In a file with a seek table, records of one size
    are taken to be alike until they are decoded, so that a file of a million images is opened by reading a few of them.
    Several processes may use it after a fork, and it can be pickled.
    """

    CACHED = 4
    """Records that are kept decoded."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Raises OSError where there is no such file, StreamError and its kinds where it is not a whole stream."""
        self.name = os.fspath(path)
        self._open()
        try:
            self._index(believing=True)
        except StreamError:
            self._index(believing=False)

    def _open(self) -> None:
        self._file = RecordFile(self.name)
        self._cache: OrderedDict[int, Batch] = OrderedDict()

    def _index(self, believing: bool) -> None:
        self._places: list[Place] = []
        self._counts: list[int] = []
        self._of_record: list[Header] = []
        grammar = Grammar(self.name)
        for place, kind, value in self._file.index(believing):
            if kind == "header":
                grammar.accept_header(value)
            elif kind == "end":
                grammar.accept_end(value)
            else:
                layout, count = value
                grammar.accept_batch(layout, count)
                if count:
                    self._places.append(place)
                    self._counts.append(count)
                    self._of_record.append(grammar.headers[-1])
        if not grammar.headers:
            raise StreamError(f"{self.name} is empty: make it again")
        grammar.finish()
        self.headers: list[Header] = grammar.headers
        """Those of all streams that are joined in the file."""
        self._layout = grammar.layout or {}
        self._starts = [0, *itertools.accumulate(self._counts)]
        self._size = self._file.size

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key not in ("_file", "_cache")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open()
        if self._size != self._file.size:
            raise StreamError(f"{self.name} has changed since it was opened: open it again")

    def close(self) -> None:
        self._file.close()

    @property
    def header(self) -> Header:
        """The first header."""
        return self.headers[0]

    @property
    def layout(self) -> dict[str, Row]:
        """Type and shape of a sample by the names of the tensors."""
        return dict(self._layout)

    @property
    def counts(self) -> list[int]:
        """Samples of each record."""
        return list(self._counts)

    def __len__(self) -> int:
        """Samples in the file."""
        return self._starts[-1]

    @overload
    def __getitem__(self, index: int) -> Batch: ...

    @overload
    def __getitem__(self, index: slice) -> Batch: ...

    def __getitem__(self, index: int | slice) -> Batch:
        """One sample or a slice, as a batch."""
        if isinstance(index, slice):
            return self.take(range(*index.indices(len(self))))
        position = operator.index(index)
        if not -len(self) <= position < len(self):
            raise IndexError(f"sample {position} of {self.name}, which has {len(self)}")
        return self.take([position % len(self)])

    def part(self, start: int, stop: int) -> Iterator[Batch]:
        """Samples `start` ... `stop` - 1 in their order, as they lie in records."""
        position = start
        while position < min(stop, len(self)):
            number = bisect.bisect_right(self._starts, position) - 1
            first, last = self._starts[number], min(stop, self._starts[number + 1])
            yield self.record(number).rows(position - first, last - first)
            position = last

    def take(self, indices: Sequence[int] | np.ndarray) -> Batch:
        """Samples by their numbers, 0 ... len - 1, in that order; a copy. Each record is decoded once."""
        wanted = np.asarray(indices, np.int64)
        if wanted.ndim != 1 or (wanted.size and not (0 <= wanted.min() and wanted.max() < len(self))):
            raise IndexError(f"samples of {self.name} are numbered 0 to {len(self) - 1}")
        numbers = np.searchsorted(self._starts, wanted, side="right") - 1
        tensors = {name: np.empty((len(wanted), *shape), dtype) for name, (dtype, shape) in self._layout.items()}
        for number in np.unique(numbers):
            record, rows = self.record(int(number)), np.flatnonzero(numbers == number)
            for name, tensor in tensors.items():
                tensor[rows] = record[name][wanted[rows] - self._starts[number]]
        runs = itertools.groupby((self._of_record[number] for number in numbers), key=id)
        groups = [list(group) for _, group in runs]
        return Batch(tensors, [(group[0], len(group)) for group in groups])

    def record(self, number: int) -> Batch:
        """The samples of one record. Raises StreamError where it is damaged or another than its size let expect."""
        if number in self._cache:
            self._cache.move_to_end(number)
            return self._cache[number]
        record = self._file.record(self._places[number])
        metadata = {key: value for key, value in record.metadata.items() if key != "hl.kind"}
        batch = Batch(record.tensors, [(self._of_record[number], self._counts[number])], metadata)
        if batch.count != self._counts[number] or batch.layout() != self._layout:
            raise StreamError(
                f"{self.name} has records of one size with different tensors: copy it through an hl program"
            )
        self._cache[number] = batch
        if len(self._cache) > self.CACHED:
            self._cache.popitem(last=False)
        return batch
