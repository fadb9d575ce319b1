#!/usr/bin/env bash
# The paper's Table 2: encoders of real images, of generated ones, and of views by each T_z, by linear classification, and by
# detection where detection.sh has measured it.
#
#     examples/table2.sh
#     SEEDS=3 METHODS="simclr simsiam" examples/table2.sh
#     SCALE=paper WEIGHTS=BigBiGAN_x1.pth REAL=imagenet:DIR REAL_TEST=val examples/table2.sh
#
# Settings are variables: SCALE (demo), METHODS, SEEDS, PAIRS, WEIGHTS, REAL, REAL_TEST, SIGMA and FOLDER, as in
# examples/README.md. What is done stays in the folder; a stopped training goes on.
#
# At the scale demo the generator is `shapes`, a fifth of whose images are defective, its labels are what is classified, and
# `shapes` without defects plays the part of real images, without end. Other deviations from the paper, so that it runs on
# two cores: ResNet-18 of width 16 at 64 px, batch 64 and minutes instead of 100 epochs, SimCLR at rate 0.2 with COP-Gen's
# head, a logistic regression whose penalty validation samples choose; σ of random as figure5.sh finds it, 0.5 for `shapes`;
# walkers by ten times the paper's rates. D rows are made for SimCLR too, where the paper has none.
set -euo pipefail
source "$(dirname "$0")/common.sh"
begin_paper "$@"

# The paper's top-1.
declare -A paper=(
    [simclr-real]=49.4 [simclr-synth]=41.6 [simclr-random]=48.7 [simclr-hl]=53.7 [simclr-learned]=53.2 [simclr-hl-learned]=54.4
    [simsiam-real]=49.1 [simsiam-synth]=32.2 [simsiam-random]=33.4 [simsiam-hl]=42.5 [simsiam-hl-d]=43.6
    [simsiam-learned]=33.0 [simsiam-hl-learned]=39.5 [simsiam-hl-learned-d]=40.6
)

for ((seed = 1; seed <= seeds; seed++)); do
    for method in $methods; do
        for arm in "${rows[@]}"; do score "$method" "$arm" "$(own_tx "$arm")" "$seed"; done
    done
done

# detected METHOD ARM MEASURE: mean ± std over what detection.sh --folder detection/NAME has left.
detected() {
    local seed file
    for ((seed = 1; seed <= seeds; seed++)); do
        file=detection/$(encoder "$1" "$2" "$(own_tx "$2")" $seed)/ap.json
        [[ ! -e $file ]] || awk -v wanted="\"$3\":" '$1 == wanted { print $2 + 0; exit }' "$file"
    done | mean_std
}

# tops METHOD ARM: top-1 of every seed, a line each.
tops() {
    local seed
    for ((seed = 1; seed <= seeds; seed++)); do seed_mean "$1" "$2" "$(own_tx "$2")" $seed top1; done
}

# start ARM: the first cells of a row.
start() {
    local data=synth tz=- tx=all
    [[ $1 != real ]] || data=real
    [[ $1 != *-d ]] || data="synth (D)"
    case $1 in
        random | learned) tz=$1 ;;
        hl-learned*) tz="HL learn." tx="no col." ;;
        hl*) tz="HL rand." tx="no col." ;;
    esac
    printf '%s\t%s\t%s' "$data" "$tz" "$tx"
}

{
    printf 'Table 2 (%s)\n\n' "$(about_scale)"
    {
        printf '\t\t'
        for method in $methods; do printf '\t%s\t\t\t\t' "$method"; done
        printf '\nData\tT_z\tT_x'
        for method in $methods; do printf '\tTop-1\tTop-5\tAP\tAP50\tAP75'; done
        for arm in "${rows[@]}"; do
            printf '\n%s' "$(start "$arm")"
            for method in $methods; do
                for measure in top1 top5; do printf '\t%s' "$(cell "$method" "$arm" "$(own_tx "$arm")" $measure)"; done
                for measure in AP AP50 AP75; do printf '\t%s' "$(detected "$method" "$arm" $measure)"; done
            done
        done
        printf '\n'
    } | columns
    echo
    for method in $methods; do
        for arm in "${rows[@]}"; do
            printf '%s\t%s\t%s\n' "$(row_name "$arm")" "${paper[$method-$arm]:-}" \
                "$(cell "$method" "$arm" "$(own_tx "$arm")" top1 | sed 's/ ±.*//')"
        done | order "$method, top-1"
    done
    if ((seeds > 1)); then
        printf '\nPaired differences in top-1 with 95 %% intervals\n\n'
        {
            printf '\t%s' $methods
            for pair in hl:synth hl:random learned:random hl-learned:learned hl-learned:hl hl-d:hl hl-learned-d:hl-learned; do
                printf '\n%s – %s' "$(row_name "${pair%:*}")" "$(row_name "${pair#*:}")"
                for method in $methods; do
                    printf '\t%s' "$(paste <(tops "$method" "${pair%:*}") <(tops "$method" "${pair#*:}") | difference)"
                done
            done
            printf '\n'
        } | columns
    fi
    echo
    [[ -n $(compgen -G 'detection/*/ap.json') ]] || echo "AP: see detection.sh --help."
} >table2.part
mv table2.part table2.txt
cat table2.txt
