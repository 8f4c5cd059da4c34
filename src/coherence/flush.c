/* SPDX-License-Identifier: MIT */
/* The door to the protocol: see flush.h. */
#include "coherence/flush.h"

#include "coherence/check_cpus.h"
#include "coherence/mm_rules.h"
#include "coherence/notifier.h"
#include "coherence/observers.h"

/* Tells the checker; nothing if there is none. */
static void flush_watch(struct cpu *cpu, const struct address_space *mm,
                        const struct flush_span *span)
{
    const struct checker_flush flush = {
        .at = {cpu->now, cpu->id},
        .mm = mm->id,
        .start = span->start,
        .end = span->end,
        .has_tables = span->frees_tables || span->is_full_mm ||
                      span->end == FLUSH_END_ALL,
    };

    if (cpu->system->check)
        mmusim__check_flush(cpu, &flush);
}

static enum kstep flush_end_step(struct cpu *cpu, struct kframe *frame)
{
    (void) frame;
    mmusim__observe_flush_end(cpu);
    return KSTEP_DONE;
}

/* Tells observers that a flush begins. The frame below all of its own hears of
 * its end, and takes no time. */
static void flush_observe(struct cpu *cpu, const char *name,
                          const struct address_space *mm,
                          const struct flush_span *span)
{
    const mmusim_scope_t what = {
        .kind = MMUSIM_SCOPE_FLUSH,
        .name = name,
        .vaddr = span->end == FLUSH_END_ALL ? 0 : span->start,
        .length_bytes = span->end == FLUSH_END_ALL ? MMUSIM_LENGTH_ALL
                                                   : span->end - span->start,
    };
    struct observed_scope *entered;

    if (!cpu->observed)
        return;
    mmusim__cpu_push(cpu, flush_end_step, sizeof(struct kframe));
    entered = mmusim__observe_enter(cpu, &what);
    if (entered)
        entered->space = mm ? mm->id : 0;
}

/* To those who hear of it when it is complete. */
static void flush_announce(struct cpu *cpu, const struct address_space *mm,
                           const struct flush_span *span)
{
    flush_watch(cpu, mm, span);
    mmusim__notifier_invalidate(cpu, mm, span->start, span->end);
}

void mmusim__flush_range(struct cpu *cpu, struct address_space *mm,
                         const struct flush_span *span)
{
    flush_observe(cpu, "flush range", mm, span);
    flush_announce(cpu, mm, span);
    cpu->system->protocol->flush_mm_range(cpu, mm, span);
}

void mmusim__flush_mm(struct cpu *cpu, struct address_space *mm)
{
    struct flush_span all = flush_span_all();

    mmusim__flush_range(cpu, mm, &all);
}

void mmusim__flush_gather(struct cpu *cpu, struct address_space *mm,
                          const struct flush_span *span)
{
    const struct protocol_ops *protocol = cpu->system->protocol;

    flush_observe(cpu, "flush gather", mm, span);
    flush_announce(cpu, mm, span);
    if (protocol->flush_gather)
        protocol->flush_gather(cpu, mm, span);
    else
        protocol->flush_mm_range(cpu, mm, span);
}

void mmusim__flush_page(struct cpu *cpu, struct address_space *mm,
                        uint64_t vaddr, uint32_t order)
{
    uint64_t bytes = UINT64_C(1) << (BASE_PAGE_SHIFT + order);
    uint64_t start = align_down(vaddr, bytes);
    const struct flush_span span = {.start = start, .end = start + bytes};

    flush_observe(cpu, "flush page", mm, &span);
    flush_announce(cpu, mm, &span);
    cpu->system->protocol->flush_page(cpu, mm, vaddr, order);
}

void mmusim__flush_kernel_range(struct cpu *cpu, uint64_t start, uint64_t end)
{
    const struct flush_span span = {
        .start = start, .end = end, .frees_tables = true};

    flush_observe(cpu, "flush kernel range", NULL, &span);
    flush_watch(cpu, cpu->system->init_mm, &span);
    cpu->system->protocol->flush_kernel_range(cpu, start, end);
}

void mmusim__flush_all(struct cpu *cpu)
{
    const struct checker_flush flush = {
        .at = {cpu->now, cpu->id},
        .is_all_mms = true,
        .end = CHECKER_END_ALL,
        .has_tables = true,
    };
    const struct flush_span all = flush_span_all();

    flush_observe(cpu, "flush all", NULL, &all);
    mmusim__check_flush(cpu, &flush);
    cpu->system->protocol->flush_all(cpu);
}

bool mmusim__flush_batch_defers(const struct cpu *cpu,
                                const struct address_space *mm)
{
    const struct protocol_ops *protocol = cpu->system->protocol;

    return cpu->system->has_batched_unmap && protocol->batch_defers &&
           protocol->batch_defers(cpu, mm);
}

/* mmu_notifier_invalidate_page() of 4.6; arch_tlbbatch_add_pending(): on x86
 * the whole address space. */
static void flush_announce_batched(struct cpu *cpu,
                                   const struct address_space *mm,
                                   uint64_t vaddr, uint32_t order)
{
    const struct system *system = cpu->system;
    bool is_x86 = (ISAS_X86 >> system->isa) & 1;
    uint64_t end = vaddr + (UINT64_C(1) << (BASE_PAGE_SHIFT + order));

    if (is_x86 && system->protocol->mm_rules->batched_has_generations)
        mmusim__notifier_invalidate(cpu, mm, 0, FLUSH_END_ALL);
    else
        mmusim__notifier_invalidate(cpu, mm, vaddr, end);
}

uint32_t mmusim__flush_batch_add(struct cpu *cpu, struct address_space *mm,
                                 uint64_t vaddr, uint32_t order)
{
    if (cpu->system->check)
        mmusim__check_batch_add(cpu, mm->id);
    mm->n_batched++;
    flush_announce_batched(cpu, mm, vaddr, order);
    return cpu->system->protocol->batch_add(cpu, mm, vaddr, order);
}

void mmusim__flush_batch(struct cpu *cpu)
{
    const struct flush_span all = flush_span_all();

    flush_observe(cpu, "flush batch", NULL, &all);
    if (cpu->system->check)
        mmusim__check_batch_flush(cpu);
    cpu->system->protocol->batch_flush(cpu);
}

void mmusim__flush_batch_pending(struct cpu *cpu, struct address_space *mm)
{
    const struct protocol_ops *protocol = cpu->system->protocol;
    const struct flush_span all = flush_span_all();

    if (!protocol->batch_pending) {
        mmusim__flush_mm(cpu, mm);
        return;
    }
    flush_observe(cpu, "flush batch pending", mm, &all);
    protocol->batch_pending(cpu, mm);
}

/* ---- flush_tlb_batched_pending() ---- */

struct batched_frame {
    struct kframe frame;
    struct address_space *mm;
    uint64_t n_seen; /* n_batched before the flush */
};

/* 4.13 clears a flag, also for what was added meanwhile (B03); 5.17 compares
 * and keeps that. */
static enum kstep batched_step(struct cpu *cpu, struct kframe *frame)
{
    struct batched_frame *batched = (struct batched_frame *) frame;
    struct address_space *mm = batched->mm;
    bool has_generations =
        cpu->system->protocol->mm_rules->batched_has_generations;

    if (frame->pc++ == 0) {
        mmusim__flush_batch_pending(cpu, mm);
        return KSTEP_NEXT;
    }
    if (!has_generations || mm->n_batched == batched->n_seen)
        mm->n_batched_flushed = mm->n_batched;
    return KSTEP_DONE;
}

bool mmusim__batched_pending(struct cpu *cpu, struct address_space *mm)
{
    struct batched_frame *batched;

    if (!cpu->system->protocol->mm_rules->knows_batched ||
        mm->n_batched == mm->n_batched_flushed)
        return false;
    batched = mmusim__cpu_push(cpu, batched_step, sizeof(*batched));
    batched->mm = mm;
    batched->n_seen = mm->n_batched;
    return true;
}

void mmusim__flush_switch_mm(struct cpu *cpu, struct address_space *next,
                             enum bucket bucket)
{
    const struct protocol_ops *protocol = cpu->system->protocol;

    /* An NMI would come between the steps, which the kernels' flushes by
     * maskable interrupts do not. */
    if (protocol->switch_steps && cpu->system->ipi.delivery != IPI_NMI)
        protocol->switch_steps(cpu, next, bucket);
    else
        mmusim__cpu_busy(cpu, protocol->switch_mm(cpu, next), bucket);
}
