# Views of each arm of the comparison.
#
# Arms: real, images of real_images SEED [COUNT]; synth, one generated image as both views; random, T_z on all chunks; hl, on all but 0;
# learned, one walker for all chunks; hl-learned, one for all but 0; with -d behind it, of hl and hl-learned, the better half
# of every double batch by a discriminator.

# Options of hl-sample that name the generator, what moves in it, and files of what has been learned of it.
source_of=() last=5 moves_all=() moves_hl=() chunks_hl=()
walker_all=walker-all.safetensors walker_hl=walker-hl.safetensors discriminator=discriminator.safetensors
batch=64 width=16 threads=0
# --render where views are stored.
render=()

# learn_generator OPTION…: takes the generator that these options of hl-sample name.
learn_generator() {
    local layers
    source_of=("$@")
    header=$(hl-sample "$@" -n 1 -q | hl-view --header) || fail $? "$* is no generator: see the message above"
    about() { sed -nE 's/^generator .*"'"$1"'":"?([^",}]*).*/\1/p' <<<"$header"; }
    layers=$(about layers)
    last=$((${layers:-$(about chunks)} - 1))
    # The paper's: in StyleGAN2 the first, third and fourth quarter of the layers, each by noise or a walker of its own;
    # else all chunks but 0 together.
    if [[ -n $layers ]]; then
        chunks_hl=("0-$((layers / 4 - 1))" "$((layers / 2))-$((3 * layers / 4 - 1))" "$((3 * layers / 4))-$last")
        moves_all=(--chunks "0-$last" --trunc 0.9)
        moves_hl=(--group "${chunks_hl[0]}:std=0.3" --group "${chunks_hl[1]}:std=0.8" --group "${chunks_hl[2]}:std=0.8" --trunc 1)
    else
        chunks_hl=("1-$last")
        moves_all=(--chunks "0-$last" --trunc 2)
        moves_hl=(--chunks "1-$last" --std 1 --trunc 2)
    fi
}

# walker_of CHUNKS: the file of the HL walker of these chunks.
walker_of() { ((${#chunks_hl[@]} == 1)) && echo "$walker_hl" || echo "${walker_hl%.safetensors}-$1.safetensors"; }

# perturb ARM SIGMA SEED: T_z of an arm, anchors on stdin.
perturb() {
    local options=(${render[@]+"${render[@]}"} --threads "$threads" -q)
    case ${1%-d} in
        random) hl-perturb "${moves_all[@]}" --std "$2" --seed "$3" "${options[@]}" ;;
        hl) hl-perturb "${moves_hl[@]}" --seed "$3" "${options[@]}" ;;
        learned) hl-perturb --walker "$walker_all" "${options[@]}" ;;
        hl-learned)
            local chunks
            for chunks in "${chunks_hl[@]}"; do options+=(--walker "$(walker_of "$chunks")"); done
            hl-perturb "${options[@]}"
            ;;
    esac
}

# views ARM SIGMA SEED COUNT: so many samples of an arm, as a training takes them.
views() {
    local anchors=(hl-sample "${source_of[@]}" --seed "$3" -q)
    case $1 in
        real | supervised) real_images "$3" "$4" ;;
        synth) "${anchors[@]}" -n "$4" ${render[@]+"${render[@]}"} --threads "$threads" ;;
        # The filter renders.
        *-d) "${anchors[@]}" -n $((2 * $4)) | (render=(); perturb "$@") |
            hl-filter --discriminator "$discriminator" --keep 0.5 --batch "$batch" --threads "$threads" -q ;;
        *) "${anchors[@]}" -n "$4" | perturb "$@" ;;
    esac
}

# train_walker FILE CHUNKS OPTION…: at the paper's rates for many chunks together, or for a group of layers.
train_walker() {
    local rates=(--learning-rate 1e-5 --estimator-learning-rate 3e-5)
    [[ ! -e $1 ]] || return 0
    say "training the walker of chunks $2"
    [[ $2 == 0-$last || ${#chunks_hl[@]} == 1 ]] || rates=(--learning-rate 8e-5 --estimator-learning-rate 5e-5)
    hl-sample "${source_of[@]}" --seed 77 -q |
        hl-train walker --chunks "$2" --width "$width" "${rates[@]}" --threads "$threads" --resume -o "$1" -q "${@:3}"
}

# train_discriminator SAMPLES: of real and generated images, as many of each.
train_discriminator() {
    [[ ! -e $discriminator ]] || return 0
    say "training the discriminator"
    hl-sample "${source_of[@]}" --seed 79 -q |
        hl-train discriminator -n "$1" --batch "$batch" --real <(real_images 78) --threads "$threads" --resume \
            -o "$discriminator" -q
}
