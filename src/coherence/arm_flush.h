/* SPDX-License-Identifier: MIT */
/*
 * A flush by TLBI broadcasts, as Linux does it on Armv7 and Armv8: a barrier
 * that publishes the new entries (DSB ISHST), the operations, the barrier that
 * waits for this CPU's operations everywhere (DSB ISH), and for the kernel's
 * own mappings an ISB. Its policy, which operations and how many, is the
 * protocol's.
 *
 * A posted flush leaves the last barrier to a later one of the same CPU:
 * mmusim__arm_flush_complete().
 */
#ifndef MMUSIM_COHERENCE_ARM_FLUSH_H
#define MMUSIM_COHERENCE_ARM_FLUSH_H

#include "coherence/arm64_ranges.h"
#include "coherence/cpu.h"
#include "coherence/inval_instruction.h"

enum { ARM_LEVEL_UNKNOWN = UINT8_MAX }; /* no TTL hint */

struct arm_flush {
    struct kframe frame;
    const struct inval_instruction *row; /* of one page, or without address */
    const struct inval_instruction *range_row; /* if the cut has ranges */
    enum miss_cause cause;
    uint16_t asid;
    bool has_isb;
    uint16_t other_asid;  /* the same for it after asid's; 0: none (KPTI) */
    bool is_posted;       /* without the last barrier */
    uint8_t level;        /* TTL, in the manual's numbers: 3 is the last */
    uint64_t vaddr;       /* of what is left; a stride's start */
    struct arm64_cut cut; /* is_single: each operation twice, with a barrier in
                             between */
    struct arm64_op op;   /* the last ones issued */
    struct arm64_cut whole_cut; /* as at first, and where */
    uint64_t first_vaddr;
};

/* Pushes the frame of a flush of everything that `row` matches without an
 * address. The caller may set has_isb. */
struct arm_flush *mmusim__arm_flush_whole(struct cpu *cpu,
                                          const struct inval_instruction *row,
                                          uint16_t asid);

/* A range, and the distance of its operations: a power of two of 4 KiB pages,
 * at least one page of the granule. */
struct arm_range {
    uint64_t start, end;
    uint32_t stride_order;
};

/* Strides of a range, rounded outwards. */
uint64_t mmusim__arm_range_strides(const struct arm_range *range);

/* Pushes the frame of a flush of a range, rounded outwards; the caller sets the
 * remaining fields. Counts the strides as pages flushed here. */
struct arm_flush *mmusim__arm_flush_pages(struct cpu *cpu,
                                          const struct inval_instruction *row,
                                          uint16_t asid,
                                          const struct arm_range *range);

/* The range is cut into range operations (range_row), too. */
void mmusim__arm_flush_in(struct arm_flush *flush,
                          enum arm64_range_order order);

/* All of it for a second ASID, too. The flush is complete but for that. */
void mmusim__arm_flush_both(struct arm_flush *flush, uint16_t other_asid);

/* Pushes the frame of an operation on page 0 of ASID 0 and a barrier: erratum
 * work-arounds. Counted nowhere but as a broadcast. */
void mmusim__arm_flush_dummy(struct cpu *cpu,
                             const struct inval_instruction *row);

/* Pushes the frame of the barrier that completes what this CPU has posted. */
void mmusim__arm_flush_complete(struct cpu *cpu);

/* The request of an operation by this CPU with an operand register. */
struct inval mmusim__arm_inval(const struct cpu *cpu,
                               const struct inval_instruction *row,
                               uint64_t operand);

/* The operand of a page's operation: Xt, or Rt on Armv7. */
uint64_t mmusim__arm_va_operand(const struct inval_instruction *row,
                                uint64_t vaddr, uint16_t asid);

/* A local operation at once, with its barriers; returns the cycles. */
uint32_t mmusim__arm_flush_here(struct cpu *cpu,
                                const struct inval_instruction *row,
                                uint64_t operand, enum miss_cause cause);

#endif
