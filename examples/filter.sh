#!/usr/bin/env bash
# A discriminator and the filter of the paper's Appendix E on the built-in generator, a fifth of whose images are
# defective: noisy, blurred or with a broken outline. Images rendered without defects play the part of real ones.
#
#     examples/filter.sh [--samples 262144] [--test-samples 20000] [--folder hl-filter]
#
# Prints how well held-out images are told apart and the share of defects before and after the filter. Leaves
# discriminator.safetensors, report.json, and pictures of 64 samples, all.png, and of the half that is kept, kept.png.
#
# It takes many samples because four in five generated images are as good as real ones, and the network has to find out by
# itself that nothing tells those apart.
set -euo pipefail
source "$(dirname "$0")/common.sh"

samples=262144 tested=20000 folder=hl-filter
while (($#)); do
    (($# > 1)) || fail 64 "$1 has no value: give it one"
    case $1 in
        --samples) samples=$2 ;;
        --test-samples) tested=$2 ;;
        --folder) folder=$2 ;;
        *) fail 64 "what is $1? give --samples, --test-samples or --folder" ;;
    esac
    shift 2
done
mkdir -p "$folder"
cd "$folder"

hl-sample --seed 1 | hl-train discriminator -n "$samples" --force -o discriminator.safetensors \
    --real <(hl-sample --clean --seed 2)

# Samples that it has not seen.
hl-sample --seed 3 -n "$tested" |
    hl-filter --discriminator discriminator.safetensors --keep 0.5 --report report.json >/dev/null

hl-sample --seed 4 -n 64 -o some.hls
hl-view --rows 8 --columns 8 -o all.png some.hls
hl-filter -q --discriminator discriminator.safetensors --keep 0.5 --batch 32 some.hls |
    hl-view --rows 4 --columns 8 -o kept.png
rm some.hls
