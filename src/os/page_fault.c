/* SPDX-License-Identifier: MIT */
/*
 * Page faults as Linux 4.6 handles them (mm/memory.c handle_pte_fault and what
 * it calls; arch/x86/mm/fault.c): a read of private anonymous memory maps the
 * shared zero page; a write maps a zeroed page, writable and dirty; a write to
 * a page with other owners copies it, with the old entry flushed everywhere
 * before the new one is set (ptep_clear_flush); a write by the only owner just
 * gets the right.
 *
 * Pages no record has mapped (contract: first touch) are made at once with
 * every right, without the zero page: they stand for the program's image and
 * stack, whose set-up is not in the trace.
 *
 * Where the hardware leaves A and D to software (Arm before FEAT_HAFDBS, RISC-V
 * Svade) a fault sets them.
 *
 * An entry may be not present although the area permits the access: a huge
 * page is being split, and the fault tries again when it has the table's lock;
 * a page is moving (migrate.h), and the fault waits for that; or it was made so
 * for the hint that this fault gives (numa_balance.h).
 *
 * Interrupts are masked for the exception's entry, enabled in the body. Left
 * out: stack guard pages.
 */
#include "os/page_fault.h"

#include "coherence/flush.h"
#include "coherence/mm_rules.h"
#include "coherence/observers.h"
#include "coherence/pti.h"
#include "coherence/x86_ops.h"
#include "os/fault_plan.h"
#include "os/huge_page.h"
#include "os/ksm.h"
#include "os/migrate.h"
#include "os/numa_balance.h"
#include "os/page_contents.h"
#include "os/reclaim.h"

enum {
    FAULT_ENTER,
    FAULT_LOCK_MM,
    FAULT_RECLAIM,
    FAULT_PREPARE,
    FAULT_DRAIN,
    FAULT_SPLIT,
    FAULT_READ_AHEAD,
    FAULT_LOCK_TABLE,
    FAULT_COMMIT,
    FAULT_AFTER_FLUSH,
    FAULT_AFTER_UPGRADE,
    FAULT_SPURIOUS_FIX,
    FAULT_UNLOCK,
    FAULT_FOLLOW,
    FAULT_AFTER_FOLLOW,
    FAULT_LEAVE,
    FAULT_END,
};

static void fault_drop_page(struct fault_frame *fault)
{
    if (!kernel_is_zero_page(fault->kernel, fault->plan.pfn))
        mmusim__frame_unref(fault->kernel->frames, fault->plan.pfn);
}

static bool fault_is_hidden(const struct fault_frame *fault)
{
    uint64_t word = mmusim__pte_word(&fault->slot);
    uint32_t level = fault->slot.table->level;

    return fault->kernel->format->reveal(word, level) != word;
}

/* Under the table's lock: has the entry changed since the plan was made? Then
 * the access is retried, and faults again if it must. */
static bool fault_plan_is_stale(const struct fault_frame *fault)
{
    struct pt_entry entry;
    bool maps = mmusim__pte_maps(fault->kernel, &fault->slot, &entry);
    uint32_t swap_slot = 0;
    bool is_swapped =
        mmusim__pte_is_swap(fault->kernel, &fault->slot, &swap_slot);

    switch (fault->plan.action) {
    case ACTION_MAP: /* also: a table where a huge page was to go */
        return maps || is_swapped != fault->plan.is_swap_in ||
               (is_swapped && swap_slot != fault->plan.swap_slot) ||
               (fault->plan.level && mmusim__pte_word(&fault->slot) != 0);
    case ACTION_UPGRADE:
        if (fault->kind == ACCESS_STORE &&
            mmusim__ksm_page(fault->kernel, fault->plan.pfn))
            return true; /* merged meanwhile: to be copied */
        return !maps || entry.pfn.v != fault->plan.pfn.v ||
               fault_is_hidden(fault);
    case ACTION_TOUCH:
        return !maps || entry.pfn.v != fault->plan.pfn.v ||
               fault_is_hidden(fault);
    case ACTION_COPY:
        return !maps || (entry.rights & TLB_WRITE) || fault_is_hidden(fault);
    case ACTION_REVEAL:
        return !maps || entry.pfn.v != fault->plan.pfn.v ||
               !fault_is_hidden(fault);
    case ACTION_FAIL:
    case ACTION_NOTHING:
    case ACTION_SPLIT:
        return false;
    }
    return false;
}

static void fault_install(struct fault_frame *fault)
{
    struct kernel *kernel = fault->kernel;
    mmusim_status_t status = mmusim__pte_install(
        kernel, &fault->slot, fault->plan.pfn, fault->plan.rights);

    if (status) {
        system_fail(kernel->system, status);
        return;
    }
    if (fault->plan.is_thp && !kernel_is_zero_page(kernel, fault->plan.pfn))
        kernel->vm.thp_fault_alloc++;
    if (fault->plan.rights & TLB_DIRTY)
        mmusim__reclaim_set_dirty(kernel, fault->plan.pfn);
    if (!fault->plan.is_swap_in)
        return;
    mmusim__reclaim_set_precious(kernel, fault->plan.pfn);
    mmusim__swap_unref(&kernel->reclaim->swap, fault->plan.swap_slot);
    kernel->vm.pswpin++;
}

/* ptep_set_access_flags() of arm64: A needs no flush, an entry without it is
 * in no TLB; one that is read-only for want of D may be in any (Linux 6.1
 * arch/arm64/mm/fault.c). */
static void fault_touch(struct cpu *cpu, struct fault_frame *fault)
{
    const struct protocol_ops *protocol = cpu->system->protocol;
    struct pt_entry old;
    uint64_t word;

    mmusim__pte_maps(fault->kernel, &fault->slot, &old);
    word = mmusim__fault_touched(fault, &old);
    mmusim__pte_rewrite(fault->kernel, &fault->slot, word);
    if (fault->kind == ACCESS_STORE && !(old.rights & TLB_DIRTY)) {
        if (!protocol->after_upgrade) {
            fault->frame.pc = FAULT_UNLOCK;
            mmusim__flush_page(cpu, &fault->mm->space, fault->vaddr,
                               mmusim__fault_order(fault));
            return;
        }
        fault->frame.pc = FAULT_AFTER_UPGRADE;
    }
    mmusim__cpu_busy(cpu, cpu->system->cost.pte_set_cycles, BUCKET_FAULT);
}

/* The first half of a copy: ptep_clear_flush(), pmdp_huge_clear_flush(). */
static void fault_clear_flush(struct cpu *cpu, struct fault_frame *fault)
{
    struct pt_entry old;

    mmusim__pte_maps(fault->kernel, &fault->slot, &old);
    mmusim__pte_clear(fault->kernel, &fault->slot);
    fault->kernel->vm.cow_ksm +=
        mmusim__ksm_page(fault->kernel, old.pfn) != NULL;
    fault->frame.pc = FAULT_AFTER_FLUSH;
    fault->replaced = old.pfn;
    if (fault->plan.is_thp)
        mmusim__thp_flush(cpu, fault->mm, fault->vaddr);
    else
        mmusim__flush_page(cpu, &fault->mm->space, fault->vaddr,
                           mmusim__fault_order(fault));
}

/* do_numa_page(): the entry becomes what it was, and the page follows its user;
 * since 5.13 in the other order, so that the move needs no flush. */
static void fault_take_hint(struct cpu *cpu, struct fault_frame *fault)
{
    struct kernel *kernel = fault->kernel;
    const struct pt_format *format = kernel->format;
    const struct mm_rules *rules = kernel->system->protocol->mm_rules;
    uint32_t level = fault->slot.table->level;

    if (!fault->has_followed)
        fault->follows = mmusim__numa_hint(kernel, cpu, fault->plan.pfn);
    fault->plan.kind = FAULT_HINT;
    if (!fault->follows || !rules->delays_hinted_map)
        mmusim__pte_rewrite(
            kernel, &fault->slot,
            format->set_accessed(
                format->reveal(mmusim__pte_word(&fault->slot), level), level));
    mmusim__cpu_busy(cpu, cpu->system->cost.pte_set_cycles, BUCKET_FAULT);
}

/* An entry that is not present though the area permits the access: its page is
 * on its way to another frame, or it gives a hint. */
static void fault_reveal(struct cpu *cpu, struct fault_frame *fault)
{
    if (mmusim__migrate_wait(cpu, fault->kernel, fault->plan.pfn,
                             &fault->waiter)) {
        fault->frame.pc = FAULT_LEAVE;
        mmusim__lock_release(cpu, fault->slot.table->lock, LOCK_WRITE);
        return;
    }
    fault_take_hint(cpu, fault);
}

/* migrate_misplaced_page(). */
static void fault_follow(struct cpu *cpu, struct fault_frame *fault)
{
    uint64_t bytes = UINT64_C(1)
                     << (BASE_PAGE_SHIFT + mmusim__fault_order(fault));
    uint64_t start = align_down(fault->vaddr, bytes);
    const struct migrate_request request = {
        .mm = fault->mm,
        .start = start,
        .end = start + bytes,
        .node = cpu->socket,
        .is_hint = true,
    };

    fault->follows = false;
    fault->has_followed = true;
    mmusim__migrate(cpu, fault->kernel, &request);
}

/* Could it not be moved, and gives a hint still? Then once more. */
static uint32_t fault_after_follow(struct fault_frame *fault)
{
    struct pt_entry entry;
    struct pte_slot slot =
        mmusim__pte_deepest(fault->kernel, fault->mm, fault->vaddr, &entry);

    if (entry.is_present || !mmusim__pte_maps(fault->kernel, &slot, &entry))
        return FAULT_LEAVE;
    fault->plan = (struct fault_plan){.action = ACTION_NOTHING};
    return FAULT_PREPARE;
}

/* Sets the entry; for a copy, clears it and begins the flush. */
static void fault_commit(struct cpu *cpu, struct fault_frame *fault)
{
    const struct pt_format *format = fault->kernel->format;
    const struct cost_config *cost = &cpu->system->cost;
    struct fault_plan *plan = &fault->plan;
    uint64_t n_set = 1;

    fault->kernel->now = cpu->now;
    fault->frame.pc = FAULT_UNLOCK;
    if (fault_plan_is_stale(fault)) {
        if (plan->action == ACTION_MAP || plan->action == ACTION_COPY)
            fault_drop_page(fault);
        plan->kind = FAULT_SPURIOUS;
        return;
    }
    switch (plan->action) {
    case ACTION_MAP:
        fault_install(fault);
        n_set += mmusim__fault_map_around(fault);
        break;
    case ACTION_UPGRADE:
        if (plan->rights & TLB_DIRTY)
            mmusim__reclaim_set_dirty(fault->kernel, plan->pfn);
        if (fault->kind == ACCESS_STORE)
            mmusim__contents_written(fault->kernel, plan->pfn);
        mmusim__pte_rewrite(fault->kernel, &fault->slot,
                            format->make_leaf(format, plan->pfn, plan->level,
                                              plan->rights, true));
        if (cpu->system->protocol->after_upgrade)
            fault->frame.pc = FAULT_AFTER_UPGRADE;
        break;
    case ACTION_TOUCH:
        fault_touch(cpu, fault);
        return;
    case ACTION_COPY:
        fault_clear_flush(cpu, fault);
        return;
    case ACTION_REVEAL:
        fault_reveal(cpu, fault);
        return;
    case ACTION_SPLIT:
    case ACTION_FAIL:
    case ACTION_NOTHING:
        break;
    }
    mmusim__cpu_busy(cpu, n_set * cost->pte_set_cycles, BUCKET_FAULT);
}

static uint32_t fault_after_plan(const struct fault_frame *fault)
{
    switch (fault->plan.action) {
    case ACTION_FAIL:
        return FAULT_LEAVE;
    case ACTION_NOTHING:
        return FAULT_SPURIOUS_FIX;
    case ACTION_SPLIT:
        return FAULT_SPLIT;
    case ACTION_MAP:
    case ACTION_UPGRADE:
    case ACTION_TOUCH:
    case ACTION_COPY:
    case ACTION_REVEAL:
        break;
    }
    return FAULT_LOCK_TABLE;
}

/* Has somebody mapped a huge page where the plan wants a table? */
static bool fault_is_overtaken(struct fault_frame *fault)
{
    struct pt_entry entry;
    struct pte_slot slot =
        mmusim__pte_deepest(fault->kernel, fault->mm, fault->vaddr, &entry);

    return slot.table->level > fault->plan.level &&
           mmusim__pte_maps(fault->kernel, &slot, &entry);
}

/* Makes the tables and takes the lock of the last. */
static void fault_lock_table(struct cpu *cpu, struct fault_frame *fault)
{
    uint32_t n_new = 0;
    mmusim_status_t status;
    struct klock *lock;

    if (fault_is_overtaken(fault)) {
        if (fault->plan.action == ACTION_MAP)
            fault_drop_page(fault);
        fault->plan.kind = FAULT_SPURIOUS;
        fault->frame.pc = FAULT_LEAVE;
        return;
    }
    status = mmusim__pte_make(fault->kernel, fault->mm, fault->vaddr,
                              fault->plan.level, &fault->slot, &n_new);
    lock = status ? NULL : mmusim__pte_lock(fault->slot.table);
    if (!lock) {
        system_fail(cpu->system, status ? status : MMUSIM_NOMEM);
        return;
    }
    mmusim__lock_take(cpu, lock, &fault->waiter, LOCK_WRITE, BUCKET_FAULT);
    if (cpu->activity.mode == CPU_BUSY)
        cpu->activity.busy_until +=
            (uint64_t) n_new * cpu->system->cost.table_alloc_cycles;
}

/* Direct reclaim as long as others take what it frees; false: it has begun. */
static bool fault_has_memory(struct cpu *cpu, struct fault_frame *fault)
{
    enum { FAULT_MAX_RECLAIMS = 64 };
    uint64_t n = mmusim__fault_frames(fault->kernel);

    return fault->n_reclaims++ == FAULT_MAX_RECLAIMS ||
           !mmusim__reclaim_before(cpu, fault->kernel, n);
}

/* A pagevec at a time, so that the pages of others come between on the LRU
 * lists: each page is read before the next is added. False: done. */
static bool fault_read_ahead(struct cpu *cpu, struct fault_frame *fault)
{
    uint64_t cycles;

    if (!mmusim__fault_read_ahead(fault, LRU_PAGEVEC, &cycles))
        return false;
    mmusim__cpu_busy(cpu, cycles, BUCKET_FAULT);
    return true;
}

static void fault_prepare(struct cpu *cpu, struct fault_frame *fault)
{
    mmusim__fault_make_plan(fault);
    mmusim__cpu_busy(cpu,
                     cpu->system->cost.fault_body_cycles + fault->plan.cycles,
                     BUCKET_FAULT);
}

/* Nothing to repair, once more? The hardware does not see the tables as they
 * are, and will not. In between others may change the entry, and this CPU
 * repair that: the flusher takes the right to write each time it is given. */
static bool fault_is_hopeless(struct fault_frame *fault)
{
    if (fault->plan.action != ACTION_NOTHING)
        return false;
    return ++fault->outcome->n_in_vain >= PAGE_FAULT_IN_VAIN;
}

static enum kstep fault_leave(struct cpu *cpu, struct fault_frame *fault)
{
    mmusim__lock_release(cpu, &fault->mm->mmap_lock, LOCK_READ);
    if (fault_is_hopeless(fault))
        fault->plan.kind = FAULT_INVALID;
    fault->kernel->faults[cpu->id][fault->plan.kind]++;
    fault->outcome->is_failed = fault->plan.kind == FAULT_INVALID;
    mmusim__cpu_busy(cpu, cpu->system->cost.fault_exit_cycles, BUCKET_FAULT);
    return KSTEP_NEXT;
}

/* What the fault itself does to the TLB. Arm's and RISC-V's keep an entry that
 * refused: software drops it. */
static void fault_forget_entry(struct cpu *cpu, const struct fault_frame *fault)
{
    if (fault->is_user && cpu->system->swaps_cr3)
        mmusim__pti_page_fault(cpu, fault->vaddr);
    else if (ISAS_X86 >> cpu->system->isa & 1U)
        mmusim__x86_page_fault(&cpu->mmu, fault->vaddr);
}

static const char *const fault_words[FAULT_KIND_COUNT] = {
    [FAULT_MINOR] = "minor",
    [FAULT_MAJOR] = "major",
    [FAULT_PROTECTION] = "protection",
    [FAULT_COW] = "cow",
    [FAULT_SPURIOUS] = "spurious",
    [FAULT_INVALID] = "invalid",
    [FAULT_HINT] = "hint",
    [FAULT_FLAGS] = "flags",
};

static enum kstep fault_step(struct cpu *cpu, struct kframe *frame)
{
    struct fault_frame *fault = (struct fault_frame *) frame;

    switch (frame->pc) {
    case FAULT_ENTER:
        frame->pc = FAULT_LOCK_MM;
        cpu->masks_interrupts = true;
        fault_forget_entry(cpu, fault);
        mmusim__cpu_busy(cpu, cpu->system->cost.fault_entry_cycles,
                         BUCKET_FAULT);
        return KSTEP_NEXT;
    case FAULT_LOCK_MM:
        frame->pc = FAULT_RECLAIM;
        cpu->masks_interrupts = false;
        mmusim__lock_take(cpu, &fault->mm->mmap_lock, &fault->waiter, LOCK_READ,
                          BUCKET_FAULT);
        return KSTEP_NEXT;
    case FAULT_RECLAIM:
        if (fault_has_memory(cpu, fault))
            frame->pc = FAULT_PREPARE;
        return KSTEP_NEXT;
    case FAULT_PREPARE:
        frame->pc = FAULT_DRAIN;
        fault_prepare(cpu, fault);
        return KSTEP_NEXT;
    case FAULT_DRAIN:
        frame->pc = FAULT_READ_AHEAD;
        mmusim__reclaim_drain(cpu, fault->kernel);
        return KSTEP_NEXT;
    case FAULT_SPLIT:
        frame->pc = FAULT_PREPARE;
        fault->plan = (struct fault_plan){.action = ACTION_NOTHING};
        mmusim__thp_split(cpu, fault->kernel, fault->mm, fault->vaddr);
        return KSTEP_NEXT;
    case FAULT_READ_AHEAD:
        frame->pc = FAULT_DRAIN;
        if (!fault_read_ahead(cpu, fault))
            frame->pc = fault_after_plan(fault);
        return KSTEP_NEXT;
    case FAULT_LOCK_TABLE:
        frame->pc = FAULT_COMMIT;
        fault_lock_table(cpu, fault);
        return KSTEP_NEXT;
    case FAULT_COMMIT:
        fault_commit(cpu, fault);
        return KSTEP_NEXT;
    case FAULT_AFTER_FLUSH:
        frame->pc = FAULT_UNLOCK;
        fault_install(fault);
        if (!kernel_is_zero_page(fault->kernel, fault->replaced))
            mmusim__contents_written(fault->kernel, fault->plan.pfn);
        if (!kernel_is_zero_page(fault->kernel, fault->replaced))
            mmusim__frame_unref_span(fault->kernel->frames, fault->replaced,
                                     mmusim__fault_order(fault));
        mmusim__cpu_busy(cpu, cpu->system->cost.pte_set_cycles, BUCKET_FAULT);
        return KSTEP_NEXT;
    case FAULT_AFTER_UPGRADE:
        frame->pc = FAULT_UNLOCK;
        cpu->system->protocol->after_upgrade(
            cpu, &fault->mm->space, fault->vaddr, mmusim__fault_order(fault));
        return KSTEP_NEXT;
    case FAULT_SPURIOUS_FIX:
        frame->pc = FAULT_LEAVE;
        if (cpu->system->protocol->fix_spurious)
            cpu->system->protocol->fix_spurious(cpu, &fault->mm->space,
                                                fault->vaddr,
                                                mmusim__fault_order(fault));
        return KSTEP_NEXT;
    case FAULT_UNLOCK:
        frame->pc = fault->follows ? FAULT_FOLLOW : FAULT_LEAVE;
        mmusim__lock_release(cpu, fault->slot.table->lock, LOCK_WRITE);
        return KSTEP_NEXT;
    case FAULT_FOLLOW:
        frame->pc = FAULT_AFTER_FOLLOW;
        fault_follow(cpu, fault);
        return KSTEP_NEXT;
    case FAULT_AFTER_FOLLOW:
        frame->pc = fault_after_follow(fault);
        return KSTEP_NEXT;
    case FAULT_LEAVE:
        frame->pc = FAULT_END;
        return fault_leave(cpu, fault);
    default:
        if (cpu->observed)
            mmusim__observe_fault_end(cpu, fault->kind,
                                      fault_words[fault->plan.kind]);
        return KSTEP_DONE;
    }
}

void mmusim__page_fault(struct cpu *cpu, struct kernel *kernel, uint64_t vaddr,
                        enum access_kind kind, struct fault_outcome *outcome)
{
    const struct thread *thread = kernel_cpu(kernel, cpu)->current;
    struct fault_frame *fault =
        mmusim__cpu_push(cpu, fault_step, sizeof(*fault));

    fault->kernel = kernel;
    fault->mm = kernel_mm_of(kernel, thread, vaddr);
    fault->vaddr = vaddr;
    fault->kind = kind;
    fault->is_user = thread->mm;
    fault->outcome = outcome;
    if (cpu->observed)
        mmusim__observe_enter(cpu, &(const mmusim_scope_t){
                                       .kind = MMUSIM_SCOPE_FAULT,
                                       .name = "fault",
                                       .vaddr = vaddr,
                                   });
}
