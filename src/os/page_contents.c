/* SPDX-License-Identifier: MIT */
/* What is in a page: see page_contents.h. */
#include "os/page_contents.h"

#include "os/ksm.h"
#include "os/reclaim.h"

enum {
    CONTENTS_MILLION = 1000000,
    /* What is asked of a page's hash. */
    CONTENTS_IS_DUPLICATE = 1,
    CONTENTS_IS_VOLATILE,
    CONTENTS_WHICH,
};

/* The kinds of numbers; each in a range of its own. */
#define CONTENTS_CLASS   (UINT64_C(1) << 62)
#define CONTENTS_AT      (UINT64_C(2) << 62)
#define CONTENTS_WRITTEN (UINT64_C(3) << 62)
#define CONTENTS_NUMBER  ((UINT64_C(1) << 62) - 1)

/* The finaliser of splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t contents_mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static uint64_t contents_hash(const struct kernel *kernel, const struct mm *mm,
                              uint64_t vaddr, uint64_t question)
{
    uint64_t hash = contents_mix(kernel->config.seed * 4 + question);

    hash = contents_mix(hash ^ mm->space.id);
    return contents_mix(hash ^ vaddr / kernel_page_bytes(kernel));
}

/* What the page was filled with. */
static uint64_t contents_first(const struct kernel *kernel, const struct mm *mm,
                               uint64_t vaddr)
{
    const struct ksm_config *config = &kernel->config.ksm;
    uint64_t which = contents_hash(kernel, mm, vaddr, CONTENTS_WHICH);

    if (contents_hash(kernel, mm, vaddr, CONTENTS_IS_DUPLICATE) %
            CONTENTS_MILLION >=
        config->duplicate_ppm)
        return which & CONTENTS_NUMBER;
    if (config->n_classes)
        return CONTENTS_CLASS | which % config->n_classes;
    return CONTENTS_AT | vaddr / kernel_page_bytes(kernel);
}

uint64_t mmusim__contents_of(const struct kernel *kernel, struct page *page,
                             const struct mm *mm, uint64_t vaddr)
{
    uint64_t contents = page ? page->index : 0;

    if (contents)
        return contents;
    contents = max_u64(1, contents_first(kernel, mm, vaddr));
    if (page)
        page->index = contents;
    return contents;
}

bool mmusim__contents_change(const struct kernel *kernel, const struct mm *mm,
                             uint64_t vaddr)
{
    return contents_hash(kernel, mm, vaddr, CONTENTS_IS_VOLATILE) %
               CONTENTS_MILLION <
           kernel->config.ksm.volatile_ppm;
}

/* NULL where nobody asks what is in pages, and of files' pages. */
static struct page *contents_page(const struct kernel *kernel, pfn_t pfn)
{
    struct page *page =
        kernel->ksm ? mmusim__page_find(kernel->reclaim->pages, pfn) : NULL;

    return page && !page->file_id ? page : NULL;
}

void mmusim__contents_written(struct kernel *kernel, pfn_t pfn)
{
    struct page *page = contents_page(kernel, pfn);

    if (page)
        page->index = CONTENTS_WRITTEN | ++kernel->ksm->n_written;
}

void mmusim__contents_copied(struct kernel *kernel, pfn_t from, pfn_t to)
{
    const struct page *original = contents_page(kernel, from);
    struct page *copy = contents_page(kernel, to);

    if (original && copy)
        copy->index = original->index;
}
