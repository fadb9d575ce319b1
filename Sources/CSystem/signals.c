#define _GNU_SOURCE
#include "hl_signals.h"

#include "hl_process_groups.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// MARK: temporary files

// Fixed memory: a handler must not allocate. A program writes very few files at a time.
enum { SLOTS = 16 };
enum { FREE, FILLING, USED };
static struct {
    atomic_int state;
    char path[PATH_MAX];
} temporaries[SLOTS];

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

// MARK: requests to end

static atomic_int deferring, noted, held, kills_at_exit;
/// Milliseconds of a clock that nobody sets; 0 until the first signal is noted.
static atomic_llong noted_at;

/// Whole lines, made before they are needed.
static struct line {
    char text[160];
    size_t size;
} interrupted, asked, impatient;

static void say(const struct line *line) {
    // Nobody is left to hear that it failed.
    ssize_t written = line->size ? write(STDERR_FILENO, line->text, line->size) : 0;
    (void)written;
}

static long long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000LL + time.tv_nsec / 1000000;
}

// Whether the process goes on, to save what it has.
static int is_noted(int number) {
    if (!atomic_load(&deferring) || number == SIGQUIT) return 0;
    int expected = 0;
    if (atomic_compare_exchange_strong(&noted, &expected, number)) {
        atomic_store(&noted_at, now());
        say(number == SIGINT ? &interrupted : &asked);
        return 1;
    }
    long long first = atomic_load(&noted_at);
    if (number != SIGINT || atomic_load(&held) || first == 0 || now() - first < 500) return 1;
    say(&impatient);
    return 0;
}

static void handle(int number) {
    int saved = errno;
    if (!is_noted(number)) {
        hl_temporaries_remove();
        hl_process_groups_leave();
        // The parent must see that the signal killed us, not an exit status: a shell then stops its loop too.
        signal(number, SIG_DFL);
        raise(number);
    }
    errno = saved;
}

// MARK: crashes

static struct sigaction before[NSIG];

static void crash(int number, siginfo_t *info, void *context) {
    (void)context;
    hl_temporaries_remove();
    hl_process_groups_leave();
    // Whoever was there before, such as the runtime with its backtrace, has the last word.
    sigaction(number, &before[number], NULL);
    int comes_again = info->si_code > 0 && number != SIGTRAP && number != SIGSYS;
    if (!comes_again) raise(number);
}

// A limit on file sizes: the write that is too much fails with EFBIG where the signal is handled. Children get the default
// again, which they would not if it were ignored.
static void fail_the_write(int number) { (void)number; }

// MARK: arming

static void arm(int number, struct sigaction *action, int takes_over) {
    sigemptyset(&action->sa_mask);
    struct sigaction old;
    if (sigaction(number, NULL, &old) != 0) return;
    // nohup and background jobs of a script ignore some signals on purpose.
    if (takes_over ? old.sa_handler == SIG_IGN : old.sa_handler != SIG_DFL) return;
    before[number] = old;
    sigaction(number, action, NULL);
}

static void end_as_asked(void) {
    // Of programs that another thread of ours was still waiting for.
    hl_process_groups_leave();
    int number = atomic_load(&noted);
    if (!atomic_load(&kills_at_exit) || number == 0 || number == SIGXCPU) return;
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, number);
    signal(number, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, &only, NULL);
    raise(number);
}

void hl_signals_install(void) {
    signal(SIGPIPE, SIG_IGN);
    static const int requests[] = {SIGINT,  SIGTERM,   SIGHUP,  SIGQUIT, SIGUSR1, SIGUSR2,
                                   SIGALRM, SIGVTALRM, SIGPROF, SIGXCPU, SIGIO};
    static const int crashes[] = {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS};
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handle;
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) arm(requests[i], &action, 0);
#if defined(__linux__)
    arm(SIGPWR, &action, 0);
    arm(SIGSTKFLT, &action, 0);
    for (int number = SIGRTMIN; number <= SIGRTMAX && number < NSIG; number++) arm(number, &action, 0);
#endif
    action.sa_handler = fail_the_write;
    arm(SIGXFSZ, &action, 0);
    action.sa_sigaction = crash;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++) arm(crashes[i], &action, 1);
    // First registered, last called.
    atexit(end_as_asked);
}

static void compose(struct line *line, const char *program, const char *words) {
    int count =
        snprintf(line->text, sizeof line->text, "%s%s: %s\n", isatty(STDERR_FILENO) ? "\r\033[K" : "", program, words);
    line->size = count > 0 && (size_t)count < sizeof line->text ? (size_t)count : 0;
}

void hl_signals_defer(const char *program) {
    if (program) {
        compose(&interrupted, program, "saving after this step; Ctrl-C again loses it");
        compose(&asked, program, "saving after this step");
        compose(&impatient, program, "ended without saving what came after the last checkpoint");
    }
    atomic_store(&deferring, 1);
}

int hl_signals_are_deferred(void) { return atomic_load(&deferring); }

int hl_signals_noted(void) { return atomic_load(&noted); }

void hl_signals_hold(int on) { atomic_store(&held, on); }

void hl_signals_kill_at_exit(void) { atomic_store(&kills_at_exit, 1); }
