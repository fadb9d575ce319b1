#!/usr/bin/env bash
# The paper's Figure 5: which T_x and which σ are best for random views, on all chunks (left) and on all but 0 (right).
#
#     examples/figure5.sh
#     SIGMAS="0.05 0.2 0.5 1" TXS="simclr no-color no-crop none" examples/figure5.sh
#     SCALE=paper WEIGHTS=BigBiGAN_x1.pth REAL=imagenet100:DIR REAL_TEST=val FOLDER=hl-paper-imagenet100 examples/figure5.sh
#
# Settings are variables: SCALE (demo), METHODS, SEEDS, PAIRS, WEIGHTS, REAL, SIGMAS, TXS and FOLDER, as in
# examples/README.md. An encoder of a tenth of the pairs for each (a quarter at the scale demo, where a tenth learns
# nothing), by the first of METHODS, SimSiam in the paper. Draws figure5-random.png and figure5-hl.png, top-1 over σ with a
# line for each T_x, and prints them as tables.
set -euo pipefail
source "$(dirname "$0")/common.sh"
begin_ablation "$@"
sigmas=${SIGMAS:-$([[ $SCALE == demo ]] && echo 0.2 0.5 1 || echo 0.05 0.2 0.5 0.8 1)}
ablation figure5 random sigma "$sigmas"
ablation figure5 hl sigma "$sigmas"
