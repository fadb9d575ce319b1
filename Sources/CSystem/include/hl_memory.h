// Memory that cannot be had: how much room the limits leave, and an orderly end where there is none.
//
// Neither Swift's runtime nor the libraries live through a failed request for a few bytes: they trap, or wait for ever.
// So every large request is refused while there is still room for the small ones, and what has to be refused ends the
// process with one line and exit status 71 (EX_OSERR). Where no limit is set, none of this asks the system anything.
#pragma once

#include <stddef.h>

/// From now on a request that malloc and its relatives cannot serve ends the process, as `hl_memory_exhausted` does.
/// Before the first thread. `program` and `remedy`, what the user can do, are copied.
void hl_memory_watch(const char *program, const char *remedy);

/// Keeps room for small objects and for the stacks of `threads` threads that may be started at any time; until then
/// none is kept.
void hl_memory_keep(int threads);

/// Gives the system back what has been freed and lies in malloc's heap.
void hl_memory_give_back(void);

/// Bytes that `hl_memory_keep` would keep.
size_t hl_memory_reserve(int threads);

/// Bytes of address space that one more thread takes.
size_t hl_memory_thread_bytes(void);

/// Whether `ulimit -v` or `ulimit -d` limits this process.
int hl_memory_is_limited(void);

/// Bytes that may still be mapped before the reserve is touched; SIZE_MAX where there is no limit.
size_t hl_memory_room(void);

/// Whether the reserve is touched: what was mapped last has to be given back.
int hl_memory_is_short(void);

/// Whether `wanted` bytes, once written to, are more than this machine or control group has: the kernel would kill the
/// process, so that the request has to be refused. Reads files; for large requests only.
int hl_memory_is_beyond_machine(size_t wanted);

/// What happened, as in "out of memory for tensors (2.6 GB wanted, 1.9 GB in use …)".
/// `wanted` may be 0, where nobody knows, and `purpose` NULL.
void hl_memory_describe(char *text, size_t size, size_t wanted, const char *purpose);

/// What the user can do.
void hl_memory_describe_remedy(char *text, size_t size);

/// Removes temporary files, prints one line on stderr and exits with 71, without a single request for memory. Safe on
/// any thread; only the first caller prints.
_Noreturn void hl_memory_exhausted(size_t wanted, const char *purpose);

/// The same where it is a device's memory that is exhausted; `what` says what happened.
_Noreturn void hl_memory_exhausted_on_device(const char *what);
