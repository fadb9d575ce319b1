// What happens on SIGINT, SIGTERM and SIGHUP: temporary files go, and a long run may ask to be told instead of killed.
#pragma once

/// Ignores SIGPIPE and arms the handlers: temporary files are removed, then the signal kills the process as usual.
void hl_signals_install(void);

/// From now on the first SIGINT or SIGTERM is only noted; a second one kills.
void hl_signals_defer(void);

/// The signal that was noted, or 0.
int hl_signals_noted(void);

/// Remembers a file that must not survive the process. Returns its number, or -1 when there is no room: then the file
/// is only removed on the orderly paths.
int hl_temporary_add(const char *path);

/// Forgets it: the file has its final name or is gone. A negative number does nothing.
void hl_temporary_forget(int number);

/// Removes all of them. Safe in a signal handler.
void hl_temporaries_remove(void);
