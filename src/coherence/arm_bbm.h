/* SPDX-License-Identifier: MIT */
/*
 * Break-before-make: an observer of Arm page-table writes that says whether a
 * change of a descriptor needed it, and whether it was done: the descriptor
 * made invalid (or AF = 0), a DSB of the writer, a TLBI that names it for
 * everybody, a DSB of the TLBI's issuer, and only then the new descriptor.
 *
 * What needs it: Arm ARM DDI 0487 D8.16.1 and herd/libdir/aarch64bbm.cat of
 * herdtools7: between two descriptors that a TLB may hold (valid and AF = 1) a
 * change of memory type or cacheability, of shareability, of the output
 * address if one of the two can be written or the memory differs; and, below
 * FEAT_BBM level 2, of block to table or back and of the contiguous bit; and
 * nG 1 to 0.
 *
 * A write under another ASID than the break's finds nothing of it cached.
 *
 * Left out: MAIR (another AttrIndx counts as another type); two entries for one
 * address at different levels of one table tree.
 */
#ifndef MMUSIM_COHERENCE_ARM_BBM_H
#define MMUSIM_COHERENCE_ARM_BBM_H

#include "coherence/arm_ops.h"
#include "tlb/pt_format.h"

#define BBM_REASON_MAP(X)                                                      \
    X(NOT_NEEDED, "not needed")                                                \
    X(MEMORY_TYPE, "memory type or cacheability")                              \
    X(SHAREABILITY, "shareability")                                            \
    X(OUTPUT_ADDRESS, "output address")                                        \
    X(BLOCK_SIZE, "block to table or back")                                    \
    X(CONTIGUOUS, "contiguous bit")                                            \
    X(GLOBAL, "nG 1 to 0")

enum bbm_reason {
#define BBM_REASON_ENUM(name, word) BBM_##name,
    BBM_REASON_MAP(BBM_REASON_ENUM)
#undef BBM_REASON_ENUM
        BBM_REASON_COUNT
};

/* What was left undone. */
enum bbm_omission {
    BBM_OBSERVED,        /* or not needed */
    BBM_NOT_BROKEN,      /* from one valid descriptor to the next */
    BBM_NOT_ORDERED,     /* no DSB of the writer before a TLBI */
    BBM_NOT_INVALIDATED, /* no TLBI that names it, or of too small a reach */
    BBM_NOT_COMPLETE,    /* no DSB after it */
    BBM_OMISSION_COUNT
};

struct bbm_update {
    const struct pt_format *format; /* lives as long as the observer */
    uint32_t level;
    uint32_t cpu;         /* who writes */
    uint64_t entry_paddr; /* of the descriptor */
    uint64_t vaddr;       /* an address that it translates */
    uint64_t old_word, new_word;
    /* The memory at the old and the new output address is not the same, as far
     * as one knows. */
    bool contents_differ;
    struct tlb_context context; /* that the tables belong to */
};

struct bbm_verdict {
    enum bbm_reason reason;
    enum bbm_omission omission;
};

/* Why a change of a descriptor needs break-before-make; feature_level: of
 * FEAT_BBM, 0 to 2. */
enum bbm_reason mmusim__bbm_needed(const struct bbm_update *update,
                                   uint32_t feature_level);

const char *mmusim__bbm_reason_name(enum bbm_reason reason);

struct bbm;

/* NULL: out of memory. */
struct bbm *mmusim__bbm_create(uint32_t feature_level);
void mmusim__bbm_destroy(struct bbm *bbm);

/* Before or after the write, in global order with the calls below. False: out
 * of memory; *verdict is right nevertheless, later ones may miss something. */
bool mmusim__bbm_write(struct bbm *bbm, const struct bbm_update *update,
                       struct bbm_verdict *verdict);
/* A CPU has issued a TLBI, or executed a DSB. */
void mmusim__bbm_tlbi(struct bbm *bbm, uint32_t cpu,
                      const struct inval_request *request);
void mmusim__bbm_dsb(struct bbm *bbm, uint32_t cpu, const struct arm_dsb *dsb);

/* A table of that many bytes at paddr is freed: its descriptors are no more. */
void mmusim__bbm_forget(struct bbm *bbm, uint64_t paddr, uint64_t bytes);

/* Verdicts so far that were violations, by reason. */
uint64_t mmusim__bbm_violations(const struct bbm *bbm, enum bbm_reason reason);
/* Likewise by what was left undone. */
uint64_t mmusim__bbm_omissions(const struct bbm *bbm,
                               enum bbm_omission omission);
/* Descriptors that were broken and are clean. */
uint64_t mmusim__bbm_observed(const struct bbm *bbm);
/* Descriptors that are broken and not yet clean. */
size_t mmusim__bbm_n_pending(const struct bbm *bbm);

#endif
