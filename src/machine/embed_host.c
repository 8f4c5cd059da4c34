/* SPDX-License-Identifier: MIT */
/* A host's own page tables and memory under the walkers: see embed.h. */
#include "machine/embed.h"

#include "core/diag.h"

static void embed_fail(struct mmusim_embed *embed, const char *callback,
                       uint64_t paddr, int code)
{
    if (embed->failure.has_failed)
        return;
    embed->failure.has_failed = true;
    mmusim__diag_set(&embed->failure.diag, MMUSIM_SYSTEM,
                     "the host's %s at 0x%llx failed with %d", callback,
                     (unsigned long long) paddr, code);
}

static bool embed_read(void *context, uint64_t paddr, uint64_t *word)
{
    struct mmusim_embed *embed = context;
    uint32_t bytes = 1U << embed->machine->format.word_log2;
    int code;

    *word = 0;
    code = embed->host.read_pte(embed->host.context, paddr, bytes, word);
    if (!code && bytes == 4 && *word >> 32)
        code = -1; /* a word larger than bytes */
    if (code)
        embed_fail(embed, "read_pte", paddr, code);
    return !code;
}

static void embed_write(void *context, uint64_t paddr, uint64_t word)
{
    struct mmusim_embed *embed = context;
    uint32_t bytes = 1U << embed->machine->format.word_log2;
    int code;

    if (!embed->host.write_pte)
        return;
    code = embed->host.write_pte(embed->host.context, paddr, bytes, word);
    if (code)
        embed_fail(embed, "write_pte", paddr, code);
}

static uint32_t embed_read_cycles(void *context, uint32_t cpu, uint64_t paddr,
                                  uint64_t now)
{
    struct mmusim_embed *embed = context;
    uint64_t cycles = 0;
    int code =
        embed->host.read_cycles(embed->host.context, cpu, paddr, now, &cycles);

    if (!code && cycles >> 31)
        code = -1; /* no memory is that slow */
    if (code)
        embed_fail(embed, "read_cycles", paddr, code);
    return code ? 0 : (uint32_t) cycles;
}

mmusim_status_t mmusim__embed_init_host(struct mmusim_embed *embed,
                                        const mmusim_embed_host_t *host,
                                        mmusim_diag_t *diag)
{
    struct mmu_shared *shared = &embed->machine->shared;

    if (!host)
        return MMUSIM_OK;
    embed->host = *host;
    if (host->write_pte && !host->read_pte)
        return mmusim__diag_set(diag, MMUSIM_USAGE,
                                "write_pte needs read_pte beside it");
    if (host->read_cycles) {
        embed->walk_memory = (struct walk_memory){embed, embed_read_cycles};
        shared->walk_memory = &embed->walk_memory;
    }
    if (!host->read_pte)
        return MMUSIM_OK;
    embed->host_tables = mmusim__pt_memory_create();
    if (!embed->host_tables)
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    embed->pt_host = (struct pt_host){embed, embed_read, embed_write, false};
    mmusim__pt_memory_set_host(embed->host_tables, &embed->pt_host);
    embed->own_tables = shared->tables;
    shared->tables = embed->host_tables;
    return MMUSIM_OK;
}
