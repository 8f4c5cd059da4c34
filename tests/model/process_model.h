/* SPDX-License-Identifier: MIT */
/*
 * The naive model of address spaces: for every page of a small window, what is
 * mapped there, which frame it has, and whether the entry permits a store. No
 * ranges, no tables, no time; an operation is a loop over pages.
 *
 * Pages are known by index: MODEL_SMALL pages of 4 KiB from MODEL_BASE on (so
 * placed that they lie in several page tables), then MODEL_HUGE of 2 MiB.
 */
#ifndef MMUSIM_TESTS_MODEL_PROCESS_MODEL_H
#define MMUSIM_TESTS_MODEL_PROCESS_MODEL_H

#include "core/op.h"
#include "tlb/mmu.h"

enum {
    MODEL_SMALL = 240,
    MODEL_HUGE = 6,
    MODEL_PAGES = MODEL_SMALL + MODEL_HUGE,
    MODEL_FILE_PAGES = 16 * MODEL_PAGES,
    MODEL_NAMED_FILES = 4, /* numbers 0 to 3; shared memory counts on */
    MODEL_NO_FILE = -1,
};

struct model_page {
    bool is_mapped;
    bool was_unmapped; /* by a record: no first touch */
    bool is_implicit;
    bool is_shared;
    uint32_t prot; /* SYS_PROT_* */
    int32_t file;  /* MODEL_NO_FILE: private and anonymous */
    uint32_t file_page;
    bool has_entry;
    bool can_write;  /* the entry, not the mapping */
    uint32_t frame;  /* 0: the zero page */
    uint32_t advice; /* MADVICE_HUGEPAGE, MADVICE_NOHUGEPAGE; 0: none */
};

struct model_mm {
    struct model_page pages[MODEL_PAGES];
};

struct model_counts {
    uint64_t minor, cow, protection, invalid, implicit_pages;
};

struct process_model {
    uint32_t *refs; /* by frame */
    /* By frame: the round, set by the user, in which an operation last gave a
     * mapping of it up. The kernel does that after the operation's effect. */
    uint64_t *dropped;
    uint64_t round;
    uint32_t n_frames, frame_capacity;
    uint32_t **cache; /* by file: frame + 1 of each page, 0: none */
    uint32_t n_files;
    struct model_counts counts;
};

void model_init(struct process_model *model);
void model_fini(struct process_model *model);

/* page_shift: of the room that a small page has; more than 12: what is touched
 * is its first 4 KiB. */
uint64_t model_vaddr(uint32_t index, uint32_t page_shift);
static inline bool model_is_huge(uint32_t index)
{
    return index >= MODEL_SMALL;
}

struct model_mm *model_mm_create(void);
/* The whole of it goes: exit of the last thread, exec. */
void model_mm_destroy(struct process_model *model, struct model_mm *mm);
struct model_mm *model_fork(struct process_model *model, struct model_mm *mm);

/* A mapping over [start, end); file is a named one, MODEL_NO_FILE, or with
 * is_shared and MODEL_NO_FILE new shared memory. */
void model_mmap(struct process_model *model, struct model_mm *mm,
                uint32_t start, uint32_t end, struct model_page like);
void model_munmap(struct process_model *model, struct model_mm *mm,
                  uint32_t start, uint32_t end);
void model_mprotect(struct process_model *model, struct model_mm *mm,
                    uint32_t start, uint32_t end, uint32_t prot);
void model_dontneed(struct process_model *model, struct model_mm *mm,
                    uint32_t start, uint32_t end);
/* MADVICE_HUGEPAGE or NOHUGEPAGE: changes nothing but what is one area. Small
 * pages with room for more than 4 KiB each. */
void model_advise(struct model_mm *mm, uint32_t start, uint32_t end,
                  uint32_t advice);
/* Would the kernel take [start, end) for one area, all of it mapped? */
bool model_is_one_area(const struct model_mm *mm, uint32_t start, uint32_t end);
/* Moves n of one area to a new place, with new_n pages; small pages only. */
void model_mremap(struct process_model *model, struct model_mm *mm,
                  uint32_t start, uint32_t n, uint32_t to, uint32_t new_n);

/* False: the access fails. */
bool model_access(struct process_model *model, struct model_mm *mm,
                  uint32_t index, enum access_kind kind);

#endif
