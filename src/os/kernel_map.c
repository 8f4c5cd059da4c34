/* SPDX-License-Identifier: MIT */
/* The kernel's own mappings: see kernel_map.h. Linux's arch/x86/mm/init.c
 * (init_memory_mapping), init_64.c (vmemmap_populate); arch/arm64/mm/mmu.c,
 * with block mappings as under rodata=on. */
#include "os/kernel_map.h"

#include "coherence/mm_rules.h"
#include "os/page_table.h"

#include <string.h>

enum {
    /* What the kernel's image takes: guess, a distribution's kernel. */
    IMAGE_TEXT_BYTES = 16 << 20,
    IMAGE_DATA_BYTES = 16 << 20,
};

/* ---- which ---- */

static const char *kernel_map_usual(const struct pt_format *format,
                                    const struct mm_rules *rules)
{
    bool is_old = !strcmp(rules->version, "4.6");

    if (!strncmp(format->name, "x86-64", 6)) {
        if (format->n_levels == 5)
            return "x86-64-la57";
        return is_old ? "x86-64-4.6" : "x86-64";
    }
    if (strncmp(format->name, "armv8", 5) != 0)
        return NULL;
    if (is_old || !strcmp(rules->version, "4.20"))
        return "arm64-4.6";
    return strcmp(rules->version, "7.1") ? "arm64-6.8" : "arm64-7.1";
}

bool mmusim__kernel_map_fits(const char *name, const struct pt_format *format)
{
    const mmusim_linux_memory_t none = {0, 0};
    mmusim_linux_layout_t layout;
    const char *isa = name[0] == 'a' ? "armv8" : "x86-64";

    return !mmusim_linux_layout_init(name, &none, &layout) &&
           !strncmp(format->name, isa, strlen(isa)) &&
           format->granule_order == 0 &&
           (name[0] != 'a' || format->vaddr_bits == 48) &&
           pt_is_canonical(format, layout.direct.start);
}

const char *mmusim__kernel_map_name(uint32_t choice,
                                    const struct pt_format *format,
                                    const struct mm_rules *rules)
{
    const char *name;

    switch (choice) {
    case KERNEL_MAP_AUTO:
        name = kernel_map_usual(format, rules);
        return name && mmusim__kernel_map_fits(name, format) ? name : NULL;
    case KERNEL_MAP_NONE:
        return NULL;
    default:
        return mmusim_linux_layout_name_at(choice - KERNEL_MAP_NAMED);
    }
}

void mmusim__kernel_map_init(struct kernel *kernel)
{
    const char *name =
        mmusim__kernel_map_name(kernel->config.kernel_map, kernel->format,
                                kernel->system->protocol->mm_rules);
    const mmusim_linux_memory_t memory = {
        .bytes = align_down(kernel->config.memory_bytes, BASE_PAGE_BYTES),
    };

    if (!name || mmusim_linux_layout_init(name, &memory, &kernel->map.layout))
        kernel->map.layout.name = NULL;
}

/* ---- building ---- */

/* [vaddr, vaddr + bytes) to physical addresses from paddr on; or, without
 * is_fixed, to new frames. */
struct kernel_range {
    uint64_t vaddr;
    uint64_t paddr;
    uint64_t bytes;
    uint32_t rights;
    uint32_t vm_flags;
    uint32_t max_order;
    bool is_fixed;
};

/* The level of the largest page that may begin the range. */
static uint32_t range_level(const struct kernel *kernel,
                            const struct kernel_range *range)
{
    const struct pt_format *format = kernel->format;
    uint32_t best = 0;

    for (uint32_t level = 1; level < format->n_levels; level++) {
        uint32_t order = pt_level_order(format, level);
        uint64_t bytes = UINT64_C(1) << (order + BASE_PAGE_SHIFT);
        uint64_t bases = range->vaddr | (range->is_fixed ? range->paddr : 0);

        if (!format->levels[level].has_leaves || order > range->max_order ||
            bytes > range->bytes || (bases & (bytes - 1)))
            break;
        best = level;
    }
    return best;
}

static mmusim_status_t range_map_one(struct kernel *kernel,
                                     const struct kernel_range *range,
                                     uint32_t level)
{
    struct pte_slot slot;
    uint32_t n_new = 0;
    pfn_t pfn = {range->paddr >> BASE_PAGE_SHIFT};
    mmusim_status_t status = MMUSIM_OK;

    if (!range->is_fixed)
        status = mmusim__frame_get(kernel->frames,
                                   pt_level_order(kernel->format, level), &pfn);
    if (!status)
        status = mmusim__pte_make(kernel, &kernel->init_mm, range->vaddr, level,
                                  &slot, &n_new);
    if (!status)
        status = mmusim__pte_install(kernel, &slot, pfn, range->rights);
    return status;
}

static mmusim_status_t range_map(struct kernel *kernel,
                                 struct kernel_range range)
{
    const struct vm_area area = {
        .start = range.vaddr,
        .end = range.vaddr + range.bytes,
        .flags = range.vm_flags,
    };
    mmusim_status_t status = MMUSIM_OK;

    if (!range.bytes)
        return MMUSIM_OK;
    status = mmusim__vm_insert(kernel->init_mm.areas, &area, NULL);
    while (!status && range.bytes) {
        uint32_t level = range_level(kernel, &range);
        uint64_t bytes = UINT64_C(1) << (pt_level_order(kernel->format, level) +
                                         BASE_PAGE_SHIFT);

        status = range_map_one(kernel, &range, level);
        range.vaddr += bytes;
        range.paddr += bytes;
        range.bytes -= bytes;
    }
    return status;
}

static mmusim_status_t kernel_map_make(struct kernel *kernel)
{
    const mmusim_linux_layout_t *layout = &kernel->map.layout;
    uint64_t memory_bytes = layout->memory_bytes;
    uint64_t text_bytes = min_u64(IMAGE_TEXT_BYTES, memory_bytes);
    uint64_t data_bytes = min_u64(IMAGE_DATA_BYTES, memory_bytes - text_bytes);
    const struct kernel_range direct = {
        .vaddr = layout->direct.start,
        .bytes = memory_bytes,
        .rights = TLB_READ | TLB_WRITE | kernel_global_right(kernel),
        .vm_flags = VM_READ | VM_WRITE,
        .max_order = UINT32_MAX,
        .is_fixed = true,
    };
    const struct kernel_range text = {
        .vaddr = layout->image.start,
        .bytes = text_bytes,
        .rights = TLB_READ | TLB_EXEC | kernel_global_right(kernel),
        .vm_flags = VM_READ | VM_EXEC,
        .max_order = 9,
        .is_fixed = true,
    };
    const struct kernel_range data = {
        .vaddr = layout->image.start + text_bytes,
        .paddr = text_bytes,
        .bytes = data_bytes,
        .rights = direct.rights,
        .vm_flags = direct.vm_flags,
        .max_order = 9,
        .is_fixed = true,
    };
    const struct kernel_range vmemmap = {
        .vaddr = layout->vmemmap.start,
        .bytes = align_up((memory_bytes >> layout->page_shift) *
                              layout->struct_page_bytes,
                          BASE_PAGE_BYTES),
        .rights = direct.rights,
        .vm_flags = direct.vm_flags,
        .max_order = 9, /* PMDs; single pages for what is left */
    };
    mmusim_status_t status = range_map(kernel, direct);

    if (!status)
        status = range_map(kernel, text);
    if (!status)
        status = range_map(kernel, data);
    if (!status)
        status = range_map(kernel, vmemmap);
    return status;
}

void mmusim__kernel_map_build(struct kernel *kernel)
{
    mmusim_status_t status;

    if (kernel->map.is_built || !kernel->map.layout.name)
        return;
    kernel->map.is_built = true;
    status = kernel_map_make(kernel);
    if (status)
        system_fail(kernel->system, status);
}

static bool region_overlaps(const mmusim_linux_region_t *region, uint64_t start,
                            uint64_t end)
{
    return start - region->start < region->bytes ||
           (start < region->start && end > region->start);
}

bool mmusim__kernel_map_owns(const struct kernel *kernel, uint64_t start,
                             uint64_t end)
{
    const mmusim_linux_layout_t *layout = &kernel->map.layout;

    return kernel->map.is_built &&
           (region_overlaps(&layout->direct, start, end) ||
            region_overlaps(&layout->image, start, end) ||
            region_overlaps(&layout->vmemmap, start, end));
}
