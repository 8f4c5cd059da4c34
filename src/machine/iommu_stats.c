/* SPDX-License-Identifier: MIT */
/* Statistics of the IOMMU. */
#include "machine/iommu_stats.h"

#include "coherence/iommu.h"
#include "core/stats_set.h"

void mmusim__iommu_emit(const struct system *system, mmusim_stats_t *stats)
{
    const struct iommu_counters *counters;

    if (!system->iommu)
        return;
    counters = &system->iommu->counters;
#define EMIT_IOMMU(name, unit, help)                                           \
    mmusim__stats_add(stats, "iommu." #name, counters->name, unit, help);
    IOMMU_COUNTER_MAP(EMIT_IOMMU)
#undef EMIT_IOMMU
}
