/* SPDX-License-Identifier: MIT */
/* The list of workload generators. */
#include "trace/workload.h"

extern const struct workload_ops mmusim__workload_chase;
extern const struct workload_ops mmusim__workload_madvise;
extern const struct workload_ops mmusim__workload_munmap;
extern const struct workload_ops mmusim__workload_mmap_micro;
extern const struct workload_ops mmusim__workload_madvise_threads;
extern const struct workload_ops mmusim__workload_context_switch;
extern const struct workload_ops mmusim__workload_fork_cow;
extern const struct workload_ops mmusim__workload_exec_stack;
extern const struct workload_ops mmusim__workload_apache;
extern const struct workload_ops mmusim__workload_kernel_map;
extern const struct workload_ops mmusim__workload_lru_read;
extern const struct workload_ops mmusim__workload_numa_balance;
extern const struct workload_ops mmusim__workload_ksm;

const struct workload_ops *const mmusim__workload_table[] = {
    &mmusim__workload_chase,
    &mmusim__workload_madvise,
    &mmusim__workload_munmap,
    &mmusim__workload_mmap_micro,
    &mmusim__workload_madvise_threads,
    &mmusim__workload_context_switch,
    &mmusim__workload_fork_cow,
    &mmusim__workload_exec_stack,
    &mmusim__workload_apache,
    &mmusim__workload_kernel_map,
    &mmusim__workload_lru_read,
    &mmusim__workload_numa_balance,
    &mmusim__workload_ksm,
};

const uint32_t mmusim__workload_table_size =
    sizeof(mmusim__workload_table) / sizeof(mmusim__workload_table[0]);
