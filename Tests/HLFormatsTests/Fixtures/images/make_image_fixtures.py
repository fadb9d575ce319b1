#!/usr/bin/env python3
"""Makes the image fixtures: PNG, JPEG and WebP files of every kind, and what Pillow reads from them or resizes them to.

Needs Pillow and numpy (made with Pillow 13.0, numpy 2.4). Run it in its own directory; it rewrites all files there.

Every KIND.png, KIND.jpg or KIND.webp has KIND.rgb beside it: the planes R, G, B that a reader should see, raw bytes.
"""

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

here = Path(__file__).parent
W, H = 21, 13


def planes(name, array):
    (here / f"{name}.rgb").write_bytes(np.ascontiguousarray(np.transpose(array.astype(np.uint8), (2, 0, 1))).tobytes())


def scene(width, height):
    """A smooth picture with a few edges, unlike in every channel and direction."""
    y, x = np.mgrid[0:height, 0:width] / max(width, height)
    r = 128 + 120 * np.sin(9 * x + 2 * y)
    g = 255 * x * (1 - y) + 60 * ((x + y) > 0.8)
    b = 200 * y + 50 * np.cos(30 * x * y)
    return np.clip(np.stack([r, g, b], -1), 0, 255).astype(np.uint8)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def packed(samples, depth):
    """Rows of samples of 1, 2, 4, 8 or 16 bits as PNG stores them, without filter bytes."""
    rows = []
    for row in samples.reshape(samples.shape[0], -1):
        if depth == 16:
            rows.append(row.astype(">u2").tobytes())
        elif depth == 8:
            rows.append(row.astype(np.uint8).tobytes())
        else:
            bits = ((row[:, None] >> np.arange(depth - 1, -1, -1)) & 1).astype(np.uint8)
            rows.append(np.packbits(bits.reshape(-1)).tobytes())
    return rows


def png(name, samples, colour_type, depth, before=b"", interlaced=False):
    """samples: H x W x channels. Written by hand, as Pillow does not write all of these kinds."""
    passes = [(0, 0, 1, 1)]
    if interlaced:
        passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    raw = b""
    for top, left, down, right in passes:
        part = samples[top::down, left::right]
        if part.size:
            raw += b"".join(b"\0" + row for row in packed(part, depth))
    height, width = samples.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, int(interlaced))
    body = zlib.compress(raw, 9)
    half = len(body) // 2
    (here / f"{name}.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before
        + chunk(b"IDAT", body[:half]) + chunk(b"IDAT", body[half:]) + chunk(b"IEND", b""))


def repeated(grey):
    return np.repeat(grey, 3, axis=2)


def make_png():
    rgb = scene(W, H)
    Image.fromarray(rgb).save(here / "rgb8.png")  # Pillow's encoder: adaptive filters
    planes("rgb8", rgb)

    png("rgb8-interlaced", rgb, 2, 8, interlaced=True)
    planes("rgb8-interlaced", rgb)

    # A gamma of 1.0 would change every sample if it were honoured.
    png("rgb8-gamma", rgb, 2, 8, before=chunk(b"gAMA", struct.pack(">I", 100000)))
    planes("rgb8-gamma", rgb)

    alpha = (np.arange(W * H).reshape(H, W, 1) * 7 % 256).astype(np.uint8)
    png("rgba8", np.concatenate([rgb, alpha], 2), 6, 8)
    planes("rgba8", rgb)

    wide = rgb.astype(np.uint16) * 257 + 90  # rounds to rgb, except where it overflows
    wide = np.where(rgb == 255, 65535, wide)
    png("rgb16", wide, 2, 16)
    planes("rgb16", rgb)

    for depth in (1, 2, 4, 8):
        grey = rgb[:, :, :1] >> (8 - depth)
        png(f"grey{depth}", grey, 0, depth)
        planes(f"grey{depth}", repeated(grey.astype(int) * 255 // (2**depth - 1)))

    png("grey-alpha8", np.concatenate([rgb[:, :, :1], alpha], 2), 4, 8)
    planes("grey-alpha8", repeated(rgb[:, :, :1]))

    palette = scene(16, 1)[0]
    index = (rgb[:, :, :1] >> 4)
    colours = chunk(b"PLTE", palette.tobytes()) + chunk(b"tRNS", bytes(range(16)))
    png("palette4", index, 3, 4, before=colours)
    planes("palette4", palette[index[:, :, 0]])

    # Pillow agrees with what is claimed above wherever its own conversion is exact.
    for name in ("rgb8", "rgb8-interlaced", "rgb8-gamma", "rgba8", "grey1", "grey2", "grey4", "grey8", "grey-alpha8",
                 "palette4"):
        read = np.asarray(Image.open(here / f"{name}.png").convert("RGB")).transpose(2, 0, 1).tobytes()
        assert read == (here / f"{name}.rgb").read_bytes(), name

    header = struct.pack(">IIBBBBB", 16000, 16000, 8, 2, 0, 0, 0)
    (here / "claims-too-much.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b""))
    header = struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 16, 6, 0, 0, 0)
    (here / "huge.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b""))


def make_jpeg():
    picture = Image.fromarray(scene(40, 27))
    kinds = {
        "colour420": (picture, {"quality": 90}),
        "colour444": (picture, {"quality": 95, "subsampling": 0}),
        "progressive": (picture, {"quality": 85, "progressive": True}),
        "grey": (picture.convert("L"), {"quality": 90}),
        "cmyk": (picture.convert("CMYK"), {"quality": 95}),
    }
    for name, (image, options) in kinds.items():
        image.save(here / f"{name}.jpg", **options)
        planes(name, np.asarray(Image.open(here / f"{name}.jpg").convert("RGB")))


def make_resized():
    source = scene(61, 45)
    planes("resize-source", source)
    image = Image.fromarray(source)
    for width, height in [(17, 11), (30, 45), (61, 20), (70, 50), (1, 1), (61, 60)]:
        planes(f"resize-{width}x{height}", np.asarray(image.resize((width, height), Image.Resampling.BILINEAR)))
    for width, height in [(17, 11), (70, 50)]:
        planes(f"resize-lanczos-{width}x{height}", np.asarray(image.resize((width, height), Image.Resampling.LANCZOS)))
    # torchvision's Resize(24) and CenterCrop(24): the short side first, the long one rounded down.
    long = 24 * 61 // 45
    left = round((long - 24) / 2)
    square = np.asarray(image.resize((long, 24), Image.Resampling.BILINEAR))[:, left:left + 24]
    planes("resize-square24", square)


def make_scaled_jpeg():
    """photo.jpg is decoded by libjpeg at 1/4 and 1/2 of its size, for which Pillow's name is draft."""
    random = np.random.default_rng(1)
    noise = np.asarray(Image.fromarray(random.integers(0, 256, (50, 70, 3), np.uint8)).resize((203, 151)), float)
    picture = np.clip(scene(203, 151) + (noise - 128) / 6, 0, 255).astype(np.uint8)
    Image.fromarray(picture).save(here / "photo.jpg", quality=90)
    for parts in (4, 2):
        image = Image.open(here / "photo.jpg")
        image.draft("RGB", (203 // parts, 151 // parts))
        planes(f"photo-1-{parts}", np.asarray(image))


def make_webp():
    picture = scene(41, 27)
    alpha = (np.arange(41 * 27).reshape(27, 41, 1) * 7 % 256).astype(np.uint8)
    transparent = Image.fromarray(np.concatenate([picture, alpha], 2))
    kinds = {
        "lossy": (Image.fromarray(picture), {"quality": 80}),
        "lossless": (Image.fromarray(picture), {"lossless": True}),
        "lossy-alpha": (transparent, {"quality": 80}),
        "lossless-alpha": (transparent, {"lossless": True, "exact": True}),
    }
    for name, (image, options) in kinds.items():
        image.save(here / f"{name}.webp", **options)
        planes(name, np.asarray(Image.open(here / f"{name}.webp").convert("RGB")))
    frames = [Image.fromarray(scene(16, 16)), Image.fromarray(scene(16, 16)[::-1].copy())]
    frames[0].save(here / "animation.webp", save_all=True, append_images=frames[1:])
    # One colour without end.
    Image.new("RGB", (16383, 16383)).save(here / "claims-too-much.webp", lossless=True, method=0)


make_png()
make_jpeg()
make_scaled_jpeg()
make_webp()
make_resized()
