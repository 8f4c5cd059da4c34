/* SPDX-License-Identifier: MIT */
/* What a page fault is going to do: see fault_plan.h. The kinds of faults are
 * those of page_fault.c. */
#include "os/fault_plan.h"

#include "coherence/mm_rules.h"
#include "core/check.h"
#include "core/diag.h"
#include "os/check_hooks.h"
#include "os/huge_page.h"
#include "os/ksm.h"
#include "os/page_cache.h"
#include "os/placement.h"
#include "os/reclaim.h"

static uint32_t fault_area_rights(const struct kernel *kernel,
                                  const struct vm_area *area, uint64_t vaddr)
{
    uint32_t rights =
        kernel_is_upper(kernel, vaddr) ? kernel_global_right(kernel) : TLB_USER;

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

/* A transparent huge page, if there is one free. */
static bool fault_get_huge(struct fault_frame *fault)
{
    struct kernel *kernel = fault->kernel;
    const struct cost_config *cost = &kernel->system->cost;

    /* The table for a later split: pgtable_trans_huge_deposit(). */
    fault->plan.cycles += (uint64_t) cost->page_alloc_cycles +
                          (uint64_t) cost->table_alloc_cycles;
    if (!mmusim__page_get(kernel, thp_order(kernel), fault->vaddr,
                          &fault->plan.pfn))
        return true;
    kernel->vm.thp_fault_fallback++;
    return false;
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

static uint64_t fault_file_page(const struct vm_area *area, uint64_t vaddr)
{
    return (area->file_offset + (vaddr - area->start)) >> BASE_PAGE_SHIFT;
}

/* Makes a page of a file, cached; it is plan.pfn. */
static void fault_cache_page(struct fault_frame *fault, uint32_t file_id,
                             uint64_t page, uint32_t order)
{
    struct kernel *kernel = fault->kernel;

    fault_get_frame(fault, order);
    if (kernel->system->has_stopped)
        return;
    if (!mmusim__page_cache_add(kernel->page_cache, file_id, page,
                                fault->plan.pfn))
        system_fail(kernel->system, MMUSIM_NOMEM);
    else if (order == kernel->format->granule_order)
        mmusim__reclaim_on_cached(kernel, fault->plan.pfn, file_id, page);
}

/* The pages behind one that was missing, as far as the area goes: sequential
 * readahead (mm/readahead.c), without its growing window and marker page. */
static void fault_plan_ahead(struct fault_frame *fault,
                             const struct vm_area *area, uint64_t page)
{
    const struct kernel *kernel = fault->kernel;
    uint64_t page_frames = UINT64_C(1) << kernel->format->granule_order;
    uint64_t end = fault_file_page(area, area->end);

    fault->plan.file_id = area->file_id;
    fault->plan.ahead_page = page + page_frames;
    fault->plan.ahead_end =
        min_u64(end, page + page_frames * kernel->config.readahead_pages);
}

/* A page of a named file comes from its device: each does in a cold cache, and
 * those of a file that reclaim has taken pages of. */
static void fault_read(struct fault_frame *fault, const struct vm_area *area,
                       uint64_t page, uint32_t order)
{
    struct kernel *kernel = fault->kernel;
    const struct cost_config *cost = &kernel->system->cost;

    if (kernel->config.has_cold_page_cache ||
        mmusim__page_cache_has_evicted(kernel->page_cache, area->file_id)) {
        fault->plan.kind = FAULT_MAJOR;
        kernel->vm.pgmajfault++;
        fault->plan.cycles += (uint64_t) cost->major_fault_cycles +
                              cost->page_cache_cycles +
                              ((uint64_t) cost->page_read_cycles << order);
    }
    if (order == kernel->format->granule_order)
        fault_plan_ahead(fault, area, page);
}

/* The file's page for the fault, read in if need be; holds a reference. */
static void fault_find_file_page(struct fault_frame *fault,
                                 const struct vm_area *area, uint32_t order)
{
    struct kernel *kernel = fault->kernel;
    uint64_t bytes = UINT64_C(1) << (BASE_PAGE_SHIFT + order);
    uint64_t page = fault_file_page(area, align_down(fault->vaddr, bytes));
    bool is_unnamed =
        mmusim__page_cache_is_unnamed(kernel->page_cache, area->file_id);

    fault->plan.kind = FAULT_MINOR;
    if (mmusim__page_cache_find(kernel->page_cache, area->file_id, page,
                                &fault->plan.pfn)) {
        fault->plan.n_around = kernel->config.fault_around_pages;
    } else {
        fault_cache_page(fault, area->file_id, page, order);
        if (kernel->system->has_stopped)
            return;
        if (is_unnamed)
            fault->plan.cycles +=
                (uint64_t) kernel->system->cost.page_zero_cycles << order;
        else
            fault_read(fault, area, page, order);
    }
    if (!kernel->system->has_stopped)
        mmusim__frame_ref(kernel->frames, fault->plan.pfn);
}

/* do_fault_around(): the naturally aligned window, as far as the area goes.
 * Only for reads of files with pages of the smallest size. */
static void fault_plan_around(struct fault_frame *fault,
                              const struct vm_area *area)
{
    struct fault_plan *plan = &fault->plan;
    uint64_t page = kernel_page_bytes(fault->kernel);
    uint64_t bytes = plan->n_around * page;
    uint64_t start;

    if (plan->n_around < 2 || plan->level || fault->kind == ACCESS_STORE) {
        plan->n_around = 0;
        return;
    }
    start = max_u64(align_down(fault->vaddr, bytes), area->start);
    plan->around_vaddr = start;
    plan->n_around =
        (uint32_t) ((min_u64(align_down(fault->vaddr, bytes) + bytes,
                             area->end) -
                     start) /
                    page);
    plan->file_id = area->file_id;
    plan->around_page = fault_file_page(area, start);
}

bool mmusim__fault_read_ahead(struct fault_frame *fault, uint32_t n,
                              uint64_t *cycles)
{
    struct kernel *kernel = fault->kernel;
    const struct cost_config *cost = &kernel->system->cost;
    struct fault_plan *plan = &fault->plan;
    uint32_t order = kernel->format->granule_order;
    const struct fault_plan before = *plan;

    if (plan->ahead_page >= plan->ahead_end)
        return false;
    plan->cycles = 0;
    for (; plan->ahead_page < plan->ahead_end && n &&
           !kernel->system->has_stopped;
         plan->ahead_page += UINT64_C(1) << order) {
        pfn_t pfn;

        if (mmusim__page_cache_find(kernel->page_cache, plan->file_id,
                                    plan->ahead_page, &pfn))
            continue;
        fault_cache_page(fault, plan->file_id, plan->ahead_page, order);
        plan->cycles += (uint64_t) cost->page_cache_cycles +
                        ((uint64_t) cost->page_read_cycles << order);
        n--;
    }
    *cycles = plan->cycles;
    plan->cycles = before.cycles;
    plan->pfn = before.pfn;
    return true;
}

uint64_t mmusim__fault_frames(const struct kernel *kernel)
{
    /* The pages, and a table at each level but the top one. */
    return (uint64_t) kernel->config.readahead_pages + kernel->format->n_levels;
}

/* filemap_map_pages(): one of them; false: it is not there, or not to be
 * had. */
static bool fault_map_one(struct fault_frame *fault, uint32_t i)
{
    struct kernel *kernel = fault->kernel;
    const struct fault_plan *plan = &fault->plan;
    uint32_t order = kernel->format->granule_order;
    struct pte_slot slot = fault->slot;
    mmusim_status_t status;
    pfn_t pfn;

    slot.vaddr = plan->around_vaddr + i * kernel_page_bytes(kernel);
    slot.index =
        slot.index + i -
        (uint32_t) ((align_down(fault->vaddr, kernel_page_bytes(kernel)) -
                     plan->around_vaddr) /
                    kernel_page_bytes(kernel));
    if (mmusim__pte_word(&slot) ||
        !mmusim__page_cache_find(kernel->page_cache, plan->file_id,
                                 plan->around_page + ((uint64_t) i << order),
                                 &pfn) ||
        mmusim__reclaim_holds(kernel, pfn)) /* trylock_page() fails */
        return false;
    status = mmusim__pte_install(kernel, &slot, pfn, plan->rights);
    if (status)
        system_fail(kernel->system, status);
    else
        mmusim__frame_ref(kernel->frames, pfn);
    return !status;
}

uint32_t mmusim__fault_map_around(struct fault_frame *fault)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < fault->plan.n_around; i++)
        n += fault_map_one(fault, i);
    return n;
}

/* Makes the plan's page a private copy of one, as large as the plan's leaf. */
static void fault_plan_copy(struct fault_frame *fault, pfn_t original)
{
    const struct cost_config *cost = &fault->kernel->system->cost;
    uint32_t order = mmusim__fault_order(fault);
    uint64_t cycles = kernel_is_zero_page(fault->kernel, original)
                          ? cost->page_zero_cycles
                          : cost->page_copy_cycles;

    if (fault->kernel->system->check &&
        !kernel_is_zero_page(fault->kernel, original))
        mmusim__check_contents_taken(fault->kernel, original);
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
    fault_plan_around(fault, area);
}

/* do_swap_page(): the page is the reader's own, and read-only until a store. */
static bool fault_plan_swap_in(struct fault_frame *fault)
{
    struct kernel *kernel = fault->kernel;
    struct fault_plan *plan = &fault->plan;
    struct pte_slot slot = mmusim__pte_slot(kernel, fault->mm, fault->vaddr);

    if (!slot.table || !mmusim__pte_is_swap(kernel, &slot, &plan->swap_slot))
        return false;
    plan->is_swap_in = true;
    plan->action = ACTION_MAP;
    plan->kind = FAULT_MAJOR;
    kernel->vm.pgmajfault++;
    fault_get_frame(fault, kernel->format->granule_order);
    plan->cycles += (uint64_t) kernel->system->cost.swap_in_cycles
                    << kernel->format->granule_order;
    if (fault->kind == ACCESS_STORE)
        plan->rights |= TLB_DIRTY;
    else
        plan->rights &= ~(uint32_t) TLB_WRITE;
    return true;
}

/* do_huge_pmd_anonymous_page(). False: there is none free. */
static bool fault_plan_huge(struct fault_frame *fault)
{
    struct fault_plan *plan = &fault->plan;
    struct kernel *kernel = fault->kernel;

    if (fault->kind != ACCESS_STORE) {
        if (mmusim__thp_zero_page(kernel, &plan->pfn)) {
            kernel->vm.thp_fault_fallback++;
            return false;
        }
        plan->cycles += kernel->system->cost.table_alloc_cycles;
        plan->rights &= ~(uint32_t) TLB_WRITE;
    } else {
        if (!fault_get_huge(fault))
            return false;
        plan->cycles += (uint64_t) kernel->system->cost.page_zero_cycles
                        << thp_order(kernel);
        plan->rights |= TLB_DIRTY;
    }
    plan->action = ACTION_MAP;
    plan->kind = FAULT_MINOR;
    plan->level = THP_LEVEL;
    plan->is_thp = true;
    return true;
}

static bool fault_wants_huge(const struct fault_frame *fault,
                             const struct vm_area *area)
{
    return fault->is_user && fault->slot.table->level >= THP_LEVEL &&
           mmusim__thp_wants(fault->kernel, area, fault->vaddr);
}

static void fault_plan_absent(struct fault_frame *fault,
                              const struct vm_area *area)
{
    struct fault_plan *plan = &fault->plan;
    bool is_plain =
        !(area->flags & (VM_IMPLICIT | VM_HUGETLB)) && fault->is_user;

    if (fault_wants_huge(fault, area) && fault_plan_huge(fault))
        return;
    plan->level = area->huge_order
                      ? pt_leaf_level(fault->kernel->format, area->huge_order)
                      : 0;
    if (fault_plan_swap_in(fault))
        return;
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

/* A huge page with other owners, or the huge zero page: do_huge_pmd_wp_page().
 */
static void fault_plan_write_huge(struct fault_frame *fault, pfn_t original)
{
    struct fault_plan *plan = &fault->plan;
    const struct kernel *kernel = fault->kernel;
    const struct mm_rules *rules = kernel->system->protocol->mm_rules;
    const struct cost_config *cost = &kernel->system->cost;
    bool is_zero = kernel_is_zero_page(kernel, original);
    bool splits =
        is_zero ? rules->splits_huge_zero_page : rules->splits_huge_on_write;

    plan->action = ACTION_SPLIT;
    if (splits || !fault_get_huge(fault))
        return;
    plan->action = ACTION_COPY;
    plan->kind = FAULT_COW;
    plan->is_thp = true;
    plan->cycles +=
        (uint64_t) (is_zero ? cost->page_zero_cycles : cost->page_copy_cycles)
        << thp_order(kernel);
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
        (!kernel_is_zero_page(kernel, entry->pfn) &&
         !mmusim__ksm_page(kernel, entry->pfn) &&
         mmusim__frame_refs_span(kernel->frames, entry->pfn, entry->order) -
                 mmusim__reclaim_holds(kernel, entry->pfn) -
                 ksm_holds(kernel, entry->pfn) ==
             1)) {
        plan->action = ACTION_UPGRADE;
        plan->kind = FAULT_PROTECTION;
        plan->pfn = entry->pfn;
        return;
    }
    if (plan->level == THP_LEVEL && !(area->flags & VM_HUGETLB)) {
        fault_plan_write_huge(fault, entry->pfn);
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

/* Somebody else is at work on the page. */
static void fault_plan_hidden(struct fault_frame *fault,
                              const struct pt_entry *entry)
{
    fault->plan.action = ACTION_REVEAL;
    fault->plan.kind = FAULT_SPURIOUS;
    fault->plan.level = fault->slot.table->level;
    fault->plan.pfn = entry->pfn;
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
        mmusim__pte_deepest(fault->kernel, fault->mm, fault->vaddr, &entry);
    if (entry.is_present)
        fault_plan_present(fault, area, &entry);
    else if (mmusim__pte_maps(fault->kernel, &fault->slot, &entry))
        fault_plan_hidden(fault, &entry);
    else
        fault_plan_absent(fault, area);
}
