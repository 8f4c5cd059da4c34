/* SPDX-License-Identifier: MIT */
/*
 * The checker (checker.h) on a machine of CPUs: whose translation it is, when
 * it was used, and what the CPUs have done lately.
 *
 * CPUs run ahead of each other through their hits; a use counts at its own
 * cycle all the same. So uses are written into a log, a CPU each, and are
 * judged when what they depend on is about to change: before a page-table
 * write, the end of a flush, a promise or a free at cycle T all uses before T
 * are judged by the state as it was. At T itself accesses come after what the
 * kernel does (event_queue.h: EVENT_ACCESS is the last class). Nothing the
 * checker does is seen by what it observes, and the order in which the host
 * runs the CPUs makes no difference.
 */
#ifndef MMUSIM_COHERENCE_CHECK_CPUS_H
#define MMUSIM_COHERENCE_CHECK_CPUS_H

#include "coherence/checker.h"
#include "coherence/system.h"

enum {
    CHECK_LOG_USES = 1024,
    CHECK_MEMOS = 256, /* a power of two */
};

/* A use by user code or a kernel thread. */
struct check_use {
    uint64_t cycle;
    uint64_t vaddr;
    uint64_t stamp;
    uint32_t rights;
    uint16_t need; /* CHECKER_READ, ... */
    /* In the CPU's event of that cycle: before whatever other events of the
     * same cycle change later. Else run ahead: it stands where its own event
     * of class EVENT_ACCESS would. */
    bool is_event;
};

/* Found fresh by the changes up to a version. */
struct check_memo {
    uint64_t vpn;
    uint64_t stamp;
    uint64_t version;
};

enum { CHECK_BATCH_SPACES = 32 }; /* SWAP_CLUSTER_MAX pages a batch */

/* Address spaces in a CPU's batch of deferred flushes. */
struct check_batch {
    uint64_t mms[CHECK_BATCH_SPACES];
    uint32_t n;
};

struct check_log {
    struct check_use *uses; /* CHECK_LOG_USES of them */
    uint32_t first, end;    /* those not judged yet, in the order of time */
    uint64_t mm;            /* loaded when they happened */
    struct check_memo *memos;
    struct check_batch batch;
};

struct check {
    struct checker *checker;
    struct system *system;
    const struct pt_format *format;
    struct check_log *logs; /* by CPU */
    uint64_t n_uses;        /* judged */
    struct mmu_watch watch;
};

/* NULL: out of memory. format is borrowed. */
struct check *mmusim__check_create(struct system *system,
                                   const struct pt_format *format,
                                   uint32_t max_reports);
void mmusim__check_destroy(struct check *check);

/* Who acts at present, and when: for frames' steps. */
struct checker_at mmusim__check_now(const struct check *check);
/* Judges all uses before a cycle and the events of it so far; before the
 * checker is told of a change. */
void mmusim__check_settle(struct check *check, uint64_t cycle);

/* Makes room for another use of a CPU whose present cycle is `now`, and says
 * how many there is room for. */
uint32_t mmusim__check_make_room(struct check *check, uint32_t cpu,
                                 uint64_t now);
/* A use: there is room. */
static inline void check_log_use(struct check_log *log,
                                 const struct check_use *use)
{
    log->uses[log->end++] = *use;
}

/* The CPU has another address space loaded, or keeps it lazily. */
void mmusim__check_switched(struct check *check, const struct cpu *cpu);

/* A flush: pushes a frame that tells when it is complete, below those that the
 * protocol pushes. Nothing if nobody checks. */
void mmusim__check_flush(struct cpu *cpu, const struct checker_flush *flush);
/* An entry waits in the CPU's batch; the batch is flushed (pushes frames). */
void mmusim__check_batch_add(struct cpu *cpu, uint64_t mm);
void mmusim__check_batch_flush(struct cpu *cpu);

#endif
