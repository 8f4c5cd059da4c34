/* SPDX-License-Identifier: MIT */
/*
 * Threads of a core that share TLBs, and cores that share a last level, on
 * programs that live off them: many hits, now and then an operation that
 * flushes. Both engines give the same statistics, every run the laws; each
 * case says which arrays are shared.
 */
#include "core/rng.h"
#include "support/machine_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { BASE = 0x10000000, N_ACCESSES = 4000, N_SEEDS = 10 };

struct shape {
    uint32_t n_cores, n_threads;
    enum tlb_smt l1, l2;
    bool has_l3;
    bool has_cnp; /* on an Armv8 machine */
};

static void small_array(struct machine_config *config, enum tlb_level level,
                        uint32_t n_entries, uint32_t n_ways)
{
    struct tlb_array_config *array = &config->tlb[level].arrays[0];

    config->tlb[level].n_arrays = 1;
    array->n_entries = n_entries;
    array->n_ways = n_ways;
}

static void build(struct machine_config *config, const struct shape *shape,
                  struct rng *rng)
{
    static const char *const policies[] = {"lru", "plru", "random", "fifo"};

    run_config(config, shape->n_cores);
    config->threads_per_core = shape->n_threads;
    if (shape->has_cnp) {
        config->isa = ISA_ARMV8;
        strcpy(config->os.protocol, "linux-arm64-6.8");
        strcpy(config->fabric, "dvm");
        config->tlb_sharing.has_cnp = true;
        mmusim__machine_config_finish(config);
    }
    config->core.window = 16 * mmusim__rng_below(rng, 3);
    small_array(config, TLB_L1D, 16, 4);
    small_array(config, TLB_L1I, 8, 8);
    small_array(config, TLB_L2, 64, 4);
    config->tlb[TLB_L1D].arrays[0].smt = shape->l1;
    config->tlb[TLB_L1I].arrays[0].smt = shape->l1;
    config->tlb[TLB_L2].arrays[0].smt = shape->l2;
    strcpy(config->tlb[TLB_L1D].arrays[0].replacement,
           policies[mmusim__rng_below(rng, 4)]);
    config->tlb[TLB_L2].arrays[0].hit_cycles = mmusim__rng_below(rng, 9);
    strcpy(config->tlb_fill.l2,
           mmusim__fill_at(mmusim__rng_below(rng, 4))->name);
    strcpy(config->tlb_fill.l3,
           mmusim__fill_at(mmusim__rng_below(rng, 4))->name);
    strcpy(config->prefetch.policy,
           mmusim__prefetch_at(mmusim__rng_below(rng, 4))->name);
    for (uint32_t level = 0; level <= TLB_L2; level++) {
        config->tlb_limits[level].n_ports = mmusim__rng_below(rng, 3);
        config->tlb_limits[level].n_mshrs = mmusim__rng_below(rng, 3);
    }
    config->speculation.fills_per_million = mmusim__rng_below(rng, 2) * 20000;
    if (!shape->has_l3)
        return;
    small_array(config, TLB_L3, 64, 4);
    config->tlb[TLB_L3].arrays[0].hit_cycles = mmusim__rng_below(rng, 60);
}

/* Pages a thread likes: those near the start more than others. */
static uint32_t draw_page(struct rng *rng)
{
    return mmusim__rng_below(rng, 4) ? mmusim__rng_below(rng, 9)
                                     : mmusim__rng_below(rng, 90);
}

static void say_access(struct program *program, uint32_t tid, struct rng *rng)
{
    uint64_t vaddr = BASE + (uint64_t) draw_page(rng) * BASE_PAGE_BYTES;

    if (!mmusim__rng_below(rng, 300))
        program_say(program, "%u madvise 0x%llx 0x2000 dontneed\n", tid,
                    (unsigned long long) vaddr);
    program_say(program, "%u %c 0x%llx\n%u n %u\n", tid,
                "rrwi"[mmusim__rng_below(rng, 4)], (unsigned long long) vaddr,
                tid, 1 + mmusim__rng_below(rng, 7));
}

static struct program *make_program(uint32_t n_threads, struct rng *rng)
{
    struct program *program = program_create();

    program_say(program, "1 mmap 0x%x 0x100000 rwx\n", BASE);
    for (uint32_t tid = 2; tid <= n_threads; tid++)
        program_say(program, "1 clone %u\n", tid);
    for (uint32_t i = 0; i < N_ACCESSES; i++)
        say_access(program, 1 + mmusim__rng_below(rng, n_threads), rng);
    return program;
}

static void run_shape(const struct shape *shape)
{
    for (uint64_t seed = 1; seed <= N_SEEDS; seed++) {
        struct machine_config config;
        struct machine_run fast, slow;
        struct program *program;
        struct rng rng;

        mmusim__rng_init(&rng, seed, 1);
        build(&config, shape, &rng);
        program = make_program(shape->n_cores * shape->n_threads, &rng);
        run_well(&fast, &config, program);
        config.engine = ENGINE_REFERENCE;
        run_well(&slow, &config, program);
        run_assert_equal(&fast, &slow);
        run_fini(&fast);
        run_fini(&slow);
        program_destroy(program);
    }
}

static void threads_that_share_all(void **state)
{
    const struct shape shape = {2,     2,    TLB_SMT_SHARED, TLB_SMT_SHARED,
                                false, false};

    (void) state;
    run_shape(&shape);
}

static void four_threads_that_share_a_first_level(void **state)
{
    const struct shape shape = {1,     4,    TLB_SMT_SHARED, TLB_SMT_PRIVATE,
                                false, false};

    (void) state;
    run_shape(&shape);
}

static void threads_that_share_a_second_level(void **state)
{
    const struct shape shape = {
        1, 2, TLB_SMT_PARTITIONED, TLB_SMT_SHARED, false, false};

    (void) state;
    run_shape(&shape);
}

static void cores_that_share_a_last_level(void **state)
{
    const struct shape shape = {4,    1,    TLB_SMT_PRIVATE, TLB_SMT_PRIVATE,
                                true, false};

    (void) state;
    run_shape(&shape);
}

static void threads_and_cores_that_share_entries_too(void **state)
{
    const struct shape shape = {2,    2,   TLB_SMT_SHARED, TLB_SMT_SHARED,
                                true, true};

    (void) state;
    run_shape(&shape);
}

static void threads_and_cores_that_share_everything(void **state)
{
    const struct shape shape = {2,    2,    TLB_SMT_SHARED, TLB_SMT_SHARED,
                                true, false};

    (void) state;
    run_shape(&shape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_that_share_all),
        cmocka_unit_test(four_threads_that_share_a_first_level),
        cmocka_unit_test(threads_that_share_a_second_level),
        cmocka_unit_test(cores_that_share_a_last_level),
        cmocka_unit_test(threads_and_cores_that_share_everything),
        cmocka_unit_test(threads_and_cores_that_share_entries_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
