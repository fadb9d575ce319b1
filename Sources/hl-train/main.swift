import HLCommand

runTool(TrainEncoder.self)
