/* SPDX-License-Identifier: MIT */
/*
 * Which points this process computes next: it claims blocks by leases, a few
 * seconds' worth at a time, segment by segment, those with the longest points
 * first.
 */
#ifndef MMUSIM_CLI_SWEEP_CLAIMS_H
#define MMUSIM_CLI_SWEEP_CLAIMS_H

#include "cli/store_state.h"
#include "cli/sweep_lease.h"
#include "cli/sweep_store.h"

/* The points that a process is asked to see to. */
struct sweep_selection {
    size_t first; /* [first, end) */
    size_t end;
    size_t shard; /* blocks whose number leaves this remainder */
    size_t n_shards;
};

struct sweep_claim {
    size_t block;
    size_t first;
    size_t end;
    size_t next; /* the first that nobody was given */
    char name[LEASE_NAME_BYTES];
};

struct sweep_claims {
    const struct sweep_store *store;
    struct store_state *state;
    struct sweep_selection selection;
    struct lease_owner owner;
    size_t n_workers;
    struct sweep_claim *claims;
    size_t n;
    size_t max;
    size_t *returned; /* points that were given and came back */
    size_t n_returned;
    size_t segment; /* being worked on */
    bool meets_others;
    double refreshed_s; /* when results of others were looked for */
    double idle_s;      /* no look for more before then: there was nothing */
    bool *is_given;     /* by point */
    int error;          /* errno, when leases cannot be made */
};

/* 0 or an exit status after a message. */
int sweep_claims_init(struct sweep_claims *claims,
                      const struct sweep_store *store,
                      struct store_state *state,
                      const struct sweep_selection *selection,
                      size_t n_workers);
/* Drops all leases, too. */
void sweep_claims_fini(struct sweep_claims *claims);

/* Whether the selection is a part that is meant for this process alone. */
bool sweep_claims_has_own(const struct sweep_claims *claims);

/* How many points of the selection are open. */
size_t sweep_claims_open(const struct sweep_claims *claims);

/* Claims more where few points are left to give. 0 or an exit status. */
int sweep_claims_more(struct sweep_claims *claims);

/* A point to compute, of this source if there is one (SIZE_MAX: any). False:
 * there is none now. */
bool sweep_claims_next(struct sweep_claims *claims, size_t source,
                       size_t *point);
/* Gives a point back that was not computed. */
void sweep_claims_return(struct sweep_claims *claims, size_t point);

/* After a flush: drops the leases of blocks that have no open point. */
void sweep_claims_drop(struct sweep_claims *claims);
void sweep_claims_renew(const struct sweep_claims *claims);

/* Estimated microseconds that a segment's point takes; 0: unknown. */
double store_estimate_us(const struct store_state *state, size_t segment);

#endif
