#!/usr/bin/env bash
# The paper's Figure 8: views of some anchors by every T_z: random, learned, HL random, HL learned.
#
#     examples/figure8.sh
#     SCALE=paper WEIGHTS=BigBiGAN_x1.pth examples/figure8.sh
#
# Settings are variables: SCALE (demo), WEIGHTS, SIGMA, ANCHORS and FOLDER, as in examples/README.md. The walkers are those of
# table2.sh, which are trained where they are missing. Draws figure8.png, a row for each of ANCHORS (6).
set -euo pipefail
source "$(dirname "$0")/common.sh"
NEEDS_NO_IMAGES=1 begin_paper "$@"
views_by_arm figure8.png
