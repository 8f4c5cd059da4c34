/* SPDX-License-Identifier: MIT */
/* The address spaces and threads of an annotated run. */
#ifndef MMUSIM_CLI_ANNOTATE_MAPPINGS_H
#define MMUSIM_CLI_ANNOTATE_MAPPINGS_H

#include "cli/annotate_collect.h"

struct annotate_thread {
    uint32_t index; /* in by_thread */
    uint32_t tid;
    int has_space;      /* seen; else space is another thread's, as a guess */
    uint32_t space;     /* index in spaces */
    uint32_t inherited; /* index in spaces of what a fork gave it, until its own
                           space is seen; 0: nothing */
    uint32_t n_sites;   /* of the next operation, or the one under way */
    uint64_t sites[ANNOTATE_SITES_MAX]; /* the innermost first */
};

int annotate_mappings_init(struct annotate_collector *collector);
void annotate_mappings_fini(struct annotate_collector *collector);

/* The thread of that number; space: where it now is, or 0 if the event does
 * not tell. Valid until the next call. */
struct annotate_thread *
annotate_thread_get(struct annotate_collector *collector, uint32_t tid,
                    uint64_t space);

/* What the operation did to its address space. */
void annotate_mappings_change(struct annotate_collector *collector,
                              const mmusim_operation_event_t *event);

/* The object of that name; build: 0 if it is not known. */
uint32_t annotate_object_get(struct annotate_collector *collector,
                             const char *text, int is_file, uint64_t build);

/* "[anon] 16M": an anonymous mapping of that length. */
uint32_t annotate_object_anonymous(struct annotate_collector *collector,
                                   uint64_t length_bytes);

static inline uint64_t annotate_page_up(uint64_t vaddr)
{
    return (vaddr + 4095) & ~(uint64_t) 4095;
}

#endif
