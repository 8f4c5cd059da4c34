/* SPDX-License-Identifier: MIT */
/* Which CPUs of a machine have which TLB arrays in common: threads of a core by
 * tlb.LEVEL.N.smt, cores around a last level by tlb.l3.cores. */
#ifndef MMUSIM_MACHINE_MACHINE_TLBS_H
#define MMUSIM_MACHINE_MACHINE_TLBS_H

#include "machine/machine.h"

/* What shared TLBs need; nothing where none is shared. */
mmusim_status_t mmusim__machine_init_sharing(struct mmusim_machine *machine);

/* How to build a CPU's translation hardware; CPUs are built in order. */
struct mmu_setup mmusim__machine_mmu_setup(struct mmusim_machine *machine,
                                           const struct cpu *cpu);

#endif
