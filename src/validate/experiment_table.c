/* SPDX-License-Identifier: MIT */
/* The list of published measurements that are run again. */
#include "validate/experiment.h"

extern const struct experiment_ops mmusim__experiment_flush_cost;
extern const struct experiment_ops mmusim__experiment_madvise_threads;
extern const struct experiment_ops mmusim__experiment_mmap_micro;

const struct experiment_ops *const mmusim__experiment_table[] = {
    &mmusim__experiment_flush_cost,
    &mmusim__experiment_madvise_threads,
    &mmusim__experiment_mmap_micro,
};

const size_t mmusim__experiment_table_size =
    sizeof(mmusim__experiment_table) / sizeof(mmusim__experiment_table[0]);
