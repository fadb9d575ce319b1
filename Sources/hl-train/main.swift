import HLCommand

runTool(
    oneOf: [
        ("encoder", TrainEncoder.self), ("walker", TrainWalker.self), ("discriminator", TrainDiscriminator.self),
        ("generator", TrainGenerator.self),
    ])
