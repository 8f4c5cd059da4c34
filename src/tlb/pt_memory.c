/* SPDX-License-Identifier: MIT */
/*
 * Page-table memory: see pt_memory.h.
 *
 * A directory of three levels over the 40 bits of a frame number (MAXPHYADDR
 * 52, Intel SDM vol. 3A 4.1.4): its root grows with the highest table, each
 * lower node covers 12 bits, 32 KiB. Nodes stay until the end. A table and
 * its bookkeeping are one block, given back to the allocator when the table
 * is removed, so that memory follows the live tables and a memory checker
 * sees any use of a dead one.
 */
#include "tlb/pt_memory.h"

#include "core/check.h"

#include <stdlib.h>

enum {
    PT_PFN_BITS = 40,
    PT_NODE_LOG2 = 12,
    PT_NODE_SLOTS = 1 << PT_NODE_LOG2,
};

struct pt_leaf_node { /* 16 MiB of simulated memory */
    struct pt_info *tables[PT_NODE_SLOTS];
};

struct pt_inner_node { /* 64 GiB of simulated memory */
    struct pt_leaf_node *leaves[PT_NODE_SLOTS];
};

struct pt_memory {
    struct pt_inner_node **root;
    uint64_t n_root; /* slots of root[] */
    uint64_t n_tables;
};

struct pt_block {
    struct pt_info info;
    struct pt_page page;
};

static struct pt_info **pt_slot(const struct pt_memory *memory, uint64_t pfn)
{
    uint64_t root_index = pfn >> 2 * PT_NODE_LOG2;
    const struct pt_inner_node *inner;
    struct pt_leaf_node *leaf;

    if (root_index >= memory->n_root)
        return NULL;
    inner = memory->root[root_index];
    if (!inner)
        return NULL;
    leaf = inner->leaves[pfn >> PT_NODE_LOG2 & (PT_NODE_SLOTS - 1)];
    return leaf ? &leaf->tables[pfn & (PT_NODE_SLOTS - 1)] : NULL;
}

static bool pt_root_grow(struct pt_memory *memory, uint64_t root_index)
{
    uint64_t n_root = max_u64(root_index + 1, memory->n_root * 2);
    struct pt_inner_node **root;

    root = realloc(memory->root, n_root * sizeof(struct pt_inner_node *));
    if (!root)
        return false;
    for (uint64_t i = memory->n_root; i < n_root; i++)
        root[i] = NULL;
    memory->root = root;
    memory->n_root = n_root;
    return true;
}

/* Makes the nodes above a frame; those made stay, whatever fails later. */
static struct pt_info **pt_slot_make(struct pt_memory *memory, uint64_t pfn)
{
    uint64_t root_index = pfn >> 2 * PT_NODE_LOG2;
    struct pt_inner_node **inner;
    struct pt_leaf_node **leaf;

    if (root_index >= memory->n_root && !pt_root_grow(memory, root_index))
        return NULL;
    inner = &memory->root[root_index];
    if (!*inner)
        *inner = calloc(1, sizeof(**inner));
    if (!*inner)
        return NULL;
    leaf = &(*inner)->leaves[pfn >> PT_NODE_LOG2 & (PT_NODE_SLOTS - 1)];
    if (!*leaf)
        *leaf = calloc(1, sizeof(**leaf));
    return *leaf ? &(*leaf)->tables[pfn & (PT_NODE_SLOTS - 1)] : NULL;
}

static void pt_leaf_destroy(struct pt_leaf_node *leaf)
{
    if (!leaf)
        return;
    for (uint32_t i = 0; i < PT_NODE_SLOTS; i++)
        free(leaf->tables[i]);
    free(leaf);
}

static void pt_inner_destroy(struct pt_inner_node *inner)
{
    if (!inner)
        return;
    for (uint32_t i = 0; i < PT_NODE_SLOTS; i++)
        pt_leaf_destroy(inner->leaves[i]);
    free(inner);
}

static uint32_t pt_word_index(uint64_t paddr)
{
    return (uint32_t) (paddr >> 3) & (PT_WORDS - 1);
}

struct pt_memory *mmusim__pt_memory_create(void)
{
    return calloc(1, sizeof(struct pt_memory));
}

void mmusim__pt_memory_destroy(struct pt_memory *memory)
{
    if (!memory)
        return;
    for (uint64_t i = 0; i < memory->n_root; i++)
        pt_inner_destroy(memory->root[i]);
    free(memory->root);
    free(memory);
}

struct pt_info *mmusim__pt_table_add(struct pt_memory *memory, pfn_t pfn,
                                     uint32_t level)
{
    struct pt_info **slot;
    struct pt_block *block;

    mmusim_assert(level < PT_MAX_LEVELS);
    if (pfn.v >> PT_PFN_BITS)
        return NULL;
    slot = pt_slot_make(memory, pfn.v);
    if (!slot)
        return NULL;
    mmusim_assert(!*slot);
    if (*slot)
        return NULL;
    block = calloc(1, sizeof(*block));
    if (!block)
        return NULL;
    block->info.pfn = pfn;
    block->info.level = level;
    block->info.page = &block->page;
    *slot = &block->info;
    memory->n_tables++;
    return *slot;
}

void mmusim__pt_table_remove(struct pt_memory *memory, pfn_t pfn)
{
    struct pt_info **slot = pt_slot(memory, pfn.v);

    mmusim_assert(slot && *slot);
    if (!slot || !*slot)
        return;
    free(*slot); /* the first member of its block */
    *slot = NULL;
    memory->n_tables--;
}

struct pt_info *mmusim__pt_table(const struct pt_memory *memory, pfn_t pfn)
{
    struct pt_info **slot = pt_slot(memory, pfn.v);

    return slot ? *slot : NULL;
}

uint64_t mmusim__pt_table_count(const struct pt_memory *memory)
{
    return memory->n_tables;
}

uint64_t mmusim__pt_read(const struct pt_memory *memory, uint64_t paddr)
{
    pfn_t pfn = {paddr >> BASE_PAGE_SHIFT};
    const struct pt_info *table = mmusim__pt_table(memory, pfn);

    mmusim_assert(paddr % sizeof(uint64_t) == 0);
    return table ? table->page->words[pt_word_index(paddr)] : 0;
}

void mmusim__pt_write(struct pt_memory *memory, uint64_t paddr, uint64_t word)
{
    pfn_t pfn = {paddr >> BASE_PAGE_SHIFT};
    struct pt_info *table = mmusim__pt_table(memory, pfn);
    uint64_t *place;

    mmusim_assert(table && paddr % sizeof(uint64_t) == 0);
    if (!table)
        return;
    place = &table->page->words[pt_word_index(paddr)];
    if (*place && !word)
        table->n_present--;
    if (!*place && word)
        table->n_present++;
    *place = word;
}
