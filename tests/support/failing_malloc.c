/* SPDX-License-Identifier: MIT */
/* Wrapped allocation: see failing_malloc.h. */
#include "support/failing_malloc.h"

#include <string.h>

/* The linker's names for the wrapped and the real functions (ld, --wrap). */
void *__real_malloc(size_t size);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void __wrap_free(void *memory);

enum { HEADER_BYTES = 16 }; /* keeps malloc's alignment; holds the size */

static struct {
    bool is_armed;
    bool has_failed;
    uint32_t n_left;
    uint64_t live_blocks;
    uint64_t live_bytes;
    uint64_t peak_bytes;
} failing;

static bool failing_is_due(void)
{
    if (!failing.is_armed)
        return false;
    if (failing.n_left) {
        failing.n_left--;
        return false;
    }
    failing.has_failed = true;
    return true;
}

static size_t failing_size_of(const void *memory)
{
    size_t size;

    memcpy(&size, (const char *) memory - HEADER_BYTES, sizeof(size));
    return size;
}

void *__wrap_malloc(size_t size)
{
    char *block;

    if (failing_is_due() || size > SIZE_MAX - HEADER_BYTES)
        return NULL;
    block = __real_malloc(size + HEADER_BYTES);
    if (!block)
        return NULL;
    memcpy(block, &size, sizeof(size));
    failing.live_blocks++;
    failing.live_bytes += size;
    if (failing.live_bytes > failing.peak_bytes)
        failing.peak_bytes = failing.live_bytes;
    return block + HEADER_BYTES;
}

void *__wrap_calloc(size_t n, size_t size)
{
    void *memory;

    if (size && n > SIZE_MAX / size)
        return NULL;
    memory = __wrap_malloc(n * size);
    return memory ? memset(memory, 0, n * size) : NULL;
}

/* Always moves, so that a stale pointer is found. */
void *__wrap_realloc(void *memory, size_t size)
{
    void *moved = __wrap_malloc(size);
    size_t old_size;

    if (!moved || !memory)
        return moved;
    old_size = failing_size_of(memory);
    memcpy(moved, memory, old_size < size ? old_size : size);
    __wrap_free(memory);
    return moved;
}

void __wrap_free(void *memory)
{
    if (!memory)
        return;
    failing.live_blocks--;
    failing.live_bytes -= failing_size_of(memory);
    __real_free((char *) memory - HEADER_BYTES);
}

void failing_malloc_after(uint32_t n)
{
    failing.is_armed = true;
    failing.has_failed = false;
    failing.n_left = n;
}

bool failing_malloc_stop(void)
{
    failing.is_armed = false;
    return failing.has_failed;
}

uint64_t failing_malloc_live_blocks(void)
{
    return failing.live_blocks;
}

uint64_t failing_malloc_live_bytes(void)
{
    return failing.live_bytes;
}

uint64_t failing_malloc_peak_bytes(void)
{
    return failing.peak_bytes;
}

void failing_malloc_reset_peak(void)
{
    failing.peak_bytes = failing.live_bytes;
}
