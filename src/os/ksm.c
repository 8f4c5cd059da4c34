/* SPDX-License-Identifier: MIT */
/* ksmd: see ksm.h. ksm_scan_thread() and ksm_do_scan() of Linux mm/ksm.c. */
#include "os/ksm.h"

#include "os/ksm_scan.h"
#include "os/reclaim.h"

#include <stdlib.h>

/* The living address space with the least id from mm_id on that has been told
 * of mergeable memory. */
static struct mm *ksm_next_mm(const struct kernel *kernel, uint64_t mm_id)
{
    struct mm *best = NULL;

    for (struct mm *mm = kernel->mms; mm; mm = mm->next) {
        if (mm->space.id >= mm_id && mm->is_mergeable && mm->n_threads &&
            !mm->is_dead && (!best || mm->space.id < best->space.id))
            best = mm;
    }
    return best;
}

static void ksm_end_scan(struct ksm *ksm)
{
    ksm->counters.full_scans++;
    mmusim__ksm_tree_clear(&ksm->unstable);
    ksm->mm_id = 0;
    ksm->cursor = 0;
    ksm->link = NULL;
    ksm->n_left = 0;
}

static void ksm_serve(struct cpu *cpu, struct thread *thread)
{
    struct kernel *kernel = thread->kernel;
    struct ksm *ksm = kernel->ksm;
    struct mm *mm = ksm_next_mm(kernel, ksm->mm_id);

    if (!mm)
        ksm_end_scan(ksm);
    if (ksm->n_left) {
        mmusim__ksm_scan(cpu, kernel, mm);
        return;
    }
    ksm->next_cycle = cycle_add(cpu->now, kernel->config.ksm.sleep_cycles);
    mmusim__daemon_sleep(cpu, thread);
}

static void ksm_wake(struct kernel *kernel, const struct cpu *cpu)
{
    struct ksm *ksm = kernel->ksm;

    if (!ksm_next_mm(kernel, 0)) { /* ksmd_should_run() */
        ksm->next_cycle = cycle_add(cpu->now, kernel->config.ksm.sleep_cycles);
        return;
    }
    ksm->n_left = kernel->config.ksm.pages_to_scan;
    ksm->next_cycle = CYCLE_NEVER;
    kernel->now = cpu->now;
    mmusim__daemon_wake(kernel, &ksm->daemon);
}

void mmusim__ksm_tick(struct kernel *kernel, const struct cpu *cpu)
{
    struct os_cpu *os = kernel_cpu(kernel, cpu);
    struct ksm *ksm = kernel->ksm;

    if (cpu->now < os->ksm_tick_cycle)
        return;
    if (cpu->now >= ksm->next_cycle)
        ksm_wake(kernel, cpu);
    os->ksm_tick_cycle = min_u64(
        ksm->next_cycle, cycle_add(cpu->now, kernel->config.ksm.sleep_cycles));
}

struct page *mmusim__ksm_page(const struct kernel *kernel, pfn_t pfn)
{
    struct page *page =
        kernel->ksm ? mmusim__page_find(kernel->reclaim->pages, pfn) : NULL;

    return page && (page->flags & PAGE_KSM) ? page : NULL;
}

mmusim_status_t mmusim__ksm_init(struct kernel *kernel)
{
    const struct ksm_config *config = &kernel->config.ksm;

    for (uint32_t i = 0; i < kernel->system->n_cpus; i++)
        kernel->cpus[i].ksm_tick_cycle =
            config->is_running ? config->sleep_cycles : CYCLE_NEVER;
    if (!config->is_running)
        return MMUSIM_OK;
    kernel->ksm = calloc(1, sizeof(*kernel->ksm));
    if (!kernel->ksm)
        return MMUSIM_NOMEM;
    kernel->ksm->next_cycle = config->sleep_cycles;
    mmusim__daemon_init(kernel, &kernel->ksm->daemon, ksm_serve);
    return MMUSIM_OK;
}

static void ksm_free_nodes(struct ksm *ksm)
{
    uint64_t n =
        ksm->stable.buckets ? UINT64_C(1) << ksm->stable.n_buckets_log2 : 0;

    for (uint64_t i = 0; i < n; i++) {
        while (ksm->stable.buckets[i]) {
            struct ksm_leaf *leaf = ksm->stable.buckets[i];

            ksm->stable.buckets[i] = leaf->next;
            free(leaf);
        }
    }
}

void mmusim__ksm_fini(struct kernel *kernel)
{
    struct ksm *ksm = kernel->ksm;

    if (!ksm)
        return;
    ksm_free_nodes(ksm);
    mmusim__ksm_tree_fini(&ksm->stable);
    mmusim__ksm_tree_fini(&ksm->unstable);
    free(ksm);
    kernel->ksm = NULL;
}
