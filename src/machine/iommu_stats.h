/* SPDX-License-Identifier: MIT */
/* Statistics of the IOMMU, if the machine has devices. */
#ifndef MMUSIM_MACHINE_IOMMU_STATS_H
#define MMUSIM_MACHINE_IOMMU_STATS_H

#include "coherence/system.h"
#include "mmusim/stats.h"

void mmusim__iommu_emit(const struct system *system, mmusim_stats_t *stats);

#endif
