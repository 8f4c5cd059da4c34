/* SPDX-License-Identifier: MIT */
/*
 * What a site allows, as `scontrol show config` tells it, and sacctmgr where
 * the site keeps accounts.
 */
#ifndef MMUSIM_CLI_SLURM_SITE_H
#define MMUSIM_CLI_SLURM_SITE_H

#include <stdbool.h>
#include <stdint.h>

struct slurm_site {
    uint64_t max_array_tasks; /* of one array; 1: the site has no arrays */
    uint64_t max_tasks;       /* that one sweep should have queued at a time */
    char version[32];         /* of the controller */
    char cluster[64];
};

/* What there is if Slurm's commands are not there. */
enum slurm_absence {
    SLURM_MUST_BE_THERE,
    SLURM_MAY_BE_ABSENT, /* the defaults of slurm.conf(5) */
};

/* Asks the site; 0 or an exit status after a message. */
int slurm_site_ask(struct slurm_site *site, uint64_t patience_s, bool is_quiet,
                   enum slurm_absence absence);

/* The parts that need no site. The text of `scontrol show config`; false: it
 * is none. */
bool slurm_site_read_config(struct slurm_site *site, const char *text,
                            bool *has_accounts);
/* The text of `sacctmgr --noheader --parsable2 show associations
 * format=MaxSubmitJobs,GrpSubmitJobs`: the least limit counts. */
void slurm_site_read_limits(struct slurm_site *site, const char *text);

#endif
