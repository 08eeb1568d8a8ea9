// SPDX-License-Identifier: BSD-3-Clause
// fuzz: a target for each parser of what others made. Built with clang and -Db_sanitize=address,undefined it is driven
// by libFuzzer; otherwise by replay.c, which runs it on the files of its corpus and on changed copies of them.
#pragma once

#include <stddef.h>
#include <stdint.h>

/** The target: survive any bytes. @return 0. What must hold whatever they are is held by assert(). */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** The bytes as a file, for parsers that read files: one that lives in memory. @return its path, until the next call.
 */
const char *fuzz_file(const uint8_t *data, size_t size);
