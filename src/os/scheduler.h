/* SPDX-License-Identifier: MIT */
/*
 * Threads on CPUs: run queues (first in, first out), time slices, sleep, the
 * idle thread, and the address-space switches that go with them.
 *
 * Kernel code is not preempted: a switch happens between two user records, or
 * when a thread gives its CPU up. A slice's end is looked at when it comes and
 * matters only if another thread is runnable then.
 */
#ifndef MMUSIM_OS_SCHEDULER_H
#define MMUSIM_OS_SCHEDULER_H

#include "os/kernel.h"

/* Puts a thread on its CPU's run queue, at the present event's cycle. An idle
 * CPU takes it at once. */
void mmusim__sched_enqueue(struct kernel *kernel, struct thread *thread,
                           uint64_t now);
/* The CPU has nothing to step: picks what runs next. Pushes a switch frame, or
 * makes the CPU wait, or returns true if the current thread just goes on. */
bool mmusim__sched_pick(struct kernel *kernel, struct cpu *cpu);
/* The current thread leaves the CPU (sleeping, exited or moved): the next pick
 * switches. */
void mmusim__sched_leave(struct kernel *kernel, struct cpu *cpu,
                         enum thread_state state);
/* A thread that waits for its order stamp: gives the CPU up if another thread
 * is runnable, else waits on it. */
void mmusim__sched_wait_order(struct kernel *kernel, struct cpu *cpu);
/* The stamp is satisfied, or the sleep over. */
void mmusim__sched_wake(struct kernel *kernel, struct thread *thread);
/* Puts the current thread to sleep for a time (0: until a `sync` holds). */
void mmusim__sched_sleep(struct kernel *kernel, struct cpu *cpu,
                         uint64_t cycles);
/* A sleeping thread is woken at a cycle. */
void mmusim__sched_wake_at(struct kernel *kernel, struct thread *thread,
                           uint64_t cycle);
/* Moves the current thread to another CPU. */
void mmusim__sched_move(struct kernel *kernel, struct cpu *cpu,
                        uint32_t target);

#endif
