#!/usr/bin/env bash
# The paper's Figure 9: what figure8.sh draws, of the second generator, of cars in the paper.
#
#     examples/figure9.sh
#     SCALE=paper CARS=stylegan2-car-config-f.pkl examples/figure9.sh
#
# Settings are variables: SCALE (demo), CARS, SIGMA, ANCHORS and FOLDER, as in examples/README.md. The walkers are those of
# table3.sh, which are trained where they are missing. Draws figure9.png. At the scale demo the generator is
# examples/cifar10-hl32.safetensors.
set -euo pipefail
source "$(dirname "$0")/common.sh"
NEEDS_NO_IMAGES=1 SECOND=1 begin_paper "$@"
NEEDS_NO_IMAGES=1 begin_second
views_by_arm ../figure9.png
