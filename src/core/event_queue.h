/* SPDX-License-Identifier: MIT */
/*
 * The queue of everything that touches shared state, in the one global order:
 * (cycle, class, unit, n). unit is the CPU that issued the event, n that
 * unit's own count, so no key depends on when the host computed it.
 *
 * Intrusive binary heap: an event is a member of the structure it concerns;
 * scheduling allocates nothing.
 */
#ifndef MMUSIM_CORE_EVENT_QUEUE_H
#define MMUSIM_CORE_EVENT_QUEUE_H

#include "core/types.h"
#include "mmusim/status.h"

/* At equal cycles: what arrives, then what was asked for, then what asks. */
enum event_class {
    EVENT_DELIVERY, /* an interrupt or broadcast reaches a CPU */
    EVENT_ACK,      /* an acknowledgement reaches the sender */
    EVENT_WALK,     /* a page walk reads or writes a table entry */
    EVENT_OS,       /* a step of an OS operation or of the scheduler */
    EVENT_ACCESS,   /* an access that is more than a private hit */
};

struct event_key {
    uint64_t cycle;
    uint64_t rank; /* class in bits 63:56, unit in 55:40, n in 39:0 */
};

static inline struct event_key event_key(uint64_t cycle, enum event_class class,
                                         uint32_t unit, uint64_t n)
{
    return (struct event_key){cycle, (uint64_t) class << 56 |
                                         (uint64_t) unit << 40 |
                                         (n & ((UINT64_C(1) << 40) - 1))};
}

static inline enum event_class event_key_class(struct event_key key)
{
    return (enum event_class)(key.rank >> 56);
}

static inline bool event_key_before(struct event_key a, struct event_key b)
{
    return a.cycle < b.cycle || (a.cycle == b.cycle && a.rank < b.rank);
}

#define EVENT_NOT_QUEUED UINT32_MAX

struct event {
    struct event_key key;
    void (*fire)(void *context, struct event *event);
    void *context;
    uint32_t heap_index; /* EVENT_NOT_QUEUED, set by event_init */
};

struct event_queue {
    struct event **heap;
    uint32_t n_events;
    uint32_t capacity;
    bool has_failed; /* growing it failed: an event was dropped */
};

static inline void event_init(struct event *event,
                              void (*fire)(void *context, struct event *event),
                              void *context)
{
    event->fire = fire;
    event->context = context;
    event->heap_index = EVENT_NOT_QUEUED;
}

static inline bool event_is_queued(const struct event *event)
{
    return event->heap_index != EVENT_NOT_QUEUED;
}

void mmusim__event_queue_init(struct event_queue *queue);
void mmusim__event_queue_fini(struct event_queue *queue);

/* Queues an event that is not queued. Sets has_failed if memory is short. */
void mmusim__event_schedule(struct event_queue *queue, struct event *event,
                            struct event_key key);
/* Takes a queued event out; nothing happens if it is not queued. */
void mmusim__event_cancel(struct event_queue *queue, struct event *event);
/* Removes and returns the first event, NULL if there is none. */
struct event *mmusim__event_pop(struct event_queue *queue);
bool mmusim__event_queue_is_valid(const struct event_queue *queue);

/* The first event's cycle, CYCLE_NEVER if there is none. */
static inline uint64_t event_queue_next_cycle(const struct event_queue *queue)
{
    return queue->n_events ? queue->heap[0]->key.cycle : CYCLE_NEVER;
}

/* True if an event with this key would be the first of the queue. */
static inline bool event_queue_is_first(const struct event_queue *queue,
                                        struct event_key key)
{
    return !queue->n_events || event_key_before(key, queue->heap[0]->key);
}

#endif
