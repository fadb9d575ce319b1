#!/usr/bin/env bash
# Detection with an encoder, the AP columns of the paper's Table 2: exports it, writes the configuration of Faster R-CNN
# R50-C4 for detectron2, fine-tunes all layers on Pascal VOC trainval07+12, and measures what is found on test07 by hl-ap.
#
#     examples/detection.sh --encoder encoder.safetensors --data VOCdevkit [--folder hl-detection]
#                           [--with detectron2|torchvision] [--python python3] [--gpus 1] [--iterations 24000]
#                           [--batch 16] [--short-side PIXELS] [--rois 512] [--seed 1]
#     examples/detection.sh --check --data VOCdevkit
#     examples/detection.sh --made-up DIR
#
# VOCdevkit holds VOC2007 and VOC2012, as the published archives unpack. --check says what is there and what is missing, and
# does nothing else. --made-up writes folders of the same layout with a few made-up images, to try everything with.
#
# The settings are those of MoCo's and SimSiam's transfer to VOC, which the paper takes: an extra batch norm behind res5, no
# layer frozen, batch norms synchronised, batch 16, rate 0.02 that falls tenfold after 18,000 and 22,000 of 24,000
# iterations, 100 iterations of warm-up, short side 480 to 800, 800 in the test. Other --iterations and --batch move the
# steps, and the rate, in proportion; --short-side, of one size, and --rois, boxes of an image that the head learns from, are
# for trying. The encoder is a ResNet-50: what follows res4 of C4 has its blocks. --gpus 0 takes the processors.
#
# --with torchvision is a stand-in where detectron2 cannot be had: torchvision's Faster R-CNN with the same trunk (conv1 to
# res4), the same RoI head (res5 and its extra batch norm), anchors, proposals and schedule. It differs in details that move
# AP: batch norms are those of one process and of small batches, losses and sampling are torchvision's, and it runs on one
# device. Say which one a number is by.
#
# FOLDER gets backbone.pkl or .pth, detectron2.yaml, the trained model, detections as texts in detections/, and ap.json,
# what hl-ap --json says; table2.sh prints that of FOLDER/detection/NAME. What is there is not done again.
set -euo pipefail
source "$(dirname "$0")/common.sh"

encoder= data= folder=hl-detection with=detectron2 python=python3 gpus=1 iterations=24000 batch=16 short_side= rois=512 seed=1 check= made_up=
while (($#)); do
    case $1 in
        --check) check=1; shift; continue ;;
        --encoder | --data | --folder | --with | --python | --gpus | --iterations | --batch | --short-side | --rois | --seed | --made-up)
            (($# > 1)) || fail 64 "$1 has no value: give it one"
            name=${1#--}
            declare "${name//-/_}=$2"
            shift 2
            ;;
        *) fail 64 "what is $1? see --help" ;;
    esac
done
for name in iterations batch seed rois; do
    [[ ${!name} =~ ^[1-9][0-9]*$ ]] || fail 64 "--$name cannot be ${!name}: give a whole number from 1"
done
[[ $gpus =~ ^[0-9]+$ ]] || fail 64 "cannot take $gpus GPUs: give --gpus a whole number"
[[ -z $short_side || $short_side =~ ^[1-9][0-9]*$ ]] || fail 64 "--short-side cannot be $short_side: give pixels"
[[ $with == detectron2 || $with == torchvision ]] || fail 64 "there is no $with here: give --with detectron2 or torchvision"

if [[ -n $made_up ]]; then
    command -v "$python" >/dev/null || fail 66 "there is no $python: give --python one with NumPy and Pillow"
    exec "$python" "$here/detection.py" made-up "$made_up"
fi

# ------------------------------------------------------------------------------------------------------------- the data

[[ -n $data ]] || fail 64 "there is no data set: give --data the folder that holds VOC2007 and VOC2012"
[[ -d $data ]] || fail 66 "$data is no folder: give --data the folder that holds VOC2007 and VOC2012"
data=$(realpath "$data")
[[ -d $data/VOC2007 || ! -d $data/VOCdevkit ]] || data=$data/VOCdevkit
missing=0
for part in 2007-trainval 2012-trainval 2007-test; do
    place=$data/VOC${part%-*} list=ImageSets/Main/${part#*-}.txt
    if [[ ! -e $place/$list ]]; then
        echo "VOC${part%-*} ${part#*-}: $place/$list is missing" >&2
        missing=1
        continue
    fi
    gone=$(awk 'NF { print $1 }' "$place/$list" | while read -r image; do
        [[ -e $place/JPEGImages/$image.jpg && -e $place/Annotations/$image.xml ]] || echo "$image"
    done)
    if [[ -n $gone ]]; then
        echo "VOC${part%-*} ${part#*-}: $(wc -l <<<"$gone") images or annotations are missing, such as $(head -n 1 <<<"$gone")" >&2
        missing=1
    elif [[ -n $check ]]; then
        echo "VOC${part%-*} ${part#*-}: $(grep -c . "$place/$list") images"
    fi
done
((missing == 0)) || fail 66 "the data set is not complete: unpack VOCtrainval_06-Nov-2007.tar, VOCtest_06-Nov-2007.tar and VOCtrainval_11-May-2012.tar in $(dirname "$data")"
[[ -z $check ]] || exit 0

# ---------------------------------------------------------------------------------------------------------- the encoder

[[ -n $encoder ]] || fail 64 "there is no encoder: give --encoder a file of hl-train"
[[ -e $encoder ]] || fail 66 "there is no $encoder: give --encoder a file of hl-train"
encoder=$(realpath "$encoder")
command -v "$python" >/dev/null || fail 66 "there is no $python: give --python one that has $with"
python=$(command -v "$python")
# By its whole path, but not by what a link leads to: a virtual environment's is a link.
python=$(cd "$(dirname "$python")" && pwd)/$(basename "$python")
if ! "$python" -c "import $with" 2>/dev/null; then
    if [[ $with == detectron2 ]]; then
        fail 69 "$python has no detectron2: install it (https://detectron2.readthedocs.io/tutorials/install.html), or give --with torchvision for the stand-in"
    fi
    fail 69 "$python has no torchvision: pip install torch torchvision"
fi
mkdir -p "$folder"
cd "$folder"
# Batch norms are synchronised where detectron2 has several GPUs.
norm=SyncBN
[[ $with == detectron2 ]] && ((gpus > 1)) || norm=BN
made_with "$(basename "$encoder"), $with, $norm, $iterations iterations of $batch, short side ${short_side:-480 to 800}, $rois RoIs, seed $seed"
export_encoder() { hl-export --encoder "$encoder" -o "$1" -q --record none; }
keep encoder.yaml export_encoder backbone.pkl
grep -q 'DEPTH: 50' encoder.yaml || fail 65 "$encoder is no ResNet-50, whose blocks the head of R50-C4 has"
[[ $with == detectron2 ]] || keep backbone.txt export_encoder backbone.pth

# --------------------------------------------------------------------------------------------- the detector and its boxes

# of SHARE: so much of all iterations.
of() { awk "BEGIN { n = int($iterations * $1 + 0.5); print (n > 0 ? n : 1) }"; }
# Of a few iterations, as to try it, no step is left.
steps="($(of 0.75), $(of 0.916667))"
((iterations >= 24)) || steps="()"
# At every call, as the device depends on it.
cat >detectron2.yaml <<END
# Faster R-CNN R50-C4 on Pascal VOC, as MoCo and SimSiam transfer to it. Weights and pixels: encoder.yaml, by hl-export.
_BASE_: encoder.yaml
MODEL:
  META_ARCHITECTURE: GeneralizedRCNN
  DEVICE: $([[ $gpus == 0 ]] && echo cpu || echo cuda)
  MASK_ON: False
  BACKBONE:
    FREEZE_AT: 0
  RESNETS:
    NORM: $norm
  RPN:
    PRE_NMS_TOPK_TEST: 6000
    POST_NMS_TOPK_TEST: 1000
  ROI_HEADS:
    NAME: Res5ROIHeadsExtraNorm
    NUM_CLASSES: 20
    BATCH_SIZE_PER_IMAGE: $rois
INPUT:
  MIN_SIZE_TRAIN: (${short_side:-480, 512, 544, 576, 608, 640, 672, 704, 736, 768, 800},)
  MIN_SIZE_TEST: ${short_side:-800}
DATASETS:
  TRAIN: ("voc_2007_trainval", "voc_2012_trainval")
  TEST: ("voc_2007_test",)
SOLVER:
  IMS_PER_BATCH: $batch
  BASE_LR: $(awk "BEGIN { print 0.02 * $batch / 16 }")
  STEPS: $steps
  MAX_ITER: $iterations
  WARMUP_ITERS: $(of 0.00416667)
TEST:
  PRECISE_BN:
    ENABLED: $( ((gpus > 0)) && echo True || echo False)
SEED: $seed
OUTPUT_DIR: .
END
if [[ ! -d detections ]]; then
    rm -rf detections.part
    mkdir detections.part
    case $with in
        detectron2) "$python" "$here/detection.py" detectron2 --data "$data" --gpus "$gpus" detectron2.yaml detections.part >&2 ;;
        torchvision)
            "$python" "$here/detection.py" torchvision --data "$data" --gpus "$gpus" --iterations "$iterations" --batch "$batch" \
                --rois "$rois" --seed "$seed" ${short_side:+--short-side "$short_side"} backbone.pth detections.part >&2
            ;;
    esac
    mv detections.part detections
fi
keep ap.json hl-ap --data "voc:$data,year=2007" --json detections -q
echo "$(basename "$encoder"), Faster R-CNN R50-C4 by $with, $iterations iterations of $batch"
hl-ap --data "voc:$data,year=2007" detections
