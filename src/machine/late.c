/* SPDX-License-Identifier: MIT */
/* Threads whose records are late: see late.h. */
#include "machine/late.h"

#include "os/order.h"
#include "os/scheduler.h"

void mmusim__late_leave(struct core_unit *core, struct thread *thread)
{
    struct kernel *kernel = core->kernel;
    struct thread_stream *stream = thread->user;

    stream->away_cycle = core->cpu->now;
    thread->order.is_away = true;
    thread->order.was_away = true;
    thread->is_asleep = true;
    kernel->n_away++;
    mmusim__sched_leave(kernel, core->cpu, THREAD_SLEEPING);
    kernel->now = core->cpu->now;
    mmusim__order_wake_all(kernel, mmusim__sched_wake);
}

/* The operation that the thread comes back to, or NULL. */
static const struct sys_op *late_fill(struct mmusim_machine *machine,
                                      struct thread_stream *stream)
{
    struct system *system = &machine->system;

    for (;;) {
        mmusim_status_t status = mmusim__stream_fill(stream, &system->diag);
        const struct sys_op *op = mmusim__stream_sys(stream);

        if (status)
            system_fail(system, status);
        if (status || !op || op->kind != SYS_SITE)
            return op;
        mmusim__stream_skip(stream);
    }
}

static void late_bring_back(struct mmusim_machine *machine,
                            struct thread *thread)
{
    struct thread_stream *stream = thread->user;
    const struct sys_op *op;

    thread->order.is_away = false;
    machine->kernel.n_away--;
    op = late_fill(machine, stream);
    if (op && op->kind == SYS_IDLE)
        mmusim__core_slept(&machine->cores[thread->cpu->id], thread, stream);
    else
        mmusim__sched_wake(&machine->kernel, thread);
}

bool mmusim__late_return(struct mmusim_machine *machine, uint64_t now)
{
    struct kernel *kernel = &machine->kernel;
    const struct mmusim_source *source = kernel->source;
    bool has_returned = false;

    if (machine->is_returning) /* records are read here, too */
        return false;
    machine->is_returning = true;
    kernel->now = now;
    for (uint32_t i = 0; kernel->n_away && i < kernel->n_threads; i++) {
        struct thread *thread = &kernel->threads[i];

        if (!thread->order.is_away || !source->ops->is_ready(source, i))
            continue;
        late_bring_back(machine, thread);
        has_returned = true;
    }
    machine->is_returning = false;
    return has_returned;
}

static uint64_t late_now(const struct mmusim_machine *machine)
{
    uint64_t now = machine->kernel.now;

    for (uint32_t i = 0; i < machine->system.n_cpus; i++)
        now = max_u64(now, machine->system.cpus[i].now);
    return now;
}

bool mmusim__late_await(struct mmusim_machine *machine,
                        enum source_patience patience)
{
    struct system *system = &machine->system;
    struct mmusim_source *source = machine->source;
    bool has_come = true;

    while (machine->kernel.n_away && has_come) {
        mmusim_status_t status;

        if (mmusim__late_return(machine, late_now(machine)))
            return !system->has_stopped;
        status = source->ops->await(source, patience, &has_come, &system->diag);
        if (status)
            system_fail(system, status);
    }
    return false;
}
