/* SPDX-License-Identifier: MIT */
/*
 * Naive page walks of every architecture, written from the manuals' figures
 * bit by bit; they share nothing with src/tlb/pt_*.c but the memory they read.
 * Each file says which manual and which tables.
 */
#ifndef MMUSIM_TESTS_MODEL_WALK_MODEL_H
#define MMUSIM_TESTS_MODEL_WALK_MODEL_H

#include "tlb/pt_memory.h"

enum walk_model_outcome {
    WALK_MODEL_MAPPED,
    WALK_MODEL_ABSENT, /* invalid: a translation fault */
    WALK_MODEL_BAD,    /* reserved, misconfigured, or address too large */
};

struct walk_model {
    enum walk_model_outcome outcome;
    uint32_t depth;     /* entries read */
    uint64_t paddr;     /* of the byte at the address */
    unsigned page_log2; /* bytes of the page that the entry translates */
    unsigned run_log2;  /* and of the run that it claims to be in */
    bool can_read;
    bool can_write;      /* at once */
    bool is_clean;       /* a store would have to mark it dirty first */
    bool is_user;        /* data accesses of the unprivileged level */
    bool can_user_run;   /* its fetches */
    bool can_kernel_run; /* those of the privileged level */
    bool is_global;
    bool is_accessed; /* the flag, in every entry that has one */
};

/* Bits high to low of a word, as a number. */
uint64_t model_bits(uint64_t word, unsigned high, unsigned low);
/* Without bits high to low. */
uint64_t model_above(uint64_t address, unsigned low);
bool model_bit(uint64_t word, unsigned bit);

struct arm_long_model {
    unsigned granule_log2; /* 12, 14, 16 */
    unsigned input_bits;
    unsigned output_bits; /* > 48: the layout with moved bits */
    int start_level;      /* the manual's: -1 to 3 */
    bool is_stage_2;
    bool is_lpae; /* Armv7: no DBM, XN for both levels */
};
struct walk_model arm_long_model_walk(const struct pt_memory *memory,
                                      const struct arm_long_model *arm,
                                      uint64_t root, uint64_t address);
/* The level at which stage 1 begins. */
int arm_long_model_start(unsigned granule_log2, unsigned input_bits);

struct walk_model arm_short_model_walk(const struct pt_memory *memory,
                                       uint64_t root, uint64_t address);

/* n_levels 3, 4, 5; stage 2 is Sv39x4 and so on. */
struct walk_model riscv_model_walk(const struct pt_memory *memory,
                                   unsigned n_levels, bool is_stage_2,
                                   uint64_t root, uint64_t address);

struct walk_model i386_model_walk(const struct pt_memory *memory, bool has_pse,
                                  uint64_t root, uint64_t address);
struct walk_model pae_model_walk(const struct pt_memory *memory, uint64_t root,
                                 uint64_t address);
struct walk_model ept_model_walk(const struct pt_memory *memory,
                                 unsigned n_levels, bool has_flags,
                                 uint64_t root, uint64_t address);

#endif
