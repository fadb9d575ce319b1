#!/usr/bin/env bash
# The paper's Figure 2 as one picture: the same noise vector added at each level of a generator in turn.
#
#     examples/figure2.sh [shapes | cifar10]    [-o FILE.png]     what comes along: the built-in generator, or the photographs'
#     examples/figure2.sh bigbigan  [WEIGHTS] [-o FILE.png]     a row: an anchor, then a view per chunk z^0 ... z^5
#     examples/figure2.sh stylegan2 [WEIGHTS] [-o FILE.png]     a row: an anchor, then a view per group of four layers
#
# WEIGHTS is the official file, BigBiGAN_x1.pth or stylegan2-car-config-f.pkl. Without it random weights of a narrow
# network are made (random_weights.py, which needs python3): they show where latents enter, not what a trained network
# does with them. Other options:
#
#     --rows N    anchors (default 6)            --seed N    of anchors and noise (default 0)
#     --width N   channels of random weights     -o FILE     default: figure2-GENERATOR.png
#
# The programs are those on PATH, else those of .build/release.
set -euo pipefail
source "$(dirname "$0")/common.sh"

network=shapes weights= output= rows=6 seed=0 width=()
case ${1-} in
    shapes | cifar10 | bigbigan | stylegan2) network=$1; shift ;;
    '' | -*) ;;
    *) fail 64 "which generator? give shapes, cifar10, bigbigan or stylegan2 first" ;;
esac
while (($#)); do
    case $1 in
        --rows | --seed | --width | -o) (($# > 1)) || fail 64 "$1 has no value: give it one" ;;&
        --rows) rows=$2; shift 2 ;;
        --seed) seed=$2; shift 2 ;;
        --width) width=(--width "$2"); shift 2 ;;
        -o) output=$2; shift 2 ;;
        -*) fail 64 "what is $1? give a weights file, --rows, --seed, --width or -o" ;;
        *) [[ -z $weights ]] || fail 64 "what is $1? give one weights file"; weights=$1; shift ;;
    esac
done

[[ $network != cifar10 || -n $weights ]] || weights=$here/cifar10-hl32.safetensors
if [[ $network == shapes ]]; then
    [[ -z $weights ]] || fail 64 "shapes has no weights: leave out $weights"
elif [[ -n $weights ]]; then
    [[ -r $weights ]] || fail 66 "cannot read $weights: check the path, or leave it out for random weights"
else
    command -v python3 >/dev/null ||
        fail 66 "there is no python3 to make random weights: install it, or give a weights file"
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    weights=$folder/$network.safetensors
    python3 "$here/random_weights.py" "$network" ${width[@]+"${width[@]}"} -o "$weights"
fi

source_of=(--generator "$network" --weights "$weights")
case $network in
    shapes) source_of=(--clean) images=(--size 128) moves=(--chunks 0-5) ;;
    cifar10) source_of=(--weights "$weights") images=() moves=(--chunks 0-3) ;;
    bigbigan) images=() moves=(--chunks 0-5) ;;
    # Cars are 384 pixels high in the middle of 512; noise as the paper gives the last two groups, for all four.
    stylegan2)
        images=(--crop 384 --size 128)
        moves=(--group 0-3 --group 4-7 --group 8-11 --group 12-15 --std 0.8 --trunc 1)
        ;;
esac
hl-sample "${source_of[@]}" ${images[@]+"${images[@]}"} -n "$rows" --seed "$seed" |
    hl-perturb --sweep "${moves[@]}" --seed "$seed" | hl-view --rows "$rows" -o "${output:-figure2-$network.png}"
