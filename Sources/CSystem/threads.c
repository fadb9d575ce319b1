#define _GNU_SOURCE
#include "hl_threads.h"

#include "hl_control_group.h"

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

int hl_processor_count(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
    long online = sysconf(_SC_NPROCESSORS_ONLN);  // more processors than a cpu_set_t holds
    return online > 0 ? (int)online : 1;
}

int hl_usable_processor_count(void) {
    static atomic_int known;
    int count = atomic_load(&known);
    if (count) return count;
    count = hl_processor_count();
    int allowed = hl_group_processors("");
    if (allowed > 0 && allowed < count) count = allowed;
    atomic_store(&known, count);
    return count;
}

long hl_process_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NPROC, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return -1;
    return limit.rlim_cur > LONG_MAX ? LONG_MAX : (long)limit.rlim_cur;
}

static void *wait_for_the_others(void *gate) {
    while (sem_wait(gate) != 0) continue;
    return NULL;
}

// Threads of this process and folders above, as the number of links of a folder has it.
static long listed_threads(void) {
    struct stat status;
    return stat("/proc/self/task", &status) == 0 ? (long)status.st_nlink : 0;
}

int hl_threads_try(int count) {
    if (count <= 0) return 0;
    pthread_t *threads = malloc((size_t)count * sizeof *threads);
    sem_t gate;
    pthread_attr_t attributes;
    if (!threads || sem_init(&gate, 0, 0) != 0) {
        free(threads);
        return 0;
    }
    long before = listed_threads();
    pthread_attr_init(&attributes);
    // Room for a thread's own variables of all libraries, and no more.
    pthread_attr_setstacksize(&attributes, 128 << 10);
    int started = 0, code = 0;
    while (started < count && code == 0) {
        code = pthread_create(&threads[started], &attributes, wait_for_the_others, &gate);
        started += code == 0;
    }
    for (int i = 0; i < started; i++) sem_post(&gate);
    for (int i = 0; i < started; i++) pthread_join(threads[i], NULL);
    // The system counts a thread for some microseconds more than it can be joined.
    for (int i = 0; i < 10000 && listed_threads() > before; i++) usleep(100);
    pthread_attr_destroy(&attributes);
    sem_destroy(&gate);
    free(threads);
    return code;
}
