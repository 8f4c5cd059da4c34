/* SPDX-License-Identifier: MIT */
/* Advice as JSON: see advise_report.h. */
#include "cli/advise_report.h"

#include "cli/json_out.h"
#include "cli/replay_report.h"

#include <inttypes.h>
#include <stdlib.h>

static void advice_json_changes(FILE *file, const struct advice_change *changes,
                                size_t n)
{
    fputs("\"changes\": {", file);
    for (size_t i = 0; i < n; i++) {
        fputs(i ? ", " : "", file);
        json_file_member(file, changes[i].key, changes[i].value);
    }
    fputc('}', file);
}

static void advice_json_buckets(FILE *file, const struct advice_point *point)
{
    fputs("\"cycles\": {", file);
    for (size_t i = 0; report_buckets[i]; i++)
        fprintf(file, "%s\"%s\": %" PRIu64, i ? ", " : "", report_buckets[i],
                point->buckets[i]);
    fputc('}', file);
}

static void advice_json_point(FILE *file, const struct advice_ranking *ranking,
                              const struct advice_point *point)
{
    static const char *const verdicts[] = {[ADVICE_SAVES] = "saves",
                                           [ADVICE_SAME] = "same",
                                           [ADVICE_COSTS] = "costs"};
    uint64_t base = ranking->plan->points[0].work_cycles;
    int64_t saved = (int64_t) (base - point->work_cycles);

    fprintf(file, "{\"group\": \"%s\", ", advice_group_word(point->group));
    advice_json_changes(file, point->changes, point->n_changes);
    if (point->note[0]) {
        fputs(", ", file);
        json_file_member(file, "bugs", point->note);
    }
    if (!point->is_done) {
        fputs(", \"verdict\": \"failed\", ", file);
        json_file_member(file, "reason",
                         point->status ? point->reason : "interrupted");
        fputc('}', file);
        return;
    }
    fprintf(file,
            ", \"verdict\": \"%s\", \"saved_cycles\": %" PRId64
            ", \"saved_percent\": %.3f, \"work_cycles\": %" PRIu64
            ", \"sim_cycles\": %" PRIu64 ", \"violations\": %" PRIu64 ", ",
            verdicts[advice_judge(ranking, saved)], saved,
            advice_percent(saved, base), point->work_cycles, point->sim_cycles,
            point->n_violations);
    advice_json_buckets(file, point);
    fputc('}', file);
}

static void advice_json_skipped(FILE *file, const struct advice_plan *plan)
{
    fputs(",\n\"not_tried\": [", file);
    for (size_t i = 0; i < plan->n_skipped; i++) {
        fputs(i ? ",\n  {" : "\n  {", file);
        advice_json_changes(file, &plan->skipped[i].change, 1);
        fputs(", ", file);
        json_file_member(file, "reason", plan->skipped[i].reason);
        fputc('}', file);
    }
    fputs("]}\n", file);
}

/* All points in the order of what they save; those that failed come last. */
static int advice_compare_points(const void *a, const void *b)
{
    const struct advice_point *left = *(const struct advice_point *const *) a;
    const struct advice_point *right = *(const struct advice_point *const *) b;

    if (left->is_done != right->is_done)
        return left->is_done ? -1 : 1;
    if (left->work_cycles != right->work_cycles)
        return left->work_cycles > right->work_cycles ? 1 : -1;
    return left > right ? 1 : -1;
}

static void advice_json_points(FILE *file, const struct advice_ranking *ranking)
{
    const struct advice_plan *plan = ranking->plan;
    const struct advice_point *sorted[ADVICE_POINTS_MAX];
    size_t n = 0;

    for (size_t i = 1; i < plan->n_points; i++) {
        if (plan->points[i].group != ADVICE_SEED)
            sorted[n++] = &plan->points[i];
    }
    qsort(sorted, n, sizeof(sorted[0]), advice_compare_points);
    fputs(",\n\"points\": [", file);
    for (size_t i = 0; i < n; i++) {
        fputs(i ? ",\n  " : "\n  ", file);
        advice_json_point(file, ranking, sorted[i]);
    }
    fputc(']', file);
}

void advice_print_json(FILE *file, const struct advice_ranking *ranking,
                       const struct advice_about *about)
{
    const struct advice_point *base = &ranking->plan->points[0];

    fputs("{\"schema\": \"mmusim-advice-1\",\n", file);
    json_file_member(file, "machine", about->machine ? about->machine : "");
    fputs(", ", file);
    json_file_member(file, "source", about->source);
    fputs(",\n\"config\": {", file);
    for (size_t i = 0; i < about->n_keys; i++) {
        fputs(i ? ", " : "", file);
        json_file_member(file, about->keys[i].key, about->keys[i].value);
    }
    fprintf(file,
            "},\n\"is_interrupted\": %s,\n\"noise_cycles\": %" PRIu64
            ", \"threshold_cycles\": %" PRIu64
            ",\n\"base\": {\"work_cycles\": %" PRIu64
            ", \"sim_cycles\": %" PRIu64 ", ",
            about->is_interrupted ? "true" : "false", ranking->noise_cycles,
            ranking->threshold_cycles, base->work_cycles, base->sim_cycles);
    advice_json_buckets(file, base);
    fputc('}', file);
    advice_json_points(file, ranking);
    advice_json_skipped(file, ranking->plan);
}
