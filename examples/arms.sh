#!/usr/bin/env bash
# Four arms of the paper's comparison on the built-in generator, over paired seeds:
#
#   untrained   the encoder as it is drawn
#   synth       pairs of one generated image, told apart by pixel augmentation alone (no T_z)
#   random      T_z on all chunks, its σ chosen on validation samples
#   hl          T_z = N^t(0, 1, 2) on chunks 1-5, chunk 0 kept
#
# First all arms with the same pixel augmentation, then with the paper's (all for synth and random, no colour for hl).
# Beside them the supervised ceiling and the share of views that keep their label. With --real DIR the frozen encoders
# are also probed on real images (an image folder with the splits train and test).
#
# With --all also the learned perturbations and the discriminator's filter, the paper's (D):
#
#     learned         one walker for all chunks
#     hl-learned      one walker for chunks 1-5
#     hl-d            hl, and of every anchor's double batch the half that looks the most real
#     hl-learned-d    the same of hl-learned
#
#     examples/arms.sh [--all] [--seeds 3] [--pairs 102400] [--real DIR] [--folder hl-arms]
#
# Deviations from the paper, so that it runs on two cores: ResNet-18 of width 16 at 64 px instead of ResNet-50 at 128,
# SimCLR (with COP-Gen's head, which has no batch norm) at batch 64 and rate 0.2 for minutes instead of 100 epochs, probes on standardised features at rate 0.3.
# A finished encoder is kept and not trained again: a stopped run goes on where it was.
set -euo pipefail
source "$(dirname "$0")/common.sh"

seeds=3 pairs=102400 real= folder=hl-arms all=
while (($#)); do
    [[ $1 == --all ]] || (($# > 1)) || fail 64 "$1 has no value: give it one"
    case $1 in
        --all) all=1; shift ;;
        --seeds) seeds=$2; shift 2 ;;
        --pairs) pairs=$2; shift 2 ;;
        --real) real=$(realpath "$2"); shift 2 ;;
        --folder) folder=$2; shift 2 ;;
        *) fail 64 "what is $1? give --all, --seeds, --pairs, --real or --folder" ;;
    esac
done
mkdir -p "$folder"
cd "$folder"
sigmas=(0.05 0.2 0.5 1)
width=16
# Both walkers alike, with rates ten times the paper's; they are taken where InfoNCE is back at the paper's 1.05.
walker_options=(--learning-rate 1e-5 --estimator-learning-rate 3e-5 --rate-factor 10 --stop-loss 1.05)

# pass: stdin to stdout, without complaint where the reader has enough.
pass() { cat || (($? == 141)); }

# views ARM SEED: anchors on stdin, pairs on stdout; anchors alone for arms without T_z.
views() {
    case $1 in
        random-*) hl-perturb --chunks 0-5 --std "${1#random-}" --trunc 2 --seed "$2" ;;
        hl | hl-d) hl-perturb --chunks 1-5 --std 1 --trunc 2 --seed "$2" ;;
        learned) hl-perturb --walker walker-all.safetensors ;;
        hl-learned | hl-learned-d) hl-perturb --walker walker-hl.safetensors ;;
        *) pass ;;
    esac
}

# sieve ARM: the better half of the pairs, for arms with a discriminator.
sieve() {
    case $1 in
        *-d) hl-filter --discriminator discriminator.safetensors --keep 0.5 -q ;;
        *) pass ;;
    esac
}

# train ARM T_X SEED: leaves ARM-T_X-SEED.safetensors.
train() {
    local file=$1-$2-$3.safetensors options=(--augment "$2" --no-head-norm --width $width -n "$pairs" --seed "$3")
    [[ -e $file ]] && return
    echo "training $1, T_x $2, seed $3" >&2
    [[ $1 == supervised ]] && options+=(--method supervised)
    hl-sample --seed "$3" | views "$1" "$3" | sieve "$1" | hl-train "${options[@]}" --resume -o "$file" -q
}

# walker CHUNKS FILE ...: a walker for these chunks, with further options of hl-train walker.
walker() {
    [[ -e $2 ]] && return
    echo "training a walker for chunks $1" >&2
    hl-sample --seed 77 | hl-train walker --chunks "$1" --width $width "${@:3}" --resume -o "$2" -q
}

# embed SEED STREAM ENCODER…: embeddings of a stream to stdout.
embed() { hl-encode "${@:2}" "$1" -q; }

# linear TRAIN TEST ENCODER…: top-1 of a linear probe in percent, the mean over five seeds of the probe.
linear() {
    hl-probe --train <(embed "$1" "${@:3}") --test <(embed "$2" "${@:3}") \
        --features standard --learning-rate 0.3 --seeds 5 -q | awk '$1 == "linear" { print $2 }'
}

# score TRAIN TEST ARM T_X SEED: the same, remembered.
score() {
    local table=scores.txt key="$1 $2 $3 $4 $5" value encoder=(--encoder "$3-$4-$5.safetensors")
    value=$(awk -v key="$key" 'substr($0, 1, length(key) + 1) == key " " { print $NF }' $table 2>/dev/null || true)
    if [[ -z $value ]]; then
        [[ $3 == untrained ]] && encoder=(--untrained --width $width --seed "$5")
        value=$(linear "$1" "$2" "${encoder[@]}")
        [[ -n $value ]] || { echo "arms.sh: error: no score for $key: see the message above" >&2; exit 70; }
        echo "$key $value" >>$table
    fi
    echo "$value"
}

# summary: mean ± std of an arm's scores, and the paired difference to a base's with its 95 % interval. The scores come
# on stdin, a line a seed: the arm's, then the base's.
summary() {
    awk '
        function t(n) { split("12.706 4.303 3.182 2.776 2.571 2.447 2.365 2.306 2.262", q, " "); return n - 1 in q ? q[n - 1] : 1.96 + 2.4 / (n - 1) }
        { n++; a += $1; aa += $1 * $1; d += $1 - $2; dd += ($1 - $2)^2 }
        END {
            m = a / n; s = n > 1 ? sqrt((aa - n * m * m > 0 ? aa - n * m * m : 0) / (n - 1)) : 0
            e = d / n; h = n > 1 ? t(n) * sqrt((dd - n * e * e > 0 ? dd - n * e * e : 0) / (n - 1) / n) : 0
            printf "%6.2f ± %4.2f   %+6.2f [%+6.2f, %+6.2f]", m, s, e, e - h, e + h
        }'
}

# pairs_of SETS ARM T_X BASE T_X: both arms' scores, a line a seed.
pairs_of() {
    local seed
    for ((seed = 1; seed <= seeds; seed++)); do
        echo "$(score $1 "$2" "$3" $seed) $(score $1 "$4" "$5" $seed)"
    done
}

# kept ARM: share of views that keep their anchor's label, in percent.
kept() {
    case $1 in
        untrained | synth | supervised) echo 100.0 ;;
        *) hl-sample -n 20000 --seed 76 | views "$1" 76 | sieve "$1" | hl-delta | sed -n 's/.*samples, \([0-9.]*\) % .*/\1/p' ;;
    esac
}

# Classifiers are fitted and tested on clean samples; σ is chosen on others than the table is made from.
hl-sample --clean -n 6000 --seed 2001 -o fit.hls
hl-sample --clean -n 2000 --seed 2002 -o validation.hls
hl-sample --clean -n 2000 --seed 2003 -o test.hls

echo "σ of random, T_x simclr, one seed, top-1 on validation samples:"
best= highest=0
for sigma in "${sigmas[@]}"; do
    train "random-$sigma" simclr 1
    top=$(score fit.hls validation.hls "random-$sigma" simclr 1)
    printf '  σ %-5s %6.2f   %5.1f %% of views keep their label\n' "$sigma" "$top" "$(kept "random-$sigma")"
    if awk "BEGIN { exit !($top > $highest) }"; then best=$sigma highest=$top; fi
done
echo "  taken: $best"

# Arms with the paper's T_x where that is not all of it.
hl_arms=(hl) arms=(untrained synth "random-$best" hl supervised)
if [[ -n $all ]]; then
    walker 0-5 walker-all.safetensors "${walker_options[@]}"
    walker 1-5 walker-hl.safetensors "${walker_options[@]}"
    if [[ ! -e discriminator.safetensors ]]; then
        echo "training the discriminator" >&2
        hl-sample --seed 79 | hl-train discriminator -n 262144 --real <(hl-sample --clean --seed 78) \
            --resume -o discriminator.safetensors -q
    fi
    hl_arms+=(hl-d hl-learned hl-learned-d)
    arms=(untrained synth "random-$best" learned hl supervised)
fi
for ((seed = 1; seed <= seeds; seed++)); do
    for arm in "${arms[@]}"; do [[ $arm == untrained ]] || train "$arm" simclr $seed; done
    for arm in "${hl_arms[@]}"; do train "$arm" no-color $seed; done
done

# table SETS: both tables for one pair of probe sets.
table() {
    local arm augment
    printf '%-14s %-9s %-15s %-28s %s\n' arm T_x "top-1" "- untrained" "labels kept"
    row() {
        printf '%-14s %-9s %s   %5.1f %%\n' "$2" "$3" "$(pairs_of "$1" "$2" "$3" untrained simclr | summary)" "$(kept "$2")"
    }
    difference() {
        printf '%s (%s) - %s (%s): ' "${@:2}"
        pairs_of "$@" | summary | sed 's/.*   //'
        echo
    }
    for arm in "${arms[@]}"; do row "$1" "$arm" simclr; done
    for arm in "${hl_arms[@]}"; do row "$1" "$arm" no-color; done
    echo
    for augment in simclr no-color; do
        for arm in synth "random-$best"; do difference "$1" hl $augment "$arm" simclr; done
    done
    if [[ -n $all ]]; then
        difference "$1" hl-learned no-color learned simclr
        difference "$1" hl-learned no-color hl no-color
        difference "$1" hl-d no-color hl no-color
        difference "$1" hl-learned-d no-color hl-learned no-color
    fi
}

echo
echo "Linear probe on clean held-out samples, $seeds paired seeds, $pairs pairs each (mean ± std; difference, 95 %):"
table "fit.hls test.hls"

if [[ -n $real ]]; then
    hl-sample --data "imagefolder:$real" --split train --size 64 -o real-train.hls
    hl-sample --data "imagefolder:$real" --split test --size 64 -o real-test.hls
    echo
    echo "The same frozen encoders on real images ($real):"
    table "real-train.hls real-test.hls"
fi
