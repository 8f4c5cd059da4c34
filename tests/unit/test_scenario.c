/* SPDX-License-Identifier: MIT */
/* Small scenarios with known answers: what store buffers let through (the
 * classic litmus tests), what each invalidation takes along, each verdict and
 * its neighbour that is clean. */
#include "mmusim/scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void verdict_is(const char *head, const char *body, const char *expected)
{
    char text[4096];
    mmusim_scenario_t *scenario = NULL;
    mmusim_scenario_summary_t summary;
    mmusim_diag_t diag;

    snprintf(text, sizeof(text), "%s%s", head, body);
    if (mmusim_scenario_open_text("t", text, strlen(text), NULL, &scenario,
                                  &diag))
        fail_msg("line %u: %s\n%s", diag.line, diag.text, text);
    if (mmusim_scenario_explore(scenario, NULL, &diag))
        fail_msg("line %u: %s\n%s", diag.line, diag.text, text);
    mmusim_scenario_summarize(scenario, &summary);
    if (strcmp(summary.verdict, expected) != 0 || !summary.is_confirmed)
        fail_msg("%s%s, not %s\n%s\n%s", summary.verdict,
                 summary.is_confirmed ? "" : " (not confirmed)", expected, text,
                 mmusim_scenario_table(scenario));
    if (!strcmp(expected, "clean"))
        assert_true(summary.is_all);
    mmusim_scenario_close(scenario);
}

/* ---- store buffers ---- */

static const char buffers[] = "cpus 2\nshared x, y, done = 9\n";

static void each_cpu_may_miss_the_others_store(void **state)
{
    const char *text = "0: x = 1; %s r = y; atomic_xchg(done, r)\n"
                       "1: y = 1; %s r = x; await done != 9\n"
                       "1: check(r || done, ORDER)\n";
    char body[300];

    (void) state;
    snprintf(body, sizeof(body), text, "", "");
    verdict_is(buffers, body, "ORDER");
    snprintf(body, sizeof(body), text, "mb;", "");
    verdict_is(buffers, body, "ORDER");
    snprintf(body, sizeof(body), text, "mb;", "mb;");
    verdict_is(buffers, body, "clean");
    snprintf(body, sizeof(body), text, "atomic_add(x, 0);",
             "atomic_add(x, 0);");
    verdict_is(buffers, body, "clean");
}

static void arm_stores_change_places_and_x86_stores_do_not(void **state)
{
    const char *loose = "0: x = 1; y = 1\n1: await y; check(x, ORDER)\n";

    (void) state;
    verdict_is("arch x86\nshared x, y\n", loose, "clean");
    verdict_is("arch arm\nshared x, y\n", loose, "ORDER");
    verdict_is("arch riscv\nshared x, y\n", loose, "ORDER");
    verdict_is("arch arm\nshared x, y\n",
               "0: x = 1; wmb; y = 1\n1: await y; check(x, ORDER)\n", "clean");
    verdict_is("arch arm\nshared x, y\n",
               "0: x = 1; release y = 1\n1: await y; check(x, ORDER)\n",
               "clean");
    verdict_is("arch arm\nshared x, y\n",
               "0: x = 1; atomic_or_relaxed(y, 1)\n"
               "1: await y; check(x, ORDER)\n",
               "ORDER");
    verdict_is("arch arm\nshared x, y\n",
               "0: x = 1; atomic_or(y, 1)\n1: await y; check(x, ORDER)\n",
               "clean");
}

static void a_cpu_sees_its_own_stores_and_their_last_value(void **state)
{
    (void) state;
    verdict_is("arch arm\nshared x, y\n",
               "0: x = 1; x = 2; check(x == 2, ORDER)\n"
               "1: y = x; await x == 2\n",
               "clean");
}

static void a_lock_keeps_others_out(void **state)
{
    const char *text = "0: %sr = x; x = r + 1; %s; atomic_add(y, 1)\n"
                       "1: %sr = x; x = r + 1; %s; atomic_add(y, 1)\n"
                       "1: await y == 2; check(x == 2, ORDER)\n";
    char body[300];

    (void) state;
    snprintf(body, sizeof(body), text, "", "mb", "", "mb");
    verdict_is("arch arm\nshared x, y, l\n", body, "ORDER");
    snprintf(body, sizeof(body), text, "lock l; ", "unlock l", "lock l; ",
             "unlock l");
    verdict_is("arch arm\nshared x, y, l\n", body, "clean");
}

/* ---- verdicts ---- */

static const char mapped[] = "mm M N\npage P Q\ntable T\n"
                             "map M A -> P rw in T\nmap M B -> Q rw in T\n"
                             "start 0 M\nstart 1 M\n"
                             "setup 0: read A\nsetup 1: write A\n"
                             "proc inv(a) { invlpg a }\n"
                             "proc flush(a) { flush_begin(M, a); invlpg a\n"
                             " ipi bit(1): inv(a); wait_acks; flush_done }\n";

static void old_entries_may_be_used_until_the_flush_is_complete(void **state)
{
    (void) state;
    verdict_is(mapped, "0: pte[M][A] = none; flush(A)\n1: read A; read A\n",
               "clean");
    verdict_is(mapped,
               "0: pte[M][A] = none; flush_begin(M, A); invlpg A; flush_done\n"
               "1: read A\n",
               "STALE_AFTER_COMPLETE");
    verdict_is(mapped,
               "0: pte[M][A] = none; flush_begin(M, B); invlpg A; flush_done\n"
               "1: read A\n",
               "clean");
    verdict_is(mapped,
               "0: pte[M][A] = none; mb; promise_gone(M, A)\n1: read A\n",
               "STALE_AFTER_COMPLETE");
}

static void fewer_rights_concern_those_who_use_them(void **state)
{
    const char *promised = "0: pte[M][A] = leaf(P, R); mb\n"
                           "0: promise_readonly(M, A)\n1: %s A\n";
    char body[200];

    (void) state;
    snprintf(body, sizeof(body), promised, "read");
    verdict_is(mapped, body, "clean");
    snprintf(body, sizeof(body), promised, "write");
    verdict_is(mapped, body, "STALE_PERM");
    verdict_is(mapped, "0: pte[M][B] = leaf(Q, RW); flush(B)\n1: write B\n",
               "clean");
}

static void a_freed_page_or_table_is_not_touched(void **state)
{
    (void) state;
    verdict_is(mapped,
               "0: pte[M][A] = none; flush(A); free_page P\n1: read A\n",
               "clean");
    verdict_is(mapped,
               "0: pte[M][A] = none; free_page P; flush(A)\n1: read A\n",
               "UAF_PAGE");
    verdict_is(mapped,
               "0: pmd[M][A] = none; free_table T; flush(A)\n1: read B\n",
               "UAF_TABLE");
    verdict_is(mapped,
               "0: pmd[M][A] = none; flush(A); free_table T\n1: read B\n",
               "clean");
}

static void a_walk_that_nobody_asked_for_counts(void **state)
{
    const char *body = "speculate 1: B\n"
                       "0: pmd[M][A] = none; free_table T; flush(A)\n1: mb\n";

    (void) state;
    verdict_is(mapped, body + strlen("speculate 1: B\n"), "clean");
    verdict_is(mapped, body, "UAF_TABLE");
}

static void a_store_to_a_page_taken_as_final_is_lost(void **state)
{
    const char *text = "0: pte[M][A] = leaf(P, R); %stake_page P; %s\n"
                       "1: write A\n";
    char body[200];

    (void) state;
    snprintf(body, sizeof(body), text, "mb; ", "flush(A)");
    verdict_is(mapped, body, "LOST_DIRTY");
    snprintf(body, sizeof(body), text, "flush(A); ", "mb");
    verdict_is(mapped, body, "clean");
    verdict_is(mapped,
               "0: pte[M][A] = leaf(P, RW); mb; promise_clean(M, A)\n"
               "1: write A\n",
               "LOST_DIRTY");
}

static void a_clean_entry_asks_the_tables_before_a_store(void **state)
{
    (void) state;
    verdict_is("mm M\npage P\nmap M A -> P rw\nstart 0 M\nstart 1 M\n"
               "setup 1: read A\n",
               "0: atomic_xchg(pte[M][A], none); promise_gone(M, A)\n"
               "1: write A\n",
               "clean");
}

static const char two_spaces[] = "mm M N\npage P Q\nmap M A -> P rw\n"
                                 "map N A -> Q rw\nsetup 0: write_cr3(M, 1)\n"
                                 "setup 0: read A\n";

static void an_asid_belongs_to_one_address_space(void **state)
{
    (void) state;
    verdict_is(two_spaces, "0: write_cr3_noflush(N, 1); read A\n",
               "WRONG_ASID");
    verdict_is(two_spaces, "0: write_cr3_noflush(N, 2); read A\n", "clean");
    verdict_is(two_spaces, "0: write_cr3(N, 1); read A\n", "clean");
}

static const char kernel[] = "page P\nmap init_mm K -> P rw global\n"
                             "mm M\nstart 1 M asid 1\nsetup 1: read K\n"
                             "proc inv(a) { %s }\n"
                             "0: pte[init_mm][K] = none; flush_begin(ALL, K)\n"
                             "0: ipi bit(1): inv(K); wait_acks; flush_done\n"
                             "1: read K\n";

static void global_entries_survive_what_spares_them(void **state)
{
    char text[600];

    (void) state;
    snprintf(text, sizeof(text), kernel, "invlpg_spares_globals a");
    verdict_is(text, "", "GLOBAL_LEAK");
    snprintf(text, sizeof(text), kernel, "invlpg a");
    verdict_is(text, "", "clean");
    snprintf(text, sizeof(text), kernel, "flush_nonglobal");
    verdict_is(text, "", "GLOBAL_LEAK");
    snprintf(text, sizeof(text), kernel, "flush_everything");
    verdict_is(text, "", "clean");
}

static const char huge[] = "mm M\npage P\ntable T\nmap M A huge -> P rw\n"
                           "start 0 M\nstart 1 M\nsetup 1: read A\n"
                           "proc inv(a) { invlpg a }\nspeculate 1: A\n"
                           "0: pte[M][A] = leaf(P, RW)\n";

static void two_sizes_are_never_there_at_once(void **state)
{
    (void) state;
    verdict_is(huge, "0: pmd[M][A] = table_word(T)\n", "clean");
}

static void a_walker_without_locks_is_waited_for(void **state)
{
    const char *text = "shared walking\n"
                       "1: %s t = sw_table(M, A); w = sw_word(A); %s\n"
                       "0: pmd[M][A] = none; mb; %s; free_table T\n";
    char body[300];

    (void) state;
    snprintf(body, sizeof(body), text, "", "pause", "mb");
    verdict_is(mapped, body, "SW_WALK");
    snprintf(body, sizeof(body), text, "irq_off;", "irq_on",
             "ipi bit(1): inv(A); wait_acks");
    verdict_is(mapped, body, "clean");
}

static void who_waits_for_each_other_is_stuck(void **state)
{
    (void) state;
    verdict_is("shared a, b\n",
               "0: lock a; lock b; unlock b; unlock a\n"
               "1: lock b; lock a; unlock a; unlock b\n",
               "STUCK");
    verdict_is("shared a, b\n",
               "0: lock a; lock b; unlock b; unlock a\n"
               "1: lock a; lock b; unlock b; unlock a\n",
               "clean");
}

/* ---- Arm's broadcasts ---- */

static const char broadcast[] =
    "arch arm\nmm M\npage P\ntable T\nmap M A -> P rw in T\n"
    "map M B -> P rw in T\nstart 0 M asid 1\nstart 1 M asid 1\n"
    "setup 1: read A\n";

static void a_tlbi_is_complete_with_its_issuers_dsb(void **state)
{
    const char *text = "0: pte[M][A] = none; %s flush_begin(M, A)\n"
                       "0: %s; %s; flush_done\n1: read A; read A\n";
    char body[300];

    (void) state;
    snprintf(body, sizeof(body), text, "dsb_st;", "tlbi_va(1, A)", "dsb");
    verdict_is(broadcast, body, "clean");
    snprintf(body, sizeof(body), text, "", "tlbi_va(1, A)", "dsb");
    verdict_is(broadcast, body, "STALE_AFTER_COMPLETE");
    snprintf(body, sizeof(body), text, "dsb_st;", "tlbi_va(1, A)", "isb");
    verdict_is(broadcast, body, "STALE_AFTER_COMPLETE");
    snprintf(body, sizeof(body), text, "dsb_st;", "tlbi_va(1, A)", "dsb_early");
    verdict_is(broadcast, body, "STALE_AFTER_COMPLETE");
    snprintf(body, sizeof(body), text, "dsb_st;", "tlbi_va(2, A)", "dsb");
    verdict_is(broadcast, body, "STALE_AFTER_COMPLETE");
    snprintf(body, sizeof(body), text, "dsb_st;", "tlbi_va_local(1, A)", "dsb");
    verdict_is(broadcast, body, "STALE_AFTER_COMPLETE");
    snprintf(body, sizeof(body), text, "dsb_st;", "tlbi_range(1, A, 1)", "dsb");
    verdict_is(broadcast, body, "clean");
    snprintf(body, sizeof(body), text, "dsb_st;", "tlbi_range(1, B, 4)", "dsb");
    verdict_is(broadcast, body, "STALE_AFTER_COMPLETE");
    snprintf(body, sizeof(body), text, "dsb_st;", "tlbi_level(1, A, 2)", "dsb");
    verdict_is(broadcast, body, "STALE_AFTER_COMPLETE");
}

static void a_tlbi_of_the_last_level_keeps_the_walk_cache(void **state)
{
    const char *text = "0: pmd[M][A] = none; dsb_st; %s; dsb; free_table T\n"
                       "1: read B\n";
    char body[200];

    (void) state;
    snprintf(body, sizeof(body), text, "tlbi_va(1, A)");
    verdict_is(broadcast, body, "clean");
    snprintf(body, sizeof(body), text, "tlbi_leaf(1, A)");
    verdict_is(broadcast, body, "UAF_TABLE");
    snprintf(body, sizeof(body), text, "tlbi_level(1, A, 2)");
    verdict_is(broadcast, body, "UAF_TABLE");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_cpu_may_miss_the_others_store),
        cmocka_unit_test(arm_stores_change_places_and_x86_stores_do_not),
        cmocka_unit_test(a_cpu_sees_its_own_stores_and_their_last_value),
        cmocka_unit_test(a_lock_keeps_others_out),
        cmocka_unit_test(old_entries_may_be_used_until_the_flush_is_complete),
        cmocka_unit_test(fewer_rights_concern_those_who_use_them),
        cmocka_unit_test(a_freed_page_or_table_is_not_touched),
        cmocka_unit_test(a_walk_that_nobody_asked_for_counts),
        cmocka_unit_test(a_store_to_a_page_taken_as_final_is_lost),
        cmocka_unit_test(a_clean_entry_asks_the_tables_before_a_store),
        cmocka_unit_test(an_asid_belongs_to_one_address_space),
        cmocka_unit_test(global_entries_survive_what_spares_them),
        cmocka_unit_test(two_sizes_are_never_there_at_once),
        cmocka_unit_test(a_walker_without_locks_is_waited_for),
        cmocka_unit_test(who_waits_for_each_other_is_stuck),
        cmocka_unit_test(a_tlbi_is_complete_with_its_issuers_dsb),
        cmocka_unit_test(a_tlbi_of_the_last_level_keeps_the_walk_cache),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
