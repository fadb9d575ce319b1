import Glibc

/// The place of this process among those that mpirun or srun has started together, as their variables of the environment
/// tell it. Nothing is loaded for that.
package struct Launcher: Sendable, Equatable {
    /// From 0.
    package let rank: Int
    /// Processes in all.
    package let count: Int
    /// The variable that says how many there are, for messages.
    package let variable: String

    /// Of Open MPI, of MPICH and whoever starts as it does, and of srun, with PMIx and alone. Inside an allocation of Slurm
    /// there are counts of tasks without srun too, but not of those of a step.
    private static let variables = [
        ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"), ("PMI_RANK", "PMI_SIZE"),
        ("PMIX_RANK", "SLURM_STEP_NUM_TASKS"), ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
    ]

    /// What has started several processes that work together; nil where there is none, or where HL_MPI_LIBRARY=none says that
    /// each works by itself.
    /// - Parameter variable: a variable of the environment.
    /// - Throws: as `current`.
    package static func ofSeveral(
        _ variable: (String) -> String? = { getenv($0).map { String(cString: $0) } }
    ) throws(Failure) -> Launcher? {
        guard let launcher = try current(variable), launcher.count > 1 else { return nil }
        return variable("HL_MPI_LIBRARY") == "none" ? nil : launcher
    }

    /// - Parameter variable: a variable of the environment.
    /// - Returns: nil where no launcher has started this process.
    /// - Throws: `Failure` (usage) for variables that make no sense.
    package static func current(
        _ variable: (String) -> String? = { getenv($0).map { String(cString: $0) } }
    ) throws(Failure) -> Launcher? {
        for (rankName, countName) in variables {
            guard let rank = variable(rankName), let count = variable(countName) else { continue }
            guard let rank = Int(rank), let count = Int(count), (0..<count).contains(rank), count <= 1 << 20 else {
                throw Failure(
                    .usage, "\(rankName) is '\(rank)' and \(countName) '\(count)', which is no place among processes",
                    "start with mpirun or srun, or unset both")
            }
            return Launcher(rank: rank, count: count, variable: countName)
        }
        return nil
    }
}
