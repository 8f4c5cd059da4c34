/* SPDX-License-Identifier: MIT */
#include "cli/key_table.h"

#include <stdlib.h>
#include <string.h>

enum { TABLE_FIRST_SLOTS = 256 };

int key_table_init(struct key_table *table, uint32_t n_max)
{
    memset(table, 0, sizeof(*table));
    table->n = 1;
    table->n_max = n_max;
    table->n_slots = TABLE_FIRST_SLOTS;
    table->keys_room = TABLE_FIRST_SLOTS;
    table->slots = calloc(table->n_slots, sizeof(*table->slots));
    table->keys = calloc(table->keys_room, sizeof(*table->keys));
    if (table->slots && table->keys)
        return 1;
    key_table_fini(table);
    return 0;
}

void key_table_fini(struct key_table *table)
{
    free(table->slots);
    free(table->keys);
    memset(table, 0, sizeof(*table));
}

static uint32_t *table_slot(const struct key_table *table, uint32_t *slots,
                            uint32_t n_slots, struct key key)
{
    const uint64_t factor = 0x9e3779b97f4a7c15u; /* 2^64 / golden ratio */
    uint64_t hash = (key.a * factor ^ key.b) * factor;
    uint32_t i = (uint32_t) (hash >> 32) & (n_slots - 1);

    while (slots[i] && (table->keys[slots[i]].a != key.a ||
                        table->keys[slots[i]].b != key.b))
        i = (i + 1) & (n_slots - 1);
    return &slots[i];
}

static int table_grow_keys(struct key_table *table)
{
    uint32_t room = 2 * table->keys_room;
    struct key *keys = realloc(table->keys, room * sizeof(*keys));

    if (!keys)
        return 0;
    table->keys = keys;
    table->keys_room = room;
    return 1;
}

static int table_grow_slots(struct key_table *table)
{
    uint32_t n_slots = 2 * table->n_slots;
    uint32_t *slots = calloc(n_slots, sizeof(*slots));

    if (!slots)
        return 0;
    for (uint32_t i = 1; i < table->n; i++)
        *table_slot(table, slots, n_slots, table->keys[i]) = i;
    free(table->slots);
    table->slots = slots;
    table->n_slots = n_slots;
    return 1;
}

uint32_t key_table_get(struct key_table *table, uint64_t a, uint64_t b)
{
    struct key key = {a, b};
    uint32_t *slot = table_slot(table, table->slots, table->n_slots, key);

    if (*slot)
        return *slot;
    if (table->n >= table->n_max) {
        table->n_refused++;
        return 0;
    }
    if (table->n >= table->keys_room && !table_grow_keys(table))
        return KEY_TABLE_NO_MEMORY;
    if (table->n >= table->n_slots / 2) {
        if (!table_grow_slots(table))
            return KEY_TABLE_NO_MEMORY;
        slot = table_slot(table, table->slots, table->n_slots, key);
    }
    table->keys[table->n] = key;
    *slot = table->n;
    return table->n++;
}
