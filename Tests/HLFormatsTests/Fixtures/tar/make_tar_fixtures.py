#!/usr/bin/env python3
"""Makes the tar archives that the tests read, with Python's tarfile and, where it writes no such thing, by hand.

Needs Python 3.11 alone. Run it in its own directory; it rewrites all archives there. The zeros at their ends are cut down
to the two blocks that tar asks for.

ustar, gnu and pax have the same members: member i has the bytes (i + k) % 251 for k < SIZES[i].
"""

import io
import tarfile
from pathlib import Path

here = Path(__file__).parent
SIZES = [0, 1, 511, 512, 513, 1300]
NAMES = ["a.txt", "b", "folder/c.jpg", "./folder//d.jpg", "ü/" + "e" * 90 + ".jpg", "f/" * 60 + "g.jpg"]


def content(i, size):
    return bytes((i + k) % 251 for k in range(size))


def add(archive, name, data=b"", kind=tarfile.REGTYPE, link=""):
    member = tarfile.TarInfo(name)
    member.size, member.type, member.linkname = len(data), kind, link
    archive.addfile(member, io.BytesIO(data))


def write(name, fill, format=tarfile.USTAR_FORMAT):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format) as archive:
        fill(archive)
        end = archive.offset
    (here / name).write_bytes(buffer.getvalue()[:end + 1024])


def header(name, size, kind=b"0", magic=b"ustar\x0000", rest=b""):
    """A block by hand; `size` is the twelve bytes of the field or a number."""
    field = size if isinstance(size, bytes) else b"%011o\0" % size
    block = name.ljust(100, b"\0") + b"0000644\0" * 3 + field + b"00000000000\0" + b" " * 8 + kind
    block = (block.ljust(257, b"\0") + magic + rest).ljust(512, b"\0")
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def by_hand(name, *blocks):
    (here / name).write_bytes(b"".join(block + bytes(-len(block) % 512) for block in blocks) + bytes(1024))


def plain(archive):
    add(archive, "folder", kind=tarfile.DIRTYPE)
    for i, size in enumerate(SIZES):
        add(archive, NAMES[i], content(i, size))


def hostile(archive):
    add(archive, "good.txt", b"good")
    add(archive, "/etc/passwd", b"bad")
    add(archive, "../up.txt", b"bad")
    add(archive, "x/../../up.txt", b"bad")
    add(archive, "link", kind=tarfile.SYMTYPE, link="/etc/passwd")
    add(archive, "hard", kind=tarfile.LNKTYPE, link="good.txt")
    add(archive, "pipe", kind=tarfile.FIFOTYPE)
    add(archive, "device", kind=tarfile.CHRTYPE)
    add(archive, "twice", b"first")
    add(archive, "other", b"other")
    add(archive, "./twice", b"second")


def inner(wnid, count):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for i in range(count):
            add(archive, f"{wnid}_{i}.JPEG", content(i, 100 + i))
        end = archive.offset
    return buffer.getvalue()[:end + 1024]


def nested(archive):
    add(archive, "n01440764.tar", inner("n01440764", 2))
    add(archive, "n01443537.tar", inner("n01443537", 3))


write("ustar.tar", plain)
write("gnu.tar", plain, tarfile.GNU_FORMAT)
write("pax.tar", plain, tarfile.PAX_FORMAT)
write("hostile.tar", hostile)
write("nested.tar", nested, tarfile.GNU_FORMAT)
by_hand("v7.tar", header(b"old/", 0, kind=b"\0", magic=b""), header(b"old/file", b"         4 \0", kind=b"\0", magic=b""), b"data")
by_hand("base256.tar", header(b"big", b"\x80" + (5).to_bytes(11, "big")), b"bytes", header(b"end", 1), b"!")
# The size of what follows is in the pax records alone, as for more than 8 GB.
by_hand("paxsize.tar", header(b"pax", 23, kind=b"x"), b"10 size=4\n13 path=long\n", header(b"short", 0), b"four")
# GNU's old sparse file, whose map goes on in one more block, between two files.
sparse = bytearray(header(b"sparse", 3, kind=b"S", magic=b"ustar  \0"))
sparse[386:410] = b"00000000000\0" + b"00000000003\0"  # offset and bytes of the only piece
sparse[482] = 1
sparse[483:495] = b"00000000003\0"
sparse[148:156] = b" " * 8
sparse[148:156] = b"%06o\0 " % sum(sparse)
by_hand("sparse.tar", header(b"one", 1), b"1", bytes(sparse), bytes(512), b"abc", header(b"two", 1), b"2")
