/* SPDX-License-Identifier: MIT */
/* One run of a machine over a program, and the laws every run obeys. */
#ifndef MMUSIM_TESTS_SUPPORT_MACHINE_RUN_H
#define MMUSIM_TESTS_SUPPORT_MACHINE_RUN_H

#include "machine/machine.h"
#include "support/program.h"

struct machine_run {
    mmusim_machine_t *machine;
    mmusim_stats_t *stats;
    mmusim_status_t status;
    mmusim_diag_t diag;
};

/* The default machine with that many single-threaded cores on one socket. */
void run_config(struct machine_config *config, uint32_t n_cpus);

/* Builds and runs; view may be NULL. Fails the test if the machine cannot be
 * built; what the run returned is in status. */
void run_program(struct machine_run *run, const struct machine_config *config,
                 const struct program *program,
                 const struct program_view *view);
/* The same in two steps, for tests that look into the machine on the way. */
void run_build(struct machine_run *run, const struct machine_config *config);
void run_start(struct machine_run *run, const struct program *program,
               const struct program_view *view);
/* run_program() that must succeed, then run_assert_laws(). */
void run_well(struct machine_run *run, const struct machine_config *config,
              const struct program *program);
void run_fini(struct machine_run *run);

/* What most tests of whole runs begin with: an in-order machine (one access
 * after the other), an empty program, a run not yet made. */
struct run_fixture {
    struct machine_config config;
    struct program *program;
    struct machine_run run;
};

struct run_fixture *run_fixture_create(uint32_t n_cpus);
void run_fixture_destroy(struct run_fixture *fixture);
/* cmocka's teardown: *state is a fixture. */
int run_fixture_teardown(void **state);
/* run_well() of its three. */
void run_fixture_run(struct run_fixture *fixture);
/* run_stat() of its run. */
uint64_t run_fixture_stat(const struct run_fixture *fixture, const char *name);

/* A statistic by name; fails the test if there is none. */
uint64_t run_stat(const struct machine_run *run, const char *name);
/* coreN.NAME */
uint64_t run_core_stat(const struct machine_run *run, uint32_t cpu,
                       const char *name);

/* Conservation: buckets sum to cycles, causes to misses, requests to walks,
 * CPUs to the machine; and, if every thread has exited, no frame is lost. */
void run_assert_laws(const struct machine_run *run);
/* Every statistic is the same. */
void run_assert_equal(const struct machine_run *a, const struct machine_run *b);

#endif
