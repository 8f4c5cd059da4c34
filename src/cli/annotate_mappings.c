/* SPDX-License-Identifier: MIT */
/*
 * Operations to mappings. An anonymous mapping is known by its length; the heap
 * begins at the first break that the program asks for.
 */
#include "cli/annotate_mappings.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Keys of spaces that a fork has made, before they are seen: (tid, this). */
enum { SPACE_SEEN = 0, SPACE_INHERITED = 1 };

int annotate_mappings_init(struct annotate_collector *collector)
{
    void *spaces = NULL;
    void *threads = NULL;
    int is_good = key_table_init(&collector->space_keys, ANNOTATE_PLACES_MAX) &&
                  annotate_reserve(&spaces, &collector->spaces_room, 0,
                                   sizeof(*collector->spaces)) &&
                  annotate_reserve(&threads, &collector->threads_room, 0,
                                   sizeof(*collector->threads));

    collector->spaces = spaces;
    collector->threads = threads;
    return is_good;
}

void annotate_mappings_fini(struct annotate_collector *collector)
{
    for (uint32_t i = 0; i < collector->spaces_room; i++)
        annotate_space_fini(&collector->spaces[i]);
    free(collector->spaces);
    free(collector->threads);
    key_table_fini(&collector->space_keys);
}

/* The index of a space; 0, which is a space, too, if memory is short. */
static uint32_t mappings_space(struct annotate_collector *collector, uint64_t a,
                               uint64_t b)
{
    uint32_t index = key_table_get(&collector->space_keys, a, b);
    void *spaces = collector->spaces;

    if (index == KEY_TABLE_NO_MEMORY ||
        !annotate_reserve(&spaces, &collector->spaces_room, index,
                          sizeof(*collector->spaces))) {
        collector->has_failed = 1;
        return 0;
    }
    collector->spaces = spaces;
    return index;
}

static void thread_see_space(struct annotate_collector *collector,
                             struct annotate_thread *thread, uint64_t space)
{
    uint32_t n_known = collector->space_keys.n;
    uint32_t index = mappings_space(collector, space, SPACE_SEEN);
    uint32_t inherited = thread->inherited;

    if (inherited && index >= n_known) { /* a fork's child, seen first */
        collector->spaces[index] = collector->spaces[inherited];
        memset(&collector->spaces[inherited], 0, sizeof(*collector->spaces));
        thread->inherited = 0;
    }
    thread->space = index;
    thread->has_space = 1;
    collector->last_space = index;
}

struct annotate_thread *
annotate_thread_get(struct annotate_collector *collector, uint32_t tid,
                    uint64_t space)
{
    uint32_t index =
        annotate_table_get(collector, &collector->by_thread, tid, 0);
    struct annotate_thread *thread;
    void *threads = collector->threads;

    /* index 0 has room: at worst the thread is the one for all others */
    if (annotate_reserve(&threads, &collector->threads_room, index,
                         sizeof(*collector->threads))) {
        collector->threads = threads;
    } else {
        collector->has_failed = 1;
        index = 0;
    }
    thread = &collector->threads[index];
    thread->index = index;
    thread->tid = tid;
    if (!thread->has_space)
        thread->space = collector->last_space;
    if (space)
        thread_see_space(collector, thread, space);
    return thread;
}

/* The largest unit that leaves no rest. */
uint32_t annotate_object_anonymous(struct annotate_collector *collector,
                                   uint64_t length_bytes)
{
    static const char units[] = "KMGT";
    uint64_t size = annotate_page_up(length_bytes) >> 10;
    unsigned unit = 0;
    char name[48];

    while (unit < 3 && size % 1024 == 0 && size) {
        size /= 1024;
        unit++;
    }
    snprintf(name, sizeof(name), "[anon] %" PRIu64 "%c", size, units[unit]);
    return annotate_object_get(collector, name, 0, 0);
}

static int mappings_mmap(struct annotate_collector *collector,
                         struct annotate_space *space,
                         const mmusim_operation_event_t *event)
{
    struct annotate_mapping mapping = {
        .start = event->vaddr,
        .end = annotate_page_up(event->vaddr + event->length_bytes),
        .offset = event->file ? event->file_offset : 0,
    };

    mapping.object =
        event->file ? annotate_object_get(collector, event->file, 1, 0)
                    : annotate_object_anonymous(collector, event->length_bytes);
    return annotate_space_map(space, &mapping);
}

static int mappings_brk(struct annotate_space *space, uint64_t new_break)
{
    struct annotate_mapping heap = {.start = space->heap_start,
                                    .end = annotate_page_up(new_break),
                                    .object = ANNOTATE_OBJECT_HEAP};
    const struct annotate_mapping *above = annotate_space_find(space, heap.end);

    if (!space->heap_start) {
        space->heap_start = annotate_page_up(new_break);
        return 1;
    }
    if (above && above->object == ANNOTATE_OBJECT_HEAP &&
        !annotate_space_unmap(space, heap.end, above->end))
        return 0;
    return annotate_space_map(space, &heap);
}

static int mappings_mremap(struct annotate_collector *collector,
                           struct annotate_space *space,
                           const mmusim_operation_event_t *event)
{
    const struct annotate_mapping *old =
        annotate_space_find(space, event->vaddr);
    struct annotate_mapping mapping = {
        .start = event->new_vaddr,
        .end = annotate_page_up(event->new_vaddr + event->new_length_bytes),
        .object = ANNOTATE_OBJECT_NONE,
    };

    if (old) {
        mapping.object = old->object;
        mapping.offset = event->vaddr - old->start + old->offset;
    }
    if (!collector->objects[mapping.object].is_file)
        mapping.object =
            annotate_object_anonymous(collector, event->new_length_bytes);
    return annotate_space_unmap(
               space, event->vaddr,
               annotate_page_up(event->vaddr + event->length_bytes)) &&
           annotate_space_map(space, &mapping);
}

static int mappings_fork(struct annotate_collector *collector,
                         const struct annotate_thread *parent,
                         uint32_t child_tid)
{
    uint32_t from = parent->space;
    struct annotate_thread *child =
        annotate_thread_get(collector, child_tid, 0);
    uint32_t to = child->space;

    /* The child may have run before its parent returned. */
    if (!child->has_space) {
        to = mappings_space(collector, child_tid, SPACE_INHERITED);
        child->inherited = to;
        annotate_space_fini(&collector->spaces[to]);
    } else if (collector->spaces[to].n) {
        return 1;
    }
    return annotate_space_copy(&collector->spaces[to],
                               &collector->spaces[from]);
}

void annotate_mappings_change(struct annotate_collector *collector,
                              const mmusim_operation_event_t *event)
{
    const struct annotate_thread *thread =
        annotate_thread_get(collector, event->tid, 0);
    struct annotate_space *space = &collector->spaces[thread->space];
    const char *name = event->name;
    int is_good = 1;

    if (event->is_refused)
        return;
    if (!strcmp(name, "mmap"))
        is_good = mappings_mmap(collector, space, event);
    else if (!strcmp(name, "munmap"))
        is_good = annotate_space_unmap(
            space, event->vaddr,
            annotate_page_up(event->vaddr + event->length_bytes));
    else if (!strcmp(name, "mremap"))
        is_good = mappings_mremap(collector, space, event);
    else if (!strcmp(name, "brk"))
        is_good = mappings_brk(space, event->vaddr);
    else if (!strcmp(name, "fork"))
        is_good = mappings_fork(collector, thread, event->child_tid);
    else if (!strcmp(name, "exec"))
        annotate_space_fini(space);
    if (!is_good)
        collector->has_failed = 1;
}
