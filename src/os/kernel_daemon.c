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

/* select_idle_sibling(), roughly: the last CPU if it is idle, else the first
 * idle one, else the last. */
static struct cpu *daemon_choose_cpu(struct kernel *kernel,
                                     const struct thread *thread)
{
    struct cpu *cpus = kernel->system->cpus;
    struct cpu *last = thread->cpu ? thread->cpu : &cpus[0];

    for (uint32_t i = 0; i <= kernel->system->n_cpus; i++) {
        struct cpu *cpu = i ? &cpus[i - 1] : last;
        const struct os_cpu *os = kernel_cpu(kernel, cpu);

        if (!os->current && !os->queue_head && !os->n_order_waiting)
            return cpu;
    }
    return last;
}

void mmusim__daemon_wake(struct kernel *kernel, struct kernel_daemon *daemon)
{
    struct thread *thread = &daemon->thread;

    if (thread->state != THREAD_SLEEPING)
        return;
    thread->cpu = daemon_choose_cpu(kernel, thread);
    mmusim__sched_enqueue(kernel, thread, kernel->now);
}

void mmusim__daemon_sleep(struct cpu *cpu, struct thread *thread)
{
    mmusim__sched_leave(thread->kernel, cpu, THREAD_SLEEPING);
}
