#!/usr/bin/env bash
# The paper's Figure 3: time and energy of an epoch of SimCLR with a ResNet-18, at four batch sizes, where the views come
# from image files, from a stream that was stored before, or from the generator while the encoder is trained.
#
#     examples/figure3.sh [--data imagefolder:DIR --split train] [-o FILE.png]
#
# Image files are those of --data, as hl-sample(1) and hl-data(7) have them: NAME:DIR; without it 256 PNGs of the built-in
# generator, which are read sooner than photographs are. An epoch is -n samples in each arm,
# and what storing the stream has cost stands beside the table. Other options:
#
#     --split NAME    of the data set (default: its first)       -n N            samples of an epoch (default 8192)
#     --weights FILE  generator (default: the built-in one)      --batches LIST  default: 32,64,128,256
#     --size N        side of the images (default 64)            --width N       of the network (default 64)
#     --watts W       to estimate energy where nothing counts it, as in a virtual machine
#     --country CODE  for grams of CO2e beside it                --folder DIR    of records and stream (default: figure3)
#     -o FILE         the figure (default: figure3.png in that folder)
#
# The paper took CodeCarbon's energy of a GPU; this is the processors' by their counters, or W times the programs' share of
# them: hl-run(5). What has been measured stays in the folder and is not measured again.
#
# The programs are those on PATH, else those of .build/release.
set -euo pipefail
source "$(dirname "$0")/common.sh"

data= split=() weights=() count=8192 batches=32,64,128,256 size=64 width=64 cost=() watts= folder=figure3 output=
while (($#)); do
    (($# > 1)) || fail 64 "$1 has no value: give it one"
    case $1 in
        --data) data=$2 ;;
        --split) split=(--split "$2") ;;
        --weights) weights=(--weights "$2") ;;
        -n) count=$2 ;;
        --batches) batches=$2 ;;
        --size) size=$2 ;;
        --width) width=$2 ;;
        --watts) watts=$2; cost+=(--watts "$2") ;;
        --country) cost+=(--country "$2") ;;
        --folder) folder=$2 ;;
        -o) output=$2 ;;
        *) fail 64 "what is $1? see --help" ;;
    esac
    shift 2
done
[[ $count =~ ^[1-9][0-9]*$ ]] || fail 64 "$count samples make no epoch: give -n a number"

# Half of the figure is about energy, which nobody wants to miss after hours.
energy=$watts
for counter in /sys/class/powercap/intel-rapl*/energy_uj; do [[ -r $counter ]] && energy=counted && break; done
[[ -n $energy ]] || echo "figure3.sh: no counter of energy can be read here: the figure has time alone; --watts estimates energy" >&2

generated() { hl-sample ${weights[@]+"${weights[@]}"} --size "$size" -n "$count" -q "$@"; }

# One epoch at one batch size, from standard input or a file. Its encoder is not kept.
train() {
    local place=$1 batch=$2
    shift 2
    hl-train --method simclr --arch resnet18 --width "$width" --batch "$batch" -n "$count" -q \
        -o "$folder/encoder.safetensors" --force --record "$place/train.run.json" ${cost[@]+"${cost[@]}"} "$@"
}

from_images() {
    hl-sample --data "$data" ${split[@]+"${split[@]}"} --size "$size" --shuffle --epochs 0 -n "$count" -q \
        --record "$1/sample.run.json" ${cost[@]+"${cost[@]}"} | train "$@"
}

from_stored() { train "$@" "$folder/views.hls"; }

from_online() {
    generated --record "$1/sample.run.json" ${cost[@]+"${cost[@]}"} |
        hl-perturb --chunks 1-5 -q --record "$1/perturb.run.json" ${cost[@]+"${cost[@]}"} | train "$@"
}

# made_up: image files where none are given.
made_up() {
    local place=$folder/images.png number
    data=imagefolder:$place,labels=none
    [[ ! -d $place ]] || return 0
    rm -rf "$place.part"
    mkdir -p "$place.part"
    hl-sample --clean --size "$size" -n 256 --render -q --record none -o "$place.part/all.hls"
    for ((number = 0; number < 256; number++)); do
        hl-view "$place.part/all.hls" --rows 1 --columns 1 --skip $number --zoom 1 --no-captions -q -o "$place.part/$number.png"
    done
    rm "$place.part/all.hls"
    mv "$place.part" "$place"
}

mkdir -p "$folder/storing"
[[ -n $data ]] || made_up
if [[ ! -e $folder/views.hls ]]; then
    generated --record "$folder/storing/sample.run.json" ${cost[@]+"${cost[@]}"} |
        hl-perturb --chunks 1-5 --render -q -o "$folder/views.hls" --record "$folder/storing/perturb.run.json" \
            ${cost[@]+"${cost[@]}"}
fi
# The arms take turns, so that a machine whose speed drifts slows them alike.
for batch in ${batches//,/ }; do
    for arm in images stored online; do
        place=$folder/$arm/$batch
        [[ -e $place.done ]] && continue
        echo "$arm, batch $batch" >&2
        rm -rf "$place"
        mkdir -p "$place"
        "from_$arm" "$place" "$batch"
        touch "$place.done"
    done
done
rm -f "$folder/encoder.safetensors"

values=seconds,cpu_seconds
if [[ -n $energy ]]; then values=seconds,joules; fi
runs=("$folder/images" "$folder/stored" "$folder/online")
hl-view --runs --pipelines "${runs[@]}" --against batch --values $values -o "${output:-$folder/figure3.png}"
hl-view --runs --pipelines "${runs[@]}" "$folder/storing" --sort batch --values "batch,$values"
