#define _GNU_SOURCE
#include "hl_memory.h"

#include "hl_control_group.h"
#include "hl_process_groups.h"
#include "hl_signals.h"
#include "text_file.h"
#include "watch.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <unistd.h>

// For small objects, kernels that oneDNN writes at run time, and the main thread's stack.
enum { SMALL_OBJECTS = 24 << 20 };

static struct {
    size_t address_space, data;  // SIZE_MAX: none
} limits = {SIZE_MAX, SIZE_MAX};
static size_t reserve;
static char program[64], remedy[256];
int hl_watching = HL_UNWATCHED;

static size_t limit_of(__rlimit_resource_t resource) {
    struct rlimit limit;
    return getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY ? (size_t)limit.rlim_cur : SIZE_MAX;
}

__attribute__((constructor)) static void read_limits(void) {
    limits.address_space = limit_of(RLIMIT_AS);
    limits.data = limit_of(RLIMIT_DATA);
    // A thread's own arena reserves 64 MB.
    if (hl_memory_is_limited()) mallopt(M_ARENA_MAX, 1);
}

int hl_memory_is_limited(void) { return limits.address_space != SIZE_MAX || limits.data != SIZE_MAX; }

// MARK: what is in use

struct usage {
    size_t address_space, data, anonymous;
};

static struct usage in_use(void) {
    char text[256];
    // Pages: all, resident, of these shared, code, 0, data and stacks.
    unsigned long pages[6] = {0};
    if (!hl_read_text("/proc/self/statm", text, sizeof text)) text[0] = 0;
    char *at = text;
    for (int i = 0; i < 6; i++) pages[i] = strtoul(at, &at, 10);
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (struct usage){pages[0] * page, pages[5] * page, (pages[1] - pages[2]) * page};
}

static size_t left(size_t limit, size_t used) { return limit == SIZE_MAX ? SIZE_MAX : used < limit ? limit - used : 0; }

size_t hl_memory_room(void) {
    if (!hl_memory_is_limited()) return SIZE_MAX;
    struct usage usage = in_use();
    size_t address_space = left(limits.address_space, usage.address_space + reserve);
    size_t data = left(limits.data, usage.data + reserve);
    return address_space < data ? address_space : data;
}

int hl_memory_is_short(void) { return hl_memory_room() == 0; }

void hl_memory_give_back(void) {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

// MARK: the reserve

void hl_memory_watch(const char *name, const char *way_out) {
    snprintf(program, sizeof program, "%s", name);
    snprintf(remedy, sizeof remedy, "%s", way_out);
    hl_watching = hl_memory_is_limited() ? HL_WATCHED_LIMITED : HL_WATCHED;
}

size_t hl_memory_thread_bytes(void) {
    pthread_attr_t attributes;
    size_t stack = 8 << 20, guard = 4096;
    if (pthread_getattr_default_np(&attributes) == 0) {
        pthread_attr_getstacksize(&attributes, &stack);
        pthread_attr_getguardsize(&attributes, &guard);
        pthread_attr_destroy(&attributes);
    }
    return stack + guard;
}

size_t hl_memory_reserve(int threads) { return SMALL_OBJECTS + (size_t)threads * hl_memory_thread_bytes(); }

void hl_memory_keep(int threads) { reserve = hl_memory_is_limited() ? hl_memory_reserve(threads) : 0; }

// MARK: what the machine has

static size_t sum(size_t a, size_t b) { return a > SIZE_MAX - b ? SIZE_MAX : a + b; }

static size_t machine_capacity(void) {
    static atomic_size_t known;
    size_t capacity = atomic_load(&known);
    if (capacity) return capacity;
    struct sysinfo info;
    if (sysinfo(&info) != 0) return SIZE_MAX;
    size_t swap = (size_t)info.totalswap * info.mem_unit, group = hl_group_memory("", swap);
    capacity = sum((size_t)info.totalram * info.mem_unit, swap);
    if (group < capacity) capacity = group;
    atomic_store(&known, capacity);
    return capacity;
}

int hl_memory_is_beyond_machine(size_t wanted) { return sum(in_use().anonymous, wanted) > machine_capacity(); }

// MARK: the message

static void put_size(char text[32], size_t bytes) {
    if (bytes < 1000 * 1000)
        snprintf(text, 32, "%zu kB", (bytes + 999) / 1000);
    else if (bytes < 10 * 1000 * 1000)
        snprintf(text, 32, "%zu.%zu MB", bytes / 1000000, bytes / 100000 % 10);
    else if (bytes < 1000 * 1000 * 1000)
        snprintf(text, 32, "%zu MB", bytes / 1000000);
    else
        snprintf(text, 32, "%zu.%zu GB", bytes / 1000000000, bytes / 100000000 % 10);
}

void hl_memory_describe(char *text, size_t size, size_t wanted, const char *purpose) {
    struct usage usage = in_use();
    size_t used = usage.anonymous, all = machine_capacity();
    const char *owner = "of this machine or control group";
    // The limit that leaves less.
    if (hl_memory_is_limited()) {
        int by_data = left(limits.data, usage.data) < left(limits.address_space, usage.address_space);
        used = by_data ? usage.data : usage.address_space;
        all = by_data ? limits.data : limits.address_space;
        owner = by_data ? "that ulimit -d allows" : "that ulimit -v allows";
    }
    char wanted_text[32], used_text[32], kept_text[32], all_text[32], kept[96] = "";
    put_size(wanted_text, wanted);
    put_size(used_text, used);
    put_size(kept_text, reserve);
    put_size(all_text, all);
    if (reserve) snprintf(kept, sizeof kept, " and %s kept for threads and small objects", kept_text);
    snprintf(text, size, "out of memory%s%s (%s%s%s in use%s, of %s %s)", purpose ? " for " : "",
             purpose ? purpose : "", wanted ? wanted_text : "", wanted ? " wanted, " : "", used_text, kept, all_text,
             owner);
}

void hl_memory_describe_remedy(char *text, size_t size) {
    snprintf(text, size, "%s%s%s", remedy, remedy[0] ? ", or " : "",
             hl_memory_is_limited() ? "raise the limit" : "end other programs");
}

static _Noreturn void end(const char *what, const char *way_out) {
    static atomic_flag reported = ATOMIC_FLAG_INIT;
    while (atomic_flag_test_and_set(&reported)) pause();
    // Before the message: who reads it may look for the file at once.
    hl_temporaries_remove();
    hl_process_groups_leave();
    char line[1024];
    int count = snprintf(line, sizeof line, "%s%s: error: %s: %s\n", isatty(STDERR_FILENO) ? "\r\033[K" : "",
                         program[0] ? program : program_invocation_short_name, what, way_out);
    // One call, so that lines of several programs do not mix. Nobody is left to hear that it failed.
    ssize_t written = write(STDERR_FILENO, line, (size_t)count);
    (void)written;
    _exit(71);
}

_Noreturn void hl_memory_exhausted(size_t wanted, const char *purpose) {
    char what[400], way_out[300];
    hl_memory_describe(what, sizeof what, wanted, purpose);
    hl_memory_describe_remedy(way_out, sizeof way_out);
    end(what, way_out);
}

_Noreturn void hl_memory_exhausted_on_device(const char *what) {
    char way_out[300];
    snprintf(way_out, sizeof way_out, "%s%send other programs on it", remedy, remedy[0] ? ", or " : "");
    end(what, way_out);
}
