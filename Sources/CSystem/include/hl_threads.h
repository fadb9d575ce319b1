// What the machine offers this process.
#pragma once

/// Processors that this process may run on, at least 1.
int hl_processor_count(void);

/// Those whose time it may use: no more than the quotas of its control groups allow. At least 1; asked once.
int hl_usable_processor_count(void);

/// Whether `count` threads more can be had: they are started all together, and end. Returns 0, or the error of the first
/// that could not be, such as EAGAIN where `ulimit -u` or a control group allows no more.
///
/// Libraries do not live through that: libdispatch tries again for ever, OpenBLAS and libgomp end the process.
int hl_threads_try(int count);

/// `ulimit -u`, or -1 without a limit.
long hl_process_limit(void);
