/* SPDX-License-Identifier: MIT */
/* Page by page: see process_model.h. */
#include "model/process_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The last page of one table and the first of the next, far from anything. */
#define MODEL_TABLE     UINT64_C(0x40200000)
#define MODEL_HUGE_BASE UINT64_C(0x50000000)
enum { MODEL_BEFORE_TABLE = 100 }; /* pages */

uint64_t model_vaddr(uint32_t index, uint32_t page_shift)
{
    return model_is_huge(index)
               ? MODEL_HUGE_BASE + ((uint64_t) (index - MODEL_SMALL) << 21)
               : MODEL_TABLE - ((uint64_t) MODEL_BEFORE_TABLE << page_shift) +
                     ((uint64_t) index << page_shift);
}

static uint32_t frame_new(struct process_model *model)
{
    if (model->n_frames == model->frame_capacity) {
        model->frame_capacity = 2 * model->frame_capacity + 64;
        model->refs =
            realloc(model->refs, model->frame_capacity * sizeof(*model->refs));
        model->dropped = realloc(model->dropped, model->frame_capacity *
                                                     sizeof(*model->dropped));
        assert_true(model->refs && model->dropped);
    }
    model->dropped[model->n_frames] = 0;
    model->refs[model->n_frames] = 1;
    return model->n_frames++;
}

static int32_t file_new(struct process_model *model)
{
    model->cache =
        realloc(model->cache, (model->n_files + 1) * sizeof(*model->cache));
    assert_non_null(model->cache);
    model->cache[model->n_files] = calloc(MODEL_FILE_PAGES, sizeof(uint32_t));
    assert_non_null(model->cache[model->n_files]);
    return (int32_t) model->n_files++;
}

void model_init(struct process_model *model)
{
    memset(model, 0, sizeof(*model));
    frame_new(model); /* the zero page */
    for (uint32_t i = 0; i < MODEL_NAMED_FILES; i++)
        file_new(model);
}

void model_fini(struct process_model *model)
{
    for (uint32_t i = 0; i < model->n_files; i++)
        free(model->cache[i]);
    free(model->cache);
    free(model->refs);
    free(model->dropped);
}

struct model_mm *model_mm_create(void)
{
    struct model_mm *mm = calloc(1, sizeof(*mm));

    assert_non_null(mm);
    return mm;
}

static void page_drop(struct process_model *model, struct model_page *page)
{
    if (page->has_entry && page->frame) {
        model->refs[page->frame]--;
        model->dropped[page->frame] = model->round;
    }
    page->has_entry = page->can_write = false;
    page->frame = 0;
}

void model_mm_destroy(struct process_model *model, struct model_mm *mm)
{
    for (uint32_t i = 0; i < MODEL_PAGES; i++)
        page_drop(model, &mm->pages[i]);
    free(mm);
}

struct model_mm *model_fork(struct process_model *model, struct model_mm *mm)
{
    struct model_mm *child = model_mm_create();

    *child = *mm;
    for (uint32_t i = 0; i < MODEL_PAGES; i++) {
        struct model_page *page = &mm->pages[i];
        struct model_page *copy = &child->pages[i];

        if (!page->has_entry)
            continue;
        if (page->is_shared) {
            copy->has_entry = copy->can_write = false; /* faults again */
            continue;
        }
        page->can_write = copy->can_write = false;
        if (page->frame)
            model->refs[page->frame]++;
    }
    return child;
}

/* ---- operations ---- */

void model_munmap(struct process_model *model, struct model_mm *mm,
                  uint32_t start, uint32_t end)
{
    for (uint32_t i = start; i < end; i++) {
        page_drop(model, &mm->pages[i]);
        mm->pages[i] = (struct model_page){.was_unmapped = true};
    }
}

void model_mmap(struct process_model *model, struct model_mm *mm,
                uint32_t start, uint32_t end, struct model_page like)
{
    if (like.is_shared && like.file == MODEL_NO_FILE)
        like.file = file_new(model);
    model_munmap(model, mm, start, end);
    for (uint32_t i = start; i < end; i++) {
        mm->pages[i] = like;
        mm->pages[i].is_mapped = true;
        if (like.file != MODEL_NO_FILE) /* a huge page counts as 512 */
            mm->pages[i].file_page =
                like.file_page + (i - start) * (model_is_huge(i) ? 512 : 1);
    }
}

static bool file_is_named(const struct model_page *page)
{
    return page->file >= 0 && page->file < MODEL_NAMED_FILES;
}

void model_mprotect(struct process_model *model, struct model_mm *mm,
                    uint32_t start, uint32_t end, uint32_t prot)
{
    (void) model;
    for (uint32_t i = start; i < end; i++) {
        struct model_page *page = &mm->pages[i];

        if (!page->is_mapped || page->prot == prot)
            continue;
        page->prot = prot;
        page->can_write = page->has_entry && (prot & SYS_PROT_WRITE) &&
                          page->is_shared && !file_is_named(page);
    }
}

void model_dontneed(struct process_model *model, struct model_mm *mm,
                    uint32_t start, uint32_t end)
{
    for (uint32_t i = start; i < end; i++) {
        if (!model_is_huge(i))
            page_drop(model, &mm->pages[i]);
    }
}

void model_advise(struct model_mm *mm, uint32_t start, uint32_t end,
                  uint32_t advice)
{
    for (uint32_t i = start; i < end && mm->pages[i].is_mapped; i++) {
        mm->pages[i].advice = advice;
        if (mm->pages[i].is_implicit)
            break; /* of 4 KiB: a hole follows */
    }
}

bool model_is_one_area(const struct model_mm *mm, uint32_t start, uint32_t end)
{
    const struct model_page *first = &mm->pages[start];

    for (uint32_t i = start; i < end; i++) {
        const struct model_page *page = &mm->pages[i];

        if (!page->is_mapped || page->prot != first->prot ||
            page->is_shared != first->is_shared || page->file != first->file ||
            page->is_implicit != first->is_implicit ||
            (!page->is_implicit && page->advice != first->advice))
            return false;
        if (page->file != MODEL_NO_FILE &&
            page->file_page != first->file_page + (i - start))
            return false;
    }
    return true;
}

void model_mremap(struct process_model *model, struct model_mm *mm,
                  uint32_t start, uint32_t n, uint32_t to, uint32_t new_n)
{
    struct model_page moved[MODEL_SMALL];
    struct model_page like = mm->pages[start];

    memcpy(moved, &mm->pages[start], n * sizeof(*moved));
    like.has_entry = like.can_write = like.is_implicit = false;
    like.frame = 0;
    if (to != start) {
        for (uint32_t i = start; i < start + n; i++)
            mm->pages[i] = (struct model_page){.was_unmapped = true};
        model_munmap(model, mm, to, to + new_n);
    }
    for (uint32_t i = 0; i < max_u64(n, new_n); i++) {
        struct model_page *page = &mm->pages[to + i];

        if (i >= new_n) { /* the tail goes */
            if (to == start)
                model_munmap(model, mm, to + i, to + i + 1);
            else
                page_drop(model, &moved[i]);
            continue;
        }
        if (i < n && to == start)
            continue;
        if (i >= n)
            page_drop(model, page);
        like.file_page = mm->pages[start].file_page;
        *page = i < n ? moved[i] : like;
        page->is_implicit = false;
        page->advice = like.advice;
        if (like.file != MODEL_NO_FILE)
            page->file_page = moved[0].file_page + i;
    }
}

/* ---- accesses ---- */

static uint32_t file_frame(struct process_model *model,
                           const struct model_page *page)
{
    uint32_t *cached;

    assert_true(page->file_page < MODEL_FILE_PAGES);
    cached = &model->cache[page->file][page->file_page];
    if (!*cached)
        *cached = frame_new(model) + 1; /* the cache's own reference */
    return *cached - 1;
}

static void page_set(struct model_page *page, uint32_t frame, bool can_write)
{
    page->has_entry = true;
    page->frame = frame;
    page->can_write = can_write;
}

static void page_populate(struct process_model *model, struct model_page *page,
                          bool is_huge, bool is_store)
{
    bool may_write = page->prot & SYS_PROT_WRITE;

    if (page->file == MODEL_NO_FILE) {
        model->counts.minor++;
        if (is_store || page->is_implicit || is_huge)
            page_set(page, frame_new(model), may_write);
        else
            page_set(page, 0, false);
        return;
    }
    if (!page->is_shared && is_store) {
        file_frame(model, page);
        model->counts.cow++;
        page_set(page, frame_new(model), true);
        return;
    }
    model->counts.minor++;
    page_set(page, file_frame(model, page),
             page->is_shared && may_write &&
                 (is_store || !file_is_named(page)));
    model->refs[page->frame]++;
}

/* A store that the entry refuses and the mapping permits. */
static void page_write(struct process_model *model, struct model_page *page)
{
    if (page->is_shared || (page->frame && model->refs[page->frame] == 1)) {
        page->can_write = true;
        model->counts.protection++;
        return;
    }
    if (page->frame)
        model->refs[page->frame]--;
    page_set(page, frame_new(model), true);
    model->counts.cow++;
}

static bool page_permits(const struct model_page *page, enum access_kind kind)
{
    switch (kind) {
    case ACCESS_LOAD:
        return page->prot != 0;
    case ACCESS_STORE:
        return page->prot & SYS_PROT_WRITE;
    case ACCESS_FETCH:
        return page->prot & SYS_PROT_EXEC;
    }
    return false;
}

bool model_access(struct process_model *model, struct model_mm *mm,
                  uint32_t index, enum access_kind kind)
{
    struct model_page *page = &mm->pages[index];

    if (!page->is_mapped && !page->was_unmapped) {
        *page = (struct model_page){
            .is_mapped = true,
            .is_implicit = true,
            .prot = SYS_PROT_READ | SYS_PROT_WRITE | SYS_PROT_EXEC,
            .file = MODEL_NO_FILE,
        };
        model->counts.implicit_pages++;
    }
    if (!page->is_mapped || !page_permits(page, kind)) {
        model->counts.invalid++;
        return false;
    }
    if (!page->has_entry)
        page_populate(model, page, model_is_huge(index), kind == ACCESS_STORE);
    else if (kind == ACCESS_STORE && !page->can_write)
        page_write(model, page);
    return true;
}
