#!/usr/bin/env bash
# The paper's Figure 7: T_x, and σ of random views (left) or the checkpoint of the walker (right), for the baselines of the
# second generator, of cars in the paper.
#
#     examples/figure7.sh
#     SCALE=paper CARS=stylegan2-car-config-f.pkl REAL_CARS=cars:DIR FOLDER=hl-paper-stanford examples/figure7.sh
#
# Settings are variables: SCALE (demo), METHODS, SEEDS, PAIRS, CARS, REAL_CARS, SIGMAS, CHECKPOINTS, TXS and FOLDER, as in
# examples/README.md. Encoders are judged on REAL_CARS, Stanford Cars in the paper. An encoder of a tenth of the pairs for
# each (a quarter at the scale demo), by the first of METHODS. Draws figure7-random.png and figure7-learned.png, and prints
# them as tables.
#
# At the scale demo the generator is examples/cifar10-hl32.safetensors, and encoders are judged on `shapes`, which they have
# not seen, for want of photographs with labels.
set -euo pipefail
source "$(dirname "$0")/common.sh"
[[ ${SCALE:-demo} != paper || -n ${REAL_CARS:-} ]] ||
    fail 64 "there is nothing to judge encoders on: set REAL_CARS to NAME:DIR as hl-sample --data takes it"
SECOND=1 begin_ablation "$@"
case $SCALE in
    tiny) sigmas="0.5" checkpoints="16" ;;
    demo) sigmas="0.2 0.5 1" checkpoints="8192 32768" ;;
    paper) sigmas="0.05 0.15 0.3 0.5" checkpoints="16000 32000 64000" ;;
esac
ablation figure7 random sigma "${SIGMAS:-$sigmas}"
ablation figure7 learned anchors "${CHECKPOINTS:-$checkpoints}"
