/* SPDX-License-Identifier: MIT */
/*
 * What the files of the checker share. A page record is of one (address space,
 * size, page); its changes are a list, newest first. Open changes of an address
 * space are also in a list of their own.
 *
 * Invariants: versions of a page's changes fall along the list; a change is in
 * its space's open list until its uses_ruled_out is CHECKER_ANY_USE.
 */
#ifndef MMUSIM_COHERENCE_CHECKER_PARTS_H
#define MMUSIM_COHERENCE_CHECKER_PARTS_H

#include "coherence/checker.h"

enum checker_change_kind {
    CHANGE_GONE,   /* not present any more */
    CHANGE_FRAME,  /* another frame */
    CHANGE_SIZE,   /* from a page to a table or back, in one write */
    CHANGE_RIGHTS, /* fewer of them */
    CHANGE_CLEAN,  /* not dirty any more; nothing else */
    CHANGE_TABLE,  /* a table is pointed to no more */
};

enum checker_closing { CLOSED_BY_NOTHING, CLOSED_BY_FLUSH, CLOSED_BY_PROMISE };

struct checker_change {
    struct checker_change *older;     /* of the page */
    struct checker_change *next_open; /* of the space */
    struct checker_page *page;        /* NULL: dropped by its page */
    uint64_t version;
    uint64_t cycle;
    uint64_t pfn; /* the old frame or table */
    uint32_t cpu; /* that wrote */
    uint8_t kind;
    uint8_t lost;           /* rights */
    uint8_t uses_ruled_out; /* CHECKER_READ|WRITE|EXEC: a violation */
    uint8_t closing;        /* the last to rule any out */
    uint8_t promised;       /* CLOSED_BY_PROMISE: the verdict it named */
    bool is_of_table;       /* the word pointed to one */
    bool is_in_open_list;
    uint32_t closed_by_cpu;
    uint64_t closed_cycle;
    const char *promise; /* CLOSED_BY_PROMISE: by what */
    uint64_t seen[4];    /* CPUs that have used what came after (ORDER) */
};

struct checker_page_write {
    uint64_t cycle;
    uint32_t cpu;
    struct checker_word before, after;
};

struct checker_page {
    struct checker_page *next; /* in the bucket */
    struct checker_page *next_of_space;
    uint64_t mm;
    uint64_t number; /* vaddr >> shift */
    uint32_t shift;
    uint32_t n_changes;
    struct checker_change *changes;
    struct checker_page_write writes[CHECKER_PAGE_WRITES]; /* ring */
    uint64_t n_writes;
};

struct checker_space {
    struct checker_space *next; /* in the bucket */
    uint64_t mm;
    uint64_t last_change;
    uint64_t shifts; /* 1 << shift of the sizes that have page records */
    struct checker_change *open;
    struct checker_page *pages;
};

struct checker_frame {
    uint64_t pfn; /* + 1; 0: empty slot */
    uint64_t n_frames;
    uint64_t freed_version, freed_cycle;
    uint64_t taken_version, taken_cycle;
    uint32_t freed_cpu, taken_cpu;
};

enum { CHECKER_SPACE_BUCKETS = 256 };

struct checker_cpu {
    struct checker_event events[CHECKER_CPU_EVENTS]; /* ring */
    uint64_t n_events;
};

struct checker {
    struct checker_config config;
    uint64_t version;
    bool has_failed;
    struct checker_space *spaces[CHECKER_SPACE_BUCKETS];
    struct checker_page **buckets; /* n_buckets: a power of two */
    uint64_t n_buckets, n_pages;
    struct checker_frame *frames; /* open addressing */
    uint64_t n_frame_slots, n_frames;
    struct checker_flush flushes[CHECKER_FLUSHES]; /* ring */
    uint64_t n_flushes;
    struct checker_cpu *cpus;
    uint64_t counts[CHECKER_VERDICT_COUNT];
    struct checker_report *reports;
    size_t n_reports;
};

/* Stamps: the address space's number modulo 2^24 above the version. */
enum { CHECKER_VERSION_BITS = 40 };

static inline uint64_t checker_stamp_version(uint64_t stamp)
{
    return stamp & ((UINT64_C(1) << CHECKER_VERSION_BITS) - 1);
}

static inline uint64_t checker_stamp_space(uint64_t stamp)
{
    return stamp >> CHECKER_VERSION_BITS;
}

static inline uint64_t checker_space_number(uint64_t mm)
{
    return mm & ((UINT64_C(1) << (64 - CHECKER_VERSION_BITS)) - 1);
}

/* NULL: nothing is known of it. */
struct checker_space *mmusim__checker_space(const struct checker *checker,
                                            uint64_t mm);
struct checker_page *mmusim__checker_page(const struct checker *checker,
                                          uint64_t mm, uint64_t vaddr,
                                          uint32_t shift);
/* The record of a frame; NULL: none. */
const struct checker_frame *mmusim__checker_frame(const struct checker *checker,
                                                  uint64_t pfn);
/* Forgets everything; the memory of the records goes back. */
void mmusim__checker_forget_all(struct checker *checker);

/* What a report is made of. */
struct checker_found {
    enum checker_verdict verdict;
    struct checker_at at;
    uint64_t mm, vaddr, stamp;
    uint32_t need;
    bool is_kernel;
    const struct checker_change *change; /* NULL: none */
    uint64_t pfn;
};
void mmusim__checker_tell(struct checker *checker,
                          const struct checker_found *found);
/* The text of a report; NULL: out of memory. */
char *mmusim__checker_text(const struct checker *checker,
                           const struct checker_found *found, uint64_t *bytes);

#endif
