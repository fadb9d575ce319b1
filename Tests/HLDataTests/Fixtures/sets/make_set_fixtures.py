#!/usr/bin/env python3
"""Makes miniatures of published data sets, and what torchvision reads from them.

Needs numpy, scipy, lmdb, Pillow, torch and torchvision (made with scipy 1.17, py-lmdb 3.0, torchvision 0.21). Run it in
its own directory; it rewrites all folders and answers.json there.

The lists, MAT-files, pickles, databases and tars stay; single images do not, the tests write them anew. answers.json has
for each set and split the classes, and the images in torchvision's order with their labels: paths where images are files,
else the grey level that the image has. Hashes of published files are not checked: the files are others.
"""

import io
import json
import pickle
import random
import shutil
import tarfile
import tempfile
from pathlib import Path

import lmdb
import numpy as np
import scipy.io
import torchvision.datasets as D
from PIL import Image

here = Path(__file__).parent
work = Path(tempfile.mkdtemp())
answers = {}
random.seed(1)

for module in (D.cifar, D.flowers102, D.imagenet):
    module.check_integrity = lambda path, md5=None: Path(path).is_file()
D.Flowers102._check_integrity = lambda self: True
D.imagenet._verify_archive = lambda *a: None


def encoded(grey, side=2, kind="PNG"):
    out = io.BytesIO()
    Image.new("RGB", (side, side), (grey, grey, grey)).save(out, kind, quality=95)
    return out.getvalue()


def image(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded(0))


def text(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def answer(name, classes, images):
    answers[name] = {"classes": list(classes), "images": images}


def files(paths, labels, base):
    return [[str(Path(p).relative_to(base)), int(y)] for p, y in zip(paths, labels)]


def keep(folder, name):
    """What is no single image goes into the fixtures."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix not in (".jpg", ".JPEG", ".png") and path.name not in ("lock.mdb", "meta.bin"):
            target = here / name / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)


def flowers():
    base = work / "flowers-102"
    labels = [1, 102, 7, 7, 1, 102, 50, 50, 7]
    for i in range(1, 10):
        image(base / f"jpg/image_{i:05d}.jpg")
    scipy.io.savemat(base / "imagelabels.mat", {"labels": np.array([labels], np.uint8)}, do_compression=True)
    # In the order of the file, which is not sorted.
    scipy.io.savemat(base / "setid.mat", {"trnid": np.array([[5, 2, 9]], np.uint16), "valid": np.array([[1, 7]], np.uint16),
                                          "tstid": np.array([[8, 3, 4, 6]], np.uint16)}, do_compression=True)
    for split in ("train", "val", "test"):
        d = D.Flowers102(work, split)
        # Later versions know names of the classes, which are not in the files.
        answer(f"flowers102 {split}", [], files(d._image_files, d._labels, base))
    keep(base, "flowers102")


def dtd():
    base = work / "dtd/dtd"
    names = [f"{c}/{c}_{i:04d}.jpg" for c in ("woven", "banded", "zigzagged") for i in range(3)]
    for name in names:
        image(base / "images" / name)
    for partition in (1, 10):
        order = random.sample(names, 9)
        for k, split in enumerate(("train", "val", "test")):
            # Every split has every class.
            part = [n for c in ("woven", "banded", "zigzagged") for n in [m for m in order if m.startswith(c)][k:k + 1]]
            text(base / f"labels/{split}{partition}.txt", "".join(f"{n}\n" for n in random.sample(part, 3)))
    for split, partition in (("train", 1), ("val", 1), ("test", 1), ("train", 10)):
        d = D.DTD(work, split, partition)
        extra = "" if partition == 1 else f" partition={partition}"
        answer(f"dtd {split}{extra}", d.classes, files(d._image_files, d._labels, base))
    keep(base, "dtd")


def food():
    base = work / "food-101"
    meta = {"train": {"ramen": ["ramen/20", "ramen/3"], "apple_pie": ["apple_pie/7", "apple_pie/100"]},
            "test": {"ramen": ["ramen/4"], "apple_pie": ["apple_pie/8", "apple_pie/1"]}}
    for split, classes in meta.items():
        text(base / f"meta/{split}.json", json.dumps(classes))
        for names in classes.values():
            for name in names:
                image(base / f"images/{name}.jpg")
    for split in ("train", "test"):
        d = D.Food101(work, split)
        answer(f"food101 {split}", d.classes, files(d._image_files, d._labels, base))
    keep(base, "food101")


def pets():
    base = work / "oxford-iiit-pet"
    lines = {"trainval": ["Abyssinian_10 1 1 1", "american_bulldog_7 2 2 1", "american_bulldog_70 2 2 1", "Sphynx_3 3 1 2"],
             "test": ["american_bulldog_9 2 2 1", "Sphynx_4 3 1 2", "Abyssinian_1 1 1 1"]}
    for split, rows in lines.items():
        text(base / f"annotations/{split}.txt", "".join(f"{row}\n" for row in rows))
        for row in rows:
            image(base / f"images/{row.split()[0]}.jpg")
    for split in ("trainval", "test"):
        d = D.OxfordIIITPet(work, split)
        answer(f"pets {split}", d.classes, files(d._images, d._labels, base))
        answer(f"pets {split} labels=species", d.bin_classes, files(d._images, d._bin_labels, base))
    keep(base, "pets")


def caltech():
    base = work / "caltech101"
    for name, count in (("airplanes", 4), ("BACKGROUND_Google", 2), ("Faces", 3), ("yin_yang", 5)):
        for i in range(1, count + 1):
            image(base / f"101_ObjectCategories/{name}/image_{i:04d}.jpg")
    d = D.Caltech101(work)
    paths = [base / "101_ObjectCategories" / d.categories[y] / f"image_{i:04d}.jpg" for y, i in zip(d.y, d.index)]
    answer("caltech101 all", d.categories, files(paths, d.y, base))


def aircraft():
    base = work / "fgvc-aircraft-2013b/data"
    levels = {"variant": ("variants", ["747-100", "A300B4", "Cessna 172"]), "family": ("families", ["Boeing 747", "A300", "Cessna 172"]),
              "manufacturer": ("manufacturers", ["Boeing", "Airbus", "Cessna"])}
    planes = {f"{random.randrange(10**7):07d}": k % 3 for k in range(8)}
    ids = list(planes)
    splits = {"train": ids[:3], "val": ids[3:5], "trainval": ids[:5], "test": ids[5:]}
    for name in ids:
        image(base / f"images/{name}.jpg")
    for level, (plural, classes) in levels.items():
        text(base / f"{plural}.txt", "".join(f"{c}\n" for c in classes))
        for split, names in splits.items():
            text(base / f"images_{level}_{split}.txt", "".join(f"{n} {classes[planes[n]]}\n" for n in names))
    for level in levels:
        for split in splits:
            d = D.FGVCAircraft(work, split, level)
            answer(f"aircraft {split} labels={level}", d.classes, files(d._image_files, d._labels, base))
    keep(base, "aircraft")


def cars():
    base = work / "stanford_cars"
    classes = ["AM General Hummer SUV 2000", "Acura RL Sedan 2012", "smart fortwo Convertible 2012"]

    def annotations(path, rows):
        fields = [(f, object) for f in ("bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2", "class", "fname")]
        array = np.array([(np.uint8(1), np.uint8(1), np.uint16(900), np.uint8(9), np.uint8(c), n) for n, c in rows], fields)
        path.parent.mkdir(parents=True, exist_ok=True)
        scipy.io.savemat(path, {"annotations": array[None]}, do_compression=True)

    train = [("00001.jpg", 3), ("00002.jpg", 1), ("00003.jpg", 2), ("00004.jpg", 3)]
    test = [("00001.jpg", 2), ("00002.jpg", 2), ("00003.jpg", 1)]
    annotations(base / "devkit/cars_train_annos.mat", train)
    annotations(base / "cars_test_annos_withlabels.mat", test)
    scipy.io.savemat(base / "devkit/cars_meta.mat", {"class_names": np.array([classes], object)}, do_compression=True)
    for split, rows in (("train", train), ("test", test)):
        for name, _ in rows:
            image(base / f"cars_{split}/{name}")
        d = D.StanfordCars(work, split)
        answer(f"cars {split}", d.classes, files([p for p, _ in d._samples], [y for _, y in d._samples], base))
    keep(base, "cars")


def cifar():
    """Grey images; the level tells them apart."""

    def data(levels):
        return np.repeat(np.array(levels, np.uint8)[:, None], 3072, 1)

    def write(path, content):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pickle.dumps(content, protocol=2))

    ten, hundred = work / "cifar-10-batches-py", work / "cifar-100-python"
    names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    for i, name in enumerate([f"data_batch_{k}" for k in range(1, 6)] + ["test_batch"]):
        count = 1 + i % 2
        write(ten / name, {"data": data([10 * i + j for j in range(count)]), "labels": [(3 * i + 5 * j) % 10 for j in range(count)]})
    write(ten / "batches.meta", {"label_names": names})
    for name, levels in (("train", [7, 8, 9]), ("test", [70, 80])):
        write(hundred / name, {"data": data(levels), "fine_labels": [(l * 13) % 100 for l in levels],
                               "coarse_labels": [(l * 3) % 20 for l in levels]})
    write(hundred / "meta", {"fine_label_names": [f"fine{i}" for i in range(100)], "coarse_label_names": [f"coarse{i}" for i in range(20)]})
    for name, kind in (("cifar10", D.CIFAR10), ("cifar100", D.CIFAR100)):
        for split in ("train", "test"):
            d = kind(work, split == "train")
            answer(f"{name} {split}", d.classes, [[int(im[0, 0, 0]), int(y)] for im, y in zip(d.data, d.targets)])
    keep(ten, "cifar10")
    keep(hundred, "cifar100")


def lsun():
    base = work / "lsun"
    grey = 0
    for name, count in (("tower_train", 2), ("bedroom_train", 3), ("bedroom_val", 1)):
        folder = base / f"{name}_lmdb"
        folder.mkdir(parents=True)
        database = lmdb.open(str(folder), map_size=1 << 20)
        with database.begin(write=True) as transaction:
            for _ in range(count):
                grey += 10
                kind = ("JPEG", "WEBP", "PNG")[grey // 10 % 3]
                transaction.put(b"%040x" % random.getrandbits(160), encoded(grey, 16, kind))
        database.close()
    d = D.LSUN(str(base), classes=["bedroom_train", "tower_train"])
    answer("lsun train", ["bedroom", "tower"], [[im.getpixel((3, 3))[0], y] for im, y in (d[i] for i in range(len(d)))])
    for cache in Path.cwd().glob("_cache_*"):
        cache.unlink()
    keep(base, "lsun")


def car():
    """What StyleGAN2's dataset_tool.py makes of one image (center-crop-wide, 512 x 384), less its padding; others are too
    small for it. Every 48th pixel of the middle 384 x 384."""
    y, x = np.mgrid[0:431, 0:541]
    array = np.stack([x // 9 % 4 * 80, y // 7 % 5 * 60, (x // 30 + y // 30) % 2 * 255], -1).astype(np.uint8)
    folder = work / "car"
    folder.mkdir()
    database = lmdb.open(str(folder), map_size=1 << 20)
    with database.begin(write=True) as transaction:
        for key, pixels in ((b"b", array), (b"a", array[:400, :511]), (b"c", array[:400, :540])):
            out = io.BytesIO()
            Image.fromarray(pixels).save(out, "PNG", optimize=True)
            transaction.put(key, out.getvalue())
    database.close()
    rows = int(np.round(512 * array.shape[0] / array.shape[1]))
    middle = array[(array.shape[0] - rows) // 2:(array.shape[0] + rows) // 2]
    wide = np.asarray(Image.fromarray(middle).resize((512, 384), Image.LANCZOS))
    answers["car"] = {"pixels": wide[::48, 64:448:48].reshape(-1).tolist()}
    keep(folder, "car")


def imagenet():
    """From the official tars, as torchvision unpacks them."""
    base = work / "imagenet"
    base.mkdir()
    wnids = ["n01443537", "n01440764", "n02012849"]

    def tar(out, members, mode="w"):
        with tarfile.open(fileobj=out, mode=mode) as archive:
            for name, content in members:
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))

    grey = 0
    inner = []
    for wnid in wnids:
        members = []
        for number in (9, 10, 2):
            grey += 5
            members.append((f"{wnid}_{number}.JPEG", encoded(grey)))
        out = io.BytesIO()
        tar(out, members)
        inner.append((f"{wnid}.tar", out.getvalue()))
    with open(base / "ILSVRC2012_img_train.tar", "wb") as out:
        tar(out, inner)
    truth = [2, 3, 1, 2, 1]
    with open(base / "ILSVRC2012_img_val.tar", "wb") as out:
        tar(out, [(f"ILSVRC2012_val_{i:08d}.JPEG", encoded(100 + i)) for i in (4, 1, 2, 5, 3)])
    fields = [(f, object) for f in ("ILSVRC2012_ID", "WNID", "words", "gloss", "num_children", "children", "wordnet_height", "num_train_images")]
    rows = [(float(i + 1), w, f"word {i}, other", "a thing", 0.0, np.zeros((1, 0)), 0.0, 3.0) for i, w in enumerate(wnids)]
    rows.append((4.0, "n00001740", "entity", "all", 3.0, np.array([[1.0, 2.0, 3.0]]), 1.0, 0.0))
    data = work / "ILSVRC2012_devkit_t12/data"
    data.mkdir(parents=True)
    scipy.io.savemat(data / "meta.mat", {"synsets": np.array(rows, fields)[:, None]}, do_compression=True)
    text(data / "ILSVRC2012_validation_ground_truth.txt", "".join(f"{t}\n" for t in truth))
    with tarfile.open(base / "ILSVRC2012_devkit_t12.tar.gz", "w:gz") as archive:
        archive.add(data.parent, "ILSVRC2012_devkit_t12")
    keep(base, "imagenet")
    keep(data, "imagenet/ILSVRC2012_devkit_t12/data")
    for split in ("train", "val"):
        d = D.ImageNet(base, split)
        answer(f"imagenet {split}", d.wnids, files([p for p, _ in d.imgs], d.targets, base))
        for row in answers[f"imagenet {split}"]["images"]:
            row.append(Image.open(base / row[0]).getpixel((0, 0))[0])


for folder in here.iterdir():
    if folder.is_dir():
        shutil.rmtree(folder)
for make in (flowers, dtd, food, pets, caltech, aircraft, cars, cifar, lsun, car, imagenet):
    make()
lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in answers.items())
(here / "answers.json").write_text("{\n" + lines + "\n}\n")
shutil.rmtree(work)
