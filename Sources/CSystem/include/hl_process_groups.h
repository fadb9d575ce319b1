// Process groups of programs that we have started, and that must not outlive us for long, whatever ends us.
#pragma once

/// Seconds that a group has to end by itself once its input is over, and those between SIGTERM and SIGKILL.
enum { HL_GROUP_GRACE = 10, HL_GROUP_PATIENCE = 2 };

/// Remembers a group. Returns its number, or -1 where there is no room.
int hl_process_group_add(int group);

/// Forgets it: it has ended. A negative number does nothing.
void hl_process_group_forget(int number);

/// For a process that is about to die: leaves a process behind for each group, which holds none of our files, gives the
/// group its time to end by itself and then ends it. Safe in a signal handler.
void hl_process_groups_leave(void);
