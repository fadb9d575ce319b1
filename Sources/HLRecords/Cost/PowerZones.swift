import Glibc
import HLFormats
import HLTensor

/// The counters that stand for the energy of a machine, chosen as CodeCarbon 3 chooses them by default: packages; where
/// there is none, `psys`, the platform. Parts of a package (cores, uncore, memory) and memory with counters of its own
/// (`dram`) are not added. A name counts once, through memory (`intel-rapl-mmio`) sooner than through registers.
package struct PowerZones: Sendable {
    package let zones: [PowerZone]
    /// Why there are none, or what of them cannot be read; nil where all is well.
    package let problem: String?

    /// Where Linux has them.
    package static let systemRoot = "/sys/class/powercap"

    /// - Parameter root: the folder of all counters.
    package init(root: String = systemRoot) {
        let all = Self.folders(below: root).map { PowerZone(path: $0) }
        let readable = all.filter { $0.reading() != nil }
        let unreadable = all.first { zone in (zone.isPackage || zone.isPlatform) && zone.reading() == nil }
        let packages = readable.filter(\.isPackage)
        zones = Self.unique(packages.isEmpty ? readable.filter(\.isPlatform) : packages)
        if all.isEmpty {
            problem = "there are no counters of energy in \(root), as in a virtual machine"
        } else if let unreadable, !zones.contains(where: { $0.name == unreadable.name }) {
            problem = unreadable.problem
        } else {
            problem = zones.isEmpty ? "no counter in \(root) is of a package" : nil
        }
    }

    /// The first of each name, or the first that is read through memory.
    private static func unique(_ zones: [PowerZone]) -> [PowerZone] {
        var chosen: [PowerZone] = []
        for zone in zones {
            if let index = chosen.firstIndex(where: { $0.name == zone.name }) {
                if zone.isMapped && !chosen[index].isMapped { chosen[index] = zone }
            } else {
                chosen.append(zone)
            }
        }
        return chosen
    }

    /// Folders with a counter, each once: those named `intel-rapl…` in the root, and those in them.
    private static func folders(below root: String) -> [String] {
        var found: [String] = []
        func take(_ path: String) {
            guard let real = realpath(path, nil) else { return }
            defer { free(real) }
            let path = String(cString: real)
            if access(path + "/energy_uj", F_OK) == 0 && !found.contains(path) { found.append(path) }
        }
        for name in names(in: root) where name.hasPrefix("intel-rapl") {
            let path = "\(root)/\(name)"
            take(path)
            for inner in names(in: path) where inner.contains(":") { take("\(path)/\(inner)") }
        }
        return found
    }

    /// Of folders, in order; none where it cannot be read.
    private static func names(in path: String) -> [String] {
        ((try? Directory(path))?.folders ?? []).map(\.text)
    }
}
