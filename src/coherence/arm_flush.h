/* SPDX-License-Identifier: MIT */
/*
 * A flush by TLBI broadcasts, as Linux does it on Armv7 and Armv8: a barrier
 * that publishes the new entries (DSB ISHST), the operations, the barrier that
 * waits for this CPU's operations everywhere (DSB ISH), and for the kernel's
 * own mappings an ISB. Its policy, which operations and how many, is the
 * protocol's.
 */
#ifndef MMUSIM_COHERENCE_ARM_FLUSH_H
#define MMUSIM_COHERENCE_ARM_FLUSH_H

#include "coherence/arm64_ranges.h"
#include "coherence/cpu.h"
#include "coherence/inval_instruction.h"

struct arm_flush {
    struct kframe frame;
    const struct inval_instruction *row; /* of one page, or without address */
    const struct inval_instruction *range_row; /* if the cut has ranges */
    enum miss_cause cause;
    uint16_t asid;
    bool has_isb;
    bool has_level_hint; /* TTL of the classic form: the leaf level */
    uint64_t vaddr;      /* of what is left; a page's start */
    struct arm64_cut cut;
};

/* Pushes the frame of a flush of everything that `row` matches without an
 * address. The caller may set has_isb. */
struct arm_flush *mmusim__arm_flush_whole(struct cpu *cpu,
                                          const struct inval_instruction *row,
                                          uint16_t asid);

/* Pushes the frame of a flush of the pages of [start, end), rounded outwards;
 * the caller sets the remaining fields. Counts the pages as flushed here. */
struct arm_flush *mmusim__arm_flush_pages(struct cpu *cpu,
                                          const struct inval_instruction *row,
                                          uint16_t asid, uint64_t start,
                                          uint64_t end);

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
