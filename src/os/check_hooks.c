/* SPDX-License-Identifier: MIT */
/*
 * What the kernel tells the checker: see check_hooks.h. What a system call has
 * promised when it returns: munmap, brk that shrinks, mmap over a mapping and
 * MADV_DONTNEED that no access sees the old pages, mremap likewise of the old
 * place, mprotect that no access uses a right it did not give, MADV_FREE that
 * later stores are kept, fork that the parent's stores go to copies, clear_refs
 * that the process's stores are noticed. A page that reclaim has taken without
 * a flush so far promises nothing by itself.
 */
#include "os/check_hooks.h"

#include "coherence/check_cpus.h"
#include "os/syscall.h"

/* ---- page tables ---- */

/* slot->vaddr is of the table; the index says which of its pages. */
static uint64_t hook_vaddr(const struct kernel *kernel,
                           const struct pte_slot *slot)
{
    const struct pt_level *at = &kernel->format->levels[slot->table->level];
    uint64_t span = (uint64_t) slot->table->n_words << at->shift;

    return align_down(slot->vaddr, span) +
           ((uint64_t) slot->index << at->shift);
}

static struct checker_word hook_word(const struct pt_entry *entry)
{
    return (struct checker_word){
        .is_present = entry->is_present,
        .is_table = !entry->is_leaf,
        .pfn = entry->pfn.v,
        .rights = entry->rights,
    };
}

void mmusim__check_word(struct kernel *kernel, const struct pte_slot *slot,
                        const struct pt_entry *before,
                        const struct pt_entry *after)
{
    struct check *check = kernel->system->check;
    uint64_t bytes = mmusim__pte_bytes(slot, kernel->format);
    struct checker_write write = {
        .at = mmusim__check_now(check),
        .shift = (uint32_t) __builtin_ctzll(bytes),
        .before = hook_word(before),
        .after = hook_word(after),
    };

    if (!slot->mm)
        return;
    write.mm = slot->mm->space.id;
    write.vaddr = hook_vaddr(kernel, slot);
    mmusim__check_settle(check, write.at.cycle);
    mmusim__checker_write(check->checker, &write);
}

void mmusim__check_mm_end(struct kernel *kernel, const struct mm *mm)
{
    struct check *check = kernel->system->check;

    mmusim__check_settle(check, mmusim__check_now(check).cycle);
    mmusim__checker_mm_end(check->checker, mm->space.id);
}

/* ---- frames ---- */

static void hook_freed(void *context, pfn_t pfn, uint32_t order)
{
    struct check *check = context;
    struct checker_at at = mmusim__check_now(check);

    mmusim__check_settle(check, at.cycle);
    mmusim__checker_freed(check->checker, at, pfn.v, UINT64_C(1) << order);
}

void mmusim__check_frames(struct kernel *kernel)
{
    mmusim__frame_alloc_on_freed(kernel->frames, hook_freed,
                                 kernel->system->check);
}

void mmusim__check_contents_taken(struct kernel *kernel, pfn_t pfn)
{
    struct check *check = kernel->system->check;
    struct checker_at at = mmusim__check_now(check);

    mmusim__check_settle(check, at.cycle);
    mmusim__checker_contents_taken(check->checker, at, pfn.v);
}

/* ---- system calls ---- */

void mmusim__check_sys_enter(struct cpu *cpu, struct kernel *kernel)
{
    kernel_cpu(kernel, cpu)->effect_version = 0;
}

void mmusim__check_sys_effect(struct cpu *cpu, struct kernel *kernel)
{
    struct os_cpu *os = kernel_cpu(kernel, cpu);

    if (!os->effect_version)
        os->effect_version =
            mmusim__checker_version(kernel->system->check->checker);
}

/* Uses that rights given by mprotect rule out. x86 cannot tell write or
 * execute from read: what is given besides read implies it. */
static uint32_t hook_refused(const struct sys_op *op)
{
    uint32_t rights = mmusim__sys_vm_rights(op);
    uint32_t refused = 0;

    if (!rights)
        return CHECKER_ANY_USE;
    if (!(rights & VM_WRITE))
        refused |= CHECKER_WRITE;
    if (!(rights & VM_EXEC))
        refused |= CHECKER_EXEC;
    return refused;
}

/* The part that a mremap has left. */
static void hook_mremap(const struct sys_frame *sys,
                        struct checker_promise *promise)
{
    uint64_t page = kernel_page_bytes(sys->kernel);
    uint64_t new_start = align_down(sys->op.new_vaddr, page);

    if (new_start == sys->start)
        promise->start = min_u64(
            sys->end, align_up(new_start + sys->op.new_length_bytes, page));
}

/* sys->start and end are the old and the new end of the heap. */
static void hook_brk(const struct sys_frame *sys,
                     struct checker_promise *promise)
{
    promise->start = sys->end;
    promise->end = sys->mm == &sys->kernel->init_mm ? 0 : sys->start;
}

/* No store through what the address space had: fork, clear_refs. */
static void hook_no_stores(const struct sys_frame *sys,
                           struct checker_promise *promise)
{
    promise->uses = CHECKER_WRITE;
    promise->verdict = CHECKER_STALE_PERM;
    promise->start = 0;
    promise->end = sys->mm == &sys->kernel->init_mm ? 0 : CHECKER_END_ALL;
}

static void hook_madvise(const struct sys_frame *sys,
                         struct checker_promise *promise)
{
    if (sys->op.advice == MADVICE_FREE) {
        promise->uses = CHECKER_WRITE;
        promise->verdict = CHECKER_LOST_DIRTY;
    } else if (sys->op.advice != MADVICE_DONTNEED) {
        promise->uses = 0;
    }
}

static void hook_mprotect(const struct sys_frame *sys,
                          struct checker_promise *promise)
{
    promise->uses = hook_refused(&sys->op);
    promise->verdict = CHECKER_STALE_PERM;
}

struct hook_call {
    const char *name; /* NULL: promises nothing */
    /* Says what else than "no use of the range"; NULL: nothing. */
    void (*tell)(const struct sys_frame *sys, struct checker_promise *promise);
};

static const struct hook_call hook_calls[SYS_KIND_COUNT] = {
    [SYS_MUNMAP] = {"munmap", NULL},
    [SYS_MMAP] = {"mmap", NULL},
    [SYS_BRK] = {"brk", hook_brk},
    [SYS_MREMAP] = {"mremap", hook_mremap},
    [SYS_MPROTECT] = {"mprotect", hook_mprotect},
    [SYS_MADVISE] = {"madvise", hook_madvise},
    [SYS_FORK] = {"fork", hook_no_stores},
    [SYS_CLEARREFS] = {"clear_refs", hook_no_stores},
};

void mmusim__check_sys_return(struct cpu *cpu, const struct sys_frame *sys)
{
    struct check *check = cpu->system->check;
    struct checker_promise promise = {
        .at = {cpu->now, cpu->id},
        .start = sys->start,
        .end = sys->end,
        .version = kernel_cpu(sys->kernel, cpu)->effect_version,
        .uses = CHECKER_ANY_USE,
    };
    const struct hook_call *call = &hook_calls[sys->op.kind];

    /* After exec or exit, which promise nothing, there is no sys->mm. */
    if (sys->is_refused || !call->name)
        return;
    promise.what = call->name;
    promise.mm = sys->mm->space.id;
    if (call->tell)
        call->tell(sys, &promise);
    if (!promise.uses || promise.start >= promise.end)
        return;
    mmusim__check_settle(check, cpu->now);
    mmusim__checker_promise(check->checker, &promise);
}
