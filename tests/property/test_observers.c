/* SPDX-License-Identifier: MIT */
/*
 * Observers (mmusim/observe.h): what they are told adds up to the statistics,
 * nests, is the same from both engines, and changes nothing. Random programs
 * on random machines.
 */
#include "coherence/bucket.h"
#include "mmusim/observe.h"
#include "support/machine_run.h"
#include "support/random_machine.h"
#include "support/random_program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    MAX_WATCHED_CPUS = 16,
    MAX_OPEN = 32,
    N_KINDS = 11,
    MAX_WORDS = 32,
    N_SEEDS = 120,
};

/* How often each word has been seen. */
struct word_count {
    const char *words[MAX_WORDS];
    uint64_t n[MAX_WORDS];
    uint32_t n_words;
};

struct seen_cpu {
    uint64_t cycles[BUCKET_COUNT];
    uint64_t until; /* spans told so far */
    uint64_t n_misses, n_walks, n_reads, walk_cycles;
    struct word_count causes, faults;
    mmusim_scope_t open[MAX_OPEN];
    uint32_t n_open;
    uint64_t last_walk_end;
    uint64_t hashes[N_KINDS]; /* of all events of a kind, in order */
};

struct seen {
    struct seen_cpu cpus[MAX_WATCHED_CPUS];
    uint64_t *latencies;
    uint32_t n_shootdowns, max_shootdowns;
    uint64_t n_targets, n_ipis, n_operations, n_marks, n_flush_calls;
};

static void word_add(struct word_count *count, const char *word)
{
    uint32_t i = 0;

    while (i < count->n_words && strcmp(count->words[i], word) != 0)
        i++;
    if (i == count->n_words) {
        assert_true(i < MAX_WORDS);
        count->words[count->n_words++] = word;
        count->n[i] = 0;
    }
    count->n[i]++;
}

static uint64_t word_n(const struct word_count *count, const char *word)
{
    for (uint32_t i = 0; i < count->n_words; i++) {
        if (!strcmp(count->words[i], word))
            return count->n[i];
    }
    return 0;
}

/* FNV-1a over 8-byte values: order counts. */
static void mix(uint64_t *hash, uint64_t value)
{
    *hash = (*hash ^ value) * UINT64_C(0x100000001b3);
    *hash ^= *hash >> 29;
}

static void mix_text(uint64_t *hash, const char *text)
{
    for (; text && *text; text++)
        mix(hash, (uint64_t) *text);
}

static struct seen_cpu *seen_cpu(struct seen *seen, uint32_t cpu)
{
    assert_true(cpu < MAX_WATCHED_CPUS);
    return &seen->cpus[cpu];
}

/* ---- the observer ---- */

static void on_span(void *context, const mmusim_span_t *span)
{
    struct seen_cpu *cpu = seen_cpu(context, span->cpu);
    uint64_t *hash = &cpu->hashes[0];

    assert_int_equal(span->begin_cycle, cpu->until);
    assert_true(span->end_cycle > span->begin_cycle);
    assert_true(span->bucket < BUCKET_COUNT);
    cpu->until = span->end_cycle;
    cpu->cycles[span->bucket] += span->end_cycle - span->begin_cycle;
    mix(hash, span->end_cycle);
    mix(hash, span->bucket);
    mix(hash, span->tid);
    mix(hash, span->inside.pc);
    mix_text(hash, span->inside.name);
}

static void on_enter(void *context, const mmusim_scope_t *scope)
{
    struct seen_cpu *cpu = seen_cpu(context, scope->cpu);

    assert_true(cpu->n_open < MAX_OPEN);
    assert_int_equal(scope->cycle, cpu->until); /* spans come first */
    cpu->open[cpu->n_open++] = *scope;
    mix(&cpu->hashes[1], scope->cycle);
    mix_text(&cpu->hashes[1], scope->name);
}

static void on_leave(void *context, const mmusim_scope_t *scope)
{
    struct seen_cpu *cpu = seen_cpu(context, scope->cpu);
    const mmusim_scope_t *entered;

    assert_true(cpu->n_open > 0);
    entered = &cpu->open[--cpu->n_open];
    assert_int_equal(entered->kind, scope->kind);
    assert_string_equal(entered->name, scope->name);
    assert_int_equal(scope->cycle, cpu->until);
    mix(&cpu->hashes[2], scope->cycle);
}

static void on_miss(void *context, const mmusim_miss_event_t *event)
{
    struct seen_cpu *cpu = seen_cpu(context, event->cpu);
    uint64_t *hash = &cpu->hashes[3];

    assert_true(event->begin_cycle <= event->end_cycle);
    cpu->n_misses++;
    word_add(&cpu->causes, event->cause);
    mix(hash, event->begin_cycle);
    mix(hash, event->end_cycle);
    mix(hash, event->vaddr);
    mix(hash, event->pc);
    mix(hash, event->space);
    mix(hash, event->tid);
    mix_text(hash, event->cause);
}

static void on_walk(void *context, const mmusim_walk_event_t *event)
{
    struct seen_cpu *cpu = seen_cpu(context, event->cpu);
    uint64_t *hash = &cpu->hashes[4];

    assert_true(event->begin_cycle <= event->end_cycle);
    assert_true(event->end_cycle >= cpu->last_walk_end);
    cpu->last_walk_end = event->end_cycle;
    cpu->n_walks++;
    cpu->n_reads += event->n_pte_reads;
    cpu->walk_cycles += event->end_cycle - event->begin_cycle;
    mix(hash, event->begin_cycle);
    mix(hash, event->end_cycle);
    mix(hash, event->vaddr);
    mix(hash, event->walker);
    mix_text(hash, event->purpose);
}

/* The innermost scope is the event's own, and it ends now. */
static void assert_ends(const struct seen_cpu *cpu, mmusim_scope_kind_t kind,
                        uint64_t begin, uint64_t end)
{
    assert_true(cpu->n_open > 0);
    assert_int_equal(cpu->open[cpu->n_open - 1].kind, kind);
    assert_int_equal(cpu->open[cpu->n_open - 1].cycle, begin);
    assert_int_equal(cpu->until, end);
}

static void on_fault(void *context, const mmusim_fault_event_t *event)
{
    struct seen_cpu *cpu = seen_cpu(context, event->cpu);
    uint64_t *hash = &cpu->hashes[5];

    assert_ends(cpu, MMUSIM_SCOPE_FAULT, event->begin_cycle, event->end_cycle);
    word_add(&cpu->faults, event->kind);
    mix(hash, event->begin_cycle);
    mix(hash, event->end_cycle);
    mix(hash, event->vaddr);
    mix(hash, event->pc);
    mix_text(hash, event->kind);
}

static void on_operation(void *context, const mmusim_operation_event_t *event)
{
    struct seen *seen = context;
    struct seen_cpu *cpu = seen_cpu(seen, event->cpu);
    uint64_t *hash = &cpu->hashes[6];

    assert_ends(cpu, MMUSIM_SCOPE_OPERATION, event->begin_cycle,
                event->end_cycle);
    seen->n_operations++;
    mix(hash, event->begin_cycle);
    mix(hash, event->end_cycle);
    mix(hash, event->vaddr);
    mix(hash, event->tid);
    mix_text(hash, event->name);
}

static void on_flush_call(void *context, const mmusim_flush_call_event_t *event)
{
    struct seen *seen = context;
    struct seen_cpu *cpu = seen_cpu(seen, event->cpu);

    assert_ends(cpu, MMUSIM_SCOPE_FLUSH, event->begin_cycle, event->end_cycle);
    seen->n_flush_calls++;
    mix(&cpu->hashes[7], event->begin_cycle);
    mix(&cpu->hashes[7], event->vaddr);
    mix(&cpu->hashes[7], event->length_bytes);
    mix_text(&cpu->hashes[7], event->inside.name);
}

static void on_shootdown(void *context, const mmusim_shootdown_event_t *event)
{
    struct seen *seen = context;
    uint64_t *hash = &seen_cpu(seen, event->cpu)->hashes[8];

    if (seen->n_shootdowns == seen->max_shootdowns) {
        seen->max_shootdowns = seen->max_shootdowns * 2 + 64;
        seen->latencies = realloc(
            seen->latencies, seen->max_shootdowns * sizeof(*seen->latencies));
        assert_non_null(seen->latencies);
    }
    seen->latencies[seen->n_shootdowns++] =
        event->end_cycle - event->begin_cycle;
    seen->n_targets += event->n_targets;
    assert_true(event->id > 0);
    mix(hash, event->id);
    mix(hash, event->begin_cycle);
    mix(hash, event->end_cycle);
    mix(hash, event->n_targets);
}

static void on_ipi(void *context, const mmusim_ipi_event_t *event)
{
    struct seen *seen = context;
    uint64_t *hash = &seen_cpu(seen, event->to_cpu)->hashes[9];

    assert_int_not_equal(event->from_cpu, event->to_cpu);
    assert_true(event->sent_cycle <= event->delivered_cycle);
    assert_true(event->delivered_cycle <= event->handler_begin_cycle);
    assert_true(event->handler_begin_cycle <= event->handler_end_cycle);
    seen->n_ipis++;
    mix(hash, event->shootdown);
    mix(hash, event->from_cpu);
    mix(hash, event->sent_cycle);
    mix(hash, event->delivered_cycle);
    mix(hash, event->handler_begin_cycle);
    mix(hash, event->handler_end_cycle);
}

static void on_mark(void *context, const mmusim_mark_event_t *event)
{
    struct seen *seen = context;
    uint64_t *hash = &seen_cpu(seen, event->cpu)->hashes[10];

    seen->n_marks++;
    mix(hash, event->cycle);
    mix(hash, event->index);
    mix_text(hash, event->name);
}

static void seen_attach(struct seen *seen, mmusim_machine_t *machine)
{
    const mmusim_observer_t all = {
        .context = seen,
        .on_span = on_span,
        .on_enter = on_enter,
        .on_leave = on_leave,
        .on_miss = on_miss,
        .on_walk = on_walk,
        .on_fault = on_fault,
        .on_operation = on_operation,
        .on_flush_call = on_flush_call,
        .on_shootdown = on_shootdown,
        .on_ipi = on_ipi,
        .on_mark = on_mark,
    };

    assert_int_equal(mmusim_machine_observe(machine, &all), MMUSIM_OK);
}

/* ---- sums ---- */

static void check_cpu(const struct seen_cpu *cpu, const struct machine_run *run,
                      uint32_t id)
{
    static const char *const buckets[BUCKET_COUNT] = {
#define NAME(name, word, help) "cycles." word,
        BUCKET_MAP(NAME)
#undef NAME
    };
    static const char *const causes[] = {"cold",       "capacity", "full_flush",
                                         "page_flush", "switch",   "asid",
                                         "other"};
    static const char *const faults[] = {"minor", "major",    "protection",
                                         "cow",   "spurious", "invalid",
                                         "hint",  "flags",    "stage2"};
    char name[64];

    assert_int_equal(cpu->n_open, 0);
    assert_int_equal(cpu->until, run_stat(run, "sim.cycles"));
    for (uint32_t i = 0; i < BUCKET_COUNT; i++)
        assert_int_equal(cpu->cycles[i], run_core_stat(run, id, buckets[i]));
    assert_int_equal(cpu->n_misses, run_core_stat(run, id, "llt.misses"));
    for (uint32_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
        snprintf(name, sizeof(name), "miss.%s", causes[i]);
        assert_int_equal(word_n(&cpu->causes, causes[i]),
                         run_core_stat(run, id, name));
    }
    assert_int_equal(cpu->n_walks, run_core_stat(run, id, "walker.walks"));
    assert_int_equal(cpu->n_reads, run_core_stat(run, id, "walker.pte_reads"));
    assert_int_equal(cpu->walk_cycles, run_core_stat(run, id, "walker.cycles"));
    for (uint32_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        mmusim_stat_t stat;

        snprintf(name, sizeof(name), "core%u.faults.%s", (unsigned) id,
                 faults[i]);
        if (mmusim_stats_find(run->stats, name, &stat))
            assert_int_equal(word_n(&cpu->faults, faults[i]), stat.value);
    }
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *) a, right = *(const uint64_t *) b;

    return (left > right) - (left < right);
}

/* Nearest rank over the latencies seen. */
static uint64_t rank(const struct seen *seen, uint64_t percent)
{
    uint64_t place = (percent * seen->n_shootdowns + 99) / 100;

    return seen->n_shootdowns ? seen->latencies[place - 1] : 0;
}

static void check_seen(struct seen *seen, const struct machine_run *run)
{
    for (uint32_t id = 0; id < run->machine->system.n_cpus; id++)
        check_cpu(seen_cpu(seen, id), run, id);
    assert_int_equal(seen->n_shootdowns, run_stat(run, "shootdown.count"));
    assert_int_equal(seen->n_targets, run_stat(run, "shootdown.targets"));
    if (seen->n_shootdowns)
        qsort(seen->latencies, seen->n_shootdowns, sizeof(*seen->latencies),
              compare_u64);
    assert_int_equal(rank(seen, 50),
                     run_stat(run, "shootdown.latency_cycles.p50"));
    assert_int_equal(rank(seen, 95),
                     run_stat(run, "shootdown.latency_cycles.p95"));
    assert_int_equal(rank(seen, 99),
                     run_stat(run, "shootdown.latency_cycles.p99"));
    assert_int_equal(rank(seen, 100),
                     run_stat(run, "shootdown.latency_cycles.max"));
}

/* ---- random runs ---- */

static void run_seen(struct seen *seen, struct machine_run *run,
                     const struct machine_config *config,
                     const struct program *program,
                     const struct program_view *view)
{
    memset(seen, 0, sizeof(*seen));
    run_build(run, config);
    seen_attach(seen, run->machine);
    run_start(run, program, view);
    run_assert_laws(run);
}

static void assert_same_events(const struct seen *a, const struct seen *b,
                               uint64_t seed)
{
    for (uint32_t cpu = 0; cpu < MAX_WATCHED_CPUS; cpu++) {
        for (uint32_t kind = 0; kind < N_KINDS; kind++) {
            if (a->cpus[cpu].hashes[kind] != b->cpus[cpu].hashes[kind])
                fail_msg("seed %llu: CPU %u, events of kind %u",
                         (unsigned long long) seed, (unsigned) cpu,
                         (unsigned) kind);
        }
    }
}

struct totals {
    uint64_t misses, shootdowns, ipis, flush_calls, operations;
};

static void watch_seed(enum random_kind kind, uint64_t seed,
                       struct totals *totals)
{
    const struct program_view pieces = {.piece_records = 3};
    struct machine_run plain, ahead, reference;
    struct machine_config config;
    struct random_program random;
    struct seen one, two;

    random_program_init(&random, kind, seed, 40);
    random_machine_init(&config, seed);
    if (seed % 2)
        random_machine_memory(&config, seed);
    run_program(&plain, &config, random.program, NULL);
    run_seen(&one, &ahead, &config, random.program, NULL);
    run_assert_equal(&plain, &ahead);
    config.engine = ENGINE_REFERENCE;
    run_seen(&two, &reference, &config, random.program, &pieces);
    assert_same_events(&one, &two, seed);
    check_seen(&one, &ahead);
    totals->misses += run_stat(&ahead, "llt.misses");
    totals->shootdowns += one.n_shootdowns;
    totals->ipis += one.n_ipis;
    totals->flush_calls += one.n_flush_calls;
    totals->operations += one.n_operations;
    free(one.latencies);
    free(two.latencies);
    run_fini(&plain);
    run_fini(&ahead);
    run_fini(&reference);
    random_program_fini(&random);
}

static void events_add_up_and_change_nothing(void **state)
{
    struct totals totals = {0};

    (void) state;
    for (uint64_t seed = 1; seed <= N_SEEDS; seed++)
        watch_seed(seed % 3 ? RANDOM_STAMPED : RANDOM_FREE, seed, &totals);
    /* or nothing has been asked */
    assert_true(totals.misses > 1000 && totals.shootdowns > 100 &&
                totals.ipis > 100 && totals.flush_calls > 100 &&
                totals.operations > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_add_up_and_change_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
