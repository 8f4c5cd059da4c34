/* SPDX-License-Identifier: MIT */
/*
 * The event queue: see event_queue.h. A binary min-heap of pointers; the
 * children of position i are at 2i + 1 and 2i + 2.
 *
 * Invariant: heap[i]->heap_index == i, and no event is before its parent.
 */
#include "core/event_queue.h"

#include "core/check.h"

#include <stdlib.h>

enum { EVENT_QUEUE_FIRST_CAPACITY = 64 }; /* a few events a CPU; doubles */

static bool event_heap_grow(struct event_queue *queue)
{
    uint32_t capacity = EVENT_QUEUE_FIRST_CAPACITY;
    struct event **heap;

    if (queue->capacity)
        capacity = queue->capacity * 2;
    if (capacity <= queue->capacity || capacity > EVENT_NOT_QUEUED / 2)
        return false;
    heap = realloc(queue->heap, capacity * sizeof(struct event *));
    if (!heap)
        return false;
    queue->heap = heap;
    queue->capacity = capacity;
    return true;
}

static void event_heap_put(struct event_queue *queue, uint32_t index,
                           struct event *event)
{
    queue->heap[index] = event;
    event->heap_index = index;
}

/* Places event at index or above, moving later events down. */
static void event_heap_rise(struct event_queue *queue, uint32_t index,
                            struct event *event)
{
    while (index > 0) {
        uint32_t parent = (index - 1) / 2;

        if (!event_key_before(event->key, queue->heap[parent]->key))
            break;
        event_heap_put(queue, index, queue->heap[parent]);
        index = parent;
    }
    event_heap_put(queue, index, event);
}

/* Places event at index or below, moving earlier events up. */
static void event_heap_sink(struct event_queue *queue, uint32_t index,
                            struct event *event)
{
    for (;;) {
        uint32_t child = 2 * index + 1;

        if (child >= queue->n_events)
            break;
        if (child + 1 < queue->n_events &&
            event_key_before(queue->heap[child + 1]->key,
                             queue->heap[child]->key))
            child++;
        if (!event_key_before(queue->heap[child]->key, event->key))
            break;
        event_heap_put(queue, index, queue->heap[child]);
        index = child;
    }
    event_heap_put(queue, index, event);
}

static void event_heap_take(struct event_queue *queue, uint32_t index)
{
    struct event *taken = queue->heap[index];
    struct event *last = queue->heap[--queue->n_events];

    taken->heap_index = EVENT_NOT_QUEUED;
    if (last == taken)
        return;
    if (event_key_before(last->key, taken->key))
        event_heap_rise(queue, index, last);
    else
        event_heap_sink(queue, index, last);
}

void mmusim__event_queue_init(struct event_queue *queue)
{
    *queue = (struct event_queue){0};
}

void mmusim__event_queue_fini(struct event_queue *queue)
{
    for (uint32_t i = 0; i < queue->n_events; i++)
        queue->heap[i]->heap_index = EVENT_NOT_QUEUED;
    free(queue->heap);
    *queue = (struct event_queue){0};
}

void mmusim__event_schedule(struct event_queue *queue, struct event *event,
                            struct event_key key)
{
    mmusim_assert(!event_is_queued(event));
    if (queue->n_events == queue->capacity && !event_heap_grow(queue)) {
        queue->has_failed = true;
        return;
    }
    event->key = key;
    event_heap_rise(queue, queue->n_events++, event);
}

void mmusim__event_cancel(struct event_queue *queue, struct event *event)
{
    if (!event_is_queued(event))
        return;
    mmusim_assert(event->heap_index < queue->n_events &&
                  queue->heap[event->heap_index] == event);
    event_heap_take(queue, event->heap_index);
}

struct event *mmusim__event_pop(struct event_queue *queue)
{
    struct event *first;

    if (!queue->n_events)
        return NULL;
    first = queue->heap[0];
    event_heap_take(queue, 0);
    return first;
}

bool mmusim__event_queue_is_valid(const struct event_queue *queue)
{
    if (queue->n_events > queue->capacity)
        return false;
    for (uint32_t i = 0; i < queue->n_events; i++) {
        const struct event *event = queue->heap[i];

        if (event->heap_index != i)
            return false;
        if (i > 0 &&
            event_key_before(event->key, queue->heap[(i - 1) / 2]->key))
            return false;
    }
    return true;
}
