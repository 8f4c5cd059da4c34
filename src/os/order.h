/* SPDX-License-Identifier: MIT */
/*
 * Order stamps (contract: `sync N`, order: recorded).
 *
 * Everything before `sync N` in its thread happened before operation N of the
 * whole trace ended, everything after it after operation N took effect. The
 * operation that follows a `sync N` line directly is number N.
 *
 *   rule 1  no record after `sync N` runs before operations 1..N have taken
 *           effect, except the operation numbered N itself
 *   rule 2  operation N starts only when every live thread that has a later
 *           `sync M`, M >= N, has reached its first such line
 *
 * Stamps of one thread do not decrease, so both need only, per thread, the
 * line reached, how far its own operations are done, and the greatest stamp
 * of its stream. Operations in progress have *taken effect* when the last
 * page-table or VMA edit is made, before the flush that follows: the other
 * threads run while the shootdown is under way, as they did.
 */
#ifndef MMUSIM_OS_ORDER_H
#define MMUSIM_OS_ORDER_H

#include "os/kernel.h"

/* The thread is at `sync n`; has_own_op: the next record is operation n.
 * True: it may go on; false: it waits, and mmusim__order_wake_all() will tell
 * when it may (thread->order.is_waiting turns false). */
bool mmusim__order_arrive(struct kernel *kernel, struct thread *thread,
                          uint64_t n, bool has_own_op);

/* The operation the thread is running has taken effect; idempotent. */
void mmusim__order_effect(struct kernel *kernel, struct thread *thread);

/* Lets every waiting thread go on that may, after any change (an arrival, an
 * effect, an exit). wake is called for each. */
void mmusim__order_wake_all(struct kernel *kernel,
                            void (*wake)(struct kernel *kernel,
                                         struct thread *thread));

/* No event is left and threads wait: the stamp of the one with the smallest
 * number counts as satisfied. False: nobody waits. */
bool mmusim__order_break(struct kernel *kernel,
                         void (*wake)(struct kernel *kernel,
                                      struct thread *thread));

#endif
