/* SPDX-License-Identifier: MIT */
/*
 * Random racing programs over every protocol with the checker on: what is said
 * to be repaired has no violation; what a version gets wrong is one of the
 * historical bugs that its row lists. The checker is seen by nobody: other
 * statistics are the same without it, and from both engines. With the argument
 * `long` (or MMUSIM_TEST_LONG set) more programs; MMUSIM_TEST_SEED and
 * MMUSIM_TEST_PROTOCOL: that one alone.
 */
#include "coherence/protocol.h"
#include "support/faulty_protocols.h"
#include "support/known_bugs.h"
#include "support/machine_run.h"
#include "support/racing_program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint32_t n_programs = 2; /* of each protocol and instruction set */

/* ---- machines ---- */

struct subject {
    const struct protocol_ops *protocol;
    enum isa isa;
    uint64_t seed;
    const struct faulty_protocol *fault; /* NULL: none */
};

static void set(mmusim_config_t *config, const char *key, const char *value)
{
    mmusim_diag_t diag = {0};

    if (mmusim_config_set(config, key, value, &diag))
        fail_msg("%s=%s: %s", key, value, diag.text);
}

static void set_number(mmusim_config_t *config, const char *key, uint64_t value)
{
    char text[32];

    snprintf(text, sizeof(text), "%llu", (unsigned long long) value);
    set(config, key, text);
}

/* Machines of other widths are described in files. */
static mmusim_config_t *base_config(enum isa isa)
{
    const char *source = getenv("SOURCE_DIR");
    const char *name = isa == ISA_I386    ? "i486"
                       : isa == ISA_ARMV7 ? "cortex-a15"
                                          : NULL;
    mmusim_config_t *config = NULL;
    mmusim_diag_t diag = {0};
    char folder[512];

    if (!name) {
        assert_int_equal(mmusim_config_create(&config), MMUSIM_OK);
        return config;
    }
    if (!source)
        return NULL;
    snprintf(folder, sizeof(folder), "%s/configs", source);
    if (mmusim_config_load(name, folder, &config, &diag))
        fail_msg("%s", diag.text);
    return config;
}

static void set_isa(mmusim_config_t *config, const struct subject *subject,
                    struct rng *rng)
{
    set(config, "isa", isa_name(subject->isa));
    set(config, "os.protocol", subject->protocol->name);
    if (subject->isa == ISA_ARMV8) {
        set(config, "arm.asid_bits", mmusim__rng_below(rng, 2) ? "8" : "16");
        set(config, "arm.tlbirange",
            mmusim__rng_below(rng, 2) ? "true" : "false");
        set(config, "arm.ttl", mmusim__rng_below(rng, 2) ? "true" : "false");
    }
    if (subject->isa == ISA_RISCV)
        set_number(config, "riscv.asid_bits", 4 * mmusim__rng_below(rng, 4));
    if (subject->protocol->ceiling_rule != CEILING_NONE &&
        subject->protocol->ceiling_rule != CEILING_ALWAYS &&
        mmusim__rng_below(rng, 2))
        set_number(config, "os.flush_ceiling", mmusim__rng_below(rng, 40));
}

/* Every other program of a protocol that has it. */
static void set_isolation(mmusim_config_t *config,
                          const struct subject *subject)
{
    if (subject->isa != ISA_X86_64 || !subject->protocol->uses_pcid ||
        subject->fault || subject->seed % 2 == 0)
        return;
    set(config, "os.pti", "true");
    set(config, "x86.invpcid", subject->seed % 4 == 1 ? "true" : "false");
}

static bool has_wide_tables(const struct subject *subject)
{
    return subject->isa == ISA_X86_64 || subject->isa == ISA_ARMV8;
}

/* Every other program is short of memory. */
static bool has_pressure(const struct subject *subject)
{
    if (subject->fault)
        return subject->fault->needs_pressure;
    return has_wide_tables(subject) && subject->seed % 4 >= 2;
}

/* Two of three programs that are not short of memory (it has no room for a
 * huge page there). */
static bool has_thp(const struct subject *subject)
{
    return has_wide_tables(subject) && !has_pressure(subject) &&
           !subject->fault && subject->seed % 3;
}

static bool has_devices(const struct subject *subject)
{
    return !subject->fault && subject->seed % 5 == 4;
}

/* Three of four programs. */
static bool has_merging(const struct subject *subject)
{
    return !subject->fault && subject->seed % 4 != 3;
}

/* A key in one of `bound` machines. */
static void set_sometimes(mmusim_config_t *config, struct rng *rng,
                          uint32_t bound, const char *key, const char *value)
{
    if (mmusim__rng_below(rng, bound) == 0)
        set(config, key, value);
}

static void set_x86(mmusim_config_t *config, const struct subject *subject,
                    struct rng *rng)
{
    static const char *const modes[] = {"x2apic-cluster", "xapic", "shorthand"};

    set(config, "ipi.mode", modes[mmusim__rng_below(rng, 3)]);
    set_sometimes(config, rng, 4, "os.pcid", "false");
    set_sometimes(config, rng, 3, "os.batched_unmap", "false");
    if (subject->isa != ISA_X86_64)
        return;
    if (strncmp(subject->protocol->name, "linux-7.1", 9) == 0)
        set_sometimes(config, rng, 2, "fabric", "invlpgb");
    set_number(config, "os.global_asid_samples_log2",
               mmusim__rng_below(rng, 3));
}

/* What else may be otherwise from machine to machine. */
static void set_variety(mmusim_config_t *config, const struct subject *subject)
{
    static const char *const prefetchers[] = {"none", "next-page", "stride",
                                              "distance"};
    struct rng rng;

    mmusim__rng_init(&rng, subject->seed, 11);
    if (ISAS_X86 >> subject->isa & 1)
        set_x86(config, subject, &rng);
    if (subject->isa == ISA_ARMV8)
        set_sometimes(config, &rng, 3, "os.pti", "true");
    if (has_wide_tables(subject))
        set(config, "prefetch.policy", prefetchers[mmusim__rng_below(&rng, 4)]);
    set_sometimes(config, &rng, 4, "topology.threads_per_core", "2");
    set_sometimes(config, &rng, 3, "os.gather_alloc_failures", "200000");
    set_sometimes(config, &rng, 3, "os.fault_around_pages", "8");
    set_sometimes(config, &rng, 3, "os.readahead_pages", "4");
    set(config, "topology.sockets", has_devices(subject) ? "1" : "2");
    set_sometimes(config, &rng, 2, "os.numa_balancing", "true");
    set_number(config, "os.numa_scan_period_cycles",
               10000 + mmusim__rng_below(&rng, 100000));
    if (has_thp(subject))
        set(config, "os.thp", "always");
    if (has_devices(subject))
        set(config, "iommu.devices", "1");
}

/* Few different contents, and ksmd always at it. */
static void set_merging(mmusim_config_t *config, const struct subject *subject)
{
    struct rng rng;

    mmusim__rng_init(&rng, subject->seed, 13);
    set(config, "os.ksm.run", "true");
    set_number(config, "os.ksm.duplicate_ppm",
               1000000 - 200000 * mmusim__rng_below(&rng, 2));
    set_number(config, "os.ksm.classes", mmusim__rng_below(&rng, 4));
    set_number(config, "os.ksm.volatile_ppm",
               100000 * mmusim__rng_below(&rng, 2));
    set_number(config, "os.ksm.sleep_cycles",
               1 + mmusim__rng_below(&rng, 20000));
    set_number(config, "os.ksm.pages_to_scan", 1 + mmusim__rng_below(&rng, 40));
    set_sometimes(config, &rng, 3, "os.ksm.max_page_sharing", "2");
}

static mmusim_config_t *make_config(const struct subject *subject)
{
    mmusim_config_t *config = base_config(subject->isa);
    struct rng rng;

    if (!config)
        return NULL;
    mmusim__rng_init(&rng, subject->seed, 9);
    set_isa(config, subject, &rng);
    set_isolation(config, subject);
    set_number(config, "topology.cores_per_socket",
               2 + mmusim__rng_below(&rng, 3));
    set_number(config, "seed", subject->seed);
    set_number(config, "core.window", 32 * mmusim__rng_below(&rng, 2));
    set_number(config, "os.timeslice_ns", 1000 + mmusim__rng_below(&rng, 4000));
    set_number(config, "speculation.fills_per_million",
               20000 * mmusim__rng_below(&rng, 3));
    if (has_pressure(subject)) {
        set(config, "os.memory", "2M");
        set(config, "os.swap", "16M");
    }
    if (!subject->fault)
        set_variety(config, subject);
    if (has_merging(subject))
        set_merging(config, subject);
    set(config, "checker.enabled", "true");
    return config;
}

enum { ENDLESS_CYCLES = 1000000000 };

static int stop_if_endless(void *context, const mmusim_progress_t *progress)
{
    (void) context;
    return progress->cycles > ENDLESS_CYCLES;
}

/* Whatever a protocol gets wrong, it ends. */
static void run_config_of(struct machine_run *run, mmusim_config_t *config,
                          const struct program *program)
{
    mmusim_diag_t diag = {0};

    memset(run, 0, sizeof(*run));
    if (mmusim_machine_create(config, &run->machine, &diag))
        fail_msg("%s", diag.text);
    mmusim_machine_on_progress(run->machine, stop_if_endless, NULL);
    run_start(run, program, NULL);
    if (run->status == MMUSIM_INTERRUPTED)
        fail_msg("%s, seed %llu: goes on for ever",
                 run->machine->system.protocol->name,
                 (unsigned long long) run->machine->config.seed);
    if (run->status)
        fail_msg("%s", run->diag.text);
    run_assert_laws(run);
}

/* ---- one program ---- */

/* Of all programs on one protocol. */
struct tally {
    uint64_t n_records, n_uses, n_programs;
    uint64_t n_shootdowns, n_broadcasts;
    uint64_t n_merged; /* pages */
    uint64_t verdicts[CHECKER_VERDICT_COUNT];
    uint64_t n_spoilt; /* programs with violations */
    uint64_t
        bugs[KNOWN_BUGS_MAX]; /* of these, where repairing it alone helps */
};

static void check_verdicts(const struct subject *subject,
                           const struct machine_run *run, struct tally *tally)
{
    const struct checker *checker = run->machine->system.check->checker;
    uint32_t allowed = known_bugs_explain(subject->protocol);

    for (uint32_t i = CHECKER_ALLOWED; i < CHECKER_VERDICT_COUNT; i++) {
        uint64_t n = mmusim__checker_count(checker, (enum checker_verdict) i);

        tally->verdicts[i] += n;
        if (!n || i < CHECKER_FIRST_VIOLATION || allowed >> i & 1)
            continue;
        fail_msg("%s on %s, seed %llu: %s, which no bug of its list explains\n"
                 "%s",
                 subject->protocol->name, isa_name(subject->isa),
                 (unsigned long long) subject->seed,
                 mmusim__checker_verdict_name((enum checker_verdict) i),
                 mmusim__checker_report(checker, 0)->text);
    }
}

/* But for the checker's own, the statistics are those of `other`. */
static void check_unseen(const struct machine_run *checked,
                         const struct machine_run *other)
{
    mmusim_stat_t left, right;

    for (size_t i = 0; mmusim_stats_at(checked->stats, i, &left); i++) {
        if (!strncmp(left.name, "checker.", 8))
            continue;
        assert_true(mmusim_stats_find(other->stats, left.name, &right));
        if (left.value != right.value)
            fail_msg("%s: %llu with the checker, %llu without", left.name,
                     (unsigned long long) left.value,
                     (unsigned long long) right.value);
    }
}

static struct racing_limits limits_of(const struct subject *subject)
{
    return (struct racing_limits){
        .n_threads = 2 + (uint32_t) (subject->seed % 4),
        .n_steps = subject->fault ? 60 : 20,
        .has_large = has_wide_tables(subject) && !has_pressure(subject),
        .has_pressure = has_pressure(subject),
        .has_moves = !subject->fault,
        .has_devices = has_devices(subject),
        .has_thp = has_thp(subject),
        .has_merging = has_merging(subject),
    };
}

/* ---- whose work is it? ---- */

/* Does a verdict go away with one bug? Others of the program may stay. */
static bool is_work_of(const struct subject *subject,
                       const struct program *program,
                       const struct known_bug *bug,
                       enum checker_verdict verdict)
{
    mmusim_config_t *config = make_config(subject);
    struct repaired_protocol repaired;
    struct machine_run run = {0};
    mmusim_diag_t diag = {0};
    bool is_gone;

    known_bug_repair(bug, subject->protocol, &repaired);
    set(config, "os.protocol", repaired.base->name);
    if (mmusim_machine_create(config, &run.machine, &diag))
        fail_msg("%s", diag.text);
    repaired_install(&repaired, run.machine);
    mmusim_machine_on_progress(run.machine, stop_if_endless, NULL);
    run_start(&run, program, NULL);
    is_gone = !run.status && !mmusim__checker_count(
                                 run.machine->system.check->checker, verdict);
    run_fini(&run);
    mmusim_config_destroy(config);
    return is_gone;
}

/* The listed bugs without which a verdict does not come up; at least one, or
 * the test fails. */
static void name_bugs(const struct subject *subject,
                      const struct program *program,
                      enum checker_verdict verdict, struct tally *tally)
{
    const struct known_bug *bug;
    bool is_named = false;

    for (size_t i = 0; (bug = known_bug_at(i)); i++) {
        if (!known_bug_is_of(bug, subject->protocol) ||
            !(bug->verdicts >> verdict & 1) ||
            !is_work_of(subject, program, bug, verdict))
            continue;
        tally->bugs[i]++;
        is_named = true;
    }
    if (!is_named)
        fail_msg("%s on %s, seed %llu: %s stays without any one of its bugs",
                 subject->protocol->name, isa_name(subject->isa),
                 (unsigned long long) subject->seed,
                 mmusim__checker_verdict_name(verdict));
}

static void name_all_bugs(const struct subject *subject,
                          const struct program *program,
                          const struct machine_run *run, struct tally *tally)
{
    const struct checker *checker = run->machine->system.check->checker;

    if (!mmusim__checker_violations(checker))
        return;
    tally->n_spoilt++;
    for (uint32_t i = CHECKER_FIRST_VIOLATION; i < CHECKER_VERDICT_COUNT; i++) {
        if (mmusim__checker_count(checker, (enum checker_verdict) i))
            name_bugs(subject, program, (enum checker_verdict) i, tally);
    }
}

static void run_subject(const struct subject *subject, struct tally *tally)
{
    const struct racing_limits limits = limits_of(subject);
    struct program *program = racing_program(&limits, subject->seed);
    mmusim_config_t *config = make_config(subject);
    struct machine_run run, other;

    if (!config) { /* no SOURCE_DIR */
        program_destroy(program);
        return;
    }
    run_config_of(&run, config, program);
    check_verdicts(subject, &run, tally);
    name_all_bugs(subject, program, &run, tally);
    if (subject->seed % 2) {
        set(config, "checker.enabled", "false");
        run_config_of(&other, config, program);
        check_unseen(&run, &other);
    } else {
        set(config, "engine", "reference");
        run_config_of(&other, config, program);
        run_assert_equal(&run, &other);
    }
    tally->n_programs++;
    tally->n_records += program_records(program);
    tally->n_uses += run_stat(&run, "checker.uses");
    tally->n_shootdowns += run_stat(&run, "shootdown.count");
    tally->n_broadcasts += run_stat(&run, "shootdown.broadcasts");
    if (has_merging(subject))
        tally->n_merged += run_stat(&run, "ksm.merged");
    run_fini(&run);
    run_fini(&other);
    mmusim_config_destroy(config);
    program_destroy(program);
}

/* ---- all of them ---- */

static void print_tally(const struct protocol_ops *protocol,
                        const struct tally *tally)
{
    const struct known_bug *bug;

    print_message("%-24s %llu programs, %llu records, %llu uses, "
                  "%llu shootdowns, %llu broadcasts, %llu merged",
                  protocol->name, (unsigned long long) tally->n_programs,
                  (unsigned long long) tally->n_records,
                  (unsigned long long) tally->n_uses,
                  (unsigned long long) tally->n_shootdowns,
                  (unsigned long long) tally->n_broadcasts,
                  (unsigned long long) tally->n_merged);
    for (uint32_t i = CHECKER_ALLOWED; i < CHECKER_VERDICT_COUNT; i++) {
        if (tally->verdicts[i])
            print_message(
                ", %s %llu",
                mmusim__checker_verdict_name((enum checker_verdict) i),
                (unsigned long long) tally->verdicts[i]);
    }
    if (tally->n_spoilt)
        print_message("; %llu programs,", (unsigned long long) tally->n_spoilt);
    for (size_t i = 0; (bug = known_bug_at(i)); i++) {
        if (tally->bugs[i])
            print_message(" %s %llu", bug->name,
                          (unsigned long long) tally->bugs[i]);
    }
    print_message("\n");
}

/* Protocols of x86 differ little from one width to the other. */
static uint32_t programs_on(enum isa isa)
{
    return isa == ISA_I386 ? (n_programs + 3) / 4 : n_programs;
}

static void run_protocol(const struct protocol_ops *protocol)
{
    const char *seed = getenv("MMUSIM_TEST_SEED");
    struct tally tally = {0};

    for (uint32_t isa = 0; isa < ISA_COUNT; isa++) {
        struct subject subject = {protocol, (enum isa) isa, 1, NULL};

        if (!(protocol->isas >> isa & 1))
            continue;
        for (; subject.seed <= programs_on(subject.isa); subject.seed++) {
            if (seed)
                subject.seed = strtoull(seed, NULL, 0);
            run_subject(&subject, &tally);
            if (seed)
                break;
        }
    }
    print_tally(protocol, &tally);
    if (!seed)
        assert_true(tally.n_merged > 0 || !tally.n_programs);
}

static void violations_are_those_that_the_protocol_lists(void **state)
{
    const char *only = getenv("MMUSIM_TEST_PROTOCOL");
    const char *name;

    (void) state;
    for (size_t i = 0; (name = mmusim__protocol_name_at(i)); i++) {
        if (!only || !strcmp(name, only))
            run_protocol(mmusim__protocol_find(name));
    }
}

/* Programs that have found something once. */
static void regress_programs_stay_repaired(void **state)
{
    static const struct {
        const char *protocol;
        enum isa isa;
        uint64_t seed;
    } found[] = {
        /* the flusher wrote a page that a reclaimer had not flushed yet */
        {"linux-6.14-fixed", ISA_I386, 23},
        /* two hits of the cycle of another CPU's write */
        {"i386-cr3", ISA_X86_64, 34},
    };

    (void) state;
    for (size_t i = 0; i < sizeof(found) / sizeof(*found); i++) {
        const struct subject subject = {
            mmusim__protocol_find(found[i].protocol), found[i].isa,
            found[i].seed, NULL};
        struct tally tally = {0};

        run_subject(&subject, &tally);
    }
}

/* ---- mistakes that are made on purpose ---- */

/* How many violations one program sees. */
static uint64_t run_fault(const struct subject *subject,
                          const struct protocol_ops *spoilt)
{
    const struct racing_limits limits = limits_of(subject);
    struct program *program = racing_program(&limits, subject->seed);
    mmusim_config_t *config = make_config(subject);
    struct machine_run run = {0};
    mmusim_diag_t diag = {0};
    uint64_t n_violations;

    if (subject->isa == ISA_RISCV)
        set(config, "riscv.asid_bits", "12");
    if (mmusim_machine_create(config, &run.machine, &diag))
        fail_msg("%s", diag.text);
    run.machine->system.protocol = spoilt;
    run_start(&run, program, NULL);
    assert_int_equal(run.status, MMUSIM_OK);
    n_violations = mmusim_machine_violations(run.machine);
    run_fini(&run);
    mmusim_config_destroy(config);
    program_destroy(program);
    return n_violations;
}

enum { FAULT_PROGRAMS = 12 };

static void every_seeded_fault_is_found(void **state)
{
    const struct faulty_protocol *fault;

    (void) state;
    for (size_t i = 0; (fault = faulty_protocol_at(i)); i++) {
        struct subject subject = {mmusim__protocol_find(fault->base),
                                  fault->isa, fault->first_seed, fault};
        struct protocol_ops spoilt = *subject.protocol;
        uint64_t n_found = 0;

        fault->spoil(&spoilt);
        for (; !n_found && subject.seed < fault->first_seed + FAULT_PROGRAMS;
             subject.seed++)
            n_found = run_fault(&subject, &spoilt);
        print_message("%-28s program %llu: %llu violations\n", fault->name,
                      (unsigned long long) subject.seed - 1,
                      (unsigned long long) n_found);
        if (!n_found)
            fail_msg("%s: not found", fault->name);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(violations_are_those_that_the_protocol_lists),
        cmocka_unit_test(regress_programs_stay_repaired),
        cmocka_unit_test(every_seeded_fault_is_found),
    };

    if (argc > 1 && !strcmp(argv[1], "long"))
        n_programs = argc > 2 ? (uint32_t) strtoul(argv[2], NULL, 0) : 100;
    else if (getenv("MMUSIM_TEST_LONG"))
        n_programs = 40;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
