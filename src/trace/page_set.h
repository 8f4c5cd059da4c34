/* SPDX-License-Identifier: MIT */
/* A set of page numbers that only grows: 8 to 16 bytes a page. */
#ifndef MMUSIM_TRACE_PAGE_SET_H
#define MMUSIM_TRACE_PAGE_SET_H

#include "core/types.h"

struct page_set {
    uint64_t *slots; /* page number + 1; 0: empty */
    uint64_t n_slots;
    uint64_t n_pages;
    uint64_t last; /* the page added last, + 1 */
};

/* set: zeroes at first. false: out of memory, and the set is as before. */
bool mmusim__page_set_add(struct page_set *set, uint64_t page);
void mmusim__page_set_fini(struct page_set *set);

#endif
