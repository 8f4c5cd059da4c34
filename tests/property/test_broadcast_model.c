/* SPDX-License-Identifier: MIT */
/*
 * Random programs of eight CPUs that work, broadcast and sync, with random
 * costs: every action ends at the cycle at which the naive model says, every
 * bucket has the cycles it says, in both engines.
 *
 * MMUSIM_TEST_SEED and MMUSIM_TEST_RUNS repeat or lengthen a run.
 */
#include "coherence/broadcast.h"
#include "model/broadcast_model.h"
#include "support/small_system.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { DEFAULT_RUNS = 60 };

struct run {
    uint64_t seed;
    struct rng rng;
    struct small_options options;
    struct small_system *small;
    struct model_costs costs;
    struct model_action actions[MODEL_CPUS][MODEL_ACTIONS];
    struct model_times expected[MODEL_CPUS];
    struct model_times found[MODEL_CPUS];
};

static uint64_t number_from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text ? strtoull(text, NULL, 0) : otherwise;
}

static uint32_t draw(struct run *run, uint32_t bound)
{
    return mmusim__rng_below(&run->rng, bound);
}

static void draw_costs(struct run *run)
{
    struct broadcast_config *config = &run->options.broadcast;

    config->max_outstanding = 1 + draw(run, 5);
    config->issue_cycles = draw(run, 40);
    config->slot_cycles = draw(run, 60);
    config->sync_cycles = draw(run, 50);
    config->inner_domain = INNER_SOCKET;
    config->latency_core_cycles = 1 + draw(run, 50);
    config->latency_socket_cycles = 1 + draw(run, 80);
    config->latency_remote_cycles = 1 + draw(run, 200);
    config->ack_core_cycles = 1 + draw(run, 50);
    config->ack_socket_cycles = 1 + draw(run, 80);
    config->ack_remote_cycles = 1 + draw(run, 200);
}

/* CPUs 0 to 3 are the first threads of the cores, two a socket. */
static void tell_model_costs(struct run *run)
{
    static const uint32_t sockets[MODEL_CPUS] = {0, 0, 1, 1, 0, 0, 1, 1};
    const struct broadcast_config *config = &run->options.broadcast;

    run->costs.issue = config->issue_cycles;
    run->costs.slot = config->slot_cycles;
    run->costs.sync = config->sync_cycles;
    run->costs.max_outstanding = config->max_outstanding;
    for (uint32_t a = 0; a < MODEL_CPUS; a++) {
        run->costs.socket[a] = sockets[a];
        for (uint32_t b = 0; b < MODEL_CPUS; b++) {
            bool is_sibling = a % 4 == b % 4;
            bool is_near = sockets[a] == sockets[b];

            run->costs.way[a][b] = is_sibling ? config->latency_core_cycles
                                   : is_near  ? config->latency_socket_cycles
                                              : config->latency_remote_cycles;
            run->costs.answer[a][b] = is_sibling ? config->ack_core_cycles
                                      : is_near  ? config->ack_socket_cycles
                                                 : config->ack_remote_cycles;
        }
    }
}

static void draw_actions(struct run *run)
{
    for (uint32_t id = 0; id < MODEL_CPUS; id++) {
        for (uint32_t i = 0; i < MODEL_ACTIONS; i++) {
            run->actions[id][i] = (struct model_action){
                .kind = (enum model_action_kind) draw(run, 3),
                .cycles = draw(run, 3) ? draw(run, 60) : draw(run, 900),
                .n_ops = 1 + draw(run, 4),
                .is_near = draw(run, 2),
            };
        }
    }
}

/* ---- on the system ---- */

static void issue(struct cpu *cpu, void *context)
{
    const struct model_action *action = context;
    const struct broadcast_request request = {
        .inval = {.has_range = true,
                  .vpn = {0x1000},
                  .n_pages = 1,
                  .hits_nonglobals = true},
        .cause = MISS_PAGE_FLUSH,
        .reach = action->is_near ? REACH_INNER : REACH_OUTER,
        .n_ops = action->n_ops,
    };

    mmusim__broadcast_issue(cpu, &request);
}

static void sync(struct cpu *cpu, void *context)
{
    (void) context;
    mmusim__broadcast_sync(cpu, REACH_OUTER);
}

static void note(struct cpu *cpu, void *context)
{
    *(uint64_t *) context = cpu->now;
}

static void write_script(struct run *run, uint32_t id)
{
    for (uint32_t i = 0; i < MODEL_ACTIONS; i++) {
        struct model_action *action = &run->actions[id][i];

        switch (action->kind) {
        case MODEL_WORK:
            small_busy(run->small, id, action->cycles, BUCKET_BASE);
            break;
        case MODEL_ISSUE:
            small_do(run->small, id, issue, action);
            break;
        case MODEL_SYNC:
            small_do(run->small, id, sync, NULL);
            break;
        }
        small_do(run->small, id, note, &run->found[id].finished[i]);
    }
}

static void compare(struct run *run, uint32_t id)
{
    struct cpu *cpu = &run->small->system.cpus[id];
    const struct model_times *expected = &run->expected[id];

    for (uint32_t i = 0; i < MODEL_ACTIONS; i++) {
        if (run->found[id].finished[i] != expected->finished[i])
            fail_msg("MMUSIM_TEST_SEED=%llu: CPU %u: action %u ends at %llu, "
                     "not %llu",
                     (unsigned long long) run->seed, id, i,
                     (unsigned long long) run->found[id].finished[i],
                     (unsigned long long) expected->finished[i]);
    }
    cpu_account(cpu, max_u64(cpu->now, cpu->stolen_until),
                cpu->activity.bucket);
    assert_int_equal(cpu->cycles[BUCKET_BASE], expected->work);
    assert_int_equal(cpu->cycles[BUCKET_IPI_SEND], expected->issuing);
    assert_int_equal(cpu->cycles[BUCKET_IPI_WAIT], expected->waiting);
    assert_int_equal(cpu->cycles[BUCKET_IPI_HANDLER], expected->stolen);
}

static void run_one(struct run *run, uint64_t seed)
{
    *run = (struct run){.seed = seed};
    mmusim__rng_init(&run->rng, seed, 0);
    small_options_init(&run->options);
    draw_costs(run);
    tell_model_costs(run);
    draw_actions(run);
    broadcast_model_run(&run->costs, run->actions, run->expected);
    for (uint32_t k = 0; k < 2; k++) {
        run->options.is_reference = k;
        run->small = small_create(&run->options);
        for (uint32_t id = 0; id < MODEL_CPUS; id++)
            write_script(run, id);
        small_run(run->small);
        for (uint32_t id = 0; id < MODEL_CPUS; id++)
            compare(run, id);
        small_destroy(run->small);
    }
}

static void every_action_ends_when_the_model_says(void **state)
{
    uint64_t seed = number_from_environment("MMUSIM_TEST_SEED", 1);
    uint64_t n_runs = number_from_environment("MMUSIM_TEST_RUNS", DEFAULT_RUNS);
    struct run *run = calloc(1, sizeof(*run));

    (void) state;
    assert_non_null(run);
    for (uint64_t i = 0; i < n_runs; i++)
        run_one(run, seed + i);
    free(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_action_ends_when_the_model_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
