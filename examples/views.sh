#!/usr/bin/env bash
# How many positives of an anchor are worth their time: top-1 against V = 1, 2, 4 and 8 positives in one loss, at equal
# anchors, where more positives cost more, and at equal time, where they leave fewer anchors.
#
#     examples/views.sh [--methods stablerep,lejepa] [--positives 1,2,4,8] [--anchors 51200] [--seeds 3] [--chunks 1-5]
#                       [--weights FILE --real SET] [--folder hl-views-runs] [-- OPTIONS OF HL-TRAIN]
#
# Without --weights it is the built-in generator, and encoders are probed on its clean samples, of which it knows the class.
# With the weights of another one they are probed on real images: --real is a data set with the splits train and test, as
# hl-sample --data takes it (cifar10:DIR), at the generator's side. What stands behind -- goes to every training, such as
# --width 64 --stem cifar --augment simclr; without it the encoder is a ResNet-18 of width 16.
#
# Equal time is that of the fewest positives on all anchors. What an anchor costs with V positives is measured once, in the
# folder's times.txt, by two short trainings, of which the difference counts; with nothing else running it is the most true.
# The probe is logistic regression on embeddings, its penalty chosen on a drawn share of the training samples (lbfgs).
#
# What is done stays in the folder and is not done again: a stopped run goes on where it was.
set -euo pipefail
source "$(dirname "$0")/common.sh"

methods=stablerep,lejepa positives=1,2,4,8 anchors=51200 seeds=3 chunks=1-5 weights= real= folder=hl-views-runs
training=(--width 16)
while (($#)); do
    case $1 in
        --) shift; (($# == 0)) || training=("$@"); break ;;
        --methods | --positives | --anchors | --seeds | --chunks | --weights | --real | --folder)
            (($# > 1)) || fail 64 "$1 has no value: give it one"
            declare "${1#--}=$2"
            shift 2
            ;;
        *) fail 64 "what is $1? give --methods, --positives, --anchors, --seeds, --chunks, --weights, --real, --folder, or options of hl-train behind --" ;;
    esac
done
[[ $positives =~ ^[1-9][0-9]*(,[1-9][0-9]*)*$ ]] || fail 64 "$positives is no list of positives: give --positives such as 1,2,4,8"
[[ $anchors =~ ^[1-9][0-9]*$ ]] || fail 64 "cannot train on $anchors anchors: give --anchors from 1"
[[ $seeds =~ ^[1-9][0-9]*$ ]] || fail 64 "cannot take $seeds seeds: give --seeds from 1"
[[ -z $weights || -e $weights ]] || fail 66 "there is no $weights: give --weights a file"
[[ -z $weights || -n $real ]] || fail 64 "images of $weights have no labels to probe with: give --real a data set"
source=()
[[ -z $weights ]] || source=(--weights "$(realpath "$weights")")
# KIND:PLACE, the place by its whole path.
[[ -z $real ]] || real=${real%%:*}:$(realpath "${real#*:}")
mkdir -p "$folder"
cd "$folder"
IFS=, read -ra counts <<<"$positives"
IFS=, read -ra names <<<"$methods"

# Results belong to one setting.
setting="${source[*]-} chunks $chunks ${training[*]} $real"
[[ -e setting.txt ]] || echo "$setting" >setting.txt
[[ $(<setting.txt) == "$setting" ]] || fail 78 "$folder holds results of another setting ($(<setting.txt)): give another --folder"

# train METHOD V ANCHORS SEED FILE ...: leaves the encoder, with further options of hl-train.
train() {
    hl-sample "${source[@]}" --seed "$4" | hl-perturb --chunks "$chunks" --views "$2" --seed "$4" |
        hl-train --method "$1" --positives "$2" "${training[@]}" -n "$3" --seed "$4" -o "$5" -q "${@:6}"
}

# remembered FILE KEY COMMAND...: what stands in the file behind the key, or what the command says, which is put there.
remembered() {
    local value
    value=$(awk -v key="$2" 'substr($0, 1, length(key) + 1) == key " " { print $NF }' "$1" 2>/dev/null || true)
    if [[ -z $value ]]; then
        value=$("${@:3}") && [[ -n $value ]] || fail 70 "there is no $2: see the message above"
        echo "$2 $value" >>"$1"
    fi
    echo "$value"
}

# The samples of a step, as hl-train has them.
batch=64
for ((i = 0; i + 1 < ${#training[@]}; i++)); do [[ ${training[i]} == --batch ]] && batch=${training[i + 1]}; done
((anchors >= batch)) || fail 64 "$anchors anchors do not fill one step of $batch: raise --anchors"

# cost METHOD V: seconds of a thousand anchors, by the difference of 6 and 26 steps.
cost() {
    local start=$EPOCHREALTIME short
    train "$1" "$2" $((6 * batch)) 0 cost.safetensors --force
    short=$EPOCHREALTIME
    train "$1" "$2" $((26 * batch)) 0 cost.safetensors --force
    awk -v a="$start" -v b="$short" -v c="$EPOCHREALTIME" -v n=$((20 * batch)) \
        'BEGIN { d = (c - b) - (b - a); printf "%.3f\n", 1000 * (d > 0 ? d : (c - b) * 20 / 26) / n }'
    rm -f cost.safetensors
}
costs() { remembered times.txt "$1 $2" cost "$1" "$2"; }

# affordable METHOD V: anchors that take the time of the fewest positives, whole steps.
affordable() {
    awk -v n="$anchors" -v b="$batch" -v one="$(costs "$1" "${counts[0]}")" -v own="$(costs "$1" "$2")" \
        'BEGIN { steps = int(n * one / own / b); print (steps > 0 ? steps : 1) * b }'
}

# probe FILE: top-1 in percent.
probe() {
    local part
    rm -f fit-embedded.hls test-embedded.hls
    for part in fit test; do
        hl-encode --encoder "$1" --drop-images -q $part.hls -o "$part-embedded.hls" || return
    done
    hl-probe --recipe lbfgs --train fit-embedded.hls --test test-embedded.hls -q | awk '$1 == "linear" { print $2 }'
    rm -f fit-embedded.hls test-embedded.hls
}

# score METHOD V ANCHORS SEED: top-1 of the encoder, which is trained where it is not there.
score() {
    local file=$1-$2-$3-$4.safetensors
    if [[ ! -e $file ]]; then
        echo "training $1 with $2 positive$( (($2 == 1)) || echo s) on $3 anchors, seed $4" >&2
        train "$1" "$2" "$3" "$4" "$file" --resume || return
    fi
    remembered scores.txt "$1 $2 $3 $4" probe "$file"
}

# Classifiers are fitted and tested on samples that no encoder is trained on.
if [[ -n $real ]]; then
    side=$(hl-sample "${source[@]}" -n 1 -q | hl-view --header | sed -nE 's/.*"resolution": ?([0-9]+).*/\1/p')
    [[ -e fit.hls ]] || hl-sample --data "$real" --split train --size "$side" -o fit.hls -q
    [[ -e test.hls ]] || hl-sample --data "$real" --split test --size "$side" -o test.hls -q
else
    [[ -e fit.hls ]] || hl-sample --clean -n 6000 --seed 2001 -o fit.hls -q
    [[ -e test.hls ]] || hl-sample --clean -n 2000 --seed 2003 -o test.hls -q
fi

# row METHOD V ANCHORS: mean and deviation over the seeds, and the paired difference to the fewest positives.
row() {
    local seed base=${counts[0]} own first
    for ((seed = 1; seed <= seeds; seed++)); do
        # Of what is echoed at once nobody sees that it failed.
        own=$(score "$1" "$2" "$3" $seed) || exit
        first=$(score "$1" "$base" "$anchors" $seed) || exit
        echo "$own $first"
    done | awk -v method="$1" -v count="$2" -v anchors="$3" -v cost="$(costs "$1" "$2")" "$student"'
        { n++; a += $1; aa += $1 * $1; d += $1 - $2; dd += ($1 - $2)^2 }
        END {
            m = a / n; s = n > 1 ? sqrt((aa - n * m * m > 0 ? aa - n * m * m : 0) / (n - 1)) : 0
            e = d / n; h = n > 1 ? student(n) * sqrt((dd - n * e * e > 0 ? dd - n * e * e : 0) / (n - 1) / n) : 0
            printf "%-10s %9d %8d %8.0f   %6.2f ± %5.2f", method, count, anchors, anchors * cost / 1000, m, s
            if (n > 1) printf "   %+6.2f [%+6.2f, %+6.2f]\n", e, e - h, e + h; else printf "   %+6.2f\n", e
        }'
}

# table AT TITLE: rows of all methods; AT is anchors or time.
table() {
    local method count
    echo "$2"
    printf '%-10s %9s %8s %8s   %-15s  %s\n' method positives anchors seconds top-1 "- ${counts[0]}"
    for method in "${names[@]}"; do
        for count in "${counts[@]}"; do
            if [[ $1 == anchors ]]; then row "$method" "$count" "$anchors"; else row "$method" "$count" "$(affordable "$method" "$count")"; fi
        done
    done
}

# What anchors cost is measured before anything heats up or gets in the way.
for method in "${names[@]}"; do for count in "${counts[@]}"; do costs "$method" "$count" >/dev/null; done; done
about="$seeds seed$( ((seeds == 1)) || echo s), $([[ -n $real ]] && echo "${real%%:*}" || echo "the built-in generator's clean samples"), mean ± std in percent; difference, 95 %"
table anchors "At equal anchors ($about)"
echo
table time "At equal time"
