"""Where the records of a stream in a file lie, and what they are."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from typing import Any

from . import records, seek_table
from .batch import Batch
from .errors import StreamError, TruncatedError
from .frames import MAGIC, MAXIMUM_BLOCK, FrameDecoder, FrameHeader, block, is_skippable, parse_frame
from .grammar import Grammar
from .header import Header

Place = tuple[int, int]
"""Offset and size of a frame in bytes."""


class RecordFile:
    """The records of a regular file by their places. Processes may share it after a fork."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Raises OSError where there is no such file."""
        self.name = os.fspath(path)
        self._file = open(self.name, "rb", buffering=0)
        self.size = os.fstat(self._file.fileno()).st_size
        self._decoder = FrameDecoder()

    def close(self) -> None:
        self._file.close()

    def index(self, believing: bool) -> Iterator[tuple[Place, str, Any]]:
        """Place, kind and what it says of every record: a Header, layout and count, or the metadata of an end.

        `believing`: whether, in a file with a seek table, records are taken for what one before them of the same size
        was, a batch. A header may have that size too, which the totals of the end records tell.
        """
        table = self._table()
        known: dict[int, Any] = {}
        for place, size in table if table is not None else ((place, None) for place in self._walk()):
            if size in known:
                yield place, "batch", known[size]
                continue
            kind, value = self._summary(place)
            if kind == "batch" and size is not None and believing:
                known[size] = value
            yield place, kind, value

    def _table(self) -> list[tuple[Place, int]] | None:
        """Places of the frames and sizes of their contents by the seek table, where it covers the file."""
        size = seek_table.size(self._read(self.size - seek_table.FOOTER_SIZE, seek_table.FOOTER_SIZE))
        if size is None or size > self.size:
            return None
        sizes = seek_table.decode(self._read(self.size - size, size))
        if sizes is None or sum(compressed for compressed, _ in sizes) != self.size - size:
            return None
        offsets = itertools.accumulate((compressed for compressed, _ in sizes), initial=0)
        return [((offset, compressed), content) for offset, (compressed, content) in zip(offsets, sizes, strict=False)]

    def _walk(self) -> Iterator[Place]:
        """Places of the frames, from block to block."""
        offset = 0
        while offset < self.size:
            start = self._read(offset, FrameHeader.LONGEST)
            magic = int.from_bytes(start[:4], "little")
            if len(start) >= 8 and is_skippable(magic):
                offset += 8 + int.from_bytes(start[4:8], "little")
            elif len(start) > 4 and magic == MAGIC:
                end = self._end(offset)
                yield offset, end - offset
                offset = end
            elif offset:
                raise StreamError(f"{self.name} is damaged (no record where one begins): copy or make it again")
            else:
                raise StreamError(f"{self.name} is not a stream: give it the output of an hl program")
            if offset > self.size:
                raise TruncatedError(f"{self.name} ends in the middle of a record: make it again")

    def _end(self, offset: int) -> int:
        """Where the frame at `offset` ends."""
        descriptor = self._read(offset + 4, 1)[0]
        position, is_last = offset + FrameHeader.size_of(descriptor), False
        while not is_last:
            head = self._read(position, 3)
            if len(head) < 3:
                raise TruncatedError(f"{self.name} ends in the middle of a record: make it again")
            is_last, size = block(head, self.name)
            position += 3 + size
        return position + (4 if descriptor & 4 else 0)

    # What they are

    def record(self, place: Place) -> records.Record:
        """The whole record of a frame, which is checked."""
        frame = parse_frame(self._read(*place), self.name)
        if frame is None:
            raise StreamError(f"{self.name} has other records than its seek table says: copy or make it again")
        return records.decode(self._decoder.content(frame, self.name), self.name)

    def _summary(self, place: Place) -> tuple[str, Any]:
        """Kind of a record and what it says. Of a batch only the beginning is read and decoded."""
        if (header := self._beginning(place)) is not None and header.metadata.get("hl.kind") == "batch":
            counts = {entry.shape[0] if entry.shape else None for entry in header.entries}
            if len(counts) != 1 or None in counts:
                raise StreamError(f"{self.name} has a batch whose tensors differ in their numbers of samples")
            layout = {
                entry.name: (records.dtype_of(entry.dtype, entry.name, self.name), entry.shape[1:])
                for entry in header.entries
            }
            return "batch", (layout, counts.pop())
        record = self.record(place)
        kind = record.metadata.get("hl.kind")
        if kind == "header":
            return "header", Header.parse(record, self.name)
        if kind == "end":
            return "end", record.metadata
        if kind == "batch":
            batch = Batch(record.tensors)
            return "batch", (batch.layout(), batch.count)
        raise Grammar(self.name).unknown(kind)

    def _beginning(self, place: Place) -> records.RecordHeader | None:
        """The JSON of a record by its first block; None where that is not enough, or the frame does not say its
        size."""
        offset, size = place
        data = self._read(offset, min(size, 2 * MAXIMUM_BLOCK))
        if len(data) < FrameHeader.LONGEST or int.from_bytes(data[:4], "little") != MAGIC:
            raise StreamError(f"{self.name} has no record where its seek table has one: copy or make it again")
        total = FrameHeader.parse(data).content_size
        if total is None or total < 8:
            return None
        start = self._decoder.beginning(data, min(total, 1 << 12), self.name)
        length = records.header_size(start, total, self.name)
        if length > len(start):
            start = self._decoder.beginning(data, min(length, MAXIMUM_BLOCK), self.name)
        return records.parse_header(start, total, self.name) if length <= len(start) else None

    def _read(self, offset: int, count: int) -> bytes:
        """`count` bytes, fewer at the end of the file, none before its beginning."""
        parts = []
        while offset >= 0 and count > 0 and (data := os.pread(self._file.fileno(), min(count, 1 << 30), offset)):
            parts.append(data)
            offset, count = offset + len(data), count - len(data)
        return b"".join(parts)
