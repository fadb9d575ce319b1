#define _GNU_SOURCE
#include "hl_signals.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

// Fixed memory: a handler must not allocate. A program writes very few files at a time.
enum { SLOTS = 16 };
enum { FREE, FILLING, USED };
static struct {
    atomic_int state;
    char path[PATH_MAX];
} temporaries[SLOTS];

static atomic_int deferring, noted;

int hl_temporary_add(const char *path) {
    size_t size = strlen(path) + 1;
    for (int i = 0; i < SLOTS && size <= PATH_MAX; i++) {
        int expected = FREE;
        if (!atomic_compare_exchange_strong(&temporaries[i].state, &expected, FILLING)) continue;
        memcpy(temporaries[i].path, path, size);
        atomic_store(&temporaries[i].state, USED);
        return i;
    }
    return -1;
}

void hl_temporary_forget(int number) {
    if (number >= 0 && number < SLOTS) atomic_store(&temporaries[number].state, FREE);
}

void hl_temporaries_remove(void) {
    for (int i = 0; i < SLOTS; i++) {
        int expected = USED;
        if (atomic_compare_exchange_strong(&temporaries[i].state, &expected, FREE)) unlink(temporaries[i].path);
    }
}

static void handle(int number) {
    int saved = errno, expected = 0;
    int first =
        number != SIGHUP && atomic_load(&deferring) && atomic_compare_exchange_strong(&noted, &expected, number);
    if (!first) {
        hl_temporaries_remove();
        // The parent must see that the signal killed us, not an exit status: a shell then stops its loop too.
        signal(number, SIG_DFL);
        raise(number);
    }
    errno = saved;
}

void hl_signals_install(void) {
    signal(SIGPIPE, SIG_IGN);
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct sigaction action, old;
        memset(&action, 0, sizeof action);
        action.sa_handler = handle;
        sigemptyset(&action.sa_mask);
        // nohup and background jobs of a script ignore some signals on purpose.
        if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN) sigaction(numbers[i], &action, NULL);
    }
}

void hl_signals_defer(void) { atomic_store(&deferring, 1); }

int hl_signals_noted(void) { return atomic_load(&noted); }
