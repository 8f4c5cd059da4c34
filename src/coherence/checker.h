/* SPDX-License-Identifier: MIT */
/*
 * The checker: an observer that hears of page-table writes, flushes, promises,
 * frees and uses of cached translations, and says when a use is one that the
 * operating system had ruled out. It knows neither machine nor protocol; the
 * machine and the scenario language both tell it what happens, in global order.
 *
 * Time is a *version*: a counter that rises with every harmful change and every
 * free. What is read from a page table carries a *stamp*, the version of that
 * moment and the address space; so does whatever is cached from it. A harmful
 * change (the page is gone, has another frame or size, fewer rights, or is
 * clean again) is *open* until
 *   (a) an operation that made it or found it made returns (promise),
 *   (b) a flush that covers it, begun after it, is declared complete, or
 *   (c) its frame is freed, or its contents are taken (stores only).
 * A use with a stamp older than an open change is allowed, and counted; with
 * one older than a closed change it is a violation. More rights and Accessed
 * are no harm. A CPU that uses nothing owes nothing; but a walk through a table
 * that has been freed since is a violation whoever walks.
 *
 * Left out: a page remembers its last CHECKER_PAGE_CHANGES changes.
 */
#ifndef MMUSIM_COHERENCE_CHECKER_H
#define MMUSIM_COHERENCE_CHECKER_H

#include "core/types.h"

#define CHECKER_VERDICT_MAP(X)                                                 \
    X(FRESH, "fresh", "nothing is wrong")                                      \
    X(ALLOWED, "allowed", "stale, while the change is still being announced")  \
    X(STALE_AFTER_COMPLETE, "STALE_AFTER_COMPLETE",                            \
      "a translation older than a flush that was complete, or than a promise") \
    X(STALE_PERM, "STALE_PERM", "a right that had been taken away was used")   \
    X(UAF_PAGE, "UAF_PAGE", "the page's frame had been freed")                 \
    X(UAF_TABLE, "UAF_TABLE", "a walk went through a freed page table")        \
    X(LOST_DIRTY, "LOST_DIRTY",                                                \
      "a store that the page's dirty state does not tell of, or that is lost") \
    X(WRONG_ASID, "WRONG_ASID", "an entry of another address space was used")  \
    X(GLOBAL_LEAK, "GLOBAL_LEAK",                                              \
      "a global entry was used that is stale or of another address space")     \
    X(OVERLAP, "OVERLAP", "two sizes for one address at the same time")        \
    X(SW_WALK, "SW_WALK", "a software walk went through a freed page table")   \
    X(ORDER, "ORDER", "the old translation was seen after the new one")

enum checker_verdict {
#define CHECKER_VERDICT_ENUM(name, word, help) CHECKER_##name,
    CHECKER_VERDICT_MAP(CHECKER_VERDICT_ENUM)
#undef CHECKER_VERDICT_ENUM
        CHECKER_VERDICT_COUNT
};

/* From here on verdicts are violations. */
#define CHECKER_FIRST_VIOLATION CHECKER_STALE_AFTER_COMPLETE

/* "STALE_PERM"; and what it means, in a few words. */
const char *mmusim__checker_verdict_name(enum checker_verdict verdict);
const char *mmusim__checker_verdict_help(enum checker_verdict verdict);

/* Rights in words and entries, the bits of tlb_entry.h. */
enum {
    CHECKER_READ = 1 << 0,
    CHECKER_WRITE = 1 << 1,
    CHECKER_EXEC = 1 << 2,
    CHECKER_USER = 1 << 3,
    CHECKER_DIRTY = 1 << 4,
    CHECKER_GLOBAL = 1 << 5,
    CHECKER_ANY_USE = CHECKER_READ | CHECKER_WRITE | CHECKER_EXEC,
};

enum {
    CHECKER_PAGE_CHANGES = 8,
    CHECKER_PAGE_WRITES = 6, /* kept for a report, a page */
    CHECKER_FLUSHES = 256,   /* kept for reports, of all */
    CHECKER_CPU_EVENTS = 16, /* kept for reports, a CPU */
    CHECKER_REPORT_FLUSHES = 8,
};

#define CHECKER_END_ALL UINT64_MAX

struct checker;

struct checker_config {
    uint32_t n_cpus;
    uint32_t max_reports; /* violations told in full; the rest is counted */
    /* The old translation after the new one on one CPU is a violation; else
     * hardware may do that while the change is open. */
    bool has_order;
};

/* NULL: out of memory. */
struct checker *mmusim__checker_create(const struct checker_config *config);
void mmusim__checker_destroy(struct checker *checker);
/* As if just created. */
void mmusim__checker_reset(struct checker *checker);
/* Memory was short: verdicts may be missing from then on. */
bool mmusim__checker_has_failed(const struct checker *checker);

/* ---- stamps ---- */

/* Of something read now from an address space's tables; never 0. Opaque to
 * those who carry it, but that an older one of the same address space is less;
 * 0 stands for "unknown" and is never stale. */
uint64_t mmusim__checker_stamp(const struct checker *checker, uint64_t mm);

/* The same with a version that mmusim__checker_last_change() has told: stamps
 * from there on, as many as the span less the version, are those of the address
 * space that cannot be stale. */
uint64_t mmusim__checker_stamp_at(uint64_t mm, uint64_t version);
uint64_t mmusim__checker_stamp_span(void);

/* The version now: for promises and flushes that begin. */
uint64_t mmusim__checker_version(const struct checker *checker);

/* ---- what the operating system does ---- */

/* Who did it, and when. */
struct checker_at {
    uint64_t cycle;
    uint32_t cpu;
};

/* What a word of a page table says. Not present: nothing else counts. */
struct checker_word {
    bool is_present;
    bool is_table; /* points to a table in frame pfn */
    uint64_t pfn;  /* first 4 KiB frame */
    uint32_t rights;
};

/* mm 0 is the kernel's; others are numbers that are never used again. */
struct checker_write {
    struct checker_at at;
    uint64_t mm;
    uint64_t vaddr; /* any that the word translates */
    uint32_t shift; /* log2 of the bytes that the word translates */
    struct checker_word before, after;
};

/* A word of a page table has been written: visible to walks from now on. */
void mmusim__checker_write(struct checker *checker,
                           const struct checker_write *write);

/* A flush that its issuer will wait for. */
struct checker_flush {
    struct checker_at at; /* begin */
    uint64_t mm;
    bool is_all_mms;     /* also the kernel's */
    uint64_t start, end; /* end: CHECKER_END_ALL for all */
    bool has_tables;     /* pointers to tables go, too */
    bool is_of_own;      /* a batch: it covers what its issuer has written */
    uint64_t version;    /* set by flush_begin */
    uint64_t end_cycle;  /* 0: not complete */
};

/* Returns its number. */
uint64_t mmusim__checker_flush_begin(struct checker *checker,
                                     const struct checker_flush *flush);
/* Declared complete by whoever issued it. */
void mmusim__checker_flush_end(struct checker *checker, uint64_t flush_number,
                               struct checker_at at);

/* An operation returns that rules out uses in a range. */
struct checker_promise {
    struct checker_at at;
    const char *what; /* "munmap", ...; lives as long as the checker */
    uint64_t mm;
    uint64_t start, end;
    uint64_t version; /* when it had looked at the last entry: changes before
                         that are what it promises to have taken effect */
    uint32_t uses;    /* CHECKER_READ|WRITE|EXEC that may not happen now */
    /* What such a use is: STALE_PERM after mprotect, LOST_DIRTY after
     * MADV_FREE; FRESH stands for STALE_AFTER_COMPLETE. It says also which
     * changes are promised: those that took rights by STALE_PERM alone, and by
     * LOST_DIRTY no page that whoever has cleared it is flushing just then. */
    enum checker_verdict verdict;
};
void mmusim__checker_promise(struct checker *checker,
                             const struct checker_promise *promise);

/* A block of frames, page or table, is free from now on; and is used anew. */
void mmusim__checker_freed(struct checker *checker, struct checker_at at,
                           uint64_t pfn, uint64_t n_frames);
/* The contents of a frame have been taken for good (written back as clean,
 * copied, compared): a store through a translation that is being withdrawn is
 * lost. */
void mmusim__checker_contents_taken(struct checker *checker,
                                    struct checker_at at, uint64_t pfn);
/* All that is known of an address space goes. */
void mmusim__checker_mm_end(struct checker *checker, uint64_t mm);

/* ---- what the hardware does ---- */

struct checker_use {
    struct checker_at at;
    uint64_t mm; /* running; of a kernel address: 0 */
    uint64_t vaddr;
    uint32_t need;   /* CHECKER_READ, WRITE or EXEC */
    uint64_t stamp;  /* of the entry used */
    uint32_t rights; /* of the entry, CHECKER_DIRTY and GLOBAL included */
    bool is_kernel;  /* by code in kernel mode; only told */
};

/* A cached translation is used; counts and records. */
enum checker_verdict mmusim__checker_use(struct checker *checker,
                                         const struct checker_use *use);

/* Could a use be anything but fresh? False is sure; cheap. */
bool mmusim__checker_may_be_stale(const struct checker *checker, uint64_t mm,
                                  uint64_t stamp);
/* Rises whenever may_be_stale's answer or a use's verdict for an address space
 * may change: a verdict FRESH stays for the same page and stamp until then. */
uint64_t mmusim__checker_last_change(const struct checker *checker,
                                     uint64_t mm);

struct checker_walk {
    struct checker_at at;
    uint64_t mm; /* whose tables; of a kernel address: 0 */
    uint64_t vaddr;
    uint64_t table_pfn; /* of the table read */
    uint32_t shift;     /* log2 of the bytes the pointer to it translates */
    uint64_t stamp;     /* of the pointer */
    bool is_software;   /* a lock-free walk of the kernel's: SW_WALK */
    bool is_lazy;       /* may use a pointer withdrawn, but not yet freed */
};

/* A walk reads a word of a table. */
enum checker_verdict mmusim__checker_walk(struct checker *checker,
                                          const struct checker_walk *walk);

/* A CPU holds two entries of different sizes for one address. */
struct checker_overlap {
    struct checker_at at;
    uint64_t mm;
    uint64_t vaddr;
    uint64_t older_stamp; /* of the two */
};
enum checker_verdict
mmusim__checker_overlap(struct checker *checker,
                        const struct checker_overlap *overlap);

/* ---- what is told in reports ---- */

enum checker_event_kind {
    CHECKER_EV_SWITCH, /* loads address space mm, with ASID `detail` */
    CHECKER_EV_LAZY,   /* goes on with it lazily */
    CHECKER_EV_INVAL,  /* removes entries in [start, end) of mm */
    CHECKER_EV_IPI,    /* takes an interrupt to flush */
    CHECKER_EV_ASID,   /* gives ASID `detail` to mm */
};

struct checker_event {
    enum checker_event_kind kind;
    uint64_t cycle;
    uint64_t mm;
    uint64_t start, end;
    uint64_t detail;
};

void mmusim__checker_note(struct checker *checker, uint32_t cpu,
                          const struct checker_event *event);

/* ---- results ---- */

/* A violation; kept for the first of each kind at a place. */
struct checker_report {
    enum checker_verdict verdict;
    struct checker_at at;
    uint64_t mm;
    uint64_t vaddr;
    uint64_t stamp_mm; /* whose entry it was */
    uint32_t need;     /* 0: a walk */
    bool is_kernel;
    uint64_t pfn;    /* the old frame or table */
    uint64_t n_uses; /* violations that are the same again */
    uint64_t text_bytes;
    char *text; /* histories, lines; the report's own */
};

uint64_t mmusim__checker_count(const struct checker *checker,
                               enum checker_verdict verdict);
/* Of all violations. */
uint64_t mmusim__checker_violations(const struct checker *checker);
/* The index-th report; NULL past the end. */
const struct checker_report *
mmusim__checker_report(const struct checker *checker, size_t index);

#endif
