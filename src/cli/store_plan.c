/* SPDX-License-Identifier: MIT */
/* Counting the points of a plan, and what they are. */
#include "cli/store_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PLAN_BLOCKS_AIM = 128, /* guess: enough for the workers of most sweeps */
    PLAN_BLOCK_MAX = 64,   /* guess: a claim costs a file; 64 share it */
};

static void plan_hash(uint64_t *hash, const void *bytes, size_t length)
{
    const unsigned char *c = bytes;

    for (size_t i = 0; i < length; i++) /* FNV-1a, 64 bits */
        *hash = (*hash ^ c[i]) * UINT64_C(0x100000001b3);
}

static void plan_hash_text(uint64_t *hash, const char *text)
{
    plan_hash(hash, text ? text : "", text ? strlen(text) + 1 : 1);
}

static void plan_hash_number(uint64_t *hash, uint64_t number)
{
    unsigned char bytes[8];

    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char) (number >> 8 * i);
    plan_hash(hash, bytes, sizeof(bytes));
}

static uint64_t plan_make_id(const struct store_plan *plan)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    plan_hash_text(&hash, plan->version);
    plan_hash_text(&hash, plan->format);
    plan_hash_number(&hash, plan->salvages + 2U * plan->is_per_core);
    plan_hash_number(&hash, plan->n_machines);
    for (size_t i = 0; i < plan->n_machines; i++) {
        plan_hash_text(&hash, plan->machines[i].name);
        plan_hash_number(&hash, plan->machines[i].crc);
    }
    plan_hash_number(&hash, plan->n_sources);
    for (size_t i = 0; i < plan->n_sources; i++) {
        plan_hash_text(&hash, plan->sources[i].name);
        plan_hash_number(&hash, plan->sources[i].bytes);
        plan_hash_number(&hash, plan->sources[i].crc);
    }
    for (size_t i = 0; i < plan->grid.n_axes; i++) {
        const struct sweep_axis *axis = &plan->grid.axes[i];

        plan_hash_text(&hash, axis->key);
        plan_hash_number(&hash, axis->n_values);
        for (size_t j = 0; j < axis->n_values; j++)
            plan_hash_text(&hash, axis->values[j]);
    }
    return hash;
}

bool store_plan_finish(struct store_plan *plan)
{
    size_t n_segments = store_plan_segments(plan);
    size_t block;

    if (plan->grid.n_points > SWEEP_POINTS_MAX / n_segments)
        return false;
    plan->n_points = n_segments * plan->grid.n_points;
    block = (plan->n_points + PLAN_BLOCKS_AIM - 1) / PLAN_BLOCKS_AIM;
    plan->block_points = block > PLAN_BLOCK_MAX ? PLAN_BLOCK_MAX : block;
    plan->id = plan_make_id(plan);
    return true;
}

void store_plan_fini(struct store_plan *plan)
{
    for (size_t i = 0; i < plan->n_machines; i++) {
        free(plan->machines[i].name);
        mmusim_config_destroy(plan->machines[i].config);
    }
    for (size_t i = 0; i < plan->n_sources; i++) {
        free(plan->sources[i].name);
        free(plan->sources[i].path);
    }
    for (size_t i = 0; i < SWEEP_AXES_MAX; i++)
        free(plan->axis_texts[i]);
    free(plan->machines);
    free(plan->sources);
    free(plan->version);
    free(plan->format);
    sweep_plan_fini(&plan->grid);
    memset(plan, 0, sizeof(*plan));
}

size_t store_plan_segments(const struct store_plan *plan)
{
    return plan->n_machines * plan->n_sources;
}

static size_t plan_segment_blocks(const struct store_plan *plan)
{
    return (plan->grid.n_points + plan->block_points - 1) / plan->block_points;
}

size_t store_plan_blocks(const struct store_plan *plan)
{
    return store_plan_segments(plan) * plan_segment_blocks(plan);
}

struct store_place store_plan_place(const struct store_plan *plan, size_t point)
{
    size_t segment = point / plan->grid.n_points;

    return (struct store_place){
        .segment = segment,
        .machine = segment / plan->n_sources,
        .source = segment % plan->n_sources,
        .grid_point = point % plan->grid.n_points,
    };
}

void store_plan_block(const struct store_plan *plan, size_t block,
                      size_t *first, size_t *end)
{
    size_t a_segment = plan_segment_blocks(plan);
    size_t base = block / a_segment * plan->grid.n_points;
    size_t from = block % a_segment * plan->block_points;
    size_t to = from + plan->block_points;

    *first = base + from;
    *end = base + (to < plan->grid.n_points ? to : plan->grid.n_points);
}

size_t store_plan_block_of(const struct store_plan *plan, size_t point)
{
    struct store_place place = store_plan_place(plan, point);

    return place.segment * plan_segment_blocks(plan) +
           place.grid_point / plan->block_points;
}

void store_plan_describe(const struct store_plan *plan, size_t point,
                         char *buffer, size_t size_bytes)
{
    struct store_place place = store_plan_place(plan, point);
    size_t length = 0;

    buffer[0] = '\0';
    if (plan->n_machines > 1)
        snprintf(buffer, size_bytes, "machine=%s ",
                 plan->machines[place.machine].name);
    length = strlen(buffer);
    if (plan->n_sources > 1)
        snprintf(buffer + length, size_bytes - length, "source=%s ",
                 plan->sources[place.source].name);
    length = strlen(buffer);
    sweep_plan_describe(&plan->grid, place.grid_point, buffer + length,
                        size_bytes - length);
}

mmusim_status_t store_plan_configure(const struct store_plan *plan,
                                     size_t point, mmusim_config_t **config,
                                     mmusim_diag_t *diag)
{
    struct store_place place = store_plan_place(plan, point);
    mmusim_status_t status =
        mmusim_config_copy(plan->machines[place.machine].config, config);

    for (size_t i = 0; !status && i < plan->grid.n_axes; i++)
        status = mmusim_config_set(
            *config, plan->grid.axes[i].key,
            sweep_plan_value(&plan->grid, place.grid_point, i), diag);
    return status;
}
