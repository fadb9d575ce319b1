#define _GNU_SOURCE
#include "hl_threads.h"

#include <sched.h>
#include <unistd.h>

int hl_processor_count(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
    long online = sysconf(_SC_NPROCESSORS_ONLN);  // more processors than a cpu_set_t holds
    return online > 0 ? (int)online : 1;
}
