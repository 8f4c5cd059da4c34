/* SPDX-License-Identifier: MIT */
/* The areas of an unmapping: see unmap_plan.h. */
#include "os/unmap_plan.h"

#include <stdlib.h>

static bool unmap_plan_add(struct unmap_plan *plan, const struct vm_area *area)
{
    if (plan->n_areas == plan->capacity) {
        uint32_t capacity = plan->capacity ? plan->capacity * 2 : 8;
        struct vm_area *areas =
            realloc(plan->areas, capacity * sizeof(*plan->areas));

        if (!areas)
            return false;
        plan->areas = areas;
        plan->capacity = capacity;
    }
    plan->areas[plan->n_areas++] = *area;
    plan->has_device |= (area->flags & VM_PFNMAP) != 0;
    return true;
}

bool mmusim__unmap_plan(struct unmap_plan *plan, const struct vm_set *areas,
                        uint64_t start, uint64_t end)
{
    const struct vm_area *area = mmusim__vm_find_from(areas, start);

    plan->n_areas = 0;
    plan->has_device = false;
    while (area && area->start < end) {
        struct vm_area part = *area;

        part.start = max_u64(area->start, start);
        part.end = min_u64(area->end, end);
        if (!unmap_plan_add(plan, &part))
            return false;
        area = mmusim__vm_find_from(areas, area->end);
    }
    return true;
}

void mmusim__unmap_plan_fini(struct unmap_plan *plan)
{
    free(plan->areas);
    plan->areas = NULL;
    plan->capacity = 0;
}
