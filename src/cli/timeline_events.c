/* SPDX-License-Identifier: MIT */
/* What a machine tells, as trace events: see timeline_parts.h. */
#include "cli/timeline_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* User code is the thread's slice with nothing in it. */
static int timeline_draws(const mmusim_span_t *span)
{
    static const char *const user[] = {"base", "memory", "l1_tlb", "l2_tlb",
                                       "l3_tlb"};

    for (size_t i = 0; i < sizeof(user) / sizeof(user[0]); i++) {
        if (!strcmp(span->bucket_name, user[i]))
            return 0;
    }
    return 1;
}

static void timeline_on_span(void *context, const mmusim_span_t *span)
{
    struct timeline *timeline = context;
    unsigned track = timeline_track(timeline, span->cpu);
    struct lane_slice slice = {.name = span->bucket_name,
                               .category = span->bucket_name};

    lane_set_thread(timeline, span->cpu, span->tid, span->begin_cycle);
    timeline->lanes[span->cpu].until = span->end_cycle;
    if (!timeline_draws(span) ||
        !window_has(&timeline->window, span->begin_cycle, span->end_cycle))
        return;
    lane_show(timeline, span->cpu);
    slice.begin_cycle = window_clip(&timeline->window, span->begin_cycle);
    timeline_begin_slice(timeline, track, &slice);
    lane_draw_arrows(timeline, span);
    timeline_end_slice(timeline, track, &slice,
                       window_clip(&timeline->window, span->end_cycle), "");
}

static void timeline_on_enter(void *context, const mmusim_scope_t *scope)
{
    static const char *const categories[] = {
        [MMUSIM_SCOPE_OPERATION] = "operation",
        [MMUSIM_SCOPE_FAULT] = "page fault",
        [MMUSIM_SCOPE_FLUSH] = "flush",
        [MMUSIM_SCOPE_INTERRUPT] = "interrupt",
    };
    struct timeline *timeline = context;
    const char *category = categories[scope->kind];
    const struct lane_slice slice = {
        .name = scope->kind == MMUSIM_SCOPE_FAULT ? category : scope->name,
        .category = category,
        .begin_cycle = scope->cycle,
    };

    lane_set_thread(timeline, scope->cpu, scope->tid, scope->cycle);
    lane_push(timeline, scope->cpu, &slice);
}

static void timeline_on_leave(void *context, const mmusim_scope_t *scope)
{
    lane_pop(context, scope->cpu, scope->cycle);
}

static void timeline_on_fault(void *context, const mmusim_fault_event_t *event)
{
    struct timeline *timeline = context;

    snprintf(timeline->lanes[event->cpu].args, LANE_ARGS_BYTES,
             ",\"kind\":\"%s\",\"vaddr\":\"%#" PRIx64 "\",\"pc\":\"%#" PRIx64
             "\"",
             event->kind, event->vaddr, event->pc);
}

static void timeline_on_operation(void *context,
                                  const mmusim_operation_event_t *event)
{
    struct timeline *timeline = context;
    char file[TEXT_BYTES];

    snprintf(timeline->lanes[event->cpu].args, LANE_ARGS_BYTES,
             ",\"vaddr\":\"%#" PRIx64 "\",\"bytes\":%" PRIu64
             ",\"pc\":\"%#" PRIx64 "\"%s%s%s%s%s%s%s",
             event->vaddr, event->length_bytes, event->pc,
             event->advice ? ",\"advice\":\"" : "",
             event->advice ? event->advice : "", event->advice ? "\"" : "",
             event->file ? ",\"file\":\"" : "",
             event->file ? event_text(file, sizeof(file), event->file) : "",
             event->file ? "\"" : "",
             event->is_refused ? ",\"refused\":true" : "");
}

/* "all", or bytes as a number. */
static const char *timeline_length(char *buffer, size_t size_bytes,
                                   uint64_t length_bytes)
{
    if (length_bytes == MMUSIM_LENGTH_ALL)
        snprintf(buffer, size_bytes, "\"all\"");
    else
        snprintf(buffer, size_bytes, "%" PRIu64, length_bytes);
    return buffer;
}

static void timeline_on_flush_call(void *context,
                                   const mmusim_flush_call_event_t *event)
{
    struct timeline *timeline = context;
    char length[24];

    snprintf(timeline->lanes[event->cpu].args, LANE_ARGS_BYTES,
             ",\"vaddr\":\"%#" PRIx64 "\",\"bytes\":%s", event->vaddr,
             timeline_length(length, sizeof(length), event->length_bytes));
}

static void timeline_on_shootdown(void *context,
                                  const mmusim_shootdown_event_t *event)
{
    struct timeline *timeline = context;
    const struct timeline_window *window = &timeline->window;
    uint64_t begin = window_clip(window, event->begin_cycle);
    uint64_t end = window_clip(window, event->end_cycle);
    struct stamp from = timeline_stamp(timeline, begin);
    struct stamp to = timeline_stamp(timeline, end);
    char length[24];

    if (!window_has(window, event->begin_cycle, event->end_cycle))
        return;
    event_file_put(
        timeline->file,
        "\"ph\":\"b\",\"pid\":%d,\"tid\":%u,\"ts\":%" PRIu64
        ".%03u,\"cat\":\"shootdown\",\"name\":\"shootdown\",\"id\":"
        "\"%" PRIu64 "\",\"args\":{\"cpu\":%u,\"targets\":%u,\"cycle\":%" PRIu64
        ",\"latency_cycles\":%" PRIu64 ",\"in\":\"%s\",\"vaddr\":\"%#" PRIx64
        "\",\"bytes\":%s}",
        TIMELINE_PID, timeline_track(timeline, event->cpu), from.us, from.ns,
        event->id, (unsigned) event->cpu, (unsigned) event->n_targets,
        event->begin_cycle, event->end_cycle - event->begin_cycle,
        event->inside.name ? event->inside.name : "", event->vaddr,
        timeline_length(length, sizeof(length), event->length_bytes));
    event_file_put(timeline->file,
                   "\"ph\":\"e\",\"pid\":%d,\"tid\":%u,\"ts\":%" PRIu64
                   ".%03u,\"cat\":\"shootdown\",\"name\":\"shootdown\",\"id\":"
                   "\"%" PRIu64 "\"",
                   TIMELINE_PID, timeline_track(timeline, event->cpu), to.us,
                   to.ns, event->id);
}

static void timeline_on_miss(void *context, const mmusim_miss_event_t *event)
{
    struct timeline *timeline = context;

    timeline->lanes[event->cpu].miss = *event;
}

static unsigned timeline_walker_track(struct timeline *timeline,
                                      const mmusim_walk_event_t *event)
{
    struct lane *lane = &timeline->lanes[event->cpu];
    uint32_t walker = event->walker % (TRACKS_PER_CPU - 1);
    unsigned track = timeline_track(timeline, event->cpu) + 1 + walker;
    char name[48];

    if (walker >= 64 || lane->named_walkers >> walker & 1)
        return track;
    lane->named_walkers |= UINT64_C(1) << walker;
    snprintf(name, sizeof(name), "CPU %03u walker %u", (unsigned) event->cpu,
             (unsigned) walker);
    timeline_name_track(timeline, track, name);
    return track;
}

static void timeline_on_walk(void *context, const mmusim_walk_event_t *event)
{
    struct timeline *timeline = context;
    const struct timeline_window *window = &timeline->window;
    const mmusim_miss_event_t *miss = &timeline->lanes[event->cpu].miss;
    int is_cause = miss->cause && miss->end_cycle == event->end_cycle &&
                   !strcmp(event->purpose, "demand");
    const struct lane_slice slice = {
        .name = event->purpose,
        .category = "walker",
        .begin_cycle = window_clip(window, event->begin_cycle),
    };
    char args[256];
    unsigned track;

    if (!window_has(window, event->begin_cycle, event->end_cycle))
        return;
    track = timeline_walker_track(timeline, event);
    snprintf(args, sizeof(args),
             ",\"vaddr\":\"%#" PRIx64 "\",\"pc\":\"%#" PRIx64
             "\",\"reads\":%u,\"thread\":%u,\"cause\":\"%s\"%s%s",
             event->vaddr, event->pc, (unsigned) event->n_pte_reads,
             (unsigned) event->tid, is_cause ? miss->cause : "",
             event->is_poisoned ? ",\"poisoned\":true" : "",
             event->is_faulted ? ",\"faulted\":true" : "");
    timeline_begin_slice(timeline, track, &slice);
    timeline_end_slice(timeline, track, &slice,
                       window_clip(window, event->end_cycle), args);
}

static void timeline_on_mark(void *context, const mmusim_mark_event_t *event)
{
    struct timeline *timeline = context;
    struct stamp at = timeline_stamp(timeline, event->cycle);
    char name[TEXT_BYTES];

    window_mark(&timeline->window, event);
    if (!window_has(&timeline->window, event->cycle, event->cycle))
        return;
    event_file_put(
        timeline->file,
        "\"ph\":\"i\",\"s\":\"p\",\"pid\":%d,\"tid\":%u,\"ts\":"
        "%" PRIu64 ".%03u,\"cat\":\"mark\",\"name\":\"%s\",\"args\":"
        "{\"index\":%u,\"cpu\":%u,\"thread\":%u,\"cycle\":%" PRIu64 "}",
        TIMELINE_PID, timeline_track(timeline, event->cpu), at.us, at.ns,
        event_text(name, sizeof(name), event->name), (unsigned) event->index,
        (unsigned) event->cpu, (unsigned) event->tid, event->cycle);
}

static void timeline_on_ipi(void *context, const mmusim_ipi_event_t *event)
{
    lane_keep_arrow(context, event);
}

mmusim_observer_t timeline_observer(struct timeline *timeline)
{
    return (mmusim_observer_t){
        .context = timeline,
        .on_span = timeline_on_span,
        .on_enter = timeline_on_enter,
        .on_leave = timeline_on_leave,
        .on_miss = timeline_on_miss,
        .on_walk = timeline_on_walk,
        .on_fault = timeline_on_fault,
        .on_operation = timeline_on_operation,
        .on_flush_call = timeline_on_flush_call,
        .on_shootdown = timeline_on_shootdown,
        .on_ipi = timeline_on_ipi,
        .on_mark = timeline_on_mark,
    };
}
