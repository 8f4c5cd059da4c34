/* SPDX-License-Identifier: MIT */
/* The bench of the conformance matrix: a machine, what is cached in it, an
 * instruction on it. */
#ifndef MMUSIM_TESTS_CONFORMANCE_CONFORM_BENCH_H
#define MMUSIM_TESTS_CONFORMANCE_CONFORM_BENCH_H

#include "conformance/conform.h"
#include "support/small_system.h"

enum {
    ADDRESSES = 3, /* the page named, the next one, one far away */
    MAX_ENTRIES = 16384,
    MAX_WRONG = 12, /* that are printed */
    WALK_CYCLES = 101,
};

enum organisation {
    SPLIT,       /* loads, stores and fetches apart; a pointer cache a level */
    FRAGMENTS,   /* small pages alone in every TLB; pointers in the L2 TLB */
    WALK_CACHED, /* one L1 for data, L2 split, one cache of all pointers */
    ORGANISATIONS
};

/* What is cached: an entry of an array, and what a manual would say of it. */
struct found {
    const struct tlb_array *array;
    uint64_t key;
    uint32_t slot;
    struct conform_entry entry;
};

struct bench {
    const struct conform_machine *machine;
    struct pt_format format;
    struct small_system *small;
    enum organisation organisation;
    struct conform_target target;
    bool is_global;
    uint64_t pages[ADDRESSES]; /* first address of each */
    uint64_t gpages[ADDRESSES];
    struct found *found;
    size_t n_found;
    bool needs_planting[PLACES];
    struct conform_counts *counts;
    uint32_t stride;
};

struct issue {
    struct inval_request request;
};

struct cpu *conform_cpu(const struct bench *bench, enum conform_place place);
void conform_wipe(struct mmu *mmu);
void conform_load(const struct bench *bench, enum conform_place place,
                  const struct tlb_context *context);
bool conform_decode(const struct bench *bench, const struct conform_case *c,
                    struct issue *issue);
void conform_issue_to_harts(struct bench *bench,
                            const struct inval_request *request);
void conform_wrong(const struct bench *bench, const struct conform_case *c,
                   const struct conform_entry *entry, const char *what);
enum conform_verdict conform_verdict_of(const struct bench *bench,
                                        const struct conform_case *c,
                                        const struct conform_entry *entry);

/* Is the i-th case of the present machine in the sample? */
bool conform_is_sampled(const struct bench *bench, size_t i);

/* Walks in flight when the instructions of a list come (conform_walks.c). */
void conform_run_walks(struct bench *bench, const struct conform_list *list);

#endif
