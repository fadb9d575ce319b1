// One SimSiam training step, timed: the counterpart of simsiam_step.py (see Harness.swift).
//
//     simsiam-step [--arch resnet18] [--batch 32] [--side 112] [--width 64] [--threads 2] [--backend auto]
//                  [--precision f32] [--batch-norm global]
//
// Under mpirun all ranks do it together, each with a batch of that size.

import BenchmarkHarness
import BenchmarkSteps

try simSiamSteps(Options())
