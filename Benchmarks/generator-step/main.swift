// A generator's images, timed: the counterpart of generators_reference.py (see Harness.swift).
//
//     generator-step --weights FILE [--batch 8] [--threads 2] [--backward 1] [--backend auto] [--precision f32]
//                    [--expected FILE]
//
// With --expected, a safetensors file of make_generators.py, it first prints how far images and gradients are from
// those of the public reference code.

import BenchmarkHarness
import BenchmarkSteps

try generatorSteps(Options())
