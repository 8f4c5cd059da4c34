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
 * Interrupts are masked for the exception's entry, enabled in the body. Left
 * out: fault-around, stack guard pages, NUMA hints, transparent huge pages.
 */
#include "os/page_fault.h"

#include "coherence/flush.h"
#include "coherence/x86_ops.h"
#include "core/check.h"
#include "core/diag.h"
#include "os/page_cache.h"
#include "os/page_table.h"

enum fault_action {
    ACTION_FAIL,
    ACTION_NOTHING, /* the entry permits it: somebody was faster */
    ACTION_MAP,     /* install plan.pfn */
    ACTION_UPGRADE, /* the entry gets plan.rights */
    ACTION_TOUCH,   /* the entry gets A, for a store D, too */
    ACTION_COPY,    /* clear, flush, install plan.pfn */
};

struct fault_plan {
    enum fault_action action;
    enum fault_kind kind;
    uint32_t level; /* where the leaf goes */
    pfn_t pfn;      /* holds a reference of ours unless it is the zero page */
    uint32_t rights;
    uint64_t cycles; /* allocation, zeroing, copying */
};

struct fault_frame {
    struct kframe frame;
    struct kernel *kernel;
    struct mm *mm;
    uint64_t vaddr;
    enum access_kind kind;
    bool *is_failed;
    struct lock_waiter waiter;
    struct fault_plan plan;
    struct pte_slot slot;
    pfn_t replaced; /* by a copy: given up after the flush */
    bool is_user;   /* the thread has an address space of its own */
};

enum {
    FAULT_ENTER,
    FAULT_LOCK_MM,
    FAULT_PREPARE,
    FAULT_LOCK_TABLE,
    FAULT_COMMIT,
    FAULT_AFTER_FLUSH,
    FAULT_AFTER_UPGRADE,
    FAULT_SPURIOUS_FIX,
    FAULT_UNLOCK,
    FAULT_LEAVE,
    FAULT_END,
};

/* ---- what to do ---- */

static uint32_t fault_area_rights(const struct kernel *kernel,
                                  const struct vm_area *area, uint64_t vaddr)
{
    uint32_t rights = kernel_is_upper(kernel, vaddr) ? TLB_GLOBAL : TLB_USER;

    if (area->flags & (VM_READ | VM_WRITE))
        rights |= TLB_READ;
    if (area->flags & VM_WRITE)
        rights |= TLB_WRITE;
    if (area->flags & VM_EXEC)
        rights |= TLB_EXEC | TLB_READ;
    return rights;
}

static bool fault_is_permitted(const struct vm_area *area,
                               enum access_kind kind)
{
    switch (kind) {
    case ACCESS_LOAD: /* x86: no entry is write-only or execute-only */
        return area->flags & (VM_READ | VM_WRITE | VM_EXEC);
    case ACCESS_STORE:
        return area->flags & VM_WRITE;
    case ACCESS_FETCH:
        return area->flags & VM_EXEC;
    }
    return false;
}

/* The area of an address no record has mapped, made now; NULL: none. */
static const struct vm_area *fault_implicit_area(struct fault_frame *fault)
{
    struct kernel *kernel = fault->kernel;
    struct vm_area area = {
        .start = align_down(fault->vaddr, kernel_page_bytes(kernel)),
        .flags = VM_READ | VM_WRITE | VM_EXEC | VM_IMPLICIT,
    };

    area.end = area.start + kernel_page_bytes(kernel);
    if (!area.end || kernel->config.has_strict_maps ||
        mmusim__vm_find(fault->mm->unmapped, fault->vaddr))
        return NULL;
    if (mmusim__vm_insert(fault->mm->areas, &area, NULL)) {
        system_fail(kernel->system, MMUSIM_NOMEM);
        return NULL;
    }
    kernel->implicit_pages++;
    return mmusim__vm_find(fault->mm->areas, fault->vaddr);
}

/* Order of the page that the plan's leaf maps. */
static uint32_t fault_order(const struct fault_frame *fault)
{
    return pt_level_order(fault->kernel->format, fault->plan.level);
}

static void fault_get_frame(struct fault_frame *fault, uint32_t order)
{
    struct kernel *kernel = fault->kernel;
    mmusim_status_t status = mmusim__frame_get_for(
        kernel->frames, order, vpn_of(fault->vaddr), &fault->plan.pfn);

    if (status) {
        system_fail(kernel->system, status);
        mmusim__diag_set(&kernel->system->diag, status,
                         "simulated memory is full: os.memory is %llu bytes",
                         (unsigned long long) kernel->config.memory_bytes);
    }
    fault->plan.cycles += kernel->system->cost.page_alloc_cycles;
}

static void fault_plan_zeroed(struct fault_frame *fault, uint32_t order)
{
    fault->plan.action = ACTION_MAP;
    fault->plan.kind = FAULT_MINOR;
    fault_get_frame(fault, order);
    fault->plan.cycles +=
        (uint64_t) fault->kernel->system->cost.page_zero_cycles << order;
}

/* The file's page for the fault, read in if need be; holds a reference. */
static void fault_find_file_page(struct fault_frame *fault,
                                 const struct vm_area *area, uint32_t order)
{
    struct kernel *kernel = fault->kernel;
    uint64_t bytes = UINT64_C(1) << (BASE_PAGE_SHIFT + order);
    uint64_t offset = align_down(fault->vaddr, bytes) - area->start;
    uint64_t page = (area->file_offset + offset) >> BASE_PAGE_SHIFT;
    bool is_unnamed =
        mmusim__page_cache_is_unnamed(kernel->page_cache, area->file_id);

    fault->plan.kind = FAULT_MINOR;
    if (!mmusim__page_cache_find(kernel->page_cache, area->file_id, page,
                                 &fault->plan.pfn)) {
        fault_get_frame(fault, order);
        if (kernel->system->has_stopped)
            return;
        if (!mmusim__page_cache_add(kernel->page_cache, area->file_id, page,
                                    fault->plan.pfn))
            system_fail(kernel->system, MMUSIM_NOMEM);
        if (is_unnamed) {
            fault->plan.cycles +=
                (uint64_t) kernel->system->cost.page_zero_cycles << order;
        } else if (kernel->config.has_cold_page_cache) {
            fault->plan.kind = FAULT_MAJOR;
            fault->plan.cycles += kernel->system->cost.major_fault_cycles;
        }
    }
    mmusim__frame_ref(kernel->frames, fault->plan.pfn);
}

/* Makes the plan's page a private copy of one, as large as the plan's leaf. */
static void fault_plan_copy(struct fault_frame *fault, pfn_t original)
{
    const struct cost_config *cost = &fault->kernel->system->cost;
    uint32_t order = fault_order(fault);
    uint64_t cycles = original.v == fault->kernel->zero_page.v
                          ? cost->page_zero_cycles
                          : cost->page_copy_cycles;

    fault->plan.cycles += cycles << order;
    fault_get_frame(fault, order);
}

static void fault_plan_file(struct fault_frame *fault,
                            const struct vm_area *area)
{
    struct fault_plan *plan = &fault->plan;
    bool is_store = fault->kind == ACCESS_STORE;

    fault_find_file_page(fault, area, fault_order(fault));
    plan->action = ACTION_MAP;
    if (area->flags & VM_SHARED) {
        /* Write access to a named file is noticed page by page. */
        if (!is_store && !mmusim__page_cache_is_unnamed(
                             fault->kernel->page_cache, area->file_id))
            plan->rights &= ~(uint32_t) TLB_WRITE;
    } else if (is_store) {
        pfn_t cached = plan->pfn;

        fault_plan_copy(fault, cached); /* do_cow_fault() */
        mmusim__frame_unref(fault->kernel->frames, cached);
        plan->kind = FAULT_COW;
    } else {
        plan->rights &= ~(uint32_t) TLB_WRITE;
    }
    if (is_store)
        plan->rights |= TLB_DIRTY;
}

static void fault_plan_absent(struct fault_frame *fault,
                              const struct vm_area *area)
{
    struct fault_plan *plan = &fault->plan;
    bool is_plain =
        !(area->flags & (VM_IMPLICIT | VM_HUGETLB)) && fault->is_user;

    plan->level = area->huge_order
                      ? pt_leaf_level(fault->kernel->format, area->huge_order)
                      : 0;
    if (area->file_id) {
        fault_plan_file(fault, area);
    } else if (is_plain && fault->kind != ACCESS_STORE) {
        plan->action = ACTION_MAP;
        plan->kind = FAULT_MINOR;
        plan->pfn = fault->kernel->zero_page;
        plan->rights &= ~(uint32_t) TLB_WRITE;
    } else {
        fault_plan_zeroed(fault, fault_order(fault));
        /* do_anonymous_page(): pte_mkwrite(pte_mkdirty(entry)). */
        if (plan->rights & TLB_WRITE)
            plan->rights |= TLB_DIRTY;
    }
}

/* A present entry that refuses a store: do_wp_page(). */
static void fault_plan_write(struct fault_frame *fault,
                             const struct vm_area *area,
                             const struct pt_entry *entry)
{
    struct fault_plan *plan = &fault->plan;
    struct kernel *kernel = fault->kernel;

    plan->rights |= TLB_DIRTY;
    if ((area->flags & VM_SHARED) ||
        (entry->pfn.v != kernel->zero_page.v &&
         mmusim__frame_refs(kernel->frames, entry->pfn) == 1)) {
        plan->action = ACTION_UPGRADE;
        plan->kind = FAULT_PROTECTION;
        plan->pfn = entry->pfn;
        return;
    }
    plan->action = ACTION_COPY;
    plan->kind = FAULT_COW;
    fault_plan_copy(fault, entry->pfn); /* hugetlb_cow(): the whole page */
}

/* The entry as it must be for the access, where A or D is software's to set:
 * handle_pte_fault()'s pte_mkyoung and pte_mkdirty. */
static uint64_t fault_touched(const struct fault_frame *fault,
                              const struct pt_entry *entry)
{
    const struct kernel *kernel = fault->kernel;
    uint64_t word = mmusim__pte_word(&fault->slot);
    uint32_t level = fault->slot.table->level;

    if (kernel->has_software_accessed && !entry->is_accessed)
        word = kernel->format->set_accessed(word, level);
    if (kernel->has_software_dirty && fault->kind == ACCESS_STORE &&
        !(entry->rights & TLB_DIRTY))
        word = kernel->format->set_dirty(word, level);
    return word;
}

static void fault_plan_present(struct fault_frame *fault,
                               const struct vm_area *area,
                               const struct pt_entry *entry)
{
    struct fault_plan *plan = &fault->plan;
    uint32_t needed = mmu_rights_needed(fault->kind, false);

    plan->level = fault->slot.table->level;
    if ((entry->rights & needed) == needed) {
        bool is_touched =
            fault_touched(fault, entry) == mmusim__pte_word(&fault->slot);

        plan->action = is_touched ? ACTION_NOTHING : ACTION_TOUCH;
        plan->kind = is_touched ? FAULT_SPURIOUS : FAULT_FLAGS;
        plan->pfn = entry->pfn;
    } else if (fault->kind == ACCESS_STORE) {
        fault_plan_write(fault, area, entry);
    } else {
        /* The area permits what an old entry does not. */
        plan->action = ACTION_UPGRADE;
        plan->kind = FAULT_PROTECTION;
        plan->pfn = entry->pfn;
        plan->rights = (plan->rights & ~(uint32_t) TLB_WRITE) |
                       (entry->rights & (TLB_WRITE | TLB_DIRTY));
    }
}

static void fault_make_plan(struct fault_frame *fault)
{
    const struct vm_area *area = NULL;
    struct pt_entry entry;

    /* User code has no business in the kernel's half, nor a kernel thread in
     * the user's. */
    if (fault->is_user != kernel_is_upper(fault->kernel, fault->vaddr) &&
        kernel_is_canonical(fault->kernel, fault->vaddr)) {
        area = mmusim__vm_find(fault->mm->areas, fault->vaddr);
        if (!area)
            area = fault_implicit_area(fault);
    }
    if (!area || !fault_is_permitted(area, fault->kind)) {
        fault->plan.action = ACTION_FAIL;
        fault->plan.kind = FAULT_INVALID;
        return;
    }
    fault->plan.rights = fault_area_rights(fault->kernel, area, fault->vaddr);
    fault->slot =
        mmusim__pte_leaf(fault->kernel, fault->mm, fault->vaddr, &entry);
    if (fault->slot.table)
        fault_plan_present(fault, area, &entry);
    else
        fault_plan_absent(fault, area);
}

/* ---- doing it ---- */

static void fault_drop_page(struct fault_frame *fault)
{
    if (fault->plan.pfn.v != fault->kernel->zero_page.v)
        mmusim__frame_unref(fault->kernel->frames, fault->plan.pfn);
}

/* Under the table's lock: has the entry changed since the plan was made? Then
 * the access is retried, and faults again if it must. */
static bool fault_plan_is_stale(const struct fault_frame *fault)
{
    struct pt_entry entry;
    bool maps = mmusim__pte_maps(fault->kernel, &fault->slot, &entry);

    switch (fault->plan.action) {
    case ACTION_MAP:
        return maps;
    case ACTION_UPGRADE:
    case ACTION_TOUCH:
        return !maps || entry.pfn.v != fault->plan.pfn.v;
    case ACTION_COPY:
        return !maps || (entry.rights & TLB_WRITE);
    case ACTION_FAIL:
    case ACTION_NOTHING:
        return false;
    }
    return false;
}

static void fault_install(struct fault_frame *fault)
{
    mmusim_status_t status = mmusim__pte_install(
        fault->kernel, &fault->slot, fault->plan.pfn, fault->plan.rights);

    if (status)
        system_fail(fault->kernel->system, status);
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
    word = fault_touched(fault, &old);
    mmusim__pte_rewrite(fault->kernel, &fault->slot, word);
    if (fault->kind == ACCESS_STORE && !(old.rights & TLB_DIRTY) &&
        !protocol->relies_on_rewalk) {
        if (!protocol->after_upgrade) {
            fault->frame.pc = FAULT_UNLOCK;
            mmusim__flush_page(cpu, &fault->mm->space, fault->vaddr,
                               fault_order(fault));
            return;
        }
        fault->frame.pc = FAULT_AFTER_UPGRADE;
    }
    mmusim__cpu_busy(cpu, cpu->system->cost.pte_set_cycles, BUCKET_FAULT);
}

/* Sets the entry; for a copy, clears it and begins the flush. */
static void fault_commit(struct cpu *cpu, struct fault_frame *fault)
{
    const struct pt_format *format = fault->kernel->format;
    const struct cost_config *cost = &cpu->system->cost;
    struct fault_plan *plan = &fault->plan;
    struct pt_entry old;

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
        break;
    case ACTION_UPGRADE:
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
        mmusim__pte_maps(fault->kernel, &fault->slot, &old);
        mmusim__pte_clear(fault->kernel, &fault->slot);
        fault->frame.pc = FAULT_AFTER_FLUSH;
        fault->replaced = old.pfn;
        mmusim__flush_page(cpu, &fault->mm->space, fault->vaddr,
                           fault_order(fault));
        return;
    case ACTION_FAIL:
    case ACTION_NOTHING:
        break;
    }
    mmusim__cpu_busy(cpu, cost->pte_set_cycles, BUCKET_FAULT);
}

static uint32_t fault_after_plan(const struct fault_frame *fault)
{
    if (fault->plan.action == ACTION_FAIL)
        return FAULT_LEAVE;
    return fault->plan.action == ACTION_NOTHING ? FAULT_SPURIOUS_FIX
                                                : FAULT_LOCK_TABLE;
}

/* Makes the tables and takes the lock of the last. */
static void fault_lock_table(struct cpu *cpu, struct fault_frame *fault)
{
    uint32_t n_new = 0;
    mmusim_status_t status =
        mmusim__pte_make(fault->kernel, fault->mm, fault->vaddr,
                         fault->plan.level, &fault->slot, &n_new);
    struct klock *lock = status ? NULL : mmusim__pte_lock(fault->slot.table);

    if (!lock) {
        system_fail(cpu->system, status ? status : MMUSIM_NOMEM);
        return;
    }
    mmusim__lock_take(cpu, lock, &fault->waiter, LOCK_WRITE, BUCKET_FAULT);
    if (cpu->activity.mode == CPU_BUSY)
        cpu->activity.busy_until +=
            (uint64_t) n_new * cpu->system->cost.table_alloc_cycles;
}

static void fault_prepare(struct cpu *cpu, struct fault_frame *fault)
{
    fault_make_plan(fault);
    mmusim__cpu_busy(cpu,
                     cpu->system->cost.fault_body_cycles + fault->plan.cycles,
                     BUCKET_FAULT);
}

static enum kstep fault_leave(struct cpu *cpu, struct fault_frame *fault)
{
    mmusim__lock_release(cpu, &fault->mm->mmap_lock, LOCK_READ);
    fault->kernel->faults[cpu->id][fault->plan.kind]++;
    *fault->is_failed = fault->plan.kind == FAULT_INVALID;
    mmusim__cpu_busy(cpu, cpu->system->cost.fault_exit_cycles, BUCKET_FAULT);
    return KSTEP_NEXT;
}

/* What the fault itself does to the TLB. */
static void fault_forget_entry(struct cpu *cpu, uint64_t vaddr)
{
    if (ISAS_X86 >> cpu->system->isa & 1U ||
        cpu->system->protocol->relies_on_rewalk)
        mmusim__x86_page_fault(&cpu->mmu, vaddr);
}

static enum kstep fault_step(struct cpu *cpu, struct kframe *frame)
{
    struct fault_frame *fault = (struct fault_frame *) frame;

    switch (frame->pc) {
    case FAULT_ENTER:
        frame->pc = FAULT_LOCK_MM;
        cpu->masks_interrupts = true;
        fault_forget_entry(cpu, fault->vaddr);
        mmusim__cpu_busy(cpu, cpu->system->cost.fault_entry_cycles,
                         BUCKET_FAULT);
        return KSTEP_NEXT;
    case FAULT_LOCK_MM:
        frame->pc = FAULT_PREPARE;
        cpu->masks_interrupts = false;
        mmusim__lock_take(cpu, &fault->mm->mmap_lock, &fault->waiter, LOCK_READ,
                          BUCKET_FAULT);
        return KSTEP_NEXT;
    case FAULT_PREPARE:
        fault_prepare(cpu, fault);
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
        if (fault->replaced.v != fault->kernel->zero_page.v)
            mmusim__frame_unref(fault->kernel->frames, fault->replaced);
        mmusim__cpu_busy(cpu, cpu->system->cost.pte_set_cycles, BUCKET_FAULT);
        return KSTEP_NEXT;
    case FAULT_AFTER_UPGRADE:
        frame->pc = FAULT_UNLOCK;
        cpu->system->protocol->after_upgrade(cpu, &fault->mm->space,
                                             fault->vaddr, fault_order(fault));
        return KSTEP_NEXT;
    case FAULT_SPURIOUS_FIX:
        frame->pc = FAULT_LEAVE;
        if (cpu->system->protocol->fix_spurious)
            cpu->system->protocol->fix_spurious(
                cpu, &fault->mm->space, fault->vaddr, fault_order(fault));
        return KSTEP_NEXT;
    case FAULT_UNLOCK:
        frame->pc = FAULT_LEAVE;
        mmusim__lock_release(cpu, fault->slot.table->lock, LOCK_WRITE);
        return KSTEP_NEXT;
    case FAULT_LEAVE:
        frame->pc = FAULT_END;
        return fault_leave(cpu, fault);
    default:
        return KSTEP_DONE;
    }
}

void mmusim__page_fault(struct cpu *cpu, struct kernel *kernel, uint64_t vaddr,
                        enum access_kind kind, bool *is_failed)
{
    const struct thread *thread = kernel_cpu(kernel, cpu)->current;
    struct fault_frame *fault =
        mmusim__cpu_push(cpu, fault_step, sizeof(*fault));

    fault->kernel = kernel;
    fault->mm = kernel_mm_of(kernel, thread, vaddr);
    fault->vaddr = vaddr;
    fault->kind = kind;
    fault->is_user = thread->mm;
    fault->is_failed = is_failed;
}
