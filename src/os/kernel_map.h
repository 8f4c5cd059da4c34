/* SPDX-License-Identifier: MIT */
/*
 * The kernel's own mappings, as Linux sets them up at boot (mmusim/linux.h has
 * the layouts): the direct map with the largest global pages that fit, the
 * image, and the array of struct page. They are made once, when the first
 * kernel thread starts: without one nobody reads them, and user programs keep
 * the frames they had. vmalloc's range is left to mmap and munmap of kernel
 * threads.
 */
#ifndef MMUSIM_OS_KERNEL_MAP_H
#define MMUSIM_OS_KERNEL_MAP_H

#include "mmusim/linux.h"
#include "os/os_config.h"
#include "tlb/pt_format.h"

struct kernel;
struct mm_rules;

struct kernel_map {
    mmusim_linux_layout_t layout; /* name NULL: there is none */
    bool is_built;
};

/* The layout that a key's value names: 0 "auto": that of the architecture and
 * the kernel's version, 1 "none". NULL: none. */
const char *mmusim__kernel_map_name(uint32_t choice,
                                    const struct pt_format *format,
                                    const struct mm_rules *rules);
/* Does the format reach a layout's addresses? */
bool mmusim__kernel_map_fits(const char *name, const struct pt_format *format);

/* Fills kernel->map from the configuration; builds nothing yet. */
void mmusim__kernel_map_init(struct kernel *kernel);
/* Makes the mappings unless they are there; a failure ends the run. */
void mmusim__kernel_map_build(struct kernel *kernel);
/* Has the range a part in what boot has mapped? Nobody may map or unmap
 * there. */
bool mmusim__kernel_map_owns(const struct kernel *kernel, uint64_t start,
                             uint64_t end);

#endif
