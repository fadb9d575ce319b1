// The library is asked in child processes: some of its failures end the process.
#include "questions.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "device.h"
#include "dnn.h"

question *questions;
int question_count;

void quit(const char *what, const char *detail) {
    fprintf(stderr, "cudnn-plans: %s %s\n", what, detail);
    exit(1);
}

int question_about(const hl_cuda_convolution *convolution) {
    for (int i = 0; i < question_count; i++)
        if (!memcmp(&questions[i].convolution, convolution, sizeof *convolution)) return i;
    questions = realloc(questions, (size_t)(question_count + 1) * sizeof *questions);
    if (!questions) quit("no memory", "");
    questions[question_count] = (question){.convolution = *convolution};
    return question_count++;
}

// MARK: The library

static void open_library(hl_cuda_library_name which, const char *folder, const char *pattern) {
    char path[1024];
    glob_t found;
    snprintf(path, sizeof path, "%s/%s", folder, pattern);
    if (glob(path, 0, NULL, &found) || found.gl_pathc == 0) quit("found no", path);
    const char *error = hl_cuda_library_open(which, found.gl_pathv[0]);
    if (error) quit("cannot open", error);
    globfree(&found);
}

// In the order in which the backend does it.
static void open_libraries(const char *folder, const char *driver, hl_cuda_dnn_library *library) {
    const char *error = hl_cuda_library_open(HL_CUDA_DRIVER, driver);
    if (error) quit("cannot open", error);
    open_library(HL_CUDA_NVRTC_BUILTINS, folder, "cuda_nvrtc/lib/libnvrtc-builtins.so.*");
    open_library(HL_CUDA_NVRTC, folder, "cuda_nvrtc/lib/libnvrtc.so.*");
    open_library(HL_CUDA_CUBLASLT, folder, "cublas/lib/libcublasLt.so.*");
    open_library(HL_CUDA_CUBLAS, folder, "cublas/lib/libcublas.so.*");
    open_library(HL_CUDA_CUDNN, folder, "cudnn/lib/libcudnn.so.*");
    error = hl_cuda_dnn_resolve(library);
    if (error) quit("cannot use it:", error);
}

static void *describe_card(const hl_cuda_dnn_library *library, const char *path) {
    static char text[1 << 16];
    FILE *file = fopen(path, "r");
    if (!file) quit("cannot read", path);
    const size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    void *card = NULL;
    int status = library->cudnnBackendCreateDescriptor(DNN_CARD, &card);
    if (!status) status = library->cudnnBackendSetAttribute(card, DNN_CARD_JSON, DNN_IS_CHAR, (int64_t)size, text);
    if (!status) status = library->cudnnBackendFinalize(card);
    if (!status) return card;
    hl_cuda_dnn_explain(library, status, text, sizeof text);
    quit("the description of the card is refused:", text);
}

// Descriptors go through these, to see that all that are made are given back.
static int (*create)(int, void **), (*destroy)(void *);
static long alive;

static int counted_create(int type, void **descriptor) {
    const int status = create(type, descriptor);
    if (!status) alive++;
    return status;
}

static int counted_destroy(void *descriptor) {
    alive--;
    return destroy(descriptor);
}

// MARK: Children

static double milliseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return 1e3 * (double)time.tv_sec + 1e-6 * (double)time.tv_nsec;
}

static answer answer_to(const question *question, hl_cuda_dnn_plans *plans) {
    const hl_cuda_dnn_plan *plan = NULL, *again = NULL;
    answer result = {.is_answered = 1};
    const double start = milliseconds();
    const char *error = hl_cuda_dnn_plan_of(plans, &question->convolution, &plan);
    result.milliseconds = milliseconds() - start;
    if (hl_cuda_dnn_plan_of(plans, &question->convolution, &again) != error || again != plan)
        quit("a plan was made twice", "");
    if (error) {
        snprintf(result.error, sizeof result.error, "%s", error);
        return result;
    }
    result.has_plan = 1;
    result.mode = plan->mode;
    result.place = plan->place;
    result.notes = plan->notes;
    result.behaviour = plan->behaviour;
    result.workspace = plan->workspace;
    result.engine = plan->engine;
    return result;
}

static _Noreturn void answer_from(int first, const char *folder, const char *driver, const char *card, int pipe) {
    hl_cuda_dnn_plans plans = {0};
    open_libraries(folder, driver, &plans.library);
    create = plans.library.cudnnBackendCreateDescriptor;
    destroy = plans.library.cudnnBackendDestroyDescriptor;
    plans.card = describe_card(&plans.library, card);
    plans.library.cudnnBackendCreateDescriptor = counted_create;
    plans.library.cudnnBackendDestroyDescriptor = counted_destroy;
    if (first == 0)
        fprintf(stderr, "cuDNN %zu for CUDA %zu, %d convolutions\n", hl_cuda_dnn_version(), hl_cuda_dnn_runtime(),
                question_count);
    for (int i = first; i < question_count; i++) {
        const answer given = answer_to(&questions[i], &plans);
        if (write(pipe, &given, sizeof given) != sizeof given) _exit(1);
    }
    hl_cuda_dnn_forget(&plans);
    if (alive) fprintf(stderr, "cudnn-plans: %ld descriptors are left over\n", alive);
    _exit(alive != 0);
}

// Where a child ends before its time, the question that it did not answer stays open, and another child goes on behind it.
void ask(const char *folder, const char *driver, const char *card) {
    for (int next = 0; next < question_count; next++) {
        int ends[2], status = 0;
        const int first = next;
        if (pipe(ends)) quit("no pipe", "");
        const pid_t child = fork();
        if (child < 0) quit("no child", "");
        if (child == 0) {
            close(ends[0]);
            answer_from(first, folder, driver, card, ends[1]);
        }
        close(ends[1]);
        FILE *answers = fdopen(ends[0], "r");
        if (!answers) quit("no pipe", "");
        while (next < question_count && fread(&questions[next].answer, sizeof(answer), 1, answers) == 1) next++;
        fclose(answers);
        waitpid(child, &status, 0);
        if (WIFEXITED(status) && WEXITSTATUS(status)) quit("a child has failed", "");
        if (next < question_count) questions[next].answer.is_answered = 0;
    }
}
