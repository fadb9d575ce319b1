// What Linux' control groups, as containers have them, leave this process: of memory and of processor time, in versions 1
// and 2. https://docs.kernel.org/admin-guide/cgroup-v2.html, https://docs.kernel.org/admin-guide/cgroup-v1/
//
// `root` stands before /proc and before the folders that are mounted: "", but for tests. Nothing here asks for memory.
#pragma once

#include <stddef.h>

/// Processors whose time the quotas of this process's groups allow, rounded up; 0 where there is no quota.
int hl_group_processors(const char *root);

/// Bytes of memory and swap that they allow; SIZE_MAX where there is no limit. `all_swap` is the machine's.
size_t hl_group_memory(const char *root, size_t all_swap);
