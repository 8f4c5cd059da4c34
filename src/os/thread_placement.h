/* SPDX-License-Identifier: MIT */
/*
 * Where threads run: which CPU of the machine stands for CPU n of a trace
 * (os.thread_placement). A permutation of the CPUs: two numbers below their
 * count never share one.
 */
#ifndef MMUSIM_OS_THREAD_PLACEMENT_H
#define MMUSIM_OS_THREAD_PLACEMENT_H

#include "os/kernel.h"

/* n: any; taken modulo the CPUs. */
struct cpu *mmusim__thread_place(const struct kernel *kernel, uint64_t n);

#endif
