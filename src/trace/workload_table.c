/* SPDX-License-Identifier: MIT */
/* The list of workload generators. */
#include "trace/workload.h"

extern const struct workload_ops mmusim__workload_chase;
extern const struct workload_ops mmusim__workload_madvise;
extern const struct workload_ops mmusim__workload_munmap;

const struct workload_ops *const mmusim__workload_table[] = {
    &mmusim__workload_chase,
    &mmusim__workload_madvise,
    &mmusim__workload_munmap,
};

const uint32_t mmusim__workload_table_size =
    sizeof(mmusim__workload_table) / sizeof(mmusim__workload_table[0]);
