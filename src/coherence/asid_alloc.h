/* SPDX-License-Identifier: MIT */
/*
 * ASIDs by generations, as Linux gives them on Arm and RISC-V
 * (arch/arm64/mm/context.c 4.4 to 7.1, arch/arm/mm/context.c,
 * arch/riscv/mm/context.c): an address space keeps its number until the numbers
 * run out; then a new generation begins, spaces running at that moment keep
 * theirs (reserved), every other gets a new one when it runs next, and each
 * CPU flushes its TLB once before it runs anything of the new generation.
 * Nobody is stopped by a rollover.
 *
 * An id is generation | asid, the generation counting in steps of 1 <<
 * ASID_GENERATION_SHIFT; 0: none yet. ASID 0 is never given: it is the kernel's
 * (reserved tables).
 *
 * Left out: pinned ASIDs. The allocator's lock is the
 * caller's matter: it runs inside a context switch.
 *
 * Invariants: a number is given to one living id of a generation; an ASID in
 * reserved[] of any CPU is set in the bitmap.
 */
#ifndef MMUSIM_COHERENCE_ASID_ALLOC_H
#define MMUSIM_COHERENCE_ASID_ALLOC_H

#include "core/cpu_mask.h"
#include "mmusim/status.h"

struct arena;

enum { ASID_GENERATION_SHIFT = 16, ASID_MAX_BITS = 16 };

struct asid_alloc {
    uint32_t n_asids; /* 1 << bits; 0: no allocator, everybody has ASID 0 */
    uint32_t n_cpus;
    uint32_t next_asid; /* where the search for a free one begins */
    uint64_t generation;
    uint64_t *bitmap;
    uint64_t active[MAX_CPUS];     /* id each CPU runs; 0: since a rollover
                                      nothing of the new generation */
    uint64_t reserved[MAX_CPUS];   /* id each CPU ran at the last rollover */
    struct cpu_mask flush_pending; /* CPUs that have not flushed since then */
    uint64_t rollovers;
    bool has_pairs;      /* a space has an even number and the next one */
    bool reserves_first; /* a space keeps its number on one CPU only [B39] */
};

/* bits: 1 to ASID_MAX_BITS, or 0 for none. */
mmusim_status_t mmusim__asid_init(struct asid_alloc *alloc, uint32_t bits,
                                  uint32_t n_cpus, struct arena *arena);

/* Spaces have pairs of numbers from now on (KPTI): the kernel's, which is even,
 * and the user's, the next. No id may have been given. */
void mmusim__asid_pair(struct asid_alloc *alloc);

/* What a switch found. */
enum asid_switch {
    ASID_SWITCH_FAST,  /* the id was of the present generation */
    ASID_SWITCH_SLOW,  /* under the allocator's lock */
    ASID_SWITCH_FLUSH, /* as SLOW, and the CPU must flush its whole TLB now */
};

/* CPU is about to run the address space whose id is *id; gives it a number if
 * it needs one. The ASID is asid_of(*id). */
enum asid_switch mmusim__asid_switch(struct asid_alloc *alloc, uint32_t cpu,
                                     uint64_t *id);

static inline uint16_t asid_of(uint64_t id)
{
    return (uint16_t) id;
}

bool mmusim__asid_is_valid(const struct asid_alloc *alloc);

#endif
