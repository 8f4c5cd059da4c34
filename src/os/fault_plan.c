/* SPDX-License-Identifier: MIT */
/* What a page fault is going to do: see fault_plan.h. The kinds of faults are
 * those of page_fault.c. */
#include "os/fault_plan.h"

#include "core/check.h"
#include "core/diag.h"
#include "os/page_cache.h"
#include "os/placement.h"

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
        mmusim__vm_find(fault->mm->unmapped, fault->vaddr) ||
        (fault->mm == &kernel->init_mm &&
         mmusim__kernel_map_owns(kernel, area.start, area.end)))
        return NULL;
    if (mmusim__vm_insert(fault->mm->areas, &area, NULL)) {
        system_fail(kernel->system, MMUSIM_NOMEM);
        return NULL;
    }
    kernel->implicit_pages++;
    return mmusim__vm_find(fault->mm->areas, fault->vaddr);
}

uint32_t mmusim__fault_order(const struct fault_frame *fault)
{
    return pt_level_order(fault->kernel->format, fault->plan.level);
}

static void fault_get_frame(struct fault_frame *fault, uint32_t order)
{
    struct kernel *kernel = fault->kernel;
    mmusim_status_t status =
        mmusim__page_get(kernel, order, fault->vaddr, &fault->plan.pfn);

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
    uint32_t order = mmusim__fault_order(fault);
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

    fault_find_file_page(fault, area, mmusim__fault_order(fault));
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
        fault_plan_zeroed(fault, mmusim__fault_order(fault));
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
         mmusim__frame_refs_span(kernel->frames, entry->pfn, entry->order) ==
             1)) {
        plan->action = ACTION_UPGRADE;
        plan->kind = FAULT_PROTECTION;
        plan->pfn = entry->pfn;
        return;
    }
    plan->action = ACTION_COPY;
    plan->kind = FAULT_COW;
    fault_plan_copy(fault, entry->pfn); /* hugetlb_cow(): the whole page */
}

uint64_t mmusim__fault_touched(const struct fault_frame *fault,
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
        bool is_touched = mmusim__fault_touched(fault, entry) ==
                          mmusim__pte_word(&fault->slot);

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

void mmusim__fault_make_plan(struct fault_frame *fault)
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
