// Steps of a walker's training, timed: the counterpart of walker_reference.py (see Harness.swift).
//
//     walker-step [--weights FILE] [--chunks 1-5] [--batch 8] [--threads 2] [--width 64] [--backend auto]
//                 [--precision f32]
//
// Without --weights it is the built-in generator.

import BenchmarkHarness
import BenchmarkSteps

try walkerSteps(Options())
