/* SPDX-License-Identifier: MIT */
/* The areas that an unmapping goes through, noted before they are taken out of
 * the address space: one list a CPU. */
#ifndef MMUSIM_OS_UNMAP_PLAN_H
#define MMUSIM_OS_UNMAP_PLAN_H

#include "os/vm_area.h"

/* The list is kept from use to use. */
struct unmap_plan {
    struct vm_area *areas;
    uint32_t n_areas;
    uint32_t capacity;
    bool has_device; /* some area maps a device's memory: VM_PFNMAP */
};

/* The parts of areas in the range. False: memory is short. */
bool mmusim__unmap_plan(struct unmap_plan *plan, const struct vm_set *areas,
                        uint64_t start, uint64_t end);
void mmusim__unmap_plan_fini(struct unmap_plan *plan);

#endif
