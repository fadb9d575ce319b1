#!/usr/bin/env python3
"""Writes augmentation.json: what torchvision makes of one small image, and what its crops look like on average.

Needs torch and torchvision (made with 2.6 and 0.21). Run: python3 make_augmentation_fixtures.py
Arrays are base64 of little-endian bytes.
"""

import base64
import json
import pathlib

import numpy as np
import torch
import torchvision
import torchvision.transforms.v2.functional as F

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
HEIGHT, WIDTH, SIZE = 24, 20, 11
IDENTITY = [4, 6, SIZE, SIZE]


def pack(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def make_image():
    generator = torch.Generator().manual_seed(11)
    image = torch.randint(0, 256, (3, HEIGHT, WIDTH), generator=generator, dtype=torch.uint8)
    # The hue's special cases, inside the identity crop: black, white, grey, pure colours, two channels tied.
    special = [(0, 0, 0), (255, 255, 255), (90, 90, 90), (255, 0, 0), (0, 255, 0), (0, 0, 255), (200, 200, 10),
               (10, 200, 200), (200, 10, 200), (5, 5, 6)]
    for column, pixel in enumerate(special):
        image[:, 5, 6 + column] = torch.tensor(pixel, dtype=torch.uint8)
    return image


def case(name, box=IDENTITY, flip=False, colour=False, order=(0, 1, 2, 3), brightness=1.0, contrast=1.0,
         saturation=1.0, hue=0.0, grey=False, radius=0, sigma=0.0, normalise=False):
    return dict(name=name, box=list(box), flip=flip, colour=colour, order=list(order), brightness=brightness,
                contrast=contrast, saturation=saturation, hue=hue, grey=grey, radius=radius, sigma=sigma,
                normalise=normalise)


def cases():
    yield case("identity crop")
    yield case("crop enlarged", [5, 4, 7, 9])
    yield case("crop reduced", [3, 2, 19, 17])
    yield case("whole image", [0, 0, HEIGHT, WIDTH])
    yield case("one pixel", [23, 19, 1, 1])
    yield case("one column", [2, 0, 21, 1])
    yield case("flip", [5, 4, 7, 9], flip=True)
    yield case("brighter", colour=True, brightness=1.37)
    yield case("darker", colour=True, brightness=0.61)
    yield case("more contrast", colour=True, contrast=1.39)
    yield case("less contrast", colour=True, contrast=0.63)
    yield case("more saturation", colour=True, saturation=1.4)
    yield case("less saturation", colour=True, saturation=0.6)
    for hue in (0.1, -0.1, 0.03, 0.5, -0.5):
        yield case(f"hue {hue}", colour=True, hue=hue)
    yield case("grey", grey=True)
    yield case("blur 5", radius=2, sigma=1.5)
    yield case("blur 13", radius=6, sigma=1.9)
    yield case("normalise", normalise=True)
    yield case("chain", [1, 3, 20, 15], True, True, (2, 0, 3, 1), 0.7, 1.3, 1.25, -0.07, False, 0, 0.0, True)
    yield case("chain, reversed", [1, 3, 9, 10], False, True, (3, 2, 1, 0), 1.38, 0.66, 0.71, 0.09, False, 0, 0.0, True)
    yield case("chain, grey, blur", [2, 2, 20, 18], True, True, (1, 3, 0, 2), 1.2, 1.1, 1.3, 0.05, True, 3, 0.8, True)
    yield case("colour off", [2, 2, 20, 18], True, False, (1, 3, 0, 2), 1.2, 1.1, 1.3, 0.05, False, 0, 0.0, True)


def apply(image, p):
    x = F.resized_crop(image, *p["box"], [SIZE, SIZE], antialias=False)
    if p["flip"]:
        x = F.horizontal_flip(x)
    for step in p["order"] if p["colour"] else []:
        # As ColorJitter, which leaves out what cannot change anything.
        if step == 0 and p["brightness"] != 1:
            x = F.adjust_brightness(x, p["brightness"])
        if step == 1 and p["contrast"] != 1:
            x = F.adjust_contrast(x, p["contrast"])
        if step == 2 and p["saturation"] != 1:
            x = F.adjust_saturation(x, p["saturation"])
        if step == 3 and p["hue"] != 0:
            x = F.adjust_hue(x, p["hue"])
    if p["grey"]:
        x = F.rgb_to_grayscale(x, 3)
    if p["radius"]:
        x = F.gaussian_blur(x, [2 * p["radius"] + 1] * 2, [p["sigma"]] * 2)
    return F.normalize(x, MEAN, STD) if p["normalise"] else x


def crop_statistics(height, width, draws):
    """Shares of the crop's area in eighths of 0.2 to 1, and means, of RandomResizedCrop.get_params."""
    torch.manual_seed(5)
    image = torch.empty(3, height, width)
    get_params = torchvision.transforms.RandomResizedCrop.get_params
    boxes = np.array([get_params(image, [0.2, 1.0], [3 / 4, 4 / 3]) for _ in range(draws)], dtype=np.float64)
    top, left, h, w = boxes.T
    area = h * w / (height * width)
    bins = np.clip(((area - 0.2) / 0.1).astype(int), 0, 7)
    values = dict(area=area, logRatio=np.log(w / h), height=h, width=w, top=top, left=left)
    return dict(height=height, width=width, draws=draws, areaBins=np.bincount(bins, minlength=8).tolist(),
                means={k: float(v.mean()) for k, v in values.items()},
                deviations={k: float(v.std()) for k, v in values.items()})


def main():
    image = make_image()
    pixels = image.float() / 255
    made = []
    for p in cases():
        p["expected"] = pack(apply(pixels, p).numpy().astype("<f4"))
        made.append(p)
    document = dict(
        torchvision=torchvision.__version__, height=HEIGHT, width=WIDTH, size=SIZE, mean=MEAN, deviation=STD,
        image=pack(image.numpy()), cases=made,
        crops=[crop_statistics(128, 128, 200_000), crop_statistics(32, 128, 100_000), crop_statistics(90, 48, 100_000)])
    path = pathlib.Path(__file__).with_name("augmentation.json")
    path.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
