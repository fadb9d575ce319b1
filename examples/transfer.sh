#!/usr/bin/env bash
# Transfer to many data sets, the paper's Tables 3 (left) and 4: every encoder on every set that lies in a folder.
#
#     examples/transfer.sh --data DIR [--sets a,b] [--recipe lbfgs|paper] [--seeds N] [--passes 60]
#                          [--folder hl-transfer] [--size PIXELS] NAME=ENCODER...
#
# A row is NAME=FILE, a file that hl-encode reads, or its options: 'real=real.safetensors', 'untrained=--untrained',
# 'lite0=--encoder efficientnet-lite0.pth --side 128 --crop 112'. Rows come in the order in which they are given.
#
# A set is a folder of DIR, and is known by what lies in it or one folder deeper: Birdsnap, Caltech-101, CIFAR-10 and -100,
# DTD, Flowers-102, Food-101, Pets, Cars, Aircraft, VOC, MNIST and Fashion-MNIST as hl-data(7) has them, class folders in
# train and test (or val), or streams train.hls and test.hls, at the size that they have. Of class folders alone, and of DTD without its lists, a third of each class's images,
# drawn by the files' checksums, is tested on.
#
#   lbfgs  logistic regression on embeddings of central crops, which are made once, the penalty chosen on validation
#          samples; each set by the measure that the field reports for it
#   paper  the paper's linear evaluation: SGD at rate 30 for 60 epochs, on a fresh crop of every image in each; top-1.
#          It chooses nothing: published validation images are left out. Fewer --passes use each crop in several epochs,
#          at a fraction of the time
#
# Images are made for the side that an encoder expects, or --size. Seeds are the recipe's, one and five, or --seeds: they
# draw lbfgs' validation samples where a set has no split for them, and paper's initial weights and order.
#
# What is done stays in the folder and is not done again: embeddings, and for every recipe, row and set what hl-probe --json
# says. A row whose encoder has become another one needs another folder.
set -euo pipefail
source "$(dirname "$0")/common.sh"

data= sets= recipe=lbfgs seeds= passes=60 folder=hl-transfer size= rows=()
while (($#)); do
    case $1 in
        --data | --sets | --recipe | --seeds | --passes | --folder | --size)
            (($# > 1)) || fail 64 "$1 has no value: give it one"
            declare "${1#--}=$2"
            shift 2
            ;;
        [!-]*=?*) rows+=("$1"); shift ;;
        *) fail 64 "what is $1? give --data, --sets, --recipe, --seeds, --passes, --folder, --size, or an encoder as NAME=FILE" ;;
    esac
done
[[ -n $data ]] || fail 64 "there are no data sets: give --data DIR"
[[ -d $data ]] || fail 66 "$data is no folder: give --data the folder that holds the data sets"
[[ $recipe == lbfgs || $recipe == paper ]] || fail 64 "there is no recipe $recipe: give --recipe lbfgs or paper"
[[ -n $seeds ]] || { [[ $recipe == paper ]] && seeds=5 || seeds=1; }
[[ $seeds =~ ^[1-9][0-9]*$ ]] || fail 64 "cannot take $seeds seeds: give --seeds from 1"
[[ $passes =~ ^[1-9][0-9]*$ ]] || fail 64 "cannot make $passes passes: give --passes from 1"
[[ -z $size || $size =~ ^[1-9][0-9]*$ ]] || fail 64 "images cannot have $size pixels: give --size from 1"
((${#rows[@]})) || fail 64 "there is no encoder: give some, such as real=real.safetensors"
data=$(realpath "$data")

# options ROW: the words that hl-encode and hl-probe take for it, a line each; files by their whole path.
options() {
    local word words last=
    read -ra words <<<"${1#*=}"
    [[ ${words[0]} == -* ]] || words=(--encoder "${1#*=}")
    for word in "${words[@]}"; do
        [[ $last == --encoder ]] && word=$(realpath -m "$word")
        echo "$word"
        last=$word
    done
}
row_names=() row_options=()
for row in "${rows[@]}"; do
    [[ ${row%%=*} =~ ^[[:alnum:]][[:alnum:]._+-]*$ ]] || fail 64 "'${row%%=*}' is no name for a row: use letters, digits, . _ + and -"
    [[ " ${row_names[*]-} " != *" ${row%%=*} "* ]] || fail 64 "two rows are named ${row%%=*}: give each a name of its own"
    row_names+=("${row%%=*}")
    row_options+=("$(options "$row")")
done
mkdir -p "$folder"
cd "$folder"
# Results of other settings lie beside.
run=$recipe-$seeds
[[ $recipe == lbfgs ]] || run+=-$passes
[[ -z $size ]] || run+=-$size
mkdir -p encoders splits images embeddings "results/$run"

# ---------------------------------------------------------------------------------------------------------- data sets

# published DIR: kind and splits (train, validation or -, test) of a set in the layout of its authors.
published() {
    local at=$1
    [[ -d $at/101_ObjectCategories ]] && { echo caltech101 train - test; return; }
    [[ -e $at/imagelabels.mat ]] && { echo flowers102 train val test; return; }
    [[ -e $at/species.txt ]] && { echo birdsnap train - test; return; }
    [[ -e $at/labels/train1.txt ]] && { echo dtd train val test; return; }
    [[ -e $at/meta/train.json ]] && { echo food101 train - test; return; }
    [[ -e $at/annotations/trainval.txt ]] && { echo pets trainval - test; return; }
    [[ -d $at/cars_train ]] && { echo cars train - test; return; }
    [[ -e $at/data/variants.txt ]] && { echo aircraft train val test; return; }
    [[ -d $at/ImageSets/Main ]] && { echo voc train val test; return; }
    [[ -e $at/data_batch_1 || -e $at/data_batch_1.bin ]] && { echo cifar10 train - test; return; }
    [[ -e $at/fine_label_names.txt || -f $at/train && -f $at/meta ]] && { echo cifar100 train - test; return; }
    if compgen -G "$at/train-images*idx3-ubyte*" >/dev/null || compgen -G "$at/raw/train-images*idx3-ubyte*" >/dev/null; then
        [[ ${at,,} == *fashion* ]] && echo fashion-mnist train - test || echo mnist train - test
        return
    fi
    [[ -d $at/train && -d $at/test ]] && { echo imagefolder train - test; return; }
    [[ -e $at/train.hls && -e $at/test.hls ]] && { echo streams train - test; return; }
    [[ -d $at/train && -d $at/val ]] && { echo imagefolder train - val; return; }
    return 1
}

# has_classes DIR: whether it holds two folders of images or more, and nothing that looks like a set of its own.
has_classes() { (($(find -L "$1" -mindepth 2 -maxdepth 2 -type f -iregex '.*\.\(jpe?g\|png\|webp\)' -printf '%h\n' 2>/dev/null | sort -u | wc -l) > 1)); }

# split NAME DIR: links splits/NAME/{train,test}/CLASS/IMAGE, two in train for one in test, in the order of
# the files' checksums.
split() {
    [[ -d splits/$1 ]] && return
    rm -rf "splits/$1.part"
    local class image place to
    for class in "$2"/*/; do
        class=$(basename "$class")
        mkdir -p "splits/$1.part/train/$class" "splits/$1.part/test/$class"
        place=0
        while read -r _ _ image; do
            ((++place % 3)) && to=train || to=test
            ln -s "$2/$class/$image" "splits/$1.part/$to/$class/$image"
        done < <(cd "$2/$class" && cksum -- * | LC_ALL=C sort -n)
    done
    mv "splits/$1.part" "splits/$1"
}

# Every set: its name, what --data takes, and its splits.
set_names=() set_sources=() set_splits=()
found() { set_names+=("$1"); set_sources+=("$2"); set_splits+=("$3"); }
look() {
    local name=$1 dir=$2 at kind splits
    for at in "$dir" "$dir"/*/; do
        at=${at%/}
        if read -r kind splits < <(published "$at"); then
            # Of all classes that an image shows, for the mean average precision.
            [[ $kind == voc && $recipe == lbfgs ]] && at+=,class=all
            found "$name" "$kind:$at" "$splits"
            return
        fi
    done
    for at in "$dir/images" "$dir"/*/images "$dir"; do
        if [[ -d $at ]] && has_classes "$at"; then
            split "$name" "$at"
            found "$name" "imagefolder:$PWD/splits/$name" "train - test"
            return
        fi
    done
    echo "$(basename "$0"): $dir is left out: it is in no layout that is known" >&2
}
if [[ -n $sets ]]; then
    for name in ${sets//,/ }; do
        [[ -d $data/$name ]] || fail 66 "there is no folder $data/$name: give --sets names of folders in $data"
        look "$name" "$data/$name"
    done
else
    for dir in "$data"/*/; do look "$(basename "$dir")" "${dir%/}"; done
fi
((${#set_names[@]})) || fail 66 "there are no data sets in $data: see the layouts of hl-data(7)"

# ----------------------------------------------------------------------------------------------------------- encoders

# describe NAME OPTIONS: leaves encoders/NAME, what hl.encoder says of it, and refuses another one than before.
describe() {
    local now
    now=$(hl-sample --size 64 -n 1 -q | hl-encode "${@:2}" --drop-images -q 2>/dev/null | hl-view --header | sed -n 's/^hl.encoder *//p') ||
        { hl-sample --size 64 -n 1 -q | hl-encode "${@:2}" -q >/dev/null || fail $? "$1 is no encoder: see the message above"; }
    local before
    before=$([[ ! -e encoders/$1 ]] || said "$1" fingerprint)
    # The file may lie elsewhere now.
    echo "$now" >"encoders/$1.part"
    [[ -z $before || $(said "$1.part" fingerprint) == "$before" ]] || {
        rm "encoders/$1.part"
        fail 78 "$folder holds results of another encoder $1: give the row another name, or another --folder"
    }
    mv "encoders/$1.part" "encoders/$1"
}
# said NAME KEY: a text or number of it.
said() { sed -nE 's/.*"'"$2"'":"?([^",}]*).*/\1/p' "encoders/$1"; }

# sample SET SPLIT SIDE: images of a split to stdout.
sample() {
    case ${set_sources[$1]} in
        streams:*) cat "${set_sources[$1]#*:}/$2.hls" ;;
        *) hl-sample --data "${set_sources[$1]}" --split "$2" --size "$3" -q ;;
    esac
}
embed() { sample "$1" "$2" "$3" | hl-encode "${@:4}" --drop-images -q; }

# result ROW SET: what hl-probe --json said. Each row has a folder: names of rows and sets may have hyphens.
result() { echo "results/$run/$1/$2.json"; }
# probe ROW SET: leaves that.
probe() {
    local row=$1 set=$2 name=${row_names[$1]} side words part train validation test files=()
    local result
    result=$(result "$name" "${set_names[set]}")
    [[ -e $result ]] && return
    mkdir -p "results/$run/$name" "embeddings/$name"
    echo "${set_names[set]}, $name, $recipe" >&2
    mapfile -t words <<<"${row_options[row]}"
    side=${size:-$(said "$name" side)}
    read -r train validation test <<<"${set_splits[set]}"
    for part in "$train" "$validation" "$test"; do
        # Which penalty is chosen by them; the paper's evaluation has none.
        if [[ $part == - || $recipe == paper && $part == "$validation" && $part != "$test" ]]; then
            files+=("")
        elif [[ $recipe == lbfgs ]]; then
            files+=("embeddings/$name/$side-${set_names[set]}-$part.hls")
            keep "${files[-1]}" embed "$set" "$part" "$side" "${words[@]}"
        else
            files+=("images/${set_names[set]}-$side-$part.hls")
            keep "${files[-1]}" sample "$set" "$part" "$side"
        fi
    done
    local options=(--recipe "$recipe" --train "${files[0]}" --test "${files[2]}" --json -q)
    if [[ $recipe == paper ]]; then
        options+=(--seeds "$seeds" --passes "$passes" "${words[@]}")
    elif [[ -n ${files[1]} ]]; then
        # Nothing is left to be drawn.
        options+=(--validation "${files[1]}")
    else
        options+=(--seeds "$seeds")
    fi
    keep "$result" hl-probe "${options[@]}"
}

for row in "${!row_names[@]}"; do
    mapfile -t words <<<"${row_options[row]}"
    describe "${row_names[row]}" "${words[@]}"
done
for set in "${!set_names[@]}"; do
    for row in "${!row_names[@]}"; do probe "$row" "$set"; done
done

# ------------------------------------------------------------------------------------------------------------- tables

# measure RESULT: the name of the measure that a set is reported by; the paper's is top-1.
measure() {
    [[ $recipe == paper ]] && echo top1 && return
    awk '$1 == "\"metric\":" { inside = 1 } inside && $1 == "\"name\":" { gsub(/[",]/, "", $2); print $2; exit }' "$1"
}
# score RESULT: mean and deviation of the classifier by that measure; - for that of a single seed.
score() {
    awk -v wanted="\"$(measure "$1")\":" '
        $1 == "\"linear\":" { linear = 1 }
        linear && $1 == wanted { inside = 1 }
        inside && $1 == "\"mean\":" { mean = $2 }
        inside && $1 == "\"std\":" { std = $2; sub(",", "", mean); sub(",", "", std); print mean, std == "null" ? "-" : std; exit }' "$1"
}
cell() { printf "%s" "$(score "$1" | awk '{ printf($2 == "-" ? "%.1f" : "%.1f ± %.1f", $1, $2) }')"; }

measures=()
for set in "${!set_names[@]}"; do
    measures+=("$(measure "$(result "${row_names[0]}" "${set_names[set]}")")")
done
about=$recipe
plural=$( ((seeds == 1)) || echo s)
if [[ $recipe == paper ]]; then
    about+=", $seeds seed$plural"
elif [[ " ${set_splits[*]} " == *" - "* ]]; then
    # Where validation samples are published nothing is drawn.
    about+=", $seeds seed$plural where validation samples are drawn"
fi
[[ $recipe == lbfgs || $passes == 60 ]] || about+=", $passes passes"
echo "Table 4 ($about, test sets; mean ± std in percent)"
echo
{
    printf 'Encoder'
    printf '\t%s' "${set_names[@]}"
    printf '\n'
    for measure in "${measures[@]}"; do printf '\t%s' "$measure"; done
    printf '\n'
    for name in "${row_names[@]}"; do
        printf '%s' "$name"
        [[ -n $(said "$name" supervision) ]] && printf ' (supervised)'
        for set in "${set_names[@]}"; do printf '\t%s' "$(cell "$(result "$name" "$set")")"; done
        printf '\n'
    done
} | columns
echo
echo "Table 3, left (mean over the ${#set_names[@]} sets)"
echo
for name in "${row_names[@]}"; do
    for set in "${set_names[@]}"; do score "$(result "$name" "$set")"; done |
        awk -v name="$name" '{ sum += $1 } END { printf "%-24s %6.1f\n", name, sum / NR }'
done
for name in "${row_names[@]}"; do
    supervision=$(said "$name" supervision)
    [[ -z $supervision ]] || echo "$name has been trained on $supervision."
done
