#define _GNU_SOURCE
#include "hl_control_group.h"

#include "text_file.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// MARK: where the groups are

// Whether a list such as "cpu,cpuacct" has the word.
static int lists(const char *list, const char *word) {
    size_t size = strlen(word);
    for (const char *at = list; at; at = strchr(at, ',')) {
        if (*at == ',') at++;
        if (strncmp(at, word, size) == 0 && (at[size] == 0 || at[size] == ',')) return 1;
    }
    return 0;
}

// The process's group in the hierarchy of a controller of version 1, or of version 2 (NULL), as /proc/self/cgroup has it:
// lines such as "4:cpu,cpuacct:/jobs/7", and "0::/jobs/7" for version 2. False where there is none.
static int find_group(const char *root, const char *controller, char *group, size_t size) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    hl_lines lines;
    if (!hl_lines_open(&lines, path)) return 0;
    int found = 0;
    for (char *line; (line = hl_lines_next(&lines));) {
        char *controllers = strchr(line, ':');
        char *name = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!name || found) continue;
        *controllers++ = 0;
        *name++ = 0;
        if (controller ? !lists(controllers, controller) : strcmp(line, "0") != 0 || *controllers) continue;
        found = (size_t)snprintf(group, size, "%s", name) < size;
    }
    return found;
}

// Spaces and the like stand in mountinfo as octal numbers behind backslashes.
static void unescape(char *text) {
    char *to = text;
    for (char *from = text; *from; to++) {
        if (from[0] == '\\' && from[1] && from[2] && from[3]) {
            *to = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
            from += 4;
        } else {
            *to = *from++;
        }
    }
    *to = 0;
}

// Where the hierarchy of a controller of version 1, or of version 2 (NULL), is mounted, and which of its groups is there.
static int find_mount(const char *root, const char *controller, char *mount, char *top, size_t size) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/proc/self/mountinfo", root);
    hl_lines lines;
    if (!hl_lines_open(&lines, path)) return 0;
    int found = 0;
    for (char *line; (line = hl_lines_next(&lines));) {
        if (found) continue;
        // Id, parent, device, top, mount point, options, optional fields, "-", type, source, options of the type.
        char *type = strstr(line, " - "), *state = NULL;
        if (!type) continue;
        *type = 0;
        char *fields[5];
        int count = 0;
        for (char *field = strtok_r(line, " ", &state); field && count < 5; field = strtok_r(NULL, " ", &state)) {
            fields[count++] = field;
        }
        char *name = strtok_r(type + 3, " ", &state);
        char *source = strtok_r(NULL, " ", &state), *options = strtok_r(NULL, " ", &state);
        if (count < 5 || !name || !source || !options) continue;
        if (strcmp(name, controller ? "cgroup" : "cgroup2") != 0 || (controller && !lists(options, controller)))
            continue;
        unescape(fields[3]);
        unescape(fields[4]);
        found = (size_t)snprintf(mount, size, "%s%s", root, fields[4]) < size &&
                (size_t)snprintf(top, size, "%s", fields[3]) < size;
    }
    return found;
}

typedef void visitor(const char *folder, int version, void *context);

// Calls `visit` with the folders of the process's group and of all groups around it that can be seen.
static void visit_groups(const char *root, const char *controller, int version, visitor *visit, void *context) {
    const char *hierarchy = version == 1 ? controller : NULL;
    char group[PATH_MAX], top[PATH_MAX], folder[2 * PATH_MAX];
    // The mount point comes first in the folder.
    if (!find_group(root, hierarchy, group, sizeof group)) return;
    if (!find_mount(root, hierarchy, folder, top, PATH_MAX)) return;
    size_t base = strlen(folder), hidden = strcmp(top, "/") == 0 ? 0 : strlen(top);
    // A container's mount may show a part of the tree, and the group may be told from outside of it.
    const char *inside = hidden == 0 || strncmp(group, top, hidden) == 0 ? group + hidden : "";
    if (strcmp(inside, "/") != 0) snprintf(folder + base, sizeof folder - base, "%s", inside);
    for (;;) {
        visit(folder, version, context);
        char *last = strrchr(folder + base, '/');
        if (!last) return;
        *last = 0;
    }
}

static void visit_all(const char *root, const char *controller, visitor *visit, void *context) {
    visit_groups(root, controller, 1, visit, context);
    visit_groups(root, controller, 2, visit, context);
}

// A file of a group's folder as a string. False where there is none.
static int group_text(const char *folder, const char *name, char *text, size_t size) {
    char path[2 * PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return hl_read_text(path, text, size);
}

// MARK: memory

// The bytes that a file names; SIZE_MAX for "max", for what version 1 has for it, and where there is no such file.
static size_t group_bytes(const char *folder, const char *name) {
    char text[64];
    if (!group_text(folder, name, text, sizeof text) || text[0] < '0' || text[0] > '9') return SIZE_MAX;
    unsigned long long bytes = strtoull(text, NULL, 10);
    return bytes >= 1ULL << 62 ? SIZE_MAX : (size_t)bytes;
}

static size_t sum(size_t a, size_t b) { return a > SIZE_MAX - b ? SIZE_MAX : a + b; }

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

struct memory {
    size_t all_swap, smallest;
};

static void judge_memory(const char *folder, int version, void *context) {
    struct memory *memory = context;
    size_t capacity;
    if (version == 1) {
        capacity = least(sum(group_bytes(folder, "memory.limit_in_bytes"), memory->all_swap),
                         group_bytes(folder, "memory.memsw.limit_in_bytes"));
    } else {
        capacity =
            sum(group_bytes(folder, "memory.max"), least(group_bytes(folder, "memory.swap.max"), memory->all_swap));
    }
    memory->smallest = least(memory->smallest, capacity);
}

size_t hl_group_memory(const char *root, size_t all_swap) {
    struct memory memory = {all_swap, SIZE_MAX};
    visit_all(root, "memory", judge_memory, &memory);
    return memory.smallest;
}

// MARK: processor time

static void judge_time(const char *folder, int version, void *context) {
    int *fewest = context;
    char text[64];
    long long quota = -1, period = 0;
    if (version == 1) {
        if (group_text(folder, "cpu.cfs_quota_us", text, sizeof text)) quota = atoll(text);
        if (group_text(folder, "cpu.cfs_period_us", text, sizeof text)) period = atoll(text);
    } else if (group_text(folder, "cpu.max", text, sizeof text) && text[0] != 'm') {
        char *rest;
        quota = strtoll(text, &rest, 10);
        period = atoll(rest);
    }
    if (quota <= 0 || period <= 0) return;
    long long processors = (quota + period - 1) / period;
    if (processors < INT_MAX && (*fewest == 0 || processors < *fewest)) *fewest = (int)processors;
}

int hl_group_processors(const char *root) {
    int fewest = 0;
    visit_all(root, "cpu", judge_time, &fewest);
    return fewest;
}
