/* SPDX-License-Identifier: MIT */
/*
 * A page-table format: the shape of its tables, and how a word is read and
 * made. A file per architecture, pt_<arch>.c, makes formats from options; one
 * line in pt_table.c names it. Only the format knows where bits lie and which
 * combinations are legal.
 *
 * Two sizes of a leaf (orders, core/types.h): `order` is the page that the
 * leaf translates, more than its own entry's share where the architecture
 * repeats one descriptor (Armv7 large pages and supersections, Svnapot);
 * `run_order` is that of the run that the entry claims to be part of by a hint
 * (Arm's contiguous bit), else the same.
 */
#ifndef MMUSIM_TLB_PT_FORMAT_H
#define MMUSIM_TLB_PT_FORMAT_H

#include "tlb/pt_memory.h"
#include "tlb/tlb_entry.h"

/* In pt_entry.rights only, see pt_leaf_rights: code may be fetched by the
 * privileged level from pages that the user cannot use (Arm PXN, PXNTable);
 * what lies below is not global (RISC-V: G of a pointer to a table). */
enum { PT_PRIVILEGED_EXEC = 1 << 9, PT_LOCAL = 1 << 8 };

/* What a walk holds before its first entry. */
enum {
    PT_ALL_RIGHTS = TLB_READ | TLB_WRITE | TLB_EXEC | TLB_USER |
                    PT_PRIVILEGED_EXEC | PT_LOCAL,
};

/* A decoded entry. rights are this entry's own, TLB_* of tlb_entry.h; a walk
 * combines the levels above a leaf by AND, and the leaf by pt_leaf_rights.
 * DIRTY and GLOBAL are those of a leaf. WRITE without DIRTY: a store sets the
 * dirty state first, by hardware where pt_format.sets_dirty and the machine
 * does, else by a fault. Present, not accessed: the same for the access flag.
 */
struct pt_entry {
    bool is_present;
    /* Present but unusable: a reserved bit is set (x86, RISC-V), or an address
     * too large (Arm, Address size fault). What Arm treats as invalid is not
     * present. */
    bool is_reserved;
    bool is_leaf;
    bool is_accessed;
    uint8_t order;     /* of a leaf; see above */
    uint8_t run_order; /* of a leaf; see above; >= order */
    uint32_t rights;
    pfn_t pfn;      /* of the page's first frame; of a next table's frame */
    uint64_t table; /* address of the next table */
};

enum pt_stage {
    PT_STAGE_1, /* virtual to (guest-)physical */
    PT_STAGE_2, /* guest-physical to physical: EPT, Arm stage 2, hgatp */
};

struct pt_level {
    uint8_t shift;    /* lowest address bit of the index */
    uint8_t bits;     /* of the index */
    uint8_t run_log2; /* entries of a run that leaves can claim; 0: none */
    /* Hardware tables that one table of the OS holds, side by side, under as
     * many entries of the next level up: 2^n. Armv7 under Linux has 1. */
    uint8_t joint_log2;
    bool has_leaves;
    uint16_t os_offset; /* where in its frame the OS puts such a table */
};

struct pt_format {
    char name[32]; /* "armv8 16K 47-bit stage 2", for messages */
    uint32_t n_levels;
    uint32_t vaddr_bits;
    uint32_t paddr_bits;
    uint32_t word_log2;     /* log2 of an entry's bytes: 2 or 3 */
    uint32_t granule_order; /* of the smallest page: 0 = 4K, 2 = 16K, 4 = 64K */
    enum pt_stage stage;
    bool has_split_roots; /* the upper half has a root of its own: TTBR1 */
    /* Hardware of this architecture may set the accessed / dirty state. */
    bool sets_accessed, sets_dirty;
    bool has_privileged_exec; /* rights know PT_PRIVILEGED_EXEC */
    bool has_global_tables;   /* rights know PT_LOCAL */
    struct pt_level levels[PT_MAX_LEVELS];

    /* The entry read at a level (0 = leaf level of the smallest pages). */
    struct pt_entry (*decode)(const struct pt_format *format, uint64_t word,
                              uint32_t level);
    /* A leaf mapping a page of the level's size, one that may be read (x86:
     * P implies it; PROT_NONE has no leaf); an entry of a level that points to
     * a table at an address, Accessed from the start as Linux makes them. */
    uint64_t (*make_leaf)(const struct pt_format *format, pfn_t pfn,
                          uint32_t level, uint32_t rights, bool is_accessed);
    uint64_t (*make_table)(const struct pt_format *format, uint64_t table,
                           uint32_t level);
    /* The leaf with Accessed set; with Accessed and Dirty set. */
    uint64_t (*set_accessed)(uint64_t word, uint32_t level);
    uint64_t (*set_dirty)(uint64_t word, uint32_t level);
    /* A leaf made not present that keeps its frame and rights (PROT_NONE), and
     * back; reveal of a word that was never hidden gives it unchanged. */
    uint64_t (*hide)(uint64_t word, uint32_t level);
    uint64_t (*reveal)(uint64_t word, uint32_t level);
    /* The leaf as a member of a run of 2^run_log2 entries, all of which must
     * be written (for Arm's contiguous bit with frames that follow each
     * other, else with words that are equal). NULL: the format has none. */
    uint64_t (*join)(const struct pt_format *format, uint64_t word,
                     uint32_t level);
};

static inline uint32_t pt_index(const struct pt_format *format, uint64_t vaddr,
                                uint32_t level)
{
    const struct pt_level *at = &format->levels[level];

    return (uint32_t) (vaddr >> at->shift) & ((1U << at->bits) - 1);
}

/* Is the address the kernel's? With 64-bit addresses the upper half; with 32
 * bits the last GiB, as Linux splits by default on i386 and Arm. */
static inline bool pt_is_upper(const struct pt_format *format, uint64_t vaddr)
{
    return format->vaddr_bits > 32 ? vaddr >> 63
                                   : vaddr >= UINT64_C(0xc0000000);
}

/* The address of the entry that translates vaddr in a table of a level. */
static inline uint64_t pt_word_paddr(const struct pt_format *format,
                                     uint64_t table, uint64_t vaddr,
                                     uint32_t level)
{
    return table +
           ((uint64_t) pt_index(format, vaddr, level) << format->word_log2);
}

/* Bits of an address that the lower half's root translates: all where the
 * upper half has its own, or an address has 32 bits and the OS divides them;
 * else one less, the sign. */
static inline uint32_t pt_half_bits(const struct pt_format *format)
{
    bool is_whole = format->has_split_roots || format->vaddr_bits == 32;

    return format->vaddr_bits - !is_whole;
}

/* Do the tables reach the address? Sign-extended (Intel SDM vol. 1 3.3.7.1;
 * RISC-V), or in one of two ranges with a root of its own each (Arm). */
static inline bool pt_is_canonical(const struct pt_format *format,
                                   uint64_t vaddr)
{
    uint32_t half_bits = pt_half_bits(format);
    uint64_t above = vaddr >> half_bits;

    return !above ||
           (format->vaddr_bits > 32 && above == UINT64_MAX >> half_bits);
}

/* The order of what one entry of a level maps. */
static inline uint32_t pt_level_order(const struct pt_format *format,
                                      uint32_t level)
{
    return format->levels[level].shift - (uint32_t) BASE_PAGE_SHIFT;
}

/* The order of what a table of a level maps as a whole. */
static inline uint32_t pt_span_order(const struct pt_format *format,
                                     uint32_t level)
{
    return pt_level_order(format, level) + format->levels[level].bits;
}

/* The level whose leaves map pages of an order, PT_MAX_LEVELS if none does. */
static inline uint32_t pt_leaf_level(const struct pt_format *format,
                                     uint32_t order)
{
    for (uint32_t level = 0; level < format->n_levels; level++) {
        if (format->levels[level].has_leaves &&
            pt_level_order(format, level) == order)
            return level;
    }
    return PT_MAX_LEVELS;
}

/* The rights of a translation, without DIRTY: of all levels above and the
 * leaf's own. In stage 2, USER is always set. */
static inline uint32_t pt_leaf_rights(const struct pt_format *format,
                                      uint32_t above, uint32_t leaf)
{
    uint32_t rights = above & leaf;

    if (format->has_privileged_exec && !(rights & TLB_USER)) {
        rights &= ~(uint32_t) TLB_EXEC;
        if (rights & PT_PRIVILEGED_EXEC)
            rights |= TLB_EXEC;
    }
    if ((leaf & TLB_GLOBAL) ||
        (format->has_global_tables && !(above & PT_LOCAL)))
        rights |= TLB_GLOBAL;
    return rights & ~(uint32_t) (PT_PRIVILEGED_EXEC | PT_LOCAL | TLB_DIRTY);
}

/* The shape of a table as the OS makes them, with its frame at pfn: 4 KiB for
 * most, see pt_level. */
static inline struct pt_shape pt_os_shape(const struct pt_format *format,
                                          pfn_t pfn, uint32_t level)
{
    const struct pt_level *at = &format->levels[level];

    return (struct pt_shape){
        .paddr = pfn_paddr(pfn) + at->os_offset,
        .level = level,
        .n_words = 1U << (at->bits + at->joint_log2),
        .word_log2 = format->word_log2,
    };
}

/* x86-64 with 4 or 5 levels; NULL for any other number. */
const struct pt_format *mmusim__pt_format_x86_64(uint32_t n_levels);

/* Which format; 0 or NULL: the architecture's usual one. */
struct pt_options {
    const char *isa;     /* "x86-64", as in the configuration */
    const char *variant; /* "lpae" or "short" for armv7; see pt_table.c */
    uint32_t n_levels;
    uint32_t granule_bytes; /* of the smallest page */
    uint32_t vaddr_bits;
    uint32_t paddr_bits;
    enum pt_stage stage;
};

/* Makes the format that the options ask for. MMUSIM_CONFIG: the architecture
 * has none like that; diag (may be NULL) names the key page_table.* and says
 * what is possible. */
mmusim_status_t mmusim__pt_format_init(struct pt_format *format,
                                       const struct pt_options *options,
                                       mmusim_diag_t *diag);

#endif
