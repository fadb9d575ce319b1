"""The seek table of zstd's seekable format (contrib/seekable_format, version 0.1.0): a skippable frame at the end of a
file with the sizes of all frames before it."""

from __future__ import annotations

import struct
from collections.abc import Sequence

FRAME_MAGIC = 0x184D2A5E
FOOTER_MAGIC = 0x8F92EAB1
FOOTER_SIZE = 9

Sizes = tuple[int, int]
"""Compressed and decompressed bytes of a frame."""


def encode(frames: Sequence[Sizes]) -> bytes:
    """The skippable frame, without checksums of its own: the frames have theirs."""
    entries = b"".join(struct.pack("<II", *sizes) for sizes in frames)
    return (
        struct.pack("<II", FRAME_MAGIC, len(entries) + FOOTER_SIZE)
        + entries
        + struct.pack("<IBI", len(frames), 0, FOOTER_MAGIC)
    )


def size(footer: bytes) -> int | None:
    """Bytes of the whole frame that ends in these nine bytes; None if they are no footer."""
    if len(footer) != FOOTER_SIZE:
        return None
    count: int
    count, descriptor, magic = struct.unpack("<IBI", footer)
    if magic != FOOTER_MAGIC or descriptor & 0x7C:
        return None
    return 8 + count * _entry_size(descriptor) + FOOTER_SIZE


def decode(frame: bytes) -> list[Sizes] | None:
    """What a whole frame says; None unless it is consistent."""
    if size(frame[-FOOTER_SIZE:]) != len(frame) or struct.unpack_from("<II", frame) != (FRAME_MAGIC, len(frame) - 8):
        return None
    step = _entry_size(frame[-5])
    return [struct.unpack_from("<II", frame, start) for start in range(8, len(frame) - FOOTER_SIZE, step)]


def _entry_size(descriptor: int) -> int:
    return 12 if descriptor & 0x80 else 8
