import HLCommand

runTool(oneOf: [("encoder", TrainEncoder.self), ("discriminator", TrainDiscriminator.self)])
