#!/usr/bin/env bash
# Benchmarks/kill_ranks.sh FOLDER [LAUNCHER]
#
# A training by two ranks, of which one or the other is killed (kill -9) at KILLS random moments (20), and goes on with
# --resume each time. Says how long each job took to end, which is to be less than ten seconds, and whether the encoder
# is, to the bit, the one of a training that nobody disturbed. FOLDER has the programs. Takes some minutes; where the
# training is over before it has been killed so often, it fails: raise SAMPLES (48000).
set -euo pipefail
programs=${1:?usage: kill_ranks.sh FOLDER [LAUNCHER]} launcher=${2:-mpirun.openmpi --oversubscribe}
PATH="$(cd "$programs" && pwd):$PATH"
export PATH HL_RECORD=none OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
kills=${KILLS:-20}
export samples=${SAMPLES:-48000}
RANDOM=${SEED:-1}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/whole" "$folder/killed"

# Each rank leaves the number of the process that trains.
start() {
    cd "$folder/$1"
    # shellcheck disable=SC2016
    exec $launcher -n 2 bash -c 'hl-sample --shard mpi --size 32 --seed 3 | hl-perturb --chunks 1-5 --seed 4 | {
        echo $BASHPID >pid.${OMPI_COMM_WORLD_RANK:-$PMI_RANK}
        exec hl-train -q --threads 1 --width 8 --batch 8 -n "$samples" --checkpoint-every 0.2 --resume -o e.safetensors
    }' >job.log 2>&1
}

(start whole)
worst=0 done_kills=0
while ((done_kills < kills)); do
    rm -f "$folder"/killed/pid.*
    (start killed) &
    job=$!
    until [[ -s $folder/killed/pid.0 && -s $folder/killed/pid.1 ]]; do
        if ! kill -0 "$job" 2>/dev/null; then
            cat "$folder/killed/job.log" >&2
            echo "kill_ranks.sh: a job ended before both ranks had begun: see above" >&2
            exit 1
        fi
        sleep 0.05
    done
    sleep "$((RANDOM % 3)).$((RANDOM % 10))"
    kill -0 "$job" 2>/dev/null || break
    victim=$((RANDOM % 2))
    begin=${EPOCHREALTIME/./}
    kill -9 "$(<"$folder/killed/pid.$victim")" 2>/dev/null || break
    wait "$job" && { echo "kill_ranks.sh: a job without rank $victim ended as if nothing had happened" >&2; exit 1; }
    took=$(((${EPOCHREALTIME/./} - begin) / 1000))
    ((took <= worst)) || worst=$took
    done_kills=$((done_kills + 1))
done
wait
[[ -e $folder/killed/e.safetensors ]] || (start killed)
echo "$done_kills kills, the slowest end after $worst ms"
((done_kills == kills)) || { echo "kill_ranks.sh: the training was over after $done_kills of $kills kills: raise SAMPLES" >&2; exit 1; }
((worst < 10000)) || exit 1
cmp "$folder/whole/e.safetensors" "$folder/killed/e.safetensors"
echo "the same encoder, bit for bit"
