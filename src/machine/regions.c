/* SPDX-License-Identifier: MIT */
/*
 * Regions: see regions.h. What is counted is what machine_stats.c names: its
 * functions copy the values of a CPU when it leaves a region, and the
 * difference to the copy before belongs to that.
 */
#include "machine/regions.h"

#include "coherence/flight.h"
#include "coherence/system.h"
#include "machine/machine.h"
#include "machine/stats_emit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct region {
    uint32_t name;
    uint32_t index; /* REGION_REST: of all later marks of the name */
    uint64_t cycles;
    uint64_t *values; /* of CPUs, then of the machine */
};

#define REGION_REST UINT32_MAX

struct region_name {
    char *text;
    uint32_t n_marks;
    uint32_t rest; /* region; 0: none (the first is nobody's rest) */
};

/* A mark on its way to the other CPUs. */
struct region_change {
    struct regions *regions;
    struct region_change *next;
    uint64_t number; /* of the mark, from 1 */
    uint32_t region;
    uint32_t n_on_the_way;
};

struct regions {
    struct mmusim_machine *machine;
    size_t n_cpu_values, n_shared_values;
    uint64_t *scratch;     /* as many as the greater of both */
    uint64_t *last;        /* by CPU, n_cpu_values each */
    uint64_t *last_shared; /* n_shared_values */
    uint32_t *current;     /* region, by CPU */
    uint64_t *heard;       /* number of the mark it began with, by CPU */
    struct region_name names[REGION_NAMES_MAX + 1];
    uint32_t n_names;
    struct region regions[REGIONS_MAX + REGION_NAMES_MAX + 1];
    uint32_t n_regions;
    struct region_change *changes;
    uint64_t n_marks;
    uint32_t newest; /* region of the last mark */
    uint64_t newest_cycle;
};

/* ---- making ---- */

static size_t regions_count(const struct regions *regions,
                            void (*emit_all)(const struct emit *emit))
{
    struct emit_values values = {.n = 0};
    struct emit emit = {
        .machine = regions->machine, .values = &values, .end = 1};

    emit_all(&emit);
    return values.n;
}

static void regions_emit_cpu(const struct emit *emit)
{
    mmusim__emit_cores(emit);
    mmusim__emit_cpus(emit);
}

static char *regions_copy(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);

    return copy ? memcpy(copy, text, size) : NULL;
}

static uint32_t regions_add_name(struct regions *regions, const char *text)
{
    regions->names[regions->n_names].text = regions_copy(text);
    return regions->n_names++;
}

/* UINT32_MAX: out of memory. */
static uint32_t regions_add(struct regions *regions, uint32_t name,
                            uint32_t index)
{
    struct region *region = &regions->regions[regions->n_regions];

    region->name = name;
    region->index = index;
    region->values = calloc(regions->n_cpu_values + regions->n_shared_values,
                            sizeof(*region->values));
    if (!region->values || !regions->names[name].text)
        return UINT32_MAX;
    return regions->n_regions++;
}

struct regions *mmusim__regions_create(struct mmusim_machine *machine)
{
    size_t n_cpus = machine->system.n_cpus;
    struct regions *self = calloc(1, sizeof(*self));

    if (!self)
        return NULL;
    self->machine = machine;
    self->n_cpu_values = regions_count(self, regions_emit_cpu);
    self->n_shared_values = regions_count(self, mmusim__emit_shared);
    self->scratch = calloc(self->n_cpu_values + self->n_shared_values,
                           sizeof(*self->scratch));
    self->last = calloc(n_cpus * self->n_cpu_values, sizeof(*self->last));
    self->last_shared =
        calloc(self->n_shared_values, sizeof(*self->last_shared));
    self->current = calloc(n_cpus, sizeof(*self->current));
    self->heard = calloc(n_cpus, sizeof(*self->heard));
    if (!self->scratch || !self->last || !self->last_shared || !self->current ||
        !self->heard ||
        regions_add(self, regions_add_name(self, "(start)"), 0) == UINT32_MAX) {
        mmusim__regions_destroy(self);
        return NULL;
    }
    self->names[0].n_marks = 1;
    return self;
}

void mmusim__regions_destroy(struct regions *regions)
{
    if (!regions)
        return;
    for (uint32_t i = 0; i <= REGION_NAMES_MAX; i++)
        free(regions->names[i].text);
    for (uint32_t i = 0; i < REGIONS_MAX + REGION_NAMES_MAX + 1; i++)
        free(regions->regions[i].values);
    while (regions->changes) {
        struct region_change *change = regions->changes;

        regions->changes = change->next;
        free(change);
    }
    free(regions->scratch);
    free(regions->last);
    free(regions->last_shared);
    free(regions->current);
    free(regions->heard);
    free(regions);
}

/* ---- counting ---- */

/* What has come to the values since last[] is the region's. */
static void regions_settle(struct regions *regions, uint64_t *values,
                           uint64_t *last, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        values[i] += regions->scratch[i] - last[i];
        last[i] = regions->scratch[i];
    }
}

static void regions_leave(struct regions *regions, struct cpu *cpu)
{
    size_t n = regions->n_cpu_values;
    struct emit_values copied = {.values = regions->scratch};
    const struct emit emit = {.machine = regions->machine,
                              .values = &copied,
                              .first = cpu->id,
                              .end = cpu->id + 1};

    regions_emit_cpu(&emit);
    regions_settle(regions, regions->regions[regions->current[cpu->id]].values,
                   &regions->last[n * cpu->id], n);
}

static void regions_leave_shared(struct regions *regions, uint64_t now)
{
    struct region *region = &regions->regions[regions->newest];
    struct emit_values copied = {.values = regions->scratch};
    const struct emit emit = {.machine = regions->machine,
                              .values = &copied,
                              .end = regions->machine->system.n_cpus};

    mmusim__emit_shared(&emit);
    regions_settle(regions, region->values + regions->n_cpu_values,
                   regions->last_shared, regions->n_shared_values);
    region->cycles += now - regions->newest_cycle;
    regions->newest_cycle = now;
}

static void regions_enter(struct regions *regions, struct cpu *cpu,
                          const struct region_change *change)
{
    if (change->number < regions->heard[cpu->id])
        return; /* it has been at a later mark itself */
    regions_leave(regions, cpu);
    regions->current[cpu->id] = change->region;
    regions->heard[cpu->id] = change->number;
}

/* ---- marks ---- */

static uint32_t regions_name_of(struct regions *regions, const char *text)
{
    struct region_name *other = &regions->names[REGION_NAMES_MAX];

    for (uint32_t i = 0; i < regions->n_names; i++) {
        if (!strcmp(regions->names[i].text, text))
            return i;
    }
    if (regions->n_names < REGION_NAMES_MAX)
        return regions_add_name(regions, text);
    if (!other->text)
        other->text = regions_copy("(other)");
    return REGION_NAMES_MAX;
}

/* UINT32_MAX: out of memory. */
static uint32_t regions_of_mark(struct regions *regions, const char *text)
{
    uint32_t number = regions_name_of(regions, text);
    struct region_name *name = &regions->names[number];
    uint32_t index = name->n_marks++;

    if (number < REGION_NAMES_MAX && index < REGIONS_OF_NAME_MAX &&
        regions->n_regions < REGIONS_MAX)
        return regions_add(regions, number, index);
    if (!name->rest)
        name->rest = regions_add(regions, number, REGION_REST);
    return name->rest;
}

static struct region_change *regions_take_change(struct regions *regions)
{
    struct region_change *change = regions->changes;

    while (change && change->n_on_the_way)
        change = change->next;
    if (change)
        return change;
    change = calloc(1, sizeof(*change));
    if (!change)
        return NULL;
    change->regions = regions;
    change->next = regions->changes;
    regions->changes = change;
    return change;
}

static void regions_arrive(struct cpu *target, void *cargo, uint64_t now)
{
    struct region_change *change = cargo;

    cpu_account(target, now, target->activity.bucket);
    regions_enter(change->regions, target, change);
    change->n_on_the_way--;
}

static void regions_send(struct cpu *from, struct region_change *change)
{
    struct system *system = from->system;
    uint64_t cycle = cycle_add(from->now, system->min_delivery_cycles);

    for (uint32_t i = 0; i < system->n_cpus; i++) {
        if (i == from->id)
            continue;
        change->n_on_the_way++;
        if (!mmusim__flight_send(from, &system->cpus[i], cycle, regions_arrive,
                                 change))
            return;
    }
}

void mmusim__regions_mark(struct regions *regions, struct cpu *cpu,
                          const char *name)
{
    struct region_change *change = regions_take_change(regions);
    uint32_t region = regions_of_mark(regions, name);

    if (!change || region == UINT32_MAX) {
        system_fail(cpu->system, MMUSIM_NOMEM);
        return;
    }
    regions_leave_shared(regions, cpu->now);
    regions->newest = region;
    change->number = ++regions->n_marks;
    change->region = region;
    regions_enter(regions, cpu, change);
    regions_send(cpu, change);
}

void mmusim__regions_end(struct regions *regions, uint64_t end_cycle)
{
    struct system *system = &regions->machine->system;

    for (uint32_t i = 0; i < system->n_cpus; i++)
        regions_leave(regions, &system->cpus[i]);
    regions_leave_shared(regions, end_cycle);
}

/* ---- naming ---- */

static void regions_emit_one(const struct regions *regions,
                             const struct region *region, mmusim_stats_t *stats)
{
    struct emit_values given = {.values = region->values, .is_given = true};
    struct emit emit = {.machine = regions->machine, .stats = stats, .end = 1};
    const char *name = regions->names[region->name].text;

    if (region->index == REGION_REST)
        snprintf(emit.scope, sizeof(emit.scope), "region.%.96s.rest.", name);
    else
        snprintf(emit.scope, sizeof(emit.scope), "region.%.96s.%" PRIu32 ".",
                 name, region->index);
    snprintf(emit.prefix, sizeof(emit.prefix), "sim.");
    mmusim__emit_value(&emit, "cycles", region->cycles, "cycles",
                       "from the mark to the next");
    emit.values = &given;
    mmusim__emit_cores(&emit);
    emit.prefix[0] = '\0';
    mmusim__emit_cpus(&emit);
    mmusim__emit_shared(&emit);
}

void mmusim__regions_emit(struct regions *regions, mmusim_stats_t *stats)
{
    for (uint32_t i = 0; i < regions->n_regions; i++)
        regions_emit_one(regions, &regions->regions[i], stats);
}
