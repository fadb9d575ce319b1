// What allocation.c asks memory.c, without a call: it stands in the way of every malloc.
#pragma once

enum { HL_UNWATCHED, HL_WATCHED, HL_WATCHED_LIMITED };

__attribute__((visibility("hidden"))) extern int hl_watching;
