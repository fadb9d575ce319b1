import CSystem
import Glibc
import HLFormats
import HLTensor

/// The machine that a run was on.
package struct MachineDescription: Sendable, Equatable {
    package var host = ""
    /// Such as `Linux 6.1.0 x86_64`.
    package var system = ""
    /// The processor's model, as the system names it.
    package var processor = ""
    /// What of it the kernels use.
    package var instructions = ""
    /// Processors of the machine.
    package var processors = 0
    /// Those whose time this process may use.
    package var usable = 0
    /// Bytes.
    package var memory = 0

    package init() {}

    /// This machine.
    package static let own: MachineDescription = {
        var machine = MachineDescription()
        var names = utsname()
        if uname(&names) == 0 {
            machine.host = text(names.nodename)
            machine.system = [text(names.sysname), text(names.release), text(names.machine)].joined(separator: " ")
        }
        let lines = (SystemText.read("/proc/cpuinfo") ?? "").split(separator: "\n")
        let model = lines.first { $0.hasPrefix("model name") || $0.hasPrefix("Model") }
        machine.processor = model.flatMap { $0.split(separator: ":").last }.map { String($0.drop { $0 == " " }) } ?? ""
        machine.instructions = String(cString: hl_instruction_set())
        machine.processors = CostMeter.processorCount
        machine.usable = Machine.coreCount
        machine.memory = max(0, sysconf(Int32(_SC_PHYS_PAGES))) * max(0, sysconf(Int32(_SC_PAGESIZE)))
        return machine
    }()

    private static func text<Field>(_ field: Field) -> String {
        withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    var json: JSONValue {
        [
            "host": .string(host), "system": .string(system), "processor": .string(processor),
            "instructions": .string(instructions), "processors": .integer(Int64(processors)),
            "usable": .integer(Int64(usable)), "memory": .integer(Int64(memory)),
        ]
    }

    init(_ json: JSONValue?) {
        host = json?["host"]?.string ?? ""
        system = json?["system"]?.string ?? ""
        processor = json?["processor"]?.string ?? ""
        instructions = json?["instructions"]?.string ?? ""
        processors = Int(json?["processors"]?.integer ?? 0)
        usable = Int(json?["usable"]?.integer ?? 0)
        memory = Int(json?["memory"]?.integer ?? 0)
    }
}
