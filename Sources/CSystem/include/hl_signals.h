// What happens on the signals that end a process: temporary files go, and a long run may ask to be told instead of killed.
#pragma once

/// Ignores SIGPIPE, has writes beyond a limit on file sizes fail instead of killing (SIGXFSZ), and arms the handlers of
/// everything else that ends a process: temporary files are removed, then the signal does what it always does. Signals
/// that are ignored, as nohup has it, stay so.
void hl_signals_install(void);

/// From now on the first signal that asks the process to end is only noted. Further ones are taken for the same request,
/// as `timeout` sends it twice, but for a SIGINT half a second later or more: that one kills.
///
/// SIGQUIT and crashes kill as before. `program` begins the words that are said at once on stderr; NULL
/// says nothing.
void hl_signals_defer(const char *program);

/// Whether that was done.
int hl_signals_are_deferred(void);

/// The signal that was noted, or 0.
int hl_signals_noted(void);

/// While held, no signal that could be noted kills: what was asked for is just being saved.
void hl_signals_hold(int held);

/// At the end of `exit` the signal that was noted kills after all, so that the parent sees what has ended the process and
/// a shell ends its loop. Not SIGXCPU, which would leave a core.
void hl_signals_kill_at_exit(void);

/// Remembers a file that must not survive the process. Returns its number, or -1 when there is no room: then the file
/// is only removed on the orderly paths.
int hl_temporary_add(const char *path);

/// Forgets it: the file has its final name or is gone. A negative number does nothing.
void hl_temporary_forget(int number);

/// Removes all of them. Safe in a signal handler.
void hl_temporaries_remove(void);
