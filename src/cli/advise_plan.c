/* SPDX-License-Identifier: MIT */
/* What is tried: see advise_plan.h. */
#include "cli/advise_plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const advice_group_words[] = {"settings", "placement", "kernels",
                                          "hardware", NULL};

const char *advice_group_word(enum advice_group group)
{
    static const char *const words[ADVICE_GROUPS] = {
        [ADVICE_BASE] = "base",       [ADVICE_SEED] = "seed",
        [ADVICE_SETTING] = "setting", [ADVICE_PLACEMENT] = "placement",
        [ADVICE_KERNEL] = "kernel",   [ADVICE_HARDWARE] = "hardware",
        [ADVICE_BOUND] = "bound",     [ADVICE_TOGETHER] = "together",
    };

    return words[group];
}

/* ---- points ---- */

struct advice_point *advice_plan_add(struct advice_plan *plan,
                                     enum advice_group group)
{
    struct advice_point *point;

    if (plan->n_points == ADVICE_POINTS_MAX)
        return NULL;
    point = &plan->points[plan->n_points++];
    *point = (struct advice_point){.group = group, .note = ""};
    return point;
}

bool advice_point_change(struct advice_point *point, const char *key,
                         const char *value)
{
    struct advice_change *change;

    if (point->n_changes == ADVICE_CHANGES)
        return false;
    change = &point->changes[point->n_changes++];
    snprintf(change->key, sizeof(change->key), "%s", key);
    snprintf(change->value, sizeof(change->value), "%s", value);
    return true;
}

const char *advice_describe(const struct advice_point *point, char *buffer,
                            size_t size_bytes)
{
    size_t length = 0;

    buffer[0] = '\0';
    for (size_t i = 0; i < point->n_changes && length < size_bytes; i++)
        length += (size_t) snprintf(
            buffer + length, size_bytes - length, "%s%s=%s", i ? " " : "",
            point->changes[i].key, point->changes[i].value);
    return buffer;
}

mmusim_status_t advice_configure(const struct advice_plan *plan,
                                 const struct advice_point *point,
                                 mmusim_config_t **config, mmusim_diag_t *diag)
{
    mmusim_status_t status = mmusim_config_copy(plan->config, config);

    for (size_t i = 0; !status && i < point->n_changes; i++)
        status = mmusim_config_set(*config, point->changes[i].key,
                                   point->changes[i].value, diag);
    return status ? status : mmusim_config_check(*config, diag);
}

static void advice_skip(struct advice_plan *plan, const char *key,
                        const char *value, const char *reason)
{
    struct advice_skipped *skipped;

    if (plan->n_skipped == ADVICE_SKIPPED_MAX)
        return;
    skipped = &plan->skipped[plan->n_skipped++];
    snprintf(skipped->change.key, sizeof(skipped->change.key), "%s", key);
    snprintf(skipped->change.value, sizeof(skipped->change.value), "%s", value);
    snprintf(skipped->reason, sizeof(skipped->reason), "%s", reason);
}

/* Drops the last point if no such machine can be; diag says why. */
static bool advice_keep_last(struct advice_plan *plan, mmusim_diag_t *diag)
{
    mmusim_config_t *config = NULL;
    mmusim_status_t status;

    *diag = (mmusim_diag_t){0};
    status = advice_configure(plan, &plan->points[plan->n_points - 1], &config,
                              diag);
    mmusim_config_destroy(config);
    if (status)
        plan->n_points--;
    return !status;
}

/* One key changed; what the machine refuses is told, with its reason. */
static struct advice_point *advice_try(struct advice_plan *plan,
                                       enum advice_group group, const char *key,
                                       const char *value)
{
    struct advice_point *point;
    char now[ADVICE_VALUE_BYTES] = "";
    mmusim_diag_t diag;

    (void) mmusim_config_get(plan->config, key, now, sizeof(now));
    if (!strcmp(now, value))
        return NULL;
    point = advice_plan_add(plan, group);
    if (!point)
        return NULL;
    advice_point_change(point, key, value);
    if (advice_keep_last(plan, &diag))
        return point;
    advice_skip(plan, key, value, diag.text);
    return NULL;
}

static uint64_t advice_number(const mmusim_config_t *config, const char *key)
{
    char text[ADVICE_VALUE_BYTES] = "";

    (void) mmusim_config_get(config, key, text, sizeof(text));
    return strtoull(text, NULL, 10);
}

static bool advice_is(const mmusim_config_t *config, const char *key,
                      const char *value)
{
    char text[ADVICE_VALUE_BYTES] = "";

    (void) mmusim_config_get(config, key, text, sizeof(text));
    return !strcmp(text, value);
}

/* ---- what there is to try ---- */

static void advice_add_base(struct advice_plan *plan)
{
    uint64_t seed = advice_number(plan->config, "seed");

    advice_plan_add(plan, ADVICE_BASE);
    for (uint64_t i = 1; i <= 2; i++) {
        struct advice_point *point = advice_plan_add(plan, ADVICE_SEED);
        char value[ADVICE_VALUE_BYTES];

        snprintf(value, sizeof(value), "%" PRIu64, seed ^ i);
        advice_point_change(point, "seed", value);
    }
}

static void advice_add_settings(struct advice_plan *plan)
{
    static const char *const ceilings[] = {
        "0", "1", "4", "8", "16", "33", "64", "128", "512", "4096", "1048576"};
    static const char *const thps[] = {"never", "madvise", "always"};
    const mmusim_config_t *config = plan->config;

    for (size_t i = 0; i < sizeof(thps) / sizeof(thps[0]); i++)
        advice_try(plan, ADVICE_SETTING, "os.thp", thps[i]);
    for (size_t i = 0; i < sizeof(ceilings) / sizeof(ceilings[0]); i++) {
        size_t n_skipped = plan->n_skipped;

        advice_try(plan, ADVICE_SETTING, "os.flush_ceiling", ceilings[i]);
        if (plan->n_skipped > n_skipped)
            break; /* this kernel has none */
    }
    if (advice_is(config, "isa", "x86-64"))
        advice_try(plan, ADVICE_SETTING, "os.pcid",
                   advice_is(config, "os.pcid", "true") ? "false" : "true");
    if (advice_is(config, "os.pti", "true"))
        advice_try(plan, ADVICE_SETTING, "os.pti", "false");
    if (advice_number(config, "topology.sockets") < 2)
        return;
    advice_try(plan, ADVICE_SETTING, "os.numa_balancing",
               advice_is(config, "os.numa_balancing", "true") ? "false"
                                                              : "true");
    advice_try(plan, ADVICE_SETTING, "os.node_policy",
               advice_is(config, "os.node_policy", "local") ? "interleave"
                                                            : "local");
}

static void advice_add_placements(struct advice_plan *plan)
{
    static const char key[] = "os.thread_placement";
    bool has_sockets = advice_number(plan->config, "topology.sockets") > 1;
    bool has_pairs =
        advice_number(plan->config, "topology.threads_per_core") > 1;

    if (has_sockets || has_pairs)
        advice_try(plan, ADVICE_PLACEMENT, key, "cores");
    if (has_sockets)
        advice_try(plan, ADVICE_PLACEMENT, key, "spread");
    else
        advice_skip(plan, key, "spread",
                    "the machine has one socket (topology.sockets)");
    if (has_pairs)
        advice_try(plan, ADVICE_PLACEMENT, key, "pairs");
    else
        advice_skip(plan, key, "pairs",
                    "a core has one hardware thread "
                    "(topology.threads_per_core)");
}

/* Is the word one of those, between spaces? */
static bool advice_has_word(const char *words, const char *word)
{
    size_t length = strlen(word);

    for (const char *at = words; (at = strstr(at, word)) != NULL; at++) {
        if ((at == words || at[-1] == ' ') &&
            (at[length] == ' ' || !at[length]))
            return true;
    }
    return false;
}

static void advice_add_kernels(struct advice_plan *plan)
{
    mmusim_protocol_t protocol;
    char isa[16] = "";

    (void) mmusim_config_get(plan->config, "isa", isa, sizeof(isa));
    for (size_t i = 0; mmusim_protocol_at(i, &protocol); i++) {
        struct advice_point *point;

        if (!strcmp(protocol.name, "ideal") ||
            !advice_has_word(protocol.isas, isa))
            continue;
        point = advice_try(plan, ADVICE_KERNEL, "os.protocol", protocol.name);
        if (point)
            point->note = protocol.bugs;
    }
}

/* One list of a machine's TLB arrays and the like: key of their entries. */
struct advice_arrays {
    struct advice_plan *plan;
    char keys[32][ADVICE_KEY_BYTES];
    size_t n;
};

static int advice_note_array(void *context, const mmusim_config_item_t *item)
{
    struct advice_arrays *arrays = context;
    size_t length = strlen(item->key);
    static const char end[] = ".entries";

    if (strncmp(item->key, "tlb.", 4) != 0 || length < sizeof(end) ||
        strcmp(item->key + length - sizeof(end) + 1, end) != 0 ||
        arrays->n == sizeof(arrays->keys) / sizeof(arrays->keys[0]) ||
        !strtoull(item->value, NULL, 10))
        return 0;
    snprintf(arrays->keys[arrays->n++], ADVICE_KEY_BYTES, "%s", item->key);
    return 0;
}

/* An array with entries / by * times: more sets, or, where the sets cannot be
 * more, more ways. */
static void advice_scale_array(struct advice_plan *plan, const char *key,
                               uint64_t times, uint64_t by)
{
    uint64_t entries = advice_number(plan->config, key);
    struct advice_point *point;
    char value[ADVICE_VALUE_BYTES], ways[ADVICE_KEY_BYTES];
    uint64_t n_ways;
    mmusim_diag_t diag;

    snprintf(value, sizeof(value), "%" PRIu64, entries / by * times);
    if (entries % by || entries < by)
        return;
    for (int more_ways = 0; more_ways <= 1; more_ways++) {
        point = advice_plan_add(plan, ADVICE_HARDWARE);
        if (!point)
            return;
        advice_point_change(point, key, value);
        snprintf(ways, sizeof(ways), "%.*sways",
                 (int) (strlen(key) - strlen("entries")), key);
        n_ways = advice_number(plan->config, ways);
        if (more_ways) {
            char n[ADVICE_VALUE_BYTES];

            snprintf(n, sizeof(n), "%" PRIu64, n_ways / by * times);
            advice_point_change(point, ways, n);
        }
        if (advice_keep_last(plan, &diag))
            return;
        if (!n_ways || n_ways % by)
            break;
    }
    advice_skip(plan, key, value, diag.text);
}

static void advice_add_hardware(struct advice_plan *plan)
{
    struct advice_arrays *arrays = calloc(1, sizeof(*arrays));
    uint64_t n_walkers = advice_number(plan->config, "walker.count");
    char value[ADVICE_VALUE_BYTES];

    if (!arrays)
        return;
    (void) mmusim_config_each(plan->config, advice_note_array, arrays);
    for (size_t i = 0; i < arrays->n; i++) {
        advice_scale_array(plan, arrays->keys[i], 2, 1);
        advice_scale_array(plan, arrays->keys[i], 1, 2);
    }
    free(arrays);
    snprintf(value, sizeof(value), "%" PRIu64, n_walkers * 2);
    advice_try(plan, ADVICE_HARDWARE, "walker.count", value);
    snprintf(value, sizeof(value), "%" PRIu64, n_walkers / 2);
    if (n_walkers > 1)
        advice_try(plan, ADVICE_HARDWARE, "walker.count", value);
}

struct advice_plan *advice_plan_create(const mmusim_config_t *config,
                                       unsigned groups)
{
    struct advice_plan *plan = calloc(1, sizeof(*plan));

    if (!plan)
        return NULL;
    plan->config = config;
    advice_add_base(plan);
    if (groups >> ADVICE_SETTING & 1)
        advice_add_settings(plan);
    if (groups >> ADVICE_PLACEMENT & 1)
        advice_add_placements(plan);
    if (groups >> ADVICE_KERNEL & 1)
        advice_add_kernels(plan);
    if (groups >> ADVICE_HARDWARE & 1)
        advice_add_hardware(plan);
    if (groups >> ADVICE_KERNEL & 1)
        advice_try(plan, ADVICE_BOUND, "os.protocol", "ideal");
    return plan;
}

void advice_plan_destroy(struct advice_plan *plan)
{
    free(plan);
}
