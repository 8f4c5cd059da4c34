/* SPDX-License-Identifier: MIT */
/*
 * Hears a run (mmusim/observe.h) and counts what it costs by place: by the code
 * that caused it, by the mapping that was accessed, by the system call and who
 * made it, by thread. Each table holds all of the run: the sums over each are
 * the same, and equal the run's statistics.
 *
 * Memory grows with the distinct places, up to ANNOTATE_PLACES_MAX of each
 * kind; what comes later is in the row of index 0.
 */
#ifndef MMUSIM_CLI_ANNOTATE_COLLECT_H
#define MMUSIM_CLI_ANNOTATE_COLLECT_H

#include "cli/annotate_space.h"
#include "cli/key_table.h"
#include "cli/name_pool.h"
#include "mmusim/observe.h"

/* What is counted: enum suffix, word, unit, what it is. */
#define ANNOTATE_METRIC_MAP(X)                                                 \
    X(MISSES, "misses", "misses", "translations found in no TLB")              \
    X(FETCH_MISSES, "fetch_misses", "misses", "those of instruction fetches")  \
    X(WALKS, "walks", "walks", "page walks")                                   \
    X(WALK_CYCLES, "walk_cycles", "cycles", "time that walkers spent in them") \
    X(FAULTS, "faults", "faults", "page faults")                               \
    X(FAULT_CYCLES, "fault_cycles", "cycles", "time of CPUs inside them")      \
    X(OPERATIONS, "operations", "calls", "system calls of the trace")          \
    X(OPERATION_CYCLES, "operation_cycles", "cycles",                          \
      "time of CPUs inside them")                                              \
    X(FLUSHES, "flushes", "flushes", "TLB flushes that the kernel asked for")  \
    X(FLUSH_CYCLES, "flush_cycles", "cycles",                                  \
      "time of CPUs flushing their own TLBs, inside a call or fault")          \
    X(SHOOTDOWNS, "shootdowns", "shootdowns",                                  \
      "flushes that had to reach other CPUs")                                  \
    X(SHOOTDOWN_WAIT, "shootdown_wait", "cycles",                              \
      "time of CPUs sending interrupts and waiting for other CPUs")

enum annotate_metric {
#define ANNOTATE_METRIC_ENUM(name, word, unit, help) ANNOTATE_##name,
    ANNOTATE_METRIC_MAP(ANNOTATE_METRIC_ENUM)
#undef ANNOTATE_METRIC_ENUM
        ANNOTATE_METRICS
};

enum {
    ANNOTATE_PLACES_MAX = 1 << 20,
    ANNOTATE_SITES_MAX = 16, /* a call's frames; a trace holds no more */
    /* What addresses lie in that no mapping is known for. */
    ANNOTATE_OBJECT_NONE = 1,
    ANNOTATE_OBJECT_KERNEL = 2,
    ANNOTATE_OBJECT_HEAP = 3,
};

struct annotate_counts {
    uint64_t of[ANNOTATE_METRICS];
};

/* What is mapped: a file, or what goes by a name. */
struct annotate_object {
    const char *name; /* the path of a file */
    uint64_t build;   /* of the file; 0: unknown */
    int is_file;
};

/* Keys with their counts. */
struct annotate_table {
    struct key_table keys;
    struct annotate_counts *counts; /* by index */
    uint32_t room;
};

struct annotate_thread;

struct annotate_collector {
    struct name_pool *names;
    struct key_table object_keys; /* (name, is_file) */
    struct annotate_object *objects;
    uint32_t objects_room;
    struct annotate_table by_object;
    /* (object, offset or address); has counts of what is no system call */
    struct annotate_table by_code;
    /* (operation's name, chain of calls); (NULL, 0): user code */
    struct annotate_table by_call;
    struct annotate_table by_thread; /* (tid, 0) */
    struct key_table chains;       /* (chain of the caller, index in by_code) */
    struct annotate_space *spaces; /* by index in space_keys */
    struct key_table space_keys;   /* (the event's space, 0) */
    uint32_t spaces_room;
    struct annotate_thread *threads; /* by index in by_thread */
    uint32_t threads_room;
    uint32_t last_space;     /* index of the space seen last */
    int8_t bucket_kinds[64]; /* of mmusim_span_t, learnt by name */
    int has_lines;           /* the trace's fetches end at accesses */
    int has_images;          /* the trace says what is mapped */
    int has_failed;          /* memory is short */
};

/* 0: out of memory. fini accepts a half-built one. */
int annotate_collector_init(struct annotate_collector *collector);
void annotate_collector_fini(struct annotate_collector *collector);
/* Room for index in an array of its size, new elements zero; 0: out of memory.
 */
int annotate_reserve(void **list, uint32_t *room, uint32_t index, size_t size);
/* The key's index; 0, also if memory is short. */
uint32_t annotate_table_get(struct annotate_collector *collector,
                            struct annotate_table *table, uint64_t a,
                            uint64_t b);
/* The observer to add to the machine. */
mmusim_observer_t
annotate_collector_observer(struct annotate_collector *collector);

extern const char *const annotate_metric_words[]; /* ended by NULL */

#endif
