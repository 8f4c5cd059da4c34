/* SPDX-License-Identifier: MIT */
/*
 * The translation hardware of one CPU, written for clearness: TLBs and
 * paging-structure caches are the lists of list_tlb.h, a walk is a recursion
 * over page tables of the model's own, with bits by their numbers in the Intel
 * SDM (vol. 3A 4.5), and each instruction says what it drops in its own words.
 * One walk at a time; an instruction may come right after the walk has begun.
 */
#ifndef MMUSIM_TESTS_MODEL_MMU_MODEL_H
#define MMUSIM_TESTS_MODEL_MMU_MODEL_H

#include "model/list_tlb.h"
#include "tlb/pt_memory.h"

enum { MODEL_MAX_ARRAYS = 4, MODEL_PSC_LEVELS = 4 };

struct model_array {
    struct list_tlb *list;
    uint32_t n_orders;
    uint8_t orders[4];
};

struct model_level {
    struct model_array arrays[MODEL_MAX_ARRAYS];
    uint32_t n_arrays;
    uint64_t accesses, misses;
};

/* The rights of a translation, bit by bit as in tlb_entry.h. */
enum {
    MODEL_READ = 1,
    MODEL_WRITE = 2,
    MODEL_EXEC = 4,
    MODEL_USER = 8,
    MODEL_DIRTY = 16,
    MODEL_GLOBAL = 32,
};

/* Where a machine has no l1s, stores are l1d's; where it has no l2i and l2d,
 * l2 is everybody's. */
enum model_tlb {
    MODEL_L1I,
    MODEL_L1D,
    MODEL_L1S,
    MODEL_L2U,
    MODEL_L2I,
    MODEL_L2D,
    MODEL_L3,
    MODEL_N_TLBS
};

/* What a lower level holds. */
enum model_fill {
    MODEL_NEITHER,   /* walks fill all; levels lose entries on their own */
    MODEL_INCLUSIVE, /* what it loses, the levels above lose */
    MODEL_EXCLUSIVE, /* what those above lose; a hit takes it out */
    MODEL_VICTIM,    /* what those above lose; a hit leaves it in */
};

enum model_kind { MODEL_LOAD, MODEL_STORE, MODEL_FETCH, MODEL_N_KINDS };

struct mmu_model {
    struct model_level tlbs[MODEL_N_TLBS];
    enum model_fill l2_fill, l3_fill;
    struct list_tlb *psc[MODEL_PSC_LEVELS]; /* NULL: the machine has none */
    uint64_t psc_hits[MODEL_PSC_LEVELS], psc_misses[MODEL_PSC_LEVELS];
    uint32_t psc_cycles[MODEL_PSC_LEVELS];
    uint32_t start_cycles, read_cycles, store_cycles;
    struct pt_memory *tables;
    uint32_t n_levels;
    uint16_t pcid;
    uint64_t root, kernel_root; /* frame numbers */
    /* Largest page that has been entered in parts; 0: none. */
    uint32_t parted_order;
    uint64_t pte_reads, walks, poisoned;
};

enum model_where { MODEL_L1, MODEL_L2, MODEL_IN_L3, MODEL_NOWHERE };

/* Looks a page up and counts; a hit behind the L1 fills it. data: frame number
 * of the 4 KiB page itself * 4096 + rights. */
enum model_where mmu_model_lookup(struct mmu_model *model, enum model_kind kind,
                                  uint64_t vaddr, uint64_t *data);
/* The same, but counts nothing. */
enum model_where mmu_model_probe(struct mmu_model *model, enum model_kind kind,
                                 uint64_t vaddr, uint64_t *data);

struct model_walk {
    /* In: who asks. */
    uint64_t vaddr;
    bool for_kind[MODEL_N_KINDS];
    /* State, and what came of it. */
    uint16_t pcid;
    uint64_t table;
    uint32_t level, rights;
    bool is_poisoned, fills_no_psc, has_faulted;
    bool has_stored; /* to the entry in hand */
    uint64_t cycles;
};

/* Looks into the paging-structure caches; takes the tag and the root. */
void mmu_model_walk_begin(struct mmu_model *model, struct model_walk *walk);
/* Reads the tables and fills. */
void mmu_model_walk_end(struct mmu_model *model, struct model_walk *walk);

enum model_instruction {
    MODEL_INVLPG,
    MODEL_INVPCID_ADDRESS,
    MODEL_INVPCID_CONTEXT,
    MODEL_INVPCID_ALL,
    MODEL_INVPCID_NONGLOBAL,
    MODEL_CR3_FLUSH, /* of pcid, which becomes the current one */
    MODEL_CR3_NOFLUSH,
    MODEL_CR4_PGE,
    MODEL_PAGE_FAULT,
    MODEL_N_INSTRUCTIONS
};

/* walk: the one in flight, nothing read yet; or NULL. */
void mmu_model_issue(struct mmu_model *model, enum model_instruction what,
                     uint16_t pcid, uint64_t vaddr, struct model_walk *walk);

#endif
