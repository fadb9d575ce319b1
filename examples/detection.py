#!/usr/bin/env python3
"""What detection.sh needs Python for: Faster R-CNN R50-C4 by detectron2 or torchvision, and made-up folders of VOC.

    detection.py detectron2 --data VOCdevkit [--gpus 1] detectron2.yaml FOLDER
    detection.py torchvision --data VOCdevkit [--gpus 1] [--iterations 24000] [--batch 16] backbone.pth FOLDER
    detection.py made-up DIR

FOLDER gets the detections on VOC2007's test, a text for each class as VOC's development kit takes them, with the digits
that detectron2's own evaluation writes.
"""
import argparse
import os
import pathlib
import random
import xml.etree.ElementTree as ElementTree

CLASSES = (
    "aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person pottedplant sheep "
    "sofa train tvmonitor"
).split()
TRAIN = [("2007", "trainval"), ("2012", "trainval")]
TEST = ("2007", "test")


class Texts:
    """Detections of every class, as lines; corners of boxes are in pixels from 0 here and from 1 there."""

    def __init__(self):
        self.lines = {name: [] for name in CLASSES}

    def add(self, image, boxes, scores, labels):
        for (left, top, right, bottom), score, label in zip(boxes, scores, labels):
            line = f"{image} {score:.3f} {left + 1:.1f} {top + 1:.1f} {right:.1f} {bottom:.1f}"
            self.lines[CLASSES[label]].append(line)

    def write(self, folder):
        for name, lines in self.lines.items():
            pathlib.Path(folder, f"{name}.txt").write_text("".join(f"{line}\n" for line in lines))


# ---------------------------------------------------------------------------------------------------------- detectron2


def by_detectron2(options):
    # The data sets of detectron2's catalogue lie below this.
    os.environ["DETECTRON2_DATASETS"] = str(options.data)
    from detectron2.engine import launch

    # Of several GPUs each has a process of its own, to which function and options go by pickle.
    launch(train_by_detectron2, max(1, options.gpus), dist_url="auto", args=(options,))


def train_by_detectron2(options):
    from detectron2.checkpoint import DetectionCheckpointer
    from detectron2.config import get_cfg
    from detectron2.data import build_detection_test_loader
    from detectron2.engine import DefaultTrainer, default_setup
    from detectron2.evaluation import DatasetEvaluator, inference_on_dataset
    from detectron2.layers import get_norm
    from detectron2.modeling.roi_heads import ROI_HEADS_REGISTRY, Res5ROIHeads
    from detectron2.utils import comm

    @ROI_HEADS_REGISTRY.register()
    class Res5ROIHeadsExtraNorm(Res5ROIHeads):
        """Res5 with a norm behind it, as He et al. (MoCo, 2020, section 4.2) have it."""

        def __init__(self, cfg, input_shape):
            super().__init__(cfg, input_shape)
            self.res5.add_module("norm", get_norm(cfg.MODEL.RESNETS.NORM, self.res5[-1].out_channels))

    class Writer(DatasetEvaluator):
        def reset(self):
            self.found = []

        def process(self, inputs, outputs):
            for given, output in zip(inputs, outputs):
                found = output["instances"].to("cpu")
                boxes = found.pred_boxes.tensor.tolist()
                self.found.append((given["image_id"], boxes, found.scores.tolist(), found.pred_classes.tolist()))

        def evaluate(self):
            parts = comm.gather(self.found)
            if comm.is_main_process():
                texts = Texts()
                for image in (image for part in parts for image in part):
                    texts.add(*image)
                texts.write(options.folder)

    cfg = get_cfg()
    cfg.merge_from_file(options.config)
    cfg.freeze()
    default_setup(cfg, argparse.Namespace(config_file=options.config))
    # The evaluation comes once, at the end.
    cfg.defrost()
    cfg.TEST.EVAL_PERIOD = 0
    tested, cfg.DATASETS.TEST = cfg.DATASETS.TEST[0], ()
    trainer = DefaultTrainer(cfg)
    trainer.resume_or_load(resume=True)
    trainer.train()
    # Not before the first process has written it.
    comm.synchronize()
    DetectionCheckpointer(trainer.model).load(os.path.join(cfg.OUTPUT_DIR, "model_final.pth"))
    inference_on_dataset(trainer.model, build_detection_test_loader(cfg, tested), Writer())


# --------------------------------------------------------------------------------------------------------- torchvision


def by_torchvision(options):
    import torch
    import torchvision
    from PIL import Image
    from torchvision.models.detection import FasterRCNN
    from torchvision.models.detection.anchor_utils import AnchorGenerator
    from torchvision.models.detection.faster_rcnn import FastRCNNPredictor
    from torchvision.ops import MultiScaleRoIAlign

    class VOC(torch.utils.data.Dataset):
        def __init__(self, parts, augmented):
            self.augmented = augmented
            self.images = []
            for year, split in parts:
                base = pathlib.Path(options.data, f"VOC{year}")
                lines = (base / f"ImageSets/Main/{split}.txt").read_text().split("\n")
                self.images += [(base, line.split()[0]) for line in lines if line.strip()]

        def __len__(self):
            return len(self.images)

        def __getitem__(self, index):
            base, name = self.images[index]
            picture = Image.open(base / f"JPEGImages/{name}.jpg").convert("RGB")
            boxes, labels = [], []
            # Difficult objects are learned from, as in detectron2.
            for found in ElementTree.parse(base / f"Annotations/{name}.xml").getroot().findall("object"):
                corners = [float(found.find(f"bndbox/{corner}").text) for corner in ("xmin", "ymin", "xmax", "ymax")]
                boxes.append([corners[0] - 1, corners[1] - 1, *corners[2:]])
                labels.append(1 + CLASSES.index(found.find("name").text))
            pixels = torchvision.transforms.functional.to_tensor(picture)
            boxes = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
            if self.augmented and torch.rand(()) < 0.5:
                pixels = pixels.flip(-1)
                boxes[:, [0, 2]] = picture.width - boxes[:, [2, 0]]
            return name, pixels, {"boxes": boxes, "labels": torch.tensor(labels, dtype=torch.int64)}

    def model():
        network = torchvision.models.resnet50()
        network.fc = torch.nn.Identity()
        network.load_state_dict(torch.load(options.backbone, weights_only=True))
        trunk = torch.nn.Sequential(
            network.conv1, network.bn1, network.relu, network.maxpool, network.layer1, network.layer2, network.layer3
        )
        trunk.out_channels = 1024
        head = torch.nn.Sequential(
            network.layer4, torch.nn.BatchNorm2d(2048), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()
        )
        return FasterRCNN(
            trunk,
            min_size=options.short_side or tuple(range(480, 801, 32)),
            max_size=1333,
            rpn_anchor_generator=AnchorGenerator(((32, 64, 128, 256, 512),), ((0.5, 1.0, 2.0),)),
            rpn_pre_nms_top_n_train=12000,
            rpn_pre_nms_top_n_test=6000,
            rpn_post_nms_top_n_train=2000,
            rpn_post_nms_top_n_test=1000,
            box_roi_pool=MultiScaleRoIAlign(["0"], output_size=14, sampling_ratio=0),
            box_head=head,
            box_predictor=FastRCNNPredictor(2048, 1 + len(CLASSES)),
            box_batch_size_per_image=options.rois,
        )

    torch.manual_seed(options.seed)
    device = torch.device("cuda" if options.gpus else "cpu")
    detector = model().to(device).train()
    optimiser = torch.optim.SGD(detector.parameters(), 0.02 * options.batch / 16, momentum=0.9, weight_decay=1e-4)
    warmup, steps = max(1, options.iterations // 240), [options.iterations * 3 // 4, options.iterations * 11 // 12]
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda i: min(1, 1e-3 + (1 - 1e-3) * i / warmup) * 0.1 ** sum(i >= step for step in steps)
    )
    images = VOC(TRAIN, augmented=True)
    sampler = torch.utils.data.RandomSampler(images, replacement=True, num_samples=options.iterations * options.batch)
    workers = 4 if options.gpus else 0
    batches = torch.utils.data.DataLoader(images, options.batch, sampler=sampler, num_workers=workers, collate_fn=list)
    for iteration, batch in enumerate(batches):
        targets = [{key: value.to(device) for key, value in target.items()} for _, _, target in batch]
        losses = detector([pixels.to(device) for _, pixels, _ in batch], targets)
        loss = sum(losses.values())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if iteration % 20 == 0 or iteration + 1 == options.iterations:
            print(f"iteration {iteration + 1} of {options.iterations}, loss {loss.item():.3f}", flush=True)
    torch.save(detector.state_dict(), "model_final.pth")
    detector.eval()
    if not options.short_side:
        detector.transform.min_size = (800,)
    texts = Texts()
    with torch.no_grad():
        for name, pixels, _ in VOC([TEST], augmented=False):
            found = detector([pixels.to(device)])[0]
            texts.add(name, found["boxes"].tolist(), found["scores"].tolist(), (found["labels"] - 1).tolist())
    texts.write(options.folder)


# ------------------------------------------------------------------------------------------------------------- made up


def made_up(options):
    """Grey noise with rectangles, whose colour is their class, in the layout of VOC."""
    import numpy
    from PIL import Image

    chance, noise = random.Random(1), numpy.random.default_rng(1)
    for year, splits in (("2007", ("trainval", "test")), ("2012", ("trainval",))):
        base = pathlib.Path(options.data, f"VOC{year}")
        for folder in ("Annotations", "ImageSets/Main", "JPEGImages"):
            (base / folder).mkdir(parents=True, exist_ok=True)
        for split in splits:
            names = [f"{year}_{len(splits) * i + splits.index(split):06}" for i in range(10)]
            (base / f"ImageSets/Main/{split}.txt").write_text("".join(f"{name}\n" for name in names))
            for number, name in enumerate(names):
                width, height = chance.randint(180, 240), chance.randint(160, 200)
                pixels = noise.integers(96, 160, (height, width, 1)).repeat(3, 2).astype(numpy.uint8)
                objects = ""
                for label in (2 * number % 20, (2 * number + 1) % 20):
                    left, top = chance.randint(1, width // 2), chance.randint(1, height // 2)
                    right, bottom = left + chance.randint(40, width // 2), top + chance.randint(40, height // 2)
                    right, bottom = min(right, width), min(bottom, height)
                    colour = [255 * (label >> bit & 1) for bit in range(3)]
                    pixels[top - 1 : bottom, left - 1 : right] = numpy.array(colour) // (1 + label // 8)
                    objects += (
                        f"<object><name>{CLASSES[label]}</name><pose>Unspecified</pose><truncated>0</truncated>"
                        f"<difficult>{int(chance.random() < 0.1)}</difficult><bndbox><xmin>{left}</xmin><ymin>{top}</ymin>"
                        f"<xmax>{right}</xmax><ymax>{bottom}</ymax></bndbox></object>\n"
                    )
                Image.fromarray(pixels).save(base / f"JPEGImages/{name}.jpg")
                (base / f"Annotations/{name}.xml").write_text(
                    f"<annotation><filename>{name}.jpg</filename><size><width>{width}</width><height>{height}</height>"
                    f"<depth>3</depth></size>\n{objects}</annotation>\n"
                )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ways = parser.add_subparsers(required=True)
    for name, work in (("detectron2", by_detectron2), ("torchvision", by_torchvision), ("made-up", made_up)):
        way = ways.add_parser(name)
        way.set_defaults(work=work)
        if name == "made-up":
            way.add_argument("data", type=pathlib.Path)
            continue
        way.add_argument("--data", type=pathlib.Path, required=True)
        way.add_argument("--gpus", type=int, default=1)
        if name == "detectron2":
            way.add_argument("config")
        else:
            way.add_argument("--iterations", type=int, default=24000)
            way.add_argument("--batch", type=int, default=16)
            way.add_argument("--rois", type=int, default=512)
            way.add_argument("--short-side", type=int)
            way.add_argument("--seed", type=int, default=1)
            way.add_argument("backbone")
        way.add_argument("folder")
    options = parser.parse_args()
    options.work(options)


if __name__ == "__main__":
    main()
