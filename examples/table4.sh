#!/usr/bin/env bash
# The paper's Table 4: top-1 of every row's encoders on each set that they are transferred to, with the supervised one above.
#
#     examples/table4.sh
#     SCALE=paper WEIGHTS=BigBiGAN_x1.pth REAL=imagenet:DIR SETS=DIR examples/table4.sh
#
# Settings are variables: SCALE (demo), METHODS, SEEDS, PAIRS, WEIGHTS, REAL, SETS, SIGMA and FOLDER, as in
# examples/README.md. The encoders are those of table2.sh, which are trained where they are missing; the supervised one
# learns the labels of the real images. SETS is a folder of data sets in the layouts that transfer.sh knows; in the paper
# Birdsnap, Caltech101, Cifar100, DTD, Flowers102, Food101 and Pets.
#
# At the scale demo the sets are made of `shapes`, as in table3.sh, and deviations are those of table2.sh.
set -euo pipefail
source "$(dirname "$0")/common.sh"
NEEDS_SETS=1 begin_paper "$@"

# The paper's mean over its seven sets.
declare -A paper=(
    [supervised]=71.5 [real]=58.2 [synth]=47.2 [random]=47.0 [hl]=59.6 [hl-d]=60.5 [learned]=46.2 [hl-learned]=54.9 [hl-learned-d]=56.4
)
{
    printf 'Table 4 (%s)\n' "$(about_scale)"
    for method in $methods; do
        transfer "$method" supervised "${rows[@]}"
        mapfile -t names < <(target_names "$method" real)
        printf '\n%s\n\n' "$method"
        {
            printf 'Encoder'
            printf '\t%s' "${names[@]}"
            for arm in supervised "${rows[@]}"; do
                printf '\n%s' "$(row_name "$arm")"
                for set in "${names[@]}"; do printf '\t%s' "$(transferred "$method" "$arm" "$set" | mean_std)"; done
            done
            printf '\n'
        } | columns
        echo
        for arm in supervised "${rows[@]}"; do
            printf '%s\t%s\t%s\n' "$(row_name "$arm")" "${paper[$arm]}" "$(mean_over "$method" "$arm" "${names[@]}")"
        done | order "$method, mean over the sets"
    done
} >table4.part
mv table4.part table4.txt
cat table4.txt
