/* SPDX-License-Identifier: MIT */
/* Stage-2 tables and the guest memory behind them: see nested.h. */
#include "tlb/nested.h"

#include "core/check.h"

#include <stdlib.h>
#include <string.h>

enum {
    NESTED_RIGHTS = TLB_READ | TLB_WRITE | TLB_EXEC | TLB_USER | TLB_DIRTY,
    NESTED_FIRST_BLOCKS = 64,
    NESTED_PADDR_BITS = 52, /* as far as pt_memory.h goes */
};

/* A table of the level, in frames of its own. */
static mmusim_status_t nested_make_table(struct nested *nested, uint32_t level,
                                         uint64_t *table)
{
    const struct pt_level *at = &nested->format.levels[level];
    uint32_t log2 = at->bits + nested->format.word_log2;
    uint64_t n_frames = UINT64_C(1);
    struct pt_shape shape;

    if (log2 > BASE_PAGE_SHIFT)
        n_frames <<= log2 - BASE_PAGE_SHIFT;
    nested->next_table_pfn = align_up(nested->next_table_pfn, n_frames);
    shape =
        pt_os_shape(&nested->format, (pfn_t){nested->next_table_pfn}, level);
    if (!mmusim__pt_table_make(nested->tables, &shape))
        return MMUSIM_NOMEM;
    nested->next_table_pfn += n_frames;
    *table = shape.paddr;
    return MMUSIM_OK;
}

uint32_t mmusim__nested_memory_bits(const struct pt_format *format)
{
    bool is_known =
        format->paddr_bits && format->paddr_bits < NESTED_PADDR_BITS;

    return (is_known ? format->paddr_bits : NESTED_PADDR_BITS) - 1;
}

mmusim_status_t mmusim__nested_init(struct nested *nested,
                                    const struct nested_config *config,
                                    const struct pt_format *format)
{
    *nested = (struct nested){
        .config = *config,
        .format = *format,
        .first_table_pfn = UINT64_C(1) << (mmusim__nested_memory_bits(format) -
                                           BASE_PAGE_SHIFT),
    };
    nested->next_table_pfn = nested->first_table_pfn;
    if (pt_leaf_level(format, config->page_order) == PT_MAX_LEVELS)
        return MMUSIM_CONFIG;
    nested->tables = mmusim__pt_memory_create();
    if (!nested->tables)
        return MMUSIM_NOMEM;
    return nested_make_table(nested, format->n_levels - 1, &nested->root);
}

void mmusim__nested_fini(struct nested *nested)
{
    mmusim__pt_memory_destroy(nested->tables);
    free(nested->guest_blocks);
    memset(nested, 0, sizeof(*nested));
}

uint64_t mmusim__nested_word_paddr(const struct nested *nested, uint64_t gpaddr,
                                   uint32_t level)
{
    const struct pt_format *format = &nested->format;
    uint64_t table = nested->root;

    for (uint32_t at = format->n_levels - 1; at > level; at--) {
        uint64_t word = mmusim__pt_read(
            nested->tables, pt_word_paddr(format, table, gpaddr, at));

        table = format->decode(format, word, at).table;
    }
    return pt_word_paddr(format, table, gpaddr, level);
}

/* Makes the tables down to the leaf's. */
static mmusim_status_t nested_make_tables(struct nested *nested,
                                          uint64_t gpaddr, uint32_t leaf)
{
    const struct pt_format *format = &nested->format;

    for (uint32_t at = format->n_levels - 1; at > leaf; at--) {
        uint64_t paddr = mmusim__nested_word_paddr(nested, gpaddr, at);
        uint64_t word = mmusim__pt_read(nested->tables, paddr);
        mmusim_status_t status;
        uint64_t table;

        if (format->decode(format, word, at).is_present)
            continue;
        status = nested_make_table(nested, at - 1, &table);
        if (status)
            return status;
        mmusim__pt_write(nested->tables, paddr,
                         format->make_table(format, table, at));
    }
    return MMUSIM_OK;
}

static bool nested_add_block(struct nested *nested, uint64_t guest_block)
{
    if (nested->n_blocks == nested->capacity) {
        uint64_t capacity =
            nested->capacity ? 2 * nested->capacity : NESTED_FIRST_BLOCKS;
        uint64_t *blocks =
            realloc(nested->guest_blocks, capacity * sizeof(*blocks));

        if (!blocks)
            return false;
        nested->guest_blocks = blocks;
        nested->capacity = capacity;
    }
    nested->guest_blocks[nested->n_blocks++] = guest_block;
    return true;
}

mmusim_status_t mmusim__nested_back(struct nested *nested, uint64_t gpaddr)
{
    const struct pt_format *format = &nested->format;
    uint32_t order = nested->config.page_order;
    uint32_t leaf = pt_leaf_level(format, order);
    uint64_t guest_block = gpaddr >> (BASE_PAGE_SHIFT + order);
    uint64_t host_block = nested->n_blocks;
    mmusim_status_t status = nested_make_tables(nested, gpaddr, leaf);

    if (status)
        return status;
    if (nested->config.is_populated)
        host_block = guest_block;
    else if (!nested_add_block(nested, guest_block))
        return MMUSIM_NOMEM;
    mmusim__pt_write(nested->tables,
                     mmusim__nested_word_paddr(nested, gpaddr, leaf),
                     format->make_leaf(format, (pfn_t){host_block << order},
                                       leaf, NESTED_RIGHTS, true));
    return MMUSIM_OK;
}

bool mmusim__nested_find(const struct nested *nested, uint64_t gpaddr,
                         uint64_t *paddr)
{
    const struct pt_format *format = &nested->format;
    uint64_t table = nested->root;

    for (uint32_t level = format->n_levels; level-- > 0;) {
        uint64_t word = mmusim__pt_read(
            nested->tables, pt_word_paddr(format, table, gpaddr, level));
        struct pt_entry entry = format->decode(format, word, level);

        if (!entry.is_present)
            return false;
        if (entry.is_leaf) {
            uint64_t bytes = UINT64_C(1) << (BASE_PAGE_SHIFT + entry.order);

            *paddr = pfn_paddr(entry.pfn) + (gpaddr & (bytes - 1));
            return true;
        }
        table = entry.table;
    }
    return false;
}

uint64_t mmusim__nested_gpaddr(const struct nested *nested, uint64_t paddr)
{
    uint32_t shift = BASE_PAGE_SHIFT + nested->config.page_order;
    uint64_t inside = paddr & ((UINT64_C(1) << shift) - 1);
    uint64_t block = paddr >> shift;

    if (nested->config.is_populated)
        return block << shift | inside;
    mmusim_assert(block < nested->n_blocks);
    return block < nested->n_blocks
               ? nested->guest_blocks[block] << shift | inside
               : 0;
}

/* ---- a CPU's caches ---- */

static mmusim_status_t nested_tlb_init(struct nested_cpu *cpu,
                                       const struct nested *nested,
                                       struct rng *rng, struct arena *arena)
{
    const struct psc_config *config = &nested->config.tlb;
    struct tlb_array_config array = {
        .n_entries = config->n_entries,
        .n_ways = config->n_ways,
        .replacement = "lru",
        .index = TLB_INDEX_BITS,
        .hit_cycles = config->hit_cycles,
    };

    if (!config->n_entries)
        return MMUSIM_OK;
    for (uint32_t level = 0; level < nested->format.n_levels; level++) {
        if (nested->format.levels[level].has_leaves &&
            array.n_orders < TLB_MAX_ORDERS)
            array.orders[array.n_orders++] =
                (uint8_t) pt_level_order(&nested->format, level);
    }
    cpu->has_tlb = true;
    return mmusim__tlb_array_init(&cpu->tlb, &array, rng, arena);
}

mmusim_status_t mmusim__nested_cpu_init(struct nested_cpu *cpu,
                                        const struct nested *nested,
                                        struct tlb_contexts *contexts,
                                        struct rng *rng, struct arena *arena)
{
    const struct psc_options options = {
        .kind = "walk-cache",
        .cache = nested->config.pointers,
    };
    const struct psc_setup setup = {
        .options = &options,
        .format = &nested->format,
        .contexts = contexts,
        .rng = rng,
    };
    mmusim_status_t status = nested_tlb_init(cpu, nested, rng, arena);

    cpu->tlb.contexts = contexts;
    return status ? status : mmusim__psc_init(&cpu->pointers, &setup, arena);
}

void mmusim__nested_cpu_invalidate(struct nested_cpu *cpu,
                                   const struct inval *inval)
{
    if (cpu->has_tlb)
        mmusim__tlb_array_invalidate(&cpu->tlb, inval, false, NULL, NULL);
    mmusim__psc_invalidate(&cpu->pointers, inval);
}

bool mmusim__nested_cpu_load(struct nested_cpu *cpu,
                             struct tlb_contexts *contexts,
                             const struct tlb_context *guest)
{
    const struct tlb_context context = {
        .regime = REGIME_STAGE2,
        .thread = guest->thread,
        /* x86: by EP4TA alone, SDM vol. 3C 28.3.2 */
        .vmid = guest->stage2_root ? 0 : guest->vmid,
        .stage2_root = guest->stage2_root,
    };
    uint16_t tag = 0;

    if (!mmusim__tlb_context_intern(contexts, &context, &tag))
        return false;
    cpu->tags = tlb_tags(tag, tag);
    return true;
}
