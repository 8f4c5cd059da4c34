/* SPDX-License-Identifier: MIT */
/*
 * linux-7.1 on AMD: INVLPGB, TLBSYNC and global ASIDs. Step numbers are those
 * of docs/protocols/linux-7.1.md; Linux arch/x86/mm/tlb.c and asm/tlb.h, 6.15
 * to 7.1.
 *
 * An mm that is active on more than TLBGEN_ACTIVE CPUs may get an ASID that is
 * the same on all of them; from then on its flushes are broadcasts. Until every
 * CPU has loaded it the mm is in transition, and a flush also interrupts
 * whoever still runs under a slot.
 */
#include "coherence/broadcast.h"
#include "coherence/protocol_steps.h"
#include "coherence/x86_tlbgen.h"

/* ---- INVLPGB ---- */

static struct inval tlbgen_inval(const struct cpu *cpu)
{
    struct inval inval = mmusim__mmu_scope(&cpu->mmu);

    inval.hits_nonglobals = true;
    inval.psc = INVAL_PSC_ALL;
    return inval;
}

/* Operations of at most count_max pages of 4 KiB or 2 MiB; larger strides one
 * by one. end is not FLUSH_END_ALL. */
static void tlbgen_issue_range(struct cpu *cpu, struct inval *inval,
                               const struct flush_request *range)
{
    uint32_t shift = BASE_PAGE_SHIFT + range->stride_order;
    uint64_t n_steps =
        align_up(range->end - range->start, UINT64_C(1) << shift) >> shift;
    struct broadcast_request single = {
        .cause = MISS_PAGE_FLUSH, .reach = REACH_ALL, .n_ops = n_steps};

    inval->has_range = true;
    inval->vpn = vpn_of(range->start);
    mmusim__protocol_count_flush(cpu, n_steps);
    if (range->stride_order <= PAGE_ORDER_2M) {
        inval->stride_order = (uint8_t) range->stride_order;
        inval->n_pages = n_steps;
        mmusim__broadcast_inval(cpu, inval, REACH_ALL, MISS_PAGE_FLUSH);
        return;
    }
    inval->n_pages = 1;
    single.inval = *inval;
    single.step_pages = UINT64_C(1) << range->stride_order;
    mmusim__broadcast_issue(cpu, &single);
}

static void tlbgen_issue(struct cpu *cpu, struct inval *inval,
                         const struct flush_request *range)
{
    if (range->end != FLUSH_END_ALL) {
        tlbgen_issue_range(cpu, inval, range);
        return;
    }
    mmusim__protocol_count_flush(cpu, FLUSH_ALL_PAGES);
    mmusim__broadcast_inval(cpu, inval, REACH_ALL, MISS_FULL_FLUSH);
}

/* ---- broadcast_tlb_flush() ---- */

struct tlbgen_broadcast_frame {
    struct kframe frame;
    struct flush_request request;
    struct inval inval;
    uint32_t next_cpu; /* of finish_asid_transition() */
};

enum { BROADCAST_ISSUE, BROADCAST_FINISH, BROADCAST_SYNC, BROADCAST_DONE };

/* Step 2, one CPU of the mask at a time. */
static void tlbgen_finish_transition(struct cpu *cpu,
                                     struct tlbgen_broadcast_frame *own)
{
    struct address_space *mm = own->request.mm;
    uint32_t id = cpu_mask_next(&mm->cpus, own->next_cpu);
    const struct cpu *other;

    if (id == MAX_CPUS) {
        mm->x86.is_in_transition = false;
        own->frame.pc = BROADCAST_SYNC;
        return;
    }
    other = &cpu->system->cpus[id];
    mmusim__cpu_busy(cpu, max_u64(cpu->system->ipi.look_cycles, 1),
                     BUCKET_IPI_SEND);
    if (!tlbgen_loaded_mm(other))
        return; /* it is switching: look again */
    own->next_cpu = id + 1;
    if (tlbgen_loaded_mm(other) != mm || !tlbgen_needs_global(other, mm))
        return;
    /* A straggler: everybody is called, and the transition goes on. */
    own->frame.pc = BROADCAST_SYNC;
    if (cpu_mask_has_other(&mm->cpus, cpu->id))
        mmusim__tlbgen_flush_others(cpu, &mm->cpus, &own->request);
    else
        mmusim__protocol_run_here(cpu, &own->request);
}

static enum kstep tlbgen_broadcast_step(struct cpu *cpu, struct kframe *frame)
{
    struct tlbgen_broadcast_frame *own =
        (struct tlbgen_broadcast_frame *) frame;

    switch (frame->pc) {
    case BROADCAST_ISSUE:
        frame->pc = own->request.mm && own->request.mm->x86.is_in_transition
                        ? BROADCAST_FINISH
                        : BROADCAST_SYNC;
        tlbgen_issue(cpu, &own->inval, &own->request);
        return KSTEP_NEXT;
    case BROADCAST_FINISH:
        tlbgen_finish_transition(cpu, own);
        return KSTEP_NEXT;
    case BROADCAST_SYNC:
        frame->pc = BROADCAST_DONE;
        mmusim__broadcast_sync(cpu, REACH_ALL);
        return KSTEP_NEXT;
    default:
        return KSTEP_DONE;
    }
}

static struct tlbgen_broadcast_frame *
tlbgen_push_broadcast(struct cpu *cpu, const struct flush_request *request)
{
    struct tlbgen_broadcast_frame *own =
        mmusim__cpu_push(cpu, tlbgen_broadcast_step, sizeof(*own));

    own->request = *request;
    own->inval = tlbgen_inval(cpu);
    mmusim__broadcast_begin(cpu);
    return own;
}

void mmusim__tlbgen_broadcast(struct cpu *cpu,
                              const struct flush_request *request)
{
    struct tlbgen_broadcast_frame *own = tlbgen_push_broadcast(cpu, request);

    own->inval.has_asid = true;
    own->inval.asid = tlbgen_pcid(cpu, request->mm->x86.global_asid);
    own->inval.psc = INVAL_PSC_ASID;
}

void mmusim__tlbgen_broadcast_kernel(struct cpu *cpu, uint64_t start,
                                     uint64_t end)
{
    const struct flush_request range = {.start = start, .end = end};

    tlbgen_push_broadcast(cpu, &range)->inval.hits_globals = true;
}

void mmusim__tlbgen_broadcast_nonglobals(struct cpu *cpu)
{
    const struct flush_request all = {.end = FLUSH_END_ALL};

    tlbgen_push_broadcast(cpu, &all);
}

/* ---- global ASIDs ---- */

static bool tlbgen_bit(const uint64_t *bits, uint32_t i)
{
    return bits[i / 64] >> (i % 64) & 1;
}

static void tlbgen_set_bit(uint64_t *bits, uint32_t i)
{
    bits[i / 64] |= UINT64_C(1) << (i % 64);
}

/* reset_global_asid_space(), once all entries have gone everywhere. */
static void tlbgen_reset_global(struct tlbgen_global *global)
{
    for (uint32_t i = 0; i < TLBGEN_ASIDS / 64 + 1; i++) {
        global->used[i] &= ~global->freed[i];
        global->freed[i] = 0;
    }
    global->last = TLBGEN_SLOTS;
}

/* use_global_asid(): the transition is declared before the ASID is there. */
static void tlbgen_assign_global(struct tlbgen_global *global,
                                 struct address_space *mm)
{
    uint32_t asid = global->last;

    while (asid < TLBGEN_ASIDS && tlbgen_bit(global->used, asid))
        asid++;
    if (asid == TLBGEN_ASIDS)
        return; /* full above last: the next one resets */
    tlbgen_set_bit(global->used, asid);
    global->last = asid;
    global->n_available--;
    mm->x86.is_in_transition = true;
    mm->x86.global_asid = (uint16_t) asid;
}

void mmusim__tlbgen_mm_ends(struct system *system, struct address_space *mm)
{
    struct tlbgen *tlbgen = system->protocol_state;

    if (!mm->x86.global_asid)
        return;
    tlbgen_set_bit(tlbgen->global.freed, mm->x86.global_asid);
    tlbgen->global.n_available++;
}

/* ---- consider_global_asid() ---- */

struct tlbgen_consider_frame {
    struct kframe frame;
    struct address_space *mm;
    uint32_t next_cpu, n_active;
};

enum { CONSIDER_BEGIN, CONSIDER_COUNT, CONSIDER_ASSIGN, CONSIDER_RESET };

/* Is this the tick in which a task like this one is looked at? */
static bool tlbgen_is_sampled(const struct cpu *cpu)
{
    const struct system *system = cpu->system;
    uint64_t jiffies = cpu->now / system->jiffy_cycles;
    uint64_t mask = system->global_asid_samples - 1;

    return (cpu->task_id & mask) == (jiffies & mask);
}

/* mm_active_cpus_exceeds(), one CPU at a time. */
static void tlbgen_count_active(struct cpu *cpu,
                                struct tlbgen_consider_frame *own)
{
    uint32_t id = cpu_mask_next(&own->mm->cpus, own->next_cpu);
    const struct cpu *other;

    own->next_cpu = id + 1;
    if (id == MAX_CPUS)
        return;
    other = &cpu->system->cpus[id];
    own->n_active +=
        tlbgen_loaded_mm(other) == own->mm && !tlbgen_is_lazy(other);
    if (own->n_active > TLBGEN_ACTIVE)
        own->frame.pc = CONSIDER_ASSIGN;
    mmusim__cpu_busy(cpu, cpu->system->ipi.look_cycles, BUCKET_FLUSH_LOCAL);
}

static enum kstep tlbgen_assign_step(struct cpu *cpu,
                                     struct tlbgen_consider_frame *own)
{
    struct tlbgen_global *global = &tlbgen_of(cpu)->global;

    if (own->mm->x86.global_asid || !global->n_available)
        return KSTEP_DONE;
    if (own->frame.pc == CONSIDER_ASSIGN && global->last >= TLBGEN_ASIDS - 1) {
        own->frame.pc = CONSIDER_RESET;
        mmusim__tlbgen_broadcast_nonglobals(cpu);
        return KSTEP_NEXT;
    }
    if (own->frame.pc == CONSIDER_RESET)
        tlbgen_reset_global(global);
    tlbgen_assign_global(global, own->mm);
    return KSTEP_DONE;
}

static enum kstep tlbgen_consider_step(struct cpu *cpu, struct kframe *frame)
{
    struct tlbgen_consider_frame *own = (struct tlbgen_consider_frame *) frame;

    switch (frame->pc) {
    case CONSIDER_BEGIN:
        frame->pc = CONSIDER_COUNT;
        if (!tlbgen_is_sampled(cpu) ||
            cpu_mask_count(&own->mm->cpus) <= TLBGEN_ACTIVE)
            return KSTEP_DONE;
        return KSTEP_NEXT;
    case CONSIDER_COUNT:
        if (own->next_cpu > MAX_CPUS)
            return KSTEP_DONE;
        tlbgen_count_active(cpu, own);
        return KSTEP_NEXT;
    default:
        return tlbgen_assign_step(cpu, own);
    }
}

void mmusim__tlbgen_consider(struct cpu *cpu, struct address_space *mm)
{
    struct tlbgen_consider_frame *own =
        mmusim__cpu_push(cpu, tlbgen_consider_step, sizeof(*own));

    own->mm = mm;
}
