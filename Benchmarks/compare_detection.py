#!/usr/bin/env python3
"""Compares hl-ap with the transcription of VOC's development kit and of detectron2 (Tests/HLStatisticsTests/Fixtures).

    python compare_detection.py [--sets 1000] [--images 12] [--within 1e-6] [--seed 1]

A set is the detections of one class on some images: of twenty classes a data set in VOC's layout is written, with its
annotations as XML and its detections as texts and as COCO's results, and measured by both rules and both averages.
Finds the programs on PATH. Prints the largest difference in average precision (of 0 to 1) over all classes and overlaps,
and leaves with 1 where it is above --within.
"""
import argparse
import json
import math
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "Tests/HLStatisticsTests/Fixtures"))
from make_detections import AVERAGES, RULES, THRESHOLDS, average_precision, random_set

CLASSES = (
    "aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person pottedplant sheep "
    "sofa train tvmonitor"
).split()


def write(folder, classes, images):
    """The data set and its detections, which are (detections, targets) of each class."""
    voc, texts = folder / "VOC2007", folder / "texts"
    for place in (voc / "Annotations", voc / "ImageSets/Main", texts):
        place.mkdir(parents=True)
    names = [f"{7 * number + 1:06}" for number in range(images)]
    (voc / "ImageSets/Main/test.txt").write_text("".join(f"{name}\n" for name in names))
    results = []
    for number, name in enumerate(names):
        objects = "".join(
            f"<object><name>{label}</name><difficult>{int(difficult)}</difficult><bndbox><xmax>{bb[2]}</xmax>"
            f"<xmin>{bb[0]}</xmin><ymin>{bb[1]}</ymin><ymax>{bb[3]}</ymax></bndbox>"
            "<part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></part>"
            "</object>\n"
            for label, (_, targets) in zip(CLASSES, classes)
            for bb, difficult in targets[number]
        )
        (voc / f"Annotations/{name}.xml").write_text(f"<annotation>\n<filename>{name}.jpg</filename>\n{objects}</annotation>\n")
    for category, (label, (detections, _)) in enumerate(zip(CLASSES, classes)):
        lines = [f"{names[image]} {score:.3f} {' '.join(f'{c:.1f}' for c in bb)}" for image, score, bb in detections]
        (texts / f"comp4_det_test_{label}.txt").write_text("\n".join(lines))
        results += [
            {
                "image_id": int(names[image]) if category % 2 else names[image],
                "category_id": category + 1,
                "bbox": [bb[0] - 1, bb[1] - 1, bb[2] - bb[0] + 1, bb[3] - bb[1] + 1],
                "score": score,
            }
            for image, score, bb in detections
        ]
    (folder / "results.json").write_text(json.dumps(results))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=int, default=1000)
    parser.add_argument("--images", type=int, default=12)
    parser.add_argument("--within", type=float, default=1e-6)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    random = np.random.default_rng(options.seed)
    largest, compared, sets = 0.0, 0, 0
    for _ in range(math.ceil(options.sets / len(CLASSES))):
        classes = [random_set(random, options.images) for _ in CLASSES]
        sets += len(classes)
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            write(folder, classes, options.images)
            for rules in RULES:
                for average in AVERAGES:
                    for given in ("texts", "results.json"):
                        command = ["hl-ap", "--data", f"voc:{folder}", "--rules", rules, "--average", average, "--json"]
                        if given == "results.json":
                            command += ["--first-category", "1"]
                        said = json.loads(subprocess.run(command + [folder / given], check=True, capture_output=True).stdout)
                        for label, (detections, targets) in zip(CLASSES, classes):
                            expected = [average_precision(detections, targets, t, rules, average) for t in THRESHOLDS]
                            found = [value / 100 for value in said["classes"][label]["by_threshold"]]
                            largest = max(largest, np.abs(np.subtract(expected, found)).max())
                            compared += len(expected)
    print(f"{sets} sets of detections, {compared} average precisions: the largest difference is {largest:.1e}")
    sys.exit(int(largest > options.within))


if __name__ == "__main__":
    main()
