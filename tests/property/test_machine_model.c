/* SPDX-License-Identifier: MIT */
/*
 * Random programs on random machines, against the naive model: page tables,
 * frames and rights page by page, faults by kind, no translation that outlives
 * its flush, the same statistics from both engines. With the argument `long`
 * (or MMUSIM_TEST_LONG set): more than a million records.
 */
#include "model/x86_walk_model.h"
#include "os/huge_page.h"
#include "os/khugepaged.h"
#include "support/machine_run.h"
#include "support/naive_walk.h"
#include "support/random_machine.h"
#include "support/random_program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint32_t n_short = 12; /* programs of each kind */
static bool is_wide;
static uint64_t n_huge, n_splits, n_collapses, n_moved,
    n_hints; /* of the runs of this test */

enum { LOOSE_FRAMES = 1 << 17 }; /* 512 MiB */

/* What the hook of a run knows. */
struct watch {
    const struct random_program *random;
    struct machine_run *run;
    uint64_t seed;
    uint32_t next_checkpoint[RANDOM_MAX_THREADS];
    uint64_t n_calls;
    uint32_t n_compared;
    uint64_t *pfns; /* by the model's frame; 0: not seen */
    bool is_loose;
    uint32_t *owners; /* loose: by frame, the model's; of one comparison */
};

/* The naive walk of the machine's format, in the terms of x86's. */
static struct x86_walk walk_of(const struct watch *watch, pfn_t root,
                               uint64_t vaddr)
{
    const struct mmusim_machine *machine = watch->run->machine;
    const struct kernel *kernel = &machine->kernel;
    struct pt_options options = mmusim__machine_config_format(&machine->config);
    struct walk_model walk;

    if (machine->config.isa == ISA_X86_64)
        return x86_model_walk(kernel->tables, root.v << 12,
                              kernel->format->n_levels, vaddr);
    walk = walk_naively(&options, kernel->tables, root.v << 12, vaddr);
    assert_int_not_equal(walk.outcome, WALK_MODEL_BAD);
    return (struct x86_walk){
        .outcome = walk.outcome == WALK_MODEL_MAPPED ? X86_WALK_MAPPED
                                                     : X86_WALK_ABSENT,
        .paddr = walk.paddr,
        .is_user = walk.is_user || walk.can_user_run,
        .can_write = walk.can_write || walk.is_clean,
        .can_execute = walk.can_user_run,
        /* Without a right to write, these formats have no dirty state. */
        .is_dirty = !walk.is_clean,
    };
}

/* ---- page tables equal the model ---- */

/* Is the page in the place that khugepaged is at work on? From the flush to the
 * copy's entry nothing is mapped there; who touches it waits for mmap_lock. */
static bool is_collapsing(const struct kernel *kernel, const struct mm *mm,
                          uint64_t vaddr)
{
    const struct khugepaged *self = kernel->khugepaged;

    return self && self->daemon.thread.state != THREAD_SLEEPING &&
           self->mm_id == mm->space.id && mm->mmap_lock.has_writer &&
           align_down(vaddr, thp_bytes(kernel)) + thp_bytes(kernel) ==
               self->cursor;
}

/* With pages that the kernel makes larger, copies and moves on its own account
 * the model knows of each page that it is there, what may be done to it, and
 * that nothing else lies in its frame. */
static void compare_loosely(struct watch *watch, const struct model_page *page,
                            const struct x86_walk *walk, uint32_t index,
                            bool may_be_away)
{
    bool is_mapped = walk->outcome == X86_WALK_MAPPED;
    uint32_t *owner = NULL;

    if ((page->has_entry && page->prot && !is_mapped && !may_be_away) ||
        (is_mapped && !(page->is_mapped && page->prot)))
        fail_msg("seed %llu: page %u: entry expected: %d",
                 (unsigned long long) watch->seed, index, page->has_entry);
    if (!is_mapped)
        return;
    assert_true(walk->is_user);
    assert_true(!walk->can_write || (page->prot & SYS_PROT_WRITE));
    assert_int_equal(walk->can_execute, !!(page->prot & SYS_PROT_EXEC));
    if (!page->has_entry)
        return;
    if (page->can_write)
        assert_true(walk->can_write);
    if (!page->frame)
        return;
    assert_true(walk->paddr >> 12 < LOOSE_FRAMES);
    owner = &watch->owners[walk->paddr >> 12];
    if (*owner && *owner != page->frame)
        fail_msg("seed %llu: page %u: its frame is another's",
                 (unsigned long long) watch->seed, index);
    *owner = page->frame;
}

static void compare_page(struct watch *watch, const struct mm *mm,
                         const struct model_page *page, uint32_t index)
{
    const struct kernel *kernel = &watch->run->machine->kernel;
    uint64_t vaddr = model_vaddr(index, watch->random->page_shift);
    struct x86_walk walk = walk_of(watch, mm->space.root, vaddr);
    bool is_visible = page->has_entry && page->prot;
    uint64_t *pfn = &watch->pfns[page->frame];

    if (watch->is_loose) {
        compare_loosely(watch, page, &walk, index,
                        watch->run->machine->config.os.has_numa_balancing ||
                            is_collapsing(kernel, mm, vaddr));
        return;
    }

    if (walk.outcome != (is_visible ? X86_WALK_MAPPED : X86_WALK_ABSENT))
        fail_msg("seed %llu: page %u: entry expected: %d",
                 (unsigned long long) watch->seed, index, is_visible);
    if (!is_visible)
        return;
    assert_true(walk.is_user);
    assert_int_equal(walk.can_write, page->can_write);
    assert_int_equal(walk.can_execute, !!(page->prot & SYS_PROT_EXEC));
    if (!*pfn)
        *pfn = walk.paddr >> 12;
    if (*pfn != walk.paddr >> 12)
        fail_msg("seed %llu: page %u: another frame",
                 (unsigned long long) watch->seed, index);
    if (!page->frame)
        assert_int_equal(*pfn, kernel->zero_page.v);
}

static void compare(struct watch *watch, const struct checkpoint *check)
{
    const struct kernel *kernel = &watch->run->machine->kernel;

    watch->n_compared++;
    if (watch->is_loose)
        memset(watch->owners, 0, LOOSE_FRAMES * sizeof(*watch->owners));
    for (uint32_t i = 0; i < check->n_mms; i++) {
        const struct mm *mm = kernel->threads[check->owners[i]].mm;

        assert_non_null(mm);
        assert_true(mmusim__vm_set_is_valid(mm->areas));
        for (uint32_t p = check->first; p < check->end; p++)
            compare_page(watch, mm, &check->mms[i]->pages[p], p);
    }
}

/* ---- no translation outlives its flush ---- */

/* What the kernel calls a frame, which a guest's TLB knows by the host's. */
static uint64_t frame_of(const struct watch *watch, pfn_t pfn)
{
    const struct nested *nested = watch->run->machine->shared.nested;

    return nested ? mmusim__nested_gpaddr(nested, pfn_paddr(pfn)) >> 12 : pfn.v;
}

/* An entry of another address space, or of the core's other thread. */
static bool is_anothers(const struct cpu *cpu, const struct tlb_array *array,
                        uint32_t slot)
{
    return tlb_key_tag(array->keys[slot]) != (uint16_t) cpu->mmu.tags;
}

static void check_page(const struct watch *watch, const struct cpu *cpu,
                       uint64_t vaddr, tlb_data_t data)
{
    uint32_t rights = (uint32_t) data & (TLB_READ | TLB_WRITE | TLB_EXEC);
    struct x86_walk walk = walk_of(watch, cpu->loaded->root, vaddr);

    if (walk.outcome != X86_WALK_MAPPED ||
        walk.paddr >> 12 != frame_of(watch, tlb_data_pfn(data)) ||
        ((rights & TLB_WRITE) && !walk.can_write) ||
        ((rights & TLB_EXEC) && !walk.can_execute) ||
        ((data & TLB_DIRTY) && !walk.is_dirty))
        fail_msg("seed %llu: CPU %u has a stale translation of %#llx",
                 (unsigned long long) watch->seed, cpu->id,
                 (unsigned long long) vaddr);
}

/* Each page of a run. */
static void check_entry(const struct watch *watch, const struct cpu *cpu,
                        const struct tlb_array *array, uint32_t slot)
{
    uint64_t vaddr = tlb_key_vpn(array->keys[slot]) << 12;
    uint32_t order = tlb_key_order(array->keys[slot]);
    uint64_t n_pages = order < 9 ? 1U << order : 1;

    if (tlb_key_is_global(array->keys[slot]) || is_anothers(cpu, array, slot))
        return;
    for (uint64_t i = 0; i < n_pages; i++)
        check_page(watch, cpu, vaddr + (i << 12),
                   array->data[slot] + (i << 12));
}

static void check_array(const struct watch *watch, const struct cpu *cpu,
                        const struct tlb_array *array)
{
    uint32_t n_slots = (array->set_mask + 1) * array->n_ways;

    assert_true(mmusim__tlb_array_is_valid(array));
    for (uint32_t slot = 0; slot < n_slots; slot++) {
        if (array->keys[slot] && !tlb_key_is_table(array->keys[slot]))
            check_entry(watch, cpu, array, slot);
    }
}

static void check_group(const struct watch *watch, const struct cpu *cpu,
                        const struct tlb_group *group)
{
    for (uint32_t i = 0; i < group->n_arrays; i++)
        check_array(watch, cpu, group->arrays[i]);
}

/* A cached table pointer names a table that is still linked there; this holds
 * on lazy CPUs, too. */
static void check_pointer(const struct watch *watch, const struct cpu *cpu,
                          const struct tlb_array *array, uint32_t slot)
{
    const struct kernel *kernel = &watch->run->machine->kernel;
    pfn_t pfn = {frame_of(watch, tlb_data_pfn(array->data[slot]))};
    const struct pt_info *table = mmusim__pt_table(kernel->tables, pfn);
    uint32_t order = tlb_key_order(array->keys[slot]);

    if (!table || pt_span_order(kernel->format, table->level) != order)
        fail_msg("seed %llu: CPU %u walks through a freed table",
                 (unsigned long long) watch->seed, cpu->id);
}

static void check_psc(const struct watch *watch, const struct cpu *cpu)
{
    const struct psc *psc = &cpu->mmu.psc;

    for (uint32_t level = 0; level < psc->n_levels; level++) {
        const struct tlb_array *array = psc->at[level];
        bool is_own = array >= psc->own && array < psc->own + psc->n_own;

        for (uint32_t slot = 0;
             array && slot < (array->set_mask + 1) * array->n_ways; slot++) {
            uint64_t key = array->keys[slot];

            /* Of another PCID: cleaned before it is used again. */
            if (key && !is_anothers(cpu, array, slot) &&
                (is_own || tlb_key_is_table(key)))
                check_pointer(watch, cpu, array, slot);
        }
    }
}

/* Nobody is between an edit of this address space and the end of its flush. */
static bool mm_is_quiet(const struct address_space *space)
{
    const struct mm *mm = (const struct mm *) space;

    return klock_is_idle(&mm->mmap_lock) && !mm->is_dead && mm->n_threads;
}

static void check_translations(const struct watch *watch)
{
    const struct mmusim_machine *machine = watch->run->machine;

    for (uint32_t i = 0; i < machine->system.n_cpus; i++) {
        const struct cpu *cpu = &machine->system.cpus[i];

        if (cpu->loaded == machine->system.init_mm || !mm_is_quiet(cpu->loaded))
            continue;
        if (cpu->vcpu.has_flush)
            continue; /* it does not run, and flushes before it does */
        check_psc(watch, cpu);
        if (cpu->mmu.prefetcher.ops && cpu->tlb_state == TLB_STATE_OK)
            check_array(watch, cpu, &cpu->mmu.prefetcher.buffer);
        if (cpu->tlb_state != TLB_STATE_OK)
            continue;
        for (uint32_t level = 0; level < TLB_LEVEL_COUNT; level++)
            check_group(watch, cpu, &cpu->mmu.tlb[level]);
    }
}

static void on_next(void *context, uint32_t thread_index, uint64_t record)
{
    struct watch *watch = context;
    const struct random_program *random = watch->random;

    if (++watch->n_calls % 5 == 0)
        check_translations(watch);
    for (uint32_t i = watch->next_checkpoint[thread_index];
         i < random->n_checkpoints; i++) {
        const struct checkpoint *check = &random->checkpoints[i];

        if (check->thread_index != thread_index)
            continue;
        if (check->record > record)
            break;
        watch->next_checkpoint[thread_index] = i + 1;
        if (check->record == record)
            compare(watch, check);
    }
}

static void check_counts(const struct machine_run *run,
                         const struct random_program *random, bool is_in_order)
{
    const struct model_counts *counts = &random->model.counts;

    assert_int_equal(run_stat(run, "faults.invalid"), counts->invalid);
    assert_int_equal(run_stat(run, "sim.implicit_pages"),
                     counts->implicit_pages);
    assert_int_equal(run_stat(run, "sim.order_broken"), 0);
    if (!is_in_order || run->machine->config.os.thp)
        return; /* a load and a store of one window may swap their faults */
    assert_int_equal(run_stat(run, "faults.minor"), counts->minor);
    assert_int_equal(run_stat(run, "faults.cow"), counts->cow);
    assert_int_equal(run_stat(run, "faults.protection"), counts->protection);
}

static void run_watched(struct machine_run *run,
                        const struct machine_config *config,
                        const struct random_program *random, uint64_t seed)
{
    struct watch watch = {.random = random, .run = run, .seed = seed};
    const struct program_view view = {1, on_next, &watch};

    watch.pfns = calloc(random->model.n_frames + 1, sizeof(*watch.pfns));
    watch.owners = calloc(LOOSE_FRAMES, sizeof(*watch.owners));
    watch.is_loose = config->os.thp;
    assert_true(watch.pfns && watch.owners);
    run_build(run, config);
    run_start(run, random->program, &view);
    if (run->status)
        fail_msg("seed %llu: %s", (unsigned long long) seed, run->diag.text);
    assert_int_equal(watch.n_compared, random->n_checkpoints);
    free(watch.pfns);
    free(watch.owners);
}

static void run_one(enum random_kind kind, uint64_t seed, uint32_t n_rounds,
                    uint64_t *n_records)
{
    struct random_program random;
    struct machine_config config;
    struct machine_run run, plain, reference;

    random_program_init_wide(&random, kind, seed, n_rounds, is_wide ? 17 : 12);
    random_machine_init(&config, seed);
    if (is_wide)
        random_machine_memory(&config, seed);
    run_watched(&run, &config, &random, seed);
    run_assert_laws(&run);
    if (mmusim_machine_violations(run.machine))
        fail_msg("seed %llu, %s: %s", (unsigned long long) seed,
                 run.machine->system.protocol->name,
                 mmusim__checker_report(run.machine->system.check->checker, 0)
                     ->text);
    check_counts(&run, &random, !config.core.window);
    run_well(&plain, &config, random.program);
    run_assert_equal(&run, &plain);
    config.engine = ENGINE_REFERENCE;
    run_well(&reference, &config, random.program);
    run_assert_equal(&run, &reference);
    *n_records += program_records(random.program);
    n_huge += run_stat(&run, "vmstat.thp_fault_alloc");
    n_splits += run_stat(&run, "vmstat.thp_split_pmd");
    n_collapses += run_stat(&run, "vmstat.thp_collapse_alloc");
    n_moved += run_stat(&run, "vmstat.pgmigrate_success");
    n_hints += run_stat(&run, "vmstat.numa_hint_faults");
    run_fini(&run);
    run_fini(&plain);
    run_fini(&reference);
    random_program_fini(&random);
}

static void run_all(enum random_kind kind, uint32_t n_rounds)
{
    uint64_t n_records = 0;

    for (uint64_t seed = 1; seed <= n_short; seed++) {
        if (getenv("MMUSIM_TEST_SEED"))
            seed = strtoull(getenv("MMUSIM_TEST_SEED"), NULL, 0);
        run_one(kind, seed, n_rounds, &n_records);
        if (getenv("MMUSIM_TEST_SEED"))
            break;
    }
    print_message("%llu records\n", (unsigned long long) n_records);
}

static void stamped_programs_end_as_the_model_says(void **state)
{
    (void) state;
    run_all(RANDOM_STAMPED, 250);
}

/* The same programs where each page has 128 KiB, so that areas hold huge
 * pages. */
static void huge_pages_keep_what_the_program_sees(void **state)
{
    (void) state;
    is_wide = true;
    run_all(RANDOM_STAMPED, 250);
    is_wide = false;
    print_message("%llu huge pages, %llu split, %llu pages moved, %llu hints\n",
                  (unsigned long long) n_huge, (unsigned long long) n_splits,
                  (unsigned long long) n_moved, (unsigned long long) n_hints);
    print_message("%llu collapsed\n", (unsigned long long) n_collapses);
    assert_true(getenv("MMUSIM_TEST_SEED") ||
                (n_collapses && n_huge && n_splits && n_moved && n_hints));
}

/* Seed 78 compares while khugepaged has taken a table out and not yet put the
 * huge page in. */
static void regress_a_comparison_may_fall_into_a_collapse(void **state)
{
    uint64_t n_records = 0;

    (void) state;
    is_wide = true;
    run_one(RANDOM_STAMPED, 78, 250, &n_records);
    is_wide = false;
}

static void free_threads_end_as_the_model_says(void **state)
{
    (void) state;
    run_all(RANDOM_FREE, 1200);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stamped_programs_end_as_the_model_says),
        cmocka_unit_test(free_threads_end_as_the_model_says),
        cmocka_unit_test(huge_pages_keep_what_the_program_sees),
        cmocka_unit_test(regress_a_comparison_may_fall_into_a_collapse),
    };

    if ((argc > 1 && !strcmp(argv[1], "long")) || getenv("MMUSIM_TEST_LONG"))
        n_short = 120;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
