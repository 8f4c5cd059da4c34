/* SPDX-License-Identifier: MIT */
/*
 * The statistics that exist for each CPU and as sums over CPUs. Rows come from
 * tables, so that a name, its unit and where its value lives stand in one line.
 */
#include "machine/machine.h"
#include "machine/machine_rows.h"
#include "machine/stats_emit.h"

#include <stdio.h>
#include <string.h>

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

static uint64_t emit_word(const void *base, size_t offset)
{
    return *(const uint64_t *) (const void *) ((const char *) base + offset);
}

static void emit_cpu_rows(const struct emit *emit, const struct stat_row *rows,
                          size_t n_rows)
{
    for (size_t r = 0; r < n_rows; r++) {
        uint64_t sum = 0;

        for (uint32_t i = emit->first; i < emit->end; i++)
            sum += emit_word(&emit->machine->system.cpus[i], rows[r].offset);
        mmusim__emit_value(emit, rows[r].name, sum, rows[r].unit, rows[r].help);
    }
}

void mmusim__emit_cores(const struct emit *emit)
{
    for (size_t r = 0; r < sizeof(core_rows) / sizeof(core_rows[0]); r++) {
        uint64_t sum = 0;

        for (uint32_t i = emit->first; i < emit->end; i++)
            sum += emit_word(&emit->machine->cores[i], core_rows[r].offset);
        mmusim__emit_value(emit, core_rows[r].name, sum, core_rows[r].unit,
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
    mmusim__emit_value(emit, name, accesses, "translations", "look-ups");
    snprintf(name, sizeof(name), "%s.hits", level);
    mmusim__emit_value(emit, name, accesses - misses, "translations", "found");
    snprintf(name, sizeof(name), "%s.misses", level);
    mmusim__emit_value(emit, name, misses, "translations", "not found");
    snprintf(name, sizeof(name), "%s.evictions", level);
    mmusim__emit_value(emit, name, evictions, "entries",
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
        mmusim__emit_value(emit, name, hits, "look-ups",
                           "walks that began there");
        snprintf(name, sizeof(name), "%s.misses", word);
        mmusim__emit_value(emit, name, misses, "look-ups",
                           "walks that looked on");
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
    mmusim__emit_value(emit, "cache.l1d.hits", sum.l1d_hits, "reads", "in L1D");
    mmusim__emit_value(emit, "cache.l1d.misses", sum.l1d_misses, "reads",
                       "past L1D");
    mmusim__emit_value(emit, "cache.l2.hits", sum.l2_hits, "reads", "in L2");
    mmusim__emit_value(emit, "cache.l2.misses", sum.l2_misses, "reads",
                       "past L2");
    mmusim__emit_value(emit, "cache.llc.hits", sum.llc_hits, "reads", "in LLC");
    mmusim__emit_value(emit, "cache.llc.misses", sum.llc_misses, "reads",
                       "past LLC");
    mmusim__emit_value(emit, "cache.dram.reads", sum.dram_reads, "reads",
                       "of DRAM");
    mmusim__emit_value(emit, "cache.dram.remote_reads", sum.remote_dram_reads,
                       "reads", "of another socket's DRAM");
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
        mmusim__emit_value(emit, names[kind], sum, "faults", "page faults");
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
    mmusim__emit_value(emit, "nested_psc.hits", hits, "look-ups",
                       "walks of the second stage that began below its root");
    mmusim__emit_value(emit, "nested_psc.misses", misses, "look-ups",
                       "and those that began there");
}

void mmusim__emit_cpus(const struct emit *emit)
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
