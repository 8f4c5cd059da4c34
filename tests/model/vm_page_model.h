/* SPDX-License-Identifier: MIT */
/*
 * The naive model of a vm_set: what is mapped, page by page, in a small range
 * of pages that begins at address 0. An area is a longest run of pages that
 * Linux would keep in one VMA: equal flags and file with running offsets;
 * hugetlb areas never merge, so where they begin is remembered.
 */
#ifndef MMUSIM_TESTS_MODEL_VM_PAGE_MODEL_H
#define MMUSIM_TESTS_MODEL_VM_PAGE_MODEL_H

#include "os/vm_area.h"

struct vm_model_page {
    bool is_mapped;
    bool begins; /* hugetlb only: an area begins here */
    uint32_t flags;
    uint32_t huge_order;
    uint32_t file_id;
    uint64_t file_page;
};

struct vm_model {
    uint32_t n_pages;
    struct vm_model_page *pages; /* n_pages + 1; the last is never mapped */
};

void vm_model_init(struct vm_model *model, uint32_t n_pages);
void vm_model_fini(struct vm_model *model);

/* Page numbers, [start, end). */
void vm_model_insert(struct vm_model *model, const struct vm_area *area);
void vm_model_remove(struct vm_model *model, uint32_t start, uint32_t end);
void vm_model_protect(struct vm_model *model, uint32_t start, uint32_t end,
                      uint32_t prot_flags);
/* Would the range cut a huge page? */
bool vm_model_cuts_huge_page(const struct vm_model *model, uint32_t start,
                             uint32_t end);
bool vm_model_is_free(const struct vm_model *model, uint32_t start,
                      uint32_t end);

/* The first area that ends behind a page; false if none. */
bool vm_model_area_from(const struct vm_model *model, uint32_t page,
                        struct vm_area *area);

#endif
