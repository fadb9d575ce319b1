import HLCompute
import HLEncoders
import HLFormats
import HLNet
import HLTensor
import TestSupport
import Testing

/// The catalogue of training methods.
struct MethodsTests {
    private func method(_ name: String) throws -> MethodDescription { try #require(Methods.named(name)) }

    @Test func namesAreUnique() {
        #expect(Set(Methods.all.map(\.name)).count == Methods.all.count)
        for method in Methods.all {
            #expect(Methods.named(method.name)?.summary == method.summary)
            #expect(!method.summary.isEmpty && !method.source.isEmpty)
            let options = method.options.map(\.name)
            #expect(Set(options).count == options.count)
            for option in method.options { #expect(!option.help.isEmpty) }
        }
        #expect(Methods.named("no such method") == nil)
        #expect(Methods.standard.name == "simclr")
    }

    /// One meaning and one domain for an option, whoever has it; only defaults differ.
    @Test func sharedOptions() {
        for option in Methods.all.flatMap(\.options) {
            for other in Methods.all.flatMap(\.options) where other.name == option.name {
                #expect(other.help == option.help && other.domain == option.domain)
            }
        }
    }

    /// Settings of a run with nothing but a method, as the first release with it had them.
    @Test(arguments: [
        (
            "simsiam", 100, 64,
            #"{"learning_rate":0.0125,"warmup_steps":0,"momentum":0.9,"weight_decay":0.0001}"#, 0 as Float
        ),
        (
            "simclr", 100, 64,
            #"{"learning_rate":0.2,"warmup_steps":0,"momentum":0.9,"weight_decay":0.0001,"temperature":0.1,"head_norm":true}"#,
            0.001
        ),
        (
            "byol", 1099, 256,
            #"{"learning_rate":0.2,"warmup_steps":10,"momentum":0.9,"weight_decay":0.0000015,"target_momentum":0.996}"#,
            0
        ),
        (
            "moco", 100, 256,
            #"{"learning_rate":0.03,"warmup_steps":0,"momentum":0.9,"weight_decay":0.0001,"temperature":0.2,"target_momentum":0.999,"queue":65536}"#,
            0
        ),
        (
            "stablerep", 100, 64,
            #"{"learning_rate":0.2,"warmup_steps":0,"momentum":0.9,"weight_decay":0.0001,"positives":5,"temperature":0.1,"head_norm":true}"#,
            0.001
        ),
        (
            "lejepa", 1099, 64,
            #"{"learning_rate":0.0005,"warmup_steps":10,"momentum":0.9,"weight_decay":0.0005,"positives":3,"lambda":0.02,"slices":256,"projection":16}"#,
            0.001
        ),
        (
            "supervised", 100, 256,
            #"{"learning_rate":0.8,"warmup_steps":0,"momentum":0.9,"weight_decay":0.0001,"classes":10}"#, 0
        ),
    ])
    func defaults(_ name: String, _ steps: Int, _ batch: Int, _ expected: String, _ floor: Float) throws {
        let method = try method(name)
        let settings = TrainingSettings(
            method: method, values: try method.values(), architecture: .resnet18, width: 16, stem: .cifar,
            augmentation: .noColor, batch: batch, steps: steps, seed: 7)
        var own = settings.json.object ?? [:]
        let common: [(String, JSONValue)] = [
            ("method", .string(name)), ("arch", "resnet18"), ("width", 16), ("stem", "cifar"), ("augment", "no-color"),
            ("batch", .integer(Int64(batch))), ("steps", .integer(Int64(steps))), ("seed", 7),
        ]
        for (key, value) in common {
            #expect(own[key] == value)
            own[key] = nil
        }
        let wanted = try #require(try JSONValue(parsing: expected, name: "").object)
        #expect(own.members.map(\.key) == wanted.members.map(\.key))
        // Numbers as they are typed, not with the digits of the nearest Float.
        for (key, value) in wanted.members { #expect(own[key] == value, "\(key)") }
        #expect(settings.schedule.floor == floor)
    }

    @Test func optionsOfOtherMethodsAreRefused() throws {
        let simclr = try method("simclr")
        let refusal = failure { _ = try Methods.values(of: simclr, given: [("queue", .integer(100))]) }
        #expect(
            refusal == Failure(.usage, "--queue is for moco, and the method is simclr", "leave it out"))
        let two = failure {
            _ = try Methods.values(of: simclr, given: [("temperature", nil), ("target-momentum", .number(0.5))])
        }
        #expect(two?.what == "--target-momentum is for byol and moco, and the method is simclr")
        // Every option is refused by every method that has it not, and taken by those that have it.
        for option in Methods.all.flatMap(\.options) {
            for method in Methods.all {
                let isOwn = method.options.contains { $0.name == option.name }
                let refusal = failure { _ = try Methods.values(of: method, given: [(option.name, option.standard)]) }
                #expect(isOwn ? refusal == nil : refusal?.kind == .usage, "\(method.name), \(option.name)")
                let leftOut = failure { _ = try Methods.values(of: method, given: [(option.name, nil)]) }
                #expect(leftOut == nil)
            }
        }
    }

    @Test func valuesOutOfRangeAreRefused() throws {
        let moco = try method("moco")
        for (name, value) in [
            ("queue", MethodOption.Value.integer(1)), ("queue", .integer(1_048_577)), ("queue", .number(8)),
            ("temperature", .number(0)), ("temperature", .number(.nan)), ("temperature", .number(.infinity)),
            ("target-momentum", .number(1.01)), ("target-momentum", .number(.nan)),
        ] {
            let refusal = failure { _ = try moco.values([name: value]) }
            #expect(refusal?.kind == .usage && refusal?.what.contains("--\(name)") == true, "\(name) \(value)")
        }
        let queue = failure { _ = try moco.values(["queue": .integer(1)]) }
        #expect(queue == Failure(.usage, "--queue 1 is out of range", "give an integer from 2 to 1048576"))
        #expect(failure { _ = try method("supervised").values(["classes": .integer(1)]) }?.kind == .usage)

        let values = try moco.values(["queue": .integer(20), "temperature": .number(0.5)])
        #expect(values.integer("queue") == 20 && values.number("temperature") == 0.5)
        #expect(values.number("target-momentum") == 0.999)
        try moco.check(values, 20)
        let short = failure { try moco.check(values, 21) }
        #expect(short?.kind == .usage && short?.what == "a queue of 20 keys does not hold one batch of 21")
        for method in Methods.all { try method.check(method.values(), 64) }
    }

    @Test func help() {
        #expect(
            Methods.help("queue")
                == "For moco: keys in the queue, at least one batch. (integer from 2 to 1048576; default: 65536)")
        #expect(
            Methods.help("temperature")
                == "For simclr, stablerep and moco: temperature of InfoNCE. (number above 0; default: 0.2 (moco) or 0.1 (others))"
        )
        #expect(
            Methods.each { "\($0.rate)" }
                == "0.05 (simsiam), 0.2 (byol), 0.03 (moco), 0.002 (lejepa) or 0.8 (others)")
        #expect(Methods.each { "\($0.momentum)" } == "0.9")
    }

    /// How many views of a sample a step takes.
    @Test func views() throws {
        for (name, count) in [
            ("simsiam", 2), ("simclr", 2), ("byol", 2), ("moco", 2), ("supervised", 1), ("stablerep", 6), ("lejepa", 4),
        ] {
            let method = try method(name)
            #expect(method.viewsPerSample(try method.values()) == count)
            #expect((method.views == .anchorAndPositives) == (count > 2) && (method.unit == "anchors") == (count > 2))
        }
        let method = try method("stablerep")
        #expect(method.viewsPerSample(try method.values(["positives": .integer(1)])) == 2)
    }

    /// Labels beyond what a method can tell apart; others take any.
    @Test func labels() throws {
        let backend = try BackendChoice.plain.make(threads: 1)
        for method in Methods.all {
            let settings = TrainingSettings(
                method: method, values: try method.values(), architecture: .resnet18, width: 1, stem: .cifar,
                augmentation: .none, batch: 2, steps: 1, seed: 0)
            let model = EncoderTrainer(settings, on: backend).model
            let refusal = failure { try model.check(labels: [0, 10]) }
            #expect((refusal?.kind == .data) == method.needsLabels)
            #expect(failure { try model.check(labels: [0, 9]) } == nil)
        }
    }
}
