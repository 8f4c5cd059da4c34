/* SPDX-License-Identifier: MIT */
/* What may come next in a run: see litmus_explorer.h. */
#include "litmus/litmus_explorer.h"

static void list_add(struct litmus_explorer *explorer, enum run_step_kind kind,
                     uint32_t pe, uint32_t at, uint32_t to)
{
    if (explorer->n_steps < LITMUS_MAX_STEPS)
        explorer->steps[explorer->n_steps++] = (struct run_step){
            (uint8_t) kind, (uint8_t) pe, (uint8_t) to, (uint16_t) at};
}

static bool list_may_translate(struct litmus_explorer *explorer, uint32_t pe,
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

static void list_deliveries(struct litmus_explorer *explorer, uint32_t pe,
                            uint32_t at)
{
    const struct litmus_inst *inst = &explorer->run.pes[pe].window[at];
    bool waits_for_nobody =
        explorer->run.world->mutation == LITMUS_ACCESS_NOT_REPLAYED;

    for (uint32_t to = 0; to < explorer->run.test->n_threads; to++) {
        const struct litmus_pe *other = &explorer->run.pes[to];

        if (inst->waiting >> to & 1)
            list_add(explorer, STEP_REPLAY, to, 0, 0);
        if (!(inst->pending >> to & 1))
            continue;
        if (waits_for_nobody) {
            list_add(explorer, STEP_DELIVER, pe, at, to);
            continue;
        }
        if (to == pe ? mmusim__litmus_may_deliver_here(other)
                     : mmusim__litmus_may_deliver(other, &inst->tlbi))
            list_add(explorer, STEP_DELIVER, pe, at, to);
    }
}

static void list_instruction(struct litmus_explorer *explorer, uint32_t pe,
                             uint32_t at, const struct litmus_before *before)
{
    const struct litmus_pe *own = &explorer->run.pes[pe];
    const struct litmus_inst *inst = &own->window[at];

    if (inst->is_dead)
        return;
    if (inst->instr->op == LITMUS_TLBI) {
        if (mmusim__litmus_may_invalidate(own, inst, before))
            list_add(explorer, STEP_TLBI, pe, at, 0);
        list_deliveries(explorer, pe, at);
        return;
    }
    if (!litmus_is_access(inst->instr) || inst->is_performed)
        return;
    if (list_may_translate(explorer, pe, inst, before))
        list_add(explorer, STEP_TRANSLATE, pe, at, 0);
    else if (mmusim__litmus_may_be_certain(inst, before))
        list_add(explorer, STEP_CERTAIN, pe, at, 0);
    else if (mmusim__litmus_may_fault(inst, before))
        list_add(explorer, STEP_FAULT, pe, at, 0);
    else if (mmusim__litmus_may_perform(own, at, before))
        list_add(explorer, STEP_PERFORM, pe, at, 0);
}

uint64_t mmusim__litmus_updaters(const struct litmus_explorer *explorer,
                                 uint32_t pe, uint32_t walker)
{
    const struct litmus_pe *own = &explorer->run.pes[pe];
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

static void list_walks(struct litmus_explorer *explorer, uint32_t pe)
{
    struct litmus_world *world = explorer->run.world;

    for (uint32_t i = 0; i < LITMUS_SLOTS; i++) {
        if (!mmusim__litmus_walk_is_active(world, pe, i))
            continue;
        if (mmusim__litmus_step_would_write(world, pe, i) &&
            !world->mmus[pe].mmu.walks[i].is_poisoned &&
            !mmusim__litmus_updaters(explorer, pe, i))
            list_add(explorer, STEP_ABANDON, pe, i, 0);
        else
            list_add(explorer, STEP_WALK, pe, i, 0);
    }
}

/* What hardware may do of its own: walk ahead, forget. */
static void list_whims(struct litmus_explorer *explorer, uint32_t pe)
{
    struct litmus_world *world = explorer->run.world;

    for (uint32_t i = 0; i < explorer->run.test->n_locations; i++) {
        uint64_t vaddr = LITMUS_VADDR + ((uint64_t) i << BASE_PAGE_SHIFT);

        if (explorer->n_evictions &&
            mmusim__litmus_may_deliver_here(&explorer->run.pes[pe]))
            list_add(explorer, STEP_EVICT, pe, i, 0);
        if (explorer->n_prefetches && mmusim__litmus_may_walk(world, pe, vaddr))
            list_add(explorer, STEP_PREFETCH, pe, i, 0);
    }
}

/* Before barriers are looked at. */
static void list_answer_tlbis(struct litmus_run *run)
{
    for (uint32_t pe = 0; pe < run->test->n_threads; pe++) {
        struct litmus_pe *own = &run->pes[pe];

        for (uint32_t i = own->n_done; i < own->n; i++) {
            if (own->window[i].waiting)
                mmusim__litmus_answer_tlbi(run, &own->window[i]);
        }
    }
}

bool mmusim__litmus_list(struct litmus_explorer *explorer)
{
    struct litmus_run *run = &explorer->run;
    bool is_finished = true;

    explorer->n_steps = 0;
    list_answer_tlbis(run);
    for (uint32_t pe = 0; pe < run->test->n_threads; pe++) {
        struct litmus_pe *own = &run->pes[pe];
        struct litmus_before before = {0};

        mmusim__litmus_settle(run, pe);
        is_finished &= mmusim__litmus_is_finished(own);
        for (uint32_t i = own->n_done; i < own->n; i++) {
            list_instruction(explorer, pe, i, &before);
            mmusim__litmus_pass(own, i, &before);
        }
        list_walks(explorer, pe);
    }
    for (uint32_t pe = 0; explorer->n_steps && pe < run->test->n_threads; pe++)
        list_whims(explorer, pe);
    return is_finished;
}
