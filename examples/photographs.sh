#!/usr/bin/env bash
# The paper's comparison on photographs: its Tables 1 to 3 and the ablation of T_x, by a generator of hierarchical latents
# that is trained on the same photographs, or given.
#
#     examples/photographs.sh --data SET:DIR [--weights FILE | --images 1048576 --training '--content none'] [--parts content,table1,arms]
#                             [--arms real,synth,random,hl,hl-d] [--methods simclr] [--txs simclr,no-color] [--seeds 3]
#                             [--sigmas 0.05,0.2,0.5,1] [--pairs 25600] [--width 16] [--size 32] [--batch 64]
#                             [--fit 10000] [--validation 5000] [--transfer DIR] [--classifier FILE] [--hours H] [--jobs 1]
#                             [--mix-ratio 10:1] [--results FILE] [--folder hl-photographs]
#     examples/photographs.sh --tables …
#
# SET:DIR is what hl-sample --data takes, with the splits train and test. Without --weights a generator is trained on train,
# on so many --images and with the options of hl-train generator that --training gives. The parts:
#
#   content  which share of a view keeps its anchor's class when each chunk, or all but chunk 0, is drawn anew, by a
#            classifier trained on the photographs (or --classifier), as text and picture, with the walkers of table1
#            where they are there
#   table1   a walker for each chunk and its δ (table1.sh)
#   arms     encoders of every arm, method, T_x and seed, probed on test photographs, and on the data sets of --transfer
#
# Arms: real photographs; synth, one generated image as both views; random, noise on all chunks, its σ the best of --sigmas
# on validation photographs; hl, N^t(0, 1, 2) on all chunks but 0; learned, one walker for all chunks; hl-learned, one for
# all but 0; with -d behind it, of hl and hl-learned, the better half of each double batch by a discriminator; and mixed,
# real photographs and hl in every step, in the ratio --mix-ratio.
# --methods are those of hl-train, each with a learning rate behind a colon where it is not hl-train's own. --txs are sets
# of hl-train --augment that every arm is trained under; the tables join simclr and no-color, which is the paper's T_x for
# hl, to the paper's. One seed draws anchors, noise, first weights and T_x of all arms: they are paired.
#
# A result is a line of --results (default: results.tsv in the folder): generator, photographs, arm, σ or ratio, method, T_x,
# seed, settings, version, scores. What has its line is not done again, here or on another machine that is given the file; a
# stopped training goes on. --hours ends the work in time; the tables are of what is there, and the same command goes on.
# --tables prints them and does nothing else.
#
# Deviations from the paper, so that it runs on two cores: ResNet-18 of width 16 with the CIFAR stem at 32 px, batch 64,
# minutes instead of 100 epochs, a logistic regression on --fit photographs whose penalty --validation photographs choose.
set -euo pipefail
source "$(dirname "$0")/common.sh"

data= weights= images=1048576 training='--content none' parts=content,table1,arms arms=real,synth,random,hl,hl-d methods=simclr txs=simclr,no-color
seeds=3 sigmas=0.05,0.2,0.5,1 pairs=25600 width=16 size=32 batch=64 fit=10000 validation=5000 transfer= classifier=
hours= jobs=1 mix_ratio=10:1 results= folder=hl-photographs tables=
while (($#)); do
    case $1 in
        --tables) tables=1; shift; continue ;;
        --data | --weights | --images | --training | --parts | --arms | --methods | --txs | --seeds | --sigmas | --pairs | --width | --size | --batch | \
            --mix-ratio | --fit | --validation | --transfer | --classifier | --hours | --jobs | --results | --folder)
            (($# > 1)) || fail 64 "$1 has no value: give it one"
            name=${1#--}
            declare "${name//-/_}=$2"
            shift 2
            ;;
        *) fail 64 "what is $1? see --help" ;;
    esac
done
[[ $data == ?*:?* ]] || fail 64 "there are no photographs: give --data such as cifar10:DIR or imagefolder:DIR"
for name in images seeds pairs width size batch fit validation jobs; do
    [[ ${!name} =~ ^[1-9][0-9]*$ ]] || fail 64 "--$name cannot be ${!name}: give a whole number from 1"
done
[[ -z $hours || $hours =~ ^[0-9]*\.?[0-9]+$ ]] || fail 64 "cannot work for $hours hours: give --hours a number"
for part in ${parts//,/ }; do
    [[ $part =~ ^(content|table1|arms)$ ]] || fail 64 "there is no part $part: choose from content, table1 and arms"
done
for arm in ${arms//,/ }; do
    [[ $arm =~ ^(real|synth|random|learned|hl|hl-d|hl-learned|hl-learned-d|mixed)$ ]] ||
        fail 64 "there is no arm $arm: choose from real, synth, random, hl, hl-d, learned, hl-learned, hl-learned-d and mixed"
done
for method in ${methods//,/ }; do
    [[ $method =~ ^[a-z0-9-]+(:[0-9.]+)?$ && $method != supervised ]] ||
        fail 64 "there is no method '$method' of views: give names of hl-train --method, or NAME:LEARNING-RATE"
done
for sigma in ${sigmas//,/ }; do
    [[ $sigma =~ ^[0-9]*\.?[0-9]+$ ]] || fail 64 "noise cannot have a σ of $sigma: give --sigmas numbers"
done
[[ $mix_ratio =~ ^[1-9][0-9]*:[1-9][0-9]*$ ]] || fail 64 "cannot mix $mix_ratio: give --mix-ratio such as 10:1"
[[ -z $transfer || -d $transfer ]] || fail 66 "$transfer is no folder: give --transfer the folder that holds the data sets"
[[ -z $weights || -f $weights ]] || fail 66 "there is no $weights: give --weights a generator"
[[ -z $classifier || -f $classifier ]] || fail 66 "there is no $classifier: give --classifier a file of hl-probe -o"

kind=${data%%:*} place=${data#*:}
# The place as far as it is a path: settings stand behind it.
[[ ! -e ${place%%,*} ]] || data=$kind:$(realpath "${place%%,*}")${place#"${place%%,*}"}
for name in weights transfer classifier results; do [[ -z ${!name} ]] || declare "$name=$(realpath -m "${!name}")"; done
[[ -z $tables || -d $folder ]] || fail 66 "there is no folder $folder: give --folder the one of a run"
mkdir -p "$folder"
cd "$folder"
results=${results:-$PWD/results.tsv}
photographs=$kind
[[ $kind != imagefolder ]] || photographs=$(basename "${place%%,*}")
settings="resnet18-w$width-cifar-${size}px-b$batch-n$pairs,lbfgs-$fit+$validation"
threads=$(($(nproc) / jobs > 0 ? $(nproc) / jobs : 1))
# The commit, with a + where the programs' sources have been changed since; outside of a repository the release.
if version=$(git -C "$here" rev-parse --short HEAD 2>/dev/null); then
    git -C "$here/.." diff --quiet HEAD -- Sources || version+=+
else
    version=$(hl-train --version | awk 'NR == 1 { print $2 }')
fi
[[ -z $tables || -e $results ]] || fail 66 "there is no $results: give --results, or the --folder of a run"
[[ -e $results ]] || printf '#generator\tphotographs\tarm\tsigma\tmethod\tT_x\tseed\tsettings\tversion\tscores\n' >"$results"

has() { [[ ,$2, == *,$1,* ]]; }
# ----------------------------------------------------------------------------------------------- time and processes

# Work runs in process groups of their own, which are told to stop, and leave checkpoints, when the time is over or the
# script is ended.
set -m
stop() { for job in $(jobs -p); do kill -TERM -- "-$job" 2>/dev/null || true; done; wait; }
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
timer=
if [[ -n $hours && -z $tables ]]; then
    sleep "$(awk -v h="$hours" 'BEGIN { print 3600 * h }')" &
    timer=$!
fi
over() { [[ -n $timer ]] && ! kill -0 "$timer" 2>/dev/null; }
running=()
# await COUNT: until no more than so many jobs run; ends the script when one has failed, or the time is over.
await() {
    local job left
    while ((${#running[@]} > $1)); do
        ! over || finish
        left=()
        for job in "${running[@]}"; do
            if kill -0 "$job" 2>/dev/null; then left+=("$job"); else wait "$job" || fail 70 "a step has failed: see above"; fi
        done
        ((${#left[@]} < ${#running[@]})) || sleep 0.2
        running=(${left[@]+"${left[@]}"})
    done
}
# begin COMMAND…: in the background, as soon as there is room for one more job.
begin() {
    await $((jobs - 1))
    ! over || finish
    "$@" &
    running+=($!)
}
# step COMMAND…: by itself.
step() { begin "$@"; await 0; }

# ------------------------------------------------------------------------------------------------------- results

key() { printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s' "$@"; }
# identity ARM SIGMA METHOD T_X SEED: the columns of a result that say what it is of.
identity() {
    local by=$generator
    has "$1" real,untrained && by=-
    key "$by" "$photographs" "$1" "$2" "$3" "$4" "$5" "$settings"
}
# missing IDENTITY: the sets that it has no score of.
missing() {
    awk -F'\t' -v wanted="$1" -v sets="validation test ${transfer_sets[*]-}" '
        { own = $1; for (i = 2; i <= 8; i++) own = own FS $i }
        own == wanted { n = split($10, parts, ","); for (i = 1; i <= n; i++) { sub(/=.*/, "", parts[i]); done[parts[i]] = 1 } }
        END { n = split(sets, all, " "); for (i = 1; i <= n; i++) if (!(all[i] in done)) print all[i] }' "$results"
}
print_tables() {
    awk -f "$here/library/student.awk" -f "$here/photographs.awk" -v generator="$generator" -v data="$photographs" -v settings="$settings" -v arms="$arms" \
        -v methods="$methods" -v txs="$txs" -v ratio="$mix_ratio" "$@" "$results"
}
finish() {
    # Asked before the timer is stopped, without which the time is over too.
    local late=
    ! over || late=1
    stop
    [[ -z $late ]] || say "the time is over: the same command goes on"
    echo
    [[ ! -e content-$generator.txt ]] || { cat "content-$generator.txt"; echo; }
    [[ ! -e table1-$generator.txt ]] || { cat "table1-$generator.txt"; echo; }
    ! has arms "$parts" || print_tables
    exit 0
}

# ------------------------------------------------------------------------------------------- generator and photographs

train_generator() {
    local words
    read -ra words <<<"$training"
    say "training a generator on $images images"
    hl-sample --data "$data" --split train --size "$size" --shuffle --epochs 0 -q |
        hl-train generator "${words[@]}" -n "$images" --threads "$threads" --resume -o generator.safetensors -q
}
if [[ -z $weights && -n $tables ]]; then
    [[ -e generator.safetensors ]] || fail 66 "$folder has no generator: give --weights"
elif [[ -z $weights && ! -e generator.safetensors ]]; then
    step train_generator
fi
# What a generator that is trained here depends on besides.
trained=
[[ -n $weights ]] || trained=", a generator by $images images $training"
weights=${weights:-$PWD/generator.safetensors}
learn_generator --weights "$weights" --size "$size"
# By what its content is held in chunk 0, where its file says so, and the beginning of the file's SHA-256. Labels that it has
# seen are said in every line and table.
digest=$(about sha256) content=$(about content)
generator=${content:+$content-}${digest:0:12}
[[ $(about has_seen_labels) != true ]] || generator+=+labels
((last > 0)) || fail 65 "$weights has one chunk only, and no hierarchy"
[[ -z $tables ]] || finish

transfer_sets=()
if [[ -n $transfer ]]; then
    for dir in "$transfer"/*/; do
        name=$(basename "$dir")
        [[ $name =~ ^[A-Za-z0-9_.-]+$ ]] ||
            fail 64 "the data set '$name' of $transfer cannot be named in a line of results: give its folder a name of letters and digits"
        transfer_sets+=("$name")
    done
fi

made="$data, $settings$trained"
made_with "$made"
mkdir -p encoders views

photos() { hl-sample --data "$data" --size "$size" -q "$@"; }
draw_sets() {
    keep fit.hls photos --split train --shuffle --seed 2001 -n "$fit"
    keep validation.hls photos --split train --shuffle --seed 2001 --start "$fit" -n "$validation"
    keep test.hls photos --split test
}
step draw_sets

# ------------------------------------------------------------------------------------------------ content and Table 1

make_table1() {
    [[ ! -e table1-$generator.txt ]] || return 0
    say "Table 1: a walker for each chunk"
    "$here/table1.sh" --weights "$weights" --stop-loss 1.05 --rate-factor 10 --at-most $((5 * pairs / 2)) --width "$width" \
        --anchors 100000 --folder "table1-$generator" --jobs "$jobs" >table1.part
    mv table1.part "table1-$generator.txt"
}
train_classifier() {
    [[ ! -e classifier.safetensors ]] || return 0
    say "training a classifier on photographs"
    photos --split train --shuffle --epochs 0 --seed 3 |
        hl-train --method supervised --classes "$(classes <test.hls)" --stem cifar --width $((2 * width)) --augment simclr --batch 128 \
            -n $((8 * pairs)) --threads "$threads" --resume -o classifier.safetensors -q
}
show_content() {
    [[ ! -e content-$generator.txt ]] || return 0
    say "which chunks hold the content"
    local moves=() chunk walkers=()
    for ((chunk = 0; chunk <= last; chunk++)); do
        moves+=(--group "$chunk")
        [[ ! -e table1-$generator/$chunk.safetensors ]] || walkers+=(--walker "table1-$generator/$chunk.safetensors")
    done
    ((last == 1)) || moves+=(--group "1-$last")
    hl-sample "${source_of[@]}" -n 10000 --seed 75 -q | hl-perturb --redraw --each "${moves[@]}" "${walkers[@]}" --seed 75 -q |
        hl-delta --classifier "${classifier:-classifier.safetensors}" --test test.hls --figure "content-$generator.png" \
            --threads "$threads" -q >content.part
    mv content.part "content-$generator.txt"
}
if has table1 "$parts"; then step make_table1; fi
if has content "$parts"; then
    [[ -n $classifier ]] || step train_classifier
    step show_content
fi
has arms "$parts" || finish

# ------------------------------------------------------------------------------------------------------------ arms

discriminator=discriminator-$generator.safetensors
walker_all=walker-all-$generator.safetensors walker_hl=walker-hl-$generator.safetensors
# Several trainings take the same views.
render=(--render)
real_images() { photos --split train --shuffle --epochs 0 --seed "$1" ${2:+-n "$2"}; }
# Both alike, at ten times the paper's rates, taken where InfoNCE is back at its 1.05.
walker() { train_walker "$1" "$2" --rate-factor 10 --stop-loss 1.05 -n $((5 * pairs)); }
[[ $arms != *-d* ]] || step train_discriminator $((2 * pairs))
! has learned "$arms" || step walker "$walker_all" "0-$last"
[[ $arms != *hl-learned* ]] || step walker "$walker_hl" "1-$last"

# evaluate IDENTITY ENCODER-OPTIONS…: appends a line with the scores that the result lacks.
evaluate() {
    local who=$1 scores=() set left said own=$BASHPID
    shift
    left=" $(missing "$who" | tr '\n' ' ')"
    if [[ $left == *" validation "* || $left == *" test "* ]]; then
        said=$(hl-probe --recipe lbfgs --train fit.hls --validation validation.hls --test test.hls "$@" --threads "$threads" --json -q)
        scores+=("validation=$(awk '$1 == "\"validation_score\":" { printf "%.2f", $2; exit }' <<<"$said")"
            "test=$(values_of top1 <<<"$said" | mean_std 2)")
    fi
    # One that was stopped may have left its folder to another process of the same number.
    rm -rf "transfer-$own"
    for set in ${transfer_sets[@]+"${transfer_sets[@]}"}; do
        [[ $left == *" $set "* ]] || continue
        "$here/transfer.sh" --data "$transfer" --sets "$set" --folder "transfer-$own" "row=$*" >/dev/null 2>"transfer.messages-$own" ||
            { cat "transfer.messages-$own" >&2; return 1; }
        said=$(<"transfer-$own/results/lbfgs-1/row/$set.json")
        scores+=("$set=$(values_of score <<<"$said" | mean_std 2)")
    done
    rm -rf "transfer-$own" "transfer.messages-$own"
    printf '%s\t%s\t%s\n' "$who" "$version" "$(IFS=,; echo "${scores[*]}")" >>"$results"
}

untrained() {
    local who
    who=$(identity untrained - - - "$1")
    [[ -z $(missing "$who") ]] || evaluate "$who" --untrained --width "$width" --stem cifar --side "$size" --seed "$1"
}

# unit ARM SIGMA SEED T_XS: all encoders of these views, which are rendered once.
unit() {
    local arm=$1 sigma=$2 seed=$3 title method tx who file began options first views="views/$generator-$1-$2-$3.hls"
    for method in ${methods//,/ }; do
        for tx in ${4//,/ }; do
            title="$arm, $method $tx, seed $seed"
            [[ $sigma == - ]] || title="$arm $sigma, $method $tx, seed $seed"
            who=$(identity "$arm" "$sigma" "$method" "$tx" "$seed")
            [[ -n $(missing "$who") ]] || continue
            file=encoders/$generator-$arm-$sigma-$method-$tx-$seed.safetensors
            if [[ ! -e $file ]]; then
                if grep -qF -- "$who"$'\t' "$results"; then
                    say "$title has no score of $(missing "$who" | tr '\n' ' ')and its encoder is not here"
                    continue
                fi
                began=$SECONDS
                store "$arm" "$sigma" "$seed" "$views"
                say "training $title"
                options=(--method "${method%%:*}")
                [[ $method != *:* ]] || options+=(--learning-rate "${method#*:}")
                first=$views
                if [[ $arm == mixed ]]; then
                    first=$views.real
                    store real - "$seed" "$first"
                    options+=(--mix "$views" --mix-ratio "$mix_ratio")
                fi
                hl-train "${options[@]}" --augment "$tx" --stem cifar --width "$width" --batch "$batch" -n "$pairs" \
                    --seed "$seed" --threads "$threads" --resume -o "$file" -q <"$first"
                say "trained $title in $((SECONDS - began)) s"
            fi
            evaluate "$who" --encoder "$file"
        done
    done
    rm -f "$views" "$views.real"
}
# store ARM SIGMA SEED FILE: as many views as a training takes, rendered.
store() {
    [[ ! -e $4 ]] || return 0
    views "${1/#mixed/hl}" "$2" "$3" "$pairs" >"$4.part"
    mv "$4.part" "$4"
}

for ((seed = 1; seed <= seeds; seed++)); do begin untrained "$seed"; done
await 0
if has random "$arms"; then
    first=$methods
    methods=${methods%%,*}
    for sigma in ${sigmas//,/ }; do begin unit random "$sigma" 1 "$txs"; done
    await 0
    methods=$first
fi
for ((seed = 1; seed <= seeds; seed++)); do
    for arm in ${arms//,/ }; do
        if [[ $arm != random ]]; then
            begin unit "$arm" "$([[ $arm == mixed ]] && echo "$mix_ratio" || echo -)" "$seed" "$txs"
            continue
        fi
        for sigma in ${sigmas//,/ }; do
            own=
            for tx in ${txs//,/ }; do [[ $(print_tables -v sigma="$tx") != "$sigma" ]] || own+=,$tx; done
            [[ -z $own ]] || begin unit random "$sigma" "$seed" "${own#,}"
        done
    done
done
await 0
finish
