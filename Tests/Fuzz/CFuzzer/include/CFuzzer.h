// libFuzzer's driver as a function: SwiftPM renames an executable's main, so the fuzzer's own can't be linked.
#pragma once
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*target)(const uint8_t *data, size_t size));

// One of libFuzzer's own changes, for a mutator of ours that makes others as well.
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);
