/* SPDX-License-Identifier: MIT */
/*
 * What a page fault is going to do: page_fault.c asks for a plan under
 * mmap_lock, and carries it out under the table's lock if the entry is still
 * what the plan was made for. Only these two know this header.
 */
#ifndef MMUSIM_OS_FAULT_PLAN_H
#define MMUSIM_OS_FAULT_PLAN_H

#include "os/page_table.h"

enum fault_action {
    ACTION_FAIL,
    ACTION_NOTHING, /* the entry permits it: somebody was faster */
    ACTION_MAP,     /* install plan.pfn */
    ACTION_UPGRADE, /* the entry gets plan.rights */
    ACTION_TOUCH,   /* the entry gets A, for a store D, too */
    ACTION_COPY,    /* clear, flush, install plan.pfn */
    ACTION_SPLIT,   /* a huge page: split its mapping, then plan again */
    ACTION_REVEAL,  /* an entry that is not present though the area permits the
                       access: see page_fault.c */
};

struct fault_plan {
    enum fault_action action;
    enum fault_kind kind;
    uint32_t level; /* where the leaf goes */
    pfn_t pfn;      /* holds a reference of ours unless it is the zero page */
    uint32_t rights;
    uint64_t cycles; /* allocation, zeroing, copying */
    bool is_thp;     /* a transparent huge page */
    bool is_swap_in; /* the entry names swap_slot, which is given up for pfn */
    uint32_t swap_slot;
    /* do_fault_around(): pages of the file that are cached are mapped, too,
     * from around_vaddr on; 0: none. */
    uint32_t n_around;
    uint64_t around_vaddr;
    uint32_t file_id;
    uint64_t around_page; /* of the file, 4 KiB units */
    /* Pages of the file still to be read ahead, 4 KiB units; equal: none. */
    uint64_t ahead_page, ahead_end;
};

struct fault_frame {
    struct kframe frame;
    struct kernel *kernel;
    struct mm *mm;
    uint64_t vaddr;
    enum access_kind kind;
    struct fault_outcome *outcome;
    struct lock_waiter waiter;
    struct fault_plan plan;
    struct pte_slot slot;
    pfn_t replaced; /* by a copy: given up after the flush */
    bool follows;   /* a NUMA hint: the page is to move here */
    bool has_followed;
    bool is_user;        /* the thread has an address space of its own */
    uint32_t n_reclaims; /* direct ones, made for this fault */
};

/* Frames that a fault may take, besides a large page. */
uint64_t mmusim__fault_frames(const struct kernel *kernel);
/* Reads up to n pages ahead; cycles: what they take. False: there is nothing
 * (more) to read. */
bool mmusim__fault_read_ahead(struct fault_frame *fault, uint32_t n,
                              uint64_t *cycles);
/* Maps what plan.n_around names, in the locked table of slot; returns how
 * many. */
uint32_t mmusim__fault_map_around(struct fault_frame *fault);

/* Sets fault->plan, and slot to the leaf there is. */
void mmusim__fault_make_plan(struct fault_frame *fault);
/* The entry as it must be for the access, where A or D is software's to set:
 * handle_pte_fault()'s pte_mkyoung and pte_mkdirty. */
uint64_t mmusim__fault_touched(const struct fault_frame *fault,
                               const struct pt_entry *entry);
/* Order of the page that the plan's leaf maps. */
uint32_t mmusim__fault_order(const struct fault_frame *fault);

#endif
