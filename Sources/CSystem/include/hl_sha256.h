// SHA-256's compression function (FIPS 180-4, 6.2.2, https://doi.org/10.6028/NIST.FIPS.180-4).
#pragma once
#include <stddef.h>
#include <stdint.h>

/// Over whole blocks of 64 bytes, with the processor's own instructions where it has them.
void hl_sha256_blocks(uint32_t state[8], const uint8_t *bytes, size_t blocks);

/// The same in plain C, for every processor.
void hl_sha256_blocks_portable(uint32_t state[8], const uint8_t *bytes, size_t blocks);
