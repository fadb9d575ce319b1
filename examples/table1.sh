#!/usr/bin/env bash
# The paper's Table 1. Left: one walker per chunk, each trained until its loss has fallen and is back at the same value, and
# δ, how far each moves its chunk, over a million anchors. Right: δ of each chunk by the two walkers of the comparison, one
# for all chunks and one for all but 0, which table2.sh trains too.
#
#     examples/table1.sh [--stop-loss 0.3] [--rate-factor 4] [--at-most 131072] [--width 16] [--anchors 1000000]
#                        [--weights FILE] [--folder FOLDER/table1] [--jobs N]
#     SCALE=paper WEIGHTS=BigBiGAN_x1.pth examples/table1.sh
#
# Settings are also variables, as of all tables: SCALE, WEIGHTS and FOLDER (examples/README.md). At the scale paper the rates,
# the stop loss of 1.05 and the estimator of width 64 are the paper's.
#
# Then it says whether δ grows from chunk to chunk (Assumption 3.1), and where it does not, why: how much of the image a
# step of length 1 changes, and whether the walker got to the stop loss at all.
#
# Deviations from the paper at the scale demo, so that it runs on two cores: an estimator of width 16 at 64 px instead of 64
# at 112, learning rates raised by one factor, the same for all chunks, and a lower stop loss. The estimator of `shapes` soon
# finds pairs by the chunks that did not move, which are as plain in the image as the one that did, so that no walker
# brings it back to the paper's 1.05, and some, like the background's, not even to 0.3.
#
# A finished walker is kept and not trained again, and a stopped one goes on where it was: start the script again.
set -euo pipefail
source "$(dirname "$0")/common.sh"

declare -A given=()
while (($#)); do
    (($# > 1)) || fail 64 "$1 has no value: give it one"
    case $1 in
        --weights) WEIGHTS=$2 ;;
        --stop-loss | --rate-factor | --at-most | --width | --anchors | --folder | --jobs) given[${1#--}]=$2 ;;
        *) fail 64 "what is $1? give --stop-loss, --rate-factor, --at-most, --width, --anchors, --weights, --folder or --jobs" ;;
    esac
    shift 2
done
# Without a folder of its own it is one of the paper's tables; with one, of the left half alone.
if [[ -z ${given[folder]:-} ]]; then
    NEEDS_NO_IMAGES=1 begin_paper
    folder=table1
else
    WEIGHTS=$(placed "${WEIGHTS:-}")
    learn_generator ${WEIGHTS:+--weights "$WEIGHTS"}
    folder=${given[folder]} weights=$WEIGHTS
fi
case ${SCALE:-demo} in
    tiny) loss=0.6 factor=4 most=128 walker_width=4 anchors=500 ;;
    paper) loss=1.05 factor=1 most=2260000 walker_width=64 anchors=1000000 ;;
    *) loss=0.3 factor=4 most=131072 walker_width=16 anchors=1000000 ;;
esac
loss=${given[stop-loss]:-$loss} factor=${given[rate-factor]:-$factor} most=${given[at-most]:-$most}
walker_width=${given[width]:-$walker_width} anchors=${given[anchors]:-$anchors} jobs=${given[jobs]:-$(nproc)}
[[ $jobs =~ ^[1-9][0-9]*$ ]] || fail 64 "cannot run $jobs trainings at a time: give --jobs from 1"
[[ $loss =~ ^[0-9]*\.?[0-9]+$ ]] || fail 64 "cannot stop at a loss of $loss: give --stop-loss a number above 0"
mkdir -p "$folder"
cd "$folder"
threads=$(($(nproc) / jobs > 0 ? $(nproc) / jobs : 1))
made_with "stop loss $loss, rate factor $factor, at most $most anchors, width $walker_width, ${weights:-shapes}, δ of $anchors anchors"

# train_chunk CHUNK: leaves CHUNK.safetensors, and in CHUNK.log a line of JSON for every tenth step.
train_chunk() {
    [[ -e $1.safetensors ]] && return
    hl-sample ${source_of[@]+"${source_of[@]}"} | hl-train walker --chunks "$1" --width "$walker_width" --rate-factor "$factor" --resume \
        --stop-loss "$loss" -n "$most" --every 16384 --threads "$threads" --log "$1.log" -o "$1.safetensors" 2>"$1.messages" ||
        { cat "$1.messages" >&2; return 1; }
}

# delta NAME WALKER OPTION…: leaves NAME.json, what hl-delta says of the walker.
delta() {
    keep "$1.json" moved "${@:2}"
}
moved() {
    hl-sample ${source_of[@]+"${source_of[@]}"} -n "$anchors" --seed 1 --threads "$threads" -q |
        hl-perturb --walker "$1" --threads "$threads" -q | hl-delta --json --threads "$threads" -q "${@:2}"
}

# As many at a time as there are jobs; the last chunks, whose walkers take longest, first. Each has a process group, which
# is told to stop (and leaves a checkpoint) when the script ends before it. One that is stopped by a key goes on with the script.
set -m
trap 'for job in $(jobs -p); do kill -TERM -- "-$job" 2>/dev/null || true; done; wait' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
# await COUNT: until no more than so many are left.
await() {
    local status
    while (($(jobs -p | wc -l) > $1)); do
        status=0
        wait -n || status=$?
        # 147 and 148: one was stopped; 127: all are.
        case $status in
            0) ;;
            127 | 147 | 148) sleep 1 ;;
            *) fail 70 "a walker could not be trained: see above" ;;
        esac
    done
}
for ((chunk = last; chunk >= 0; chunk--)); do
    await $((jobs - 1))
    (train_chunk $chunk && delta $chunk $chunk.safetensors --chunks $chunk) &
done
await 0

# number NAME: of JSON on stdin the number, or of an array its first one, behind the first "NAME":.
number() { grep -oE "\"$1\": *\[*(null|[-0-9.e]+)" | head -1 | sed 's/.*[: []//'; }

# The paper's columns, and what a step of length 1 does to a pixel.
echo "Table 1 (left) on ${weights:-shapes}: δ of $anchors anchors"
echo
echo "chunk   loss (InfoNCE)   train samples (K)      mean μ       std σ   pixel change per δ"
for ((chunk = 0; chunk <= last; chunk++)); do
    [[ -e $chunk.json ]] || fail 70 "there is no δ of chunk $chunk: see above"
    # The highest average loss that it rose to, by a fifth at least, after a lower one.
    rise=$(sed -nE 's/.*"average_loss":([0-9.e-]+).*/\1/p' $chunk.log |
        awk 'NR == 1 || $1 < low { low = $1 } $1 > 1.2 * low && $1 > high { high = $1 } END { print high + 0 }')
    echo $chunk $(for name in average_loss lowest_loss samples image_change delta_mean; do tail -1 $chunk.log | number $name; done) \
        $(for name in mean std; do number $name <$chunk.json; done) "$rise"
done | awk -v goal="$loss" '
    # Two decimals as in the paper, three digits where there would be nothing but zeros.
    function short(x) { return sprintf(x < 0.1 ? "%.3g" : "%.2f", x) }
    function steps(a, b) {
        return change[a] > 0 ? sprintf(" (a step of length 1 changes the image %.1f times as much in chunk %d as in chunk %d)", change[b] / change[a], b, a) : ""
    }
    {
        p = NR - 1; mean[p] = $7; change[p] = $6 > 0 ? $5 / $6 : 0; rise[p] = $9
        fallen[p] = $3 != "null" && $3 < 0.9 * goal; reached[p] = fallen[p] && $2 >= goal
        printf "%5d   %14s   %17.1f   %9s   %9s   %18.4f%s\n", p, ($2 == "null" ? "-" : short($2)), $4 / 1000, short($7), short($8), change[p], reached[p] ? "" : "   not at the stop loss"
    }
    END {
        print ""
        for (p = 0; p < NR; p++) {
            if (reached[p]) {
                if (last != "") {
                    pairs++
                    if (mean[last] < mean[p]) { grows++; printf "δ^%d < δ^%d\n", last, p }
                    else printf "δ^%d > δ^%d%s\n", last, p, steps(last, p)
                }
                last = p
            } else if (fallen[p]) {
                back = rise[p] > 0 ? "came back to " short(rise[p]) " at most" : "did not rise again"
                printf "δ^%d cannot be compared: the loss fell and %s, because the estimator finds the pairs by the chunks that did not move\n", p, back
            } else {
                printf "δ^%d cannot be compared: the loss never fell clearly below %s; the walker is ahead of its estimator, or has trained too little\n", p, goal
            }
        }
        printf "\nAt the same loss δ grows in %d of %d steps from one chunk to the next that got there (Assumption 3.1).\n", grows, pairs
    }'

[[ -z ${given[folder]:-} ]] || exit 0
# The two walkers of the comparison are beside, where table2.sh looks for them.
threads=0
cd ..
for arm in learned hl-learned; do ingredients $arm; done
delta table1/all "$walker_all"
delta table1/hl "$walker_hl"
# both NAME: mean and std of every chunk, a line each.
both() {
    awk '$1 == "\"mean\":" { mean = $2 + 0 } $1 == "\"std\":" { printf "%s\t%s\n", mean, $2 + 0 }' "table1/$1.json" |
        head -n $((last + 1)) | awk -F'\t' '{ if ($1 > 0) printf "%.2f\t%.2f\n", $1, $2; else print "-\t-" }'
}
echo
echo "Table 1 (right) on ${weights:-shapes}: δ by walkers of all chunks and of those behind 0, at a loss of 1.05"
echo
{
    printf 'chunk\tall: mean μ\tstd σ\t> 0: mean μ\tstd σ\n'
    paste <(seq 0 "$last") <(both all) <(both hl)
} | columns
