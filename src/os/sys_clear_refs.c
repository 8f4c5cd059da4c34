/* SPDX-License-Identifier: MIT */
/*
 * `clearrefs`: what writing 4 to /proc/PID/clear_refs does to the process, so
 * that its next stores are noticed (soft-dirty pages; Linux fs/proc/task_mmu.c
 * clear_refs_write, clear_soft_dirty): every entry loses the right to write,
 * table by table under the tables' locks, then the whole address space is
 * flushed. Up to 5.10 under mmap_lock for reading; from 4.13 on announced, like
 * a gather, to those who ask whether a flush is pending.
 *
 * x86 alone has soft-dirty pages among the architectures here; elsewhere the
 * write fails. Left out: values 1 to 3 and 5.
 */
#include "coherence/flush.h"
#include "coherence/mm_rules.h"
#include "coherence/mmu_gather.h"
#include "os/page_table.h"
#include "os/syscall.h"

struct clear_frame {
    struct sys_frame sys;
    struct lock_waiter table_waiter;
    struct pte_slot slot;
    uint64_t area_end;
};

enum {
    CLEAR_BEGIN,
    CLEAR_AREA,
    CLEAR_TABLE,
    CLEAR_ENTRIES,
    CLEAR_UNLOCK_TABLE,
    CLEAR_FLUSH,
    CLEAR_LEAVE,
};

static const struct mm_rules *clear_rules(const struct sys_frame *sys)
{
    return sys->kernel->gather_shape.rules;
}

static bool clear_is_known(const struct sys_frame *sys)
{
    return (ISAS_X86 >> sys->kernel->system->isa & 1U) &&
           sys->mm != &sys->kernel->init_mm;
}

/* clear_refs_test_walk(); walk_page_range() has no callback for hugetlb. */
static bool clear_takes(const struct vm_area *area)
{
    return !(area->flags & (VM_PFNMAP | VM_HUGETLB));
}

static bool clear_next_area(struct clear_frame *clear)
{
    struct sys_frame *sys = &clear->sys;
    const struct vm_area *area;

    do {
        area = mmusim__vm_find_from(sys->mm->areas, sys->cursor);
        if (!area)
            return false;
        sys->cursor =
            clear_takes(area) ? max_u64(sys->cursor, area->start) : area->end;
        sys->n_touched++;
    } while (!clear_takes(area));
    clear->area_end = area->end;
    return true;
}

static void clear_lock_table(struct cpu *cpu, struct clear_frame *clear)
{
    struct sys_frame *sys = &clear->sys;
    struct klock *lock;

    if (!mmusim__pte_next_table(sys->kernel, sys->mm, sys->cursor,
                                clear->area_end, &clear->slot, &sys->cursor)) {
        sys->cursor = clear->area_end;
        sys->step = CLEAR_AREA;
        return;
    }
    lock = mmusim__pte_lock(clear->slot.table);
    if (!lock) {
        system_fail(cpu->system, MMUSIM_NOMEM);
        return;
    }
    sys->step = CLEAR_ENTRIES;
    mmusim__lock_take(cpu, lock, &clear->table_waiter, LOCK_WRITE,
                      BUCKET_KERNEL);
}

/* pte_wrprotect(); true: it permitted stores. */
static bool clear_entry(struct kernel *kernel, const struct pte_slot *slot)
{
    const struct pt_format *format = kernel->format;
    uint32_t level = slot->table->level;
    uint64_t word = mmusim__pte_word(slot);
    struct pt_entry entry;
    uint64_t clean;

    if (!mmusim__pte_maps(kernel, slot, &entry) || !(entry.rights & TLB_WRITE))
        return false;
    clean = format->make_leaf(format, entry.pfn, level,
                              entry.rights & ~(uint32_t) TLB_WRITE,
                              entry.is_accessed);
    if (format->reveal(word, level) != word)
        clean = format->hide(clean, level);
    mmusim__pte_rewrite(kernel, slot, clean);
    return true;
}

static void clear_entries(struct cpu *cpu, struct clear_frame *clear)
{
    struct sys_frame *sys = &clear->sys;
    const struct cost_config *cost = &cpu->system->cost;
    struct pte_slot *slot = &clear->slot;
    uint64_t bytes = mmusim__pte_bytes(slot, sys->kernel->format);
    uint64_t n_scanned = 0;
    uint64_t n_changed = 0;

    do {
        n_changed += clear_entry(sys->kernel, slot);
        n_scanned++;
        slot->index++;
        sys->cursor += bytes;
    } while (!slot->table->level && slot->index < slot->table->n_words &&
             sys->cursor < clear->area_end);
    mmusim__cpu_busy(cpu,
                     n_scanned * cost->pte_scan_cycles +
                         n_changed * cost->pte_set_cycles,
                     BUCKET_KERNEL);
}

static enum sys_body clear_body(struct cpu *cpu, struct sys_frame *sys)
{
    struct clear_frame *clear = (struct clear_frame *) sys;

    switch (sys->step) {
    case CLEAR_BEGIN:
        sys->is_refused = !clear_is_known(sys);
        if (sys->is_refused)
            return SYS_LEAVE;
        sys->step = CLEAR_AREA;
        sys->cursor = 0;
        mmusim__flush_pending_begin(clear_rules(sys), &sys->mm->space,
                                    PENDING_BY_GATHER);
        return SYS_AGAIN;
    case CLEAR_AREA:
        sys->step = clear_next_area(clear) ? CLEAR_TABLE : CLEAR_FLUSH;
        return SYS_AGAIN;
    case CLEAR_TABLE:
        clear_lock_table(cpu, clear);
        return SYS_AGAIN;
    case CLEAR_ENTRIES:
        sys->step = CLEAR_UNLOCK_TABLE;
        clear_entries(cpu, clear);
        return SYS_AGAIN;
    case CLEAR_UNLOCK_TABLE:
        sys->step = CLEAR_TABLE;
        mmusim__lock_release(cpu, clear->slot.table->lock, LOCK_WRITE);
        return SYS_AGAIN;
    case CLEAR_FLUSH:
        sys->step = CLEAR_LEAVE;
        mmusim__sys_effect(cpu, sys->kernel);
        mmusim__flush_mm(cpu, &sys->mm->space);
        return SYS_AGAIN;
    default:
        mmusim__flush_pending_end(clear_rules(sys), &sys->mm->space,
                                  PENDING_BY_GATHER);
        return SYS_LEAVE;
    }
}

const struct sys_call mmusim__sys_clear_refs = {
    SYS_LOCK_READ,
    clear_body,
    sizeof(struct clear_frame),
};

const struct sys_call mmusim__sys_clear_refs_alone = {
    SYS_LOCK_WRITE,
    clear_body,
    sizeof(struct clear_frame),
};
