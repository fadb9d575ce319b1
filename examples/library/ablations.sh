# The paper's figures: encoders by shorter trainings, and pictures.

# note FILE NAME NUMBER TOP1: a record for hl-view --runs, hl-run(5), of what was measured at this number of that name.
note() {
    mkdir -p "$(dirname "$1")"
    printf '{"hl.run":"1","status":"finished","tool":"%s","started":"%s","settings":{"%s":%s},"metrics":{"top1":%s}}\n' \
        "$(basename "$0")" "$(date -u +%FT%TZ)" "$2" "$3" "$4" >"$1"
}
# draw FIGURE.png NAME FOLDER…: top-1 over that number, a line for each folder.
draw() { hl-view --runs --against "$2" --values top1 -o "$1" "${@:3}"; }

# begin_second: goes on with the second generator, of cars in the paper, in a folder beside.
begin_second() {
    local cars=${CARS:-}
    [[ -n $cars || $SCALE == paper ]] || cars=$here/cifar10-hl32.safetensors
    weights=$(cd "$began_in" && placed "$cars")
    [[ -n $weights ]] || fail 64 "there is no second generator: set CARS to its file"
    real=$(cd "$began_in" && placed_set "${REAL_CARS:-}")
    real_train=${CARS_TRAIN:-$real_train}
    sets=$(cd "$began_in" && placed "${CARS_SETS:-}")
    mkdir -p second
    cd second
    learn_generator --weights "$weights"
    # LSUN's cars are 384 pixels high in the middle of 512.
    local images=()
    [[ $(about resolution) != 512 ]] || images=(--crop 384)
    # Its network takes longer than the built-in one.
    [[ $SCALE != demo ]] || { size=32 pairs=$((pairs / 4)) walkers=$((walkers / 4)); }
    learn_generator --weights "$weights" ${images[@]+"${images[@]}"} --size "$size"
    if [[ $SCALE == paper && ${moves_hl[0]} == --group ]]; then batch=512 sigma=${SIGMA:-0.15}; fi
    made_of_all none
    mkdir -p encoders scores
}

# begin_ablation ARGUMENT…: of encoders by shorter trainings.
begin_ablation() {
    begin_paper "$@"
    [[ -z ${SECOND:-} ]] || begin_second
    method=${methods%% *}
    txs=${TXS:-simclr no-color no-crop none}
    # Of the second generator those of the scale demo are few already.
    case $SCALE${SECOND:+-second} in
        demo) pairs=$((pairs / 4)) ;;
        paper*) pairs=$((pairs / 10)) ;;
    esac
}

# ablation FIGURE ARM NAME NUMBERS: the table and picture of an arm under every T_x, at σ's or checkpoints.
ablation() {
    local figure=$1 arm=$2 name=$3 tx number text value
    for tx in $txs; do
        for number in $4; do
            for ((seed = 1; seed <= seeds; seed++)); do ablated "$arm" "$tx" "$seed" "$name" "$number"; done
            value=$(ablation_cell "$arm" "$tx" "$number")
            note "$figure/$arm/$tx/$number.run.json" "$name" "$number" "${value%% *}"
        done
    done
    printf '\n%s, %s (%s, %d pairs; generator %s): top-1\n\n' "$figure" "$arm" "$method" "$pairs" "${weights:-shapes}"
    {
        printf '%s' "$name"
        for tx in $txs; do printf '\t%s' "$tx"; done
        for number in $4; do
            printf '\n%s' "$number"
            for tx in $txs; do printf '\t%s' "$(ablation_cell "$arm" "$tx" "$number")"; done
        done
        printf '\n'
    } | columns
    (cd "$figure/$arm" && draw "../../$figure-$arm.png" "$name" $txs)
    echo "$PWD/$figure-$arm.png"
}
ablation_cell() {
    local seed
    for ((seed = 1; seed <= seeds; seed++)); do
        values_of top1 <"scores/$(encoder "$method" "$1" "$2" $seed "$3-$pairs").json" | mean_std 6 | sed 's/ ±.*//'
    done | mean_std
}
# ablated ARM T_X SEED NAME NUMBER: one encoder's score.
ablated() {
    if [[ $4 == sigma ]]; then
        score "$method" "$1" "$2" "$3" "$5-$pairs"
        return
    fi
    local chunks file=walkers/$1-$5.safetensors
    mkdir -p walkers
    (
        walker_all=$file walker_hl=$file
        # Without a loss to stop at.
        if [[ $1 == learned ]]; then
            checkpoint "$walker_all" "0-$last" "$5"
        else
            for chunks in "${chunks_hl[@]}"; do checkpoint "$(walker_of "$chunks")" "$chunks" "$5"; done
        fi
        score "$method" "$1" "$2" "$3" "$5-$pairs"
    )
}

# checkpoint FILE CHUNKS ANCHORS: a walker that has been trained on so many.
checkpoint() { train_walker "$1" "$2" -n "$3" --batch $((batch < 64 ? batch : 64)) $(faster 10); }

# views_by_arm FIGURE.png: a column for each anchor, and below it its view by each T_z.
views_by_arm() {
    local arm count=${ANCHORS:-6} arms=(random learned hl hl-learned) streams=()
    for arm in learned hl-learned; do ingredients $arm; done
    mkdir -p views
    for arm in anchors "${arms[@]}"; do
        if [[ $arm == anchors ]]; then
            hl-sample "${source_of[@]}" --seed 5 -n "$count" --render -q | hl-select --keep x.0 -q >views/anchors.hls
        else
            hl-sample "${source_of[@]}" --seed 5 -n "$count" -q | (render=(--render); perturb $arm "$sigma" 5) |
                hl-select --keep x.1 --rename x.1=x.0 -q >"views/$arm.hls"
        fi
        streams+=("views/$arm.hls")
    done
    hl-select "${streams[@]}" -q | hl-view --columns "$count" --rows ${#streams[@]} --no-captions -o "$1"
    rm -r views
    echo "$(realpath "$1"), a column for each anchor, rows from above: the anchors, random (σ $sigma), learned, HL random, HL learned"
}
