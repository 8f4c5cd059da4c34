/* SPDX-License-Identifier: MIT */
/* An embedded machine with tables of its own: every call and its errors. */
#include "support/embed_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
    mmusim_embed_t *embed = embed_build(4, NULL, NULL);

    embed_load_all(embed, embed_make_space(embed, 8));
    *state = embed;
    return 0;
}

static int teardown(void **state)
{
    mmusim_embed_destroy(*state);
    return 0;
}

static void a_first_access_walks_the_next_one_hits(void **state)
{
    mmusim_embed_translation_t t =
        embed_look(*state, 1, 10, EMBED_VADDR + 0x123, MMUSIM_EMBED_LOAD);
    uint64_t ready = t.ready_cycle;

    assert_int_equal(t.found, MMUSIM_EMBED_WALK);
    assert_int_equal(t.fault, MMUSIM_EMBED_NO_FAULT);
    assert_int_equal(t.paddr, EMBED_PADDR + 0x123);
    assert_int_equal(t.page_bytes, 4096);
    assert_true(ready > 10);
    t = embed_look(*state, 1, ready, EMBED_VADDR + 8, MMUSIM_EMBED_LOAD);
    assert_int_equal(t.found, MMUSIM_EMBED_L1);
    assert_int_equal(t.paddr, EMBED_PADDR + 8);
    assert_int_equal(embed_stat(*state, "core1.walker.walks"), 1);
    assert_int_equal(embed_stat(*state, "core0.walker.walks"), 0);
    assert_int_equal(embed_stat(*state, "walker.walks"), 1);
}

static void a_fetch_after_a_load_finds_the_page_in_l2(void **state)
{
    mmusim_embed_translation_t t =
        embed_look(*state, 0, 0, EMBED_VADDR, MMUSIM_EMBED_LOAD);

    t = embed_look(*state, 0, t.ready_cycle, EMBED_VADDR, MMUSIM_EMBED_FETCH);
    assert_int_equal(t.found, MMUSIM_EMBED_L2);
    assert_int_equal(t.fault, MMUSIM_EMBED_REFUSED);
    assert_int_equal(t.paddr, 0);
}

static void faults_say_why(void **state)
{
    mmusim_embed_translation_t t =
        embed_look(*state, 0, 0, EMBED_VADDR + 8 * 4096, MMUSIM_EMBED_LOAD);

    assert_int_equal(t.fault, MMUSIM_EMBED_ABSENT);
    assert_int_equal(t.fault_level, 0);
    assert_true(t.ready_cycle > 0);
    t = embed_look(*state, 0, 9000, UINT64_C(1) << 39, MMUSIM_EMBED_LOAD);
    assert_int_equal(t.fault, MMUSIM_EMBED_ABSENT);
    assert_int_equal(t.fault_level, 3);
    t = embed_look(*state, 0, 9999, UINT64_C(1) << 60, MMUSIM_EMBED_LOAD);
    assert_int_equal(t.fault, MMUSIM_EMBED_NOT_CANONICAL);
    assert_int_equal(t.found, MMUSIM_EMBED_NOWHERE);
    assert_int_equal(t.ready_cycle, 9999);
}

static void protect_shows_after_the_flush_only(void **state)
{
    const mmusim_embed_page_t page = {
        .space = 1, .vaddr = EMBED_VADDR, .rights = MMUSIM_EMBED_USER};
    const mmusim_embed_instruction_t invlpg = {
        .now = 2000, .name = "invlpg", .reg = {EMBED_VADDR}};
    mmusim_embed_effect_t effect;

    embed_look(*state, 0, 0, EMBED_VADDR, MMUSIM_EMBED_STORE);
    assert_int_equal(mmusim_embed_protect(*state, &page, NULL), MMUSIM_OK);
    assert_int_equal(
        embed_look(*state, 0, 1000, EMBED_VADDR, MMUSIM_EMBED_STORE).fault,
        MMUSIM_EMBED_NO_FAULT);
    assert_int_equal(mmusim_embed_invalidate(*state, &invlpg, &effect, NULL),
                     MMUSIM_OK);
    assert_int_equal(effect.outcome, MMUSIM_EMBED_LEGAL);
    assert_true(effect.done_cycle > 2000);
    assert_int_equal(
        embed_look(*state, 0, 3000, EMBED_VADDR, MMUSIM_EMBED_STORE).fault,
        MMUSIM_EMBED_REFUSED);
}

static void a_core_that_is_forgotten_hits_a_stale_entry(void **state)
{
    static const uint32_t cores[] = {1, 2};
    const mmusim_embed_flush_t flush = {.now = 5000,
                                        .cores = cores,
                                        .n_cores = 2,
                                        .vaddr = EMBED_VADDR,
                                        .bytes = 4096};
    uint64_t done = 0;

    for (uint32_t core = 0; core < 4; core++)
        embed_look(*state, core, 0, EMBED_VADDR, MMUSIM_EMBED_LOAD);
    assert_int_equal(mmusim_embed_unmap(*state, 1, EMBED_VADDR, NULL),
                     MMUSIM_OK);
    assert_int_equal(mmusim_embed_shootdown(*state, &flush, &done, NULL),
                     MMUSIM_OK);
    assert_true(done > 5000);
    for (uint32_t core = 0; core < 4; core++) {
        mmusim_embed_translation_t t =
            embed_look(*state, core, done, EMBED_VADDR, MMUSIM_EMBED_LOAD);

        assert_int_equal(t.fault, core < 3 ? MMUSIM_EMBED_ABSENT
                                           : MMUSIM_EMBED_NO_FAULT);
        assert_int_equal(mmusim_embed_stolen_cycles(*state, core) > 0,
                         core == 1 || core == 2);
    }
    assert_int_equal(embed_stat(*state, "shootdown.count"), 1);
    assert_int_equal(embed_stat(*state, "shootdown.targets"), 2);
    assert_int_equal(embed_stat(*state, "shootdown.completed"), 1);
}

static void shootdowns_follow_each_other(void **state)
{
    static const uint32_t cores[] = {0, 1, 2, 3};
    mmusim_embed_flush_t flush = {.cores = cores, .n_cores = 4};
    uint64_t last = 0;

    for (uint32_t i = 0; i < 20; i++) {
        uint64_t done = 0;

        flush.core = i % 4;
        flush.now = 100 + i; /* long before the last one is complete */
        flush.vaddr = EMBED_VADDR;
        flush.bytes = i % 2 ? 4096 * (uint64_t) i : 0;
        assert_int_equal(mmusim_embed_shootdown(*state, &flush, &done, NULL),
                         MMUSIM_OK);
        assert_true(done > last);
        last = done;
    }
    assert_int_equal(embed_stat(*state, "shootdown.count"), 20);
}

static void a_submitted_walk_ends_at_its_cycle_not_before(void **state)
{
    mmusim_embed_t *twin = embed_build(4, NULL, NULL);
    const mmusim_embed_access_t access = {2, 50, EMBED_VADDR,
                                          MMUSIM_EMBED_STORE, 77};
    mmusim_embed_translation_t t;
    uint64_t ready;
    bool has_result;

    embed_load_all(twin, embed_make_space(twin, 8));
    ready =
        embed_look(twin, 2, 50, EMBED_VADDR, MMUSIM_EMBED_STORE).ready_cycle;
    mmusim_embed_destroy(twin);
    assert_int_equal(mmusim_embed_submit(*state, &access, NULL), MMUSIM_OK);
    assert_true(mmusim_embed_next_cycle(*state) <= ready);
    mmusim_embed_advance(*state, ready - 1, NULL);
    assert_int_equal(mmusim_embed_poll(*state, &has_result, &t, NULL),
                     MMUSIM_OK);
    assert_false(has_result);
    mmusim_embed_advance(*state, ready, NULL);
    assert_int_equal(mmusim_embed_poll(*state, &has_result, &t, NULL),
                     MMUSIM_OK);
    assert_true(has_result);
    assert_int_equal(t.tag, 77);
    assert_int_equal(t.core, 2);
    assert_int_equal(t.ready_cycle, ready);
    assert_int_equal(t.paddr, EMBED_PADDR);
    mmusim_embed_poll(*state, &has_result, &t, NULL);
    assert_false(has_result);
}

static void submitted_misses_of_one_page_are_one_walk(void **state)
{
    mmusim_embed_access_t access = {0, 50, EMBED_VADDR, MMUSIM_EMBED_LOAD, 0};
    mmusim_embed_translation_t t;
    bool has_result = true;
    uint32_t n = 0;

    for (; access.tag < MMUSIM_EMBED_MAX_PENDING; access.tag++)
        assert_int_equal(mmusim_embed_submit(*state, &access, NULL), MMUSIM_OK);
    assert_int_equal(mmusim_embed_submit(*state, &access, NULL),
                     MMUSIM_EXHAUSTED);
    mmusim_embed_advance(*state, 100000, NULL);
    for (; has_result; n += has_result)
        mmusim_embed_poll(*state, &has_result, &t, NULL);
    assert_int_equal(n, MMUSIM_EMBED_MAX_PENDING);
    assert_int_equal(embed_stat(*state, "walker.walks"), 1);
}

static void time_does_not_go_back(void **state)
{
    mmusim_embed_access_t access = {0, 99, EMBED_VADDR, MMUSIM_EMBED_LOAD, 0};
    mmusim_embed_translation_t t;

    embed_look(*state, 0, 100, EMBED_VADDR, MMUSIM_EMBED_LOAD);
    assert_int_equal(mmusim_embed_translate(*state, &access, &t, NULL),
                     MMUSIM_USAGE);
    access.core = 1; /* which has its own time */
    assert_int_equal(mmusim_embed_translate(*state, &access, &t, NULL),
                     MMUSIM_OK);
    mmusim_embed_advance(*state, 200, NULL);
    access.now = 199;
    assert_int_equal(mmusim_embed_translate(*state, &access, &t, NULL),
                     MMUSIM_USAGE);
    assert_int_equal(mmusim_embed_advance(*state, 199, NULL), MMUSIM_USAGE);
    access.now = UINT64_MAX;
    assert_int_equal(mmusim_embed_translate(*state, &access, &t, NULL),
                     MMUSIM_USAGE);
}

static void what_does_not_exist_is_refused(void **state)
{
    static const uint32_t cores[] = {9};
    mmusim_embed_access_t access = {4, 0, 0, MMUSIM_EMBED_LOAD, 0};
    mmusim_embed_instruction_t inst = {.name = "FLUSH"};
    mmusim_embed_flush_t flush = {.cores = cores, .n_cores = 1};
    mmusim_embed_context_t to = {.space = 2};
    mmusim_embed_effect_t effect;
    mmusim_embed_translation_t t;
    mmusim_diag_t diag = {0};

    assert_int_equal(mmusim_embed_translate(*state, &access, &t, &diag),
                     MMUSIM_USAGE);
    assert_non_null(strstr(diag.text, "no core 4"));
    assert_int_equal(mmusim_embed_invalidate(*state, &inst, &effect, &diag),
                     MMUSIM_USAGE);
    assert_non_null(strstr(diag.text, "FLUSH"));
    inst.name = NULL;
    assert_int_equal(mmusim_embed_invalidate(*state, &inst, &effect, NULL),
                     MMUSIM_USAGE);
    assert_int_equal(mmusim_embed_shootdown(*state, &flush, NULL, NULL),
                     MMUSIM_USAGE);
    flush.n_cores = 0;
    flush.bytes = 100;
    assert_int_equal(mmusim_embed_shootdown(*state, &flush, NULL, NULL),
                     MMUSIM_USAGE);
    assert_int_equal(mmusim_embed_switch(*state, &to, NULL, NULL),
                     MMUSIM_USAGE);
    to.space = 1;
    to.asid = 4096;
    assert_int_equal(mmusim_embed_switch(*state, &to, NULL, NULL),
                     MMUSIM_USAGE);
    assert_int_equal(mmusim_embed_unmap(*state, 1, 0, NULL), MMUSIM_USAGE);
    assert_int_equal(mmusim_embed_unmap(*state, 7, EMBED_VADDR, NULL),
                     MMUSIM_USAGE);
}

static void pages_that_cannot_be_are_refused(void **state)
{
    const mmusim_embed_page_t good = {1, 0x40000000, 0x40000000, 4096, 0};
    mmusim_embed_page_t bad[] = {good, good, good, good, good, good, good};

    bad[0].space = 2;
    bad[1].vaddr += 8;
    bad[2].paddr = UINT64_C(1) << 52;
    bad[3].page_bytes = 8192;
    bad[4].rights = 0x100;
    bad[5].vaddr = UINT64_C(0xffff800000000000);
    bad[6].vaddr = EMBED_VADDR;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(mmusim_embed_map(*state, &bad[i], NULL), MMUSIM_USAGE);
    assert_int_equal(mmusim_embed_map(*state, &good, NULL), MMUSIM_OK);
    assert_int_equal(mmusim_embed_map(*state, &good, NULL), MMUSIM_USAGE);
    bad[0] = good;
    bad[0].page_bytes = 2 << 20; /* there is a table of small ones */
    assert_int_equal(mmusim_embed_map(*state, &bad[0], NULL), MMUSIM_USAGE);
}

static void large_pages_and_the_kernels_half_translate(void **state)
{
    const mmusim_embed_page_t large = {1, 0x40000000, 0x80000000, 2 << 20,
                                       MMUSIM_EMBED_USER};
    const mmusim_embed_page_t kernel = {MMUSIM_EMBED_KERNEL,
                                        UINT64_C(0xffff800000000000), 0x5000,
                                        4096, MMUSIM_EMBED_GLOBAL};
    mmusim_embed_translation_t t;

    assert_int_equal(mmusim_embed_map(*state, &large, NULL), MMUSIM_OK);
    assert_int_equal(mmusim_embed_map(*state, &kernel, NULL), MMUSIM_OK);
    t = embed_look(*state, 0, 0, 0x40012345, MMUSIM_EMBED_LOAD);
    assert_int_equal(t.paddr, 0x80012345);
    assert_int_equal(t.page_bytes, 2 << 20);
    t = embed_look(*state, 0, 1000, kernel.vaddr + 1, MMUSIM_EMBED_LOAD);
    assert_int_equal(t.paddr, 0x5001);
}

static void pcids_keep_entries_apart(void **state)
{
    uint32_t other = embed_make_space(*state, 1);
    mmusim_embed_context_t to = {
        .now = 1000, .space = other, .asid = 5, .keeps_entries = true};
    uint64_t done = 0;

    embed_look(*state, 0, 0, EMBED_VADDR, MMUSIM_EMBED_LOAD);
    assert_int_equal(mmusim_embed_switch(*state, &to, &done, NULL), MMUSIM_OK);
    assert_true(done > 1000);
    assert_int_equal(
        embed_look(*state, 0, 2000, EMBED_VADDR, MMUSIM_EMBED_LOAD).found,
        MMUSIM_EMBED_WALK);
    to = (mmusim_embed_context_t){
        .now = 3000, .space = 1, .asid = 0, .keeps_entries = true};
    assert_int_equal(mmusim_embed_switch(*state, &to, NULL, NULL), MMUSIM_OK);
    assert_int_equal(
        embed_look(*state, 0, 4000, EMBED_VADDR, MMUSIM_EMBED_LOAD).found,
        MMUSIM_EMBED_L1);
    to.now = 5000;
    to.keeps_entries = false;
    assert_int_equal(mmusim_embed_switch(*state, &to, NULL, NULL), MMUSIM_OK);
    assert_int_equal(
        embed_look(*state, 0, 6000, EMBED_VADDR, MMUSIM_EMBED_LOAD).found,
        MMUSIM_EMBED_WALK);
}

static void an_instruction_the_cpu_lacks_is_undefined(void **state)
{
    const mmusim_embed_instruction_t inst = {.name = "INVLPGB"};
    mmusim_embed_effect_t effect = {0};

    assert_int_equal(mmusim_embed_invalidate(*state, &inst, &effect, NULL),
                     MMUSIM_OK);
    assert_int_equal(effect.outcome, MMUSIM_EMBED_UNDEFINED);
    assert_non_null(effect.why);
}

/* Warm on both cores; core 0 executes; who misses then? */
static void check_reach(const char *const *settings, const char *name,
                        uint64_t operand, bool reaches_other)
{
    mmusim_embed_t *embed = embed_build(2, settings, NULL);
    const mmusim_embed_instruction_t inst = {.now = 1000,
                                             .name = name,
                                             .reg = {operand},
                                             .is_x0 = {false, true},
                                             .sync = MMUSIM_EMBED_SYNC};
    mmusim_embed_effect_t effect = {0};
    uint64_t done;

    embed_load_all(embed, embed_make_space(embed, 1));
    for (uint32_t core = 0; core < 2; core++)
        embed_look(embed, core, 0, EMBED_VADDR, MMUSIM_EMBED_LOAD);
    assert_int_equal(mmusim_embed_invalidate(embed, &inst, &effect, NULL),
                     MMUSIM_OK);
    if (effect.outcome)
        fail_msg("%s: %s", name, effect.why);
    done = effect.done_cycle;
    assert_true(done > 1000);
    assert_int_equal(
        embed_look(embed, 0, done, EMBED_VADDR, MMUSIM_EMBED_LOAD).found,
        MMUSIM_EMBED_WALK);
    assert_int_equal(
        embed_look(embed, 1, done, EMBED_VADDR, MMUSIM_EMBED_LOAD).found,
        reaches_other ? MMUSIM_EMBED_WALK : MMUSIM_EMBED_L1);
    assert_int_equal(mmusim_embed_stolen_cycles(embed, 1) > 0, reaches_other);
    mmusim_embed_destroy(embed);
}

static void broadcasts_reach_others_and_local_forms_do_not(void **state)
{
    static const char *const armv8[] = {"isa=armv8", NULL};
    static const char *const riscv[] = {"isa=riscv", NULL};
    static const char *const amd[] = {"fabric=invlpgb", NULL};

    (void) state;
    check_reach(armv8, "VAE1IS", EMBED_VADDR >> 12, true);
    check_reach(armv8, "VAE1", EMBED_VADDR >> 12, false);
    check_reach(riscv, "SFENCE.VMA", EMBED_VADDR, false);
    check_reach(amd, "INVLPGB", EMBED_VADDR | 1, true);
    check_reach(NULL, "INVLPG", EMBED_VADDR, false);
}

static void a_guest_is_refused(void **state)
{
    static const char *const guest[] = {"virt.enabled=true", NULL};
    mmusim_config_t *config = embed_config(1, guest);
    mmusim_embed_t *embed = (mmusim_embed_t *) config;
    mmusim_diag_t diag = {0};

    (void) state;
    assert_int_equal(mmusim_embed_create(config, NULL, &embed, &diag),
                     MMUSIM_UNSUPPORTED);
    assert_null(embed);
    assert_string_equal(diag.key, "virt.enabled");
    mmusim_config_destroy(config);
}

#define EMBED_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EMBED_TEST(a_first_access_walks_the_next_one_hits),
        EMBED_TEST(a_fetch_after_a_load_finds_the_page_in_l2),
        EMBED_TEST(faults_say_why),
        EMBED_TEST(protect_shows_after_the_flush_only),
        EMBED_TEST(a_core_that_is_forgotten_hits_a_stale_entry),
        EMBED_TEST(shootdowns_follow_each_other),
        EMBED_TEST(a_submitted_walk_ends_at_its_cycle_not_before),
        EMBED_TEST(submitted_misses_of_one_page_are_one_walk),
        EMBED_TEST(time_does_not_go_back),
        EMBED_TEST(what_does_not_exist_is_refused),
        EMBED_TEST(pages_that_cannot_be_are_refused),
        EMBED_TEST(large_pages_and_the_kernels_half_translate),
        EMBED_TEST(pcids_keep_entries_apart),
        EMBED_TEST(an_instruction_the_cpu_lacks_is_undefined),
        cmocka_unit_test(broadcasts_reach_others_and_local_forms_do_not),
        cmocka_unit_test(a_guest_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
