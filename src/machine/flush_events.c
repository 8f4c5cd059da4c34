/* SPDX-License-Identifier: MIT */
/*
 * tlb:tlb_flush events for the caller, and their text: what `perf script`
 * prints of that tracepoint (tools/perf/builtin-script.c for the columns,
 * include/trace/events/tlb.h for the rest). A thread's name is :TID, as perf
 * writes it where it knows none; the idle thread is swapper.
 */
#include "coherence/mm_rules.h"
#include "coherence/protocol.h"
#include "machine/machine.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The words changed in 6.16, and 6.14 had none for its new reason: the kernel
 * prints the number then (__print_symbolic). */
static const char *const flush_words_old[FLUSH_REASON_COUNT] = {
    [FLUSH_ON_TASK_SWITCH] = "flush on task switch",
    [FLUSH_REMOTE_SHOOTDOWN] = "remote shootdown",
    [FLUSH_LOCAL_SHOOTDOWN] = "local shootdown",
    [FLUSH_LOCAL_MM_SHOOTDOWN] = "local mm shootdown",
    [FLUSH_REMOTE_SEND_IPI] = "remote ipi send",
    [FLUSH_REMOTE_WRONG_CPU] = "0x5",
};
static const char *const flush_words_7_1[FLUSH_REASON_COUNT] = {
    [FLUSH_ON_TASK_SWITCH] = "flush on task switch",
    [FLUSH_REMOTE_SHOOTDOWN] = "remote shootdown",
    [FLUSH_LOCAL_SHOOTDOWN] = "local shootdown",
    [FLUSH_LOCAL_MM_SHOOTDOWN] = "local MM shootdown",
    [FLUSH_REMOTE_SEND_IPI] = "remote IPI send",
    [FLUSH_REMOTE_WRONG_CPU] = "remote wrong CPU",
};

static uint64_t flush_time_ns(const struct mmusim_machine *machine,
                              uint64_t cycle)
{
    uint64_t khz = machine->config.clock_khz;

    /* In two parts, lest the product overflow. */
    return cycle / khz * 1000000 + cycle % khz * 1000000 / khz;
}

static void machine_flush_event(void *context, enum flush_reason reason,
                                uint64_t pages)
{
    const struct mmusim_machine *machine = context;
    const struct system *system = &machine->system;
    const struct cpu *cpu = &system->cpus[system->acting_cpu];
    const struct thread *thread = machine->kernel.cpus[cpu->id].current;
    bool is_new = !strcmp(system->protocol->mm_rules->version, "7.1");
    const mmusim_flush_event_t event = {
        .cycle = cpu->now,
        .time_ns = flush_time_ns(machine, cpu->now),
        .pages = pages,
        .cpu = cpu->id,
        .tid = thread ? thread->tid : 0,
        .reason = reason,
        .reason_text = (is_new ? flush_words_7_1 : flush_words_old)[reason],
    };

    machine->on_flush_event(machine->flush_event_context, &event);
}

void mmusim_machine_on_flush_event(mmusim_machine_t *machine,
                                   mmusim_flush_event_fn fn, void *context)
{
    machine->on_flush_event = fn;
    machine->flush_event_context = context;
    machine->system.on_trace_flush = fn ? machine_flush_event : NULL;
    machine->system.trace_flush_context = machine;
}

size_t mmusim_flush_event_format(const mmusim_flush_event_t *event,
                                 char *buffer, size_t size_bytes)
{
    char name[16] = "swapper";
    int length;

    if (event->tid)
        snprintf(name, sizeof(name), ":%" PRIu32, event->tid);
    length =
        snprintf(buffer, size_bytes,
                 "%16s %5" PRIu32 " [%03" PRIu32 "] %5" PRIu64 ".%06" PRIu64
                 ": tlb:tlb_flush: pages:%" PRId64 " reason:%s (%" PRIu32 ")",
                 name, event->tid, event->cpu, event->time_ns / 1000000000,
                 event->time_ns / 1000 % 1000000, (int64_t) event->pages,
                 event->reason_text, event->reason);
    return length < 0 ? 0 : (size_t) length;
}
