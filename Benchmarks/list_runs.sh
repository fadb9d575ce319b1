#!/usr/bin/env bash
# How long hl-view --runs takes for ten thousand records of trainings with whole curves.
#
#     Benchmarks/list_runs.sh [FOLDER OF PROGRAMS] [RECORDS]
#
# Prints the seconds of five rounds, the table written to a file.
set -euo pipefail
programs=$(cd "${1:-.build/release}" && pwd) count=${2:-10000}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$programs/hl-sample" -n 10240 --size 32 -q --record none -o a.hls
"$programs/hl-perturb" a.hls -q --record none -o p.hls
"$programs/hl-train" -q --width 1 --batch 4 -n 10240 p.hls -o e.safetensors --record one.json
for ((i = 0; i < count; i++)); do
    ((i % 100)) || mkdir -p "runs/$((i / 100))"
    cp one.json "runs/$((i / 100))/$i.safetensors.run.json"
done
echo "$count records of $(wc -c < one.json) bytes"
for round in 1 2 3 4 5; do
    TIMEFORMAT=%R
    time "$programs/hl-view" --runs runs --sort loss > table
done
tail -n +2 table | wc -l
