// Umbrella of the project's own vector loops.
#pragma once
#include "hl_random.h"
#include "hl_shapes.h"
#include "hl_elementwise.h"
#include "hl_planes.h"
#include "hl_rows.h"
#include "hl_augment.h"
#include "hl_delta.h"
#include "hl_threads.h"
#include "hl_pixels.h"
#include "hl_signals.h"
#include "hl_instruction_set.h"
