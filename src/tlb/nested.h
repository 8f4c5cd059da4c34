/* SPDX-License-Identifier: MIT */
/*
 * Nested paging: what translates a guest's physical addresses (stage 2).
 *
 * struct nested is the hypervisor's side, one for a machine that runs as a
 * guest: stage-2 tables of its own format in host memory, and which host
 * frames lie behind the guest's. Guest memory is backed in blocks of one page
 * size, each by the next free host block when first touched (an EPT violation
 * or stage-2 fault), or, populated, all from the start, block n by block n;
 * then tables are made when first read, which nobody can tell from earlier.
 *
 * The guest's own tables stay in the guest's memory (mmu_shared.tables), by
 * guest-physical address; only where they lie, and so how long a read takes,
 * is the host's. A block that moves takes its content along: an old host
 * address still finds the guest's present one.
 *
 * struct nested_cpu is a CPU's hardware: a TLB of guest-physical addresses
 * (Intel SDM vol. 3C 28.3.1 guest-physical mappings; the IPA cache of Arm's
 * cores), and a cache of pointers to stage-2 tables. Their entries are of
 * REGIME_STAGE2, tagged by VMID (Arm) or by the root of the tables (x86 EP4TA,
 * whatever the VPID).
 *
 * Left out: several guests on one machine, sharing or swapping of guest
 * memory, dirty logging, EPT without A and D.
 */
#ifndef MMUSIM_TLB_NESTED_H
#define MMUSIM_TLB_NESTED_H

#include "tlb/psc.h"

struct nested_config {
    struct psc_config tlb;      /* gfn to host frame; 0 entries: none */
    struct psc_config pointers; /* to stage-2 tables, of all levels */
    uint32_t n_levels;          /* 0: the format's usual number */
    uint32_t page_order;        /* of the blocks that back the guest */
    bool is_populated;
};

struct nested {
    struct nested_config config;
    struct pt_format format;
    struct pt_memory *tables;
    uint64_t root; /* host address of the top table */
    /* The lower half of the host's memory backs the guest's, tables of the
     * second stage lie in the upper. */
    uint64_t first_table_pfn, next_table_pfn;
    /* Blocks in the order in which they were first touched; not kept when
     * populated. guest_blocks[host block] = guest block. */
    uint64_t *guest_blocks;
    uint64_t n_blocks;
    uint64_t capacity;
};

/* log2 of how much guest memory, in bytes, the format's addresses can back. */
uint32_t mmusim__nested_memory_bits(const struct pt_format *format);

/* The stage-2 tables of an architecture. page_order must be one of the format's
 * leaves, else MMUSIM_CONFIG. */
mmusim_status_t mmusim__nested_init(struct nested *nested,
                                    const struct nested_config *config,
                                    const struct pt_format *format);
void mmusim__nested_fini(struct nested *nested);

/* Backs the block around a guest-physical address, by a fresh host block if it
 * has been backed before (its old one is not used again). */
mmusim_status_t mmusim__nested_back(struct nested *nested, uint64_t gpaddr);

/* Where a guest-physical address lies now; false: it is not backed. */
bool mmusim__nested_find(const struct nested *nested, uint64_t gpaddr,
                         uint64_t *paddr);

/* The guest-physical address behind a host one of the guest's memory. */
uint64_t mmusim__nested_gpaddr(const struct nested *nested, uint64_t paddr);

/* Where the word of a level is that translates an address, tables being there;
 * for tests and for whoever edits the tables. */
uint64_t mmusim__nested_word_paddr(const struct nested *nested, uint64_t gpaddr,
                                   uint32_t level);

struct nested_cpu {
    struct tlb_array tlb;
    bool has_tlb;
    struct psc pointers;
    tlb_tags_t tags; /* of REGIME_STAGE2 */
    uint64_t hits, misses;
    uint64_t stage2_reads; /* table words read */
    uint64_t faults;       /* counted by who handles them */
};

mmusim_status_t mmusim__nested_cpu_init(struct nested_cpu *cpu,
                                        const struct nested *nested,
                                        struct tlb_contexts *contexts,
                                        struct rng *rng, struct arena *arena);

void mmusim__nested_cpu_invalidate(struct nested_cpu *cpu,
                                   const struct inval *inval);

/* Loads the context of a guest: the CPU's stage-2 entries are tagged by it.
 * False: no tag is to be had. */
bool mmusim__nested_cpu_load(struct nested_cpu *cpu,
                             struct tlb_contexts *contexts,
                             const struct tlb_context *guest);

#endif
