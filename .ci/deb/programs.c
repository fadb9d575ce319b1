// All programs in one file, which links of their names lead to: the package then holds the Swift runtime once, and the
// programs of a pipe share their code in memory.
#include <stdio.h>
#include <string.h>

// PROGRAMS is what `build` finds in Sources: PROGRAM(hl_sample_main, "hl-sample") and so on. SwiftPM calls the main
// function of each so.
#define PROGRAM(function, name) int function(int, char **);
PROGRAMS
#undef PROGRAM

static const struct {
    const char *name;
    int (*run)(int, char **);
} programs[] = {
#define PROGRAM(function, name) {name, function},
    PROGRAMS
#undef PROGRAM
};

int main(int count, char **arguments) {
    const char *path = count > 0 ? arguments[0] : "";
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
        if (strcmp(name, programs[i].name) == 0) return programs[i].run(count, arguments);
    fprintf(stderr, "hl-views: error: %s is none of the programs in this file: call it by a link of their names,",
            name);
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) fprintf(stderr, " %s", programs[i].name);
    fputc('\n', stderr);
    return 64;
}
