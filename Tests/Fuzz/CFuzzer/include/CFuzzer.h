// libFuzzer's driver as a function: SwiftPM renames an executable's main, so the fuzzer's own can't be linked.
#pragma once
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*target)(const uint8_t *data, size_t size));
