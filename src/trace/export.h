/* SPDX-License-Identifier: MIT */
/*
 * Records -> foreign formats. A format is one file with one struct export_ops,
 * and one line in export_table.c. What it cannot hold is counted and told.
 */
#ifndef MMUSIM_TRACE_EXPORT_H
#define MMUSIM_TRACE_EXPORT_H

#include "core/op.h"
#include "trace/byte_pack.h"

enum {
    EXPORT_LOADS_MAX = 4,
    EXPORT_STORES_MAX = 2,
};

/* Why a record, or a part of one, is not in what is written. */
struct export_losses {
    uint64_t n_sys[SYS_KIND_COUNT];
    uint64_t n_nomem;       /* instructions that touch no memory */
    uint64_t n_zeros;       /* accesses at address 0 */
    uint64_t n_repeated;    /* instructions written more than once */
    uint64_t n_reordered;   /* loads that now come before stores */
    uint64_t n_early;       /* accesses before the first instruction */
    bool has_no_sizes;      /* sizes are lost */
    bool has_guessed_parts; /* instructions of a fetch are taken as equal */
};

/* The instruction being collected; a format's own. */
struct export_instruction {
    bool is_open;
    struct op_record fetch; /* that it is of */
    uint32_t part;          /* of n_parts in it */
    uint32_t n_parts;
    uint64_t vaddr;
    uint32_t n_loads;
    uint32_t n_stores;
    uint64_t loads[EXPORT_LOADS_MAX];
    uint64_t stores[EXPORT_STORES_MAX];
    /* An access that may be the first half of a modify; has_pending. */
    bool has_pending;
    struct op_record pending;
};

struct export_run {
    struct byte_packer *packer;
    struct export_losses losses;
    struct export_instruction instruction;
};

struct export_ops {
    const char *name; /* as in --to NAME */
    const char *what; /* one line: what it holds */
    /* One record of the one thread; not SYS, which are counted as lost. */
    void (*put)(struct export_run *run, const struct op_record *record);
    void (*end)(struct export_run *run);
};

extern const struct export_ops *const mmusim__export_table[];
extern const uint32_t mmusim__export_table_size;

/* The part number part of the n instructions in a fetch: equal parts, the last
 * takes the rest. */
static inline void export_part(const struct op_record *fetch, uint32_t n,
                               uint32_t part, uint64_t *vaddr, uint32_t *bytes)
{
    uint32_t each = op_bytes_of(fetch) / n;

    *vaddr = fetch->vaddr + (uint64_t) part * each;
    *bytes = part + 1 == n ? op_bytes_of(fetch) - part * each : each;
}

/* Instructions to write for a fetch: none is shorter than a byte. */
static inline uint32_t export_parts(struct export_run *run,
                                    const struct op_record *fetch)
{
    uint32_t n =
        fetch->count < op_bytes_of(fetch) ? fetch->count : op_bytes_of(fetch);

    run->losses.has_guessed_parts |= n > 1;
    return n ? n : 1;
}

#endif
