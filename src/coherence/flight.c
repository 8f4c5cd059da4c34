/* SPDX-License-Identifier: MIT */
/* Messages on their way: see flight.h. */
#include "coherence/flight.h"

#include "coherence/system.h"
#include "core/arena.h"

static struct flight *flight_take(struct system *system)
{
    struct flight *flight = system->free_flights;

    if (flight) {
        system->free_flights = flight->next;
        return flight;
    }
    return mmusim__arena_alloc(system->arena, 1, sizeof(*flight));
}

/* Takes an arrived flight off its target's list. */
static void flight_end(struct flight *flight)
{
    struct cpu *target = flight->target;
    struct system *system = target->system;
    struct flight **link = &target->flights;
    uint64_t next = CYCLE_NEVER;

    while (*link != flight)
        link = &(*link)->next;
    *link = flight->next;
    for (const struct flight *f = target->flights; f; f = f->next)
        next = min_u64(next, f->deliver.key.cycle);
    target->next_delivery_cycle = next;
    flight->next = system->free_flights;
    system->free_flights = flight;
}

static void flight_fire(void *context, struct event *event)
{
    struct flight *flight = context;
    struct flight landed = *flight;

    flight_end(flight);
    landed.arrive(landed.target, landed.cargo, event->key.cycle);
}

bool mmusim__flight_send(struct cpu *from, struct cpu *target, uint64_t cycle,
                         void (*arrive)(struct cpu *target, void *cargo,
                                        uint64_t now),
                         void *cargo)
{
    struct system *system = from->system;
    struct flight *flight = flight_take(system);

    if (!flight) {
        system_fail(system, MMUSIM_NOMEM);
        return false;
    }
    event_init(&flight->deliver, flight_fire, flight);
    flight->target = target;
    flight->cargo = cargo;
    flight->arrive = arrive;
    flight->next = target->flights;
    target->flights = flight;
    /* The soonest arrival bounds how far the target may run ahead. */
    target->next_delivery_cycle = min_u64(target->next_delivery_cycle, cycle);
    mmusim__event_schedule(&system->queue, &flight->deliver,
                           event_key(cycle, EVENT_DELIVERY, from->id,
                                     from->event_counts[EVENT_DELIVERY]++));
    return true;
}
