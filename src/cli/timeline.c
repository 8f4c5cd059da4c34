/* SPDX-License-Identifier: MIT */
/*
 * A run as trace events: see timeline.h. Slices are pairs of B and E events of
 * one name, written in the order of their track: readers that round times
 * differently still nest them right. Times are in microseconds with three
 * decimals, rounded down; args carry cycles.
 *
 * Perfetto: src/trace_processor/importers/json (B ... E nest by order; s and f
 * bind to the slice that is open at their time, events of one time keeping the
 * order of the file; thread 0 has a meaning of its own, and so has one with the
 * number of its process).
 */
#include "cli/timeline.h"

#include "cli/cli.h"
#include "cli/output_set.h"
#include "cli/timeline_parts.h"
#include "mmusim/mmusim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- a run ---- */

void timeline_destroy(struct timeline *timeline)
{
    if (!timeline)
        return;
    for (uint32_t cpu = 0; timeline->lanes && cpu < timeline->n_cpus; cpu++) {
        while (timeline->lanes[cpu].arrows) {
            struct lane_arrow *arrow = timeline->lanes[cpu].arrows;

            timeline->lanes[cpu].arrows = arrow->next;
            free(arrow);
        }
    }
    free(timeline->lanes);
    event_file_destroy(timeline->file);
    window_fini(&timeline->window);
    free(timeline);
}

const char timeline_out[] = "--timeline";

int timeline_option(struct timeline_options *options,
                    struct output_set *outputs, const struct cli_option *option,
                    const char *value)
{
    if (!strcmp(option->name, "timeline")) {
        options->file = value;
        return output_set_add(outputs, timeline_out, value);
    }
    if (strcmp(option->name, "timeline-window") != 0)
        return -1;
    options->window = value;
    return 0;
}

int timeline_create(const struct timeline_options *options,
                    struct timeline **timeline)
{
    int status;

    *timeline = NULL;
    if (!options->file && options->window)
        return cli_error(CLI_USAGE,
                         "--timeline-window without --timeline (give the file "
                         "that is to be written)");
    if (!options->file)
        return 0;
    *timeline = calloc(1, sizeof(**timeline));
    if (!*timeline)
        return cli_error(CLI_SYSTEM, "out of memory");
    (*timeline)->path = options->file;
    status = window_parse(&(*timeline)->window, options->window);
    if (status) {
        timeline_destroy(*timeline);
        *timeline = NULL;
    }
    return status;
}

static enum event_packing timeline_packing(const char *path)
{
    size_t length = strlen(path);

    return length > 3 && !strcmp(path + length - 3, ".gz") ? EVENT_GZIP
                                                           : EVENT_PLAIN;
}

static bool timeline_open_file(struct timeline *timeline,
                               const struct timeline_about *about)
{
    char machine[TEXT_BYTES], source[TEXT_BYTES], members[3 * TEXT_BYTES];

    event_text(machine, sizeof(machine), about->machine ? about->machine : "");
    event_text(source, sizeof(source), about->source ? about->source : "");
    snprintf(members, sizeof(members),
             "\"tool\":\"mmusim %s\",\"machine\":\"%s\",\"source\":\"%s\","
             "\"clock_khz\":\"%" PRIu64 "\"",
             mmusim_version(), machine, source, timeline->clock_khz);
    timeline->file = event_file_create(
        about->stream, timeline_packing(timeline->path), members);
    if (!timeline->file)
        return false;
    event_file_put(timeline->file,
                   "\"ph\":\"M\",\"pid\":%d,\"name\":\"process_name\","
                   "\"args\":{\"name\":\"machine %s\"}",
                   TIMELINE_PID, machine);
    return true;
}

mmusim_status_t timeline_attach(struct timeline *timeline,
                                mmusim_machine_t *machine,
                                const struct timeline_about *about)
{
    const mmusim_observer_t observer = timeline_observer(timeline);

    timeline->n_cpus = mmusim_machine_cpus(machine);
    timeline->clock_khz = mmusim_machine_clock_khz(machine);
    timeline->lanes = calloc(timeline->n_cpus, sizeof(*timeline->lanes));
    if (!timeline->lanes || !timeline_open_file(timeline, about))
        return MMUSIM_NOMEM;
    return mmusim_machine_observe(machine, &observer);
}

/* The threads that run to the end. */
static void timeline_end_lanes(struct timeline *timeline)
{
    for (uint32_t cpu = 0; timeline->lanes && cpu < timeline->n_cpus; cpu++) {
        struct lane *lane = &timeline->lanes[cpu];

        while (lane->depth)
            lane_pop(timeline, cpu, lane->until);
    }
}

/* Where the run ended. */
static uint64_t timeline_end_cycle(const struct timeline *timeline)
{
    uint64_t cycle = 0;

    for (uint32_t cpu = 0; timeline->lanes && cpu < timeline->n_cpus; cpu++) {
        if (timeline->lanes[cpu].until > cycle)
            cycle = timeline->lanes[cpu].until;
    }
    return cycle;
}

static void timeline_tell(const struct timeline *timeline, uint64_t n_events)
{
    fprintf(stderr,
            "mmusim: %s: %" PRIu64 " events (open in ui.perfetto.dev)\n",
            timeline->path, n_events);
    if (n_events > MANY_EVENTS)
        fprintf(stderr,
                "mmusim: warning: %s: a browser opens so many slowly or not at "
                "all (--timeline-window A..B keeps a part of the run)\n",
                timeline->path);
}

int timeline_end(struct timeline *timeline, int status, int is_quiet)
{
    if (!timeline)
        return status;
    if (!status)
        status = window_check(&timeline->window, timeline_end_cycle(timeline));
    if (!status && timeline->has_failed)
        status = cli_error(CLI_SYSTEM, "out of memory");
    if (!status) {
        timeline_end_lanes(timeline);
        event_file_end(timeline->file);
        if (!is_quiet)
            timeline_tell(timeline, event_file_count(timeline->file));
    }
    return status;
}
