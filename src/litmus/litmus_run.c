/* SPDX-License-Identifier: MIT */
/*
 * One run is a sequence of steps; which of the possible ones comes next is
 * drawn. Three ways to draw take turns, since each finds what others find
 * rarely: every step alike; each possible step has a rank drawn once per run,
 * and the highest goes first, so that some steps are delayed for as long as
 * can be; and a mixture. docs/litmus.md.
 */
#include "litmus/litmus_explorer.h"
#include "litmus/litmus_outcome.h"

#include <stdlib.h>

enum { MAX_TURNS = 20000 };

/* ---- choosing ---- */

/* splitmix64's finaliser (Steele et al., 2014). */
static uint64_t explorer_mix(uint64_t x)
{
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static uint64_t explorer_rank(const struct litmus_explorer *explorer,
                              const struct run_step *step)
{
    uint64_t at = step->at;

    /* A walk goes on, whichever walker has it. */
    if (step->kind == STEP_WALK)
        at = explorer->run.world->mmus[step->pe].mmu.walks[step->at].vaddr >>
             BASE_PAGE_SHIFT;
    return explorer_mix(explorer->rank_seed ^ at << 24 ^
                        (uint64_t) step->kind << 16 ^ (uint64_t) step->pe << 8 ^
                        step->to);
}

static const struct run_step *explorer_choose(struct litmus_explorer *explorer)
{
    uint32_t best = 0;
    uint64_t best_rank = 0;

    if (explorer->policy == POLICY_UNIFORM ||
        (explorer->policy == POLICY_MIXED &&
         !mmusim__rng_below(&explorer->rng, 8)))
        return &explorer->steps[mmusim__rng_below(&explorer->rng,
                                                  explorer->n_steps)];
    for (uint32_t i = 0; i < explorer->n_steps; i++) {
        uint64_t rank = explorer_rank(explorer, &explorer->steps[i]);

        if (i == 0 || rank > best_rank) {
            best = i;
            best_rank = rank;
        }
    }
    return &explorer->steps[best];
}

/* ---- doing ---- */

static void explorer_step_walk(struct litmus_explorer *explorer, uint32_t pe,
                               uint32_t walker)
{
    struct litmus_run *run = &explorer->run;
    struct litmus_pe *own = &run->pes[pe];
    uint64_t updaters = 0;

    if (mmusim__litmus_step_would_write(run->world, pe, walker))
        updaters = mmusim__litmus_updaters(explorer, pe, walker);
    if (!mmusim__litmus_walk_step(run->world, pe, walker))
        return;
    for (uint32_t i = 0; i < 64; i++) {
        if (updaters >> i & 1)
            own->window[own->n_done + i].is_committed = true;
    }
}

/* A whole walk that nobody asked for. */
static void explorer_fetch(struct litmus_explorer *explorer, uint32_t pe,
                           uint32_t location)
{
    struct litmus_world *world = explorer->run.world;
    uint64_t vaddr = LITMUS_VADDR + ((uint64_t) location << BASE_PAGE_SHIFT);

    for (uint32_t i = 0; i < LITMUS_SLOTS; i++) {
        if (mmusim__litmus_walk_is_active(world, pe, i))
            return;
    }
    mmusim__litmus_walk_start(world, pe, ACCESS_LOAD, WALK_FOR_MISS, vaddr, 0);
    while (mmusim__litmus_walk_is_active(world, pe, 0))
        mmusim__litmus_walk_step(world, pe, 0);
}

static void explorer_deliver(struct litmus_explorer *explorer,
                             const struct run_step *step)
{
    const struct litmus_inst *inst =
        &explorer->run.pes[step->pe].window[step->at];

    mmusim__litmus_deliver(&explorer->run, step->pe, step->at, step->to);
    for (uint32_t i = 0; i < explorer->run.test->n_locations; i++) {
        uint64_t vaddr = LITMUS_VADDR + ((uint64_t) i << BASE_PAGE_SHIFT);

        if (explorer->refills[step->to] &&
            mmusim__litmus_tlbi_hits(&inst->tlbi, vaddr))
            explorer_fetch(explorer, step->to, i);
    }
}

static void explorer_translate(struct litmus_explorer *explorer, uint32_t pe,
                               uint32_t at)
{
    struct litmus_run *run = &explorer->run;
    struct inval page =
        mmusim__litmus_inval_page(run->pes[pe].window[at].vaddr);

    if (explorer->forgets[pe] && mmusim__litmus_may_deliver_here(&run->pes[pe]))
        mmusim__litmus_forget(run->world, pe, &page);
    mmusim__litmus_translate(run, pe, at);
}

static void explorer_do(struct litmus_explorer *explorer,
                        const struct run_step *step)
{
    struct litmus_run *run = &explorer->run;
    struct inval page = mmusim__litmus_inval_page(
        LITMUS_VADDR + ((uint64_t) step->at << BASE_PAGE_SHIFT));
    int stale;

    switch ((enum run_step_kind) step->kind) {
    case STEP_TRANSLATE:
        explorer_translate(explorer, step->pe, step->at);
        break;
    case STEP_WALK:
        explorer_step_walk(explorer, step->pe, step->at);
        break;
    case STEP_ABANDON:
        mmusim__litmus_walk_abandon(run->world, step->pe, step->at);
        break;
    case STEP_PERFORM:
        mmusim__litmus_perform(run, step->pe, step->at);
        break;
    case STEP_CERTAIN:
        run->pes[step->pe].window[step->at].is_certain = true;
        break;
    case STEP_FAULT:
        mmusim__litmus_take_fault(run, step->pe, step->at);
        break;
    case STEP_TLBI:
        mmusim__litmus_send_tlbi(run, step->pe, step->at);
        break;
    case STEP_DELIVER:
        explorer_deliver(explorer, step);
        break;
    case STEP_REPLAY:
        stale = mmusim__litmus_stale_ahead(&run->pes[step->pe]);
        if (stale >= 0)
            mmusim__litmus_squash(&run->pes[step->pe], (uint32_t) stale);
        break;
    case STEP_PREFETCH:
        explorer->n_prefetches--;
        mmusim__litmus_walk_start(
            run->world, step->pe, ACCESS_LOAD, WALK_FOR_MISS,
            LITMUS_VADDR + ((uint64_t) step->at << BASE_PAGE_SHIFT), 0);
        break;
    case STEP_EVICT:
        explorer->n_evictions--;
        mmusim__litmus_forget(run->world, step->pe, &page);
        break;
    }
}

static void explorer_on_answer(void *context, uint32_t pe, uint32_t slot,
                               const struct litmus_answer *answer)
{
    struct litmus_explorer *explorer = context;
    uint32_t serial = explorer->run.world->mmus[pe].slots[slot].serial;

    if (serial)
        mmusim__litmus_answer(&explorer->run, pe, serial, answer);
}

/* TLBs hold something when a program starts. */
static void explorer_warm(struct litmus_explorer *explorer)
{
    const struct litmus_test *test = explorer->run.test;

    if (mmusim__rng_below(&explorer->rng, 2))
        return;
    for (uint32_t pe = 0; pe < test->n_threads; pe++) {
        for (uint32_t i = 0; i < test->n_locations; i++) {
            if (mmusim__rng_below(&explorer->rng, 2))
                explorer_fetch(explorer, pe, i);
        }
    }
}

static void explorer_begin(struct litmus_explorer *explorer, uint64_t seed,
                           uint64_t index)
{
    struct litmus_run *run = &explorer->run;

    mmusim__rng_init(&explorer->rng, seed, index);
    run->rng = &explorer->rng;
    run->n_serials = 0;
    mmusim__litmus_world_reset(run->world);
    for (uint32_t pe = 0; pe < run->test->n_threads; pe++)
        mmusim__litmus_pe_reset(run, pe);
    explorer->rank_seed = mmusim__rng_next(&explorer->rng);
    explorer->policy = (enum run_policy)(index % 3);
    explorer->n_prefetches = mmusim__rng_below(&explorer->rng, 4);
    explorer->n_evictions = mmusim__rng_below(&explorer->rng, 3);
    for (uint32_t pe = 0; pe < run->test->n_threads; pe++) {
        uint32_t habit = mmusim__rng_below(&explorer->rng, 3);

        explorer->forgets[pe] = habit == 0;
        explorer->refills[pe] = habit == 1;
    }
    explorer_warm(explorer);
}

static bool explorer_is_cut(const struct litmus_explorer *explorer)
{
    for (uint32_t pe = 0; pe < explorer->run.test->n_threads; pe++) {
        if (explorer->run.pes[pe].is_cut)
            return true;
    }
    return false;
}

static mmusim_status_t explorer_run_one(struct litmus_explorer *explorer,
                                        struct litmus_result *result)
{
    for (uint32_t turn = 0; turn < MAX_TURNS; turn++) {
        if (mmusim__litmus_list(explorer))
            return mmusim__litmus_record(&explorer->run, result);
        if (explorer_is_cut(explorer))
            break;
        if (!explorer->n_steps) {
            result->n_stuck++;
            return MMUSIM_OK;
        }
        explorer_do(explorer, explorer_choose(explorer));
    }
    result->n_cut++;
    return MMUSIM_OK;
}

static int explorer_only_invalidator(const struct litmus_test *test)
{
    int only = -1;

    for (uint32_t t = 0; t < test->n_threads; t++) {
        bool has_tlbi = false;

        for (uint32_t i = 0; i < test->threads[t].n_code; i++)
            has_tlbi |= test->threads[t].code[i].op == LITMUS_TLBI;
        if (has_tlbi && only >= 0)
            return -1;
        if (has_tlbi)
            only = (int) t;
    }
    return only;
}

mmusim_status_t mmusim__litmus_explore(const struct litmus_test *test,
                                       const struct litmus_plan *plan,
                                       struct litmus_result *result)
{
    struct litmus_explorer *explorer = calloc(1, sizeof(*explorer));
    mmusim_status_t status = MMUSIM_NOMEM;

    if (!explorer)
        return status;
    explorer->run.test = test;
    explorer->run.world = mmusim__litmus_world_create(&status);
    if (!explorer->run.world)
        goto done;
    explorer->run.world->mutation = plan->mutation;
    mmusim__litmus_world_load(explorer->run.world, test);
    explorer->run.only_invalidator = explorer_only_invalidator(test);
    for (uint32_t pe = 0; pe < LITMUS_MAX_THREADS; pe++) {
        explorer->run.world->mmus[pe].on_answer = explorer_on_answer;
        explorer->run.world->mmus[pe].context = explorer;
    }
    for (uint64_t i = 0; !status && i < plan->n_schedules; i++) {
        if (plan->stop && plan->stop(plan->stop_context)) {
            status = MMUSIM_INTERRUPTED;
            break;
        }
        explorer_begin(explorer, plan->seed, i);
        status = explorer_run_one(explorer, result);
    }
done:
    mmusim__litmus_world_destroy(explorer->run.world);
    free(explorer);
    return status;
}
