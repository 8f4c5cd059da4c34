/* SPDX-License-Identifier: MIT */
#include "support/random_machine.h"

#include "core/rng.h"
#include "support/machine_run.h"

#include <stdio.h>
#include <string.h>

static void small_array(struct tlb_array_config *array, uint32_t n_entries,
                        uint32_t n_ways)
{
    array->n_entries = n_entries;
    array->n_ways = n_ways;
}

/* Now and then a level for stores, and second levels of fetches and data. */
static void random_levels(struct machine_config *config, struct rng *rng)
{
    struct tlb_level_config *tlb = config->tlb;

    if (mmusim__rng_below(rng, 2)) {
        tlb[TLB_L1S].n_arrays = 1;
        small_array(&tlb[TLB_L1S].arrays[0], 4, 4);
    }
    if (mmusim__rng_below(rng, 3))
        return;
    tlb[TLB_L2I] = tlb[TLB_L2D] = tlb[TLB_L2];
    tlb[TLB_L2].n_arrays = 0;
    small_array(&tlb[TLB_L2I].arrays[0], 16, 4);
}

/* What carries the flushes, and who interrupts whom. */
static void random_fabric(struct machine_config *config, uint64_t seed)
{
    static const char *const fabrics[] = {"ipi", "dvm", "invlpgb", "rar"};
    struct rng rng;

    mmusim__rng_init(&rng, seed, 2);
    snprintf(config->fabric, sizeof(config->fabric), "%s",
             fabrics[mmusim__rng_below(&rng, 4)]);
    config->ipi.mode = (enum ipi_mode) mmusim__rng_below(&rng, 3);
    config->ipi.delivery = (enum ipi_delivery) mmusim__rng_below(&rng, 2);
    config->links = (enum socket_links) mmusim__rng_below(&rng, 4);
    config->dvm.filter = (enum broadcast_filter) mmusim__rng_below(&rng, 2);
    config->dvm.max_outstanding = 1 + mmusim__rng_below(&rng, 4);
    config->dvm.reaches_others = mmusim__rng_below(&rng, 4);
    config->rar.n_slots = 1 + mmusim__rng_below(&rng, 2);
    if (mmusim__rng_below(&rng, 2))
        return;
    config->virt.interrupts = (enum virt_interrupts) mmusim__rng_below(&rng, 4);
    config->virt.preempt_period_cycles = 20000;
    config->virt.preempt_cycles = 1 + mmusim__rng_below(&rng, 40000);
    config->virt.has_pv_flush = mmusim__rng_below(&rng, 3);
}

/* How tables are walked: caches of pointers, who sets D, a second stage. */
static void random_walks(struct machine_config *config, uint64_t seed)
{
    static const char *const kinds[] = {"per-level", "page-directory",
                                        "walk-cache"};
    struct guest_config *guest = &config->guest;
    struct rng rng;

    mmusim__rng_init(&rng, seed, 3);
    snprintf(config->psc.kind, sizeof(config->psc.kind), "%s",
             kinds[mmusim__rng_below(&rng, 3)]);
    config->psc.cache = (struct psc_config){8, 4, 1};
    config->walker.has_software_dirty = !mmusim__rng_below(&rng, 4);
    if (mmusim__rng_below(&rng, 2))
        return;
    guest->is_enabled = true;
    guest->format = (enum config_stage2) mmusim__rng_below(&rng, 4);
    guest->block = mmusim__rng_below(&rng, 2) ? BLOCK_2M : BLOCK_4K;
    guest->nested.is_populated = !mmusim__rng_below(&rng, 3);
    guest->nested.tlb.n_entries = mmusim__rng_below(&rng, 2) ? 8 : 0;
    guest->nested.pointers.n_entries = mmusim__rng_below(&rng, 2) ? 4 : 0;
    guest->nested.tlb.n_ways = guest->nested.pointers.n_ways = 4;
    mmusim__machine_config_finish(config);
}

static void add_size(struct tlb_array_config *array, uint8_t order)
{
    uint32_t i = array->n_orders++;

    for (; i && array->orders[i - 1] > order; i--)
        array->orders[i] = array->orders[i - 1];
    array->orders[i] = order;
}

/* Some levels can hold runs of 2, 4 or 8 pages. */
static void random_runs(struct machine_config *config, struct rng *rng)
{
    uint32_t log2_pages = mmusim__rng_below(rng, 4);

    if (!log2_pages)
        return;
    config->walker.coalesce_pages = 1U << log2_pages;
    for (uint32_t level = 0; level < TLB_LEVEL_COUNT; level++) {
        if (mmusim__rng_below(rng, 3))
            add_size(&config->tlb[level].arrays[0], (uint8_t) log2_pages);
    }
}

/* Threads that share their TLBs, or some, and cores that share a last one. */
static void random_sharing(struct machine_config *config, struct rng *rng)
{
    uint32_t n_cpus = machine_config_cpus(config);

    if (mmusim__rng_below(rng, 2) && n_cpus % 2 == 0) {
        config->n_sockets = 1;
        config->threads_per_core =
            n_cpus == 4 && mmusim__rng_below(rng, 2) ? 4 : 2;
        config->cores_per_socket = n_cpus / config->threads_per_core;
    }
    for (uint32_t level = 0; level < TLB_L3; level++)
        config->tlb[level].arrays[0].smt =
            (enum tlb_smt) mmusim__rng_below(rng, 3);
    strcpy(config->tlb_fill.l2,
           mmusim__fill_at(mmusim__rng_below(rng, 4))->name);
    strcpy(config->tlb_fill.l3,
           mmusim__fill_at(mmusim__rng_below(rng, 4))->name);
    if (mmusim__rng_below(rng, 2))
        return;
    config->tlb[TLB_L3] = config->tlb[TLB_L2];
    config->tlb[TLB_L3].n_arrays = 1;
    config->tlb[TLB_L3].arrays[0].smt = TLB_SMT_PRIVATE;
    config->tlb[TLB_L3].arrays[0].hit_cycles = 10 * mmusim__rng_below(rng, 9);
    config->tlb_sharing.l3_cores = mmusim__rng_below(rng, 2);
}

static void random_core(struct machine_config *config, uint64_t seed)
{
    static const uint64_t ceilings[] = {0, 1, 5, 33, 1000};
    struct rng rng;

    mmusim__rng_init(&rng, seed, 1);
    run_config(config, 1 + mmusim__rng_below(&rng, 4));
    if (config->cores_per_socket == 4 && mmusim__rng_below(&rng, 2)) {
        config->n_sockets = 2;
        config->cores_per_socket = 1;
        config->threads_per_core = 2;
    }
    config->seed = seed;
    config->checker.is_enabled = true;
    config->checker.max_reports = 8;
    config->core.window = 32 * mmusim__rng_below(&rng, 3);
    config->core.max_outstanding_walks = 1 + mmusim__rng_below(&rng, 6);
    config->walker.count = 1 + mmusim__rng_below(&rng, 3);
    small_array(&config->tlb[TLB_L1D].arrays[0], 8, 4);
    small_array(&config->tlb[TLB_L1I].arrays[0], 4, 4);
    small_array(&config->tlb[TLB_L2].arrays[0], 32, 4);
    random_levels(config, &rng);
    random_sharing(config, &rng);
    random_runs(config, &rng);
    strcpy(config->prefetch.policy,
           mmusim__prefetch_at(mmusim__rng_below(&rng, 4))->name);
    config->prefetch.n_entries = 1 + mmusim__rng_below(&rng, 8);
    config->speculation.fills_per_million = mmusim__rng_below(&rng, 2) * 20000;
    config->os.flush_ceiling_pages = ceilings[mmusim__rng_below(&rng, 5)];
    config->os.timeslice_cycles = 3000 + 1000 * mmusim__rng_below(&rng, 40);
    config->has_invpcid = mmusim__rng_below(&rng, 2);
    config->page_table.n_levels = 4 + mmusim__rng_below(&rng, 2);
    config->ipi.cluster_cpus = 1 + mmusim__rng_below(&rng, 4);
    if (mmusim__rng_below(&rng, 2)) {
        config->memory.model = MEMORY_HIERARCHY;
        config->memory.has_data = mmusim__rng_below(&rng, 2);
    }
}

/* The kernel of an x86 machine, with PCIDs or without. */
static void random_x86_kernel(struct machine_config *config, struct rng *rng)
{
    static const char *const kernels[] = {
        "linux-4.6",  "linux-4.6-fixed",  "linux-4.20", "linux-4.20-fixed",
        "linux-6.14", "linux-6.14-fixed", "i386-cr3",   "ideal",
        "linux-7.1",  "linux-7.1-fixed"};

    config->os.has_protocol = true;
    config->os.has_pcid = mmusim__rng_below(rng, 4);
    config->os.global_asid_samples_log2 = 0;
    snprintf(config->os.protocol, sizeof(config->os.protocol), "%s",
             kernels[mmusim__rng_below(rng, 10)]);
    config->os.has_pti = mmusim__rng_below(rng, 2) &&
                         mmusim__protocol_find(config->os.protocol)->uses_pcid;
}

/* Every other machine is no x86. Its kernel is one of those that run on it. */
static void random_isa(struct machine_config *config, uint64_t seed)
{
    static const char *const arm_kernels[] = {
        "4.4-fixed", "4.20",      "4.20-fixed", "5.10-fixed",
        "6.8",       "6.8-fixed", "7.1"};
    static const char *const riscv_kernels[] = {"", "-6.2-fixed"};
    struct rng rng;

    mmusim__rng_init(&rng, seed, 4);
    if (mmusim__rng_below(&rng, 2)) {
        random_x86_kernel(config, &rng);
        return;
    }
    config->page_table.n_levels = 4;
    config->has_fabric = config->os.has_protocol = true;
    if (mmusim__rng_below(&rng, 2)) {
        config->isa = ISA_ARMV8;
        config->dvm.reaches_others = true;
        config->arm.asid_bits = mmusim__rng_below(&rng, 2) ? 8 : 16;
        config->arm.has_ranges = mmusim__rng_below(&rng, 2);
        config->arm.has_ttl = mmusim__rng_below(&rng, 2);
        config->os.has_pti = mmusim__rng_below(&rng, 2);
        config->arm.repeats_tlbi = mmusim__rng_below(&rng, 2);
        config->dvm.early_syncs_per_million =
            config->arm.repeats_tlbi ? 300000 * mmusim__rng_below(&rng, 2) : 0;
        snprintf(config->fabric, sizeof(config->fabric), "dvm");
        snprintf(config->os.protocol, sizeof(config->os.protocol),
                 "linux-arm64-%s", arm_kernels[mmusim__rng_below(&rng, 7)]);
    } else {
        config->isa = ISA_RISCV;
        config->riscv.asid_bits = 4 * mmusim__rng_below(&rng, 4);
        snprintf(config->fabric, sizeof(config->fabric), "ipi");
        snprintf(config->os.protocol, sizeof(config->os.protocol),
                 "linux-riscv%s", riscv_kernels[mmusim__rng_below(&rng, 2)]);
    }
    config->os.has_flush_ceiling = mmusim__rng_below(&rng, 2);
    config->guest.is_enabled = false;
}

/* Gathers that run short of memory; arguments of exec. */
static void random_gather(struct machine_config *config, uint64_t seed)
{
    struct rng rng;

    mmusim__rng_init(&rng, seed, 6);
    config->os.gather_failures_per_million =
        500000 * mmusim__rng_below(&rng, 3);
    config->os.n_exec_arg_pages = mmusim__rng_below(&rng, 40);
}

void random_machine_init(struct machine_config *config, uint64_t seed)
{
    random_core(config, seed);
    random_fabric(config, seed);
    random_walks(config, seed);
    random_isa(config, seed);
    random_gather(config, seed);
    config->os.thread_placement = (enum thread_placement)(seed % 3);
}

void random_machine_memory(struct machine_config *config, uint64_t seed)
{
    struct rng rng;

    mmusim__rng_init(&rng, seed, 5);
    config->os.thp = THP_ALWAYS;
    config->os.memory_bytes = UINT64_C(512) << 20;
    config->os.khugepaged_sleep_cycles =
        10000 + mmusim__rng_below(&rng, 100000);
    config->os.has_numa_balancing = mmusim__rng_below(&rng, 2);
    config->os.numa_scan_period_cycles =
        20000 + mmusim__rng_below(&rng, 100000);
    config->os.numa_scan_bytes = UINT64_C(65536) << mmusim__rng_below(&rng, 8);
    config->os.node_policy = (enum node_policy) mmusim__rng_below(&rng, 2);
}
