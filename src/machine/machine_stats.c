/* SPDX-License-Identifier: MIT */
/*
 * The statistics of a run under the names of the contract: per CPU, then their
 * sums, then what is of the whole machine. Rows come from tables, so that a
 * name, its unit and where its value lives stand in one line.
 */
#include "machine/iommu_stats.h"
#include "machine/machine.h"
#include "machine/machine_check.h"

#include "coherence/arm_bbm.h"
#include "core/stats_set.h"
#include "machine/regions.h"
#include "machine/stats_emit.h"
#include "os/ksm.h"

#include <stdio.h>
#include <string.h>

void mmusim__emit_value(const struct emit *emit, const char *name,
                        uint64_t value, const char *unit, const char *help)
{
    struct emit_values *values = emit->values;
    char full[STAT_NAME_BYTES];

    if (values && !values->is_given && values->values)
        values->values[values->n] = value;
    if (values && values->is_given)
        value = values->values[values->n];
    if (values)
        values->n++;
    if (values && !values->is_given)
        return;
    snprintf(full, sizeof(full), "%s%s%s", emit->scope, emit->prefix, name);
    mmusim__stats_add(emit->stats, full, value, unit, help);
}

static void emit_sim(struct emit *emit)
{
    const struct mmusim_machine *machine = emit->machine;

    snprintf(emit->prefix, sizeof(emit->prefix), "sim.");
    mmusim__emit_value(emit, "cycles", machine->end_cycle, "cycles",
                       "simulated time of the whole run");
    mmusim__emit_cores(emit);
    mmusim__emit_value(emit, "implicit_pages", machine->kernel.implicit_pages,
                       "pages", "mapped at first touch outside every mapping");
    mmusim__emit_value(emit, "order_broken", machine->kernel.order_broken,
                       "stamps", "order stamps given up");
    mmusim__emit_value(emit, "marks_dropped", machine->marks.n_dropped, "marks",
                       "marks beyond the 65,536 that are kept");
    emit->prefix[0] = '\0';
}

static void emit_l3_value(const struct emit *emit, uint32_t instance,
                          const char *name, uint64_t value, const char *unit,
                          const char *help)
{
    char full[48];

    snprintf(full, sizeof(full), "l3.%u.%s", (unsigned) instance, name);
    mmusim__emit_value(emit, full, value, unit, help);
}

/* A last level is that of the cores around it, whichever asked. */
static void emit_l3_instance(const struct emit *emit, uint32_t instance)
{
    const struct system *system = &emit->machine->system;
    uint32_t n_cores = machine_config_l3_cores(&emit->machine->config);
    struct tlb_group sum = {.n_arrays = 0};

    for (uint32_t i = 0; i < system->n_cpus; i++) {
        const struct tlb_group *l3 = &system->cpus[i].mmu.tlb[TLB_L3];

        if (system->cpus[i].core / n_cores != instance)
            continue;
        sum.accesses += l3->accesses;
        sum.misses += l3->misses;
        sum.evictions += l3->evictions;
    }
    emit_l3_value(emit, instance, "accesses", sum.accesses, "translations",
                  "look-ups by all its cores");
    emit_l3_value(emit, instance, "hits", sum.accesses - sum.misses,
                  "translations", "found");
    emit_l3_value(emit, instance, "misses", sum.misses, "translations",
                  "not found");
    emit_l3_value(emit, instance, "evictions", sum.evictions, "entries",
                  "valid entries replaced, invalidations excluded");
}

static void emit_l3(const struct emit *emit)
{
    const struct machine_config *config = &emit->machine->config;
    uint32_t n_cores = config->n_sockets * config->cores_per_socket;

    if (!config->tlb[TLB_L3].n_arrays)
        return;
    for (uint32_t i = 0; i < n_cores / machine_config_l3_cores(config); i++)
        emit_l3_instance(emit, i);
}

static void emit_shootdowns(const struct emit *emit)
{
    const struct shootdown_counters *s = &emit->machine->system.shootdowns;

    mmusim__emit_value(emit, "shootdown.count", s->count, "shootdowns",
                       "flushes that had to reach another CPU");
    mmusim__emit_value(emit, "shootdown.targets", s->targets, "CPUs",
                       "CPUs they had to reach");
    mmusim__emit_value(emit, "shootdown.ipis_sent", s->ipis_sent, "interrupts",
                       "interrupts sent for them");
    mmusim__emit_value(emit, "shootdown.broadcasts", s->broadcasts,
                       "broadcasts", "hardware broadcasts");
    mmusim__emit_value(emit, "shootdown.deferred", s->deferred, "CPUs",
                       "preempted ones left to flush at their return");
    mmusim__emit_value(emit, "shootdown.completed", s->completed, "shootdowns",
                       "shootdowns whose last acknowledgement came");
}

static void emit_latencies(const struct emit *emit)
{
    const struct shootdown_counters *s = &emit->machine->system.shootdowns;
    static const uint32_t percents[] = {50, 95, 99};
    uint64_t values[3] = {0};

    mmusim__histogram_percentiles(&s->latency_cycles, percents, 3, values);
    mmusim__stats_add_milli(emit->stats, "shootdown.latency_cycles.mean",
                            mmusim__histogram_mean_milli(&s->latency_cycles),
                            "cycles", "from request to completion");
    mmusim__emit_value(emit, "shootdown.latency_cycles.p50", values[0],
                       "cycles", "median");
    mmusim__emit_value(emit, "shootdown.latency_cycles.p95", values[1],
                       "cycles", "95th percentile, nearest rank");
    mmusim__emit_value(emit, "shootdown.latency_cycles.p99", values[2],
                       "cycles", "99th percentile, nearest rank");
    mmusim__emit_value(emit, "shootdown.latency_cycles.max",
                       s->latency_cycles.max, "cycles", "longest");
}

static void emit_bbm(const struct emit *emit)
{
    const struct bbm *bbm = emit->machine->system.bbm;
    uint64_t sum = 0;

    if (!bbm)
        return;
    for (int i = BBM_OBSERVED + 1; i < BBM_OMISSION_COUNT; i++)
        sum += mmusim__bbm_omissions(bbm, (enum bbm_omission) i);
    mmusim__emit_value(emit, "bbm.observed", mmusim__bbm_observed(bbm),
                       "descriptors", "broken, invalidated and complete");
    mmusim__emit_value(emit, "bbm.violations", sum, "descriptors",
                       "changed without break-before-make that needed it");
    mmusim__emit_value(
        emit, "bbm.not_broken", mmusim__bbm_omissions(bbm, BBM_NOT_BROKEN),
        "descriptors", "of them, from one valid descriptor to the next");
}

static void emit_vmstat(const struct emit *emit)
{
    const struct vmstat_counters *v = &emit->machine->system.vmstat;

    mmusim__emit_value(emit, "vmstat.nr_tlb_remote_flush",
                       v->nr_tlb_remote_flush, "flushes",
                       "as the kernel counts them");
    mmusim__emit_value(emit, "vmstat.nr_tlb_remote_flush_received",
                       v->nr_tlb_remote_flush_received, "flushes",
                       "as the kernel counts them");
    mmusim__emit_value(emit, "vmstat.nr_tlb_local_flush_all",
                       v->nr_tlb_local_flush_all, "flushes",
                       "as the kernel counts them");
    mmusim__emit_value(emit, "vmstat.nr_tlb_local_flush_one",
                       v->nr_tlb_local_flush_one, "entries",
                       "as the kernel counts them");
    mmusim__emit_value(emit, "vmalloc.purges",
                       emit->machine->kernel.vmap.purges, "flushes",
                       "of vmalloc addresses that had been freed lazily");
}

static void emit_vm(const struct emit *emit)
{
    const struct vm_counters *vm = &emit->machine->kernel.vm;

#define EMIT_VM(name, unit, help)                                              \
    mmusim__emit_value(emit, "vmstat." #name, vm->name, unit, help);
    VM_COUNTER_MAP(EMIT_VM)
#undef EMIT_VM
}

static void emit_ksm(const struct emit *emit)
{
    const struct ksm *ksm = emit->machine->kernel.ksm;
    const struct ksm_counters *counters = ksm ? &ksm->counters : NULL;

    if (!ksm)
        return;
#define EMIT_KSM(name, unit, help)                                             \
    mmusim__emit_value(emit, "ksm." #name, counters->name, unit, help);
    KSM_COUNTER_MAP(EMIT_KSM)
#undef EMIT_KSM
    mmusim__emit_value(emit, "ksm.pages_volatile",
                       ksm->n_items - counters->pages_shared -
                           counters->pages_sharing - counters->pages_unshared,
                       "pages", "met, and not as they were the last time");
}

static void emit_gathers(const struct emit *emit)
{
    const struct kernel *kernel = &emit->machine->kernel;
    const struct gather_counters *gathers = &kernel->gathers;
    uint64_t n_failures = 0;

#define EMIT_GATHER(name, unit, help)                                          \
    mmusim__emit_value(emit, "gather." #name, gathers->name, unit, help);
    GATHER_COUNTER_MAP(EMIT_GATHER)
#undef EMIT_GATHER
    for (uint32_t i = 0; i < kernel->system->n_cpus; i++)
        n_failures += kernel->cpus[i].gather.n_failures;
    mmusim__emit_value(emit, "gather.alloc_failures", n_failures, "pages",
                       "of pointers that a gather could not get");
    mmusim__emit_value(emit, "gather.table_syncs",
                       kernel->system->n_table_syncs, "calls",
                       "of all CPUs, empty: walkers without locks are out");
}

static void emit_reasons(const struct emit *emit)
{
    static const char *const words[] = {
#define REASON_WORD(name, word) word,
        FLUSH_REASON_MAP(REASON_WORD)
#undef REASON_WORD
    };

    for (uint32_t i = 0; i < FLUSH_REASON_COUNT; i++) {
        const struct flush_reason_counters *c =
            &emit->machine->system.flush_reasons[i];
        char name[64];

        snprintf(name, sizeof(name), "tlb_flush.%s.count", words[i]);
        mmusim__emit_value(emit, name, c->count, "events",
                           "tlb_flush trace events");
        snprintf(name, sizeof(name), "tlb_flush.%s.pages", words[i]);
        mmusim__emit_value(emit, name, c->pages, "pages",
                           "sum over the events that were not for all pages");
        snprintf(name, sizeof(name), "tlb_flush.%s.full", words[i]);
        mmusim__emit_value(emit, name, c->full, "events",
                           "events for all pages");
    }
}

void mmusim__emit_shared(const struct emit *emit)
{
    const struct kernel *kernel = &emit->machine->kernel;

    mmusim__emit_value(emit, "sim.implicit_pages", kernel->implicit_pages,
                       "pages", "mapped at first touch outside every mapping");
    mmusim__emit_value(emit, "sim.order_broken", kernel->order_broken, "stamps",
                       "order stamps given up");
    emit_shootdowns(emit);
    emit_vmstat(emit);
    emit_vm(emit);
    emit_gathers(emit);
    emit_reasons(emit);
}

static void emit_marks(const struct emit *emit)
{
    const struct marks *marks = &emit->machine->marks;

    for (uint32_t i = 0; i < marks->n_marks; i++) {
        const struct mark *mark = &marks->marks[i];
        char name[STAT_NAME_BYTES];

        snprintf(name, sizeof(name), "mark.%.96s.%u.core%u.cycles", mark->name,
                 (unsigned) mark->index, (unsigned) mark->cpu);
        mmusim__emit_value(emit, name, mark->cycle, "cycles",
                           "cycles of the CPU at the mark");
    }
}

mmusim_status_t mmusim_machine_stats(const mmusim_machine_t *machine,
                                     mmusim_stats_t **stats)
{
    struct emit emit = {.machine = machine, .end = machine->system.n_cpus};
    mmusim_status_t status = mmusim__stats_create(&emit.stats);

    *stats = NULL;
    if (status)
        return status;
    emit_sim(&emit);
    mmusim__emit_cpus(&emit);
    emit_l3(&emit);
    emit_shootdowns(&emit);
    emit_latencies(&emit);
    emit_bbm(&emit);
    mmusim__machine_check_stats(machine, emit.stats);
    emit_vmstat(&emit);
    emit_vm(&emit);
    emit_ksm(&emit);
    emit_gathers(&emit);
    mmusim__iommu_emit(&emit.machine->system, emit.stats);
    emit_reasons(&emit);
    emit_marks(&emit);
    if (machine->regions)
        mmusim__regions_emit(machine->regions, emit.stats);
    for (uint32_t i = 0; i < machine->system.n_cpus; i++) {
        emit.first = i;
        emit.end = i + 1;
        snprintf(emit.prefix, sizeof(emit.prefix), "core%u.", (unsigned) i);
        mmusim__emit_value(&emit, "cycles", machine->end_cycle, "cycles",
                           "= sim.cycles");
        mmusim__emit_cores(&emit);
        mmusim__emit_cpus(&emit);
    }
    status = mmusim__stats_finish(emit.stats);
    if (status) {
        mmusim_stats_destroy(emit.stats);
        return status;
    }
    *stats = emit.stats;
    return MMUSIM_OK;
}

mmusim_status_t mmusim_machine_shootdown_latencies(
    const mmusim_machine_t *machine,
    void (*visit)(void *context, uint64_t latency_cycles, uint64_t n),
    void *context)
{
    const struct histogram *latencies =
        &machine->system.shootdowns.latency_cycles;

    return mmusim__histogram_visit(latencies, visit, context) ? MMUSIM_OK
                                                              : MMUSIM_NOMEM;
}
