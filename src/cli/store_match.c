/* SPDX-License-Identifier: MIT */
/* The same machine, source, value or point in another plan. */
#include "cli/store_match.h"

#include <stdlib.h>
#include <string.h>

static bool match_is_machine(const struct store_machine *a,
                             const struct store_machine *b)
{
    return a->crc == b->crc && !strcmp(a->name, b->name);
}

bool store_is_same_source(const struct store_source *a,
                          const struct store_source *b)
{
    return a->crc == b->crc && a->bytes == b->bytes &&
           !strcmp(a->name, b->name);
}

size_t store_find_machine(const struct store_plan *plan,
                          const struct store_machine *machine)
{
    size_t i = 0;

    while (i < plan->n_machines &&
           !match_is_machine(&plan->machines[i], machine))
        i++;
    return i < plan->n_machines ? i : SIZE_MAX;
}

size_t store_find_source(const struct store_plan *plan,
                         const struct store_source *source)
{
    size_t i = 0;

    while (i < plan->n_sources &&
           !store_is_same_source(&plan->sources[i], source))
        i++;
    return i < plan->n_sources ? i : SIZE_MAX;
}

struct match_value {
    const char *text;
    size_t index;
};

static int match_compare(const void *a, const void *b)
{
    const struct match_value *left = a, *right = b;
    int order = strcmp(left->text, right->text);

    if (order)
        return order;
    return left->index < right->index ? -1 : left->index > right->index;
}

size_t *store_map_axis(const struct sweep_axis *from,
                       const struct sweep_axis *to)
{
    size_t *map = calloc(from->n_values, sizeof(*map));
    struct match_value *left = calloc(from->n_values, sizeof(*left));
    struct match_value *right = calloc(to->n_values, sizeof(*right));
    size_t j = 0;

    if (!map || !left || !right) {
        free(map);
        map = NULL;
        goto end;
    }
    for (size_t i = 0; i < from->n_values; i++)
        left[i] = (struct match_value){from->values[i], i};
    for (size_t i = 0; i < to->n_values; i++)
        right[i] = (struct match_value){to->values[i], i};
    qsort(left, from->n_values, sizeof(*left), match_compare);
    qsort(right, to->n_values, sizeof(*right), match_compare);
    for (size_t i = 0; i < from->n_values; i++) {
        while (j < to->n_values && strcmp(right[j].text, left[i].text) < 0)
            j++;
        map[left[i].index] = SIZE_MAX;
        if (j < to->n_values && !strcmp(right[j].text, left[i].text))
            map[left[i].index] = right[j++].index;
    }
end:
    free(left);
    free(right);
    return map;
}

const struct sweep_axis *store_find_axis(const struct store_plan *plan,
                                         const char *key, size_t *index)
{
    for (size_t i = 0; i < plan->grid.n_axes; i++)
        if (!strcmp(plan->grid.axes[i].key, key)) {
            *index = i;
            return &plan->grid.axes[i];
        }
    return NULL;
}

const char *store_format_name(const struct store_plan *plan)
{
    return plan->format ? plan->format : "(told by content)";
}

struct match_maps {
    size_t *axes[SWEEP_AXES_MAX];
};

static bool match_make_maps(struct match_maps *maps,
                            const struct store_plan *old,
                            const struct store_plan *now)
{
    size_t at;

    memset(maps, 0, sizeof(*maps));
    for (size_t i = 0; i < old->grid.n_axes; i++) {
        if (!store_find_axis(now, old->grid.axes[i].key, &at) || at != i ||
            old->grid.n_axes != now->grid.n_axes)
            return true; /* no map: no point of old is in now */
        maps->axes[i] = store_map_axis(&old->grid.axes[i], &now->grid.axes[i]);
        if (!maps->axes[i])
            return false;
    }
    return true;
}

static size_t match_map_point(const struct match_maps *maps,
                              const struct store_plan *old,
                              const struct store_plan *now, size_t point)
{
    size_t grid_point = store_plan_place(old, point).grid_point;
    size_t mapped = 0;

    for (size_t i = 0; i < old->grid.n_axes; i++) {
        size_t at = sweep_plan_index(&old->grid, grid_point, i);

        if (!maps->axes[i] || maps->axes[i][at] == SIZE_MAX)
            return SIZE_MAX;
        mapped = mapped * now->grid.axes[i].n_values + maps->axes[i][at];
    }
    return mapped;
}

static size_t match_map_segment(const struct store_plan *old,
                                const struct store_plan *now, size_t point)
{
    struct store_place place = store_plan_place(old, point);
    size_t machine = store_find_machine(now, &old->machines[place.machine]);
    size_t source = store_find_source(now, &old->sources[place.source]);

    return machine == SIZE_MAX || source == SIZE_MAX
               ? SIZE_MAX
               : machine * now->n_sources + source;
}

size_t *store_plan_map(const struct store_plan *old,
                       const struct store_plan *now)
{
    struct match_maps maps;
    size_t *map = calloc(old->n_points, sizeof(*map));
    bool is_made = match_make_maps(&maps, old, now);
    size_t segment = SIZE_MAX; /* of now, of old's segment at hand */

    for (size_t i = 0; map && is_made && i < old->n_points; i++) {
        size_t point;

        if (i % old->grid.n_points == 0)
            segment = match_map_segment(old, now, i);
        point = segment == SIZE_MAX ? SIZE_MAX
                                    : match_map_point(&maps, old, now, i);
        map[i] =
            point == SIZE_MAX ? SIZE_MAX : segment * now->grid.n_points + point;
    }
    for (size_t i = 0; i < SWEEP_AXES_MAX; i++)
        free(maps.axes[i]);
    if (!is_made) {
        free(map);
        map = NULL;
    }
    return map;
}
