/* SPDX-License-Identifier: MIT */
/* Pairs of numbers to dense indices: 0 stands for all pairs that came when the
 * table was full, 1, 2, ... for the others in the order of their coming. */
#ifndef MMUSIM_CLI_KEY_TABLE_H
#define MMUSIM_CLI_KEY_TABLE_H

#include <stdint.h>

struct key {
    uint64_t a;
    uint64_t b;
};

struct key_table {
    struct key *keys; /* n of them; keys[0] is unused */
    uint32_t n;       /* with the one of index 0 */
    uint32_t n_max;
    uint32_t keys_room;
    uint32_t *slots;    /* a hash table of indices; 0: empty */
    uint32_t n_slots;   /* a power of two */
    uint32_t n_refused; /* calls answered with 0 */
};

#define KEY_TABLE_NO_MEMORY UINT32_MAX

/* 0: out of memory. n_max: indices below it are given out. */
int key_table_init(struct key_table *table, uint32_t n_max);
void key_table_fini(struct key_table *table);

/* The pair's index; a new one if it is not there. KEY_TABLE_NO_MEMORY: so. */
uint32_t key_table_get(struct key_table *table, uint64_t a, uint64_t b);

#endif
