import HLTensor
import Testing

/// Places among the processes of a launcher, by the variables that launchers set.
struct LauncherTests {
    private func place(_ variables: [String: String]) throws -> Launcher? { try Launcher.current { variables[$0] } }

    @Test(arguments: [
        ["OMPI_COMM_WORLD_RANK": "2", "OMPI_COMM_WORLD_SIZE": "4", "PMIX_RANK": "2"],
        ["PMI_RANK": "2", "PMI_SIZE": "4", "PMI_FD": "6"],
        ["PMIX_RANK": "2", "SLURM_PROCID": "2", "SLURM_STEP_NUM_TASKS": "4", "SLURM_NTASKS": "8"],
        ["SLURM_PROCID": "2", "SLURM_STEP_NUM_TASKS": "4"],
    ]) func known(_ variables: [String: String]) throws {
        let place = try #require(try place(variables))
        #expect(place.rank == 2 && place.count == 4)
    }

    /// The script of sbatch runs once, whatever it may start; counts of its tasks say nothing of it.
    @Test(arguments: [
        [:], ["SLURM_PROCID": "0", "SLURM_NTASKS": "8", "SLURM_JOB_ID": "7"], ["OMPI_COMM_WORLD_SIZE": "2"],
    ]) func alone(_ variables: [String: String]) throws { #expect(try place(variables) == nil) }

    @Test func severalThatWorkTogether() throws {
        func several(_ variables: [String: String]) throws -> Launcher? { try Launcher.ofSeveral { variables[$0] } }
        #expect(try several(["PMI_RANK": "1", "PMI_SIZE": "2"])?.rank == 1)
        #expect(try several(["PMI_RANK": "0", "PMI_SIZE": "1"]) == nil)
        #expect(try several(["PMI_RANK": "1", "PMI_SIZE": "2", "HL_MPI_LIBRARY": "none"]) == nil)
        #expect(try several(["PMI_RANK": "1", "PMI_SIZE": "2", "HL_MPI_LIBRARY": "libmpi.so"])?.count == 2)
    }

    @Test(arguments: [("4", "4"), ("-1", "2"), ("one", "2"), ("0", "0"), ("0", "99999999")])
    func nonsense(_ rank: String, _ count: String) throws {
        #expect { try place(["PMI_RANK": rank, "PMI_SIZE": count]) } throws: { ($0 as? Failure)?.kind == .usage }
    }
}
