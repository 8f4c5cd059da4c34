/* SPDX-License-Identifier: MIT */
/*
 * The kernel's half of the address space as Linux lays it out: where the
 * direct map, vmalloc, the array of struct page and the kernel's image lie, and
 * the conversions between the addresses of them. Plain arithmetic on a layout
 * that the caller owns; nothing here needs a machine.
 *
 * Addresses and sizes are in bytes, virtual ones canonical; a frame number
 * (pfn) counts pages of the layout's page size from physical address 0.
 * KASLR is off: bases are those of the kernel's documentation.
 *
 * A conversion fails with MMUSIM_USAGE where the kernel's result would mean
 * nothing (an address of another region, a page that is no memory); then the
 * result is untouched.
 */
#ifndef MMUSIM_LINUX_H
#define MMUSIM_LINUX_H

#include "mmusim/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* [start, start + bytes); bytes 0: there is none. */
typedef struct mmusim_linux_region {
    uint64_t start;
    uint64_t bytes;
} mmusim_linux_region_t;

typedef struct mmusim_linux_layout {
    const char *name;              /* static */
    mmusim_linux_region_t direct;  /* all physical memory: PAGE_OFFSET */
    mmusim_linux_region_t vmalloc; /* vmalloc() and ioremap() */
    mmusim_linux_region_t vmemmap; /* the array of struct page */
    mmusim_linux_region_t image;   /* the kernel's image: text and data */
    mmusim_linux_region_t modules;
    uint64_t memory_start; /* physical address of the first byte of memory */
    uint64_t memory_bytes;
    uint64_t image_paddr;       /* what image.start maps */
    uint32_t page_shift;        /* 12 */
    uint32_t struct_page_bytes; /* 64 */
    /* pte_same() ignores these bits where both entries are present. */
    uint64_t pte_ignored_bits;
    uint64_t pte_present_bits;
} mmusim_linux_layout_t;

/* What a layout depends on besides its name. */
typedef struct mmusim_linux_memory {
    uint64_t start; /* physical; a multiple of the page size */
    uint64_t bytes; /* a multiple of the page size, at most what the direct map
                       holds */
} mmusim_linux_memory_t;

/*
 * Fills a layout by name: "x86-64-4.6" (Documentation/x86/x86_64/mm.txt of
 * 4.6), "x86-64" (from 4.20 on), "x86-64-la57" (five levels), "arm64-4.6",
 * "arm64-6.8", "arm64-7.1" (48-bit addresses). MMUSIM_USAGE: no such name, or
 * memory that it cannot hold.
 */
MMUSIM_API mmusim_status_t
mmusim_linux_layout_init(const char *name, const mmusim_linux_memory_t *memory,
                         mmusim_linux_layout_t *layout);
/* The index-th name; NULL past the end. */
MMUSIM_API const char *mmusim_linux_layout_name_at(size_t index);

/* __va() and phys_to_virt(): the direct map's address of physical memory. */
MMUSIM_API mmusim_status_t mmusim_linux_va(const mmusim_linux_layout_t *layout,
                                           uint64_t paddr, uint64_t *vaddr);
MMUSIM_API mmusim_status_t mmusim_linux_phys_to_virt(
    const mmusim_linux_layout_t *layout, uint64_t paddr, uint64_t *vaddr);
/* __pa() and virt_to_phys(): of the direct map, or of the kernel's image. */
MMUSIM_API mmusim_status_t mmusim_linux_pa(const mmusim_linux_layout_t *layout,
                                           uint64_t vaddr, uint64_t *paddr);
MMUSIM_API mmusim_status_t mmusim_linux_virt_to_phys(
    const mmusim_linux_layout_t *layout, uint64_t vaddr, uint64_t *paddr);
/* The struct page (its address in vmemmap) of an address, a frame; back. */
MMUSIM_API mmusim_status_t mmusim_linux_virt_to_page(
    const mmusim_linux_layout_t *layout, uint64_t vaddr, uint64_t *page);
MMUSIM_API mmusim_status_t mmusim_linux_pfn_to_page(
    const mmusim_linux_layout_t *layout, uint64_t pfn, uint64_t *page);
MMUSIM_API mmusim_status_t mmusim_linux_page_to_pfn(
    const mmusim_linux_layout_t *layout, uint64_t page, uint64_t *pfn);
MMUSIM_API mmusim_status_t mmusim_linux_page_to_phys(
    const mmusim_linux_layout_t *layout, uint64_t page, uint64_t *paddr);
/* Is it an address that virt_to_page() accepts; is it a frame of memory? */
MMUSIM_API bool
mmusim_linux_virt_addr_valid(const mmusim_linux_layout_t *layout,
                             uint64_t vaddr);
MMUSIM_API bool mmusim_linux_pfn_valid(const mmusim_linux_layout_t *layout,
                                       uint64_t pfn);
/* Do two page-table words mean the same to the kernel? Equal words on x86;
 * arm64 up to 4.x leaves out PTE_RDONLY, which the hardware may clear. */
MMUSIM_API bool mmusim_linux_pte_same(const mmusim_linux_layout_t *layout,
                                      uint64_t a, uint64_t b);

#ifdef __cplusplus
}
#endif
#endif
