/* SPDX-License-Identifier: MIT */
/* Kernel locks in simulated time: see locks.h. */
#include "os/locks.h"

#include "coherence/system.h"
#include "core/check.h"

static bool lock_can_grant(const struct klock *lock, enum lock_mode mode)
{
    if (lock->has_writer)
        return false;
    return mode == LOCK_READ || !lock->n_readers;
}

static void lock_grant(struct klock *lock, enum lock_mode mode)
{
    if (mode == LOCK_READ)
        lock->n_readers++;
    else
        lock->has_writer = true;
}

void mmusim__lock_take(struct cpu *cpu, struct klock *lock,
                       struct lock_waiter *waiter, enum lock_mode mode,
                       enum bucket bucket)
{
    if (!lock->head && lock_can_grant(lock, mode)) {
        lock_grant(lock, mode);
        mmusim__cpu_busy(cpu, cpu->system->cost.lock_cycles, bucket);
        return;
    }
    waiter->cpu = cpu;
    waiter->mode = mode;
    waiter->next = NULL;
    if (lock->tail)
        lock->tail->next = waiter;
    else
        lock->head = waiter;
    lock->tail = waiter;
    mmusim__cpu_wait(cpu, BUCKET_LOCK);
}

void mmusim__lock_release(struct cpu *cpu, struct klock *lock,
                          enum lock_mode mode)
{
    if (mode == LOCK_READ) {
        mmusim_assert(lock->n_readers > 0);
        lock->n_readers--;
    } else {
        mmusim_assert(lock->has_writer);
        lock->has_writer = false;
    }
    while (lock->head && lock_can_grant(lock, lock->head->mode)) {
        struct lock_waiter *waiter = lock->head;

        lock->head = waiter->next;
        if (!lock->head)
            lock->tail = NULL;
        lock_grant(lock, waiter->mode);
        mmusim__cpu_wake(waiter->cpu, cpu->now,
                         cpu->system->cost.lock_handover_cycles);
    }
}
