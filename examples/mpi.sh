#!/usr/bin/env bash
# Trains one encoder by several processes of this machine together, and shows that it is the training of one process.
#
#     examples/mpi.sh [RANKS [FOLDER]]
#
# RANKS (default: 2; 64 is a multiple of it) pipelines share out the samples and the cores. Leaves encoder.safetensors, its
# log and that of one process in FOLDER (default: hl-mpi), and prints the losses of both side by side. Takes a minute on two cores.
set -euo pipefail
source "$(dirname "$0")/common.sh"

ranks=${1:-2} folder=${2:-hl-mpi}
[[ $# -lt 3 && $ranks =~ ^[1-9][0-9]*$ ]] || fail 64 "usage: mpi.sh [RANKS [FOLDER]]"
((64 % ranks == 0)) || fail 64 "$ranks ranks cannot share out batches of 64: give RANKS that divide 64"
command -v mpirun >/dev/null || fail 66 "there is no mpirun: install Open MPI (openmpi-bin) or MPICH (mpich)"
export PATH
mkdir -p "$folder"
cd "$folder"

cores=$(nproc)
export threads=$((cores > ranks ? cores / ranks : 1))
# Open MPI would bind each rank, with its whole pipeline, to one core, and wants to be told about root and few cores.
options=()
if mpirun --version 2>/dev/null | grep -q 'Open MPI'; then
    options=(--bind-to none --oversubscribe)
    if ((EUID == 0)); then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi
fi
# With SimCLR rounding grows so fast that two numbers of threads differ in their second digits after ten steps.
export train="hl-train --width 16 --method simsiam --batch 64 -n 6400 --force -q"
pipeline() { echo "hl-sample $1 --seed 1 | hl-perturb --chunks 1-5 --seed 1 | $train $2"; }

mpirun "${options[@]}" -n "$ranks" sh -c \
    "$(pipeline "--shard mpi" "--threads $threads -o encoder.safetensors --log ranks.csv")"
sh -c "$(pipeline "" "-o one.safetensors --log one.csv")"

echo "step, loss of $ranks processes, loss of one:"
paste -d, <(cut -d, -f1,3 ranks.csv) <(cut -d, -f3 one.csv) | tail -n +2 | tr , '\t' | columns
