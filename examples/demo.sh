#!/usr/bin/env bash
# Views of the built-in generator, an encoder trained on them, and what it learnt: in minutes, on two cores.
#
#     make demo            or, after make:  examples/demo.sh [FOLDER]
#
# Leaves its pictures and files in FOLDER (default: hl-demo).
set -euo pipefail
source "$(dirname "$0")/common.sh"

folder=${1:-hl-demo}
[[ $# -lt 2 && $folder != -* ]] || fail 64 "what is ${2-$1}? give a folder, or nothing"
pairs=${HL_DEMO_PAIRS:-102400}
width=16
mkdir -p "$folder"
cd "$folder"

# A picture like the paper's Figure 2: the same noise added to one chunk of the latent after the other.
hl-sample -n 8 --seed 5 --clean | hl-perturb --sweep --chunks 0-5 | hl-view --rows 8 -o sweep.png
# The views that the encoder is trained on: chunk 0 kept, all others moved.
hl-sample -n 8 --seed 5 | hl-perturb --chunks 1-5 --views 5 | hl-view --rows 8 -o views.png

echo "Training ResNet-18 (width $width) by SimCLR on $pairs pairs that are drawn, perturbed and rendered on the fly:"
hl-sample --seed 1 | hl-perturb --chunks 1-5 --seed 1 | hl-train --no-head-norm --width $width \
    -n "$pairs" --force -o encoder.safetensors

# Held-out images without defects play the part of real data.
hl-sample --clean -n 6000 --seed 1001 -o train.hls
hl-sample --clean -n 2000 --seed 1002 -o test.hls
probe() {
    hl-encode "$@" train.hls -o train-embedded.hls -q
    hl-encode "$@" test.hls -o test-embedded.hls -q
    hl-probe --train train-embedded.hls --test test-embedded.hls --features standard --learning-rate 0.3 -q
}
untrained=$(probe --untrained --width $width)
trained=$(probe --encoder encoder.safetensors)
rm -f train-embedded.hls test-embedded.hls

cat <<END

Accuracy on 2,000 held-out images of 10 classes, classifiers fitted on 6,000 (chance: 10 %)

untrained encoder
$(tail -n +2 <<<"$untrained")

trained on views with chunks 1-5 perturbed
$(tail -n +2 <<<"$trained")

Pictures: $folder/sweep.png (one chunk perturbed at a time), $folder/views.png (pairs as they were trained on)

What this shows: the pipeline works, and views that keep chunk 0 teach an encoder what chunk 0 means.
What it does not show: anything about real generators. 'shapes' has the hierarchy by construction, with the class in
chunk 0 and nothing of it in the others; whether BigBiGAN or StyleGAN2 have it is the paper's question.
END
