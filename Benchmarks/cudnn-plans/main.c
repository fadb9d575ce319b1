// Asks cuDNN, without a card, which plans it would make for the convolutions of our networks on a card that a file
// describes: the code that asks is that of the backend (Sources/CCUDA/dnn_plans.c). README.md says how to run it.
//
//     cudnn-plans FOLDER DRIVER CARD [--network TEXT] [--all 1]
//
// FOLDER is site-packages/nvidia, with the folders cudnn, cublas and cuda_nvrtc in it; DRIVER a libcuda.so.1, such as that
// of driver.c; CARD a file like h100.json. --network takes those whose names have TEXT in them; --all tells of every plan.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dnn.h"
#include "networks.h"
#include "questions.h"

enum { BF16, TF32, F32, PRECISIONS };
static const char *const precisions[] = {"bf16", "tf32", "f32"};
static const char *const passes[] = {"forward", "input gradient", "weight gradient"};

// MARK: What is asked

// A convolution of one network with one batch, in all precisions.
typedef struct {
    const network *network;
    int batch, pass, questions[PRECISIONS];
    char layer[64];
} use;

static use *uses;
static int use_count;

static int are_together(const use *a, const use *b) { return a->network == b->network && a->batch == b->batch; }

// Layers of one shape share a plan, and the first one's name stands for all.
static void add(use new) {
    for (int i = 0; i < use_count; i++)
        if (are_together(&uses[i], &new) && uses[i].questions[F32] == new.questions[F32]) return;
    uses = realloc(uses, (size_t)(use_count + 1) * sizeof *uses);
    if (!uses) quit("no memory", "");
    uses[use_count++] = new;
}

static void visit(void *context, const char *layer, const hl_cuda_convolution *convolution, int wanted) {
    for (int pass = 0; pass < 3; pass++) {
        if (!(wanted & 1 << pass)) continue;
        use new = *(const use *)context;
        new.pass = pass;
        snprintf(new.layer, sizeof new.layer, "%s", layer);
        for (int precision = 0; precision < PRECISIONS; precision++) {
            hl_cuda_convolution c = *convolution;
            c.pass = pass;
            c.narrow = precision == BF16;
            c.tf32 = precision == TF32;
            new.questions[precision] = question_about(&c);
        }
        add(new);
    }
}

// MARK: The report

static const answer *answer_of(const use *use, int precision) { return &questions[use->questions[precision]].answer; }

static int is_good(const answer *a) { return a->has_plan && a->workspace <= HL_CUDA_DNN_WORKSPACE; }

static long long megabytes(int64_t bytes) { return (bytes + (1 << 20) - 1) >> 20; }

// Behind the last use of the same network and batch.
static int end_of(int first) {
    int end = first;
    while (end < use_count && are_together(&uses[first], &uses[end])) end++;
    return end;
}

static void print_table(void) {
    printf(
        "| network | images | shapes | bf16 | tf32 | f32 | largest workspace, MB |\n|---|---|---|---|---|---|---|\n");
    for (int first = 0; first < use_count; first = end_of(first)) {
        const int end = end_of(first);
        int64_t largest[PRECISIONS] = {0};
        printf("| %s | %d | %d |", uses[first].network->name, uses[first].batch, end - first);
        for (int p = 0; p < PRECISIONS; p++) {
            int good = 0;
            for (int i = first; i < end; i++) {
                const answer *a = answer_of(&uses[i], p);
                if (!is_good(a)) continue;
                good++;
                if (a->workspace > largest[p]) largest[p] = a->workspace;
            }
            printf(" %d |", good);
        }
        printf(" %lld / %lld / %lld |\n", megabytes(largest[BF16]), megabytes(largest[TF32]), megabytes(largest[F32]));
    }
}

// What is not within the workspace, by name, a line for each pass and precision of a network.
static void print_exceptions(void) {
    for (int first = 0; first < use_count; first = end_of(first))
        for (int line = 0; line < 3 * PRECISIONS; line++) {
            const int precision = line / 3, pass = line % 3;
            int count = 0;
            for (int i = first; i < end_of(first); i++) {
                const answer *a = answer_of(&uses[i], precision);
                if (uses[i].pass != pass || is_good(a)) continue;
                if (count++ == 0)
                    printf("- %s, %d images, %s, %s:", uses[first].network->name, uses[first].batch,
                           precisions[precision], passes[pass]);
                printf("%s %s ", count > 1 ? "," : "", uses[i].layer);
                if (!a->is_answered)
                    printf("(ended the process)");
                else if (a->has_plan)
                    printf("%lld", megabytes(a->workspace));
                else
                    printf("(%s)", a->error);
            }
            if (count) printf("\n");
        }
}

static void print_all(void) {
    printf("\nnetwork\timages\tlayer\tpass\tprecision\tworkspace\tengine\tlist\tplace\tnotes\tbehaviour\tms\n");
    for (int i = 0; i < use_count; i++)
        for (int precision = 0; precision < PRECISIONS; precision++) {
            const answer *a = answer_of(&uses[i], precision);
            printf("%s\t%d\t%s\t%s\t%s\t%lld\t%lld\t%d\t%d\t%x\t%x\t%.1f\n", uses[i].network->name, uses[i].batch,
                   uses[i].layer, passes[uses[i].pass], precisions[precision],
                   a->has_plan ? (long long)a->workspace : -1, (long long)a->engine, a->mode, a->place, a->notes,
                   a->behaviour, a->milliseconds);
        }
}

int main(int count, char **arguments) {
    const char *wanted = "";
    int all = 0;
    if (count < 4 || count % 2) quit("usage:", "cudnn-plans FOLDER DRIVER CARD [--network TEXT] [--all 1]");
    for (int i = 4; i < count; i += 2) {
        if (!strcmp(arguments[i], "--network"))
            wanted = arguments[i + 1];
        else if (!strcmp(arguments[i], "--all"))
            all = strcmp(arguments[i + 1], "0") != 0;
        else
            quit("unknown option", arguments[i]);
    }
    for (const network *n = networks; n->name; n++)
        for (const int *batch = n->batches; strstr(n->name, wanted) && *batch; batch++) {
            use of = {.network = n, .batch = *batch};
            n->visit(&(caller){*batch, visit, &of});
        }
    ask(arguments[1], arguments[2], arguments[3]);
    print_table();
    printf("\n");
    print_exceptions();
    if (all) print_all();
    return 0;
}
