// Short files of /proc and /sys, without stdio, which asks for memory.
#pragma once

#include <stddef.h>

#define HL_HIDDEN __attribute__((visibility("hidden")))

/// A file as a string. False if it cannot be read; what does not fit is cut off.
HL_HIDDEN int hl_read_text(const char *path, char *text, size_t size);

/// A file line by line.
typedef struct {
    int file;
    size_t start, end;
    char text[4096];
} hl_lines;

/// False if it cannot be read.
HL_HIDDEN int hl_lines_open(hl_lines *lines, const char *path);

/// The next line without its end, or NULL, after which the file is closed. What is longer than the buffer is cut off.
HL_HIDDEN char *hl_lines_next(hl_lines *lines);
