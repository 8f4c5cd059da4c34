/* SPDX-License-Identifier: MIT */
/* Running a machine over a source: see machine.h and mmusim/machine.h. */
#include "coherence/observers.h"
#include "core/diag.h"
#include "machine/late.h"
#include "machine/machine_check.h"
#include "os/mm.h"
#include "os/order.h"
#include "os/process.h"
#include "os/scheduler.h"

#include <stdlib.h>

enum {
    PROGRESS_RECORDS = 1 << 18,
    PROGRESS_EVENTS = 1 << 22,
};

void mmusim_machine_on_progress(mmusim_machine_t *machine,
                                mmusim_progress_fn fn, void *context)
{
    machine->on_progress = fn;
    machine->progress_context = context;
}

static void machine_report(struct mmusim_machine *machine)
{
    mmusim_progress_t progress = {
        .records = machine->records_done,
        .total_records = machine->total_records,
    };

    for (uint32_t i = 0; i < machine->system.n_cpus; i++) {
        progress.accesses += machine->cores[i].counters.accesses;
        progress.cycles = max_u64(progress.cycles, machine->system.cpus[i].now);
    }
    if (machine->on_progress(machine->progress_context, &progress)) {
        mmusim__diag_set(&machine->system.diag, MMUSIM_INTERRUPTED,
                         "interrupted");
        system_fail(&machine->system, MMUSIM_INTERRUPTED);
    }
}

static void machine_on_records(void *context, uint64_t n_records)
{
    struct mmusim_machine *machine = context;

    machine->records_done += n_records;
    if (machine->kernel.n_away)
        mmusim__late_return(
            machine, machine->system.cpus[machine->system.acting_cpu].now);
    if (!machine->on_progress || machine->records_done < machine->next_progress)
        return;
    machine->next_progress = machine->records_done + PROGRESS_RECORDS;
    machine_report(machine);
}

static void machine_on_thread_end(struct thread *thread)
{
    struct thread_stream *stream = thread->user;

    stream->has_ended = true;
    stream->piece = (struct op_piece){0};
    if (stream->source->ops->release)
        stream->source->ops->release(stream->source, stream->thread_index);
}

static void machine_on_thread_begin(struct thread *thread)
{
    struct core_unit *core = thread->kernel->system->cpus[0].user;
    struct mmusim_machine *machine = core->records_context;
    struct thread_stream *stream = &machine->streams[thread->index];

    stream->source = machine->source;
    stream->thread_index = thread->index;
    stream->keeps_pc = machine->observers;
    thread->user = stream;
}

static mmusim_status_t machine_attach(struct mmusim_machine *machine,
                                      struct mmusim_source *source)
{
    struct kernel *kernel = &machine->kernel;
    mmusim_status_t status;

    size_t room = (size_t) max_u64(source->n_threads, source->max_threads) + 1;

    machine->source = source;
    machine->streams = calloc(room, sizeof(*machine->streams));
    if (!machine->streams)
        return MMUSIM_NOMEM;
    machine->total_records = source->total_records;
    kernel->on_thread_begin = machine_on_thread_begin;
    kernel->on_thread_end = machine_on_thread_end;
    for (uint32_t i = 0; i < machine->system.n_cpus; i++) {
        machine->cores[i].on_records = machine_on_records;
        machine->cores[i].records_context = machine;
    }
    status = mmusim__threads_create(kernel, source);
    for (uint32_t i = 0; i < machine->system.n_cpus; i++)
        mmusim__cpu_start(&machine->system.cpus[i]);
    return status;
}

/* All threads of a program that still runs share its address space. */
static struct mm *machine_orphan_mm(struct mmusim_machine *machine)
{
    struct kernel *kernel = &machine->kernel;

    for (uint32_t i = 0; machine->source->max_threads && i < kernel->n_threads;
         i++) {
        if (kernel->threads[i].mm)
            return kernel->threads[i].mm;
    }
    return mmusim__mm_create(kernel);
}

/* Threads whose creator has gone without a word start when nothing else is
 * left to run. */
static bool machine_start_orphans(struct mmusim_machine *machine)
{
    struct kernel *kernel = &machine->kernel;
    bool has_started = false;

    for (uint32_t i = 0; i < kernel->n_threads; i++) {
        struct mm *mm;

        if (kernel->threads[i].state != THREAD_UNBORN)
            continue;
        mm = machine_orphan_mm(machine);
        if (!mm)
            return false;
        mmusim__thread_start(kernel, &kernel->threads[i], mm, kernel->now);
        has_started = true;
    }
    return has_started;
}

static void machine_check_memory(struct mmusim_machine *machine)
{
    struct system *system = &machine->system;

    for (uint32_t i = 0; i < system->n_cpus; i++) {
        if (system->cpus[i].mmu.has_failed)
            system_fail(system, MMUSIM_NOMEM);
    }
    if (system->queue.has_failed ||
        system->shootdowns.latency_cycles.has_failed)
        system_fail(system, MMUSIM_NOMEM);
}

/* Nobody can go on by himself. */
static bool machine_go_on(struct mmusim_machine *machine)
{
    struct kernel *kernel = &machine->kernel;

    mmusim__threads_update(kernel);
    return mmusim__late_await(machine, SOURCE_IN_BOUNDS) ||
           (!machine->system.has_stopped &&
            (mmusim__order_break(kernel, mmusim__sched_wake) ||
             machine_start_orphans(machine) ||
             mmusim__late_await(machine, SOURCE_LAST_RESORT)));
}

static void machine_run_events(struct mmusim_machine *machine)
{
    struct system *system = &machine->system;
    uint64_t n_events = 0;

    for (;;) {
        struct event *event = mmusim__event_pop(&system->queue);

        if (event) {
            /* Records may be long in coming; an interrupt is heard anyway. */
            if (++n_events % PROGRESS_EVENTS == 0 && machine->on_progress)
                machine_report(machine);
            machine->kernel.now = event->key.cycle;
            event->fire(event->context, event);
            if (system->has_stopped)
                return;
            continue;
        }
        if (!machine_go_on(machine))
            return;
    }
}

/* All CPUs end at the same cycle, that of the last to have done anything. */
static void machine_end(struct mmusim_machine *machine)
{
    struct system *system = &machine->system;
    uint64_t end = 0;

    for (uint32_t i = 0; i < system->n_cpus; i++)
        end = max_u64(end, system->cpus[i].now);
    for (uint32_t i = 0; i < system->n_cpus; i++)
        cpu_account(&system->cpus[i], end, system->cpus[i].activity.bucket);
    if (machine->observers)
        mmusim__observers_end(machine->observers);
    machine->end_cycle = end;
    if (machine->regions)
        mmusim__regions_end(machine->regions, end);
}

mmusim_status_t mmusim_machine_attach_marks(mmusim_machine_t *machine)
{
    if (machine->has_run)
        return MMUSIM_USAGE;
    if (!machine->regions)
        machine->regions = mmusim__regions_create(machine);
    machine->marks.regions = machine->regions;
    return machine->regions ? MMUSIM_OK : MMUSIM_NOMEM;
}

mmusim_status_t mmusim_machine_run(mmusim_machine_t *machine,
                                   mmusim_source_t *source, mmusim_diag_t *diag)
{
    struct system *system = &machine->system;
    mmusim_status_t status;

    if (machine->has_run)
        return mmusim__diag_set(diag, MMUSIM_USAGE,
                                "a machine runs one source, once");
    machine->has_run = true;
    status = machine_attach(machine, source);
    if (status)
        return mmusim__diag_set(diag, status, "%s", mmusim_strerror(status));
    machine_run_events(machine);
    mmusim__machine_check_end(machine);
    machine_check_memory(machine);
    machine_end(machine);
    if (!system->has_stopped)
        return MMUSIM_OK;
    if (diag) {
        *diag = system->diag;
        if (!diag->text[0])
            mmusim__diag_set(diag, system->status, "%s",
                             mmusim_strerror(system->status));
    }
    return system->status;
}
