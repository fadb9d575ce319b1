#!/usr/bin/env python3
"""Compares the pixels of hl-sample with Pillow's, on photographs of one's own.

    python3 check_pixels.py hl-sample DIR

DIR is a folder of classes, or of anything with JPEGs below it. Needs Pillow, numpy and zstandard. Every image
is decoded whole and resized: equal to the bit to Pillow's resize with BILINEAR and torchvision's crop of the middle, at the
short side of most images, where nothing is resized, and at a half of it. At a third of it JPEGs that were decoded at a part
of their size (`--decode scaled`) must be within 3 of 255 levels on average of those.
"""

import collections
import pathlib
import sys

import numpy
from PIL import Image

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "examples/python"))

from hlviews import Command, StreamReader  # noqa: E402


def images(command):
    """Ids and pixels of a stream."""
    with StreamReader(Command(command)) as stream:
        for batch in stream:
            yield from zip(batch["id"], batch["x.0"])


def middle(path, side):
    image = Image.open(path).convert("RGB")
    width, height = image.size
    short, long = min(width, height), max(width, height)
    long = int(side * long / short)
    size = (side, long) if width <= height else (long, side)
    # Rows before columns; newer releases of Pillow begin with the columns of images that are twice as high as wide.
    for step in [(size[0], height), size]:
        image = image if step == image.size else image.resize(step, Image.BILINEAR)
    left, top = round((size[0] - side) / 2), round((size[1] - side) / 2)
    return numpy.asarray(image)[top:top + side, left:left + side].transpose(2, 0, 1)


program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
# The order of a flat folder is that of its paths, byte by byte, folder after folder; the ids tell.
kinds = {".jpg", ".jpeg", ".png"}
paths = [path for path in folder.rglob("*") if path.suffix.lower() in kinds and not path.name.startswith(".")]
sides = collections.Counter(min(Image.open(path).size) for path in paths[:200])
side = sides.most_common(1)[0][0]
base = [program, "--quiet", "--data", f"imagefolder:{folder},labels=none"]
failed = False
for wanted in [side, side // 2]:
    expected = collections.Counter(middle(path, wanted).tobytes() for path in paths)
    found = collections.Counter(pixels.tobytes() for _, pixels in images(base + ["--size", str(wanted)]))
    lost = sum((expected - found).values())
    failed |= lost > 0 or sum(found.values()) != len(paths)
    print(f"{len(paths)} images at {wanted} pixels: {lost} are not Pillow's to the bit")
small = side // 3
whole = dict(images(base + ["--size", str(small)]))
differences = [
    numpy.abs(pixels.astype(int) - whole[number].astype(int)).mean()
    for number, pixels in images(base + ["--size", str(small), "--decode", "scaled"])]
print(f"scaled to {small} pixels: {numpy.mean(differences):.2f} levels on average, {max(differences):.2f} at most")
failed |= len(differences) != len(paths) or numpy.mean(differences) > 3
sys.exit(1 if failed else 0)
