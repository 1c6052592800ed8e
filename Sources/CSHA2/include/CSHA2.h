// SHA-256's compression with the processor's own instructions (FIPS 180-4 6.2.2), where it has them.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// 1 where this processor has instructions for SHA-256.
int kz_sha256_has_instructions(void);

/// Takes `blocks` blocks of 64 bytes into `state`. Only where `kz_sha256_has_instructions` says 1.
void kz_sha256_compress(uint32_t state[8], const uint8_t *bytes, size_t blocks);
