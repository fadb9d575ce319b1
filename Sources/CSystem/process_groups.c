#define _GNU_SOURCE
#include "hl_process_groups.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// Fixed memory: a handler must not allocate.
enum { SLOTS = 16 };
static atomic_int groups[SLOTS];

int hl_process_group_add(int group) {
    for (int i = 0; i < SLOTS; i++) {
        int expected = 0;
        if (atomic_compare_exchange_strong(&groups[i], &expected, group)) return i;
    }
    return -1;
}

void hl_process_group_forget(int number) {
    if (number >= 0 && number < SLOTS) atomic_store(&groups[number], 0);
}

// Whether there is nobody in the group any more, after at most so many seconds.
static int ends_within(int group, int seconds) {
    const struct timespec pause = {0, 20 * 1000 * 1000};
    for (int i = 0; i < seconds * 50; i++) {
        if (kill(-group, 0) != 0) return 1;
        nanosleep(&pause, NULL);
    }
    return 0;
}

static void close_all(void) {
#if defined(SYS_close_range)
    if (syscall(SYS_close_range, 0U, ~0U, 0) == 0) return;
#endif
    for (int file = 0; file < 4096; file++) close(file);
}

void hl_process_groups_leave(void) {
    for (int i = 0; i < SLOTS; i++) {
        int group = atomic_exchange(&groups[i], 0), ends[2] = {-1, -1};
        if (group == 0) continue;
        int is_told = pipe(ends) == 0;
        // fork itself takes locks that the thread which was interrupted may hold.
        if (syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) != 0) {
            // Whoever ends all of our group with us must not meet it before it has left.
            char byte;
            close(ends[1]);
            while (is_told && read(ends[0], &byte, 1) < 0 && errno == EINTR) continue;
            close(ends[0]);
            continue;
        }
        // A group of its own, which no shell waits for or stops. The command sees the end of its input only when nobody
        // holds the other end.
        setsid();
        close_all();
        if (!ends_within(group, HL_GROUP_GRACE)) {
            kill(-group, SIGTERM);
            if (!ends_within(group, HL_GROUP_PATIENCE)) kill(-group, SIGKILL);
        }
        _exit(0);
    }
}
