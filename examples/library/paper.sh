# The paper's tables and figures: settings of a scale, encoders and their scores, transfer.
#
# Scripts of tables and figures take their settings from variables, which examples/README.md lists.

# begin_paper ARGUMENT…: settings of the scale, in the folder where all that takes long is kept.
begin_paper() {
    (($# == 0)) || fail 64 "what is $1? settings are variables, such as SCALE=paper: see --help"
    SCALE=${SCALE:-demo}
    case $SCALE in
        # For tests.
        tiny) arch=resnet18 size=32 width=4 batch=8 pairs=32 fit=60 held_out=30 walkers=64 anchors=500 judged=64 few=30 ;;
        demo) arch=resnet18 size=64 width=16 batch=64 pairs=102400 fit=6000 held_out=2000 walkers=98304 anchors=1000000 judged=131072 few=300 ;;
        # 100 epochs of ImageNet's training images.
        paper) arch=resnet50 size=128 width=64 batch=1024 pairs=128116700 walkers=2260000 anchors=1000000 judged=1281167 ;;
        *) fail 64 "there is no scale '$SCALE': set SCALE to demo or paper" ;;
    esac
    seeds=${SEEDS:-1} methods=${METHODS:-simclr} pairs=${PAIRS:-$pairs} real=${REAL:-} sets=${SETS:-}
    [[ $SCALE != paper ]] || methods=${METHODS:-simclr simsiam}
    [[ $seeds =~ ^[1-9][0-9]*$ ]] || fail 64 "cannot train encoders of $seeds seeds: set SEEDS from 1"
    [[ $pairs =~ ^[1-9][0-9]*$ ]] || fail 64 "cannot train on $pairs pairs: set PAIRS from 1"
    for method in $methods; do
        [[ $method =~ ^(simclr|simsiam|byol|moco)$ ]] ||
            fail 64 "there is no method '$method' here: choose from simclr, simsiam, byol and moco"
    done
    began_in=$PWD
    [[ $SCALE != paper || -z ${NEEDS_SETS:-} || -n $sets ]] ||
        fail 64 "there is nothing to transfer to: set SETS to the folder of the data sets"
    real_train=${REAL_TRAIN:-train}
    # One by one: of several on a line only the last one's failure ends the script.
    weights=$(placed "${WEIGHTS:-}")
    sets=$(placed "$sets")
    real=$(placed_set "$real")
    [[ $SCALE != paper || -n $weights || -n ${SECOND:-} ]] || fail 64 "there is no generator: set WEIGHTS to its file"
    [[ -z $weights || -n $real || -n ${NEEDS_NO_IMAGES:-} ]] ||
        fail 64 "nothing tells real images beside $weights: set REAL to NAME:DIR as hl-sample --data takes it"
    # What the noise of random is: the paper's, and for shapes what figure5.sh finds.
    sigma=${SIGMA:-$([[ $SCALE == paper ]] && echo 0.05 || echo 0.5)}
    local folder=${FOLDER:-hl-paper-$SCALE}
    mkdir -p "$folder"
    cd "$folder"
    # The second generator's lie in a folder beside, with settings of their own.
    if [[ -n ${SECOND:-} ]]; then made_of scale "$SCALE"; else made_of_all "shapes without defects"; fi
    mkdir -p encoders scores
    if [[ -n $weights ]]; then
        learn_generator --weights "$weights" $([[ $SCALE == paper ]] || echo --size "$size")
    else
        learn_generator --size "$size"
    fi
}

# made_of NAME VALUE…: refuses the folder where what is kept in it was made with other values of these settings. Others that it
# was made with stay, as not every script has to do with all.
made_of() {
    local i name old given=("$@") kept=
    [[ ! -e settings ]] || kept=$(<settings)
    if [[ -n $kept ]] && grep -qvE '^(scale|generator|pairs|images|σ): ' <<<"$kept"; then
        fail 78 "$PWD was made with other settings ($kept): give another FOLDER"
    fi
    for ((i = 0; i < $#; i += 2)); do
        name=${given[i]}
        old=$(sed -n "s/^$name: //p" <<<"$kept")
        [[ -z $old || $old == "${given[i + 1]}" ]] ||
            fail 78 "$PWD was made with other settings ($name: $old): give the same, or another FOLDER"
        [[ -n $old ]] || kept+=${kept:+$'\n'}"$name: ${given[i + 1]}"
    done
    echo "$kept" >settings
}
# made_of_all IMAGES: of all settings of a generator, for scripts that need no images of those that walkers depend on; IMAGES
# are what stands for REAL.
made_of_all() {
    made_of scale "$SCALE" generator "${weights:-shapes}"
    [[ -n ${NEEDS_NO_IMAGES:-} ]] || made_of pairs "$pairs" images "$([[ -n $real ]] && echo "$real, split $real_train" || echo "$1")" σ "$sigma"
}

# placed FILE: its whole path.
placed() {
    [[ -n $1 ]] || return 0
    [[ -e $1 ]] || fail 66 "there is no $1: check the path"
    realpath "$1"
}

# placed_set NAME:DIR,…: with the whole path of DIR.
placed_set() {
    local place=${1#*:}
    place=${place%%,*}
    [[ -z $place || ! -e $place ]] && echo "$1" || echo "${1%%:*}:$(realpath "$place")${1#"${1%%:*}:$place"}"
}

# The paper's rows, in its order, and for each the table's first cells.
rows=(real synth random hl hl-d learned hl-learned hl-learned-d)
row_name() {
    case $1 in
        hl) echo "HL random" ;;
        hl-d) echo "HL random (D)" ;;
        hl-learned) echo "HL learned" ;;
        hl-learned-d) echo "HL learned (D)" ;;
        *) echo "$1" ;;
    esac
}
# T_x as the paper gives it to an arm.
own_tx() { [[ $1 == hl* ]] && echo no-color || echo simclr; }

# real_for_training OPTION…: the split REAL_TRAIN of the real images, as hl-sample gives them with these options.
real_for_training() {
    local split=(--split "$real_train")
    [[ $real_train != none ]] || split=()
    hl-sample --data "$real" ${split[@]+"${split[@]}"} --size "$size" -q "$@"
}

# In the part of photographs, shapes without defects; there is no end to them.
real_images() {
    if [[ -n $real ]]; then
        real_for_training --shuffle --epochs 0 --seed "$1" ${2:+-n "$2"}
    else
        hl-sample --clean --size "$size" --seed $((1000 + $1)) ${2:+-n "$2"} -q
    fi
}

# What classifiers are fitted, chosen and tested on.
probe_sets() {
    if [[ -n $real ]]; then
        keep fit.hls real_for_training
        keep test.hls hl-sample --data "$real" --split "${REAL_TEST:-test}" --size "$size" -q
    else
        keep fit.hls hl-sample --clean --size "$size" -n "$fit" --seed 2001 -q
        keep validation.hls hl-sample --clean --size "$size" -n "$held_out" --seed 2002 -q
        keep test.hls hl-sample --clean --size "$size" -n "$held_out" --seed 2003 -q
    fi
}

# ingredients ARM: walker and discriminator that its views need.
ingredients() {
    case $1 in
        # Taken where InfoNCE is back at the paper's 1.05; at ten times its rates but at its own scale.
        learned) train_walker "$walker_all" "0-$last" -n "$walkers" --stop-loss 1.05 $(faster 10) ;;
        hl-learned*)
            local chunks
            for chunks in "${chunks_hl[@]}"; do
                train_walker "$(walker_of "$chunks")" "$chunks" -n "$walkers" --stop-loss 1.05 $(faster 10)
            done
            ;;
    esac
    case $1 in *-d) train_discriminator "$judged" ;; esac
}
faster() { [[ $SCALE == paper ]] || echo --rate-factor "$1"; }

# encoder METHOD ARM T_X SEED [SIGMA-MORE]: its name; supervised ones are the same beside every method.
encoder() { echo "$([[ $2 == supervised ]] || echo "$1-")$2${5:+-$5}-$3-$4"; }

# train METHOD ARM T_X SEED [SIGMA-MORE]: leaves encoders/NAME.safetensors.
train() {
    local name options began=$SECONDS method=$1
    name=$(encoder "$@")
    [[ ! -e encoders/$name.safetensors ]] || return 0
    [[ $2 != supervised ]] || method=supervised
    ingredients "$2"
    say "training $name"
    options=(--method "$method" --augment "$3" --arch "$arch" --width "$width" --batch "$batch" -n "$pairs" --seed "$4")
    # COP-Gen's head has no batch norm; its rate is 0.03 for 256 samples, and hl-train's own is for minutes.
    [[ $method != simclr ]] || options+=(--no-head-norm)
    [[ $method != supervised || -z $real ]] || options+=(--classes "$(real_for_training -n 1 | classes)")
    if [[ $SCALE == paper ]]; then
        [[ $method != simclr ]] || options+=(--learning-rate "$(awk "BEGIN { print 0.03 * $batch / 256 }")")
        options+=(--warmup $((pairs / 10 / batch)))
    fi
    local noise=${5:-$sigma}
    views "$2" "${noise%%-*}" "$4" "$pairs" | hl-train "${options[@]}" --resume -o "encoders/$name.safetensors" -q
    say "trained $name in $((SECONDS - began)) s"
}

# score METHOD ARM T_X SEED [SIGMA-MORE]: leaves scores/NAME.json, what hl-probe --json says of that encoder.
score() {
    local name options=(--recipe lbfgs)
    name=$(encoder "$@")
    [[ ! -e scores/$name.json ]] || return 0
    train "$@"
    probe_sets
    if [[ $SCALE == paper ]]; then
        # Each framework by its own evaluation.
        [[ $1 == simclr ]] && options=(--recipe copgen) || options=(--recipe paper)
    elif [[ -z $real ]]; then
        options+=(--validation validation.hls)
    fi
    keep "scores/$name.json" hl-probe "${options[@]}" --train fit.hls --test test.hls \
        --encoder "encoders/$name.safetensors" --json -q
}

# seed_mean METHOD ARM T_X SEED MEASURE: of one encoder, the mean over its classifiers.
seed_mean() { values_of "$5" <"scores/$(encoder "${@:1:4}").json" | mean_std 6 | sed 's/ ±.*//'; }

# cell METHOD ARM T_X MEASURE: mean ± std over the encoders' seeds, or of one encoder over its classifiers'.
cell() {
    local seed
    if ((seeds == 1)); then
        values_of "$4" <"scores/$(encoder "$1" "$2" "$3" 1).json" | mean_std
        return
    fi
    for ((seed = 1; seed <= seeds; seed++)); do seed_mean "$1" "$2" "$3" $seed "$4"; done | mean_std
}

# about_scale: what the numbers are of.
about_scale() {
    local plural=
    ((seeds == 1)) || plural=s
    echo "$SCALE: generator ${weights:-shapes, built in}, images ${real:-shapes without defects}, $arch of width $width at $size px, $pairs pairs, $seeds seed$plural"
}

# target_sets: sets to transfer to: the folders of SETS, else some that are made of `shapes`, at the size of the encoders:
# with defects; far from the usual latents; and with few images to learn from.
target_sets() {
    [[ -z $sets ]] || return 0
    sets=$PWD/sets-$size
    [[ ! -d $sets ]] || return 0
    rm -rf "$sets.part"
    mkdir -p "$sets.part"/{defective,far,few}
    shapes() { hl-sample --size "$size" --render -q "$@"; }
    shapes -n "$fit" --seed 2011 -o "$sets.part/defective/train.hls"
    shapes -n "$held_out" --seed 2012 -o "$sets.part/defective/test.hls"
    shapes --clean --std 2 --trunc inf -n "$fit" --seed 2013 -o "$sets.part/far/train.hls"
    shapes --clean --std 2 --trunc inf -n "$held_out" --seed 2014 -o "$sets.part/far/test.hls"
    shapes --clean -n "$few" --seed 2015 -o "$sets.part/few/train.hls"
    shapes --clean -n "$held_out" --seed 2016 -o "$sets.part/few/test.hls"
    rm -f "$sets.part"/*/*.run.json
    mv "$sets.part" "$sets"
}

# transfer METHOD ARM…: leaves transfer/results of the encoders of all seeds on every target set.
transfer() {
    local method=$1 arm seed name encoders=()
    shift
    target_sets
    for ((seed = 1; seed <= seeds; seed++)); do
        for arm; do
            train "$method" "$arm" "$(own_tx "$arm")" "$seed"
            name=$(encoder "$method" "$arm" "$(own_tx "$arm")" "$seed")
            encoders+=("$name=encoders/$name.safetensors")
        done
    done
    local recipe=lbfgs
    transferred=transfer/results/lbfgs-1
    [[ $SCALE != paper ]] || recipe=paper transferred=transfer/results/paper-5-60
    "$here/transfer.sh" --data "$sets" --recipe $recipe --folder transfer "${encoders[@]}" >transfer.txt
}

# transferred METHOD ARM SET [MEASURE]: top-1, a line for each value: of every seed, or of one seed's classifiers.
transferred() {
    local seed
    for ((seed = 1; seed <= seeds; seed++)); do
        values_of "${4:-top1}" <"$transferred/$(encoder "$1" "$2" "$(own_tx "$2")" $seed)/$3.json" |
            if ((seeds == 1)); then cat; else mean_std 6 | sed 's/ ±.*//'; fi
    done
}
# mean_over METHOD ARM SET…: top-1 over the sets, of the mean on each.
mean_over() {
    local set
    for set in "${@:3}"; do transferred "$1" "$2" "$set" | mean_std 6 | sed 's/ ±.*//'; done | mean_std | sed 's/ ±.*//'
}
target_names() { for name in "$transferred/$(encoder "$1" "$2" "$(own_tx "$2")" 1)"/*.json; do basename "$name" .json; done; }
