#!/usr/bin/env bash
# The paper's Figure 6: T_x for views by walkers, of all chunks (left) and of all but 0 (right), at checkpoints of the walkers.
#
#     examples/figure6.sh
#     CHECKPOINTS="60000" TXS="simclr no-color no-crop none" examples/figure6.sh
#     SCALE=paper WEIGHTS=BigBiGAN_x1.pth REAL=imagenet100:DIR REAL_TEST=val FOLDER=hl-paper-imagenet100 examples/figure6.sh
#
# Settings are variables: SCALE (demo), METHODS, SEEDS, PAIRS, WEIGHTS, REAL, CHECKPOINTS, TXS and FOLDER, as in
# examples/README.md. CHECKPOINTS are anchors that a walker has been trained on; the paper took 60 K and 120 K. An encoder of
# a tenth of the pairs for each (a quarter at the scale demo), by the first of METHODS. Draws figure6-learned.png and
# figure6-hl-learned.png, top-1 over the walker's anchors with a line for each T_x, and prints them as tables.
set -euo pipefail
source "$(dirname "$0")/common.sh"
begin_ablation "$@"
case $SCALE in
    tiny) checkpoints="16 32" ;;
    demo) checkpoints="8192 32768" ;;
    paper) checkpoints="60000 120000" ;;
esac
ablation figure6 learned anchors "${CHECKPOINTS:-$checkpoints}"
ablation figure6 hl-learned anchors "${CHECKPOINTS:-$checkpoints}"
