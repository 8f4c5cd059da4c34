/* SPDX-License-Identifier: MIT */
/* The search of scenarios against a naive one: random programs of two CPUs,
 * all of whose orders are tried one by one, without states that are known
 * again and without bounds. Where the naive one finds a violation the search
 * must find one, where it finds none the search must say "all orders". */
#include "core/rng.h"
#include "mmusim/scenario.h"
#include "scenario/scenario_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N_PROGRAMS = 400, NODES_MAX = 60000 };

static const char *const statements[] = {
    "read A",
    "write A",
    "read A",
    "pte[M][A] = none",
    "pte[M][A] = leaf(P, R)",
    "pmd[M][A] = none",
    "flush_begin(M, A); invlpg A; flush_done",
    "flush_begin(M, A); ipi ~0: inv(A); invlpg A; wait_acks; flush_done",
    "promise_gone(M, A)",
    "promise_readonly(M, A)",
    "pte[M][A] = none; free_page P",
    "pmd[M][A] = none; free_table T",
    "mb",
    "x = 1; r = y; atomic_add(z, r)",
    "y = 1; r = x; atomic_add(z, r)",
    "check(x >= y, ORDER)",
    "lock l; pause; unlock l",
    "take_page P",
    "irq_off; pause; irq_on",
    "dsb_st; tlbi_va(0, A); dsb",
    "tlbi_leaf(0, A)",
};

static uint32_t pick(struct rng *rng, uint32_t n)
{
    return mmusim__rng_below(rng, n);
}

static void write_program(struct rng *rng, char *text, size_t size)
{
    static const char *const archs[] = {"x86", "arm", "riscv"};
    int length =
        snprintf(text, size,
                 "arch %s\nmm M\npage P\ntable T\nshared x, y, z, l\n"
                 "map M A -> P rw in T\nstart 0 M\nstart 1 M\n"
                 "proc inv(a) { invlpg a }\nsetup 1: write A\n%s",
                 archs[pick(rng, 3)], pick(rng, 2) ? "speculate 1: A\n" : "");

    for (uint32_t cpu = 0; cpu < 2; cpu++) {
        uint32_t n = 1 + pick(rng, 3);

        for (uint32_t i = 0; i < n; i++)
            length +=
                snprintf(text + length, size - (size_t) length, "%u: %s\n", cpu,
                         statements[pick(rng, sizeof(statements) /
                                                  sizeof(statements[0]))]);
    }
}

struct naive {
    struct scenario_run run;
    uint32_t n_nodes;
    bool is_found;
};

static void naive_search(struct naive *naive)
{
    struct scenario_world *here = malloc(sizeof(*here));
    struct scenario_move moves[SCENARIO_MOVES];
    uint32_t n_moves = mmusim__scenario_moves(&naive->run, moves);

    assert_non_null(here);
    *here = naive->run.world;
    naive->n_nodes++;
    if (!n_moves && !mmusim__scenario_is_over(&naive->run))
        naive->is_found = true;
    for (uint32_t i = 0;
         i < n_moves && !naive->is_found && naive->n_nodes < NODES_MAX; i++) {
        naive->run.world = *here;
        mmusim__scenario_do(&naive->run, &moves[i]);
        if (naive->run.verdict)
            naive->is_found = true;
        else
            naive_search(naive);
    }
    free(here);
}

/* false: there are too many orders to try. */
static bool naive_finds(const char *text, bool *is_found)
{
    struct naive *naive = calloc(1, sizeof(*naive));
    struct scenario_program *program;
    bool is_done;

    assert_non_null(naive);
    assert_int_equal(
        mmusim__scenario_parse("t", text, strlen(text), NULL, &program, NULL),
        MMUSIM_OK);
    naive->run.program = program;
    mmusim__scenario_setup(&naive->run, NULL);
    naive_search(naive);
    *is_found = naive->is_found;
    is_done = naive->is_found || naive->n_nodes < NODES_MAX;
    mmusim__scenario_program_destroy(program);
    free(naive);
    return is_done;
}

static void compare(const char *text, bool is_found, uint32_t index)
{
    mmusim_scenario_t *scenario;
    mmusim_scenario_summary_t summary;
    bool is_clean;

    assert_int_equal(mmusim_scenario_open_text("t", text, strlen(text), NULL,
                                               &scenario, NULL),
                     MMUSIM_OK);
    assert_int_equal(mmusim_scenario_explore(scenario, NULL, NULL), MMUSIM_OK);
    mmusim_scenario_summarize(scenario, &summary);
    is_clean = !strcmp(summary.verdict, "clean");
    if (is_clean == is_found || (is_clean && !summary.is_all))
        fail_msg("program %u: the search says %s%s, the naive one %s\n%s",
                 index, summary.verdict, summary.is_all ? " (all)" : "",
                 is_found ? "found" : "clean", text);
    /* A page mapped after it was freed is nobody's TLB bug. */
    if (!summary.is_confirmed &&
        !(strstr(text, "free_page") && strstr(text, "leaf(")))
        fail_msg("program %u: %s is not confirmed\n%s\n%s", index,
                 summary.verdict, text, mmusim_scenario_table(scenario));
    mmusim_scenario_close(scenario);
}

static void the_search_finds_what_a_naive_one_finds(void **state)
{
    uint32_t n_found = 0, n_clean = 0;

    (void) state;
    for (uint32_t i = 0; i < N_PROGRAMS; i++) {
        struct rng rng;
        char text[2048];
        bool is_found;

        mmusim__rng_init(&rng, 20260411, i);
        write_program(&rng, text, sizeof(text));
        if (!naive_finds(text, &is_found))
            continue;
        compare(text, is_found, i);
        n_found += is_found;
        n_clean += !is_found;
    }
    print_message("%u with violations, %u clean\n", n_found, n_clean);
    assert_true(n_found > N_PROGRAMS / 10);
    assert_true(n_clean > N_PROGRAMS / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_search_finds_what_a_naive_one_finds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
