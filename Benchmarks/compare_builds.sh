#!/usr/bin/env bash
# Usage: Benchmarks/compare_builds.sh [options] OLD NEW
#
# Runs the programs of two builds, in the folders OLD and NEW, and compares what they make, bit for bit: latents,
# views, images, δ, embeddings, probes, and some steps of everything that trains, on every backend and with 1 and 2
# threads. What files say of versions and commands is left out of it (see compare_outputs.py).
#
# Prints a row per check: same, DIFFERENT, only in one (a file, tensor or option that one build does not have), FAILS
# (in both). Ends with 0 if all are the same, but for those that were expected to differ.
#
#   --expect NAMES   checks that may differ: names or patterns with *, separated by commas; can be repeated
#   --only NAMES     only these checks, written the same way
#   --keep FOLDER    leave what was made there, as old/CHECK and new/CHECK
#   --list           print the names of the checks
#
# Needs python3 and zstd. Two builds of one commit: everything is the same, in about two minutes on two cores.
set -euo pipefail
here=$(realpath "$(dirname "$0")")
fixtures=$(realpath "$here/../Tests/HLGeneratorsTests/Fixtures")
walkers=$(realpath "$here/../Tests/HLViewsTests/Fixtures")
export fixtures walkers

expected=() only=() folder='' list=false
names=() commands=()

refuse() {
    echo "compare_builds.sh: error: $*" >&2
    exit 64
}

while (($# > 0)); do
    case $1 in
        --expect) IFS=, read -ra more <<<"${2:?}"; expected+=("${more[@]}"); shift 2 ;;
        --only) IFS=, read -ra more <<<"${2:?}"; only+=("${more[@]}"); shift 2 ;;
        --keep) folder=${2:?}; shift 2 ;;
        --list) list=true; shift ;;
        -*) refuse "unknown option $1: see the head of the script" ;;
        *) break ;;
    esac
done

# check NAME COMMAND: whatever the command leaves in its folder is compared, what it prints as well. Long ones begin
# with what is common to several.
check() {
    names+=("$1")
    commands+=("$2")
}
weights() { echo "cp \$fixtures/$1 w; hl-sample --weights w"; }

# ------------------------------------------------------------------------------------------------------------- latents
check latents-shapes 'hl-sample -n 3000 --seed 5 -o a.hls'
check latents-moved 'hl-sample -n 3000 --mean 0.5 --std 2 --trunc 1.5 --size 32 -o a.hls'
check latents-shard 'hl-sample -n 3000 --start 17 --shard 2/3 --batch 7 -o a.hls'
check latents-bigbigan 'hl-sample --generator bigbigan -n 1000 -o a.hls'
check latents-stylegan2 'hl-sample --generator stylegan2 -n 200 -o a.hls'
check latents-exec "hl-sample --generator exec:cat --latent-shape 3x7 --size 16 -n 100 -o a.hls"
check latents-from 'hl-sample -n 50 -o a.hls; hl-sample --from a.hls --seed 8 -o b.hls'

# -------------------------------------------------------------------------------------------------------------- images
for pixels in u8 f32; do
    for side in 32 64 100; do
        check images-shapes-$side-$pixels "hl-sample -n 40 --size $side --render --pixels $pixels -o x.hls"
    done
    for name in bigbigan_{tiny,tiny_half}.pth bigbigan_{32,64,128}.safetensors \
        stylegan2_{a,b,c_3,clamp,tf}.pkl; do
        check images-${name%.*}-$pixels "$(weights $name) -n 19 --render --pixels $pixels -o x.hls"
    done
    for noise in const none 'random --noise-seed 4'; do
        check images-noise-${noise%% *}-$pixels \
            "$(weights stylegan2_a.pkl) --noise $noise -n 19 --render --pixels $pixels -o x.hls"
    done
done
check images-clean 'hl-sample -n 40 --size 32 --clean --render -o x.hls'
for network in bigbigan_64.safetensors stylegan2_a.pkl; do
    for options in '--crop 20' '--size 17' '--size 17 --filter bilinear' '--crop 28 --size 50'; do
        check "images-${network%%_*}-$(sed 's/--//g; s/ /-/g' <<<"$options")" \
            "$(weights $network) $options -n 9 --render --pixels f32 -o x.hls"
    done
done
check images-psi "$(weights stylegan2_a.pkl) --psi 0.6 --cutoff 3 -n 9 --render --latent w -o x.hls"
check images-class "$(weights stylegan2_c_3.pkl) --class 2 -n 9 --render --latent w -o x.hls"
for threads in 1 2; do
    for network in bigbigan_32.safetensors stylegan2_a.pkl; do
        check images-${network%%_*}-threads-$threads \
            "$(weights $network) -n 70 --render --threads $threads -o x.hls"
    done
done
folder_of_images='mkdir -p d/a d/b; hl-sample -n 12 --size 24 -o s.hls
    for i in 0 1 2 3 4 5; do
        hl-view s.hls --zoom 1 --rows 1 --columns 1 --no-captions --skip $i -o d/a/$i.png
        hl-view s.hls --zoom 1 --rows 1 --columns 1 --no-captions --skip $((i + 6)) -o d/b/$i.png
    done'
check images-folder "$folder_of_images; hl-sample --data imagefolder:d --size 24 -o x.hls"
check images-folder-shuffled "$folder_of_images; hl-sample --data imagefolder:d --size 24 --shuffle --epochs 2 -o x.hls"
check sheets 'hl-sample -n 12 --size 32 -o a.hls; hl-view a.hls -o a.png
    hl-perturb --sweep a.hls | hl-view --rows 3 -o p.png'

# --------------------------------------------------------------------------------------------------------------- views
check views-random 'hl-sample -n 1000 | hl-perturb --seed 3 --views 2 -o p.hls'
check views-groups 'hl-sample -n 1000 | hl-perturb --group 1-2:std=0.5 --group 4:std=2,trunc=1,mean=0.3 -o p.hls'
check views-sweep 'hl-sample -n 500 | hl-perturb --sweep --std 0.7 -o p.hls'
check views-layers "$(weights stylegan2_a.pkl) -n 50 -o a.hls
    hl-perturb --group 0-1:std=0.3 --group 4-7:std=0.8 a.hls -o p.hls
    hl-perturb --sweep --chunks 2,5 --render a.hls -o s.hls"
check views-rendered "$(weights bigbigan_32.safetensors) -n 30 | hl-perturb --views 2 --render -o p.hls"
check views-walker 'cp $walkers/cop_gen.pth $walkers/chunks_2_4.pth .; hl-sample --generator bigbigan -n 300 -o a.hls
    hl-perturb --walker cop_gen.pth a.hls -o p.hls; hl-perturb --walker chunks_2_4.pth --threads 1 a.hls -o q.hls'
train_walker='hl-train walker -q --backend plain --width 4 --batch 4 -n 20'
check views-walkers-trained "hl-sample -n 20 --size 32 -o a.hls
    for c in 1 3; do $train_walker --chunks \$c a.hls -o w\$c.safetensors; done; rm -r *.checkpoints
    hl-perturb --walker w1.safetensors a.hls -o p.hls
    hl-perturb --walker w1.safetensors --walker w3.safetensors a.hls -o q.hls
    hl-perturb --sweep --walker w1.safetensors --walker w3.safetensors a.hls -o r.hls"

# ------------------------------------------------------------------------------------------------------------------- δ
pairs='hl-sample -n 3000 | hl-perturb --chunks 0-4 --std 0.4 -o p.hls'
check delta-tables "$pairs
    for o in '' --pairs --table --suggest '--chunks 1-3 --group 0-2'; do hl-delta \$o p.hls; done"
check delta-json "$pairs
    hl-delta --json --group 1-3 --threads 1 p.hls > one.json; hl-delta --json --threads 2 p.hls > two.json"
check delta-figure "$pairs; hl-delta --figure f.png p.hls"
check delta-layers "$(weights stylegan2_a.pkl) -n 200 | hl-perturb --group 0-1:std=0.3 --group 4-7 -o p.hls
    hl-delta --json --group 0-1 p.hls > d.json; hl-delta --suggest --group 0-1 --group 4-7 p.hls"

# ---------------------------------------------------------------------------------------------------------- everything
# that computes with layers, on every backend and with 1 and 2 threads.
views='hl-sample -n 40 --size 32 --seed 2 | hl-perturb --chunks 1-5 -o p.hls'
both='hl-sample -n 40 --size 32 --seed 3 -o a.hls; hl-sample -n 30 --size 32 --seed 4 -o b.hls'
for backend in plain onednn; do
    for threads in 1 2; do
        at="--backend $backend --threads $threads" end=$backend-$threads
        train="hl-train -q $at --width 8 --batch 8 -n 40 --log log.jsonl -o e.safetensors"
        for method in simsiam simclr byol moco supervised; do
            check train-$method-$end "$views; $train --method $method $([[ $method != moco ]] || echo --queue 16) p.hls"
        done
        check train-simclr-plain-head-$end "$views; $train --method simclr --no-head-norm p.hls"
        check train-resnet50-$end "$views; $train --arch resnet50 --stem cifar --augment simclr p.hls"
        check train-anchors-$end "hl-sample -n 40 --size 48 -o a.hls; $train --augment no-crop --warmup 2 a.hls"
        check train-epochs-$end "hl-sample -n 16 --size 32 -o a.hls; $train --epochs 3 a.hls"
        check train-cut-$end "$views; ! $train -n 80 p.hls"
        check train-rendered-$end "$(weights bigbigan_32.safetensors) -n 40 | hl-perturb | $train"
        walker="hl-train walker -q $at --width 8 --batch 8 -n 40 --log log.jsonl -o w.safetensors"
        check walker-shapes-$end "hl-sample -n 40 --size 32 | $walker --every 24 --chunks 2"
        for network in bigbigan_tiny.pth stylegan2_a.pkl; do
            check walker-${network%%_*}-$end "$(weights $network) -n 40 | $walker --chunks 1-2"
        done
        filter="hl-filter -q --threads $threads --discriminator d.safetensors"
        # What they warn of is that so little training teaches nothing.
        check discriminator-$end "exec 2>/dev/null; hl-sample --size 32 --clean --seed 1 -n 56 -o real.hls
            hl-sample --size 32 --seed 2 -n 56 -o made.hls
            hl-train discriminator -q $at --width 4 --batch 8 -n 40 --held-out 16 --real real.hls made.hls -o d.safetensors
            $filter --keep 0.4 --batch 10 --report r.json made.hls -o k.hls
            hl-perturb made.hls | $filter --score --by worse -o s.hls"
        encode="hl-encode --untrained $at --side 32"
        check encode-$end "$views; $encode --width 16 --view all p.hls -o e.hls
            $encode --arch resnet50 --width 4 --stem cifar p.hls -o f.hls
            hl-train -q $at --width 8 --batch 8 -n 8 p.hls -o e.safetensors
            hl-encode --encoder e.safetensors $at p.hls -o g.hls"
        probe="hl-probe --train train.hls --test test.hls $at --epochs 3 --seeds 2 -k 5 --batch 16"
        embed="$both; $encode --width 16 a.hls -o train.hls; $encode --width 16 b.hls -o test.hls"
        check probe-linear-$end "$embed; for f in raw unit standard; do $probe --features \$f | grep linear; done"
        # Of the table, columns move with the linear classifier's numbers.
        neighbours="--json | sed -n '/\"knn\"/,\$p'"
        check probe-neighbours-$end "$embed; $probe $neighbours"
        probe="hl-probe --train a.hls --test b.hls --untrained --width 8 --side 32 $at --epochs 2 --seeds 1 -k 5 --batch 16"
        check probe-images-linear-$end "$both; $probe --passes 2 | grep linear"
        check probe-images-neighbours-$end "$both; $probe --passes 2 $neighbours"
    done
done

# ---------------------------------------------------------------------------------------------------------------- runs
# matches NAME PATTERN…
matches() {
    local name=$1 pattern
    shift
    for pattern; do
        # shellcheck disable=SC2053
        if [[ $name == $pattern ]]; then return 0; fi
    done
    return 1
}

if $list; then
    printf '%s\n' "${names[@]}"
    exit
fi
if (($# != 2)); then refuse "name two folders of built programs: the old and the new"; fi
old=$(realpath "$1") new=$(realpath "$2")
for bin in "$old" "$new"; do
    if [[ ! -x $bin/hl-sample ]]; then refuse "$bin has no hl-sample: build the programs first"; fi
done
if [[ -z $folder ]]; then
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
fi
mkdir -p "$folder"
folder=$(realpath "$folder")

# run BIN FOLDER COMMAND: prints its status.
run() {
    local status=0
    mkdir -p "$2"
    (cd "$2" && PATH=$1:$PATH LC_ALL=C bash -euo pipefail -c "$3" >printed.txt 2>"$2.errors" </dev/null) || status=$?
    # Weights that were copied there are the same anyway, and big.
    rm -f "$2/w"
    echo $status
}

bad=0 different=0 same=0 ran=0
printf '%-36s %-12s %s\n' check result 'what was compared, or how it differs'
for index in "${!names[@]}"; do
    name=${names[index]}
    if ((${#only[@]} > 0)) && ! matches "$name" "${only[@]}"; then continue; fi
    case $name in
        *-onednn-*) if ! "$old/hl-encode" --version | grep -q '^backend onednn' \
            || ! "$new/hl-encode" --version | grep -q '^backend onednn'; then continue; fi ;;
    esac
    ran=$((ran + 1))
    first=$(run "$old" "$folder/old/$name" "${commands[index]}")
    second=$(run "$new" "$folder/new/$name" "${commands[index]}")
    if ((first != 0 && second != 0)); then
        result=FAILS what="status $first and $second: $(tail -n 1 "$folder/new/$name.errors")"
    elif ((first != 0 || second != 0)); then
        which=new; if ((first != 0)); then which=old; fi
        result='only in one' what="fails in $which: $(tail -n 1 "$folder/$which/$name.errors")"
    else
        status=0
        what=$(python3 "$here/compare_outputs.py" "$folder/old/$name" "$folder/new/$name") || status=$?
        case $status in
            0) result=same ;;
            1) result=DIFFERENT ;;
            2) result='only in one' ;;
            *) result=FAILS ;;
        esac
    fi
    if [[ $result == same ]]; then
        same=$((same + 1))
    elif [[ $result != FAILS ]] && ((${#expected[@]} > 0)) && matches "$name" "${expected[@]}"; then
        different=$((different + 1)) what="as expected: $what"
    else
        bad=$((bad + 1))
    fi
    printf '%-36s %-12s %s\n' "$name" "$result" "$what"
    rm -f "$folder/old/$name.errors" "$folder/new/$name.errors"
done
echo
echo "$ran checks: $same the same, $different different as expected, $bad not as they were"
if ((ran == 0)); then refuse "no check has such a name: see --list"; fi
((bad == 0))
