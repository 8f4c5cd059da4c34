/* SPDX-License-Identifier: MIT */
/*
 * State and steps that the x86 protocols with generations share
 * (linux_x86_tlbgen.c, linux_x86_switch.c): arch/x86/mm/tlb.c and
 * asm/{tlbflush,mmu_context}.h of 4.14 and later; references 4.20, 6.14, 7.1.
 *
 * An mm counts its flushes (tlb_gen). A CPU remembers for each of its 6 slots,
 * which are PCIDs, whose entries are there (ctx_id) and up to which flush they
 * have been cleaned. Names of the kernel: is_lazy is tlb_state LAZY, of a CPU
 * that has a user's tables; loaded_mm is cpu.loaded, or LOADED_MM_SWITCHING
 * while is_switching.
 *
 * Invariant: the TLB of a CPU holds no entry of slot i that is older than
 * generation ctxs[i].tlb_gen of the mm ctxs[i].ctx_id.
 */
#ifndef MMUSIM_COHERENCE_X86_TLBGEN_H
#define MMUSIM_COHERENCE_X86_TLBGEN_H

#include "coherence/ipi.h"
#include "coherence/system.h"

enum {
    TLBGEN_SLOTS = 6,    /* TLB_NR_DYN_ASIDS: less than that is a slot */
    TLBGEN_ASIDS = 2046, /* MAX_ASID_AVAILABLE of a kernel built with PTI */
    TLBGEN_ACTIVE = 3,   /* more CPUs than that, for a global ASID */
};

/* What differs from version to version. */
struct tlbgen_rules {
    bool flushes_together; /* 5.13: the local part while interrupts travel */
    bool has_early_out;    /* 6.0: a generation that is done needs no look */
    bool keeps_mask;       /* 6.14: bits of the mask go when a request finds the
                              mm gone; who does not run it is not called */
    bool marks_switch_early; /* 6.15, 6.18: SWITCHING is set before the mask and
                                the generation are looked at, and such a CPU is
                                called [B25, B26] */
    bool kernel_range_in_pages; /* 6.15: else in bytes */
    bool knows_invlpgb;         /* 6.15 */
    bool asks_lazy_first;       /* before the ASID is reloaded [B29] */
};

struct tlbgen_slot {
    uint64_t ctx_id; /* 0: free */
    uint64_t tlb_gen;
};

/* cpu_tlbstate */
struct tlbgen_cpu {
    struct tlbgen_slot ctxs[TLBGEN_SLOTS];
    uint16_t loaded_asid;
    uint16_t next_asid;
    bool is_switching;
    /* Page-table isolation (pti.h). */
    bool is_in_user;
    bool has_stale_others;    /* invalidate_other: of all slots but this one */
    uint16_t user_flush_mask; /* slots whose user PCID goes at the return */
    enum miss_cause user_flush_causes[TLBGEN_SLOTS];
    struct cpu_mask batch; /* CPUs that batched unmapping has to reach */
};

/* The allocator of global ASIDs. Invariants: freed is part of used; nothing
 * below TLBGEN_SLOTS is in either. */
struct tlbgen_global {
    uint64_t used[TLBGEN_ASIDS / 64 + 1];
    uint64_t freed[TLBGEN_ASIDS / 64 + 1]; /* from the next reset on */
    uint32_t last;
    uint32_t n_available;
};

struct tlbgen {
    bool has_invlpgb;
    struct tlbgen_global global;
    const struct tlbgen_rules *rules;
    struct tlbgen_cpu *cpus; /* by id */
};

static inline struct tlbgen *tlbgen_of(const struct cpu *cpu)
{
    return cpu->system->protocol_state;
}

static inline struct tlbgen_cpu *tlbgen_cpu_of(const struct cpu *cpu)
{
    return &tlbgen_of(cpu)->cpus[cpu->id];
}

static inline const struct tlbgen_rules *tlbgen_rules_of(const struct cpu *cpu)
{
    return tlbgen_of(cpu)->rules;
}

/* context.ctx_id: from 1 on, init_mm's is the first. */
static inline uint64_t tlbgen_ctx_id(const struct address_space *mm)
{
    return mm->id + 1;
}

static inline bool tlbgen_is_lazy(const struct cpu *cpu)
{
    return cpu->tlb_state == TLB_STATE_LAZY &&
           cpu->loaded != cpu->system->init_mm;
}

/* NULL: LOADED_MM_SWITCHING */
static inline const struct address_space *
tlbgen_loaded_mm(const struct cpu *cpu)
{
    return tlbgen_cpu_of(cpu)->is_switching ? NULL : cpu->loaded;
}

static inline bool tlbgen_is_global(uint16_t asid)
{
    return asid >= TLBGEN_SLOTS;
}

/* INVLPGB names PCIDs: without them the kernel does not use it. */
static inline bool tlbgen_uses_invlpgb(const struct cpu *cpu)
{
    return tlbgen_of(cpu)->has_invlpgb && cpu->mmu.has_asids;
}

/* Does the CPU run the mm under a slot, and should use its global ASID? */
static inline bool tlbgen_needs_global(const struct cpu *cpu,
                                       const struct address_space *mm)
{
    return mm->x86.global_asid &&
           !tlbgen_is_global(tlbgen_cpu_of(cpu)->loaded_asid);
}

/* The PCID of an ASID: 0 is left to code that knows of none. */
static inline uint16_t tlbgen_pcid(const struct cpu *cpu, uint16_t asid)
{
    return cpu->mmu.has_asids ? (uint16_t) (asid + 1) : 0;
}

/* protocol_ops.init with the rules of a version. */
mmusim_status_t mmusim__tlbgen_init(struct system *system,
                                    const struct tlbgen_rules *rules);

/* flush_tlb_func(): flush_request.act of all requests for an mm, and of batched
 * unmapping. Interrupts are masked. */
uint32_t mmusim__tlbgen_flush_func(struct cpu *cpu,
                                   const struct flush_request *request);

/* should_flush_tlb(): flush_request.selects. */
bool mmusim__tlbgen_selects(const struct cpu *target,
                            const struct flush_request *request);

/* native_flush_tlb_multi(): pushes frames. There is another CPU in the mask. */
void mmusim__tlbgen_flush_others(struct cpu *cpu, const struct cpu_mask *mask,
                                 const struct flush_request *request);

/* linux_x86_broadcast.c; all but the last push frames. broadcast_tlb_flush()
 * of an mm that has a global ASID; */
void mmusim__tlbgen_broadcast(struct cpu *cpu,
                              const struct flush_request *request);
/* a range of the kernel's, or with FLUSH_END_ALL everything; */
void mmusim__tlbgen_broadcast_kernel(struct cpu *cpu, uint64_t start,
                                     uint64_t end);
void mmusim__tlbgen_broadcast_nonglobals(struct cpu *cpu);
/* consider_global_asid(), after a flush by interrupts. */
void mmusim__tlbgen_consider(struct cpu *cpu, struct address_space *mm);
/* mm_free_global_asid(): protocol_ops.mm_ends. */
void mmusim__tlbgen_mm_ends(struct system *system, struct address_space *mm);

/* linux_x86_switch.c: protocol_ops.switch_mm, .switch_steps, .enter_lazy. */
uint32_t mmusim__tlbgen_switch_mm(struct cpu *cpu, struct address_space *next);
/* As switch_mm, of what is loaded alone: active_mm stays (leave_mm(), and a
 * lazy CPU that is told to flush). */
uint32_t mmusim__tlbgen_switch_to(struct cpu *cpu, struct address_space *next);
void mmusim__tlbgen_switch_steps(struct cpu *cpu, struct address_space *next,
                                 enum bucket bucket);
void mmusim__tlbgen_enter_lazy(struct cpu *cpu);

#endif
