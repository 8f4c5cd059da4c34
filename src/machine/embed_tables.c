/* SPDX-License-Identifier: MIT */
/* Address spaces whose tables mmusim keeps, and loading one: see embed.h. */
#include "machine/embed.h"

#include "coherence/x86_ops.h"
#include "core/diag.h"
#include "os/mm.h"
#include "os/page_table.h"

#include <stdlib.h>

/* ---- spaces ---- */

static mmusim_status_t embed_need_own(const struct mmusim_embed *embed,
                                      mmusim_diag_t *diag)
{
    return embed->host_tables
               ? mmusim__diag_set(diag, MMUSIM_USAGE,
                                  "the host keeps the page tables")
               : MMUSIM_OK;
}

static struct mm *embed_space(struct mmusim_embed *embed, uint32_t space,
                              mmusim_diag_t *diag)
{
    if (embed_need_own(embed, diag))
        return NULL;
    if (space == MMUSIM_EMBED_KERNEL)
        return &embed->machine->kernel.init_mm;
    if (space <= embed->n_spaces)
        return embed->spaces[space - 1];
    mmusim__diag_set(diag, MMUSIM_USAGE, "no address space %u",
                     (unsigned) space);
    return NULL;
}

static mmusim_status_t embed_space_add(struct mmusim_embed *embed,
                                       mmusim_diag_t *diag)
{
    struct system *system = &embed->machine->system;
    mmusim_status_t status = embed_need_own(embed, diag);
    struct mm **spaces;
    struct mm *mm;

    if (status)
        return status;
    spaces = realloc(embed->spaces,
                     (embed->n_spaces + (size_t) 1) * sizeof(struct mm *));
    if (!spaces)
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    embed->spaces = spaces;
    mm = mmusim__mm_create(&embed->machine->kernel);
    if (!mm) {
        system->has_stopped =
            false; /* nothing has begun that could not go on */
        return mmusim__diag_set(diag, system->status, "a new address space: %s",
                                mmusim_strerror(system->status));
    }
    spaces[embed->n_spaces++] = mm;
    return MMUSIM_OK;
}

mmusim_status_t mmusim_embed_space_create(mmusim_embed_t *embed,
                                          uint32_t *space, mmusim_diag_t *diag)
{
    mmusim_status_t status = mmusim__embed_begin(embed, diag);

    if (status)
        return status;
    status = embed_space_add(embed, diag);
    status = mmusim__embed_end(embed, status, diag);
    if (!status)
        *space = embed->n_spaces;
    return status;
}

/* ---- pages ---- */

static uint32_t embed_rights(uint32_t rights)
{
    return TLB_READ | (rights & MMUSIM_EMBED_WRITE ? TLB_WRITE : 0) |
           (rights & MMUSIM_EMBED_EXEC ? TLB_EXEC : 0) |
           (rights & MMUSIM_EMBED_USER ? TLB_USER : 0) |
           (rights & MMUSIM_EMBED_GLOBAL ? TLB_GLOBAL : 0);
}

static bool embed_knows_rights(uint32_t rights)
{
    return !(rights & ~(uint32_t) (MMUSIM_EMBED_WRITE | MMUSIM_EMBED_EXEC |
                                   MMUSIM_EMBED_USER | MMUSIM_EMBED_GLOBAL));
}

/* The level that has leaves of a size; PT_MAX_LEVELS: none that can be mapped
 * alone (an OS table of Armv7 has two level-1 entries: no sections). */
static uint32_t embed_level(const struct pt_format *format, uint64_t bytes)
{
    uint32_t level;

    if (!bytes || bytes & (bytes - 1) || bytes < BASE_PAGE_BYTES)
        return PT_MAX_LEVELS;
    level = pt_leaf_level(format, (uint32_t) __builtin_ctzll(bytes) -
                                      (uint32_t) BASE_PAGE_SHIFT);
    if (level < PT_MAX_LEVELS && level && format->levels[level - 1].joint_log2)
        return PT_MAX_LEVELS;
    return level;
}

/* NULL: it can be mapped, as far as the page itself says. */
static const char *embed_refuses(const struct pt_format *format,
                                 const mmusim_embed_page_t *page)
{
    bool is_kernel = page->space == MMUSIM_EMBED_KERNEL;

    if (embed_level(format, page->page_bytes) == PT_MAX_LEVELS)
        return "the format has no pages of that size";
    if ((page->vaddr | page->paddr) & (page->page_bytes - 1))
        return "an address is not a multiple of the page's size";
    if (!pt_is_canonical(format, page->vaddr))
        return "the tables do not reach that virtual address";
    if (format->vaddr_bits > 32 && is_kernel != (bool) (page->vaddr >> 63))
        return "the lower half is of spaces, the upper half the kernel's";
    if (page->paddr >> format->paddr_bits)
        return "the physical address is too large for the format";
    if (!embed_knows_rights(page->rights))
        return "unknown bits in the rights";
    return NULL;
}

static mmusim_status_t embed_map(struct mmusim_embed *embed,
                                 const mmusim_embed_page_t *page,
                                 mmusim_diag_t *diag)
{
    struct kernel *kernel = &embed->machine->kernel;
    struct mm *mm = embed_space(embed, page->space, diag);
    const char *why = embed_refuses(kernel->format, page);
    uint32_t level = embed_level(kernel->format, page->page_bytes);
    mmusim_status_t status;
    struct pte_slot slot;
    struct pt_entry entry;
    uint32_t n_new = 0;

    if (!mm)
        return MMUSIM_USAGE;
    if (!why && mmusim__pte_leaf(kernel, mm, page->vaddr, &entry).table)
        why = "something is mapped there";
    if (why)
        return mmusim__diag_set(diag, MMUSIM_USAGE, "map 0x%llx: %s",
                                (unsigned long long) page->vaddr, why);
    status = mmusim__pte_make(kernel, mm, page->vaddr, level, &slot, &n_new);
    if (!status && mmusim__pte_word(&slot))
        return mmusim__diag_set(diag, MMUSIM_USAGE,
                                "map 0x%llx: a table of smaller pages is there",
                                (unsigned long long) page->vaddr);
    if (!status)
        status = mmusim__pte_install(kernel, &slot,
                                     (pfn_t){page->paddr >> BASE_PAGE_SHIFT},
                                     embed_rights(page->rights));
    return status ? mmusim__diag_set(diag, status, "page tables: %s",
                                     mmusim_strerror(status))
                  : MMUSIM_OK;
}

mmusim_status_t mmusim_embed_map(mmusim_embed_t *embed,
                                 const mmusim_embed_page_t *page,
                                 mmusim_diag_t *diag)
{
    mmusim_status_t status = mmusim__embed_begin(embed, diag);

    if (status)
        return status;
    status = embed_map(embed, page, diag);
    return mmusim__embed_end(embed, status, diag);
}

/* The leaf that maps an address of a space. */
static mmusim_status_t embed_find(struct mmusim_embed *embed, uint32_t space,
                                  uint64_t vaddr, struct pte_slot *slot,
                                  struct pt_entry *entry)
{
    struct kernel *kernel = &embed->machine->kernel;
    const struct mm *mm = embed_space(embed, space, NULL);

    if (!mm || !pt_is_canonical(kernel->format, vaddr))
        return MMUSIM_USAGE;
    if (kernel->format->vaddr_bits > 32 &&
        (space == MMUSIM_EMBED_KERNEL) != (bool) (vaddr >> 63))
        return MMUSIM_USAGE;
    *slot = mmusim__pte_leaf(kernel, mm, vaddr, entry);
    return slot->table ? MMUSIM_OK : MMUSIM_USAGE;
}

static mmusim_status_t embed_not_mapped(uint32_t space, uint64_t vaddr,
                                        mmusim_diag_t *diag)
{
    return mmusim__diag_set(diag, MMUSIM_USAGE,
                            "nothing is mapped at 0x%llx of space %u",
                            (unsigned long long) vaddr, (unsigned) space);
}

mmusim_status_t mmusim_embed_unmap(mmusim_embed_t *embed, uint32_t space,
                                   uint64_t vaddr, mmusim_diag_t *diag)
{
    mmusim_status_t status = mmusim__embed_begin(embed, diag);
    struct pte_slot slot;
    struct pt_entry entry;

    if (status)
        return status;
    if (embed_find(embed, space, vaddr, &slot, &entry))
        status = embed_not_mapped(space, vaddr, diag);
    else
        mmusim__pte_clear(&embed->machine->kernel, &slot);
    return mmusim__embed_end(embed, status, diag);
}

mmusim_status_t mmusim_embed_protect(mmusim_embed_t *embed,
                                     const mmusim_embed_page_t *page,
                                     mmusim_diag_t *diag)
{
    struct kernel *kernel = &embed->machine->kernel;
    mmusim_status_t status = mmusim__embed_begin(embed, diag);
    uint32_t rights = embed_rights(page->rights);
    struct pte_slot slot;
    struct pt_entry entry;

    if (status)
        return status;
    if (!embed_knows_rights(page->rights)) {
        status =
            mmusim__diag_set(diag, MMUSIM_USAGE, "unknown bits in the rights");
    } else if (embed_find(embed, page->space, page->vaddr, &slot, &entry)) {
        status = embed_not_mapped(page->space, page->vaddr, diag);
    } else {
        if (rights & TLB_WRITE)
            rights |= entry.rights & TLB_DIRTY;
        mmusim__pte_rewrite(kernel, &slot,
                            kernel->format->make_leaf(kernel->format, entry.pfn,
                                                      slot.table->level, rights,
                                                      true));
    }
    return mmusim__embed_end(embed, status, diag);
}

/* ---- loading ---- */

static uint32_t embed_asid_bits(const struct machine_config *config)
{
    switch (config->isa) {
    case ISA_X86_64:
        return 12; /* Intel SDM vol. 3A 4.10.1 */
    case ISA_ARMV8:
        return config->arm.asid_bits;
    case ISA_ARMV7:
        return 8; /* Arm ARM DDI 0406 B3.9.1 */
    case ISA_RISCV:
        return config->riscv.asid_bits;
    case ISA_I386:
    case ISA_COUNT:
        break;
    }
    return 0;
}

static uint32_t embed_switch_cycles(const struct machine_config *config,
                                    bool keeps_entries)
{
    const struct cost_config *cost = &config->cost;

    switch (config->isa) {
    case ISA_ARMV8:
    case ISA_ARMV7:
        return cost->ttbr_write_cycles;
    case ISA_RISCV:
        return cost->satp_write_cycles;
    case ISA_X86_64:
    case ISA_I386:
    case ISA_COUNT:
        break;
    }
    return keeps_entries ? cost->cr3_noflush_cycles : cost->cr3_write_cycles;
}

/* Where the tables of both halves begin. */
static mmusim_status_t embed_roots(struct mmusim_embed *embed,
                                   const mmusim_embed_context_t *to,
                                   uint64_t roots[2], mmusim_diag_t *diag)
{
    if (!embed->host_tables) {
        const struct mm *mm = embed_space(embed, to->space, diag);

        if (!mm)
            return MMUSIM_USAGE;
        roots[0] = pfn_paddr(mm->space.root);
        roots[1] = pfn_paddr(embed->machine->kernel.init_mm.space.root);
        return MMUSIM_OK;
    }
    roots[0] = to->root;
    roots[1] = to->kernel_root ? to->kernel_root : to->root;
    if ((roots[0] | roots[1]) & (BASE_PAGE_BYTES - 1) ||
        (roots[0] | roots[1]) >> 52)
        return mmusim__diag_set(diag, MMUSIM_USAGE,
                                "a root is a multiple of 4096 below 2^52");
    return MMUSIM_OK;
}

static mmusim_status_t embed_load(struct mmusim_embed *embed,
                                  const mmusim_embed_context_t *to,
                                  mmusim_diag_t *diag)
{
    const struct machine_config *config = &embed->machine->config;
    struct mmu *mmu = &embed->machine->system.cpus[to->core].mmu;
    uint32_t bits = embed_asid_bits(config);
    uint64_t roots[2];
    mmusim_status_t status = embed_roots(embed, to, roots, diag);

    if (status)
        return status;
    if (to->asid >> bits)
        return mmusim__diag_set(diag, MMUSIM_USAGE,
                                "ASID %u has more than %u bits",
                                (unsigned) to->asid, (unsigned) bits);
    mmu->kernel_root = (pfn_t){roots[1] >> BASE_PAGE_SHIFT};
    embed->cores[to->core].is_loaded = true;
    if (1 << config->isa & ISAS_X86) {
        mmusim__x86_mov_cr3(mmu, (pfn_t){roots[0] >> BASE_PAGE_SHIFT}, to->asid,
                            to->keeps_entries ? CR3_NOFLUSH : CR3_FLUSH,
                            MISS_SWITCH);
        return MMUSIM_OK;
    }
    mmu->root = (pfn_t){roots[0] >> BASE_PAGE_SHIFT};
    mmusim__mmu_set_asid(mmu, to->asid);
    return MMUSIM_OK;
}

mmusim_status_t mmusim_embed_switch(mmusim_embed_t *embed,
                                    const mmusim_embed_context_t *to,
                                    uint64_t *done_cycle, mmusim_diag_t *diag)
{
    mmusim_status_t status =
        mmusim__embed_begin_at(embed, to->core, to->now, diag);

    if (status)
        return status;
    status = embed_load(embed, to, diag);
    status = mmusim__embed_end(embed, status, diag);
    if (!status && done_cycle)
        *done_cycle = to->now + embed_switch_cycles(&embed->machine->config,
                                                    to->keeps_entries);
    return status;
}
