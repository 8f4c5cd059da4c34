/* SPDX-License-Identifier: MIT */
/* Threads of the kernel's own: see kernel_daemon.h. */
#include "os/kernel_daemon.h"

#include "os/scheduler.h"

void mmusim__daemon_init(struct kernel *kernel, struct kernel_daemon *daemon,
                         void (*serve)(struct cpu *cpu, struct thread *thread))
{
    daemon->thread.kernel = kernel;
    daemon->thread.state = THREAD_SLEEPING;
    daemon->thread.serve = serve;
}

/* kswapd() of Linux sets its affinity to cpumask_of_node(). */
static bool daemon_may_use(const struct kernel_daemon *daemon,
                           const struct cpu *cpu)
{
    return !daemon->is_bound || cpu->socket == daemon->node;
}

/* The CPU that it had, at first the first one that it may use. */
static struct cpu *daemon_last_cpu(struct kernel *kernel,
                                   const struct kernel_daemon *daemon)
{
    struct cpu *cpus = kernel->system->cpus;

    if (daemon->thread.cpu)
        return daemon->thread.cpu;
    for (uint32_t i = 0; i < kernel->system->n_cpus; i++) {
        if (daemon_may_use(daemon, &cpus[i]))
            return &cpus[i];
    }
    return &cpus[0];
}

/* select_idle_sibling(), roughly: the last CPU if it is idle, else the first
 * idle one, else the last. */
static struct cpu *daemon_choose_cpu(struct kernel *kernel,
                                     const struct kernel_daemon *daemon)
{
    struct cpu *cpus = kernel->system->cpus;
    struct cpu *last = daemon_last_cpu(kernel, daemon);

    for (uint32_t i = 0; i <= kernel->system->n_cpus; i++) {
        struct cpu *cpu = i ? &cpus[i - 1] : last;
        const struct os_cpu *os = kernel_cpu(kernel, cpu);

        if (daemon_may_use(daemon, cpu) && !os->current && !os->queue_head &&
            !os->n_order_waiting)
            return cpu;
    }
    return last;
}

void mmusim__daemon_wake(struct kernel *kernel, struct kernel_daemon *daemon)
{
    struct thread *thread = &daemon->thread;

    if (thread->state != THREAD_SLEEPING)
        return;
    thread->cpu = daemon_choose_cpu(kernel, daemon);
    mmusim__sched_enqueue(kernel, thread, kernel->now);
}

void mmusim__daemon_sleep(struct cpu *cpu, struct thread *thread)
{
    mmusim__sched_leave(thread->kernel, cpu, THREAD_SLEEPING);
}
