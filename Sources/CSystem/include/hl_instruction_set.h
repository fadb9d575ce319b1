// Which clones of the vector loops run on this machine.
#pragma once

/// "AVX-512", "AVX2" or "baseline".
const char *hl_instruction_set(void);
