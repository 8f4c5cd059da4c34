/* SPDX-License-Identifier: MIT */
/*
 * Who is doing what in a store: files in DIR/leases, made exclusively, whose
 * time is renewed while their owner lives. They save double work; nothing
 * depends on them for being right, since a point computed twice has the same
 * values and counts once.
 *
 * A lease is stale if its owner is a process of this host that is gone, or if
 * it has not been renewed for LEASE_STALE_S.
 */
#ifndef MMUSIM_CLI_SWEEP_LEASE_H
#define MMUSIM_CLI_SWEEP_LEASE_H

#include <stdbool.h>
#include <stddef.h>

enum {
    LEASE_RENEW_S = 10, /* guess: often enough to miss several */
    LEASE_STALE_S = 60, /* guess: longer than a busy NFS server stalls */
    LEASE_NAME_BYTES = 80,
    LEASE_TEXT_BYTES = 128,
};

/* What a lease's file says of its owner. */
struct lease_owner {
    char host[LEASE_TEXT_BYTES];
    char boot[LEASE_TEXT_BYTES]; /* of the host's kernel, and pid namespace */
    char user[LEASE_TEXT_BYTES];
    char since[LEASE_TEXT_BYTES]; /* local time, for reading */
    long pid;
    size_t n_workers;
    long skew_s; /* of this process: the file server's clock less ours */
    unsigned long long started; /* by the kernel's clock: tells equal pids */
};

enum lease_result { LEASE_TAKEN, LEASE_HELD, LEASE_FAILED };

/* This process, at work in a store. */
void lease_owner_init(struct lease_owner *owner, const char *dir);

/* Takes DIR/leases/NAME. LEASE_HELD: somebody has it, *holder; stale leases
 * are taken over. LEASE_FAILED: errno says why. */
enum lease_result lease_take(const char *dir, const char *name,
                             const struct lease_owner *owner,
                             struct lease_owner *holder);
/* As lease_take(), but a lease that anybody has is left alone, stale or not,
 * and not looked at. */
enum lease_result lease_take_free(const char *dir, const char *name,
                                  const struct lease_owner *owner);
/* Says that we are alive. */
void lease_renew(const char *dir, const char *name);
/* Removes a lease that is ours. */
void lease_drop(const char *dir, const char *name,
                const struct lease_owner *owner);

/* Removes stale leases: a process that is killed between writing its last
 * results and dropping their lease leaves one that nobody wants. */
void lease_clean(const char *dir);

/* Each lease of a store and whether it is stale; false: cannot be read. */
bool lease_each(const char *dir,
                void (*visit)(void *context, const char *name,
                              const struct lease_owner *owner, bool is_stale),
                void *context);

#endif
