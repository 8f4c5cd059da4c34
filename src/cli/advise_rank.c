/* SPDX-License-Identifier: MIT */
/* Ranking what was tried: see advise_report.h. */
#include "cli/advise_report.h"

#include "cli/replay_report.h"

#include <stdlib.h>
#include <string.h>

/* Points within 0.1 % of each other are alike, as in a sweep. */
enum { ADVICE_PLATEAU_SHARE = 1000 };

static int64_t advice_saved(const struct advice_plan *plan,
                            const struct advice_point *point)
{
    return (int64_t) (plan->points[0].work_cycles - point->work_cycles);
}

static uint64_t advice_distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

/* How far seeds lie from the base. */
static uint64_t advice_noise(const struct advice_plan *plan)
{
    uint64_t noise = 0;

    for (size_t i = 1; i < plan->n_points; i++) {
        const struct advice_point *point = &plan->points[i];
        uint64_t distance =
            advice_distance(point->work_cycles, plan->points[0].work_cycles);

        if (point->group == ADVICE_SEED && point->is_done && distance > noise)
            noise = distance;
    }
    return noise;
}

static bool advice_is_ranked(const struct advice_point *point)
{
    return point->is_done && point->group != ADVICE_BASE &&
           point->group != ADVICE_SEED && point->group != ADVICE_TOGETHER;
}

/* Values of os.flush_ceiling are tried in rising order: does this one belong to
 * the row before? */
static bool advice_joins(const struct advice_ranking *ranking,
                         const struct advice_point *point)
{
    static const char key[] = "os.flush_ceiling";
    const struct advice_row *row;

    if (!ranking->n_rows)
        return false;
    row = &ranking->rows[ranking->n_rows - 1];
    return !strcmp(point->changes[0].key, key) &&
           !strcmp(row->first->changes[0].key, key) &&
           advice_distance(point->work_cycles, row->first->work_cycles) <=
               ranking->threshold_cycles;
}

static int advice_compare(const void *a, const void *b)
{
    const struct advice_row *left = a, *right = b;

    if (left->saved_cycles != right->saved_cycles)
        return left->saved_cycles < right->saved_cycles ? 1 : -1;
    return left->first > right->first ? 1 : -1;
}

void advice_rank(const struct advice_plan *plan, struct advice_ranking *ranking)
{
    uint64_t plateau = plan->points[0].work_cycles / ADVICE_PLATEAU_SHARE;

    ranking->plan = plan;
    ranking->n_rows = 0;
    ranking->noise_cycles = advice_noise(plan);
    ranking->threshold_cycles =
        plateau > ranking->noise_cycles ? plateau : ranking->noise_cycles;
    for (size_t i = 0; i < plan->n_points; i++) {
        const struct advice_point *point = &plan->points[i];
        struct advice_row *row;

        if (!advice_is_ranked(point))
            continue;
        if (!advice_joins(ranking, point))
            ranking->rows[ranking->n_rows++] = (struct advice_row){
                point, point, point, advice_saved(plan, point)};
        row = &ranking->rows[ranking->n_rows - 1];
        row->last = point;
        if (advice_saved(plan, point) > row->saved_cycles) {
            row->saved_cycles = advice_saved(plan, point);
            row->best = point;
        }
    }
    qsort(ranking->rows, ranking->n_rows, sizeof(ranking->rows[0]),
          advice_compare);
}

/* Has a point a change of this key? */
static bool advice_changes_key(const struct advice_point *point,
                               const char *key)
{
    for (size_t i = 0; i < point->n_changes; i++) {
        if (!strcmp(point->changes[i].key, key))
            return true;
    }
    return false;
}

bool advice_add_together(struct advice_plan *plan,
                         const struct advice_ranking *ranking)
{
    struct advice_point *together = advice_plan_add(plan, ADVICE_TOGETHER);

    if (!together)
        return false;
    for (size_t i = 0; i < ranking->n_rows; i++) {
        const struct advice_row *row = &ranking->rows[i];
        const struct advice_change *change = &row->best->changes[0];

        if (row->saved_cycles <= (int64_t) ranking->threshold_cycles)
            break;
        if ((row->best->group == ADVICE_SETTING ||
             row->best->group == ADVICE_PLACEMENT) &&
            !advice_changes_key(together, change->key))
            advice_point_change(together, change->key, change->value);
    }
    if (together->n_changes > 1)
        return true;
    plan->n_points--;
    return false;
}

double advice_percent(int64_t part, uint64_t whole)
{
    return part < 0 ? -report_percent((uint64_t) -part, whole)
                    : report_percent((uint64_t) part, whole);
}

enum advice_verdict advice_judge(const struct advice_ranking *ranking,
                                 int64_t saved)
{
    uint64_t distance = saved < 0 ? (uint64_t) -saved : (uint64_t) saved;

    if (distance <= ranking->threshold_cycles)
        return ADVICE_SAME;
    return saved > 0 ? ADVICE_SAVES : ADVICE_COSTS;
}
