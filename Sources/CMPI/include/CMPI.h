// MPI, loaded when a launcher has started this process as one of several (https://www.mpi-forum.org/docs/).
//
// Neither headers nor a library are needed to build: MPI libraries come in three binary interfaces, the standard one of
// MPI 5, Open MPI's and MPICH's, and which of them a library has shows when it is opened. Only bytes are moved; what is
// computed of them is computed by whoever asks.
//
// All functions are called by one thread, the one that called hl_mpi_start.
#pragma once
#include <stdint.h>

/// Exchanges of different lanes may overtake each other; those of one lane begin in the same order on all ranks.
enum { HL_MPI_LANES = 2 };

/// An exchange that has begun: a request of MPI's, whatever its size.
typedef struct {
    uint64_t request;
} hl_mpi_exchange;

/// Loads the library that goes with the launcher, or the one that HL_MPI_LIBRARY names, and joins the other ranks.
/// Returns NULL, or a message that lives as long as the process.
const char *hl_mpi_start(int *rank, int *count);

/// Name, version and interface of the library, in one line; "" before it is loaded.
const char *hl_mpi_description(void);

/// Begins: `size` bytes of each rank become `all`, in rank order, everywhere. Memory is in use until it is done.
/// Returns 0 for success.
int hl_mpi_gather(int lane, const void *own, int size, void *all, hl_mpi_exchange *exchange);

/// Begins: part r of `parts`, `size` bytes each, goes to rank r; those that come are `received`, in rank order.
int hl_mpi_transpose(int lane, const void *parts, int size, void *received, hl_mpi_exchange *exchange);

/// Lets MPI work. Returns whether the exchange is done, or a negative number where it failed.
int hl_mpi_is_done(hl_mpi_exchange *exchange);

/// Leaves the other ranks, once all have come here.
void hl_mpi_finish(void);

/// Ends the processes of all ranks.
void hl_mpi_abort(int status);
