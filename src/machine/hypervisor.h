/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor below a machine that runs as one guest (virt.enabled): it
 * backs guest memory when a walk finds that the second stage does not map an
 * address (EPT violation, nested page fault, stage-2 fault).
 *
 * The CPU leaves the guest (virt.exit_cycles, entry included), the block is
 * backed unless another CPU has been faster (virt.fault_cycles), and the
 * access is tried again. Guest interrupts wait meanwhile. An EPT violation
 * drops what is cached of the address, of both stages (Intel SDM vol. 3C
 * 28.3.3.1).
 *
 * The kernel's own stores to guest memory take no such exits: the first walk
 * that needs a table or page does.
 *
 * Left out: the hypervisor's locks, its own use of the TLB, its scheduler
 * (virt.preempt_* has its effect).
 */
#ifndef MMUSIM_MACHINE_HYPERVISOR_H
#define MMUSIM_MACHINE_HYPERVISOR_H

#include "coherence/cpu.h"
#include "machine/machine_config.h"

/* Makes the tables of the second stage, with the root's empty. */
mmusim_status_t mmusim__hypervisor_init(struct nested *nested,
                                        const struct machine_config *config);

/* Loads the one guest's context: VPID or VMID 1. */
void mmusim__hypervisor_enter(struct cpu *cpu,
                              const struct machine_config *config);

/* Pushes the fault's frame: vaddr needed gpaddr. *is_failed, as in
 * page_fault.h, if the second stage maps it but refuses. */
void mmusim__hypervisor_fault(struct cpu *cpu,
                              const struct guest_config *config,
                              const struct walk_request *request,
                              bool *is_failed);

#endif
