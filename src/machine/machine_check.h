/* SPDX-License-Identifier: MIT */
/* A machine with the checker on (coherence/check_cpus.h): key checker.enabled.
 */
#ifndef MMUSIM_MACHINE_MACHINE_CHECK_H
#define MMUSIM_MACHINE_MACHINE_CHECK_H

#include "machine/machine.h"

/* Before the CPUs are built; nothing if the checker is not asked for. */
mmusim_status_t mmusim__machine_check_init(struct mmusim_machine *machine);
/* When the kernel is there, and when a CPU has been built. */
void mmusim__machine_check_kernel(struct mmusim_machine *machine);
mmusim_status_t mmusim__machine_check_cpu(struct mmusim_machine *machine,
                                          uint32_t id);
/* The run is over. */
void mmusim__machine_check_end(struct mmusim_machine *machine);
void mmusim__machine_check_stats(const struct mmusim_machine *machine,
                                 mmusim_stats_t *stats);

#endif
