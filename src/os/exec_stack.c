/* SPDX-License-Identifier: MIT */
/* exec's argument pages: see exec_stack.h. */
#include "os/exec_stack.h"

#include "coherence/flush.h"
#include "coherence/mm_rules.h"
#include "coherence/table_sync.h"
#include "os/page_table.h"
#include "os/placement.h"
#include "os/tlb_gather.h"

struct exec_stack_frame {
    struct kframe frame;
    struct kernel *kernel;
    struct mm *mm;
    struct lock_waiter waiter;
    uint64_t old_start, old_end;
    uint64_t new_start, new_end;
    bool has_moved;
};

/* STACK_TOP_MAX: the highest user page; 3 GiB with 32 bits. */
static uint64_t exec_stack_top(const struct kernel *kernel)
{
    uint32_t bits = pt_half_bits(kernel->format);

    return bits == 32 ? UINT64_C(0xc0000000)
                      : (UINT64_C(1) << bits) - kernel_page_bytes(kernel);
}

/* STACK_RND_MASK of arch/.../include/asm/elf.h, in 4 KiB pages. */
static uint32_t exec_random_pages(const struct kernel *kernel)
{
    switch (kernel->system->isa) {
    case ISA_X86_64:
        return 0x3fffff;
    case ISA_ARMV8:
    case ISA_RISCV:
        return 0x3ffff;
    case ISA_I386:
    case ISA_ARMV7:
    case ISA_COUNT:
        break;
    }
    return 0x7ff;
}

/* ---- writing them ---- */

/* get_arg_page() and copy_strings(): one page, not loaded anywhere. */
static bool exec_put_page(struct cpu *cpu, struct kernel *kernel, struct mm *mm,
                          uint64_t vaddr, uint64_t *cycles)
{
    const struct cost_config *cost = &cpu->system->cost;
    const uint32_t rights = TLB_READ | TLB_WRITE | TLB_USER | TLB_DIRTY;
    uint64_t n_frames = kernel_page_bytes(kernel) / BASE_PAGE_BYTES;
    uint32_t n_tables = 0;
    struct pte_slot slot;
    pfn_t pfn;
    mmusim_status_t status =
        mmusim__pte_make(kernel, mm, vaddr, 0, &slot, &n_tables);

    *cycles += (uint64_t) n_tables * cost->table_alloc_cycles;
    if (!status)
        status = mmusim__page_get(kernel, kernel->format->granule_order, vaddr,
                                  &pfn);
    if (status == MMUSIM_EXHAUSTED)
        return false; /* fewer arguments then */
    if (!status)
        status = mmusim__pte_install(kernel, &slot, pfn, rights);
    if (status) {
        system_fail(kernel->system, status);
        return false;
    }
    *cycles +=
        cost->page_alloc_cycles + cost->pte_set_cycles +
        n_frames * ((uint64_t) cost->page_zero_cycles + cost->page_copy_cycles);
    return true;
}

uint64_t mmusim__exec_put_arguments(struct cpu *cpu, struct kernel *kernel,
                                    struct mm *mm)
{
    uint64_t bytes = kernel_page_bytes(kernel);
    uint64_t end = exec_stack_top(kernel);
    struct vm_area area = {.end = end, .flags = VM_READ | VM_WRITE};
    uint64_t cycles = 0;

    if (!kernel->config.n_exec_arg_pages)
        return 0;
    area.start = end - kernel->config.n_exec_arg_pages * bytes;
    if (mmusim__vm_insert(mm->areas, &area, NULL)) {
        system_fail(kernel->system, MMUSIM_NOMEM);
        return 0;
    }
    /* Strings grow downwards. */
    for (uint64_t at = end; at > area.start; at -= bytes) {
        if (!exec_put_page(cpu, kernel, mm, at - bytes, &cycles))
            break;
    }
    return cycles;
}

/* ---- moving them ---- */

enum {
    SHIFT_LOCK,
    SHIFT_MOVE,
    SHIFT_FLUSH,
    SHIFT_GATHER,
    SHIFT_TABLES,
    SHIFT_SYNC,
    SHIFT_FREE,
    SHIFT_FREE_ALL,
    SHIFT_FINISH,
    SHIFT_UNLOCK,
    SHIFT_END,
};

/* move_page_tables(); nobody else has the address space. */
static void exec_move(struct cpu *cpu, struct exec_stack_frame *shift)
{
    struct kernel *kernel = shift->kernel;
    const struct cost_config *cost = &cpu->system->cost;
    uint64_t bytes = kernel_page_bytes(kernel);
    uint64_t cycles = 2 * (uint64_t) cost->lock_cycles;
    uint32_t n_tables = 0;

    for (uint64_t at = shift->old_start; at < shift->old_end; at += bytes) {
        struct pt_entry entry;
        struct pte_slot from = mmusim__pte_leaf(kernel, shift->mm, at, &entry);
        struct pte_slot to;
        mmusim_status_t status;

        cycles += cost->pte_scan_cycles;
        if (!from.table)
            continue;
        status = mmusim__pte_make(kernel, shift->mm,
                                  shift->new_start + (at - shift->old_start), 0,
                                  &to, &n_tables);
        if (!status)
            status = mmusim__pte_move(kernel, &from, &to);
        if (status) {
            system_fail(kernel->system, status);
            return;
        }
        shift->has_moved = true;
        cycles += (uint64_t) cost->pte_clear_cycles + cost->pte_set_cycles;
    }
    cycles += (uint64_t) n_tables * cost->table_alloc_cycles;
    mmusim__cpu_busy(cpu, cycles, BUCKET_KERNEL);
}

/* The area lies at its new place alone; free_pgd_range() of the hole follows,
 * through a gather that has seen no area. */
static void exec_begin_gather(struct cpu *cpu, struct exec_stack_frame *shift)
{
    struct kernel *kernel = shift->kernel;
    struct vm_set *areas = shift->mm->areas;
    const struct vm_area area = {.start = shift->new_start,
                                 .end = shift->new_end,
                                 .flags = VM_READ | VM_WRITE};
    mmusim_status_t status =
        mmusim__vm_remove(areas, shift->old_start, shift->old_end, NULL);

    if (!status)
        status = mmusim__vm_insert(areas, &area, NULL);
    if (status)
        system_fail(kernel->system, status);
    mmusim__gather_begin(kernel_gather(kernel, cpu), &shift->mm->space,
                         GATHER_RANGE, shift->old_start, shift->old_end);
    mmusim__cpu_busy(cpu, 2 * (uint64_t) cpu->system->cost.vma_cycles,
                     BUCKET_KERNEL);
}

static void exec_free_tables(struct cpu *cpu, struct exec_stack_frame *shift)
{
    const struct table_range range = {
        .mm = shift->mm,
        .start = max_u64(shift->old_start, shift->new_end),
        .end = shift->old_end,
        .floor = shift->new_end,
        .ceiling = UINT64_C(1) << pt_half_bits(shift->kernel->format),
    };
    const struct mm_rules *rules = shift->kernel->gather_shape.rules;

    shift->frame.pc = SHIFT_FREE;
    switch (mmusim__tlb_free_pgtables(cpu, shift->kernel, &range)) {
    case FREE_TABLES_DONE:
        shift->frame.pc = SHIFT_FINISH;
        return;
    case FREE_TABLES_FLUSH_ALL:
        shift->frame.pc = SHIFT_FREE_ALL;
        mmusim__tlb_flush(cpu, shift->kernel);
        return;
    case FREE_TABLES_SYNC:
        if (!rules->table_waits_for_rcu)
            shift->frame.pc = SHIFT_SYNC;
        if (rules->frees_tables_late)
            mmusim__tlb_flush(cpu, shift->kernel);
        return;
    case FREE_TABLES_FLUSH:
        mmusim__tlb_flush(cpu, shift->kernel);
        return;
    case FREE_TABLES_FREE:
        return;
    }
}

static void exec_flush(struct cpu *cpu, struct exec_stack_frame *shift)
{
    const struct flush_span span =
        flush_span_of(shift->old_start, shift->old_end);

    if (shift->has_moved)
        mmusim__flush_range(cpu, &shift->mm->space, &span);
}

static enum kstep exec_shift_step(struct cpu *cpu, struct kframe *frame)
{
    struct exec_stack_frame *shift = (struct exec_stack_frame *) frame;

    switch (frame->pc) {
    case SHIFT_LOCK:
        frame->pc = SHIFT_MOVE;
        mmusim__lock_take(cpu, &shift->mm->mmap_lock, &shift->waiter,
                          LOCK_WRITE, BUCKET_KERNEL);
        return KSTEP_NEXT;
    case SHIFT_MOVE:
        frame->pc = SHIFT_FLUSH;
        exec_move(cpu, shift);
        return KSTEP_NEXT;
    case SHIFT_FLUSH:
        frame->pc = SHIFT_GATHER;
        exec_flush(cpu, shift);
        return KSTEP_NEXT;
    case SHIFT_GATHER:
        frame->pc = SHIFT_TABLES;
        exec_begin_gather(cpu, shift);
        return KSTEP_NEXT;
    case SHIFT_TABLES:
        exec_free_tables(cpu, shift);
        return KSTEP_NEXT;
    case SHIFT_SYNC:
        frame->pc = SHIFT_FREE;
        mmusim__table_sync_one(cpu);
        return KSTEP_NEXT;
    case SHIFT_FREE:
        frame->pc = SHIFT_TABLES;
        mmusim__tlb_free_tables(cpu, shift->kernel);
        return KSTEP_NEXT;
    case SHIFT_FREE_ALL:
        frame->pc = SHIFT_TABLES;
        mmusim__tlb_free(cpu, shift->kernel);
        return KSTEP_NEXT;
    case SHIFT_FINISH:
        frame->pc = SHIFT_UNLOCK;
        mmusim__tlb_finish(cpu, shift->kernel);
        return KSTEP_NEXT;
    case SHIFT_UNLOCK:
        frame->pc = SHIFT_END;
        mmusim__lock_release(cpu, &shift->mm->mmap_lock, LOCK_WRITE);
        return KSTEP_NEXT;
    default:
        return KSTEP_DONE;
    }
}

void mmusim__exec_shift_arguments(struct cpu *cpu, struct kernel *kernel,
                                  struct mm *mm)
{
    uint64_t bytes = kernel_page_bytes(kernel);
    uint64_t old_end = exec_stack_top(kernel);
    uint64_t length = kernel->config.n_exec_arg_pages * bytes;
    struct os_cpu *os_cpu = kernel_cpu(kernel, cpu);
    uint64_t distance =
        align_up((UINT64_C(1) +
                  mmusim__rng_below(&os_cpu->rng, exec_random_pages(kernel)))
                     << BASE_PAGE_SHIFT,
                 bytes);
    struct exec_stack_frame *shift;

    if (!length)
        return;
    /* Never over what is being moved. */
    distance = max_u64(distance, length);
    shift = mmusim__cpu_push(cpu, exec_shift_step, sizeof(*shift));
    shift->kernel = kernel;
    shift->mm = mm;
    shift->old_end = old_end;
    shift->old_start = old_end - length;
    shift->new_end = old_end - distance;
    shift->new_start = shift->new_end - length;
}
