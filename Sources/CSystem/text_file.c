#include "text_file.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int hl_read_text(const char *path, char *text, size_t size) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    ssize_t count = read(file, text, size - 1);
    close(file);
    if (count < 0) return 0;
    text[count] = 0;
    return 1;
}

int hl_lines_open(hl_lines *lines, const char *path) {
    lines->start = lines->end = 0;
    lines->file = open(path, O_RDONLY | O_CLOEXEC);
    return lines->file >= 0;
}

// More of the file behind what is there; false at its end or where there is no room.
static int fill(hl_lines *lines) {
    size_t room = sizeof lines->text - 1 - lines->end;
    ssize_t count = room > 0 ? read(lines->file, lines->text + lines->end, room) : 0;
    if (count > 0) lines->end += (size_t)count;
    return count > 0;
}

char *hl_lines_next(hl_lines *lines) {
    memmove(lines->text, lines->text + lines->start, lines->end - lines->start);
    lines->end -= lines->start;
    lines->start = 0;
    char *end;
    do {
        end = memchr(lines->text, '\n', lines->end);
    } while (!end && fill(lines));
    if (end) {
        *end = 0;
        lines->start = (size_t)(end - lines->text) + 1;
        return lines->text;
    }
    if (lines->end == 0) {
        close(lines->file);
        return NULL;
    }
    // The last line, or the beginning of a long one, whose rest is passed over.
    size_t size = lines->end;
    if (size == sizeof lines->text - 1) {
        char byte = 0;
        while (read(lines->file, &byte, 1) == 1 && byte != '\n') continue;
    }
    lines->text[size] = 0;
    lines->start = lines->end = size;
    return lines->text;
}
