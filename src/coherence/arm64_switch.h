/* SPDX-License-Identifier: MIT */
/* What the arm64 protocols keep, and their context switch
 * (arch/arm64/mm/context.c). */
#ifndef MMUSIM_COHERENCE_ARM64_SWITCH_H
#define MMUSIM_COHERENCE_ARM64_SWITCH_H

#include "coherence/arm64_ranges.h"
#include "coherence/asid_alloc.h"
#include "coherence/protocol.h"

/* What differs between versions. */
struct arm64_version {
    enum arm64_range_order order; /* where the machine has range operations */
    enum ceiling_rule range_rule; /* of MAX_RANGE_PAGES */
    bool checks_range_always;     /* without range operations, too: to 6.17 */
    bool is_limit_of_table;       /* the other limit: entries of a table, as
                                     many as the granule makes; 4.20: 1024 */
    bool ignores_strides;         /* a page's, whatever was cleared: to 4.19 */
    bool gives_levels;            /* mmu_gather's: 5.9 */
    bool hints_tables;     /* when tables are freed, too: to 5.13 [B41] */
    bool always_pairs;     /* of ASIDs, though not in use: 4.16 to 5.6 */
    bool reserves_first;   /* asid_alloc.h: to 4.4 [B39] */
    bool gives_page_level; /* flush_tlb_page's: 7.0 */
    bool has_huge_strides; /* hugetlb and THP ranges: 6.6 */
    bool is_kernel_leaf;   /* VAALE1IS; 4.x: VAAE1IS */
    bool upgrades_here;    /* no broadcast for more rights: 6.19 */
    bool repeats_at_end;   /* how errata are worked around: 7.0 */
};

#define ARM64_TLBI_MAP(X)                                                      \
    X(VMALLE1)                                                                 \
    X(VALE1)                                                                   \
    X(VMALLE1IS)                                                               \
    X(ASIDE1IS)                                                                \
    X(VAE1IS)                                                                  \
    X(VALE1IS)                                                                 \
    X(VAAE1IS)                                                                 \
    X(VAALE1IS)                                                                \
    X(RVAE1IS)                                                                 \
    X(RVALE1IS)                                                                \
    X(RVAAE1IS)                                                                \
    X(RVAALE1IS)

enum arm64_tlbi {
#define ARM64_TLBI_ENUM(name) TLBI_##name,
    ARM64_TLBI_MAP(ARM64_TLBI_ENUM)
#undef ARM64_TLBI_ENUM
        TLBI_COUNT
};

enum { ARM64_USER_ASID = 1 }; /* USER_ASID_FLAG */

/* system->protocol_state */
struct arm64_state {
    const struct arm64_version *version;
    struct asid_alloc asids;
    const struct inval_instruction *rows[TLBI_COUNT];
    enum arm64_range_order order;
    bool has_user_asids; /* KPTI: the user's entries have the odd ones */
};

static inline struct arm64_state *arm64_state(const struct cpu *cpu)
{
    return cpu->system->protocol_state;
}

mmusim_status_t mmusim__arm64_init(struct system *system,
                                   const struct arm64_version *version);

/* check_and_switch_context(): TTBR0 and the ASID; the kernel's half stays. */
uint32_t mmusim__arm64_switch_mm(struct cpu *cpu, struct address_space *next);

#endif
