/* SPDX-License-Identifier: MIT */
/* The page-by-page model of VMAs: see vm_page_model.h. */
#include "model/vm_page_model.h"

#include <stdlib.h>

void vm_model_init(struct vm_model *model, uint32_t n_pages)
{
    model->n_pages = n_pages;
    model->pages = calloc(n_pages + 1, sizeof(*model->pages));
}

void vm_model_fini(struct vm_model *model)
{
    free(model->pages);
}

void vm_model_insert(struct vm_model *model, const struct vm_area *area)
{
    uint64_t first = area->start >> BASE_PAGE_SHIFT;

    for (uint64_t i = first; i < area->end >> BASE_PAGE_SHIFT; i++) {
        model->pages[i] = (struct vm_model_page){
            .is_mapped = true,
            .begins = i == first,
            .flags = area->flags,
            .huge_order = area->huge_order,
            .file_id = area->file_id,
            .file_page = (area->file_offset >> BASE_PAGE_SHIFT) + i - first,
        };
    }
}

void vm_model_remove(struct vm_model *model, uint32_t start, uint32_t end)
{
    for (uint32_t i = start; i < end; i++)
        model->pages[i] = (struct vm_model_page){0};
    model->pages[end].begins = true;
}

void vm_model_protect(struct vm_model *model, uint32_t start, uint32_t end,
                      uint32_t prot_flags)
{
    bool has_changed = false;

    for (uint32_t i = start; i < end; i++) {
        struct vm_model_page *page = &model->pages[i];
        uint32_t flags = (page->flags & ~7u) | prot_flags;
        bool changes = page->is_mapped && flags != page->flags;

        if (changes && !has_changed)
            page->begins = true;
        if (changes)
            page->flags = flags;
        has_changed = changes;
    }
    if (has_changed)
        model->pages[end].begins = true;
}

static bool vm_model_is_huge(const struct vm_model *model, uint32_t page)
{
    return model->pages[page].flags & VM_HUGETLB;
}

bool vm_model_cuts_huge_page(const struct vm_model *model, uint32_t start,
                             uint32_t end)
{
    uint32_t huge_pages = 1u << PAGE_ORDER_2M;

    return (vm_model_is_huge(model, start) && start % huge_pages) ||
           (vm_model_is_huge(model, end) && end % huge_pages);
}

bool vm_model_is_free(const struct vm_model *model, uint32_t start,
                      uint32_t end)
{
    while (start < end && !model->pages[start].is_mapped)
        start++;
    return start == end;
}

/* Do page and the next one lie in one area? */
static bool vm_model_runs_on(const struct vm_model *model, uint32_t page)
{
    const struct vm_model_page *here = &model->pages[page];
    const struct vm_model_page *next = here + 1;

    if (!here->is_mapped || !next->is_mapped || here->flags != next->flags ||
        here->file_id != next->file_id)
        return false;
    if (here->flags & VM_HUGETLB)
        return !next->begins;
    return !here->file_id || here->file_page + 1 == next->file_page;
}

bool vm_model_area_from(const struct vm_model *model, uint32_t page,
                        struct vm_area *area)
{
    uint32_t start = page;
    uint32_t end;
    const struct vm_model_page *first;

    while (start < model->n_pages && !model->pages[start].is_mapped)
        start++;
    if (start == model->n_pages)
        return false;
    while (start > 0 && vm_model_runs_on(model, start - 1))
        start--;
    end = start;
    while (vm_model_runs_on(model, end))
        end++;
    first = &model->pages[start];
    *area = (struct vm_area){
        .start = (uint64_t) start << BASE_PAGE_SHIFT,
        .end = (uint64_t) (end + 1) << BASE_PAGE_SHIFT,
        .flags = first->flags,
        .huge_order = first->huge_order,
        .file_id = first->file_id,
        .file_offset = first->file_page << BASE_PAGE_SHIFT,
    };
    return true;
}
