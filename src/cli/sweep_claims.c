/* SPDX-License-Identifier: MIT */
/* Claiming blocks of points. */
#include "cli/sweep_claims.h"

#include "cli/cli.h"
#include "cli/sweep_process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    CLAIM_AHEAD_US = 3 * 1000 * 1000, /* guess: seldom enough, yet not greedy */
    CLAIM_BLOCKS = 16,                /* at a time: workers wait meanwhile */
    CLAIM_IDLE_S = 1,         /* between looks for blocks that others give up */
    CLAIM_UNKNOWN_POINTS = 4, /* a worker, while nothing is measured */
};

int sweep_claims_init(struct sweep_claims *claims,
                      const struct sweep_store *store,
                      struct store_state *state,
                      const struct sweep_selection *selection, size_t n_workers)
{
    memset(claims, 0, sizeof(*claims));
    claims->store = store;
    claims->state = state;
    claims->selection = *selection;
    claims->n_workers = n_workers;
    claims->segment = SIZE_MAX;
    claims->is_given = calloc(store->plan.n_points, sizeof(bool));
    claims->returned = calloc(store->plan.n_points, sizeof(*claims->returned));
    lease_owner_init(&claims->owner, store->dir);
    claims->owner.n_workers = n_workers;
    return claims->is_given && claims->returned
               ? 0
               : cli_error(CLI_SYSTEM, "out of memory");
}

void sweep_claims_fini(struct sweep_claims *claims)
{
    for (size_t i = 0; i < claims->n; i++)
        lease_drop(claims->store->dir, claims->claims[i].name, &claims->owner);
    free(claims->claims);
    free(claims->is_given);
    free(claims->returned);
    memset(claims, 0, sizeof(*claims));
}

/* ---- estimates ---- */

/* Of all finished points, microseconds a record. */
static double claims_us_a_record(const struct store_state *state)
{
    double us = 0, records = 0;

    for (size_t i = 0; i < store_plan_segments(state->plan); i++) {
        size_t source = i % state->plan->n_sources;

        if (!state->plan->sources[source].records)
            continue;
        us += (double) state->segment_us[i];
        records += (double) state->plan->sources[source].records *
                   (double) state->segment_done[i];
    }
    return records > 0 && us > 0 ? us / records : 0;
}

double store_estimate_us(const struct store_state *state, size_t segment)
{
    const struct store_source *source =
        &state->plan->sources[segment % state->plan->n_sources];

    if (state->segment_done[segment])
        return (double) state->segment_us[segment] /
               (double) state->segment_done[segment];
    return (double) source->records * claims_us_a_record(state);
}

/* ---- blocks ---- */

static bool claims_has(const struct sweep_claims *claims, size_t block,
                       size_t point)
{
    const struct sweep_selection *selection = &claims->selection;

    return point >= selection->first && point < selection->end &&
           block % selection->n_shards == selection->shard;
}

static bool claims_is_open(const struct sweep_claims *claims, size_t block,
                           size_t point)
{
    return claims->state->status[point] == STORE_OPEN &&
           claims_has(claims, block, point);
}

/* The open points of a block that are selected; narrows it to them. */
static size_t claims_open_in(const struct sweep_claims *claims, size_t block,
                             size_t *first, size_t *end)
{
    size_t n = 0, from, to;

    store_plan_block(&claims->store->plan, block, &from, &to);
    *first = from > claims->selection.first ? from : claims->selection.first;
    *end = to < claims->selection.end ? to : claims->selection.end;
    for (size_t i = *first; i < *end; i++)
        n += claims_is_open(claims, block, i);
    return n;
}

size_t sweep_claims_open(const struct sweep_claims *claims)
{
    const struct store_plan *plan = &claims->store->plan;
    size_t n = 0;

    for (size_t i = claims->selection.first; i < claims->selection.end; i++)
        n += claims_is_open(claims, store_plan_block_of(plan, i), i);
    return n;
}

bool sweep_claims_has_own(const struct sweep_claims *claims)
{
    return claims->selection.n_shards > 1 || claims->selection.first ||
           claims->selection.end < claims->store->plan.n_points;
}

static bool claims_is_ours(const struct sweep_claims *claims, size_t block)
{
    for (size_t i = 0; i < claims->n; i++)
        if (claims->claims[i].block == block)
            return true;
    return false;
}

static size_t claims_ungiven(const struct sweep_claims *claims)
{
    size_t n = claims->n_returned;

    for (size_t i = 0; i < claims->n; i++)
        for (size_t j = claims->claims[i].next; j < claims->claims[i].end; j++)
            n += claims->state->status[j] == STORE_OPEN;
    return n;
}

/* Tries to lease a block. False: somebody has it, or an error. */
static bool claims_take(struct sweep_claims *claims, size_t block,
                        bool takes_stale)
{
    struct sweep_claim claim = {.block = block};
    const char *dir = claims->store->dir;
    struct lease_owner holder;
    enum lease_result result;

    if (!claims_open_in(claims, block, &claim.first, &claim.end))
        return false;
    claim.next = claim.first;
    snprintf(claim.name, sizeof(claim.name), "%zu-%zu", claim.first,
             claim.end - 1);
    if (claims->n == claims->max) {
        size_t max = claims->max ? 2 * claims->max : 16;
        struct sweep_claim *grown =
            realloc(claims->claims, max * sizeof(*grown));

        claims->error = grown ? 0 : ENOMEM;
        if (!grown)
            return false;
        claims->claims = grown;
        claims->max = max;
    }
    result = takes_stale ? lease_take(dir, claim.name, &claims->owner, &holder)
                         : lease_take_free(dir, claim.name, &claims->owner);
    if (result == LEASE_FAILED)
        claims->error = errno;
    if (result == LEASE_HELD)
        claims->meets_others = true;
    if (result == LEASE_TAKEN)
        claims->claims[claims->n++] = claim;
    return result == LEASE_TAKEN;
}

/* Claims free blocks of a segment until there are enough points. */
static void claims_take_segment(struct sweep_claims *claims, size_t segment,
                                size_t aim, bool takes_stale)
{
    const struct store_plan *plan = &claims->store->plan;
    size_t a_segment = store_plan_blocks(plan) / store_plan_segments(plan);
    size_t n_ungiven = claims_ungiven(claims);
    size_t n_most = claims->n + CLAIM_BLOCKS;

    for (size_t i = 0; i < a_segment && n_ungiven < aim && claims->n < n_most &&
                       !claims->error;
         i++) {
        size_t block = segment * a_segment + i;
        size_t first, end;
        size_t n = claims_open_in(claims, block, &first, &end);

        if (n && !claims_is_ours(claims, block) &&
            claims_take(claims, block, takes_stale))
            n_ungiven += n;
    }
}

static size_t claims_aim(const struct sweep_claims *claims, size_t segment)
{
    double us = store_estimate_us(claims->state, segment);
    double points = CLAIM_UNKNOWN_POINTS;

    if (us > 0)
        points = 1 + CLAIM_AHEAD_US / us;
    if (points > SWEEP_POINTS_MAX)
        points = SWEEP_POINTS_MAX;
    return claims->n_workers * (size_t) points;
}

/* The unknown ones first, to get to know them; then the longest. */
static size_t claims_longest(const struct sweep_claims *claims,
                             const bool *is_tried)
{
    size_t best = SIZE_MAX;
    double best_us = 0;

    for (size_t i = 0; i < store_plan_segments(&claims->store->plan); i++) {
        double us = store_estimate_us(claims->state, i);

        if (is_tried[i])
            continue;
        if (best == SIZE_MAX || (us <= 0 && best_us > 0) ||
            (best_us > 0 && us > best_us)) {
            best = i;
            best_us = us;
        }
    }
    return best;
}

/* Others may have finished what we have just got. Who is alone need not look
 * each time. */
static int claims_refresh(struct sweep_claims *claims)
{
    double now_s = sweep_now_s();

    if (!claims->meets_others && (sweep_claims_has_own(claims) ||
                                  now_s - claims->refreshed_s < CLAIM_IDLE_S))
        return 0;
    claims->meets_others = false;
    claims->refreshed_s = now_s;
    return store_state_refresh(claims->state);
}

/* The segment at hand to its end, then others. */
static int claims_take_some(struct sweep_claims *claims, bool takes_stale)
{
    size_t n_segments = store_plan_segments(&claims->store->plan);
    bool *is_tried = calloc(n_segments, sizeof(*is_tried));
    size_t n_before = claims->n;

    if (!is_tried)
        return cli_error(CLI_SYSTEM, "out of memory");
    for (size_t i = 0; i < n_segments && claims->n == n_before; i++) {
        size_t segment = claims->segment;

        if (i || segment == SIZE_MAX)
            segment = claims_longest(claims, is_tried);
        is_tried[segment] = true;
        claims_take_segment(claims, segment, claims_aim(claims, segment),
                            takes_stale);
        if (claims->n > n_before)
            claims->segment = segment;
    }
    free(is_tried);
    return claims->n > n_before ? claims_refresh(claims) : 0;
}

int sweep_claims_more(struct sweep_claims *claims)
{
    double now_s = sweep_now_s();
    size_t n_before = claims->n;
    int status;

    claims->error = 0;
    if (now_s < claims->idle_s || claims_ungiven(claims) >= claims->n_workers)
        return 0;
    status = claims_take_some(claims, false);
    if (!status && !claims->n && !claims->error)
        status = claims_take_some(claims, true);
    if (claims->n == n_before)
        claims->idle_s = now_s + CLAIM_IDLE_S;
    return status;
}

/* ---- points ---- */

static bool claims_give(struct sweep_claims *claims, struct sweep_claim *claim,
                        size_t *point)
{
    while (claim->next < claim->end) {
        size_t i = claim->next++;

        if (claims->state->status[i] != STORE_OPEN || claims->is_given[i])
            continue;
        claims->is_given[i] = true;
        *point = i;
        return true;
    }
    return false;
}

bool sweep_claims_next(struct sweep_claims *claims, size_t source,
                       size_t *point)
{
    const struct store_plan *plan = &claims->store->plan;

    while (claims->n_returned) {
        *point = claims->returned[--claims->n_returned];
        if (claims->state->status[*point] == STORE_OPEN) {
            claims->is_given[*point] = true;
            return true;
        }
    }
    for (size_t i = 0; source != SIZE_MAX && i < claims->n; i++) {
        struct sweep_claim *claim = &claims->claims[i];

        if (store_plan_place(plan, claim->first).source == source &&
            claims_give(claims, claim, point))
            return true;
    }
    for (size_t i = 0; i < claims->n; i++)
        if (claims_give(claims, &claims->claims[i], point))
            return true;
    return false;
}

void sweep_claims_return(struct sweep_claims *claims, size_t point)
{
    claims->is_given[point] = false;
    claims->returned[claims->n_returned++] = point;
}

void sweep_claims_drop(struct sweep_claims *claims)
{
    size_t n = 0;

    for (size_t i = 0; i < claims->n; i++) {
        struct sweep_claim *claim = &claims->claims[i];
        size_t first, end;

        if (claims_open_in(claims, claim->block, &first, &end))
            claims->claims[n++] = *claim;
        else
            lease_drop(claims->store->dir, claim->name, &claims->owner);
    }
    claims->n = n;
}

void sweep_claims_renew(const struct sweep_claims *claims)
{
    for (size_t i = 0; i < claims->n; i++)
        lease_renew(claims->store->dir, claims->claims[i].name);
}
