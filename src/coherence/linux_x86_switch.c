/* SPDX-License-Identifier: MIT */
/*
 * switch_mm_irqs_off(), choose_new_asid() and lazy mode of the x86 protocols
 * with generations. Step numbers are those of docs/protocols/linux-6.14.md.
 *
 * The steps are separate events, since other CPUs look at what lies between
 * them: the mask, loaded_mm, is_lazy. That is the window of B25: a CPU that has
 * read the generation and has not loaded CR3 yet runs neither the old mm nor
 * the new one.
 */
#include "coherence/pti.h"
#include "coherence/x86_ops.h"
#include "coherence/x86_tlbgen.h"

struct tlbgen_switch {
    struct address_space *next;
    uint64_t next_gen;
    uint16_t asid;
    bool is_reload; /* next is loaded already, and has to be flushed */
    bool needs_flush;
};

/* clear_asid_other(): a kernel mapping has gone from this slot's PCID only. */
static void tlbgen_forget_others(struct tlbgen_cpu *own)
{
    for (uint16_t asid = 0; asid < TLBGEN_SLOTS; asid++) {
        if (asid != own->loaded_asid)
            own->ctxs[asid].ctx_id = 0;
    }
    own->has_stale_others = false;
}

/* choose_new_asid(): a slot of next's, or the next one in turn. */
static void tlbgen_choose(struct cpu *cpu, struct tlbgen_switch *change)
{
    struct tlbgen_cpu *own = tlbgen_cpu_of(cpu);

    change->asid = 0;
    change->needs_flush = true;
    if (!cpu->mmu.has_asids)
        return;
    if (own->has_stale_others)
        tlbgen_forget_others(own);
    if (change->next->x86.global_asid) { /* broadcasts keep it clean */
        change->asid = change->next->x86.global_asid;
        change->needs_flush = false;
        return;
    }
    for (uint16_t asid = 0; asid < TLBGEN_SLOTS; asid++) {
        if (own->ctxs[asid].ctx_id != tlbgen_ctx_id(change->next))
            continue;
        change->asid = asid;
        change->needs_flush = own->ctxs[asid].tlb_gen < change->next_gen;
        return;
    }
    change->asid = own->next_asid++;
    if (change->asid >= TLBGEN_SLOTS) {
        change->asid = 0;
        own->next_asid = 1;
    }
}

/* Step 2: back to the mm that is loaded. False: nothing is left to do. */
static bool tlbgen_switch_same(struct cpu *cpu, struct tlbgen_switch *change,
                               bool was_lazy)
{
    struct tlbgen_cpu *own = tlbgen_cpu_of(cpu);

    if (tlbgen_needs_global(cpu, change->next)) {
        change->is_reload = true;
        tlbgen_choose(cpu, change);
        return true;
    }
    if (!was_lazy || tlbgen_is_global(own->loaded_asid))
        return false;
    change->next_gen = change->next->x86.tlb_gen;
    change->asid = own->loaded_asid;
    change->needs_flush = change->is_reload = true;
    return own->ctxs[change->asid].tlb_gen != change->next_gen;
}

/* Steps 1, 2, 3a and 3b. False: done. */
static bool tlbgen_switch_begin(struct cpu *cpu, struct tlbgen_switch *change)
{
    const struct tlbgen_rules *rules = tlbgen_rules_of(cpu);
    struct tlbgen_cpu *own = tlbgen_cpu_of(cpu);
    struct address_space *init_mm = cpu->system->init_mm;
    bool was_lazy = tlbgen_is_lazy(cpu);

    cpu->tlb_state = TLB_STATE_OK;
    if (cpu->loaded == change->next)
        return tlbgen_switch_same(cpu, change, was_lazy);
    own->is_switching = rules->marks_switch_early;
    if (!rules->keeps_mask && cpu->loaded != init_mm)
        cpu_mask_clear(&cpu->loaded->cpus, cpu->id);
    if (change->next != init_mm)
        cpu_mask_set(&change->next->cpus, cpu->id);
    return true;
}

/* Steps 3c, 3d and 3e. */
static void tlbgen_switch_choose(struct cpu *cpu, struct tlbgen_switch *change)
{
    if (change->is_reload)
        return;
    change->next_gen = change->next->x86.tlb_gen;
    tlbgen_choose(cpu, change);
    tlbgen_cpu_of(cpu)->is_switching = true;
}

/* Step 5; returns its cycles. */
static uint32_t tlbgen_switch_load(struct cpu *cpu,
                                   const struct tlbgen_switch *change)
{
    const struct cost_config *cost = &cpu->system->cost;
    struct tlbgen_cpu *own = tlbgen_cpu_of(cpu);
    bool flushes = change->needs_flush;

    if (flushes) {
        own->ctxs[change->asid] =
            (struct tlbgen_slot){tlbgen_ctx_id(change->next), change->next_gen};
        mmusim__pti_drop_slot(cpu, change->asid, MISS_SWITCH);
    }
    mmusim__x86_mov_cr3(&cpu->mmu, change->next->root,
                        tlbgen_pcid(cpu, change->asid),
                        flushes ? CR3_FLUSH : CR3_NOFLUSH, MISS_SWITCH);
    cpu->loaded = change->next;
    system_trace_flush(cpu->system, FLUSH_ON_TASK_SWITCH,
                       flushes ? FLUSH_ALL_PAGES : 0);
    return flushes ? cost->cr3_write_cycles : cost->cr3_noflush_cycles;
}

/* Step 6. */
static void tlbgen_switch_end(struct cpu *cpu,
                              const struct tlbgen_switch *change)
{
    struct tlbgen_cpu *own = tlbgen_cpu_of(cpu);

    own->is_switching = false;
    own->loaded_asid = change->asid;
}

/* ---- at once, or step by step ---- */

uint32_t mmusim__tlbgen_switch_to(struct cpu *cpu, struct address_space *next)
{
    struct tlbgen_switch change = {.next = next};
    uint32_t cycles;

    if (!tlbgen_switch_begin(cpu, &change))
        return 0;
    tlbgen_switch_choose(cpu, &change);
    cycles = tlbgen_switch_load(cpu, &change);
    tlbgen_switch_end(cpu, &change);
    return cycles;
}

uint32_t mmusim__tlbgen_switch_mm(struct cpu *cpu, struct address_space *next)
{
    cpu->active_mm = next;
    return mmusim__tlbgen_switch_to(cpu, next);
}

struct tlbgen_switch_frame {
    struct kframe frame;
    struct tlbgen_switch change;
    enum bucket bucket;
};

enum { SWITCH_BEGIN, SWITCH_CHOOSE, SWITCH_LOAD, SWITCH_END };

static enum kstep tlbgen_switch_step(struct cpu *cpu, struct kframe *frame)
{
    struct tlbgen_switch_frame *own = (struct tlbgen_switch_frame *) frame;

    switch (frame->pc++) {
    case SWITCH_BEGIN:
        if (!tlbgen_switch_begin(cpu, &own->change))
            return KSTEP_DONE;
        return KSTEP_NEXT;
    case SWITCH_CHOOSE:
        tlbgen_switch_choose(cpu, &own->change);
        return KSTEP_NEXT;
    case SWITCH_LOAD:
        mmusim__cpu_busy(cpu, tlbgen_switch_load(cpu, &own->change),
                         own->bucket);
        return KSTEP_NEXT;
    default:
        tlbgen_switch_end(cpu, &own->change);
        return KSTEP_DONE;
    }
}

void mmusim__tlbgen_switch_steps(struct cpu *cpu, struct address_space *next,
                                 enum bucket bucket)
{
    struct tlbgen_switch_frame *own =
        mmusim__cpu_push(cpu, tlbgen_switch_step, sizeof(*own));

    own->change.next = next;
    own->bucket = bucket;
    cpu->active_mm = next;
}

/* enter_lazy_tlb(): the tables stay, and so does the bit in the mask. */
void mmusim__tlbgen_enter_lazy(struct cpu *cpu)
{
    cpu->tlb_state = TLB_STATE_LAZY;
}
