// One step of a generator's training, timed: the counterpart of gan_step.py (see Harness.swift).
//
//     gan-step [--batch 32] [--side 32] [--width 32] [--content none] [--threads 2] [--backend auto]
//             [--precision f32]

import BenchmarkHarness
import HLAdversarial
import HLCompute
import HLNet
import HLTensor

let options = Options()
var settings = GeneratorTrainer.Settings()
settings.batch = options.number("batch", 32)
settings.side = options.number("side", 32)
settings.width = options.number("width", 32)
settings.steps = 1_000_000
switch options["content"] {
case "infonce": settings.content = .infoNCE(weight: 0.1, temperature: 0.2)
case "cells": settings.content = .cells(classes: 10)
default: break
}
if options["augment"] == "all" { settings.augmentations = [.colour, .translation, .cutout] }

let backend = try options.makeBackend()
settings.precision = try options.precision(on: backend)
let trainer = try GeneratorTrainer(settings, on: backend)
var sequence = RandomKey(seed: 0, purpose: .shuffle).sequence(id: 0)
let shape = [settings.batch, 3, settings.side, settings.side]
let images = backend.tensor(HostTensor((0..<shape.reduce(1, *)).map { _ in sequence.uniform() }, shape: shape))
let labels = (0..<settings.batch).map { Int32($0 % 10) }, ids = (0..<settings.batch).map { Int64($0) }

try takeTurns(backend) {
    let step = try timed {
        try trainer.train(real: images, labels: labels, ids: ids, wantsLosses: true)?.discriminator
    }
    return (step.seconds, step.result)
}
