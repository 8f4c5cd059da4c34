/* SPDX-License-Identifier: MIT */
/*
 * Searching orders. First those with few switches between CPUs, 0, 1, 2, ...
 * (Musuvathi and Qadeer, "Iterative context bounding", PLDI 2007), so that the
 * first failing order is one that people can follow; each search is depth
 * first over states, and a state seen before with as many switches left is not
 * entered again. When a search comes to its end without a limit having
 * mattered, that was all. Otherwise, when the budget of states is used up,
 * orders are drawn: uniformly, or by ranks of CPUs that change at a few points
 * (Burckhardt et al., "A randomized scheduler with probabilistic guarantees",
 * ASPLOS 2010).
 */
#include "scenario/scenario_run.h"
#include "scenario/scenario_seen.h"

#include "core/rng.h"

#include <stdlib.h>
#include <string.h>

enum {
    EXPLORE_DEPTH_MAX = 3000,
    EXPLORE_STATES_PER_SCHEDULE = 60, /* a guess: a run has about as many */
    EXPLORE_BOUNDS = 5,               /* switches 0 to 4, then any number */
    EXPLORE_UNBOUNDED = 255,
    EXPLORE_RANDOM_STEPS = 800,
    EXPLORE_STOP_EVERY = 1024,
};

/* A state on the way, and which of its moves comes next. */
struct explore_level {
    struct scenario_world world;
    struct scenario_move moves[SCENARIO_MOVES];
    uint32_t n_moves, next;
    uint8_t last_cpu, switches_left;
};

struct explore {
    struct scenario_run *run;
    const struct scenario_plan *plan;
    struct scenario_found *found;
    struct scenario_world root;
    struct scenario_seen seen;
    struct explore_level **levels;
    uint32_t n_levels; /* allocated */
    uint32_t depth;
    uint64_t states_left;
    bool is_limited; /* a switch was not made, a depth not entered */
    struct rng rng;
};

/* ---- states ---- */

static uint64_t explore_mix(uint64_t hash, const void *data, size_t n_bytes)
{
    const uint8_t *at = data;

    for (; n_bytes >= 8; n_bytes -= 8, at += 8) {
        uint64_t word;

        memcpy(&word, at, 8);
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    for (; n_bytes; n_bytes--, at++)
        hash = (hash ^ *at) * UINT64_C(0x100000001b3);
    return hash ^ hash >> 29;
}

static uint64_t explore_hash(const struct explore *explore,
                             const struct explore_level *level)
{
    const struct scenario_world *world = &explore->run->world;
    uint64_t hash = 1469598103934665603u;
    uint8_t key[2] = {level->last_cpu, level->switches_left};

    for (uint32_t c = 0; c < explore->run->program->n_cpus; c++) {
        const struct scenario_cpu *cpu = &world->cpus[c];

        hash = explore_mix(hash, cpu->frames,
                           cpu->n_frames * sizeof(cpu->frames[0]));
        hash =
            explore_mix(hash, cpu->buffer, sizeof(*cpu) - sizeof(cpu->frames));
    }
    hash =
        explore_mix(hash, world->cells, sizeof(*world) - sizeof(world->cpus));
    if (level->switches_left != EXPLORE_UNBOUNDED)
        hash = explore_mix(hash, key, sizeof(key));
    return hash;
}

/* CPUs that the scenario does not have stay as they are. */
static void explore_copy(const struct explore *explore,
                         struct scenario_world *to,
                         const struct scenario_world *from)
{
    size_t n_bytes = explore->run->program->n_cpus * sizeof(from->cpus[0]);

    memcpy(to->cpus, from->cpus, n_bytes);
    memcpy(to->cells, from->cells, sizeof(*from) - sizeof(from->cpus));
}

/* ---- a failing order ---- */

static mmusim_status_t explore_keep(struct explore *explore,
                                    const struct scenario_move *moves,
                                    uint32_t n_moves)
{
    struct scenario_found *found = explore->found;
    struct scenario_move *copy = malloc((n_moves + 1u) * sizeof(*copy));

    if (!copy)
        return MMUSIM_NOMEM;
    if (n_moves)
        memcpy(copy, moves, n_moves * sizeof(*copy));
    free(found->moves);
    found->moves = copy;
    found->n_moves = n_moves;
    found->verdict = explore->run->verdict;
    return MMUSIM_OK;
}

static bool explore_fails(struct explore *explore,
                          const struct scenario_move *moves, uint32_t n_moves)
{
    struct scenario_run *run = explore->run;

    run->world = explore->root;
    run->verdict = VERDICT_CLEAN;
    for (uint32_t i = 0; i < n_moves; i++) {
        if (!mmusim__scenario_do(run, &moves[i]) || run->has_error ||
            (run->verdict && i + 1 < n_moves))
            return false;
    }
    return run->verdict == explore->found->verdict;
}

/* Leaves out, from the end, what the verdict does not need. */
static void explore_shorten(struct explore *explore)
{
    struct scenario_found *found = explore->found;
    bool is_shorter = true;

    if (found->verdict == VERDICT_STUCK)
        return;
    for (uint32_t turn = 0; is_shorter && turn < 4; turn++) {
        is_shorter = false;
        for (uint32_t i = found->n_moves; i-- > 0;) {
            struct scenario_move left_out = found->moves[i];
            size_t n_bytes = (found->n_moves - i - 1) * sizeof(*found->moves);

            memmove(&found->moves[i], &found->moves[i + 1], n_bytes);
            if (explore_fails(explore, found->moves, found->n_moves - 1)) {
                found->n_moves--;
                is_shorter = true;
                continue;
            }
            memmove(&found->moves[i + 1], &found->moves[i], n_bytes);
            found->moves[i] = left_out;
        }
    }
}

static bool explore_is_stuck(struct explore *explore, uint32_t n_moves)
{
    return !n_moves && !mmusim__scenario_is_over(explore->run);
}

/* ---- depth first ---- */

static struct explore_level *explore_level(struct explore *explore,
                                           uint32_t depth)
{
    if (!explore->levels[depth])
        explore->levels[depth] = malloc(sizeof(**explore->levels));
    return explore->levels[depth];
}

/* What a move costs in switches: taking the CPU from one that could go on, and
 * a walk that nobody asked for. */
static uint32_t explore_cost(const struct explore_level *level,
                             const struct scenario_move *move)
{
    if (move->kind == MOVE_FILL)
        return 1;
    if (move->kind != MOVE_STEP || move->cpu == level->last_cpu)
        return 0;
    for (uint32_t i = 0; i < level->n_moves; i++) {
        if (level->moves[i].kind == MOVE_STEP &&
            level->moves[i].cpu == level->last_cpu)
            return 1;
    }
    return 0;
}

/* The moves of the present state, those that go on as before first. */
static void explore_list(struct explore *explore, struct explore_level *level)
{
    uint32_t first = 0;

    explore_copy(explore, &level->world, &explore->run->world);
    level->n_moves = mmusim__scenario_moves(explore->run, level->moves);
    level->next = 0;
    while (first < level->n_moves &&
           !(level->moves[first].kind == MOVE_STEP &&
             level->moves[first].cpu == level->last_cpu))
        first++;
    if (first && first < level->n_moves) {
        struct scenario_move move = level->moves[first];

        memmove(&level->moves[1], &level->moves[0],
                first * sizeof(level->moves[0]));
        level->moves[0] = move;
    }
}

static mmusim_status_t explore_note_failure(struct explore *explore)
{
    struct scenario_move moves[EXPLORE_DEPTH_MAX];

    for (uint32_t d = 0; d < explore->depth; d++)
        moves[d] = explore->levels[d]->moves[explore->levels[d]->next - 1];
    return explore_keep(explore, moves, explore->depth);
}

/* Enters the present state at explore->depth; false: no need to. */
static bool explore_enter(struct explore *explore, uint8_t last_cpu,
                          uint8_t switches_left, mmusim_status_t *status)
{
    struct explore_level *level;
    enum scenario_seen_answer answer;

    if (explore->depth == EXPLORE_DEPTH_MAX - 1 || !explore->states_left) {
        explore->is_limited = true;
        return false;
    }
    level = explore_level(explore, explore->depth);
    if (!level) {
        *status = MMUSIM_NOMEM;
        return false;
    }
    level->last_cpu = last_cpu;
    level->switches_left = switches_left;
    answer =
        mmusim__scenario_seen_add(&explore->seen, explore_hash(explore, level));
    if (answer == SEEN_NO_MEMORY)
        *status = MMUSIM_NOMEM;
    if (answer != SEEN_NEW)
        return false;
    explore->states_left--;
    explore->found->n_states++;
    explore_list(explore, level);
    if (explore_is_stuck(explore, level->n_moves)) {
        explore->run->verdict = VERDICT_STUCK;
        return false;
    }
    return level->n_moves > 0;
}

static bool explore_is_stopped(const struct explore *explore)
{
    return explore->plan->stop &&
           explore->found->n_moves_done % EXPLORE_STOP_EVERY == 0 &&
           explore->plan->stop(explore->plan->stop_context);
}

/* One move from the deepest level. */
static mmusim_status_t explore_move(struct explore *explore)
{
    struct explore_level *level = explore->levels[explore->depth - 1];
    const struct scenario_move *move = &level->moves[level->next++];
    struct scenario_run *run = explore->run;
    uint32_t cost = explore_cost(level, move);
    mmusim_status_t status = MMUSIM_OK;
    uint8_t left = level->switches_left;
    uint8_t last = move->kind == MOVE_STEP ? move->cpu : level->last_cpu;

    if (left != EXPLORE_UNBOUNDED && cost > left) {
        explore->is_limited = true;
        return MMUSIM_OK;
    }
    if (left != EXPLORE_UNBOUNDED)
        left = (uint8_t) (left - cost);
    explore_copy(explore, &run->world, &level->world);
    mmusim__scenario_do(run, move);
    explore->found->n_moves_done++;
    if (run->has_error)
        return MMUSIM_DAMAGED;
    if (explore_is_stopped(explore))
        return MMUSIM_INTERRUPTED;
    if (!run->verdict && explore_enter(explore, last, left, &status))
        explore->depth++;
    if (run->verdict && !status)
        status = explore_note_failure(explore);
    return status;
}

static mmusim_status_t explore_search(struct explore *explore, uint8_t switches)
{
    mmusim_status_t status = MMUSIM_OK;

    explore->depth = 0;
    explore->is_limited = false;
    explore->found->n_states = 0;
    mmusim__scenario_seen_clear(&explore->seen);
    explore->run->world = explore->root;
    explore->run->verdict = VERDICT_CLEAN;
    if (explore_enter(explore, 0, switches, &status))
        explore->depth++;
    if (explore->run->verdict)
        return explore_keep(explore, NULL, 0);
    while (explore->depth && !status && !explore->found->verdict) {
        struct explore_level *level = explore->levels[explore->depth - 1];

        if (level->next == level->n_moves)
            explore->depth--;
        else
            status = explore_move(explore);
    }
    return status;
}

/* ---- drawn orders ---- */

struct explore_ranks {
    uint32_t rank[SCENARIO_CPUS];
    uint32_t change_at[3];
    bool is_uniform;
};

static const struct scenario_move *
explore_draw(struct explore *explore, const struct explore_ranks *ranks,
             const struct scenario_move *moves, uint32_t n_moves)
{
    const struct scenario_move *best = NULL;

    if (ranks->is_uniform || !mmusim__rng_below(&explore->rng, 6))
        return &moves[mmusim__rng_below(&explore->rng, n_moves)];
    for (uint32_t i = 0; i < n_moves; i++) {
        if (moves[i].kind == MOVE_FILL)
            continue;
        if (!best || ranks->rank[moves[i].cpu] > ranks->rank[best->cpu])
            best = &moves[i];
    }
    return best ? best : &moves[0];
}

static mmusim_status_t explore_run_random(struct explore *explore,
                                          uint64_t index)
{
    struct scenario_move taken[EXPLORE_RANDOM_STEPS];
    struct scenario_move moves[SCENARIO_MOVES];
    struct scenario_run *run = explore->run;
    struct explore_ranks ranks = {.is_uniform = index % 2};

    mmusim__rng_init(&explore->rng, explore->plan->seed, index);
    for (uint32_t c = 0; c < SCENARIO_CPUS; c++)
        ranks.rank[c] = mmusim__rng_below(&explore->rng, 1000);
    for (uint32_t i = 0; i < 3; i++)
        ranks.change_at[i] = mmusim__rng_below(&explore->rng, 80);
    run->world = explore->root;
    run->verdict = VERDICT_CLEAN;
    for (uint32_t i = 0; i < EXPLORE_RANDOM_STEPS; i++) {
        uint32_t n_moves = mmusim__scenario_moves(run, moves);

        if (explore_is_stuck(explore, n_moves))
            run->verdict = VERDICT_STUCK;
        if (run->verdict)
            return explore_keep(explore, taken, i);
        if (!n_moves)
            break;
        for (uint32_t k = 0; k < 3; k++) {
            if (ranks.change_at[k] == i)
                ranks.rank[mmusim__rng_below(&explore->rng,
                                             run->program->n_cpus)] = k;
        }
        taken[i] = *explore_draw(explore, &ranks, moves, n_moves);
        mmusim__scenario_do(run, &taken[i]);
        explore->found->n_moves_done++;
        if (run->has_error)
            return MMUSIM_DAMAGED;
        if (run->verdict)
            return explore_keep(explore, taken, i + 1);
        if (explore_is_stopped(explore))
            return MMUSIM_INTERRUPTED;
    }
    explore->found->n_runs++;
    return MMUSIM_OK;
}

/* ---- all of it ---- */

static void explore_count_switches(struct scenario_found *found)
{
    int last = -1;

    found->n_switches = 0;
    for (uint32_t i = 0; i < found->n_moves; i++) {
        if (found->moves[i].kind != MOVE_STEP)
            continue;
        found->n_switches += last >= 0 && last != found->moves[i].cpu;
        last = found->moves[i].cpu;
    }
}

/* Few switches first, then any number. */
static mmusim_status_t explore_search_all(struct explore *explore)
{
    uint64_t budget = explore->plan->schedules * EXPLORE_STATES_PER_SCHEDULE;
    mmusim_status_t status = MMUSIM_OK;

    for (uint32_t bound = 0; bound <= EXPLORE_BOUNDS && !status; bound++) {
        bool is_last = bound == EXPLORE_BOUNDS;

        explore->states_left = is_last ? budget : budget / 4;
        status = explore_search(explore,
                                is_last ? EXPLORE_UNBOUNDED : (uint8_t) bound);
        if (status || explore->found->verdict)
            break;
        explore->found->is_all = !explore->is_limited;
        if (explore->found->is_all)
            break;
        if (!explore->states_left && !is_last)
            bound = EXPLORE_BOUNDS - 1;
    }
    return status;
}

static mmusim_status_t explore_all(struct explore *explore)
{
    struct scenario_found *found = explore->found;
    mmusim_status_t status = explore_search_all(explore);

    for (uint64_t i = 0; !status && !found->verdict && !found->is_all &&
                         i < explore->plan->schedules;
         i++)
        status = explore_run_random(explore, i);
    if (!status && found->verdict) {
        explore_shorten(explore);
        explore_count_switches(found);
    }
    return status;
}

mmusim_status_t mmusim__scenario_explore(struct scenario_run *run,
                                         const struct scenario_plan *plan,
                                         struct scenario_found *found)
{
    struct explore *explore = calloc(1, sizeof(*explore));
    mmusim_status_t status = MMUSIM_NOMEM;

    memset(found, 0, sizeof(*found));
    if (!explore)
        return status;
    explore->run = run;
    explore->plan = plan;
    explore->found = found;
    explore->levels = calloc(EXPLORE_DEPTH_MAX, sizeof(*explore->levels));
    if (!explore->levels)
        goto done;
    mmusim__scenario_setup(run, NULL);
    explore->root = run->world;
    found->verdict = run->verdict; /* the setup alone may fail */
    status = run->has_error ? MMUSIM_DAMAGED : MMUSIM_OK;
    if (!status && !run->verdict)
        status = explore_all(explore);
    found->has_error = run->has_error;
done:
    for (uint32_t d = 0; explore->levels && d < EXPLORE_DEPTH_MAX; d++)
        free(explore->levels[d]);
    free(explore->levels);
    mmusim__scenario_seen_fini(&explore->seen);
    free(explore);
    return status;
}
