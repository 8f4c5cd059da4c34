/* SPDX-License-Identifier: MIT */
/*
 * A program replayed, and the same accesses made call by call on an embedded
 * machine whose host maps a page when it faults: the same walks and reads of
 * tables. The host asks anew after a fault, where the machine's core goes on
 * with the access it has: one look-up more a fault, and no other difference.
 */
#include "core/rng.h"
#include "core/source.h"
#include "support/embed_fixture.h"
#include "support/program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { PAGES = 300, ACCESSES = 20000 };

static const char *const in_order[] = {"core.window=0", "tlb.l2.0.entries=128",
                                       NULL};

/* Every page is stored to first, in order; then loads and stores at random. */
static uint64_t vaddr_of(struct rng *rng, uint32_t i, bool *is_store)
{
    uint32_t page = i;

    *is_store = true;
    if (i >= PAGES) {
        uint64_t draw = mmusim__rng_next(rng);

        *is_store = draw & 1;
        page = (uint32_t) (draw >> 8) % (draw & 2 ? PAGES : 40);
    }
    return EMBED_VADDR + page * UINT64_C(4096);
}

static mmusim_stats_t *replay(uint64_t seed)
{
    struct program *program = program_create();
    mmusim_config_t *config = embed_config(1, in_order);
    mmusim_machine_t *machine = NULL;
    mmusim_stats_t *stats = NULL;
    struct mmusim_source *source;
    mmusim_diag_t diag = {0};
    struct rng rng;

    mmusim__rng_init(&rng, seed, 0);
    program_say(program, "1 mmap 0x400000 0x%x rw-\n", PAGES * 4096);
    for (uint32_t i = 0; i < ACCESSES; i++) {
        bool is_store;
        uint64_t vaddr = vaddr_of(&rng, i, &is_store);

        program_say(program, "1 %c 0x%llx\n1 n 1\n", is_store ? 'w' : 'r',
                    (unsigned long long) vaddr);
    }
    source = program_source(program, NULL);
    if (mmusim_machine_create(config, &machine, &diag) ||
        mmusim_machine_run(machine, source, &diag) ||
        mmusim_machine_stats(machine, &stats))
        fail_msg("%s", diag.text);
    source->ops->destroy(source);
    mmusim_machine_destroy(machine);
    mmusim_config_destroy(config);
    program_destroy(program);
    return stats;
}

static uint32_t embed_access(mmusim_embed_t *embed, uint32_t space,
                             uint64_t vaddr, bool is_store, uint64_t *now)
{
    const mmusim_embed_page_t page = {space, vaddr, vaddr, 4096,
                                      MMUSIM_EMBED_USER | MMUSIM_EMBED_WRITE};
    mmusim_embed_kind_t kind =
        is_store ? MMUSIM_EMBED_STORE : MMUSIM_EMBED_LOAD;
    mmusim_embed_translation_t t = embed_look(embed, 0, *now, vaddr, kind);

    *now = t.ready_cycle;
    if (!t.fault)
        return 0;
    assert_int_equal(t.fault, MMUSIM_EMBED_ABSENT);
    assert_int_equal(mmusim_embed_map(embed, &page, NULL), MMUSIM_OK);
    t = embed_look(embed, 0, *now, vaddr, kind);
    *now = t.ready_cycle;
    assert_int_equal(t.fault, MMUSIM_EMBED_NO_FAULT);
    return 1;
}

static uint64_t value(const mmusim_stats_t *stats, const char *name)
{
    mmusim_stat_t stat = {0};

    if (!mmusim_stats_find(stats, name, &stat))
        fail_msg("no statistic %s", name);
    return stat.value;
}

static void calls_and_replay_walk_the_same(void **state)
{
    static const char *const same[] = {"walker.walks", "walker.pte_reads",
                                       "walker.dirty_walks"};
    static const char *const one_more_a_fault[] = {
        "l1d.accesses", "l1d.misses", "l2.accesses", "l2.misses", "llt.misses"};
    mmusim_stats_t *stats = replay(5);
    mmusim_embed_t *embed = embed_build(1, in_order, NULL);
    uint32_t space = embed_make_space(embed, 0);
    uint64_t now = 0;
    uint32_t n_faults = 0;
    struct rng rng;

    (void) state;
    embed_load_all(embed, space);
    mmusim__rng_init(&rng, 5, 0);
    for (uint32_t i = 0; i < ACCESSES; i++) {
        bool is_store;
        uint64_t vaddr = vaddr_of(&rng, i, &is_store);

        n_faults += embed_access(embed, space, vaddr, is_store, &now);
    }
    assert_int_equal(n_faults, PAGES);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(embed_stat(embed, same[i]), value(stats, same[i]));
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(embed_stat(embed, one_more_a_fault[i]),
                         value(stats, one_more_a_fault[i]) + n_faults);
    print_message("%u accesses, %llu walks, %llu reads\n", ACCESSES,
                  (unsigned long long) embed_stat(embed, same[0]),
                  (unsigned long long) embed_stat(embed, same[1]));
    mmusim_embed_destroy(embed);
    mmusim_stats_destroy(stats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_and_replay_walk_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
