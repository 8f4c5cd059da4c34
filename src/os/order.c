/* SPDX-License-Identifier: MIT */
/* Order stamps: see order.h. */
#include "os/order.h"

static bool order_is_live(const struct thread *thread)
{
    return thread->state != THREAD_UNBORN && thread->state != THREAD_EXITED &&
           !thread->order.is_away;
}

/* Are all of a thread's operations up to n behind it? */
static bool order_has_done(const struct thread *thread, uint64_t n)
{
    return thread->order.done >= min_u64(n, thread->order.last_sync);
}

/* Has it reached its first line >= n, if it has one? */
static bool order_has_reached(const struct thread *thread, uint64_t n)
{
    return n > thread->order.last_sync || thread->order.reached >= n;
}

/* Rule 1 for going beyond `sync n`: operations 1..limit are done. */
static bool order_may_pass(const struct kernel *kernel,
                           const struct thread *thread, uint64_t limit)
{
    for (uint32_t i = 0; i < kernel->n_threads; i++) {
        const struct thread *other = &kernel->threads[i];

        if (other != thread && order_is_live(other) &&
            !order_has_done(other, limit))
            return false;
    }
    return true;
}

/* Rule 2 for starting operation n. */
static bool order_may_start(const struct kernel *kernel,
                            const struct thread *thread, uint64_t n)
{
    for (uint32_t i = 0; i < kernel->n_threads; i++) {
        const struct thread *other = &kernel->threads[i];

        if (other != thread && order_is_live(other) &&
            !order_has_reached(other, n))
            return false;
    }
    return true;
}

static bool order_may_go_on(const struct kernel *kernel,
                            const struct thread *thread)
{
    const struct thread_order *order = &thread->order;

    if (order->own_op)
        return order_may_pass(kernel, thread, order->own_op - 1) &&
               order_may_start(kernel, thread, order->own_op);
    return order_may_pass(kernel, thread, order->reached);
}

/* A stamp that names no operation of this trace. */
static void order_note_gap(struct kernel *kernel, const struct thread *thread)
{
    const struct thread_order *order = &thread->order;

    if (!order->own_op && order->reached > kernel->last_op_done)
        kernel->order_broken++;
}

bool mmusim__order_arrive(struct kernel *kernel, struct thread *thread,
                          uint64_t n, bool has_own_op)
{
    struct thread_order *order = &thread->order;

    /* Operations ran that should have waited for this line. */
    if (order->was_away && kernel->is_order_recorded &&
        n < kernel->last_op_done + has_own_op)
        kernel->order_broken++;
    order->was_away = false;
    order->reached = max_u64(order->reached, n);
    order->own_op = has_own_op ? n : 0;
    order->done = max_u64(order->done, has_own_op ? n - 1 : n);
    if (order_may_go_on(kernel, thread)) {
        order_note_gap(kernel, thread);
        return true;
    }
    order->is_waiting = true;
    return false;
}

void mmusim__order_effect(struct kernel *kernel, struct thread *thread)
{
    struct thread_order *order = &thread->order;

    if (!order->own_op)
        return;
    kernel->last_op_done = max_u64(kernel->last_op_done, order->own_op);
    order->done = max_u64(order->done, order->own_op);
    order->own_op = 0;
}

void mmusim__order_wake_all(struct kernel *kernel,
                            void (*wake)(struct kernel *kernel,
                                         struct thread *thread))
{
    for (uint32_t i = 0; i < kernel->n_threads; i++) {
        struct thread *thread = &kernel->threads[i];

        if (!thread->order.is_waiting || !order_may_go_on(kernel, thread))
            continue;
        thread->order.is_waiting = false;
        order_note_gap(kernel, thread);
        wake(kernel, thread);
    }
}

bool mmusim__order_break(struct kernel *kernel,
                         void (*wake)(struct kernel *kernel,
                                      struct thread *thread))
{
    struct thread *first = NULL;

    for (uint32_t i = 0; i < kernel->n_threads; i++) {
        struct thread *thread = &kernel->threads[i];

        if (thread->order.is_waiting &&
            (!first || thread->order.reached < first->order.reached))
            first = thread;
    }
    if (!first)
        return false;
    first->order.is_waiting = false;
    kernel->order_broken++;
    wake(kernel, first);
    return true;
}
