/* SPDX-License-Identifier: MIT */
/* A few thread numbers; zeroes are the empty set. */
#ifndef MMUSIM_TRACE_TID_SET_H
#define MMUSIM_TRACE_TID_SET_H

#include <stdbool.h>
#include <stdint.h>

struct tid_set {
    uint32_t *tids;
    uint32_t n;
    uint32_t room;
};

/* False: out of memory. A number may be there twice. */
bool mmusim__tid_set_add(struct tid_set *set, uint32_t tid);
bool mmusim__tid_set_has(const struct tid_set *set, uint32_t tid);
void mmusim__tid_set_fini(struct tid_set *set);

#endif
