/* SPDX-License-Identifier: MIT */
/*
 * Events to counts. A place is looked up when the event comes, in the mappings
 * of that moment; what a place is called is found out after the run.
 *
 * An operation is told at its end, the time inside it before: until then its
 * addresses are those before it, which is what munmap and mremap need.
 */
#include "cli/annotate_collect.h"

#include "cli/annotate_mappings.h"

#include <stdlib.h>
#include <string.h>

enum {
    CODE_UNKNOWN = 0, /* pc: none is known */
    SPAN_UNKNOWN = 0,
    SPAN_OTHER,
    SPAN_IDLE,
    SPAN_FLUSH,
    SPAN_WAIT,
};

const char *const annotate_metric_words[] = {
#define ANNOTATE_METRIC_WORD(name, word, unit, help) word,
    ANNOTATE_METRIC_MAP(ANNOTATE_METRIC_WORD)
#undef ANNOTATE_METRIC_WORD
        NULL};

/* Where an event counts: an index in each table. */
struct place {
    uint32_t code;
    uint32_t object;
    uint32_t call;
    uint32_t thread;
    /* A system call: its code is the end of its chain in by_call, and counts
     * for whoever in the chain has asked for it. */
    int is_operation;
};

/* ---- tables ---- */

int annotate_reserve(void **list, uint32_t *room, uint32_t index, size_t size)
{
    uint32_t wanted = *room ? *room : 64;
    void *grown;

    if (index < *room)
        return 1;
    while (wanted <= index)
        wanted *= 2;
    grown = realloc(*list, wanted * size);
    if (!grown)
        return 0;
    memset((char *) grown + *room * size, 0, (wanted - *room) * size);
    *list = grown;
    *room = wanted;
    return 1;
}

uint32_t annotate_table_get(struct annotate_collector *collector,
                            struct annotate_table *table, uint64_t a,
                            uint64_t b)
{
    uint32_t index = key_table_get(&table->keys, a, b);
    void *counts = table->counts;

    if (index == KEY_TABLE_NO_MEMORY ||
        !annotate_reserve(&counts, &table->room, index,
                          sizeof(*table->counts))) {
        collector->has_failed = 1;
        return 0;
    }
    table->counts = counts;
    return index;
}

static void collect_add(struct annotate_collector *collector,
                        const struct place *place, enum annotate_metric metric,
                        uint64_t n)
{
    if (!place->is_operation)
        collector->by_code.counts[place->code].of[metric] += n;
    collector->by_object.counts[place->object].of[metric] += n;
    collector->by_call.counts[place->call].of[metric] += n;
    collector->by_thread.counts[place->thread].of[metric] += n;
}

uint32_t annotate_object_get(struct annotate_collector *collector,
                             const char *text, int is_file, uint64_t build)
{
    const char *name = name_pool_keep(collector->names, text);
    void *objects = collector->objects;
    uint32_t index;

    index = name ? key_table_get(&collector->object_keys,
                                 (uint64_t) (uintptr_t) name, is_file != 0)
                 : KEY_TABLE_NO_MEMORY;
    if (index == KEY_TABLE_NO_MEMORY ||
        !annotate_reserve(&objects, &collector->objects_room, index,
                          sizeof(*collector->objects))) {
        collector->has_failed = 1;
        return 0;
    }
    collector->objects = objects;
    collector->objects[index].name = index ? name : "[others]";
    collector->objects[index].is_file = index && is_file;
    if (build)
        collector->objects[index].build = build;
    return index;
}

/* ---- places ---- */

/* The code that pc lies in. */
static uint32_t collect_code(struct annotate_collector *collector,
                             const struct annotate_space *space, uint64_t pc)
{
    const struct annotate_mapping *mapping;

    if (pc == 0)
        return CODE_UNKNOWN;
    if (pc >> 63)
        return annotate_table_get(collector, &collector->by_code,
                                  ANNOTATE_OBJECT_KERNEL, pc);
    mapping = annotate_space_find(space, pc);
    if (!mapping)
        return annotate_table_get(collector, &collector->by_code,
                                  ANNOTATE_OBJECT_NONE, pc);
    return annotate_table_get(collector, &collector->by_code, mapping->object,
                              pc - mapping->start + mapping->offset);
}

/* by_object has the objects' own indices as keys, so that 0 is 0. */
static uint32_t collect_object(struct annotate_collector *collector,
                               const struct annotate_space *space,
                               uint64_t vaddr)
{
    const struct annotate_mapping *mapping = annotate_space_find(space, vaddr);
    uint32_t object = mapping       ? mapping->object
                      : vaddr >> 63 ? (uint32_t) ANNOTATE_OBJECT_KERNEL
                                    : (uint32_t) ANNOTATE_OBJECT_NONE;

    return annotate_table_get(collector, &collector->by_object, object, 0);
}

/* The chain of calls that ends with code: those of the thread's system call, or
 * no others (NULL). Frames are return addresses: the calls are before them. */
static uint32_t collect_chain(struct annotate_collector *collector,
                              const struct annotate_space *space,
                              const struct annotate_thread *thread,
                              uint32_t code)
{
    uint32_t chain = 0;

    for (uint32_t i = thread ? thread->n_sites : 0; i-- > 0;) {
        uint32_t frame = collect_code(collector, space, thread->sites[i] - 1);

        chain = key_table_get(&collector->chains, chain, frame);
        if (chain == KEY_TABLE_NO_MEMORY)
            break;
    }
    if (chain != KEY_TABLE_NO_MEMORY)
        chain = key_table_get(&collector->chains, chain, code);
    if (chain != KEY_TABLE_NO_MEMORY)
        return chain;
    collector->has_failed = 1;
    return 0;
}

/* inside: what the thread is in; its name may be NULL. */
static struct place collect_place_inside(struct annotate_collector *collector,
                                         uint32_t tid,
                                         const mmusim_inside_t *inside)
{
    const struct annotate_thread *thread =
        annotate_thread_get(collector, tid, 0);
    const struct annotate_space *space = &collector->spaces[thread->space];
    int is_fault = inside->name && !strcmp(inside->name, "fault");
    struct place place = {.thread = thread->index};
    uint32_t chain;

    if (!inside->name) {
        place.object = annotate_table_get(collector, &collector->by_object,
                                          ANNOTATE_OBJECT_KERNEL, 0);
        place.call = annotate_table_get(collector, &collector->by_call, 0, 0);
        return place;
    }
    place.code = collect_code(collector, space, inside->pc);
    place.object = collect_object(collector, space, inside->vaddr);
    chain =
        collect_chain(collector, space, is_fault ? NULL : thread, place.code);
    place.call = annotate_table_get(
        collector, &collector->by_call,
        (uint64_t) (uintptr_t) name_pool_keep(collector->names, inside->name),
        chain);
    place.is_operation = !is_fault && place.call != 0;
    return place;
}

/* An access of user code. */
static struct place collect_place(struct annotate_collector *collector,
                                  const struct annotate_thread *thread,
                                  uint64_t vaddr, uint64_t pc)
{
    const struct annotate_space *space = &collector->spaces[thread->space];

    return (struct place){
        .thread = thread->index,
        .code = collect_code(collector, space, pc),
        .object = collect_object(collector, space, vaddr),
        .call = annotate_table_get(collector, &collector->by_call, 0, 0),
    };
}

/* ---- events ---- */

static int collect_span_kind(struct annotate_collector *collector,
                             const mmusim_span_t *span)
{
    static const struct {
        const char *name;
        int8_t kind;
    } kinds[] = {{"idle", SPAN_IDLE},
                 {"order", SPAN_IDLE},
                 {"flush_local", SPAN_FLUSH},
                 {"ipi_send", SPAN_WAIT},
                 {"ipi_wait", SPAN_WAIT}};
    int8_t *kind = &collector->bucket_kinds[span->bucket % 64];

    if (*kind != SPAN_UNKNOWN)
        return *kind;
    *kind = SPAN_OTHER;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (!strcmp(span->bucket_name, kinds[i].name))
            *kind = kinds[i].kind;
    }
    return *kind;
}

static void collect_on_span(void *context, const mmusim_span_t *span)
{
    struct annotate_collector *collector = context;
    int kind = collect_span_kind(collector, span);
    uint64_t cycles = span->end_cycle - span->begin_cycle;
    struct place place;

    if (kind == SPAN_IDLE || (kind == SPAN_OTHER && !span->inside.name))
        return;
    place = collect_place_inside(collector, span->tid, &span->inside);
    if (span->inside.name)
        collect_add(collector, &place,
                    strcmp(span->inside.name, "fault") != 0
                        ? ANNOTATE_OPERATION_CYCLES
                        : ANNOTATE_FAULT_CYCLES,
                    cycles);
    if (kind == SPAN_FLUSH)
        collect_add(collector, &place, ANNOTATE_FLUSH_CYCLES, cycles);
    if (kind == SPAN_WAIT)
        collect_add(collector, &place, ANNOTATE_SHOOTDOWN_WAIT, cycles);
}

static void collect_on_miss(void *context, const mmusim_miss_event_t *event)
{
    struct annotate_collector *collector = context;
    int is_fetch = event->kind == MMUSIM_ACCESS_FETCH;
    struct place place = collect_place(
        collector, annotate_thread_get(collector, event->tid, event->space),
        event->vaddr, is_fetch ? event->vaddr : event->pc);

    collect_add(collector, &place, ANNOTATE_MISSES, 1);
    if (is_fetch)
        collect_add(collector, &place, ANNOTATE_FETCH_MISSES, 1);
}

static void collect_on_walk(void *context, const mmusim_walk_event_t *event)
{
    struct annotate_collector *collector = context;
    struct place place =
        collect_place(collector, annotate_thread_get(collector, event->tid, 0),
                      event->vaddr, event->pc);

    collect_add(collector, &place, ANNOTATE_WALKS, 1);
    collect_add(collector, &place, ANNOTATE_WALK_CYCLES,
                event->end_cycle - event->begin_cycle);
}

static void collect_on_fault(void *context, const mmusim_fault_event_t *event)
{
    struct annotate_collector *collector = context;
    const mmusim_inside_t inside = {"fault", event->vaddr, 0, event->pc};
    struct place place;

    (void) annotate_thread_get(collector, event->tid, event->space);
    place = collect_place_inside(collector, event->tid, &inside);
    collect_add(collector, &place, ANNOTATE_FAULTS, 1);
}

static void collect_on_flush(void *context,
                             const mmusim_flush_call_event_t *event)
{
    struct annotate_collector *collector = context;
    struct place place =
        collect_place_inside(collector, event->tid, &event->inside);

    collect_add(collector, &place, ANNOTATE_FLUSHES, 1);
}

static void collect_on_shootdown(void *context,
                                 const mmusim_shootdown_event_t *event)
{
    struct annotate_collector *collector = context;
    struct place place =
        collect_place_inside(collector, event->tid, &event->inside);

    collect_add(collector, &place, ANNOTATE_SHOOTDOWNS, 1);
}

static void collect_on_operation(void *context,
                                 const mmusim_operation_event_t *event)
{
    struct annotate_collector *collector = context;
    const mmusim_inside_t inside = {event->name, event->vaddr,
                                    event->length_bytes, event->pc};
    struct place place;

    (void) annotate_thread_get(collector, event->tid, event->space);
    place = collect_place_inside(collector, event->tid, &inside);
    collect_add(collector, &place, ANNOTATE_OPERATIONS, 1);
    annotate_mappings_change(collector, event);
    annotate_thread_get(collector, event->tid, 0)->n_sites = 0;
}

static void collect_on_image(void *context, const mmusim_image_event_t *event)
{
    struct annotate_collector *collector = context;
    const struct annotate_thread *thread =
        annotate_thread_get(collector, event->tid, event->space);
    struct annotate_mapping mapping = {
        .start = event->vaddr,
        .end = annotate_page_up(event->vaddr + event->length_bytes),
        .offset = event->is_file ? event->file_offset : 0,
    };
    struct annotate_space *space = &collector->spaces[thread->space];

    mapping.object =
        event->is_file || strcmp(event->name, "[anon]") != 0
            ? annotate_object_get(collector, event->name, event->is_file,
                                  event->build)
            : annotate_object_anonymous(collector, event->length_bytes);
    if (mapping.object == ANNOTATE_OBJECT_HEAP && !space->heap_start)
        space->heap_start = mapping.start;
    collector->has_images = 1;
    collector->has_lines |= event->has_lines;
    if (!annotate_space_map(space, &mapping))
        collector->has_failed = 1;
}

static void collect_on_site(void *context, const mmusim_site_event_t *event)
{
    struct annotate_collector *collector = context;
    struct annotate_thread *thread =
        annotate_thread_get(collector, event->tid, 0);

    if (thread->n_sites < ANNOTATE_SITES_MAX)
        thread->sites[thread->n_sites++] = event->vaddr;
}

/* ---- the collector ---- */

static int table_init(struct annotate_table *table)
{
    void *counts = NULL;

    if (!key_table_init(&table->keys, ANNOTATE_PLACES_MAX) ||
        !annotate_reserve(&counts, &table->room, 0, sizeof(*table->counts)))
        return 0;
    table->counts = counts;
    return 1;
}

static void table_fini(struct annotate_table *table)
{
    key_table_fini(&table->keys);
    free(table->counts);
}

int annotate_collector_init(struct annotate_collector *collector)
{
    memset(collector, 0, sizeof(*collector));
    collector->names = name_pool_create();
    if (!collector->names ||
        !key_table_init(&collector->object_keys, ANNOTATE_PLACES_MAX) ||
        !table_init(&collector->by_object) ||
        !table_init(&collector->by_code) || !table_init(&collector->by_call) ||
        !table_init(&collector->by_thread) ||
        !key_table_init(&collector->chains, ANNOTATE_PLACES_MAX) ||
        !annotate_mappings_init(collector))
        return 0;
    /* in the order of ANNOTATE_OBJECT_* */
    annotate_object_get(collector, "[no mapping known]", 0, 0);
    annotate_object_get(collector, "[kernel]", 0, 0);
    annotate_object_get(collector, "[heap]", 0, 0);
    return !collector->has_failed;
}

void annotate_collector_fini(struct annotate_collector *collector)
{
    annotate_mappings_fini(collector);
    key_table_fini(&collector->object_keys);
    key_table_fini(&collector->chains);
    table_fini(&collector->by_object);
    table_fini(&collector->by_code);
    table_fini(&collector->by_call);
    table_fini(&collector->by_thread);
    free(collector->objects);
    name_pool_destroy(collector->names);
}

mmusim_observer_t
annotate_collector_observer(struct annotate_collector *collector)
{
    return (mmusim_observer_t){
        .context = collector,
        .on_span = collect_on_span,
        .on_miss = collect_on_miss,
        .on_walk = collect_on_walk,
        .on_fault = collect_on_fault,
        .on_operation = collect_on_operation,
        .on_flush_call = collect_on_flush,
        .on_shootdown = collect_on_shootdown,
        .on_image = collect_on_image,
        .on_site = collect_on_site,
    };
}
