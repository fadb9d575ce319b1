// Umbrella of what the programs ask of the operating system and the processor, outside of any kernel.
#pragma once
#include "hl_control_group.h"
#include "hl_instruction_set.h"
#include "hl_memory.h"
#include "hl_process_groups.h"
#include "hl_sha256.h"
#include "hl_signals.h"
#include "hl_threads.h"
