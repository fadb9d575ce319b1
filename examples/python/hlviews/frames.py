"""Zstandard frames (RFC 8878), of which a stream is made: each holds one record and has a checksum of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import zstandard

from .errors import StreamError, TruncatedError

MAGIC = 0xFD2FB528
MAXIMUM_CONTENT = 1 << 31
"""Bytes of the largest record that the programs take."""
MAXIMUM_BLOCK = 1 << 17
"""Bytes that a block may hold, compressed or not (RFC 8878, section 3.1.1.2.4)."""
STORED_LEVEL = -(1 << 17)
"""zstd's lowest level, at which compressing is hardly more than copying."""


class Readable(Protocol):
    """What frames are read from: a file, a pipe, a socket."""

    def read(self, size: int, /) -> bytes | None: ...


@dataclass(frozen=True)
class FrameHeader:
    """The header of a frame (section 3.1.1.1)."""

    size: int
    """In bytes, the magic number included."""
    content_size: int | None
    """Of the decompressed content in bytes, where the frame tells."""
    has_checksum: bool
    has_dictionary: bool

    LONGEST = 18

    @staticmethod
    def size_of(descriptor: int) -> int:
        """Bytes of the header whose fifth byte is `descriptor`."""
        single = descriptor >> 5 & 1
        return 5 + (1 - single) + (0, 1, 2, 4)[descriptor & 3] + (single, 2, 4, 8)[descriptor >> 6]

    @classmethod
    def parse(cls, data: bytes) -> FrameHeader:
        """`data` begins with a whole header."""
        descriptor, size = data[4], cls.size_of(data[4])
        width = (descriptor >> 5 & 1, 2, 4, 8)[descriptor >> 6]
        content = int.from_bytes(data[size - width : size], "little") if width else None
        if content is not None and width == 2:
            content += 256
        return cls(size, content, bool(descriptor & 4), bool(descriptor & 3))


@dataclass(frozen=True)
class Frame:
    """A frame as it lies in the stream."""

    data: bytes
    header: FrameHeader
    blocks: int


def is_skippable(magic: int) -> bool:
    return magic & 0xFFFFFFF0 == 0x184D2A50


def block(header: bytes, name: str) -> tuple[bool, int]:
    """Whether a block with these three bytes at its beginning is the last one, and how many bytes follow them."""
    value = int.from_bytes(header, "little")
    kind, size = value >> 1 & 3, value >> 3
    if kind == 3 or size > MAXIMUM_BLOCK:
        raise StreamError(f"{name} is damaged (an impossible block in a record): copy or make it again")
    return bool(value & 1), 1 if kind == 1 else size


def parse_frame(data: bytes, name: str) -> Frame | None:
    """The frame that `data` are; None unless it ends where they end. Raises StreamError for impossible blocks."""
    if len(data) < 5 or int.from_bytes(data[:4], "little") != MAGIC:
        return None
    position, blocks, is_last = FrameHeader.size_of(data[4]), 0, False
    while not is_last:
        if position + 3 > len(data):
            return None
        is_last, size = block(data[position : position + 3], name)
        position, blocks = position + 3 + size, blocks + 1
    header = FrameHeader.parse(data)
    end = position + (4 if header.has_checksum else 0)
    return Frame(data, header, blocks) if end == len(data) else None


class FrameReader:
    """Reads frame after frame, and leaves skippable ones out.

    A frame is returned as soon as its last byte has arrived: never is more asked for than belongs to it, so that the
    reader of a pipe does not wait for what the writer has not written yet.
    """

    def __init__(self, file: Readable, name: str) -> None:
        self._file = file
        self._name = name
        self._is_first = True

    def next(self) -> Frame | None:
        """The next frame; None at the end of the input.

        Raises StreamError for bytes that are no frame, TruncatedError where the input ends within one.
        """
        while True:
            start = self._up_to(4)
            if not start:
                return None
            magic = int.from_bytes(start, "little")
            if len(start) == 4 and magic == MAGIC:
                self._is_first = False
                return self._frame(start)
            if len(start) == 4 and is_skippable(magic):
                self._skip(int.from_bytes(self._exactly(4), "little"))
            elif self._is_first and not MAGIC.to_bytes(4, "little").startswith(start):
                raise StreamError(
                    f"{self._name} is not a stream (it starts with {start.hex(' ')}): "
                    "give it the output of hl-sample or another hl program"
                )
            elif len(start) < 4:
                raise self._truncated()
            else:
                raise StreamError(f"{self._name} is damaged (no record where one begins): copy or make it again")
            self._is_first = False

    def _frame(self, magic: bytes) -> Frame:
        start = magic + self._exactly(1)
        start += self._exactly(FrameHeader.size_of(start[4]) - 5)
        header = FrameHeader.parse(start)
        parts, is_last, taken = [start], False, 0
        # No encoder makes blocks much larger than what they stand for: memory is bounded by what the frame claims.
        content = MAXIMUM_CONTENT if header.content_size is None else header.content_size
        most = 2 * min(content, MAXIMUM_CONTENT) + MAXIMUM_BLOCK
        while not is_last:
            head = self._exactly(3)
            is_last, size = block(head, self._name)
            taken += size
            if taken > most:
                raise StreamError(f"{self._name} is damaged (a record is longer than it says): copy or make it again")
            parts += (head, self._exactly(size))
        blocks = len(parts) // 2
        if header.has_checksum:
            parts.append(self._exactly(4))
        return Frame(b"".join(parts), header, blocks)

    def _skip(self, count: int) -> None:
        while count:
            count -= len(self._exactly(min(count, 1 << 20)))

    def _exactly(self, count: int) -> bytes:
        data = self._up_to(count)
        if len(data) < count:
            raise self._truncated()
        return data

    def _up_to(self, count: int) -> bytes:
        """`count` bytes, fewer only at the end of the input; unbuffered files return less than they are asked for."""
        data = self._file.read(count) if count else b""
        if data is None:
            raise StreamError(f"{self._name} is in non-blocking mode: make it wait for data")
        while len(data) < count:
            more = self._file.read(count - len(data))
            if not more:
                break
            data += more
        return data

    def _truncated(self) -> TruncatedError:
        return TruncatedError(
            f"{self._name} ends in the middle of a record: the program that wrote it failed or was stopped, "
            "run it again"
        )


class FrameDecoder:
    """Decompresses frames, one thread at a time."""

    def __init__(self) -> None:
        self._context = zstandard.ZstdDecompressor(max_window_size=MAXIMUM_CONTENT)

    def content(self, frame: Frame, name: str) -> np.ndarray:
        """What a frame holds: uint8 [bytes], writable.

        Memory is taken for no more than its blocks can hold, whatever the frame claims. Raises StreamError for frames
        that are damaged, that have no checksum, that need a dictionary, or that hold more than 2 GiB.
        """
        header = frame.header
        if not header.has_checksum:
            raise StreamError(
                f"{name} has a record without a checksum: switch checksums on where it is written, as by "
                "write_checksum=True of Python's zstandard"
            )
        if header.has_dictionary:
            raise StreamError(f"{name} has a record that was compressed with a dictionary: compress it without")
        room = frame.blocks * MAXIMUM_BLOCK
        size = room if header.content_size is None else header.content_size
        if (header.content_size or 0) > MAXIMUM_CONTENT:
            raise StreamError(f"{name} has a record of more than 2 GiB: write it again with smaller batches")
        if size > room:
            raise self._damaged(name, "a record claims more than its blocks can hold")
        # One byte more than a frame of unknown size may have tells that it has too much.
        buffer = np.empty(min(size, MAXIMUM_CONTENT + 1), np.uint8)
        filled = self._fill(buffer, frame.data, name, whole=True)
        if filled > MAXIMUM_CONTENT:
            raise StreamError(f"{name} has a record of more than 2 GiB: write it again with smaller batches")
        if header.content_size is not None and filled < size:
            raise self._damaged(name, "a record shorter than it says")
        return buffer[:filled]

    def beginning(self, data: bytes, count: int, name: str) -> bytes:
        """The first `count` bytes of a frame's content, or all of it, from the frame or as much of it as they need."""
        buffer = np.empty(count, np.uint8)
        return buffer[: self._fill(buffer, data, name, whole=False)].tobytes()

    def _fill(self, buffer: np.ndarray, data: bytes, name: str, whole: bool) -> int:
        filled, view = 0, buffer.data
        try:
            with self._context.stream_reader(data) as reader:
                while filled < len(buffer) and (count := reader.readinto(view[filled:])):
                    filled += count
                # The checksum is compared when the decoder is asked for what comes behind the last byte.
                if whole and reader.read(1):
                    raise self._damaged(name, "a record longer than it says")
        except zstandard.ZstdError as error:
            raise self._damaged(name, str(error)) from None
        return filled

    @staticmethod
    def _damaged(name: str, reason: str) -> StreamError:
        return StreamError(f"{name} is damaged ({reason}): copy or make it again")


class FrameEncoder:
    """Compresses records to frames with content size and checksum."""

    def __init__(self, level: int) -> None:
        self._context = self._make(level)

    @staticmethod
    def _make(level: int) -> zstandard.ZstdCompressor:
        return zstandard.ZstdCompressor(level=level, write_checksum=True, write_content_size=True)

    def store(self) -> None:
        """From the next frame on contents are as good as stored."""
        self._context = self._make(STORED_LEVEL)

    def frame(self, pieces: Iterable[bytes | memoryview], size: int) -> bytes:
        """A frame whose content is these pieces, `size` bytes together."""
        compressor = self._context.compressobj(size=size)
        parts = [compressor.compress(piece) for piece in pieces]
        parts.append(compressor.flush())
        return b"".join(parts)
