/* SPDX-License-Identifier: MIT */
/* The memory hierarchy of one machine: see mem_model.h. */
#include "tlb/mem_model.h"

#include "core/arena.h"

enum {
    MEM_VERSION_BITS = 18
}; /* 1 MiB, of which the host backs what is used;
      a program of 1 GiB writes 2^15 table lines */

const char *mmusim__mem_refuses(const struct memory_config *config,
                                const char **key)
{
    const struct {
        const char *key;
        const struct cache_config *cache;
    } levels[] = {
        {"l1d", &config->l1d}, {"l2", &config->l2}, {"llc", &config->llc}};

    if (config->model == MEMORY_FIXED)
        return NULL;
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        const char *reason = mmusim__mem_cache_refuses(
            levels[i].cache->size_bytes, levels[i].cache->n_ways);

        *key = levels[i].key;
        if (reason)
            return reason;
    }
    return NULL;
}

static mmusim_status_t mem_build_caches(struct mem_model *model,
                                        const struct mem_topology *topology,
                                        struct arena *arena)
{
    uint32_t n_cores = topology->n_sockets * topology->cores_per_socket;
    mmusim_status_t status = MMUSIM_OK;

    for (uint32_t i = 0; !status && i < topology->n_sockets; i++)
        status =
            mmusim__mem_cache_init(&model->llcs[i], &model->config.llc, arena);
    for (uint32_t i = 0; !status && i < model->n_cpus; i++) {
        struct mem_cpu *cpu = &model->cpus[i];

        /* First threads of all cores come first, then the second ones. */
        cpu->socket = i % n_cores / topology->cores_per_socket;
        status = mmusim__mem_cache_init(&cpu->l1d, &model->config.l1d, arena);
        if (!status)
            status = mmusim__mem_cache_init(&cpu->l2, &model->config.l2, arena);
    }
    return status;
}

mmusim_status_t mmusim__mem_init(struct mem_model *model,
                                 const struct memory_config *config,
                                 const struct mem_topology *topology,
                                 struct arena *arena)
{
    struct mem_model built = {.config = *config};
    mmusim_status_t status;
    const char *key;

    if (mmusim__mem_refuses(config, &key))
        return MMUSIM_CONFIG;
    built.n_cpus = topology->n_sockets * topology->cores_per_socket *
                   topology->threads_per_core;
    if (config->model == MEMORY_HIERARCHY) {
        built.cpus =
            mmusim__arena_alloc(arena, built.n_cpus, sizeof(*built.cpus));
        built.llcs = mmusim__arena_alloc(arena, topology->n_sockets,
                                         sizeof(*built.llcs));
        built.versions = mmusim__arena_alloc(
            arena, (size_t) 1 << MEM_VERSION_BITS, sizeof(*built.versions));
        if (!built.cpus || !built.llcs || !built.versions)
            return MMUSIM_NOMEM;
        status = mem_build_caches(&built, topology, arena);
        if (status)
            return status;
    }
    *model = built;
    return MMUSIM_OK;
}

static uint32_t *mem_version_of(const struct mem_model *model, uint64_t line)
{
    return &model->versions[line * UINT64_C(0x9e3779b97f4a7c15) >>
                            (64 - MEM_VERSION_BITS)];
}

static bool mem_private_read(struct mem_model *model, struct mem_cpu *cpu,
                             uint64_t line, uint32_t version, uint32_t *cycles)
{
    if (mmusim__mem_cache_touch(&cpu->l1d, line, version)) {
        cpu->counters.l1d_hits++;
        *cycles = model->config.l1d.hit_cycles;
        return true;
    }
    if (!mmusim__mem_cache_touch(&cpu->l2, line, version))
        return false;
    mmusim__mem_cache_fill(&cpu->l1d, line, version);
    cpu->counters.l1d_misses += cpu->l1d.n_sets > 0;
    cpu->counters.l2_hits++;
    *cycles = model->config.l2.hit_cycles;
    return true;
}

/* The other line of 128 bytes follows one that missed L2, into L2 and LLC. */
static void mem_fetch_pair(struct mem_model *model, struct mem_cpu *cpu,
                           uint64_t line, uint32_t version)
{
    if (mmusim__mem_cache_touch(&cpu->l2, line ^ 1, version))
        return;
    mmusim__mem_cache_fill(&cpu->l2, line ^ 1, version);
    if (!mmusim__mem_cache_touch(&model->llcs[cpu->socket], line ^ 1, version))
        mmusim__mem_cache_fill(&model->llcs[cpu->socket], line ^ 1, version);
}

static void mem_private_fill(struct mem_cpu *cpu, uint64_t line,
                             uint32_t version)
{
    mmusim__mem_cache_fill(&cpu->l1d, line, version);
    mmusim__mem_cache_fill(&cpu->l2, line, version);
}

/* A read that has missed the private caches. */
static uint32_t mem_read_beyond(struct mem_model *model, struct mem_cpu *cpu,
                                uint64_t line, uint32_t version,
                                uint32_t home_socket)
{
    struct mem_cache *llc = &model->llcs[cpu->socket];
    struct mem_counters *counters = &cpu->counters;

    counters->l1d_misses += cpu->l1d.n_sets > 0;
    counters->l2_misses += cpu->l2.n_sets > 0;
    mem_private_fill(cpu, line, version);
    if (model->config.has_pair_prefetch)
        mem_fetch_pair(model, cpu, line, version);
    if (mmusim__mem_cache_touch(llc, line, version)) {
        counters->llc_hits++;
        return model->config.llc.hit_cycles;
    }
    mmusim__mem_cache_fill(llc, line, version);
    counters->llc_misses += llc->n_sets > 0;
    counters->dram_reads++;
    if (home_socket == cpu->socket)
        return model->config.dram_cycles;
    counters->remote_dram_reads++;
    return model->config.dram_cycles + model->config.remote_dram_cycles;
}

uint32_t mmusim__mem_read_cycles(struct mem_model *model, uint32_t cpu,
                                 uint64_t paddr, uint32_t home_socket)
{
    uint64_t line = paddr >> CACHE_LINE_SHIFT;
    uint32_t version, cycles;

    if (model->config.model == MEMORY_FIXED)
        return model->config.fixed_cycles;
    version = *mem_version_of(model, line);
    if (mem_private_read(model, &model->cpus[cpu], line, version, &cycles))
        return cycles;
    return mem_read_beyond(model, &model->cpus[cpu], line, version,
                           home_socket);
}

void mmusim__mem_write_line(struct mem_model *model, uint32_t cpu,
                            uint64_t paddr)
{
    uint64_t line = paddr >> CACHE_LINE_SHIFT;
    struct mem_cpu *writer;
    struct mem_cache *llc;
    uint32_t *version;

    if (model->config.model == MEMORY_FIXED)
        return;
    writer = &model->cpus[cpu];
    llc = &model->llcs[writer->socket];
    version = mem_version_of(model, line);
    mmusim__mem_cache_drop(&writer->l1d, line, *version);
    mmusim__mem_cache_drop(&writer->l2, line, *version);
    mmusim__mem_cache_drop(llc, line, *version);
    ++*version;
    mem_private_fill(writer, line, *version);
    mmusim__mem_cache_fill(llc, line, *version);
}

/* The wait of an L2 hit for the L1D set that the one before is filling. */
static uint32_t mem_fill_wait(struct mem_model *model, struct mem_cpu *cpu,
                              uint64_t line, uint64_t now)
{
    uint64_t set = mmusim__mem_cache_set_of(&cpu->l1d, line);
    uint32_t wait = 0;

    if (!cpu->l1d.n_sets)
        return 0;
    if (set == cpu->filled_set && now < cpu->filled_cycle)
        wait = (uint32_t) (cpu->filled_cycle - now);
    cpu->filled_set = set;
    cpu->filled_cycle = now + wait + model->config.l2.hit_cycles +
                        model->config.l1d_fill_cycles;
    return wait;
}

bool mmusim__mem_private_hit(struct mem_model *model, uint32_t cpu_id,
                             uint64_t paddr, uint64_t now, uint32_t *cycles)
{
    uint64_t line = paddr >> CACHE_LINE_SHIFT;
    struct mem_cpu *cpu = NULL;
    uint64_t n_l2_hits;

    if (model->config.model == MEMORY_FIXED) {
        *cycles = 0;
        return true;
    }
    cpu = &model->cpus[cpu_id];
    n_l2_hits = cpu->counters.l2_hits;
    if (!mem_private_read(model, cpu, line, 0, cycles))
        return false;
    if (model->config.l1d_fill_cycles && cpu->counters.l2_hits != n_l2_hits)
        *cycles += mem_fill_wait(model, cpu, line, now);
    return true;
}

uint32_t mmusim__mem_shared_read(struct mem_model *model, uint32_t cpu,
                                 uint64_t paddr, uint32_t home_socket)
{
    if (model->config.model == MEMORY_FIXED)
        return 0;
    return mem_read_beyond(model, &model->cpus[cpu], paddr >> CACHE_LINE_SHIFT,
                           0, home_socket);
}

struct mem_counters mmusim__mem_counters(const struct mem_model *model,
                                         uint32_t cpu)
{
    if (model->config.model == MEMORY_FIXED)
        return (struct mem_counters){0};
    return model->cpus[cpu].counters;
}
