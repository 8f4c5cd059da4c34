/* SPDX-License-Identifier: MIT */
/* A CPU's waiting pages on their way to the LRU lists (Linux 4.6 mm/swap.c
 * __pagevec_lru_add, lru_add_drain), one hold of a node's lru_lock after the
 * other. See reclaim.h. */
#include "os/reclaim.h"

struct drain_frame {
    struct kframe frame;
    struct reclaim *reclaim;
    struct lru *lru;   /* that of the oldest page, while locked */
    uint32_t n_left;   /* of the pages of this pagevec */
    uint32_t n_enough; /* goes on as long as so many wait */
    struct lock_waiter waiter;
};

enum { DRAIN_BEGIN, DRAIN_LOCK, DRAIN_MOVE, DRAIN_UNLOCK };

static void drain_lock(struct cpu *cpu, struct drain_frame *drain)
{
    const struct lru_pending *pending = &drain->reclaim->pending[cpu->id];

    drain->n_left = (uint32_t) min_u64(drain->n_left, pending->n_pages);
    if (!drain->n_left) {
        drain->frame.pc = DRAIN_BEGIN;
        return;
    }
    drain->frame.pc = DRAIN_MOVE;
    drain->lru = reclaim_lru_of(drain->reclaim, pending->head);
    mmusim__lru_lock(cpu, drain->lru, &drain->waiter);
}

static void drain_move(struct cpu *cpu, struct drain_frame *drain)
{
    struct lru_pending *pending = &drain->reclaim->pending[cpu->id];
    uint32_t n = mmusim__lru_drain(drain->lru, pending, drain->n_left);

    drain->frame.pc = DRAIN_UNLOCK;
    drain->n_left -= n;
    mmusim__cpu_busy(cpu, (uint64_t) n * cpu->system->cost.lru_move_cycles,
                     BUCKET_KERNEL);
}

static enum kstep drain_step(struct cpu *cpu, struct kframe *frame)
{
    struct drain_frame *drain = (struct drain_frame *) frame;

    switch (frame->pc) {
    case DRAIN_BEGIN:
        if (drain->reclaim->pending[cpu->id].n_pages < drain->n_enough)
            return KSTEP_DONE;
        frame->pc = DRAIN_LOCK;
        drain->n_left = LRU_PAGEVEC;
        break;
    case DRAIN_LOCK:
        drain_lock(cpu, drain);
        break;
    case DRAIN_MOVE:
        drain_move(cpu, drain);
        break;
    default:
        frame->pc = DRAIN_LOCK;
        mmusim__lru_unlock(cpu, drain->lru);
        break;
    }
    return KSTEP_NEXT;
}

static bool drain_push(struct cpu *cpu, struct kernel *kernel,
                       uint32_t n_enough)
{
    struct drain_frame *drain;

    if (kernel->reclaim->pending[cpu->id].n_pages < n_enough)
        return false;
    drain = mmusim__cpu_push(cpu, drain_step, sizeof(*drain));
    drain->reclaim = kernel->reclaim;
    drain->n_enough = n_enough;
    return true;
}

bool mmusim__reclaim_drain(struct cpu *cpu, struct kernel *kernel)
{
    return drain_push(cpu, kernel, LRU_PAGEVEC);
}

bool mmusim__reclaim_drain_cpu(struct cpu *cpu, struct kernel *kernel)
{
    return drain_push(cpu, kernel, 1);
}
