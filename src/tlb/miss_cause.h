/* SPDX-License-Identifier: MIT */
/*
 * Why each last-level miss happened (docs: design, "what is charged").
 *
 * A *translation* is one life of a mapping: installed with a frame and a size,
 * until its entry is cleared or replaced. Its number (id) is dense and reused;
 * its generation tells lives of one number apart. Per CPU, the log remembers
 * for each translation the CPU has held the event that last removed or refused
 * its entry. Not in the log: the CPU never held it, the miss is cold.
 *
 * Memory: per CPU 8-byte cells at a load of 2/3 to 7/8, 9.65 bytes a
 * translation on average; cells of dead ones are dropped when a piece of the
 * log grows. 8 bytes per translation for all CPUs together.
 */
#ifndef MMUSIM_TLB_MISS_CAUSE_H
#define MMUSIM_TLB_MISS_CAUSE_H

#include "core/types.h"

#define MISS_CAUSE_MAP(X)                                                      \
    X(COLD, "cold", "first use of this translation by this core")              \
    X(CAPACITY, "capacity", "replaced by the same address space")              \
    X(FULL_FLUSH, "full_flush", "removed by a shootdown's full flush")         \
    X(PAGE_FLUSH, "page_flush", "removed by a shootdown's page flush")         \
    X(SWITCH, "switch", "removed by an address-space load")                    \
    X(ASID, "asid", "replaced by another address space")                       \
    X(OTHER, "other", "removed by anything else")

enum miss_cause {
#define MISS_CAUSE_ENUM(name, word, help) MISS_##name,
    MISS_CAUSE_MAP(MISS_CAUSE_ENUM)
#undef MISS_CAUSE_ENUM
        MISS_CAUSE_COUNT
};

/* Living translations, shared by all CPUs of a machine. id 0 is "none". */
struct translation_table;

struct translation_table *mmusim__translations_create(void);
void mmusim__translations_destroy(struct translation_table *table);
/* A new translation's id; 0 if memory is short. */
uint32_t mmusim__translation_begin(struct translation_table *table);
void mmusim__translation_end(struct translation_table *table, uint32_t id);

/* One CPU's log. */
struct miss_log;

struct miss_log *mmusim__miss_log_create(const struct translation_table *table);
void mmusim__miss_log_destroy(struct miss_log *log);
/* The CPU has taken (or again taken) a translation into its TLB: from now on
 * a loss without further notice is CAPACITY. False: memory is short. */
bool mmusim__miss_log_filled(struct miss_log *log, uint32_t id);
/* Its entry has been removed, or a fill refused, for this cause. Dead or id 0:
 * nothing happens. False: memory is short. */
bool mmusim__miss_log_removed(struct miss_log *log, uint32_t id,
                              enum miss_cause cause);
/* The cause of a miss on this translation now. id 0 (no translation exists
 * yet): MISS_COLD. */
enum miss_cause mmusim__miss_log_cause(const struct miss_log *log, uint32_t id);

#endif
