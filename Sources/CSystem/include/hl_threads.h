// What the machine offers this process.
#pragma once

/// Processors that this process may run on, at least 1.
int hl_processor_count(void);
