/* SPDX-License-Identifier: MIT */
/*
 * Hears what happens in a run (mmusim/observe.h): who waited for shootdowns, in
 * which system call, and how long the longest took.
 *
 *     cc -o observe examples/observe.c $(pkg-config --cflags --libs mmusim)
 *     ./observe workload:madvise [MACHINE]
 *
 * Ends with 1 if the spans of time do not add up to what the statistics say.
 */
#include "mmusim/mmusim.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MAX_CALLS = 32 };

struct call {
    const char *name; /* of a system call; static */
    uint64_t waited_cycles;
    uint64_t n_shootdowns;
};

struct totals {
    struct call calls[MAX_CALLS];
    uint64_t waited_cycles; /* everywhere */
    mmusim_shootdown_event_t longest;
};

static struct call *call_of(struct totals *totals,
                            const mmusim_inside_t *inside)
{
    const char *name = inside->name ? inside->name : "the kernel's own work";
    size_t i = 0;

    while (i + 1 < MAX_CALLS && totals->calls[i].name &&
           strcmp(totals->calls[i].name, name) != 0)
        i++;
    totals->calls[i].name = name;
    return &totals->calls[i];
}

static void on_span(void *context, const mmusim_span_t *span)
{
    struct totals *totals = (struct totals *) context;
    uint64_t cycles = span->end_cycle - span->begin_cycle;

    if (strcmp(span->bucket_name, "ipi_wait") != 0)
        return;
    totals->waited_cycles += cycles;
    call_of(totals, &span->inside)->waited_cycles += cycles;
}

static void on_shootdown(void *context, const mmusim_shootdown_event_t *event)
{
    struct totals *totals = (struct totals *) context;
    const mmusim_shootdown_event_t *longest = &totals->longest;

    call_of(totals, &event->inside)->n_shootdowns++;
    if (event->end_cycle - event->begin_cycle >
        longest->end_cycle - longest->begin_cycle)
        totals->longest = *event;
}

static void print(const struct totals *totals)
{
    const mmusim_shootdown_event_t *longest = &totals->longest;

    for (size_t i = 0; i < MAX_CALLS && totals->calls[i].name; i++)
        printf("%-24s %8" PRIu64 " shootdowns %12" PRIu64 " cycles waited\n",
               totals->calls[i].name, totals->calls[i].n_shootdowns,
               totals->calls[i].waited_cycles);
    printf("the longest: %" PRIu64 " cycles, by CPU %u at cycle %" PRIu64
           ", for %u others\n",
           longest->end_cycle - longest->begin_cycle, (unsigned) longest->cpu,
           longest->begin_cycle, (unsigned) longest->n_targets);
}

static mmusim_status_t run(const char *workload, const char *machine_name,
                           struct totals *totals, mmusim_diag_t *diag)
{
    const mmusim_observer_t observer = {
        .context = totals,
        .on_span = on_span,
        .on_shootdown = on_shootdown,
    };
    mmusim_config_t *config = NULL;
    mmusim_machine_t *machine = NULL;
    mmusim_source_t *source = NULL;
    mmusim_stats_t *stats = NULL;
    mmusim_stat_t waited = {0};
    mmusim_status_t status;

    status = machine_name
                 ? mmusim_config_load(machine_name, NULL, &config, diag)
                 : mmusim_config_create(&config);
    if (!status)
        status = mmusim_machine_create(config, &machine, diag);
    if (!status)
        status = mmusim_machine_observe(machine, &observer);
    if (!status)
        status = mmusim_workload_source(workload, &source, diag);
    if (!status)
        status = mmusim_machine_run(machine, source, diag);
    if (!status)
        status = mmusim_machine_stats(machine, &stats);
    if (!status)
        mmusim_stats_find(stats, "cycles.ipi_wait", &waited);
    if (!status && waited.value != totals->waited_cycles)
        status = MMUSIM_UNSUPPORTED;
    mmusim_stats_destroy(stats);
    mmusim_machine_destroy(machine);
    mmusim_source_destroy(source);
    mmusim_config_destroy(config);
    return status;
}

int main(int argc, char **argv)
{
    const char *workload = argc > 1 ? argv[1] : "workload:madvise";
    struct totals totals = {0};
    mmusim_diag_t diag = {0};

    if (run(workload, argc > 2 ? argv[2] : NULL, &totals, &diag)) {
        fprintf(stderr, "observe: %s\n", diag.text);
        return 1;
    }
    print(&totals);
    return 0;
}
