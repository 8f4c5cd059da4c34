/* SPDX-License-Identifier: MIT */
/*
 * Linux's kernel address maps: see mmusim/linux.h. Constants from the kernel's
 * own documentation and headers, without KASLR and KASAN:
 *
 *   x86-64-4.6   v4.6 Documentation/x86/x86_64/mm.txt
 *   x86-64       from 4.20 on (PAGE_OFFSET moved for the LDT's remap),
 *                Documentation/x86/x86_64/mm.rst
 *   x86-64-la57  the same, five levels
 *   arm64-4.6    v4.6 arch/arm64/include/asm/{memory,pgtable}.h, 48 bits
 *   arm64-6.8    the linear map below, modules of 2 GiB (6.5), vmemmap's start
 *                -(1 << (VA_BITS - VMEMMAP_SHIFT))
 *   arm64-7.1    vmemmap ends 1 GiB below the top (6.9)
 */
#include "mmusim/linux.h"

#include <string.h>

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define TIB (UINT64_C(1) << 40)
#define PIB (UINT64_C(1) << 50)

#define X86_IMAGE                                                              \
    .image = {UINT64_C(0xffffffff80000000), 512 * MIB},                        \
    .modules = {UINT64_C(0xffffffffa0000000), 1526 * MIB},                     \
    .pte_present_bits = 1
#define X86_VMALLOC                                                            \
    .vmalloc = {UINT64_C(0xffffc90000000000), 32 * TIB},                       \
    .vmemmap = {UINT64_C(0xffffea0000000000), TIB}
/* PTE_VALID and PTE_PROT_NONE: pte_present(). */
#define ARM64_PRESENT .pte_present_bits = UINT64_C(1) | (UINT64_C(1) << 58)
#define ARM64_MODERN                                                           \
    .direct = {UINT64_C(0xffff000000000000), 128 * TIB},                       \
    .modules = {UINT64_C(0xffff800000000000), 2 * GIB},                        \
    .image = {UINT64_C(0xffff800080000000), 64 * MIB}, ARM64_PRESENT

static const mmusim_linux_layout_t linux_layouts[] = {
    {
        .name = "x86-64-4.6",
        .direct = {UINT64_C(0xffff880000000000), 64 * TIB},
        X86_VMALLOC,
        X86_IMAGE,
    },
    {
        .name = "x86-64",
        .direct = {UINT64_C(0xffff888000000000), 64 * TIB},
        X86_VMALLOC,
        X86_IMAGE,
    },
    {
        .name = "x86-64-la57",
        .direct = {UINT64_C(0xff11000000000000), 32 * PIB},
        .vmalloc = {UINT64_C(0xffa0000000000000), 25 * PIB / 2},
        .vmemmap = {UINT64_C(0xffd4000000000000), PIB / 2},
        X86_IMAGE,
    },
    {
        .name = "arm64-4.6",
        .direct = {UINT64_C(0xffff800000000000), 128 * TIB},
        /* To PAGE_OFFSET - PUD_SIZE - VMEMMAP_SIZE - SZ_64K. */
        .vmalloc = {UINT64_C(0xffff000008000000),
                    126 * TIB - GIB - 128 * MIB - 64 * KIB},
        .vmemmap = {UINT64_C(0xffff7e0000000000), 2 * TIB},
        .modules = {UINT64_C(0xffff000000000000), 128 * MIB},
        /* KIMAGE_VADDR: the image lies in vmalloc's range. */
        .image = {UINT64_C(0xffff000008000000), 64 * MIB},
        .pte_ignored_bits = UINT64_C(1) << 7, /* PTE_RDONLY */
        ARM64_PRESENT,
    },
    {
        .name = "arm64-6.8",
        ARM64_MODERN,
        /* To VMEMMAP_START - SZ_256M. */
        .vmalloc = {UINT64_C(0xffff800080000000),
                    124 * TIB - 2 * GIB - 256 * MIB},
        .vmemmap = {UINT64_C(0xfffffc0000000000), 2 * TIB},
    },
    {
        .name = "arm64-7.1",
        ARM64_MODERN,
        /* To VMEMMAP_START - SZ_8M. */
        .vmalloc = {UINT64_C(0xffff800080000000),
                    126 * TIB - 3 * GIB - 8 * MIB},
        .vmemmap = {UINT64_C(0xfffffdffc0000000), 2 * TIB},
    },
};

enum { N_LAYOUTS = sizeof(linux_layouts) / sizeof(linux_layouts[0]) };
enum { STRUCT_PAGE_BYTES = 64, LINUX_PAGE_SHIFT = 12 };

static bool region_has(const mmusim_linux_region_t *region, uint64_t address)
{
    return address - region->start < region->bytes;
}

static bool memory_has(const mmusim_linux_layout_t *layout, uint64_t paddr)
{
    return paddr - layout->memory_start < layout->memory_bytes;
}

mmusim_status_t mmusim_linux_layout_init(const char *name,
                                         const mmusim_linux_memory_t *memory,
                                         mmusim_linux_layout_t *layout)
{
    const uint64_t page_mask = (UINT64_C(1) << LINUX_PAGE_SHIFT) - 1;

    for (size_t i = 0; i < N_LAYOUTS; i++) {
        const mmusim_linux_layout_t *found = &linux_layouts[i];

        if (strcmp(found->name, name) != 0)
            continue;
        if ((memory->start | memory->bytes) & page_mask ||
            memory->bytes > found->direct.bytes ||
            memory->start > UINT64_MAX - memory->bytes)
            return MMUSIM_USAGE;
        *layout = *found;
        layout->memory_start = memory->start;
        layout->memory_bytes = memory->bytes;
        layout->image_paddr = memory->start;
        layout->page_shift = LINUX_PAGE_SHIFT;
        layout->struct_page_bytes = STRUCT_PAGE_BYTES;
        return MMUSIM_OK;
    }
    return MMUSIM_USAGE;
}

const char *mmusim_linux_layout_name_at(size_t index)
{
    return index < N_LAYOUTS ? linux_layouts[index].name : NULL;
}

/* ---- physical and virtual ---- */

/* On x86 the direct map begins with physical address 0, on arm64 with the first
 * byte of memory (PHYS_OFFSET). */
static uint64_t direct_paddr(const mmusim_linux_layout_t *layout)
{
    return layout->name[0] == 'a' ? layout->memory_start : 0;
}

mmusim_status_t mmusim_linux_va(const mmusim_linux_layout_t *layout,
                                uint64_t paddr, uint64_t *vaddr)
{
    uint64_t offset = paddr - direct_paddr(layout);

    if (!memory_has(layout, paddr) || offset >= layout->direct.bytes)
        return MMUSIM_USAGE;
    *vaddr = layout->direct.start + offset;
    return MMUSIM_OK;
}

mmusim_status_t mmusim_linux_phys_to_virt(const mmusim_linux_layout_t *layout,
                                          uint64_t paddr, uint64_t *vaddr)
{
    return mmusim_linux_va(layout, paddr, vaddr);
}

mmusim_status_t mmusim_linux_pa(const mmusim_linux_layout_t *layout,
                                uint64_t vaddr, uint64_t *paddr)
{
    uint64_t found;

    if (region_has(&layout->direct, vaddr))
        found = vaddr - layout->direct.start + direct_paddr(layout);
    else if (region_has(&layout->image, vaddr))
        found = vaddr - layout->image.start + layout->image_paddr;
    else
        return MMUSIM_USAGE;
    if (!memory_has(layout, found))
        return MMUSIM_USAGE;
    *paddr = found;
    return MMUSIM_OK;
}

mmusim_status_t mmusim_linux_virt_to_phys(const mmusim_linux_layout_t *layout,
                                          uint64_t vaddr, uint64_t *paddr)
{
    return mmusim_linux_pa(layout, vaddr, paddr);
}

/* ---- struct page ---- */

/* The pfn of vmemmap's first entry. */
static uint64_t vmemmap_pfn(const mmusim_linux_layout_t *layout)
{
    return direct_paddr(layout) >> layout->page_shift;
}

mmusim_status_t mmusim_linux_pfn_to_page(const mmusim_linux_layout_t *layout,
                                         uint64_t pfn, uint64_t *page)
{
    uint64_t offset = (pfn - vmemmap_pfn(layout)) * layout->struct_page_bytes;

    if (!mmusim_linux_pfn_valid(layout, pfn) || offset >= layout->vmemmap.bytes)
        return MMUSIM_USAGE;
    *page = layout->vmemmap.start + offset;
    return MMUSIM_OK;
}

mmusim_status_t mmusim_linux_page_to_pfn(const mmusim_linux_layout_t *layout,
                                         uint64_t page, uint64_t *pfn)
{
    uint64_t offset = page - layout->vmemmap.start;
    uint64_t found = offset / layout->struct_page_bytes + vmemmap_pfn(layout);

    if (!region_has(&layout->vmemmap, page) ||
        offset % layout->struct_page_bytes ||
        !mmusim_linux_pfn_valid(layout, found))
        return MMUSIM_USAGE;
    *pfn = found;
    return MMUSIM_OK;
}

mmusim_status_t mmusim_linux_page_to_phys(const mmusim_linux_layout_t *layout,
                                          uint64_t page, uint64_t *paddr)
{
    uint64_t pfn;
    mmusim_status_t status = mmusim_linux_page_to_pfn(layout, page, &pfn);

    if (!status)
        *paddr = pfn << layout->page_shift;
    return status;
}

mmusim_status_t mmusim_linux_virt_to_page(const mmusim_linux_layout_t *layout,
                                          uint64_t vaddr, uint64_t *page)
{
    uint64_t paddr;

    if (!mmusim_linux_virt_addr_valid(layout, vaddr) ||
        mmusim_linux_pa(layout, vaddr, &paddr))
        return MMUSIM_USAGE;
    return mmusim_linux_pfn_to_page(layout, paddr >> layout->page_shift, page);
}

/* __virt_addr_valid() of x86 takes the image's addresses, too; arm64's those of
 * the linear map alone. */
bool mmusim_linux_virt_addr_valid(const mmusim_linux_layout_t *layout,
                                  uint64_t vaddr)
{
    uint64_t paddr;

    if (layout->name[0] == 'a' && !region_has(&layout->direct, vaddr))
        return false;
    return mmusim_linux_pa(layout, vaddr, &paddr) == MMUSIM_OK;
}

bool mmusim_linux_pfn_valid(const mmusim_linux_layout_t *layout, uint64_t pfn)
{
    return pfn <= UINT64_MAX >> layout->page_shift &&
           memory_has(layout, pfn << layout->page_shift);
}

bool mmusim_linux_pte_same(const mmusim_linux_layout_t *layout, uint64_t a,
                           uint64_t b)
{
    if (a & layout->pte_present_bits)
        a &= ~layout->pte_ignored_bits;
    if (b & layout->pte_present_bits)
        b &= ~layout->pte_ignored_bits;
    return a == b;
}
