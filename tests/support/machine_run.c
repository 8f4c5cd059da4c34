/* SPDX-License-Identifier: MIT */
/* See machine_run.h. */
#include "support/machine_run.h"

#include "os/page_cache.h"
#include "os/page_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void run_config(struct machine_config *config, uint32_t n_cpus)
{
    mmusim__machine_config_init(config);
    config->n_sockets = 1;
    config->cores_per_socket = n_cpus;
    config->threads_per_core = 1;
}

void run_build(struct machine_run *run, const struct machine_config *config)
{
    memset(run, 0, sizeof(*run));
    run->status = mmusim__machine_create(config, &run->machine, &run->diag);
    if (run->status)
        fail_msg("%s", run->diag.text);
}

void run_start(struct machine_run *run, const struct program *program,
               const struct program_view *view)
{
    struct mmusim_source *source = program_source(program, view);

    run->status = mmusim_machine_run(run->machine, source, &run->diag);
    source->ops->destroy(source);
    assert_int_equal(mmusim_machine_stats(run->machine, &run->stats),
                     MMUSIM_OK);
}

void run_program(struct machine_run *run, const struct machine_config *config,
                 const struct program *program, const struct program_view *view)
{
    run_build(run, config);
    run_start(run, program, view);
}

void run_well(struct machine_run *run, const struct machine_config *config,
              const struct program *program)
{
    run_program(run, config, program, NULL);
    if (run->status)
        fail_msg("%s", run->diag.text);
    run_assert_laws(run);
}

void run_fini(struct machine_run *run)
{
    mmusim_stats_destroy(run->stats);
    mmusim_machine_destroy(run->machine);
    memset(run, 0, sizeof(*run));
}

uint64_t run_stat(const struct machine_run *run, const char *name)
{
    mmusim_stat_t stat;

    if (!mmusim_stats_find(run->stats, name, &stat))
        fail_msg("no statistic %s", name);
    return stat.value;
}

uint64_t run_core_stat(const struct machine_run *run, uint32_t cpu,
                       const char *name)
{
    char full[128];

    snprintf(full, sizeof(full), "core%u.%s", (unsigned) cpu, name);
    return run_stat(run, full);
}

/* ---- laws ---- */

/* Sum of the statistics "PREFIXword" over a list of words. */
static uint64_t sum_of(const struct machine_run *run, const char *prefix,
                       const char *const *words)
{
    uint64_t sum = 0;
    char name[128];

    for (; *words; words++) {
        snprintf(name, sizeof(name), "%s%s", prefix, *words);
        sum += run_stat(run, name);
    }
    return sum;
}

static uint64_t at(const struct machine_run *run, const char *prefix,
                   const char *word)
{
    const char *const words[] = {word, NULL};

    return sum_of(run, prefix, words);
}

static bool has_level(const struct machine_run *run, const char *prefix)
{
    mmusim_stat_t stat;
    char name[80];

    snprintf(name, sizeof(name), "%saccesses", prefix);
    return mmusim_stats_find(run->stats, name, &stat);
}

/* prefix is "coreN." or "" for the sums. */
static void assert_laws_of(const struct machine_run *run, const char *prefix,
                           uint64_t cycles)
{
    static const char *const buckets[] = {
        "cycles.base",
        "cycles.memory",
        "cycles.l1_tlb",
        "cycles.l2_tlb",
        "cycles.l3_tlb",
        "cycles.walk",
        "cycles.fault",
        "cycles.kernel",
        "cycles.lock",
        "cycles.flush_local",
        "cycles.ipi_send",
        "cycles.ipi_wait",
        "cycles.ipi_handler",
        "cycles.switch",
        "cycles.idle",
        "cycles.order",
        NULL,
    };
    static const char *const causes[] = {
        "miss.cold",   "miss.capacity", "miss.full_flush", "miss.page_flush",
        "miss.switch", "miss.asid",     "miss.other",      NULL,
    };
    static const char *const asked[] = {"llt.misses", "walker.dirty_walks",
                                        "walker.prefetches", "walker.replays",
                                        NULL};
    static const char *const answered[] = {"walker.walks", "walker.merged",
                                           NULL};
    static const char *const tlbs[] = {"l1i", "l1d", "l1s", "l2",
                                       "l2i", "l2d", "l3",  NULL};
    uint64_t third_accesses = 0, first_misses = 0, second_accesses = 0,
             second_misses = 0;

    assert_int_equal(sum_of(run, prefix, buckets), cycles);
    assert_int_equal(sum_of(run, prefix, causes),
                     at(run, prefix, "llt.misses"));
    assert_int_equal(sum_of(run, prefix, asked), sum_of(run, prefix, answered));
    for (uint32_t i = 0; tlbs[i]; i++) {
        char name[64];

        snprintf(name, sizeof(name), "%s%s.", prefix, tlbs[i]);
        if (!has_level(run, name))
            continue;
        first_misses += tlbs[i][1] == '1' ? at(run, name, "misses") : 0;
        second_accesses += tlbs[i][1] == '2' ? at(run, name, "accesses") : 0;
        second_misses += tlbs[i][1] == '2' ? at(run, name, "misses") : 0;
        third_accesses += tlbs[i][1] == '3' ? at(run, name, "accesses") : 0;
        assert_int_equal(at(run, name, "hits") + at(run, name, "misses"),
                         at(run, name, "accesses"));
    }
    assert_int_equal(first_misses, second_accesses);
    assert_true(at(run, prefix, "llt.misses") <= second_misses);
    assert_true(third_accesses <= second_misses);
}

/* Every unindexed statistic that each CPU has, too, is their sum. */
static void assert_cpus_sum(const struct machine_run *run)
{
    uint32_t n_cpus = run->machine->system.n_cpus;
    mmusim_stat_t stat;

    for (size_t i = 0; mmusim_stats_at(run->stats, i, &stat); i++) {
        const char *name = stat.name;
        uint64_t value = stat.value;
        uint64_t sum = 0;
        mmusim_stat_t one;
        char full[160];

        if (!strncmp(name, "core", 4) || !strcmp(name, "sim.cycles"))
            continue;
        if (!strncmp(name, "sim.", 4))
            name += 4;
        snprintf(full, sizeof(full), "core0.%s", name);
        if (!mmusim_stats_find(run->stats, full, &one))
            continue;
        for (uint32_t cpu = 0; cpu < n_cpus; cpu++)
            sum += run_core_stat(run, cpu, name);
        if (sum != value)
            fail_msg("%s is not the sum over CPUs", name);
    }
}

struct held {
    uint64_t tables;
    uint64_t frames; /* of 4 KiB */
};

static void count_tables(const struct mmusim_machine *machine, pfn_t pfn,
                         struct held *held)
{
    const struct kernel *kernel = &machine->kernel;
    const struct pt_info *table = mmusim__pt_table(kernel->tables, pfn);
    uint32_t step = 1;

    assert_non_null(table);
    held->tables++;
    held->frames += UINT64_C(1)
                    << mmusim__pt_table_order(kernel->format, table->level);
    if (table->level) /* entries that lead to one table of the OS */
        step <<= kernel->format->levels[table->level - 1].joint_log2;
    for (uint32_t i = 0; table->level && i < table->n_words; i += step) {
        struct pt_entry entry = kernel->format->decode(
            kernel->format, pt_word(table, i), table->level);

        if (entry.is_present && !entry.is_leaf)
            count_tables(machine, entry.pfn, held);
    }
}

/* After the last exit, what is left is the zero pages, init_mm's tables and
 * pages, cached file pages, and the roots that lazy CPUs still borrow. */
static void assert_no_frame_is_lost(const struct machine_run *run)
{
    const struct kernel *kernel = &run->machine->kernel;
    uint64_t zero_page = UINT64_C(1) << kernel->format->granule_order;
    struct held held = {0};

    if (kernel->huge_zero_page.v)
        zero_page += UINT64_C(1) << mmusim__frame_order(kernel->frames,
                                                        kernel->huge_zero_page);
    count_tables(run->machine, kernel->init_mm.space.root, &held);
    for (const struct mm *mm = kernel->mms; mm; mm = mm->next) {
        uint64_t before = held.tables;

        assert_true(mm->is_dead);
        count_tables(run->machine, mm->space.root, &held);
        assert_int_equal(held.tables, before + 1);
    }
    assert_int_equal(mmusim__pt_table_count(kernel->tables), held.tables);
    if (!mmusim__vm_count(kernel->init_mm.areas))
        assert_int_equal(
            mmusim__frames_in_use(kernel->frames),
            held.frames + zero_page +
                mmusim__page_cache_frames(kernel->page_cache, kernel->frames));
}

void run_assert_laws(const struct machine_run *run)
{
    uint32_t n_cpus = run->machine->system.n_cpus;
    uint64_t cycles = run_stat(run, "sim.cycles");
    bool has_ended = true;

    for (uint32_t cpu = 0; cpu < n_cpus; cpu++) {
        char prefix[32];

        snprintf(prefix, sizeof(prefix), "core%u.", (unsigned) cpu);
        assert_laws_of(run, prefix, cycles);
        assert_int_equal(at(run, prefix, "cycles"), cycles);
    }
    assert_laws_of(run, "", cycles * n_cpus);
    assert_cpus_sum(run);
    assert_int_equal(run_stat(run, "shootdown.count"),
                     run_stat(run, "shootdown.completed"));
    for (uint32_t i = 0; i < run->machine->kernel.n_threads; i++)
        has_ended &= run->machine->kernel.threads[i].state == THREAD_EXITED;
    if (!run->status) {
        assert_true(has_ended);
        assert_no_frame_is_lost(run);
    }
}

void run_assert_equal(const struct machine_run *a, const struct machine_run *b)
{
    mmusim_stat_t left, right;
    size_t i = 0;

    assert_int_equal(mmusim_stats_count(a->stats),
                     mmusim_stats_count(b->stats));
    for (; mmusim_stats_at(a->stats, i, &left); i++) {
        assert_true(mmusim_stats_at(b->stats, i, &right));
        assert_string_equal(left.name, right.name);
        if (left.value != right.value)
            fail_msg("%s: %llu and %llu", left.name,
                     (unsigned long long) left.value,
                     (unsigned long long) right.value);
    }
}

struct run_fixture *run_fixture_create(uint32_t n_cpus)
{
    struct run_fixture *fixture = calloc(1, sizeof(*fixture));

    run_config(&fixture->config, n_cpus);
    fixture->config.core.window = 0;
    fixture->program = program_create();
    return fixture;
}

void run_fixture_destroy(struct run_fixture *fixture)
{
    run_fini(&fixture->run);
    program_destroy(fixture->program);
    free(fixture);
}

int run_fixture_teardown(void **state)
{
    run_fixture_destroy(*state);
    return 0;
}

void run_fixture_run(struct run_fixture *fixture)
{
    run_well(&fixture->run, &fixture->config, fixture->program);
}

uint64_t run_fixture_stat(const struct run_fixture *fixture, const char *name)
{
    return run_stat(&fixture->run, name);
}
