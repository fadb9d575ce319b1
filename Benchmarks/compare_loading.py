"""Times the reading of photographs in this project and in Python side by side, in turns, in one run.

    python compare_loading.py [--images DIR] [--ffcv-python PYTHON]

Of 500-pixel JPEGs in the page cache, RandomResizedCrop (area 0.2 to 1) to 112 pixels and a flip. Ours is

    files   hl-sample --data imagefolder:DIR --random-resized-crop image --views 1 --shuffle | hl-view --info
    stored  the same with --data stream:set.hls, the images stored once at 256 pixels

where the reader decompresses and counts every image, so that all of it is paid: starting up, two programs, the pipe. Theirs
is loading_reference.py: PyTorch's DataLoader over ImageFolder with Pillow, or with torchvision's decode_jpeg and uint8
tensors, of so many workers each, the best of which counts; a DataLoader over a numpy.memmap of the same stored pixels with
OpenCV; and FFCV over them, where --ffcv-python has it. Starting up counts for none of these. Without --images some are
made: noise with the spectrum of photographs, 500 x 375, quality 92, 4:2:0.
"""

import argparse
import json
import pathlib
import shlex
import statistics
import subprocess
import sys
import tempfile
import time


def make_images(folder, count):
    """Photograph-like JPEGs: noise whose amplitude falls with the frequency, and a little that does not."""
    import numpy
    from PIL import Image

    random = numpy.random.default_rng(0)
    size = (375, 500)
    frequency = numpy.hypot(numpy.fft.fftfreq(size[0])[:, None], numpy.fft.rfftfreq(size[1])[None])
    frequency[0, 0] = 1
    for index in range(count):
        waves = numpy.fft.rfft2(random.standard_normal((3, *size))) / frequency**1.2
        image = numpy.fft.irfft2(waves, s=size)
        image[1:] = 0.8 * image[:1] + 0.2 * image[1:]
        image = 128 + 50 * image / image.std() + 2 * random.standard_normal(image.shape)
        target = folder / f"c{index % 10}"
        target.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.clip(0, 255).astype("uint8").transpose(1, 2, 0)).save(
            target / f"{index:05d}.jpg", quality=92, subsampling=2)


def pipeline(options, source, count, epochs):
    """Images a second from the first word of the command line to the last image read."""
    sample = (
        f"{options.programs}/hl-sample --quiet --data {shlex.quote(source)} --size 128 --random-resized-crop image "
        f"--views 1 --shuffle --epochs {epochs} --threads {options.threads} | {options.programs}/hl-view --info > /dev/null")
    start = time.perf_counter()
    subprocess.run(["bash", "-o", "pipefail", "-c", sample], check=True)
    return count * epochs / (time.perf_counter() - start)


def reference(options, python, *arguments):
    here = pathlib.Path(__file__).resolve().parent
    command = [python, "-W", "ignore", str(here / "loading_reference.py"), *map(str, arguments)]
    found = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if found.returncode != 0:
        return None, found.stderr.strip().splitlines()[-1:]
    return json.loads(found.stdout.splitlines()[-1]).get("images_per_second"), None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    here = pathlib.Path(__file__).resolve().parent
    parser.add_argument("--images", metavar="DIR", help="folder of classes of JPEGs; made where it is not given")
    parser.add_argument("--count", type=int, default=2000, help="images to make (2000)")
    parser.add_argument("--programs", default=str(here.parent / ".build/release"), help="folder of hl-sample and so on")
    parser.add_argument("--ffcv-python", metavar="PYTHON", help="a Python that has ffcv")
    parser.add_argument("--workers", default="1,2,3", help="workers that DataLoader is tried with (1,2,3)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each (3)")
    parser.add_argument("--threads", type=int, default=2, help="threads of hl-sample (2)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        images = pathlib.Path(options.images) if options.images else scratch / "images"
        if not options.images:
            make_images(images, options.count)
        count = sum(1 for _ in images.glob("*/*.jpg"))
        stored = scratch / "set.hls"
        subprocess.run(
            [f"{options.programs}/hl-sample", "--quiet", "--data", f"imagefolder:{images}", "--size", "256", "-o", stored],
            check=True)
        pixels = scratch / "pixels.npy"
        reference(options, sys.executable, "write-memmap", images, pixels)
        peers = {}
        for loader in ["pillow", "decode_jpeg"]:
            for workers in map(int, options.workers.split(",")):
                peers[f"DataLoader, {loader}, {workers} workers"] = (sys.executable, "dataloader", images, loader, workers)
        for workers in map(int, options.workers.split(",")):
            peers[f"numpy.memmap and OpenCV, {workers} workers"] = (
                options.ffcv_python or sys.executable, "memmap", pixels, workers)
        if options.ffcv_python:
            beton = scratch / "set.beton"
            _, problem = reference(options, options.ffcv_python, "write-ffcv", pixels, beton)
            if problem:
                print("FFCV does not write:", problem)
            else:
                for workers in map(int, options.workers.split(",")):
                    peers[f"FFCV, raw, {workers} workers"] = (options.ffcv_python, "ffcv", beton, workers)
        results = {}
        for _ in range(options.rounds):
            results.setdefault("ours, files", []).append(pipeline(options, f"imagefolder:{images}", count, 2))
            results.setdefault("ours, stored", []).append(pipeline(options, f"stream:{stored}", count, 8))
            for name, arguments in peers.items():
                speed, problem = reference(options, *arguments)
                if problem:
                    print(f"{name} fails: {problem}")
                else:
                    results.setdefault(name, []).append(speed)
        medians = {name: statistics.median(values) for name, values in results.items()}
        for name, values in results.items():
            print(f"{name:36} {medians[name]:8.0f} images/s   ({min(values):.0f} to {max(values):.0f})")

        def best(beginning):
            return max((medians[name] for name in medians if name.startswith(beginning)), default=None)

        for ours in ["ours, files", "ours, stored"]:
            for peer in ["DataLoader", "numpy.memmap", "FFCV"]:
                if best(peer):
                    print(f"{ours} / {peer} at its best: {medians[ours] / best(peer):.2f}")


main()
