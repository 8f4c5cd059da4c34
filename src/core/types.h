/* SPDX-License-Identifier: MIT */
/*
 * Page numbers, page sizes and cycle arithmetic.
 *
 * Glossary, used the same way everywhere:
 *   vaddr/paddr  byte addresses; vaddr is canonical (sign extended)
 *   vpn/pfn      page numbers in 4 KiB units, whatever the page's size
 *   page_order   log2 of the 4 KiB pages in a page: 0 = 4K, 9 = 2M, 18 = 1G
 *   page_shift   page_order + 12
 *   level        0 = the table whose entries map 4K pages; counts up
 */
#ifndef MMUSIM_CORE_TYPES_H
#define MMUSIM_CORE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t v;
} vpn_t;

typedef struct {
    uint64_t v;
} pfn_t;

enum {
    BASE_PAGE_SHIFT = 12,
    BASE_PAGE_BYTES = 1 << BASE_PAGE_SHIFT,
    PAGE_ORDER_4K = 0,
    PAGE_ORDER_2M = 9,
    PAGE_ORDER_1G = 18,
    MAX_CPUS = 256,
};

/* A time that never comes. */
#define CYCLE_NEVER UINT64_MAX

static inline vpn_t vpn_of(uint64_t vaddr)
{
    /* 52 bits: the sign extension above a canonical address stays, so that
     * kernel and user halves differ; consumers mask to the format's width. */
    return (vpn_t){vaddr >> BASE_PAGE_SHIFT};
}

static inline uint64_t pfn_paddr(pfn_t pfn)
{
    return pfn.v << BASE_PAGE_SHIFT;
}

static inline uint64_t align_down(uint64_t value, uint64_t power_of_two)
{
    return value & ~(power_of_two - 1);
}

static inline uint64_t align_up(uint64_t value, uint64_t power_of_two)
{
    return (value + power_of_two - 1) & ~(power_of_two - 1);
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* a + b, or CYCLE_NEVER where the sum would wrap. */
static inline uint64_t cycle_add(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? CYCLE_NEVER : a + b;
}

#endif
