/* SPDX-License-Identifier: MIT */
/*
 * Allocations that fail on demand and are counted, for test executables whose
 * name contains alloc_failure: they are linked with --wrap for malloc, calloc,
 * realloc and free (tests/CMakeLists.txt), so only calls from the project's
 * own code come here.
 */
#ifndef MMUSIM_TESTS_SUPPORT_FAILING_MALLOC_H
#define MMUSIM_TESTS_SUPPORT_FAILING_MALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The next n allocations succeed, every one after them fails. */
void failing_malloc_after(uint32_t n);
/* No allocation fails any more; true if one has failed since _after(). */
bool failing_malloc_stop(void);

/* Blocks and bytes (as asked for) that live now. */
uint64_t failing_malloc_live_blocks(void);
uint64_t failing_malloc_live_bytes(void);
/* The most bytes that have lived at once since the last reset. */
uint64_t failing_malloc_peak_bytes(void);
void failing_malloc_reset_peak(void);

#endif
