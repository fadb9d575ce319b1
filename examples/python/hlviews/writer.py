"""Writes a stream."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import BinaryIO, Union

import numpy as np

from . import records as safetensors
from . import seek_table
from .batch import Batch, Row, describe_difference
from .errors import IncompatibleError, StreamError
from .frames import MAXIMUM_CONTENT, FrameEncoder
from .header import Header, JSONObject, history_entry
from .records import Record
from .version import __version__

PIPE_LEVEL = -5
"""zstd's level into pipes: random latents do not compress, and level 1 costs six times the time for 8 %."""
FILE_LEVEL = 3
FILE_RECORD = 1 << 17
"""Bytes of records of images in files, so that they can be read in any order without much that is not wanted."""

Target = Union[str, "os.PathLike[str]", BinaryIO]
"""A path, "-" for standard output, or a binary file or pipe that is open for writing."""


class StreamWriter:
    """Writes a header, batches, and when all went well an end record.

        with StreamWriter("mine.hls", Header(data={"kind": "mine"})) as out:
            out.write({"id": ids, "x.0": images})  # int64 [B], uint8 [B, 3, H, W]

    The header gets one more entry in its history, which says what program wrote the stream. Nothing but a `with` block
    that ends without an exception, or `finish`, writes the end record: a stream of a program that failed is truncated,
    and all its readers notice. A file appears under its name when it is complete, and ends with a seek table.

    Samples of streams that were joined stay told apart: with the reader's own header as `header` each of the joined
    streams gets its header here too, with the entry.
    """

    _numbers = itertools.count()

    def __init__(
        self,
        target: Target,
        header: Header,
        *,
        tool: str | None = None,
        version: str = __version__,
        arguments: Sequence[str] | None = None,
        seed: int | None = None,
        level: int | None = None,
        rows: int | None = None,
    ) -> None:
        """Opens the target; the header is written with the first batch or at the end.

        `tool`, `version`, `arguments`, `seed`: what the history says of this program; by default the name and arguments
        of the script that runs. `level`: of zstd. `rows`: most samples of a record; by default as they are written, in
        files records of images of 128 KiB.

        Raises OSError where the target cannot be opened, StreamError for a terminal, ValueError for `rows` below 1.
        """
        if rows is not None and rows < 1:
            raise ValueError(f"a record holds no {rows} samples: give rows from 1")
        self.entry: JSONObject = history_entry(
            tool if tool is not None else os.path.basename(sys.argv[0]) or "python",
            version,
            [os.fsencode(each).decode("utf-8", "replace") for each in sys.argv[1:]] if arguments is None else arguments,
            seed,
        )
        self.samples = 0
        """Samples written so far."""
        self._header = header
        self._source: Header | None = None
        self._rows = rows
        self._layout: dict[str, Row] | None = None
        self._batches_inside = self._samples_inside = 0
        self._state = "empty"
        self._path: str | None = None
        self._temporary: str | None = None
        self._table: list[seek_table.Sizes] | None = None
        self._has_tried_images = False
        if isinstance(target, (str, os.PathLike)) and target != "-":
            self._path, self._table = os.fspath(target), []
            folder, number = os.path.dirname(self._path), next(self._numbers)
            self._temporary = os.path.join(folder, f".hl-{os.getpid()}-{number}.tmp")
            self._file: BinaryIO = open(self._temporary, "xb")
        else:
            self._file = sys.stdout.buffer if isinstance(target, (str, os.PathLike)) else target
            if getattr(self._file, "isatty", bool)():
                raise StreamError(
                    "a stream is not written to a terminal: redirect it, as in python3 ... | hl-view --info"
                )
        self._encoder = FrameEncoder(level if level is not None else PIPE_LEVEL if self._path is None else FILE_LEVEL)

    def write(self, batch: Mapping[str, np.ndarray]) -> None:
        """Writes samples: tensors by name, which share their first dimension, as hl-stream(5) has them.

        The record reaches the target before the call returns. Raises StreamError where the tensors have different
        numbers of samples, IncompatibleError where they are not those of the batches before, or are of another of
        several joined streams than the header is.
        """
        whole = batch if isinstance(batch, Batch) else Batch({name: np.asarray(array) for name, array in batch.items()})
        layout = whole.layout()
        if self._layout is not None and layout != self._layout:
            self._state = "failed"
            raise IncompatibleError(
                f"a batch with other tensors than before ({describe_difference(layout, self._layout)}): "
                "write the same in every batch"
            )
        self._layout = layout
        start = 0
        for header, count in whole.parts or [(None, whole.count)]:
            if header is not None:
                self._follow(header)
            self._begin()
            step = self._rows or self._records_of_files(whole) or max(count, 1)
            for first in range(start, start + count, step):
                self._write_batch(whole.rows(first, min(first + step, start + count)))
            start += count

    def join(self, header: Header) -> None:
        """Ends the stream and begins another one of the same tensors behind it."""
        if self._state == "open":
            self._write_end()
            self._state = "empty"
        self._header = header
        self._source = None

    def finish(self) -> None:
        """Writes the end record, and of a file the seek table, and gives the file its name."""
        self._begin()
        self._write_end()
        if self._table is not None:
            self._file.write(seek_table.encode(self._table))
        self._file.flush()
        self._state = "finished"
        if self._temporary is not None and self._path is not None:
            self._file.close()
            os.replace(self._temporary, self._path)

    def abandon(self) -> None:
        """Leaves the stream without an end record, and removes a file that is not complete."""
        if self._state != "finished" and self._temporary is not None:
            self._file.close()
            if os.path.exists(self._temporary):
                os.remove(self._temporary)
        if self._state != "finished":
            self._state = "failed"

    def __enter__(self) -> StreamWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and self._state != "finished":
                self.finish()
        finally:
            self.abandon()

    # Records

    def _follow(self, source: Header) -> None:
        """Samples of the stream `source` come next."""
        if self._source is None:
            self._source = source
        elif self._source is not source:
            if self._header is not self._source:
                self._state = "failed"
                raise IncompatibleError(
                    "samples of streams that were joined, under one header of your own: call join(header) before the "
                    "first batch of each (batch.header tells them apart), so that no seed and history is lost"
                )
            self.join(source)
            self._source = source

    def _begin(self) -> None:
        if self._state == "empty":
            self._batches_inside = self._samples_inside = 0
            self._write_record(self._header.appending(self.entry).record(), "open")
        elif self._state != "open":
            raise StreamError(f"the stream is {self._state}: nothing can be written to it any more")

    def _write_batch(self, batch: Batch) -> None:
        record = Record(batch.tensors, {**batch.metadata, "hl.kind": "batch"})
        content, compressed = self._write_record(record, "open")
        self._batches_inside += 1
        self._samples_inside += batch.count
        self.samples += batch.count
        if not self._has_tried_images and batch.count and _has_images(batch):
            # Photographs do not compress to speak of: those behind the first are stored as they are.
            self._has_tried_images = True
            if compressed > content * 4 // 5:
                self._encoder.store()

    def _write_end(self) -> None:
        totals = {"hl.batches": str(self._batches_inside), "hl.samples": str(self._samples_inside)}
        self._write_record(Record({}, {**totals, "hl.kind": "end"}), "open")

    def _write_record(self, record: Record, then: str) -> seek_table.Sizes:
        self._state = "failed"
        pieces, size = safetensors.encode(record.tensors, record.metadata)
        if size > MAXIMUM_CONTENT:
            raise StreamError(f"a record of {size} bytes is more than 2 GiB: write smaller batches")
        frame = self._encoder.frame(pieces, size)
        self._file.write(frame)
        if self._table is None:
            self._file.flush()
        else:
            self._table.append((len(frame), size))
        self._state = then
        return size, len(frame)

    def _records_of_files(self, batch: Batch) -> int | None:
        if self._table is None or not batch.count or not _has_images(batch):
            return None
        records = max(1, round(sum(tensor.nbytes for tensor in batch.values()) / FILE_RECORD))
        return -(-batch.count // records)


def _has_images(batch: Batch) -> bool:
    return any(name.startswith("x.") for name in batch)
