#include "EmulatedCUDA.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <vector>

// The texts of the kernels, as they go to the card's compiler.
#include "../../Sources/CCUDA/kernels/augmentation.cu"
#include "../../Sources/CCUDA/kernels/elementwise.cu"
#include "../../Sources/CCUDA/kernels/losses.cu"
#include "../../Sources/CCUDA/kernels/memory.cu"
#include "../../Sources/CCUDA/kernels/modulation.cu"
#include "../../Sources/CCUDA/kernels/norm_gradients.cu"
#include "../../Sources/CCUDA/kernels/norms.cu"
#include "../../Sources/CCUDA/kernels/optimisers.cu"
#include "../../Sources/CCUDA/kernels/pixels.cu"
#include "../../Sources/CCUDA/kernels/pooling.cu"
#include "../../Sources/CCUDA/kernels/random.cu"
#include "../../Sources/CCUDA/kernels/rows.cu"
#include "../../Sources/CCUDA/kernels/shapes.cu"
#include "../../Sources/CCUDA/kernels/sides.cu"
#include "../../Sources/CCUDA/kernels/weights.cu"
#include "../../Sources/CCUDA/kernels/windows.cu"

thread_local hl_dim3 threadIdx, blockIdx, blockDim, gridDim;

// MARK: Kernels by number

typedef void (*body)(const void *arguments);

#define RUN(file, name, waits) \
    static void run_##name(const void *arguments) { kernel_##name(*(const hl_cuda_##name *)arguments); }
HL_CUDA_KERNELS(RUN)
#undef RUN

static const body bodies[] = {
#define BODY(file, name, waits) run_##name,
    HL_CUDA_KERNELS(BODY)
#undef BODY
};

// MARK: Fibers

// A switch between two stacks: what the calling convention has a function keep goes onto the one, and comes from the other.
extern "C" void hl_emulated_switch(void **save, void *load);
#if defined(__x86_64__)
#define KEPT 6
asm(".text\n.globl hl_emulated_switch\nhl_emulated_switch:\n"
    " push %rbp\n push %rbx\n push %r12\n push %r13\n push %r14\n push %r15\n"
    " mov %rsp, (%rdi)\n mov %rsi, %rsp\n"
    " pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbx\n pop %rbp\n ret\n");
#elif defined(__aarch64__)
#define KEPT 20
asm(".text\n.globl hl_emulated_switch\nhl_emulated_switch:\n"
    " sub sp, sp, #160\n"
    " stp x19, x20, [sp, #0]\n stp x21, x22, [sp, #16]\n stp x23, x24, [sp, #32]\n stp x25, x26, [sp, #48]\n"
    " stp x27, x28, [sp, #64]\n stp x29, x30, [sp, #80]\n"
    " stp d8, d9, [sp, #96]\n stp d10, d11, [sp, #112]\n stp d12, d13, [sp, #128]\n stp d14, d15, [sp, #144]\n"
    " mov x9, sp\n str x9, [x0]\n mov sp, x1\n"
    " ldp x19, x20, [sp, #0]\n ldp x21, x22, [sp, #16]\n ldp x23, x24, [sp, #32]\n ldp x25, x26, [sp, #48]\n"
    " ldp x27, x28, [sp, #64]\n ldp x29, x30, [sp, #80]\n"
    " ldp d8, d9, [sp, #96]\n ldp d10, d11, [sp, #112]\n ldp d12, d13, [sp, #128]\n ldp d14, d15, [sp, #144]\n"
    " add sp, sp, #160\n ret\n");
#else
#error "fibers need a switch for this processor"
#endif

namespace {
const size_t stack_size = 64 << 10;

// The threads of one block.
struct Block {
    std::vector<char *> stacks;
    void *tops[HL_CUDA_THREADS];
    bool ended[HL_CUDA_THREADS];
    // The barriers at which they wait.
    int lines[HL_CUDA_THREADS];
    unsigned running = 0;
    void *scheduler = nullptr;
    body run = nullptr;
    const void *arguments = nullptr;
    const char *name = "";
    // What threads share. Nobody finds there what another block has left.
    std::map<const char *, std::vector<char>> shared;

    ~Block() {
        for (char *stack : stacks) free(stack);
    }
};
// Not in the thread's own memory, of which a thread with the smallest stack has little.
thread_local std::unique_ptr<Block> own;
thread_local bool has_fibers = false;
#define block (*own)

void enter() {
    block.run(block.arguments);
    block.ended[block.running] = true;
    hl_emulated_switch(&block.tops[block.running], block.scheduler);
    abort();
}

void prepare(unsigned thread) {
    void **top = (void **)(block.stacks[thread] + stack_size - 64);
    *top = nullptr;
#if defined(__x86_64__)
    // A function begins 8 bytes behind a multiple of 16, as behind a call.
    *--top = nullptr;
    *--top = (void *)enter;
    top -= KEPT;
    for (int i = 0; i < KEPT; i++) top[i] = nullptr;
#else
    top -= KEPT;
    for (int i = 0; i < KEPT; i++) top[i] = nullptr;
    top[11] = (void *)enter;
#endif
    block.tops[thread] = top;
    block.ended[thread] = false;
}

void run_block(bool reverse) {
    for (auto &memory : block.shared) std::fill(memory.second.begin(), memory.second.end(), (char)0xff);
    for (unsigned i = 0; i < HL_CUDA_THREADS; i++) prepare(i);
    for (bool any = true; any;) {
        any = false;
        unsigned waiting = 0, ended = 0;
        int line = 0;
        for (unsigned i = 0; i < HL_CUDA_THREADS; i++) {
            const unsigned thread = reverse ? HL_CUDA_THREADS - 1 - i : i;
            if (block.ended[thread]) continue;
            any = true;
            block.running = thread;
            threadIdx.x = thread;
            hl_emulated_switch(&block.scheduler, block.tops[thread]);
            block.ended[thread] ? ended++ : waiting++;
            if (block.ended[thread]) continue;
            if (line && line != block.lines[thread]) {
                fprintf(stderr, "kernel %s: threads wait at the barriers of lines %d and %d at once\n", block.name,
                        line, block.lines[thread]);
                abort();
            }
            line = block.lines[thread];
        }
        if (waiting && ended) {
            fprintf(stderr, "kernel %s: a barrier that %u of %d threads do not pass\n", block.name, ended,
                    HL_CUDA_THREADS);
            abort();
        }
    }
}
}  // namespace

void hl_emulated_barrier(int line) {
    if (!has_fibers) {
        fprintf(stderr, "kernel %s: a barrier in a kernel that is said to have none\n", block.name);
        abort();
    }
    block.lines[block.running] = line;
    hl_emulated_switch(&block.tops[block.running], block.scheduler);
}

void *hl_emulated_shared(const char *place, unsigned long bytes) {
    std::vector<char> &memory = block.shared[place];
    if (memory.empty()) memory.assign(bytes, (char)0xff);
    return memory.data();
}

void hl_emulated_launch(hl_kernel kernel, unsigned x, unsigned y, int reverse, const void *arguments) {
    if (!own) own = std::make_unique<Block>();
    const hl_kernel_description description = hl_kernel_described(kernel);
    block.shared.clear();
    block.run = bodies[kernel];
    block.arguments = arguments;
    block.name = description.name;
    has_fibers = description.waits;
    blockDim.x = HL_CUDA_THREADS;
    gridDim.x = x;
    gridDim.y = y;
    if (has_fibers && block.stacks.empty()) {
        for (int i = 0; i < HL_CUDA_THREADS; i++) block.stacks.push_back((char *)aligned_alloc(64, stack_size));
    }
    const unsigned count = x * y;
    for (unsigned i = 0; i < count; i++) {
        const unsigned at = reverse ? count - 1 - i : i;
        blockIdx.x = at % x;
        blockIdx.y = at / x;
        if (has_fibers) {
            run_block(reverse);
            continue;
        }
        for (unsigned j = 0; j < HL_CUDA_THREADS; j++) {
            threadIdx.x = reverse ? HL_CUDA_THREADS - 1 - j : j;
            block.run(arguments);
        }
    }
}
