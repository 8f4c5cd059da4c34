/* SPDX-License-Identifier: MIT */
/*
 * Numbers of OS operations over the files of a drmemtrace folder. Files have
 * one thread each and are read one after the other, so a first pass collects
 * when each operation was, and sorts; operations of one time go in the order
 * of the files. A single file needs no first pass: its order is the order.
 */
#ifndef MMUSIM_TRACE_DRMEM_ORDER_H
#define MMUSIM_TRACE_DRMEM_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* guess: 24 bytes each, so 400 MB; a trace of more has no order stamps. */
enum { DRMEM_ORDER_MAX = 1 << 24 };

struct drmem_time {
    uint64_t us;
    uint32_t index; /* in the order of collection */
};

struct drmem_order {
    bool is_collecting;
    bool is_sorted; /* numbers come from times; else from n_taken */
    bool is_given_up;
    uint64_t n_taken;
    struct drmem_time *times;
    uint32_t *ranks; /* by index: place among times, from 0 */
    uint32_t n_times, max_times;
};

/* Of the next operation, at us: its number; 0: there are no numbers. While
 * collecting it is only noted. False: out of memory. */
bool mmusim__drmem_order_take(struct drmem_order *order, uint64_t us,
                              uint64_t *number);
/* Ends the collection. False: out of memory. */
bool mmusim__drmem_order_sort(struct drmem_order *order);
/* How many operations came before us; without sorting, until now. */
uint64_t mmusim__drmem_order_before(const struct drmem_order *order,
                                    uint64_t us);
void mmusim__drmem_order_fini(struct drmem_order *order);

#endif
