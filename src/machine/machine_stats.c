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
#include "machine/machine_rows.h"

#include <stdio.h>
#include <string.h>

enum { STAT_NAME_BYTES = 160 };

/* Where a row's value lives: an offset in struct cpu, core_unit, ... */
struct stat_row {
    const char *name;
    size_t offset;
    const char *unit;
    const char *help;
};

#define CPU_ROW(name, member, unit, help)                                      \
    {                                                                          \
        name, offsetof(struct cpu, member), unit, help                         \
    }
#define CORE_ROW(name, member, unit, help)                                     \
    {                                                                          \
        name, offsetof(struct core_unit, counters.member), unit, help          \
    }

static const struct stat_row core_rows[] = {
    CORE_ROW("accesses", accesses, "accesses", "loads and stores"),
    CORE_ROW("fetches", fetches, "records", "instruction-fetch records"),
    CORE_ROW("instructions", instructions, "instructions", "instructions"),
};

static const struct stat_row bucket_rows[] = {
#define BUCKET_ROW(name, word, help)                                           \
    CPU_ROW("cycles." word, cycles[BUCKET_##name], "cycles", help),
    BUCKET_MAP(BUCKET_ROW)
#undef BUCKET_ROW
};

static const struct stat_row mmu_rows[] = {
    CPU_ROW("llt.misses", mmu.llt_misses, "misses",
            "demand translations found in no TLB"),
#define CAUSE_ROW(name, word, help)                                            \
    CPU_ROW("miss." word, mmu.causes[MISS_##name], "misses", help),
    MISS_CAUSE_MAP(CAUSE_ROW)
#undef CAUSE_ROW
        CPU_ROW("walker.walks", mmu.counters.walks, "walks",
                "page walks begun"),
    CPU_ROW("walker.pte_reads", mmu.counters.pte_reads, "reads",
            "page-table entries read"),
    CPU_ROW("walker.cycles", mmu.counters.cycles, "cycles",
            "sum over walks of their length"),
    CPU_ROW("walker.merged", mmu.counters.merged, "requests",
            "requests joined to a walk of their page"),
    CPU_ROW("walker.poisoned", mmu.counters.poisoned, "walks",
            "walks whose result an invalidation made void"),
    CPU_ROW("walker.waits", mmu.counters.waits, "requests",
            "requests that found no free walker"),
    CPU_ROW("walker.dirty_walks", mmu.counters.dirty_walks, "requests",
            "stores that hit a clean entry"),
    CPU_ROW("walker.prefetches", mmu.counters.prefetches, "requests",
            "walks for prefetches and speculative fills"),
    CPU_ROW("walker.replays", mmu.counters.replays, "requests",
            "walks again, after a fault or a poisoned walk"),
};

static const struct stat_row flush_rows[] = {
    CPU_ROW("flush.local_full", flushes.local_full, "flushes",
            "full flushes of its own TLB"),
    CPU_ROW("flush.local_pages", flushes.local_pages, "pages",
            "pages it invalidated in its own TLB"),
    CPU_ROW("flush.received_full", flushes.received_full, "flushes",
            "full flushes on another CPU's request"),
    CPU_ROW("flush.received_pages", flushes.received_pages, "pages",
            "pages invalidated on another CPU's request"),
};

static const struct stat_row prefetch_rows[] = {
    CPU_ROW("prefetch.issued", mmu.prefetcher.issued, "walks",
            "walks for predicted pages"),
    CPU_ROW("prefetch.hits", mmu.prefetcher.hits, "translations",
            "misses of the second level found in the buffer"),
    CPU_ROW("prefetch.unused", mmu.prefetcher.unused, "entries",
            "that left the buffer without a hit"),
};

static const struct stat_row speculation_rows[] = {
    CPU_ROW("walker.speculative", mmu.prefetcher.speculative, "walks",
            "walks for pages that the program did not access"),
};

#define ROWS(table) table, sizeof(table) / sizeof((table)[0])

/* ---- emitting ---- */

struct emit {
    const struct mmusim_machine *machine;
    mmusim_stats_t *stats;
    char prefix[32];     /* "core3." or "" for the sums */
    uint32_t first, end; /* CPUs that are summed */
};

static uint64_t emit_word(const void *base, size_t offset)
{
    return *(const uint64_t *) (const void *) ((const char *) base + offset);
}

static void emit_value(const struct emit *emit, const char *name,
                       uint64_t value, const char *unit, const char *help)
{
    char full[STAT_NAME_BYTES];

    snprintf(full, sizeof(full), "%s%s", emit->prefix, name);
    mmusim__stats_add(emit->stats, full, value, unit, help);
}

static void emit_cpu_rows(const struct emit *emit, const struct stat_row *rows,
                          size_t n_rows)
{
    for (size_t r = 0; r < n_rows; r++) {
        uint64_t sum = 0;

        for (uint32_t i = emit->first; i < emit->end; i++)
            sum += emit_word(&emit->machine->system.cpus[i], rows[r].offset);
        emit_value(emit, rows[r].name, sum, rows[r].unit, rows[r].help);
    }
}

static void emit_core_rows(const struct emit *emit)
{
    for (size_t r = 0; r < sizeof(core_rows) / sizeof(core_rows[0]); r++) {
        uint64_t sum = 0;

        for (uint32_t i = emit->first; i < emit->end; i++)
            sum += emit_word(&emit->machine->cores[i], core_rows[r].offset);
        emit_value(emit, core_rows[r].name, sum, core_rows[r].unit,
                   core_rows[r].help);
    }
}

static void emit_tlb(const struct emit *emit, enum tlb_level tlb_level)
{
    const char *level = mmusim__machine_level_name(tlb_level);
    uint64_t accesses = 0;
    uint64_t misses = 0;
    uint64_t evictions = 0;
    char name[48];

    for (uint32_t i = emit->first; i < emit->end; i++) {
        const struct mmu *mmu = &emit->machine->system.cpus[i].mmu;
        const struct tlb_group *group = &mmu->tlb[tlb_level];

        accesses += group->accesses;
        misses += group->misses;
        evictions += group->evictions;
    }
    snprintf(name, sizeof(name), "%s.accesses", level);
    emit_value(emit, name, accesses, "translations", "look-ups");
    snprintf(name, sizeof(name), "%s.hits", level);
    emit_value(emit, name, accesses - misses, "translations", "found");
    snprintf(name, sizeof(name), "%s.misses", level);
    emit_value(emit, name, misses, "translations", "not found");
    snprintf(name, sizeof(name), "%s.evictions", level);
    emit_value(emit, name, evictions, "entries",
               "valid entries replaced, invalidations excluded");
}

/* A machine without second levels has an l2 that is never hit. */
static bool emit_has_level(const struct mmusim_machine *machine,
                           enum tlb_level level)
{
    const struct tlb_level_config *tlb = machine->config.tlb;

    if (level == TLB_L2 && !tlb[TLB_L2I].n_arrays && !tlb[TLB_L2D].n_arrays)
        return true;
    return tlb[level].n_arrays;
}

/* The contract's name of the pointers to tables of a level: the manual's on
 * x86, l0, l1, ... by depth from the root elsewhere. */
static void emit_psc_name(const struct mmusim_machine *machine, uint32_t level,
                          char *name, size_t size)
{
    static const char *const words[] = {"pde", "pdpte", "pml4e", "pml5e"};
    const struct pt_format *format = machine->shared.format;

    if (!strncmp(format->name, "x86", 3) || !strncmp(format->name, "i386", 4))
        snprintf(name, size, "psc.%s", words[level]);
    else
        snprintf(name, size, "psc.l%u", format->n_levels - 2 - level);
}

static void emit_psc(const struct emit *emit)
{
    const struct mmusim_machine *machine = emit->machine;
    const struct psc *first = &machine->system.cpus[0].mmu.psc;

    for (uint32_t level = 0; level < first->n_levels; level++) {
        uint64_t hits = 0;
        uint64_t misses = 0;
        char word[16];
        char name[32];

        if (!first->at[level])
            continue;
        for (uint32_t i = emit->first; i < emit->end; i++) {
            hits += machine->system.cpus[i].mmu.psc.hits[level];
            misses += machine->system.cpus[i].mmu.psc.misses[level];
        }
        emit_psc_name(machine, level, word, sizeof(word));
        snprintf(name, sizeof(name), "%s.hits", word);
        emit_value(emit, name, hits, "look-ups", "walks that began there");
        snprintf(name, sizeof(name), "%s.misses", word);
        emit_value(emit, name, misses, "look-ups", "walks that looked on");
    }
}

static void emit_memory(const struct emit *emit)
{
    struct mem_counters sum = {0};

    if (emit->machine->config.memory.model != MEMORY_HIERARCHY)
        return;
    for (uint32_t i = emit->first; i < emit->end; i++) {
        struct mem_counters c = mmusim__mem_counters(&emit->machine->memory, i);

        sum.l1d_hits += c.l1d_hits;
        sum.l1d_misses += c.l1d_misses;
        sum.l2_hits += c.l2_hits;
        sum.l2_misses += c.l2_misses;
        sum.llc_hits += c.llc_hits;
        sum.llc_misses += c.llc_misses;
        sum.dram_reads += c.dram_reads;
        sum.remote_dram_reads += c.remote_dram_reads;
    }
    emit_value(emit, "cache.l1d.hits", sum.l1d_hits, "reads", "in L1D");
    emit_value(emit, "cache.l1d.misses", sum.l1d_misses, "reads", "past L1D");
    emit_value(emit, "cache.l2.hits", sum.l2_hits, "reads", "in L2");
    emit_value(emit, "cache.l2.misses", sum.l2_misses, "reads", "past L2");
    emit_value(emit, "cache.llc.hits", sum.llc_hits, "reads", "in LLC");
    emit_value(emit, "cache.llc.misses", sum.llc_misses, "reads", "past LLC");
    emit_value(emit, "cache.dram.reads", sum.dram_reads, "reads", "of DRAM");
    emit_value(emit, "cache.dram.remote_reads", sum.remote_dram_reads, "reads",
               "of another socket's DRAM");
}

static void emit_faults(const struct emit *emit)
{
    static const char *const names[FAULT_KIND_COUNT] = {
        "faults.minor", "faults.major",    "faults.protection",
        "faults.cow",   "faults.spurious", "faults.invalid",
        "faults.hint",  "faults.flags",
    };

    for (uint32_t kind = 0; kind < FAULT_KIND_COUNT; kind++) {
        uint64_t sum = 0;

        for (uint32_t i = emit->first; i < emit->end; i++)
            sum += emit->machine->kernel.faults[i][kind];
        emit_value(emit, names[kind], sum, "faults", "page faults");
    }
}

static const struct stat_row guest_rows[] = {
    CPU_ROW("walker.stage2_reads", mmu.nested.stage2_reads, "reads",
            "those of pte_reads that read tables of the second stage"),
    CPU_ROW("nested_tlb.hits", mmu.nested.hits, "look-ups",
            "guest-physical addresses found in the nested TLB"),
    CPU_ROW("nested_tlb.misses", mmu.nested.misses, "look-ups",
            "and not found"),
    CPU_ROW("faults.stage2", mmu.nested.faults, "faults",
            "exits for faults of the second stage"),
};

static void emit_guest(const struct emit *emit)
{
    const struct mmusim_machine *machine = emit->machine;
    uint64_t hits = 0;
    uint64_t misses = 0;

    if (!machine->shared.nested)
        return;
    emit_cpu_rows(emit, ROWS(guest_rows));
    for (uint32_t i = emit->first; i < emit->end; i++) {
        const struct psc *psc = &machine->system.cpus[i].mmu.nested.pointers;

        for (uint32_t level = 0; level < psc->n_levels; level++)
            hits += psc->hits[level];
        misses += psc->misses[psc->n_levels - 1];
    }
    emit_value(emit, "nested_psc.hits", hits, "look-ups",
               "walks of the second stage that began below its root");
    emit_value(emit, "nested_psc.misses", misses, "look-ups",
               "and those that began there");
}

/* Everything that exists for one CPU and as a sum. */
static void emit_cpus(const struct emit *emit)
{
    emit_cpu_rows(emit, ROWS(bucket_rows));
    for (uint32_t level = 0; level < TLB_LEVEL_COUNT; level++) {
        if (emit_has_level(emit->machine, (enum tlb_level) level))
            emit_tlb(emit, (enum tlb_level) level);
    }
    emit_cpu_rows(emit, ROWS(mmu_rows));
    if (emit->machine->cores[0].has_prefetcher)
        emit_cpu_rows(emit, ROWS(prefetch_rows));
    if (emit->machine->config.speculation.fills_per_million)
        emit_cpu_rows(emit, ROWS(speculation_rows));
    emit_psc(emit);
    emit_memory(emit);
    emit_faults(emit);
    emit_guest(emit);
    emit_cpu_rows(emit, ROWS(flush_rows));
}

/* ---- the whole machine ---- */

static void emit_sim(struct emit *emit)
{
    const struct mmusim_machine *machine = emit->machine;

    snprintf(emit->prefix, sizeof(emit->prefix), "sim.");
    emit_value(emit, "cycles", machine->end_cycle, "cycles",
               "simulated time of the whole run");
    emit_core_rows(emit);
    emit_value(emit, "implicit_pages", machine->kernel.implicit_pages, "pages",
               "mapped at first touch outside every mapping");
    emit_value(emit, "order_broken", machine->kernel.order_broken, "stamps",
               "order stamps given up");
    emit_value(emit, "marks_dropped", machine->marks.n_dropped, "marks",
               "marks beyond the 65,536 that are kept");
    emit->prefix[0] = '\0';
}

static void emit_l3_value(const struct emit *emit, uint32_t instance,
                          const char *name, uint64_t value, const char *unit,
                          const char *help)
{
    char full[48];

    snprintf(full, sizeof(full), "l3.%u.%s", (unsigned) instance, name);
    emit_value(emit, full, value, unit, help);
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
    static const uint32_t percents[] = {50, 95, 99};
    uint64_t values[3] = {0};

    emit_value(emit, "shootdown.count", s->count, "shootdowns",
               "flushes that had to reach another CPU");
    emit_value(emit, "shootdown.targets", s->targets, "CPUs",
               "CPUs they had to reach");
    emit_value(emit, "shootdown.ipis_sent", s->ipis_sent, "interrupts",
               "interrupts sent for them");
    emit_value(emit, "shootdown.broadcasts", s->broadcasts, "broadcasts",
               "hardware broadcasts");
    emit_value(emit, "shootdown.deferred", s->deferred, "CPUs",
               "preempted ones left to flush at their return");
    emit_value(emit, "shootdown.completed", s->completed, "shootdowns",
               "shootdowns whose last acknowledgement came");
    mmusim__histogram_percentiles(&s->latency_cycles, percents, 3, values);
    mmusim__stats_add_milli(emit->stats, "shootdown.latency_cycles.mean",
                            mmusim__histogram_mean_milli(&s->latency_cycles),
                            "cycles", "from request to completion");
    emit_value(emit, "shootdown.latency_cycles.p50", values[0], "cycles",
               "median");
    emit_value(emit, "shootdown.latency_cycles.p95", values[1], "cycles",
               "95th percentile, nearest rank");
    emit_value(emit, "shootdown.latency_cycles.p99", values[2], "cycles",
               "99th percentile, nearest rank");
    emit_value(emit, "shootdown.latency_cycles.max", s->latency_cycles.max,
               "cycles", "longest");
}

static void emit_bbm(const struct emit *emit)
{
    const struct bbm *bbm = emit->machine->system.bbm;
    uint64_t sum = 0;

    if (!bbm)
        return;
    for (int i = BBM_OBSERVED + 1; i < BBM_OMISSION_COUNT; i++)
        sum += mmusim__bbm_omissions(bbm, (enum bbm_omission) i);
    emit_value(emit, "bbm.observed", mmusim__bbm_observed(bbm), "descriptors",
               "broken, invalidated and complete");
    emit_value(emit, "bbm.violations", sum, "descriptors",
               "changed without break-before-make that needed it");
    emit_value(emit, "bbm.not_broken",
               mmusim__bbm_omissions(bbm, BBM_NOT_BROKEN), "descriptors",
               "of them, from one valid descriptor to the next");
}

static void emit_vmstat(const struct emit *emit)
{
    const struct vmstat_counters *v = &emit->machine->system.vmstat;

    emit_value(emit, "vmstat.nr_tlb_remote_flush", v->nr_tlb_remote_flush,
               "flushes", "as the kernel counts them");
    emit_value(emit, "vmstat.nr_tlb_remote_flush_received",
               v->nr_tlb_remote_flush_received, "flushes",
               "as the kernel counts them");
    emit_value(emit, "vmstat.nr_tlb_local_flush_all", v->nr_tlb_local_flush_all,
               "flushes", "as the kernel counts them");
    emit_value(emit, "vmstat.nr_tlb_local_flush_one", v->nr_tlb_local_flush_one,
               "entries", "as the kernel counts them");
    emit_value(emit, "vmalloc.purges", emit->machine->kernel.vmap.purges,
               "flushes", "of vmalloc addresses that had been freed lazily");
}

static void emit_vm(const struct emit *emit)
{
    const struct vm_counters *vm = &emit->machine->kernel.vm;

#define EMIT_VM(name, unit, help)                                              \
    emit_value(emit, "vmstat." #name, vm->name, unit, help);
    VM_COUNTER_MAP(EMIT_VM)
#undef EMIT_VM
}

static void emit_gathers(const struct emit *emit)
{
    const struct kernel *kernel = &emit->machine->kernel;
    const struct gather_counters *gathers = &kernel->gathers;
    uint64_t n_failures = 0;

#define EMIT_GATHER(name, unit, help)                                          \
    emit_value(emit, "gather." #name, gathers->name, unit, help);
    GATHER_COUNTER_MAP(EMIT_GATHER)
#undef EMIT_GATHER
    for (uint32_t i = 0; i < kernel->system->n_cpus; i++)
        n_failures += kernel->cpus[i].gather.n_failures;
    emit_value(emit, "gather.alloc_failures", n_failures, "pages",
               "of pointers that a gather could not get");
    emit_value(emit, "gather.table_syncs", kernel->system->n_table_syncs,
               "calls", "of all CPUs, empty: walkers without locks are out");
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
        emit_value(emit, name, c->count, "events", "tlb_flush trace events");
        snprintf(name, sizeof(name), "tlb_flush.%s.pages", words[i]);
        emit_value(emit, name, c->pages, "pages",
                   "sum over the events that were not for all pages");
        snprintf(name, sizeof(name), "tlb_flush.%s.full", words[i]);
        emit_value(emit, name, c->full, "events", "events for all pages");
    }
}

static void emit_marks(const struct emit *emit)
{
    const struct marks *marks = &emit->machine->marks;

    for (uint32_t i = 0; i < marks->n_marks; i++) {
        const struct mark *mark = &marks->marks[i];
        char name[STAT_NAME_BYTES];

        snprintf(name, sizeof(name), "mark.%.96s.%u.core%u.cycles", mark->name,
                 (unsigned) mark->index, (unsigned) mark->cpu);
        emit_value(emit, name, mark->cycle, "cycles",
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
    emit_cpus(&emit);
    emit_l3(&emit);
    emit_shootdowns(&emit);
    emit_bbm(&emit);
    mmusim__machine_check_stats(machine, emit.stats);
    emit_vmstat(&emit);
    emit_vm(&emit);
    emit_gathers(&emit);
    mmusim__iommu_emit(&emit.machine->system, emit.stats);
    emit_reasons(&emit);
    emit_marks(&emit);
    for (uint32_t i = 0; i < machine->system.n_cpus; i++) {
        emit.first = i;
        emit.end = i + 1;
        snprintf(emit.prefix, sizeof(emit.prefix), "core%u.", (unsigned) i);
        emit_value(&emit, "cycles", machine->end_cycle, "cycles",
                   "= sim.cycles");
        emit_core_rows(&emit);
        emit_cpus(&emit);
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
