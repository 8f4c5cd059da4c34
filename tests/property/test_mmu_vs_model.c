/* SPDX-License-Identifier: MIT */
/*
 * A whole MMU in lock step with tests/model/mmu_model.c: accesses of three
 * kinds to three address spaces and the kernel's, edits of entries at every
 * level (often without any invalidation), every invalidation, also with a walk
 * in flight, switches with and without flushing, merged requests. After every
 * step: where it hit, with what, how long the walk took, all counters, and that
 * llt.misses + dirty_walks + prefetches + replays = walks + merged.
 *
 * MMUSIM_TEST_SEED and MMUSIM_TEST_STEPS repeat or lengthen a run.
 */
#include "coherence/x86_ops.h"
#include "support/lock_step.h"
#include "tlb/mmu_inline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
    DEFAULT_STEPS = 100000, /* a machine */
    COUNT_ENTRIES_EVERY = 61,
};

static uint64_t number_from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text ? strtoull(text, NULL, 0) : otherwise;
}

/* ---- instructions ---- */

struct command {
    enum model_instruction what;
    uint16_t pcid;
    uint64_t vaddr;
};

static struct command draw_command(struct lock_step *ls)
{
    static const uint8_t weights[] = {
        MODEL_INVLPG,          MODEL_INVLPG,          MODEL_INVLPG,
        MODEL_INVPCID_ADDRESS, MODEL_INVPCID_ADDRESS, MODEL_INVPCID_CONTEXT,
        MODEL_CR3_FLUSH,       MODEL_CR3_NOFLUSH,     MODEL_CR3_NOFLUSH,
        MODEL_CR3_NOFLUSH,     MODEL_PAGE_FAULT,      MODEL_PAGE_FAULT,
    };
    struct command command = {.vaddr = lock_step_vaddr(ls)};

    command.pcid = (uint16_t) (1 + lock_step_draw(ls, LOCK_STEP_SPACES));
    command.what =
        (enum model_instruction) weights[lock_step_draw(ls, sizeof(weights))];
    if (!lock_step_draw(ls, 40))
        command.what =
            (enum model_instruction) lock_step_draw(ls, MODEL_N_INSTRUCTIONS);
    return command;
}

static void issue_fast(struct mmu *mmu, const struct lock_step *ls,
                       const struct command *c)
{
    pfn_t root = ls->roots[c->pcid - 1];

    switch (c->what) {
    case MODEL_INVLPG:
        mmusim__x86_invlpg(mmu, c->vaddr, MISS_PAGE_FLUSH);
        return;
    case MODEL_INVPCID_ADDRESS:
    case MODEL_INVPCID_CONTEXT:
    case MODEL_INVPCID_ALL:
    case MODEL_INVPCID_NONGLOBAL:
        assert_true(mmusim__x86_invpcid(
            mmu, (enum invpcid_type)(c->what - MODEL_INVPCID_ADDRESS), c->pcid,
            c->vaddr, MISS_OTHER));
        return;
    case MODEL_CR3_FLUSH:
        mmusim__x86_mov_cr3(mmu, root, c->pcid, CR3_FLUSH, MISS_SWITCH);
        return;
    case MODEL_CR3_NOFLUSH:
        mmusim__x86_mov_cr3(mmu, root, c->pcid, CR3_NOFLUSH, MISS_SWITCH);
        return;
    case MODEL_CR4_PGE:
        mmusim__x86_flush_everything(mmu, MISS_OTHER);
        return;
    case MODEL_PAGE_FAULT:
        mmusim__x86_page_fault(mmu, c->vaddr);
        return;
    case MODEL_N_INSTRUCTIONS:
        return;
    }
}

static void issue(struct lock_step *ls, const struct command *c,
                  struct model_walk *walk)
{
    issue_fast(ls->mmu, ls, c);
    mmu_model_issue(&ls->model, c->what, c->pcid, c->vaddr, walk);
    ls->model.root = ls->mmu->root.v;
}

static void page_fault(struct lock_step *ls, uint64_t vaddr)
{
    const struct command fault = {
        .what = MODEL_PAGE_FAULT, .pcid = 1, .vaddr = vaddr};

    ls->n_faults++;
    issue(ls, &fault, NULL);
}

/* ---- accesses ---- */

static enum model_kind model_kind_of(enum access_kind kind)
{
    return kind == ACCESS_FETCH   ? MODEL_FETCH
           : kind == ACCESS_STORE ? MODEL_STORE
                                  : MODEL_LOAD;
}

/* What the last hit or refill of a kind gave, as the model gives it. */
static uint64_t last_data(struct mmu *mmu, enum access_kind kind)
{
    const struct mmu_last *last = &mmu->l1_of[kind]->last;

    return last->pfn << 12 | (last->data & 0xfff);
}

static enum model_where lookup_fast(struct mmu *mmu, enum access_kind kind,
                                    uint64_t vaddr, uint64_t *data)
{
    struct mmu_l1 *l1 = mmu->l1_of[kind];
    uint32_t hit_cycles;

    l1->group->accesses++;
    if (mmu_l1_lookup(mmu, l1, vpn_of(vaddr).v)) {
        *data = last_data(mmu, kind);
        return MODEL_L1;
    }
    l1->group->misses++;
    if (mmusim__mmu_l2_lookup(mmu, kind, vaddr, data, &hit_cycles)) {
        *data = last_data(mmu, kind);
        return MODEL_L2;
    }
    if (!mmusim__mmu_l3_lookup(mmu, kind, vaddr, &hit_cycles))
        return MODEL_NOWHERE;
    *data = last_data(mmu, kind);
    return MODEL_IN_L3;
}

static void check_found(struct lock_step *ls, enum access_kind kind,
                        uint64_t vaddr)
{
    uint64_t fast = 0, slow = 0;
    bool is_found = mmusim__mmu_probe(ls->mmu, kind, vaddr, &fast);
    enum model_where where =
        mmu_model_probe(&ls->model, model_kind_of(kind), vaddr, &slow);

    AGREE(ls, is_found == (where != MODEL_NOWHERE));
    if (is_found)
        AGREE(ls, last_data(ls->mmu, kind) == slow);
}

/* One walk, by one request or two of the same page, with an instruction in
 * between now and then. */
static enum walk_outcome walk_both(struct lock_step *ls, uint64_t vaddr,
                                   enum access_kind kind, enum walk_need need)
{
    struct walk_request first = {.vaddr = vaddr, .kind = kind, .need = need};
    struct walk_request second = {
        .vaddr = vaddr, .kind = (enum access_kind) lock_step_draw(ls, 3)};
    struct small_cpu *cpu = &ls->small->cpus[0];
    bool is_double = !lock_step_draw(ls, 8);
    struct model_walk walk = {.vaddr = vaddr};

    walk.for_kind[model_kind_of(kind)] = true;
    mmu_model_walk_begin(&ls->model, &walk);
    mmusim__walk_ask(ls->mmu, &first, 0);
    if (is_double) {
        mmusim__walk_ask(ls->mmu, &second, 0);
        walk.for_kind[model_kind_of(second.kind)] = true;
        ls->n_merged++;
    }
    if (!lock_step_draw(ls, 20)) {
        struct command command = draw_command(ls);

        if (lock_step_draw(ls, 2))
            command.vaddr = vaddr;
        issue(ls, &command, &walk);
    }
    cpu->n_answers = 0;
    small_drain(ls->small);
    mmu_model_walk_end(&ls->model, &walk);
    AGREE(ls, cpu->n_answers == 1U + is_double);
    AGREE(ls, cpu->answered_cycle == walk.cycles);
    AGREE(ls, cpu->outcome == (walk.is_poisoned   ? WALK_POISONED
                               : walk.has_faulted ? WALK_FAULTED
                                                  : WALK_FILLED));
    ls->n_walks++;
    ls->n_poisoned += walk.is_poisoned;
    return cpu->outcome;
}

/* Walks until it is not refused; the mapping may go away meanwhile. */
static void resolve(struct lock_step *ls, uint64_t vaddr, enum access_kind kind,
                    enum walk_need need)
{
    enum walk_outcome outcome = walk_both(ls, vaddr, kind, need);

    while (outcome == WALK_POISONED)
        outcome = walk_both(ls, vaddr, kind, WALK_FOR_REPLAY);
    if (outcome == WALK_FAULTED)
        page_fault(ls, vaddr);
    else
        check_found(ls, kind, vaddr);
}

static void access_both(struct lock_step *ls)
{
    uint64_t vaddr = lock_step_vaddr(ls);
    enum access_kind kind = (enum access_kind) lock_step_draw(ls, 3);
    uint32_t needed = mmu_rights_needed(kind, !(vaddr >> 63));
    uint64_t fast = 0, slow = 0;
    enum model_where where =
        mmu_model_lookup(&ls->model, model_kind_of(kind), vaddr, &slow);

    AGREE(ls, lookup_fast(ls->mmu, kind, vaddr, &fast) == where);
    AGREE(ls, where == MODEL_NOWHERE || fast == slow);
    if (where == MODEL_NOWHERE) {
        resolve(ls, vaddr, kind, WALK_FOR_MISS);
        return;
    }
    ls->n_hits++;
    if ((fast & needed) != needed) {
        page_fault(ls, vaddr);
    } else if (kind == ACCESS_STORE && !(fast & TLB_DIRTY)) {
        ls->n_dirty++;
        resolve(ls, vaddr, kind, WALK_FOR_DIRTY);
    }
}

/* ---- after every step ---- */

static void check_level(struct lock_step *ls, const struct tlb_group *fast,
                        const struct model_level *slow)
{
    AGREE(ls, fast->accesses == slow->accesses);
    AGREE(ls, fast->misses == slow->misses);
}

static uint32_t count_entries(const struct list_tlb *list)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < list->n_sets; i++) {
        for (uint32_t way = 0; way < list->n_ways; way++)
            count += list->sets[i].ways[way].is_valid;
    }
    return count;
}

static void check_entries(struct lock_step *ls, const struct tlb_group *fast,
                          const struct model_level *slow)
{
    for (uint32_t i = 0; i < fast->n_arrays; i++)
        AGREE(ls,
              fast->arrays[i]->n_valid == count_entries(slow->arrays[i].list));
}

static void check_counters(struct lock_step *ls)
{
    const struct mmu *mmu = ls->mmu;
    const struct mmu_model *model = &ls->model;
    const struct walker_counters *counters = &mmu->counters;

    for (uint32_t i = 0; i < MODEL_N_TLBS; i++)
        check_level(ls, &mmu->tlb[lock_step_levels[i]], &model->tlbs[i]);
    for (uint32_t i = 0; i < MODEL_PSC_LEVELS; i++) {
        AGREE(ls, mmu->psc.hits[i] == model->psc_hits[i]);
        AGREE(ls, mmu->psc.misses[i] == model->psc_misses[i]);
    }
    AGREE(ls, counters->pte_reads == model->pte_reads);
    AGREE(ls, counters->walks == model->walks);
    AGREE(ls, counters->poisoned == model->poisoned);
    AGREE(ls, counters->merged == ls->n_merged);
    AGREE(ls, counters->dirty_walks == ls->n_dirty);
    AGREE(ls, mmu->llt_misses + counters->dirty_walks + counters->prefetches +
                      counters->replays ==
                  counters->walks + counters->merged);
}

static void check_contents(struct lock_step *ls)
{
    const struct mmu *mmu = ls->mmu;

    for (uint32_t i = 0; i < MODEL_N_TLBS; i++)
        check_entries(ls, &mmu->tlb[lock_step_levels[i]], &ls->model.tlbs[i]);
    for (uint32_t i = 0; i < MODEL_PSC_LEVELS; i++) {
        const struct tlb_array *cache = mmu->psc.at[i];

        if (ls->model.psc[i])
            AGREE(ls, (cache ? cache->n_valid : 0) ==
                          count_entries(ls->model.psc[i]));
    }
}

static void run_machine(uint32_t machine, uint64_t seed, uint64_t n_steps)
{
    struct lock_step ls;

    lock_step_init(&ls, machine, seed);
    for (ls.step = 0; ls.step < n_steps; ls.step++) {
        uint32_t what = lock_step_draw(&ls, 100);

        if (what < 92) {
            access_both(&ls);
        } else if (what < 97) {
            lock_step_edit(&ls);
        } else {
            struct command command = draw_command(&ls);

            issue(&ls, &command, NULL);
        }
        check_counters(&ls);
        if (ls.step % COUNT_ENTRIES_EVERY == 0)
            check_contents(&ls);
    }
    lock_step_check_tables(&ls);
    print_message(
        "machine %u: %llu hits, %llu walks (%llu poisoned, %llu for "
        "D, %llu merged), %llu faults\n",
        machine, (unsigned long long) ls.n_hits,
        (unsigned long long) ls.n_walks, (unsigned long long) ls.n_poisoned,
        (unsigned long long) ls.n_dirty, (unsigned long long) ls.n_merged,
        (unsigned long long) ls.n_faults);
    assert_true(ls.n_hits && ls.n_walks && ls.n_poisoned && ls.n_dirty);
    lock_step_fini(&ls);
}

static void an_mmu_agrees_with_the_naive_one_step_by_step(void **state)
{
    uint64_t seed = number_from_environment("MMUSIM_TEST_SEED", 20160515);
    uint64_t n_steps =
        number_from_environment("MMUSIM_TEST_STEPS", DEFAULT_STEPS);

    (void) state;
    for (uint32_t machine = 0; machine < LOCK_STEP_MACHINES; machine++)
        run_machine(machine, seed, n_steps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_mmu_agrees_with_the_naive_one_step_by_step),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
