// What the library is asked, and its answers.
#pragma once
#include <stdint.h>

#include "CCUDA.h"

// The plan of a convolution, or why there is none, as a child process sends it.
typedef struct {
    // 0 where the library ended the process.
    int is_answered, has_plan;
    // As of hl_cuda_dnn_plan.
    int mode, place;
    unsigned notes, behaviour;
    int64_t workspace, engine;
    double milliseconds;
    char error[320];
} answer;

// A convolution, of whatever networks.
typedef struct {
    hl_cuda_convolution convolution;
    answer answer;
} question;

extern question *questions;
extern int question_count;

// The number of the question about a convolution, a new one if there is none yet.
int question_about(const hl_cuda_convolution *convolution);

// Asks all of them.
// - Parameters: the folder site-packages/nvidia; a driver's library; the description of a card.
void ask(const char *folder, const char *driver, const char *card);

// Ends the program with a message.
_Noreturn void quit(const char *what, const char *detail);
