/* SPDX-License-Identifier: MIT */
/* The tracks of a timeline: see timeline_parts.h. */
#include "cli/timeline_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct stamp timeline_stamp(const struct timeline *timeline, uint64_t cycle)
{
    uint64_t khz = timeline->clock_khz;
    /* in two parts, lest the product overflow */
    uint64_t ns = cycle / khz * 1000000 + cycle % khz * 1000000 / khz;

    return (struct stamp){ns / 1000, (unsigned) (ns % 1000)};
}

void timeline_name_track(struct timeline *timeline, unsigned track,
                         const char *name)
{
    event_file_put(timeline->file,
                   "\"ph\":\"M\",\"pid\":%d,\"tid\":%u,\"name\":"
                   "\"thread_name\",\"args\":{\"name\":\"%s\"}",
                   TIMELINE_PID, track, name);
    event_file_put(timeline->file,
                   "\"ph\":\"M\",\"pid\":%d,\"tid\":%u,\"name\":"
                   "\"thread_sort_index\",\"args\":{\"sort_index\":%u}",
                   TIMELINE_PID, track, track);
}

unsigned timeline_track(struct timeline *timeline, uint32_t cpu)
{
    struct lane *lane = &timeline->lanes[cpu];
    unsigned track = TRACKS_PER_CPU * (cpu + 1U);
    char name[32];

    if (lane->is_named)
        return track;
    lane->is_named = 1;
    snprintf(name, sizeof(name), "CPU %03u", (unsigned) cpu);
    timeline_name_track(timeline, track, name);
    return track;
}

void timeline_begin_slice(struct timeline *timeline, unsigned track,
                          const struct lane_slice *slice)
{
    struct stamp at = timeline_stamp(timeline, slice->begin_cycle);

    event_file_put(timeline->file,
                   "\"ph\":\"B\",\"pid\":%d,\"tid\":%u,\"ts\":%" PRIu64
                   ".%03u,\"cat\":\"%s\",\"name\":\"%s\"",
                   TIMELINE_PID, track, at.us, at.ns, slice->category,
                   slice->name);
}

void timeline_end_slice(struct timeline *timeline, unsigned track,
                        const struct lane_slice *slice, uint64_t end,
                        const char *args)
{
    struct stamp at = timeline_stamp(timeline, end);

    event_file_put(timeline->file,
                   "\"ph\":\"E\",\"pid\":%d,\"tid\":%u,\"ts\":%" PRIu64
                   ".%03u,\"name\":\"%s\",\"args\":{\"cycle\":%" PRIu64
                   ",\"cycles\":%" PRIu64 "%s}",
                   TIMELINE_PID, track, at.us, at.ns, slice->name,
                   slice->begin_cycle, end - slice->begin_cycle, args);
}

/* ---- what is open on a CPU ---- */

void lane_show(struct timeline *timeline, uint32_t cpu)
{
    struct lane *lane = &timeline->lanes[cpu];

    for (uint32_t i = 0; i < lane->depth && i < LANE_DEPTH; i++) {
        struct lane_slice *slice = &lane->slices[i];

        if (slice->is_written)
            continue;
        slice->is_written = 1;
        slice->begin_cycle = window_clip(&timeline->window, slice->begin_cycle);
        timeline_begin_slice(timeline, timeline_track(timeline, cpu), slice);
    }
}

void lane_push(struct timeline *timeline, uint32_t cpu,
               const struct lane_slice *slice)
{
    struct lane *lane = &timeline->lanes[cpu];

    if (lane->depth++ >= LANE_DEPTH)
        return;
    lane->slices[lane->depth - 1] = *slice;
    if (window_has(&timeline->window, slice->begin_cycle, slice->begin_cycle))
        lane_show(timeline, cpu);
}

void lane_pop(struct timeline *timeline, uint32_t cpu, uint64_t cycle)
{
    struct lane *lane = &timeline->lanes[cpu];
    const struct lane_slice *slice;

    if (lane->depth-- > LANE_DEPTH)
        return;
    slice = &lane->slices[lane->depth];
    if (!slice->is_written &&
        window_has(&timeline->window, slice->begin_cycle, cycle)) {
        lane->depth++;
        lane_show(timeline, cpu);
        lane->depth--;
    }
    if (slice->is_written)
        timeline_end_slice(timeline, timeline_track(timeline, cpu), slice,
                           window_clip(&timeline->window, cycle), lane->args);
    lane->args[0] = '\0';
}

void lane_set_thread(struct timeline *timeline, uint32_t cpu, uint32_t tid,
                     uint64_t cycle)
{
    struct lane *lane = &timeline->lanes[cpu];

    if (lane->tid == tid || lane->depth > (lane->tid != 0))
        return;
    if (lane->tid)
        lane_pop(timeline, cpu, cycle);
    lane->tid = tid;
    if (!tid)
        return;
    snprintf(lane->thread_name, sizeof(lane->thread_name), "thread %u",
             (unsigned) tid);
    lane_push(timeline, cpu,
              &(const struct lane_slice){.name = lane->thread_name,
                                         .category = "thread",
                                         .begin_cycle = cycle});
}

/* ---- arrows ---- */

static void timeline_arrow(struct timeline *timeline,
                           const mmusim_ipi_event_t *ipi)
{
    /* a nanosecond before it has left: in the slice that sends */
    uint64_t cycles_per_ns = timeline->clock_khz / 1000000 + 1;
    uint64_t leaves =
        ipi->sent_cycle > cycles_per_ns ? ipi->sent_cycle - cycles_per_ns : 0;
    struct stamp sent =
        timeline_stamp(timeline, window_clip(&timeline->window, leaves));
    struct stamp begun = timeline_stamp(timeline, ipi->handler_begin_cycle);
    uint64_t id = ++timeline->n_arrows;

    event_file_put(timeline->file,
                   "\"ph\":\"s\",\"pid\":%d,\"tid\":%u,\"ts\":%" PRIu64
                   ".%03u,\"cat\":\"ipi\",\"name\":\"ipi\",\"id\":%" PRIu64,
                   TIMELINE_PID, timeline_track(timeline, ipi->from_cpu),
                   sent.us, sent.ns, id);
    event_file_put(
        timeline->file,
        "\"ph\":\"f\",\"bp\":\"e\",\"pid\":%d,\"tid\":%u,\"ts\":"
        "%" PRIu64 ".%03u,\"cat\":\"ipi\",\"name\":\"ipi\",\"id\":%" PRIu64
        ",\"args\":{\"shootdown\":%" PRIu64 ",\"sent_cycle\":%" PRIu64
        ",\"delivered_cycle\":%" PRIu64 ",\"handled_cycle\":%" PRIu64 "}",
        TIMELINE_PID, timeline_track(timeline, ipi->to_cpu), begun.us, begun.ns,
        id, ipi->shootdown, ipi->sent_cycle, ipi->delivered_cycle,
        ipi->handler_begin_cycle);
}

void lane_draw_arrows(struct timeline *timeline, const mmusim_span_t *span)
{
    struct lane_arrow **link = &timeline->lanes[span->cpu].arrows;

    while (*link) {
        struct lane_arrow *arrow = *link;

        if (arrow->ipi.handler_begin_cycle >= span->end_cycle) {
            link = &arrow->next;
            continue;
        }
        if (arrow->ipi.handler_begin_cycle >= span->begin_cycle)
            timeline_arrow(timeline, &arrow->ipi);
        *link = arrow->next;
        free(arrow);
    }
}

void lane_keep_arrow(struct timeline *timeline, const mmusim_ipi_event_t *event)
{
    const struct timeline_window *window = &timeline->window;
    struct lane *to = &timeline->lanes[event->to_cpu];
    struct lane_arrow *arrow;

    /* what a snoop filter has kept from the target shows nowhere */
    if (event->handler_begin_cycle == event->handler_end_cycle ||
        !window_has(window, event->sent_cycle, event->sent_cycle) ||
        !window_has(window, event->handler_begin_cycle,
                    event->handler_begin_cycle))
        return;
    lane_show(timeline, event->from_cpu);
    arrow = malloc(sizeof(*arrow));
    if (!arrow) {
        timeline->has_failed = 1;
        return;
    }
    *arrow = (struct lane_arrow){*event, to->arrows};
    to->arrows = arrow;
}
