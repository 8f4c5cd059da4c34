/* SPDX-License-Identifier: MIT */
/*
 * Page-table memory: see pt_memory.h.
 *
 * A directory of three levels over the 40 bits of a frame number (MAXPHYADDR
 * 52, Intel SDM vol. 3A 4.1.4): its root grows with the highest table, each
 * lower node covers 12 bits, 32 KiB. Nodes stay until the end. A frame's slot
 * holds the list of its tables, a table of several frames is in the slot of
 * each. A table and its bookkeeping are one block, given back to the allocator
 * when the table is removed, so that memory follows the live tables and a
 * memory checker sees any use of a dead one.
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
    struct pt_host *host; /* NULL: none */
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

/* Frees the tables that begin in a frame; returns how many. */
static uint32_t pt_free_frame(struct pt_info *table, pfn_t pfn)
{
    uint32_t n_freed = 0;

    while (table && table->pfn.v == pfn.v) {
        struct pt_info *next = table->next_in_frame;

        free(table);
        table = next;
        n_freed++;
    }
    return n_freed;
}

static void pt_leaf_destroy(struct pt_leaf_node *leaf, uint64_t first_pfn)
{
    if (!leaf)
        return;
    /* Downwards: a table is freed at its first frame, after its others have
     * been looked at. */
    for (uint32_t i = PT_NODE_SLOTS; i-- > 0;)
        pt_free_frame(leaf->tables[i], (pfn_t){first_pfn + i});
    free(leaf);
}

static void pt_inner_destroy(struct pt_inner_node *inner, uint64_t first_pfn)
{
    if (!inner)
        return;
    for (uint64_t i = PT_NODE_SLOTS; i-- > 0;)
        pt_leaf_destroy(inner->leaves[i], first_pfn + (i << PT_NODE_LOG2));
    free(inner);
}

static uint64_t pt_bytes(const struct pt_info *table)
{
    return (uint64_t) table->n_words << table->word_log2;
}

static uint64_t pt_last_frame(const struct pt_info *table)
{
    return (table->paddr + pt_bytes(table) - 1) >> BASE_PAGE_SHIFT;
}

struct pt_memory *mmusim__pt_memory_create(void)
{
    return calloc(1, sizeof(struct pt_memory));
}

void mmusim__pt_memory_destroy(struct pt_memory *memory)
{
    if (!memory)
        return;
    for (uint64_t i = memory->n_root; i-- > 0;)
        pt_inner_destroy(memory->root[i], i << 2 * PT_NODE_LOG2);
    free(memory->root);
    free(memory);
}

/* One block: the bookkeeping, the chunks' pointers, the words. */
static struct pt_info *pt_info_create(const struct pt_shape *shape)
{
    size_t n_words = shape->n_words;
    size_t n_chunks = (n_words + PT_ID_CHUNK - 1) / PT_ID_CHUNK;
    size_t head = sizeof(struct pt_info) + n_chunks * sizeof(uint32_t *);
    struct pt_info *table;

    table = calloc(1, head + (n_words << shape->word_log2));
    if (!table)
        return NULL;
    table->paddr = shape->paddr;
    table->pfn = (pfn_t){shape->paddr >> BASE_PAGE_SHIFT};
    table->level = shape->level;
    table->n_words = shape->n_words;
    table->word_log2 = shape->word_log2;
    table->translation_ids = (uint32_t **) (table + 1);
    table->words = (char *) table + head;
    return table;
}

static bool pt_overlaps(const struct pt_info *table,
                        const struct pt_shape *shape)
{
    uint64_t bytes = (uint64_t) shape->n_words << shape->word_log2;

    return table->paddr < shape->paddr + bytes &&
           shape->paddr < table->paddr + pt_bytes(table);
}

/* Is the place free? Makes the directory's nodes for it. */
static bool pt_has_room(struct pt_memory *memory, const struct pt_shape *shape)
{
    uint64_t bytes = (uint64_t) shape->n_words << shape->word_log2;
    uint64_t first = shape->paddr >> BASE_PAGE_SHIFT;
    uint64_t last = (shape->paddr + bytes - 1) >> BASE_PAGE_SHIFT;

    for (uint64_t pfn = first; pfn <= last; pfn++) {
        struct pt_info **slot = pt_slot_make(memory, pfn);

        if (!slot)
            return false;
        for (const struct pt_info *old = *slot; old; old = old->next_in_frame) {
            if (pt_overlaps(old, shape))
                return false;
        }
    }
    return true;
}

struct pt_info *mmusim__pt_table_make(struct pt_memory *memory,
                                      const struct pt_shape *shape)
{
    uint64_t bytes = (uint64_t) shape->n_words << shape->word_log2;
    struct pt_info *table;

    mmusim_assert(shape->level < PT_MAX_LEVELS);
    mmusim_assert(shape->word_log2 == 2 || shape->word_log2 == 3);
    mmusim_assert(shape->paddr % min_u64(bytes, BASE_PAGE_BYTES) == 0);
    if ((shape->paddr + (bytes - 1)) >> (PT_PFN_BITS + BASE_PAGE_SHIFT))
        return NULL;
    if (!pt_has_room(memory, shape))
        return NULL;
    table = pt_info_create(shape);
    if (!table)
        return NULL;
    /* Tables that share a frame lie wholly in it, so they have one slot. */
    table->next_in_frame = *pt_slot(memory, table->pfn.v);
    for (uint64_t pfn = table->pfn.v; pfn <= pt_last_frame(table); pfn++)
        *pt_slot(memory, pfn) = table;
    memory->n_tables++;
    return table;
}

struct pt_info *mmusim__pt_table_add(struct pt_memory *memory, pfn_t pfn,
                                     uint32_t level)
{
    const struct pt_shape shape = {pfn.v << BASE_PAGE_SHIFT, level, PT_WORDS,
                                   PT_WORD_LOG2};

    if (pfn.v >> PT_PFN_BITS)
        return NULL;
    return mmusim__pt_table_make(memory, &shape);
}

void mmusim__pt_table_remove(struct pt_memory *memory, pfn_t pfn)
{
    struct pt_info **slot = pt_slot(memory, pfn.v);
    struct pt_info *table = slot ? *slot : NULL;
    uint64_t last;

    mmusim_assert(table && table->pfn.v == pfn.v);
    if (!table || table->pfn.v != pfn.v)
        return;
    last = pt_last_frame(table);
    memory->n_tables -= pt_free_frame(table, pfn);
    for (uint64_t frame = pfn.v; frame <= last; frame++)
        *pt_slot(memory, frame) = NULL;
}

struct pt_info *mmusim__pt_table(const struct pt_memory *memory, pfn_t pfn)
{
    struct pt_info **slot = pt_slot(memory, pfn.v);

    return slot ? *slot : NULL;
}

struct pt_info *mmusim__pt_table_at(const struct pt_memory *memory,
                                    uint64_t paddr)
{
    struct pt_info **slot = pt_slot(memory, paddr >> BASE_PAGE_SHIFT);
    struct pt_info *table = slot ? *slot : NULL;

    while (table && paddr - table->paddr >= pt_bytes(table))
        table = table->next_in_frame;
    return table;
}

uint64_t mmusim__pt_table_count(const struct pt_memory *memory)
{
    return memory->n_tables;
}

void mmusim__pt_memory_set_host(struct pt_memory *memory, struct pt_host *host)
{
    memory->host = host;
}

bool mmusim__pt_host_has_failed(const struct pt_memory *memory)
{
    return memory->host && memory->host->has_failed;
}

static uint64_t pt_read_elsewhere(const struct pt_memory *memory,
                                  uint64_t paddr)
{
    struct pt_host *host = memory->host;
    uint64_t word = 0;

    if (!host)
        return 0;
    host->has_failed = !host->read(host->context, paddr, &word);
    return host->has_failed ? 0 : word;
}

uint64_t mmusim__pt_read(const struct pt_memory *memory, uint64_t paddr)
{
    const struct pt_info *table = mmusim__pt_table_at(memory, paddr);

    if (!table)
        return pt_read_elsewhere(memory, paddr);
    mmusim_assert(paddr % (UINT64_C(1) << table->word_log2) == 0);
    return pt_word(table, pt_entry_index(table, paddr));
}

void mmusim__pt_write(struct pt_memory *memory, uint64_t paddr, uint64_t word)
{
    struct pt_info *table = mmusim__pt_table_at(memory, paddr);
    uint64_t old;
    uint32_t index;

    mmusim_assert(table || memory->host);
    if (!table) {
        if (memory->host)
            memory->host->write(memory->host->context, paddr, word);
        return;
    }
    mmusim_assert(paddr % (UINT64_C(1) << table->word_log2) == 0);
    index = pt_entry_index(table, paddr);
    old = pt_word(table, index);
    if (old && !word)
        table->n_present--;
    if (!old && word)
        table->n_present++;
    if (table->word_log2 == PT_WORD_LOG2)
        ((uint64_t *) table->words)[index] = word;
    else
        ((uint32_t *) table->words)[index] = (uint32_t) word;
}
