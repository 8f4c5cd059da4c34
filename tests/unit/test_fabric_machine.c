/* SPDX-License-Identifier: MIT */
/* Which fabric a whole machine gets, and how far its CPUs run ahead. */
#include "coherence/broadcast.h"
#include "coherence/fabric.h"
#include "coherence/icr.h"
#include "mmusim/config.h"
#include "support/machine_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static mmusim_config_t *configure(const char *const (*settings)[2])
{
    mmusim_config_t *config;

    assert_int_equal(mmusim_config_create(&config), 0);
    for (size_t i = 0; settings[i][0]; i++)
        assert_int_equal(
            mmusim_config_set(config, settings[i][0], settings[i][1], NULL), 0);
    return config;
}

static void build(struct machine_run *run, const mmusim_config_t *config)
{
    run_build(run, mmusim__config_machine(config));
}

static const char *const x86_ipi[][2] = {{NULL, NULL}};
static const char *const x86_invlpgb[][2] = {{"fabric", "invlpgb"},
                                             {NULL, NULL}};
static const char *const arm[][2] = {{"isa", "armv8"},
                                     {"topology.cores_per_socket", "4"},
                                     {"core.window", "0"},
                                     {NULL, NULL}};

static void broadcasts_shorten_the_horizon(void **state)
{
    static const struct {
        const char *const (*settings)[2];
        bool has_broadcast;
    } cases[] = {{x86_ipi, false}, {x86_invlpgb, true}, {arm, true}};

    (void) state;
    for (size_t i = 0; i < 3; i++) {
        mmusim_config_t *config = configure(cases[i].settings);
        struct machine_run run;
        const struct system *system;

        build(&run, config);
        system = &run.machine->system;
        assert_int_equal(system->has_broadcast, cases[i].has_broadcast);
        assert_int_equal(system->min_delivery_cycles,
                         cases[i].has_broadcast
                             ? mmusim__broadcast_min_delivery_cycles(system)
                             : mmusim__icr_min_delivery_cycles(system));
        run_fini(&run);
        mmusim_config_destroy(config);
    }
}

/* One thread gives pages back while the others read theirs without a pause. */
static struct program *readers(void)
{
    struct program *program = program_create();

    program_say(program, "1 mmap 0x40000000 0x100000 rw-\n"
                         "1 clone 2\n1 clone 3\n1 clone 4\n");
    for (uint32_t i = 0; i < 60; i++) {
        program_say(program, "1 w 0x40000000\n"
                             "1 madvise 0x40000000 0x1000 dontneed\n");
        for (uint32_t tid = 2; tid <= 4; tid++) {
            for (uint32_t k = 0; k < 40; k++)
                program_say(program, "%u w %#x\n%u n %u\n", tid,
                            0x40010000 + (tid << 12), tid, 7 + k);
        }
    }
    return program;
}

static void no_cpu_runs_past_a_broadcast(void **state)
{
    mmusim_config_t *config = configure(arm);
    struct machine_config machine = *mmusim__config_machine(config);
    struct program *program = readers();
    struct machine_run runs[2];

    (void) state;
    machine.dvm.latency_socket_cycles = 1;
    machine.dvm.latency_core_cycles = machine.dvm.latency_remote_cycles = 1;
    run_well(&runs[0], &machine, program);
    machine.engine = ENGINE_REFERENCE;
    run_well(&runs[1], &machine, program);
    run_assert_equal(&runs[0], &runs[1]);
    assert_true(run_stat(&runs[0], "shootdown.broadcasts") >= 60);
    assert_int_equal(run_stat(&runs[0], "flush.local_pages") * 3,
                     run_stat(&runs[0], "flush.received_pages"));
    run_fini(&runs[0]);
    run_fini(&runs[1]);
    program_destroy(program);
    mmusim_config_destroy(config);
}

static void no_cpu_runs_past_its_preemption(void **state)
{
    struct program *program = readers();
    struct machine_config machine;
    struct machine_run runs[2];

    (void) state;
    run_config(&machine, 4);
    machine.virt.preempt_period_cycles = 2000;
    machine.virt.preempt_cycles = 500;
    run_well(&runs[0], &machine, program);
    machine.engine = ENGINE_REFERENCE;
    run_well(&runs[1], &machine, program);
    run_assert_equal(&runs[0], &runs[1]);
    for (uint32_t id = 0; id < 4; id++)
        assert_true(runs[0].machine->system.cpus[id].vcpu.n_preemptions >= 4);
    run_fini(&runs[0]);
    run_fini(&runs[1]);
    program_destroy(program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broadcasts_shorten_the_horizon),
        cmocka_unit_test(no_cpu_runs_past_a_broadcast),
        cmocka_unit_test(no_cpu_runs_past_its_preemption),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
