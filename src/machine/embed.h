/* SPDX-License-Identifier: MIT */
/*
 * A machine in a host simulator's hands: see mmusim/embed.h.
 *
 * It is a machine that never runs a source. Its CPUs are started and wait; a
 * flush wakes one for its frames (coherence/cpu.h). Accesses use the CPUs'
 * translation hardware directly. The machine's queue has walks and messages;
 * who needs them takes events from it, in order.
 *
 * Kernel code of different CPUs must not meet out of order: a flush begins at
 * the host's cycle or at the greatest `now` of any CPU, whichever is later.
 */
#ifndef MMUSIM_MACHINE_EMBED_H
#define MMUSIM_MACHINE_EMBED_H

#include "coherence/ipi.h"
#include "machine/machine.h"
#include "mmusim/embed.h"
#include "tlb/walker.h"

/* Times beyond would wrap when latencies are added. */
#define MMUSIM_EMBED_LAST_CYCLE (UINT64_C(1) << 62)

enum { EMBED_MAX_RETRIES = 64 }; /* of one access, tables changing meanwhile */

struct embed_access {
    struct walk_request request; /* first: the walker's answer names it */
    struct mmusim_embed *embed;
    mmusim_embed_translation_t result;
    uint32_t n_retries;
    bool is_used;
    bool is_done;
    bool is_waited_for; /* by translate; else poll takes it */
    const char *error;  /* once done: why it has no result; NULL: it has */
    mmusim_status_t status;
    struct embed_access *next_done;
};

enum embed_work {
    WORK_NONE,
    WORK_INSTRUCTION, /* to be broadcast */
    WORK_SYNC,
    WORK_LOCAL, /* the sender's part of a shootdown */
    WORK_CALL,
    WORK_END,
};

struct embed_core {
    struct mmusim_embed *embed;
    uint64_t now;   /* of the last call */
    bool is_loaded; /* an address space has been */
    struct embed_access accesses[MMUSIM_EMBED_MAX_PENDING + 1];
    /* A flush in progress. */
    enum embed_work work;
    bool has_sync;
    struct inval_request request;
    struct flush_request flush;
    struct cpu_mask targets;
    uint64_t done_cycle;
};

struct embed_failure { /* of a callback; the first since the last call */
    bool has_failed;
    mmusim_diag_t diag;
};

struct mmusim_embed {
    struct mmusim_machine *machine;
    mmusim_embed_host_t host;
    struct pt_memory *host_tables; /* stands for them; NULL: own tables */
    struct pt_memory *own_tables; /* the machine's, then; put back at the end */
    struct walk_memory walk_memory;
    struct mm **spaces; /* by number - 1 */
    uint32_t n_spaces;
    struct embed_core *cores;
    struct pt_host pt_host;
    struct event stop; /* behind what is due */
    uint64_t advanced; /* everything up to here has been done */
    struct embed_access *first_done, *last_done; /* for poll */
    bool is_busy;                                /* inside a call */
    bool is_out_of_memory;
    struct embed_failure failure;
};

/* Begins a call: refuses one from a callback, and every one after memory was
 * short. end() says what has failed meanwhile, if nothing else has. */
mmusim_status_t mmusim__embed_begin(struct mmusim_embed *embed,
                                    mmusim_diag_t *diag);
mmusim_status_t mmusim__embed_end(struct mmusim_embed *embed,
                                  mmusim_status_t status, mmusim_diag_t *diag);
/* The same for a call of a core at a cycle; does what is due until then. */
mmusim_status_t mmusim__embed_begin_at(struct mmusim_embed *embed,
                                       uint32_t core, uint64_t now,
                                       mmusim_diag_t *diag);
/* Takes the first event; false if there is none. */
bool mmusim__embed_step(struct mmusim_embed *embed);
/* cpu->run_user of an embedded CPU. */
void mmusim__embed_run(struct cpu *cpu);
/* The walker's answers. */
void mmusim__embed_on_answer(void *context, struct walk_request *request,
                             enum walk_outcome outcome, uint64_t now);
/* Puts the host's tables and times under the walkers. */
mmusim_status_t mmusim__embed_init_host(struct mmusim_embed *embed,
                                        const mmusim_embed_host_t *host,
                                        mmusim_diag_t *diag);

#endif
