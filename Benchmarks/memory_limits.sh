#!/usr/bin/env bash
# Usage: Benchmarks/memory_limits.sh FOLDER
#
# Runs the programs in FOLDER under `ulimit -v`, at twenty values from 300 MB to 4 GB, and prints a table of their exit
# statuses. Each has to work (0), or to end with 70 or 71 and one line; 127 is the loader's, which cannot map the
# program. Anything else, such as a signal, more lines, a temporary file left, or more than LIMIT seconds (default 120),
# is marked with ! and makes this script fail.
set -uo pipefail
HL=$(cd "${1:?usage: Benchmarks/memory_limits.sh FOLDER}" && pwd)
PATH=$HL:$PATH
LIMIT=${LIMIT:-120}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
ulimit -c 0

hl-sample -n 512 --size 128 | hl-perturb -o large.hls || exit
hl-sample -n 64 | hl-perturb -o small.hls || exit
hl-sample --seed 1 -n 64 -o other.hls || exit
hl-train -q --width 16 --batch 32 -n 32 -o encoder.safetensors small.hls || exit

names=(train train-plain sample encode encode-plain walker probe)
commands=(
    # One step, which is the whole schedule.
    "hl-train -q --arch resnet50 --batch 512 -n 512 -o out large.hls"
    "hl-train -q --backend plain --arch resnet50 --batch 512 -n 512 -o out large.hls"
    "hl-sample -q -n 2048 --size 128 --render -o out"
    "hl-encode -q --encoder encoder.safetensors -o out large.hls"
    "hl-encode -q --backend plain --encoder encoder.safetensors -o out large.hls"
    "hl-train walker -q --batch 32 -n 32 -o out small.hls"
    "hl-probe -q --untrained --width 16 --epochs 1 --seeds 1 --train small.hls --test other.hls"
)
if (($# > 1)); then
    selected=()
    for wanted in "${@:2}"; do
        for i in "${!names[@]}"; do [[ ${names[i]} == "$wanted" ]] && selected+=("$i"); done
    done
else
    selected=("${!names[@]}")
fi

failed=0
printf '%8s' MB
for i in "${selected[@]}"; do printf ' %14s' "${names[i]}"; done
echo
for step in {0..19}; do
    megabytes=$((300 + step * 3700 / 19))
    printf '%8d' "$megabytes"
    for i in "${selected[@]}"; do
        (
            ulimit -v $((megabytes * 1000))
            # shellcheck disable=SC2086
            exec timeout -k 2 "$LIMIT" ${commands[i]}
        ) >output 2>errors
        status=$?
        lines=$(wc -l <errors)
        mark=''
        case $status in
            0) ((lines == 0)) || mark='!' ;;
            70 | 71) ((lines == 1)) && grep -q '^hl-[a-z ]*: error: ' errors || mark='!' ;;
            127) ;;
            *) mark='!' ;;
        esac
        for file in .hl-*.tmp; do [[ -e $file ]] && mark='!' && rm -f "$file"; done
        [[ $mark ]] && failed=1 && { echo; cat errors; } >&2
        rm -rf out out.*
        printf ' %14s' "$status$mark"
        cp errors "errors.${names[i]}"
    done
    echo
done
echo
for i in "${selected[@]}"; do [[ -s errors.${names[i]} ]] && cat "errors.${names[i]}"; done
exit $failed
