#!/usr/bin/env python3
"""Makes detections.json beside this file: average precisions of random detections of one class on a few images.

Transcribed into NumPy from VOCevaldet.m, VOCap.m and the 11-point loop of Pascal VOC's development kits of 2007 and 2012
(rules "devkit"; `0:0.1:1` as MATLAB counts it), and from detectron2/evaluation/pascal_voc_evaluation.py (rules
"detectron2"), but that equal scores keep their order, as MATLAB's sort has it. Many overlaps and recalls lie on a
threshold exactly, many scores are equal. Run it as it stands; needs numpy. Benchmarks/compare_detection.py compares more.
"""
import json
import pathlib

import numpy as np

THRESHOLDS = [hundredths / 100.0 for hundredths in range(50, 100, 5)]
RULES = ["detectron2", "devkit"]
AVERAGES = ["11-point", "area"]


def matlab_colon(first, step, last):
    """first:step:last, whose elements are counted from the nearer end."""
    count = int(np.floor((last - first) / step * (1 + 1e-10)))
    return [first + i * step if 2 * i <= count else last - (count - i) * step for i in range(count + 1)]


def assign(detections, targets, threshold, rules):
    """True and false positives, cumulative: detections are (image, score, box), targets per image (box, difficult)."""
    order = np.argsort([-score for _, score, _ in detections], kind="stable")
    found = [np.zeros(len(objects), bool) for objects in targets]
    tp, fp = np.zeros(len(detections)), np.zeros(len(detections))
    for place, index in enumerate(order):
        image, _, bb = detections[index]
        best, chosen = -np.inf, None
        for number, (truth, _) in enumerate(targets[image]):
            width = min(bb[2], truth[2]) - max(bb[0], truth[0]) + 1
            height = min(bb[3], truth[3]) - max(bb[1], truth[1]) + 1
            if width > 0 and height > 0:
                union = (
                    (bb[2] - bb[0] + 1) * (bb[3] - bb[1] + 1)
                    + (truth[2] - truth[0] + 1) * (truth[3] - truth[1] + 1)
                    - width * height
                )
                overlap = width * height / union
                if overlap > best:
                    best, chosen = overlap, number
        if best > threshold or rules == "devkit" and best >= threshold:
            if not targets[image][chosen][1]:
                if found[image][chosen]:
                    fp[place] = 1
                else:
                    tp[place] = 1
                    found[image][chosen] = True
        else:
            fp[place] = 1
    return np.cumsum(tp), np.cumsum(fp)


def average_precision(detections, targets, threshold, rules, average):
    """Of one class at one overlap; NaN where there is nothing to find."""
    positives = sum(not difficult for objects in targets for _, difficult in objects)
    if positives == 0:
        return float("nan")
    tp, fp = assign(detections, targets, threshold, rules)
    recall = tp / positives
    with np.errstate(invalid="ignore"):
        # Nothing counted yet is no precision: MATLAB's max passes NaN over, and NumPy's twin divides by epsilon.
        precision = np.nan_to_num(tp / (tp + fp), nan=0.0)
    if average == "11-point":
        points = np.arange(0.0, 1.1, 0.1) if rules == "detectron2" else matlab_colon(0.0, 0.1, 1.0)
        return sum(max(precision[recall >= point], default=0.0) / 11 for point in points)
    mrec = np.concatenate([[0.0], recall, [1.0]])
    mpre = np.concatenate([[0.0], precision, [0.0]])
    for i in range(len(mpre) - 2, -1, -1):
        mpre[i] = max(mpre[i], mpre[i + 1])
    steps = np.nonzero(mrec[1:] != mrec[:-1])[0]
    return float(np.sum((mrec[steps + 1] - mrec[steps]) * mpre[steps + 1]))


def box(random, side=60):
    """Integer corners, so that overlaps can be thresholds exactly."""
    left, top = random.integers(1, side - 10, 2)
    return [int(left), int(top), int(left + random.integers(4, 40)), int(top + random.integers(4, 40))]


def random_set(random, images):
    """Detections of one class and its objects in every image."""
    targets = [
        [(box(random), bool(random.random() < 0.25)) for _ in range(random.integers(0, 5))] for _ in range(images)
    ]
    detections = []
    for image, objects in enumerate(targets):
        for truth, _ in objects:
            for _ in range(random.integers(0, 4)):
                moved = [int(c + random.integers(-2, 3)) for c in truth]
                if random.random() < 0.2:
                    # A half, or so, of the object.
                    moved = truth[:2] + [truth[2], truth[1] + (truth[3] - truth[1] + 1) // 2 - 1]
                moved[2], moved[3] = max(moved[0], moved[2]), max(moved[1], moved[3])
                detections.append((image, round(random.random() * 20) / 20, moved))
        for _ in range(random.integers(0, 3)):
            detections.append((image, round(random.random() * 20) / 20, box(random)))
    random.shuffle(detections)
    return [(int(image), float(score), [int(c) for c in bb]) for image, score, bb in detections], targets


def main():
    random = np.random.default_rng(16)
    sets = []
    for number in range(16):
        detections, targets = random_set(random, 1 + number % 6)
        entry = {
            "detections": [[image, score, *bb] for image, score, bb in detections],
            "targets": [[[*bb, int(difficult)] for bb, difficult in objects] for objects in targets],
        }
        if any(not difficult for objects in targets for _, difficult in objects):
            for rules in RULES:
                for average in AVERAGES:
                    entry[f"{rules} {average}"] = [
                        round(average_precision(detections, targets, t, rules, average), 12) for t in THRESHOLDS
                    ]
        sets.append(entry)
    path = pathlib.Path(__file__).with_name("detections.json")
    path.write_text("[\n" + ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in sets) + "\n]\n")


if __name__ == "__main__":
    main()
