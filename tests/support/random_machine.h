/* SPDX-License-Identifier: MIT */
/*
 * Seeded random machines of up to four CPUs with very small TLBs: x86, Arm and
 * RISC-V, with every fabric, kernel, second stage and way of sharing.
 */
#ifndef MMUSIM_TESTS_SUPPORT_RANDOM_MACHINE_H
#define MMUSIM_TESTS_SUPPORT_RANDOM_MACHINE_H

#include "machine/machine_config.h"

void random_machine_init(struct machine_config *config, uint64_t seed);
/* What the kernel does to pages on its own account: huge pages, nodes. */
void random_machine_memory(struct machine_config *config, uint64_t seed);

#endif
