/* SPDX-License-Identifier: MIT */
/*
 * A run as trace events: see timeline.h. Slices are pairs of B and E events,
 * written in the order of their track: readers that round times differently
 * still nest them right. Times are in microseconds with three decimals, rounded
 * down; args carry cycles.
 *
 * Perfetto: src/trace_processor/importers/json (B ... E nest by order; s and f
 * bind to the slice that is open at their time, events of one time keeping the
 * order of the file; thread 0 has a meaning of its own, and so has one with the
 * number of its process).
 */
#include "cli/timeline.h"

#include "cli/cli.h"
#include "cli/event_file.h"
#include "cli/output_set.h"
#include "cli/timeline_window.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TIMELINE_PID = 1,
    TRACKS_PER_CPU = 100, /* the CPU's own, then its walkers' */
    LANE_DEPTH = 32,
    LANE_ARGS_BYTES = 1024,
    TEXT_BYTES = 512,
    /* More than a browser opens with ease (guess: some hundred bytes each). */
    MANY_EVENTS = 1000000,
};

/* A slice that is open on a CPU's track. */
struct lane_slice {
    const char *name;
    const char *category;
    uint64_t begin_cycle;
    uint64_t vaddr;
    int is_written; /* its B event */
};

/* An arrow whose head waits for the slice that it points to. */
struct lane_arrow {
    mmusim_ipi_event_t ipi;
    struct lane_arrow *next;
};

struct lane {
    struct lane_slice slices[LANE_DEPTH]; /* the thread's is the first */
    uint32_t depth;
    uint32_t tid; /* of slices[0]; 0: there is none */
    char thread_name[24];
    char args[LANE_ARGS_BYTES]; /* of the slice that ends next */
    struct lane_arrow *arrows;
    uint64_t named_walkers; /* whose tracks have their names */
    int is_named;
    mmusim_miss_event_t miss; /* the last one told */
    uint64_t until;
};

struct timeline {
    struct event_file *file;
    const char *path;
    struct timeline_window window;
    mmusim_machine_t *machine;
    uint64_t clock_khz;
    uint32_t n_cpus;
    uint64_t n_arrows;
    struct lane *lanes;
    int has_failed; /* out of memory */
};

/* ---- places and times ---- */

struct stamp {
    uint64_t us;
    unsigned ns;
};

/* In two parts, lest the product overflow. */
static struct stamp timeline_stamp(const struct timeline *timeline,
                                   uint64_t cycle)
{
    uint64_t khz = timeline->clock_khz;
    uint64_t ns = cycle / khz * 1000000 + cycle % khz * 1000000 / khz;

    return (struct stamp){ns / 1000, (unsigned) (ns % 1000)};
}

static unsigned timeline_track(uint32_t cpu)
{
    return TRACKS_PER_CPU * (cpu + 1U);
}

static void timeline_name_track(struct timeline *timeline, unsigned track,
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

/* name is printed as is: it is the tool's own, or has been escaped. */
static void timeline_begin_slice(struct timeline *timeline, unsigned track,
                                 uint64_t cycle, const char *category,
                                 const char *name)
{
    struct stamp at = timeline_stamp(timeline, cycle);

    event_file_put(timeline->file,
                   "\"ph\":\"B\",\"pid\":%d,\"tid\":%u,\"ts\":%" PRIu64
                   ".%03u,\"cat\":\"%s\",\"name\":\"%s\",\"args\":{\"cycle\":"
                   "%" PRIu64 "}",
                   TIMELINE_PID, track, at.us, at.ns, category, name, cycle);
}

/* args: more members of the args object, each after a comma. */
static void timeline_end_slice(struct timeline *timeline, unsigned track,
                               uint64_t begin, uint64_t end, const char *args)
{
    struct stamp at = timeline_stamp(timeline, end);

    event_file_put(timeline->file,
                   "\"ph\":\"E\",\"pid\":%d,\"tid\":%u,\"ts\":%" PRIu64
                   ".%03u,\"args\":{\"cycles\":%" PRIu64 "%s}",
                   TIMELINE_PID, track, at.us, at.ns, end - begin, args);
}

/* ---- the track of a CPU ---- */

static struct lane *timeline_lane(struct timeline *timeline, uint32_t cpu)
{
    struct lane *lane = &timeline->lanes[cpu];
    char name[32];

    if (lane->is_named)
        return lane;
    lane->is_named = 1;
    snprintf(name, sizeof(name), "CPU %03u", (unsigned) cpu);
    timeline_name_track(timeline, timeline_track(cpu), name);
    return lane;
}

/* Writes the beginning of what is open on the lane, and has not been written
 * since the window was not open. */
static void lane_show(struct timeline *timeline, struct lane *lane,
                      uint32_t cpu)
{
    for (uint32_t i = 0; i < lane->depth && i < LANE_DEPTH; i++) {
        struct lane_slice *slice = &lane->slices[i];

        if (slice->is_written)
            continue;
        slice->is_written = 1;
        slice->begin_cycle = window_clip(&timeline->window, slice->begin_cycle);
        timeline_begin_slice(timeline, timeline_track(cpu), slice->begin_cycle,
                             slice->category, slice->name);
    }
}

static void lane_push(struct timeline *timeline, uint32_t cpu,
                      const struct lane_slice *slice)
{
    struct lane *lane = timeline_lane(timeline, cpu);

    if (lane->depth++ >= LANE_DEPTH)
        return;
    lane->slices[lane->depth - 1] = *slice;
    if (window_has(&timeline->window, slice->begin_cycle, slice->begin_cycle))
        lane_show(timeline, lane, cpu);
}

static void lane_pop(struct timeline *timeline, uint32_t cpu, uint64_t cycle)
{
    struct lane *lane = timeline_lane(timeline, cpu);
    const struct lane_slice *slice;

    if (lane->depth-- > LANE_DEPTH)
        return;
    slice = &lane->slices[lane->depth];
    if (!slice->is_written &&
        window_has(&timeline->window, slice->begin_cycle, cycle)) {
        lane->depth++;
        lane_show(timeline, lane, cpu);
        lane->depth--;
    }
    if (slice->is_written)
        timeline_end_slice(timeline, timeline_track(cpu), slice->begin_cycle,
                           window_clip(&timeline->window, cycle), lane->args);
    lane->args[0] = '\0';
}

/* The CPU's thread, from a cycle on: the outermost slice. */
static void lane_set_thread(struct timeline *timeline, uint32_t cpu,
                            uint32_t tid, uint64_t cycle)
{
    struct lane *lane = timeline_lane(timeline, cpu);

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
                   TIMELINE_PID, timeline_track(ipi->from_cpu), sent.us,
                   sent.ns, id);
    event_file_put(
        timeline->file,
        "\"ph\":\"f\",\"bp\":\"e\",\"pid\":%d,\"tid\":%u,\"ts\":"
        "%" PRIu64 ".%03u,\"cat\":\"ipi\",\"name\":\"ipi\",\"id\":%" PRIu64
        ",\"args\":{\"shootdown\":%" PRIu64 ",\"sent_cycle\":%" PRIu64
        ",\"delivered_cycle\":%" PRIu64 ",\"handled_cycle\":%" PRIu64 "}",
        TIMELINE_PID, timeline_track(ipi->to_cpu), begun.us, begun.ns, id,
        ipi->shootdown, ipi->sent_cycle, ipi->delivered_cycle,
        ipi->handler_begin_cycle);
}

/* Draws the arrows that end in a slice of the lane, between its B and E. */
static void lane_draw_arrows(struct timeline *timeline, struct lane *lane,
                             const mmusim_span_t *span)
{
    struct lane_arrow **link = &lane->arrows;

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

static void timeline_on_ipi(void *context, const mmusim_ipi_event_t *event)
{
    struct timeline *timeline = context;
    const struct timeline_window *window = &timeline->window;
    struct lane *from = timeline_lane(timeline, event->from_cpu);
    struct lane *to = timeline_lane(timeline, event->to_cpu);
    struct lane_arrow *arrow;

    /* what a snoop filter has kept from the target shows nowhere */
    if (event->handler_begin_cycle == event->handler_end_cycle ||
        !window_has(window, event->sent_cycle, event->sent_cycle) ||
        !window_has(window, event->handler_begin_cycle,
                    event->handler_begin_cycle))
        return;
    lane_show(timeline, from, event->from_cpu);
    arrow = malloc(sizeof(*arrow));
    if (!arrow) {
        timeline->has_failed = 1;
        return;
    }
    *arrow = (struct lane_arrow){*event, to->arrows};
    to->arrows = arrow;
}

/* ---- what the machine tells ---- */

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
    struct lane *lane = timeline_lane(timeline, span->cpu);
    unsigned track = timeline_track(span->cpu);
    uint64_t begin, end;

    lane_set_thread(timeline, span->cpu, span->tid, span->begin_cycle);
    lane->until = span->end_cycle;
    if (!timeline_draws(span) ||
        !window_has(&timeline->window, span->begin_cycle, span->end_cycle))
        return;
    lane_show(timeline, lane, span->cpu);
    begin = window_clip(&timeline->window, span->begin_cycle);
    end = window_clip(&timeline->window, span->end_cycle);
    timeline_begin_slice(timeline, track, begin, span->bucket_name,
                         span->bucket_name);
    lane_draw_arrows(timeline, lane, span);
    timeline_end_slice(timeline, track, begin, end, "");
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
        TIMELINE_PID, timeline_track(event->cpu), from.us, from.ns, event->id,
        (unsigned) event->cpu, (unsigned) event->n_targets, event->begin_cycle,
        event->end_cycle - event->begin_cycle,
        event->inside.name ? event->inside.name : "", event->vaddr,
        timeline_length(length, sizeof(length), event->length_bytes));
    event_file_put(timeline->file,
                   "\"ph\":\"e\",\"pid\":%d,\"tid\":%u,\"ts\":%" PRIu64
                   ".%03u,\"cat\":\"shootdown\",\"name\":\"shootdown\",\"id\":"
                   "\"%" PRIu64 "\"",
                   TIMELINE_PID, timeline_track(event->cpu), to.us, to.ns,
                   event->id);
}

static void timeline_on_miss(void *context, const mmusim_miss_event_t *event)
{
    struct timeline *timeline = context;

    timeline->lanes[event->cpu].miss = *event;
}

static unsigned timeline_walker_track(struct timeline *timeline,
                                      const mmusim_walk_event_t *event)
{
    struct lane *lane = timeline_lane(timeline, event->cpu);
    uint32_t walker = event->walker % (TRACKS_PER_CPU - 1);
    unsigned track = timeline_track(event->cpu) + 1 + walker;
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
    uint64_t begin = window_clip(window, event->begin_cycle);
    uint64_t end = window_clip(window, event->end_cycle);
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
    timeline_begin_slice(timeline, track, begin, "walker", event->purpose);
    timeline_end_slice(timeline, track, begin, end, args);
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
        TIMELINE_PID, timeline_track(event->cpu), at.us, at.ns,
        event_text(name, sizeof(name), event->name), (unsigned) event->index,
        (unsigned) event->cpu, (unsigned) event->tid, event->cycle);
}

/* ---- a run ---- */

static void timeline_free(struct timeline *timeline)
{
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
        timeline_free(*timeline);
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
    const mmusim_observer_t observer = {
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
        status = window_check(&timeline->window);
    if (!status && timeline->has_failed)
        status = cli_error(CLI_SYSTEM, "out of memory");
    if (!status) {
        timeline_end_lanes(timeline);
        event_file_end(timeline->file);
        if (!is_quiet)
            timeline_tell(timeline, event_file_count(timeline->file));
    }
    timeline_free(timeline);
    return status;
}
