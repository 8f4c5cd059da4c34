/* SPDX-License-Identifier: MIT */
/*
 * The dictionary that encoder and decoder of records build alike while they
 * go through a block (docs/trace-format.md).
 *
 * A unit is a head (FETCH, NOMEM or none) and the accesses after it; a slot is
 * one of its accesses: kind, flags and size are fixed, the address is coded as
 * a difference to the slot's last one. Units and slots are two rings: the
 * oldest unit goes when its number or its slots are needed.
 *
 * Invariant: live units lie in the slot ring in order of age, so that only
 * the oldest can be in the way.
 */
#ifndef MMUSIM_TRACE_RECORD_DICT_H
#define MMUSIM_TRACE_RECORD_DICT_H

#include "core/op.h"

enum {
    DICT_UNITS = 2048,
    DICT_SLOTS = 4096,
    DICT_NONE = DICT_UNITS,
    DICT_DEAD = 0xff, /* n_slots of a unit that is not there */
    UNIT_SLOTS_MAX = 16,
    UNIT_RECORDS_MAX = UNIT_SLOTS_MAX + 1,
    UNIT_HEAD_NONE = 0xf, /* meta of a unit without a head */

    /* First number of every unit or SYS record in a block. */
    TOKEN_SUCCESSOR = 0, /* the unit that followed the last one before */
    TOKEN_OTHER = 1,     /* the one that followed it before that */
    TOKEN_SYS = 2,
    TOKEN_DEFINE = 3,
    TOKEN_KNOWN = 4, /* + number of the unit */

    SIZE_CODE_EXPLICIT = 31, /* else log2 of an access's bytes */
    /* Most bytes a unit or SYS record takes, with room to spare. */
    RECORD_BYTES_MAX = 1280,
};

struct dict_unit {
    uint64_t vaddr;
    uint32_t count;
    uint32_t meta;
    uint16_t first_slot;
    uint16_t successors[2];
    uint8_t n_slots;
};

struct record_dict {
    struct dict_unit units[DICT_UNITS];
    uint64_t slot_vaddrs[DICT_SLOTS];
    uint32_t slot_metas[DICT_SLOTS];
    uint32_t n_live;
    uint32_t oldest;
    uint32_t next_slot;
    uint32_t previous; /* the unit before */
    uint64_t last_vaddr;
    uint64_t last_head_end;
    uint64_t last_sync;
};

static inline void dict_reset(struct record_dict *dict)
{
    for (unsigned i = 0; i < DICT_UNITS; i++)
        dict->units[i].n_slots = DICT_DEAD;
    dict->units[0].successors[0] = 0;
    dict->units[0].successors[1] = 0;
    dict->n_live = 0;
    dict->oldest = 0;
    dict->next_slot = 0;
    dict->previous = 0;
    dict->last_vaddr = 0;
    dict->last_head_end = 0;
    dict->last_sync = 0;
}

/* A unit without accesses holds a slot too: it keeps its place in the ring. */
static inline uint32_t dict_room_of(uint32_t n_slots)
{
    return n_slots ? n_slots : 1;
}

/* The unit that must go before one of n_slots fits, or DICT_NONE. */
static inline uint32_t dict_victim(const struct record_dict *dict,
                                   uint32_t n_slots)
{
    const struct dict_unit *oldest = &dict->units[dict->oldest];
    uint32_t room = dict_room_of(n_slots);
    uint32_t start = dict->next_slot;

    if (dict->n_live == 0)
        return DICT_NONE;
    if (dict->n_live == DICT_UNITS)
        return dict->oldest;
    if (start + room > DICT_SLOTS) {
        if (oldest->first_slot >= start)
            return dict->oldest;
        start = 0;
    }
    if (oldest->first_slot < start + room &&
        oldest->first_slot + dict_room_of(oldest->n_slots) > start)
        return dict->oldest;
    return DICT_NONE;
}

static inline void dict_evict_oldest(struct record_dict *dict)
{
    dict->units[dict->oldest].n_slots = DICT_DEAD;
    dict->oldest = (dict->oldest + 1) % DICT_UNITS;
    dict->n_live--;
}

/* There is no victim. Slots begin at the last address seen; the caller sets
 * their metas. */
static inline uint32_t dict_place(struct record_dict *dict,
                                  const struct dict_unit *head,
                                  uint32_t n_slots)
{
    uint32_t index = (dict->oldest + dict->n_live++) % DICT_UNITS;
    struct dict_unit *unit = &dict->units[index];

    if (dict->next_slot + dict_room_of(n_slots) > DICT_SLOTS)
        dict->next_slot = 0;
    *unit = *head;
    unit->first_slot = (uint16_t) dict->next_slot;
    unit->n_slots = (uint8_t) n_slots;
    unit->successors[0] = (uint16_t) index;
    unit->successors[1] = (uint16_t) index;
    for (uint32_t i = 0; i < n_slots; i++)
        dict->slot_vaddrs[dict->next_slot + i] = dict->last_vaddr;
    dict->next_slot += dict_room_of(n_slots);
    return index;
}

/* index has come after the previous unit. */
static inline void dict_follow(struct record_dict *dict, uint32_t index)
{
    struct dict_unit *previous = &dict->units[dict->previous];

    if (previous->successors[0] != index) {
        previous->successors[1] = previous->successors[0];
        previous->successors[0] = (uint16_t) index;
    }
    dict->previous = index;
}

static inline uint64_t zigzag(uint64_t difference)
{
    return difference << 1 ^ (0 - (difference >> 63));
}

static inline uint64_t unzigzag(uint64_t value)
{
    return value >> 1 ^ (0 - (value & 1));
}

#endif
