"""The Python side of compare_loading.py: prints images_per_second, starting up left out."""

import json
import pathlib
import sys
import time

BATCH = 64
SIZE = 112
SCALE = (0.2, 1.0)


def report(loader, passes):
    """Steady state: a pass to warm up, or its first batches."""
    iterator = iter(loader)
    for _ in range(3):
        next(iterator)
    count, start = 0, time.perf_counter()
    for batch in iterator:
        count += len(batch[0])
    for _ in range(passes - 1):
        for batch in loader:
            count += len(batch[0])
    print(json.dumps({"images_per_second": count / (time.perf_counter() - start)}))


def dataloader(images, kind, workers):
    import torch
    from torchvision import transforms
    from torchvision.datasets import ImageFolder
    from torchvision.io import ImageReadMode, decode_jpeg, read_file
    from torchvision.transforms import v2

    torch.set_num_threads(1)
    if kind == "pillow":
        transform = transforms.Compose([
            transforms.RandomResizedCrop(SIZE, scale=SCALE), transforms.RandomHorizontalFlip(),
            transforms.PILToTensor()])
        data = ImageFolder(images, transform)
    else:
        transform = v2.Compose([v2.RandomResizedCrop(SIZE, scale=SCALE, antialias=True), v2.RandomHorizontalFlip()])
        data = ImageFolder(images, transform, loader=lambda path: decode_jpeg(read_file(path), ImageReadMode.RGB))
    report(torch.utils.data.DataLoader(
        data, BATCH, shuffle=True, num_workers=int(workers), persistent_workers=True), 1)


def write_memmap(images, pixels):
    """Squares of 256 pixels, as Resize and CenterCrop make them."""
    import numpy
    from PIL import Image

    files = sorted(pathlib.Path(images).glob("*/*.jpg"))
    target = numpy.lib.format.open_memmap(pixels, "w+", "uint8", (len(files), 256, 256, 3))
    for index, file in enumerate(files):
        image = Image.open(file).convert("RGB")
        scale = 256 / min(image.size)
        image = image.resize((int(image.width * scale), int(image.height * scale)), Image.BILINEAR)
        left, top = (image.width - 256) // 2, (image.height - 256) // 2
        target[index] = numpy.asarray(image)[top:top + 256, left:left + 256]
    target.flush()
    print("{}")


class Stored:
    """Crops of raw pixels, resized by OpenCV."""

    def __init__(self, pixels):
        import numpy

        self.pixels = numpy.load(pixels, mmap_mode="r")

    def __len__(self):
        return len(self.pixels)

    def __getitem__(self, index):
        import cv2
        import numpy
        import torch
        from torchvision.transforms import RandomResizedCrop

        image = self.pixels[index]
        top, left, height, width = RandomResizedCrop.get_params(
            torch.empty(3, *image.shape[:2], device="meta"), SCALE, (3 / 4, 4 / 3))
        crop = cv2.resize(image[top:top + height, left:left + width], (SIZE, SIZE), interpolation=cv2.INTER_AREA)
        if torch.rand(1) < 0.5:
            crop = cv2.flip(crop, 1)
        return torch.from_numpy(numpy.ascontiguousarray(crop)), index


def memmap(pixels, workers):
    import torch

    torch.set_num_threads(1)
    report(torch.utils.data.DataLoader(
        Stored(pixels), BATCH, shuffle=True, num_workers=int(workers), persistent_workers=True), 4)


def write_ffcv(pixels, beton):
    import numpy
    from ffcv.fields import IntField, RGBImageField
    from ffcv.writer import DatasetWriter

    class Rows:
        def __init__(self):
            self.pixels = numpy.load(pixels, mmap_mode="r")

        def __len__(self):
            return len(self.pixels)

        def __getitem__(self, index):
            return numpy.ascontiguousarray(self.pixels[index]), index

    DatasetWriter(str(beton), {"image": RGBImageField(write_mode="raw"), "label": IntField()}, num_workers=1
                  ).from_indexed_dataset(Rows())
    print("{}")


def ffcv(beton, workers):
    from ffcv.fields.decoders import IntDecoder, RandomResizedCropRGBImageDecoder
    from ffcv.loader import Loader, OrderOption
    from ffcv.transforms import RandomHorizontalFlip, ToTensor

    loader = Loader(
        str(beton), batch_size=BATCH, num_workers=int(workers), order=OrderOption.RANDOM, os_cache=True,
        pipelines={
            "image": [RandomResizedCropRGBImageDecoder((SIZE, SIZE), scale=SCALE), RandomHorizontalFlip(), ToTensor()],
            "label": [IntDecoder(), ToTensor()]})
    for _ in loader:
        pass
    report(loader, 4)


if __name__ == "__main__":
    {"dataloader": dataloader, "write-memmap": write_memmap, "memmap": memmap, "write-ffcv": write_ffcv, "ffcv": ffcv
     }[sys.argv[1]](*sys.argv[2:])
