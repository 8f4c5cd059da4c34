/* SPDX-License-Identifier: MIT */
/*
 * A host simulator in small: four cores, a clock of its own, mmusim as their
 * translation hardware. Maps pages, translates on four cores, unmaps, shows a
 * stale hit where a core has been forgotten, and shoots the page down by hand
 * and over the machine's fabric.
 *
 * usage: embed [MACHINE]   a YAML file, or the name of an installed machine;
 * without one the generic machine; an x86 one. Exit code 0: everything was as
 * expected.
 */
#include <mmusim/mmusim.h>

#include <inttypes.h>
#include <stdio.h>

enum { CORES = 4, PAGES = 64, PAGE = 4096 };

#define BASE  UINT64_C(0x400000)
#define FRAME UINT64_C(0x10000000)

struct host {
    mmusim_embed_t *mmu;
    uint64_t clock; /* the host's own, in cycles */
    uint32_t space;
    mmusim_diag_t diag;
};

static int failed(const struct host *host, const char *what)
{
    char text[600];

    mmusim_diag_format(&host->diag, text, sizeof text);
    fprintf(stderr, "embed: %s: %s\n", what, text);
    return 1;
}

static int build(struct host *host, const char *machine)
{
    mmusim_config_t *config = NULL;
    mmusim_status_t status =
        machine ? mmusim_config_load(machine, NULL, &config, &host->diag)
                : mmusim_config_create(&config);

    if (!status)
        status =
            mmusim_config_set(config, "topology.sockets", "1", &host->diag);
    if (!status)
        status = mmusim_config_set(config, "topology.cores_per_socket", "4",
                                   &host->diag);
    if (!status)
        status = mmusim_config_set(config, "topology.threads_per_core", "1",
                                   &host->diag);
    if (!status)
        status = mmusim_embed_create(config, NULL, &host->mmu, &host->diag);
    mmusim_config_destroy(config);
    return status ? failed(host, "building") : 0;
}

static int map_pages(struct host *host)
{
    if (mmusim_embed_space_create(host->mmu, &host->space, &host->diag))
        return failed(host, "a space");
    for (uint32_t i = 0; i < PAGES; i++) {
        mmusim_embed_page_t page = {0};

        page.space = host->space;
        page.vaddr = BASE + i * (uint64_t) PAGE;
        page.paddr = FRAME + i * (uint64_t) PAGE;
        page.page_bytes = PAGE;
        page.rights =
            MMUSIM_EMBED_WRITE | MMUSIM_EMBED_EXEC | MMUSIM_EMBED_USER;
        if (mmusim_embed_map(host->mmu, &page, &host->diag))
            return failed(host, "map");
    }
    return 0;
}

static int load_space(struct host *host)
{
    for (uint32_t core = 0; core < CORES; core++) {
        mmusim_embed_context_t to = {0};

        to.core = core;
        to.now = host->clock;
        to.space = host->space;
        if (mmusim_embed_switch(host->mmu, &to, NULL, &host->diag))
            return failed(host, "switch");
    }
    return 0;
}

/* One access of one core, at the host's present cycle. */
static int look(struct host *host, uint32_t core, uint64_t vaddr,
                mmusim_embed_kind_t kind, mmusim_embed_translation_t *result)
{
    mmusim_embed_access_t access = {0};

    access.core = core;
    access.now = host->clock;
    access.vaddr = vaddr;
    access.kind = kind;
    if (mmusim_embed_translate(host->mmu, &access, result, &host->diag))
        return failed(host, "translate");
    return 0;
}

/* Every core loads, stores and fetches its way through the pages. */
static int run_cores(struct host *host)
{
    static const mmusim_embed_kind_t kinds[] = {
        MMUSIM_EMBED_LOAD, MMUSIM_EMBED_STORE, MMUSIM_EMBED_FETCH};
    mmusim_embed_translation_t t;
    uint64_t busy[CORES] = {0};

    for (uint32_t i = 0; i < 3 * PAGES; i++) {
        for (uint32_t core = 0; core < CORES; core++) {
            uint32_t page = (i + 16 * core) % PAGES;
            uint64_t vaddr = BASE + page * (uint64_t) PAGE + 8 * core;

            if (look(host, core, vaddr, kinds[i % 3], &t))
                return 1;
            if (t.fault || t.paddr != vaddr - BASE + FRAME)
                return failed(host, "a wrong translation");
            busy[core] += t.ready_cycle - host->clock;
        }
        host->clock += 1000;
    }
    for (uint32_t core = 0; core < CORES; core++)
        printf("core %" PRIu32 ": %d accesses, %" PRIu64
               " cycles of translation\n",
               core, 3 * PAGES, busy[core]);
    return 0;
}

static int must(struct host *host, uint32_t core, uint64_t vaddr,
                mmusim_embed_fault_t fault, const char *what)
{
    mmusim_embed_translation_t t;

    if (look(host, core, vaddr, MMUSIM_EMBED_LOAD, &t))
        return 1;
    printf("%s: core %" PRIu32 " %s\n", what, core,
           t.fault                        ? "faults"
           : t.found == MMUSIM_EMBED_WALK ? "walks"
                                          : "still hits");
    return t.fault == fault ? 0 : failed(host, what);
}

/* INVLPG on every core but the last. */
static int flush_by_hand(struct host *host, uint64_t vaddr)
{
    for (uint32_t core = 0; core < CORES - 1; core++) {
        mmusim_embed_instruction_t flush = {0};
        mmusim_embed_effect_t effect;

        flush.core = core;
        flush.now = host->clock;
        flush.name = "INVLPG";
        flush.reg[0] = vaddr;
        if (mmusim_embed_invalidate(host->mmu, &flush, &effect, &host->diag))
            return failed(host, "INVLPG");
    }
    return 0;
}

/* Unmaps a page and forgets the last core: it goes on using the page. */
static int forget_one(struct host *host)
{
    uint64_t vaddr = BASE + 3 * (uint64_t) PAGE;
    mmusim_embed_translation_t t;

    for (uint32_t core = 0; core < CORES; core++) {
        if (look(host, core, vaddr, MMUSIM_EMBED_LOAD, &t))
            return 1;
    }
    if (mmusim_embed_unmap(host->mmu, host->space, vaddr, &host->diag) ||
        flush_by_hand(host, vaddr))
        return failed(host, "unmap");
    host->clock += 10000;
    if (must(host, 0, vaddr, MMUSIM_EMBED_ABSENT, "unmapped, flushed") ||
        must(host, CORES - 1, vaddr, MMUSIM_EMBED_NO_FAULT,
             "unmapped, forgotten"))
        return 1;
    return 0;
}

/* The same through interrupts, with what they cost. */
static int shoot_down(struct host *host)
{
    static const uint32_t all[CORES] = {0, 1, 2, 3};
    mmusim_embed_flush_t flush = {0};
    uint64_t done;

    flush.core = 0;
    flush.now = host->clock;
    flush.cores = all;
    flush.n_cores = CORES;
    flush.vaddr = BASE + 3 * (uint64_t) PAGE;
    flush.bytes = PAGE;
    if (mmusim_embed_shootdown(host->mmu, &flush, &done, &host->diag))
        return failed(host, "shootdown");
    printf("shootdown: complete after %" PRIu64 " cycles, core 3 lost %" PRIu64
           "\n",
           done - host->clock, mmusim_embed_stolen_cycles(host->mmu, 3));
    host->clock = done + 10000;
    return must(host, CORES - 1, flush.vaddr, MMUSIM_EMBED_ABSENT, "shot down");
}

static int report(struct host *host)
{
    static const char *const names[] = {"sim.cycles", "walker.walks",
                                        "llt.misses", "shootdown.count"};
    mmusim_stats_t *stats = NULL;
    mmusim_stat_t stat;

    if (mmusim_embed_stats(host->mmu, &stats))
        return failed(host, "statistics");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (mmusim_stats_find(stats, names[i], &stat))
            printf("%s %" PRIu64 "\n", stat.name, stat.value);
    }
    mmusim_stats_destroy(stats);
    return 0;
}

int main(int argc, char **argv)
{
    struct host host = {0};
    int code = build(&host, argc > 1 ? argv[1] : NULL) || map_pages(&host) ||
               load_space(&host) || run_cores(&host) || forget_one(&host) ||
               shoot_down(&host) || report(&host);

    mmusim_embed_destroy(host.mmu);
    return code;
}
