/* SPDX-License-Identifier: MIT */
/*
 * One run is a sequence of steps; which of the possible ones comes next is
 * drawn. Three ways to draw take turns, since each finds what others find
 * rarely: every step alike; each possible step has a rank drawn once per run,
 * and the highest goes first, so that some steps are delayed for as long as
 * can be; and a mixture. docs/litmus.md.
 */
#include "litmus/litmus_run.h"

#include "litmus/litmus_outcome.h"

#include <stdlib.h>

enum run_step_kind {
    STEP_TRANSLATE,
    STEP_WALK,
    STEP_ABANDON, /* a walk that may not set the dirty state */
    STEP_PERFORM,
    STEP_CERTAIN, /* of a fault */
    STEP_FAULT,
    STEP_TLBI,
    STEP_DELIVER,  /* of pe's TLBI, at PE `to` */
    STEP_REPLAY,   /* of what keeps a PE from answering */
    STEP_PREFETCH, /* a walk that nobody asked for */
    STEP_EVICT,    /* a PE's TLBs lose a page */
};

struct run_step {
    uint8_t kind;
    uint8_t pe;
    uint8_t to;
    uint16_t at; /* instruction, walker or location */
};

enum { MAX_STEPS = 512, MAX_TURNS = 20000 };

enum run_policy { POLICY_UNIFORM, POLICY_RANKS, POLICY_MIXED };

struct explorer {
    struct litmus_run run;
    struct rng rng;
    struct run_step steps[MAX_STEPS];
    uint32_t n_steps;
    uint64_t rank_seed;
    enum run_policy policy;
    uint32_t n_prefetches; /* still permitted in this run */
    uint32_t n_evictions;
    bool forgets[LITMUS_MAX_THREADS]; /* its TLBs keep nothing for later */
    bool refills[LITMUS_MAX_THREADS]; /* what is invalidated is fetched anew */
};

/* ---- what is possible ---- */

static void explorer_add(struct explorer *explorer, enum run_step_kind kind,
                         uint32_t pe, uint32_t at, uint32_t to)
{
    if (explorer->n_steps < MAX_STEPS)
        explorer->steps[explorer->n_steps++] = (struct run_step){
            (uint8_t) kind, (uint8_t) pe, (uint8_t) to, (uint16_t) at};
}

static bool explorer_may_translate(struct explorer *explorer, uint32_t pe,
                                   const struct litmus_inst *inst,
                                   const struct litmus_before *before)
{
    struct litmus_world *world = explorer->run.world;
    enum access_kind kind =
        litmus_writes(inst->instr) ? ACCESS_STORE : ACCESS_LOAD;
    tlb_data_t data;

    if (!mmusim__litmus_may_translate(&explorer->run, inst, before))
        return false;
    if (mmusim__litmus_may_walk(world, pe, inst->vaddr) &&
        (!mmusim__litmus_walk_would_write(world, pe, kind, inst->vaddr) ||
         mmusim__litmus_may_update(&explorer->run, pe, inst, before)))
        return true;
    if (!mmusim__litmus_probe(world, pe, kind, inst->vaddr, &data))
        return false;
    return kind == ACCESS_LOAD || !(data & TLB_WRITE) || (data & TLB_DIRTY);
}

static void explorer_list_deliveries(struct explorer *explorer, uint32_t pe,
                                     uint32_t at)
{
    const struct litmus_inst *inst = &explorer->run.pes[pe].window[at];
    bool waits_for_nobody =
        explorer->run.world->mutation == LITMUS_ACCESS_NOT_REPLAYED;

    for (uint32_t to = 0; to < explorer->run.test->n_threads; to++) {
        const struct litmus_pe *other = &explorer->run.pes[to];

        if (inst->waiting >> to & 1)
            explorer_add(explorer, STEP_REPLAY, to, 0, 0);
        if (!(inst->pending >> to & 1))
            continue;
        if (waits_for_nobody) {
            explorer_add(explorer, STEP_DELIVER, pe, at, to);
            continue;
        }
        if (to == pe ? mmusim__litmus_may_deliver_here(other)
                     : mmusim__litmus_may_deliver(other, &inst->tlbi))
            explorer_add(explorer, STEP_DELIVER, pe, at, to);
    }
}

static void explorer_list_instruction(struct explorer *explorer, uint32_t pe,
                                      uint32_t at,
                                      const struct litmus_before *before)
{
    const struct litmus_pe *own = &explorer->run.pes[pe];
    const struct litmus_inst *inst = &own->window[at];

    if (inst->is_dead)
        return;
    if (inst->instr->op == LITMUS_TLBI) {
        if (mmusim__litmus_may_invalidate(own, inst, before))
            explorer_add(explorer, STEP_TLBI, pe, at, 0);
        explorer_list_deliveries(explorer, pe, at);
        return;
    }
    if (!litmus_is_access(inst->instr) || inst->is_performed)
        return;
    if (explorer_may_translate(explorer, pe, inst, before))
        explorer_add(explorer, STEP_TRANSLATE, pe, at, 0);
    else if (mmusim__litmus_may_be_certain(inst, before))
        explorer_add(explorer, STEP_CERTAIN, pe, at, 0);
    else if (mmusim__litmus_may_fault(inst, before))
        explorer_add(explorer, STEP_FAULT, pe, at, 0);
    else if (mmusim__litmus_may_perform(own, at, before))
        explorer_add(explorer, STEP_PERFORM, pe, at, 0);
}

/* Is one of those who wait for the walk allowed to have the leaf written? The
 * instructions that are, as bits. */
static uint64_t explorer_updaters(struct explorer *explorer, uint32_t pe,
                                  uint32_t walker)
{
    struct litmus_pe *own = &explorer->run.pes[pe];
    const struct litmus_mmu *mmu = &explorer->run.world->mmus[pe];
    struct litmus_before before = {0};
    uint64_t updaters = 0;

    for (uint32_t i = own->n_done; i < own->n && i < own->n_done + 64; i++) {
        const struct litmus_inst *inst = &own->window[i];

        for (const struct walk_request *r = mmu->mmu.walks[walker].requests; r;
             r = r->next) {
            const struct litmus_slot *slot =
                (const struct litmus_slot *) (const void *) r;

            if (slot->serial == inst->serial && inst->is_walking &&
                litmus_writes(inst->instr) &&
                mmusim__litmus_may_update(&explorer->run, pe, inst, &before))
                updaters |= UINT64_C(1) << (i - own->n_done);
        }
        mmusim__litmus_pass(own, i, &before);
    }
    return updaters;
}

static void explorer_list_walks(struct explorer *explorer, uint32_t pe)
{
    struct litmus_world *world = explorer->run.world;

    for (uint32_t i = 0; i < LITMUS_SLOTS; i++) {
        if (!mmusim__litmus_walk_is_active(world, pe, i))
            continue;
        if (mmusim__litmus_step_would_write(world, pe, i) &&
            !world->mmus[pe].mmu.walks[i].is_poisoned &&
            !explorer_updaters(explorer, pe, i))
            explorer_add(explorer, STEP_ABANDON, pe, i, 0);
        else
            explorer_add(explorer, STEP_WALK, pe, i, 0);
    }
}

/* What hardware may do of its own: walk ahead, forget. */
static void explorer_list_whims(struct explorer *explorer, uint32_t pe)
{
    struct litmus_world *world = explorer->run.world;

    for (uint32_t i = 0; i < explorer->run.test->n_locations; i++) {
        uint64_t vaddr = LITMUS_VADDR + ((uint64_t) i << BASE_PAGE_SHIFT);

        if (explorer->n_evictions &&
            mmusim__litmus_may_deliver_here(&explorer->run.pes[pe]))
            explorer_add(explorer, STEP_EVICT, pe, i, 0);
        if (explorer->n_prefetches && mmusim__litmus_may_walk(world, pe, vaddr))
            explorer_add(explorer, STEP_PREFETCH, pe, i, 0);
    }
}

/* Before barriers are looked at. */
static void explorer_answer_tlbis(struct litmus_run *run)
{
    for (uint32_t pe = 0; pe < run->test->n_threads; pe++) {
        struct litmus_pe *own = &run->pes[pe];

        for (uint32_t i = own->n_done; i < own->n; i++) {
            if (own->window[i].waiting)
                mmusim__litmus_answer_tlbi(run, &own->window[i]);
        }
    }
}

static bool explorer_list(struct explorer *explorer)
{
    struct litmus_run *run = &explorer->run;
    bool is_finished = true;

    explorer->n_steps = 0;
    explorer_answer_tlbis(run);
    for (uint32_t pe = 0; pe < run->test->n_threads; pe++) {
        struct litmus_pe *own = &run->pes[pe];
        struct litmus_before before = {0};

        mmusim__litmus_settle(run, pe);
        is_finished &= mmusim__litmus_is_finished(own);
        for (uint32_t i = own->n_done; i < own->n; i++) {
            explorer_list_instruction(explorer, pe, i, &before);
            mmusim__litmus_pass(own, i, &before);
        }
        explorer_list_walks(explorer, pe);
    }
    for (uint32_t pe = 0; explorer->n_steps && pe < run->test->n_threads; pe++)
        explorer_list_whims(explorer, pe);
    return is_finished;
}

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

static uint64_t explorer_rank(const struct explorer *explorer,
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

static const struct run_step *explorer_choose(struct explorer *explorer)
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

static void explorer_step_walk(struct explorer *explorer, uint32_t pe,
                               uint32_t walker)
{
    struct litmus_run *run = &explorer->run;
    struct litmus_pe *own = &run->pes[pe];
    uint64_t updaters = 0;

    if (mmusim__litmus_step_would_write(run->world, pe, walker))
        updaters = explorer_updaters(explorer, pe, walker);
    if (!mmusim__litmus_walk_step(run->world, pe, walker))
        return;
    for (uint32_t i = 0; i < 64; i++) {
        if (updaters >> i & 1)
            own->window[own->n_done + i].is_committed = true;
    }
}

/* A whole walk that nobody asked for. */
static void explorer_fetch(struct explorer *explorer, uint32_t pe,
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

static void explorer_deliver(struct explorer *explorer,
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

static void explorer_translate(struct explorer *explorer, uint32_t pe,
                               uint32_t at)
{
    struct litmus_run *run = &explorer->run;
    struct inval page =
        mmusim__litmus_inval_page(run->pes[pe].window[at].vaddr);

    if (explorer->forgets[pe] && mmusim__litmus_may_deliver_here(&run->pes[pe]))
        mmusim__litmus_forget(run->world, pe, &page);
    mmusim__litmus_translate(run, pe, at);
}

static void explorer_do(struct explorer *explorer, const struct run_step *step)
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
    struct explorer *explorer = context;
    uint32_t serial = explorer->run.world->mmus[pe].slots[slot].serial;

    if (serial)
        mmusim__litmus_answer(&explorer->run, pe, serial, answer);
}

/* TLBs hold something when a program starts. */
static void explorer_warm(struct explorer *explorer)
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

static void explorer_begin(struct explorer *explorer, uint64_t seed,
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

static bool explorer_is_cut(const struct explorer *explorer)
{
    for (uint32_t pe = 0; pe < explorer->run.test->n_threads; pe++) {
        if (explorer->run.pes[pe].is_cut)
            return true;
    }
    return false;
}

static mmusim_status_t explorer_run_one(struct explorer *explorer,
                                        struct litmus_result *result)
{
    for (uint32_t turn = 0; turn < MAX_TURNS; turn++) {
        if (explorer_list(explorer))
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
    struct explorer *explorer = calloc(1, sizeof(*explorer));
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
