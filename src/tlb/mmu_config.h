/* SPDX-License-Identifier: MIT */
/* What a machine file says of one logical CPU's translation hardware; times in
 * cycles. */
#ifndef MMUSIM_TLB_MMU_CONFIG_H
#define MMUSIM_TLB_MMU_CONFIG_H

#include "tlb/mem_cache.h"
#include "tlb/tlb_array.h"

enum {
    CONFIG_MAX_ARRAYS = 4, /* arrays of one TLB level */
    CONFIG_PSC_LEVELS = 4, /* pde, pdpte, pml4e, pml5e */
};

enum tlb_level { /* index into machine_config.tlb and mmu.tlb */
                 TLB_L1I,
                 TLB_L1D, /* loads; stores, too, where there is no l1s */
                 TLB_L1S, /* stores */
                 TLB_L2,  /* of all accesses, or ... */
                 TLB_L2I, /* ... one of fetches and one of data */
                 TLB_L2D,
                 TLB_L3, /* the last; cores share it */
                 TLB_LEVEL_COUNT
};

enum config_memory_model { MEMORY_FIXED, MEMORY_HIERARCHY };

/* Of a level; 0: without a limit. */
struct tlb_limits_config {
    uint32_t n_ports; /* look-ups in one cycle */
    uint32_t n_mshrs; /* misses that wait for a walk */
};

enum { CONFIG_FILL_BYTES = 16 };

/* Names of policies, fill_policy.h. */
struct tlb_fill_config {
    char l2[CONFIG_FILL_BYTES];
    char l3[CONFIG_FILL_BYTES];
};

struct tlb_sharing_config {
    uint32_t l3_cores; /* of a socket that share one last level; 0: all */
    bool has_cnp;      /* CPUs that share an array share its entries, too (Arm
                          CnP: equal ASIDs mean equal tables) */
};

struct tlb_level_config {
    uint32_t n_arrays;
    struct tlb_array_config arrays[CONFIG_MAX_ARRAYS];
};

struct psc_config {
    uint32_t n_entries; /* 0: the machine has none at this level */
    uint32_t n_ways;
    uint32_t hit_cycles;
};

struct psc_options {
    char kind[16];                               /* psc.h; "": per-level */
    struct psc_config levels[CONFIG_PSC_LEVELS]; /* [0] = pde */
    struct psc_config cache; /* the one array of the other kinds */
    bool holds_last_only;    /* a walk cache of pointers to last tables only */
};

struct memory_config {
    enum config_memory_model model;
    uint32_t fixed_cycles; /* one page-table read */
    bool has_data;         /* data accesses go through the hierarchy too */
    struct cache_config l1d, l2, llc;
    uint32_t l1d_fill_cycles; /* a set is busy after an L2 hit's data came */
    bool has_pair_prefetch;   /* L2 misses bring the line's 128-byte pair */
    uint32_t dram_cycles;
    uint32_t remote_dram_cycles; /* added when another socket owns the frame */
};

struct walker_config {
    uint32_t count;          /* walks at a time per logical CPU */
    uint32_t start_cycles;   /* from the last-level miss to the first read */
    uint32_t dirty_cycles;   /* setting A or D of an entry, or both */
    uint32_t coalesce_pages; /* neighbours that may become one entry; 0: none */
    /* Left to software, by a fault: Arm without FEAT_HAFDBS, RISC-V Svade. */
    bool has_software_accessed, has_software_dirty;
};

#endif
