/* SPDX-License-Identifier: MIT */
/*
 * Kernel locks in simulated time: granted in the order in which they are asked
 * for (event order), waiting charged to `lock`. mmap_lock is a reader-writer
 * lock, a page-table lock is always taken for writing. A waiting CPU takes
 * interrupts. Sleeping on mmap_lock is modelled as spinning.
 */
#ifndef MMUSIM_OS_LOCKS_H
#define MMUSIM_OS_LOCKS_H

#include "coherence/cpu.h"

enum lock_mode { LOCK_READ, LOCK_WRITE };

/* Lives in the frame that asks. */
struct lock_waiter {
    struct cpu *cpu;
    enum lock_mode mode;
    struct lock_waiter *next;
};

struct klock {
    uint32_t n_readers;
    bool has_writer;
    struct lock_waiter *head, *tail;
};

/* Takes the lock, or queues the waiter: sets the CPU's activity either way.
 * When the frame is stepped next, the lock is its own. bucket is charged with
 * the uncontended acquire. */
void mmusim__lock_take(struct cpu *cpu, struct klock *lock,
                       struct lock_waiter *waiter, enum lock_mode mode,
                       enum bucket bucket);
/* Releases it and lets the next in line go on. */
void mmusim__lock_release(struct cpu *cpu, struct klock *lock,
                          enum lock_mode mode);

static inline bool klock_is_idle(const struct klock *lock)
{
    return !lock->n_readers && !lock->has_writer && !lock->head;
}

#endif
