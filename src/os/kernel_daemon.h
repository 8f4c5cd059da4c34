/* SPDX-License-Identifier: MIT */
/*
 * Threads of the kernel's own: no record names them. Each has an address space
 * of nobody's, borrows what its CPU has loaded, and is called to serve whenever
 * its CPU is its own; it pushes a frame of work, or sleeps.
 */
#ifndef MMUSIM_OS_KERNEL_DAEMON_H
#define MMUSIM_OS_KERNEL_DAEMON_H

#include "os/kernel.h"

struct kernel_daemon {
    struct thread thread; /* first */
    uint32_t priority;    /* kswapd's: a list's size is shifted by it */
    uint32_t n_failures;  /* kswapd's: rounds without a page in a row */
    uint32_t node;        /* kswapd's */
    bool is_bound;        /* runs on its node's CPUs only */
};

void mmusim__daemon_init(struct kernel *kernel, struct kernel_daemon *daemon,
                         void (*serve)(struct cpu *cpu, struct thread *thread));
/* Makes it runnable at kernel->now, on an idle CPU if there is one; nothing if
 * it is runnable. */
void mmusim__daemon_wake(struct kernel *kernel, struct kernel_daemon *daemon);
/* In serve(): until the next wake. */
void mmusim__daemon_sleep(struct cpu *cpu, struct thread *thread);

#endif
