#!/usr/bin/env bash
# The paper's Table 3. Left: the mean top-1 of every row's encoders over all sets that they are transferred to. Right: top-1
# and top-5 of encoders of a second generator, of cars in the paper, on two of them.
#
#     examples/table3.sh
#     SCALE=paper WEIGHTS=BigBiGAN_x1.pth REAL=imagenet:DIR SETS=DIR examples/table3.sh
#     SCALE=paper CARS=stylegan2-car-config-f.pkl REAL_CARS=lsun:DIR,crop=cars CARS_TRAIN=none CARS_SETS=DIR … examples/table3.sh
#
# Settings are variables: SCALE (demo), METHODS, SEEDS, PAIRS, WEIGHTS, REAL, REAL_TRAIN, SETS, SIGMA and FOLDER, as in
# examples/README.md. Left are the encoders of table2.sh, which are trained where they are missing. SETS and CARS_SETS are
# folders of data sets in the layouts that transfer.sh knows; CARS is the second generator. REAL_TRAIN is the split of REAL
# that is trained on (train), and CARS_TRAIN that of REAL_CARS (REAL_TRAIN's); none leaves it out, as a single database of
# LSUN, which has no splits, needs it.
#
# At the scale demo the sets are made of `shapes`: images with defects, latents far from the usual, and few images to learn
# from; the second generator is examples/cifar10-hl32.safetensors, whose encoders see photographs' likes at 32 px and are
# transferred to the same sets, for want of photographs with labels, after a quarter of the pairs. It has no row real then. Further deviations are those
# of table2.sh. Right are the paper's settings for StyleGAN2 where CARS is one (noise by groups of layers, σ 0.15), else
# those of the left half.
set -euo pipefail
source "$(dirname "$0")/common.sh"
# What the right half needs, which comes long after the left.
[[ ${SCALE:-demo} != paper || -z ${CARS:-} || -n ${CARS_SETS:-} ]] ||
    fail 64 "there is nothing to transfer encoders of $CARS to: set CARS_SETS to the folder of the data sets"
for file in "${CARS:-}" "${CARS_SETS:-}"; do placed "$file" >/dev/null; done
NEEDS_SETS=1 begin_paper "$@"

declare -A paper=(
    [real]=58.2 [synth]=47.2 [random]=47.0 [hl]=59.6 [hl-d]=60.5 [learned]=46.2 [hl-learned]=54.9 [hl-learned-d]=56.4
)
declare -A paper_cars=([real]=33.4 [synth]=27.0 [random]=29.2 [hl]=47.0 [learned]=28.6 [hl-learned]=35.2)

left() {
    local method arm names
    for method in $methods; do
        transfer "$method" "${rows[@]}"
        mapfile -t names < <(target_names "$method" real)
        printf '\nTable 3, left (%s; mean over %s)\n\n' "$method" "${names[*]}"
        for arm in "${rows[@]}"; do
            printf '%s\t%s\n' "$(row_name "$arm")" "$(mean_over "$method" "$arm" "${names[@]}")"
        done | columns
        echo
        for arm in "${rows[@]}"; do
            printf '%s\t%s\t%s\n' "$(row_name "$arm")" "${paper[$arm]}" "$(mean_over "$method" "$arm" "${names[@]}")"
        done | order "$method, mean top-1"
    done
}

right() {
    local method=${methods##* } arm arms=(synth random hl learned hl-learned) names set measure
    if [[ -z ${CARS:-} && $SCALE == paper ]]; then
        printf '\nTable 3, right, needs a second generator: set CARS, REAL_CARS and CARS_SETS.\n'
        return
    fi
    begin_second
    [[ -z $real ]] || arms=(real "${arms[@]}")
    transfer "$method" "${arms[@]}"
    mapfile -t names < <(target_names "$method" synth)
    printf '\nTable 3, right (%s; generator %s)\n\n' "$method" "$weights"
    {
        printf 'Encoder'
        for set in "${names[@]}"; do printf '\t%s\t' "$set"; done
        printf '\n'
        for set in "${names[@]}"; do printf '\tTop-1\tTop-5'; done
        for arm in "${arms[@]}"; do
            printf '\n%s' "$(row_name "$arm")"
            for set in "${names[@]}"; do
                for measure in top1 top5; do printf '\t%s' "$(transferred "$method" "$arm" "$set" $measure | mean_std)"; done
            done
        done
        printf '\n'
    } | columns
    echo
    for arm in "${arms[@]}"; do
        printf '%s\t%s\t%s\n' "$(row_name "$arm")" "${paper_cars[$arm]}" \
            "$(transferred "$method" "$arm" "${names[0]}" | mean_std | sed 's/ ±.*//')"
    done | order "$method, ${names[0]}, beside the paper's Stanford Cars"
}

{
    echo "Table 3 ($(about_scale))"
    left
    (right)
} >table3.part
mv table3.part table3.txt
cat table3.txt
