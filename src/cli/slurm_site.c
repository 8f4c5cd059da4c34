/* SPDX-License-Identifier: MIT */
/* Source of the keys: slurm.conf(5) and sacctmgr(1) of Slurm 22.05. */
#include "cli/slurm_site.h"

#include "cli/cli.h"
#include "cli/slurm_command.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    /* guess: a sweep leaves half of the controller's job table to others;
     * every task of an array counts in it (slurm.conf(5), MaxJobCount) */
    SITE_SHARE = 2,
    SITE_JOBS_DEFAULT = 10000, /* slurm.conf(5), MaxJobCount */
    SITE_ARRAY_DEFAULT = 1001, /* slurm.conf(5), MaxArraySize */
    SITE_RESERVE = 2, /* the job that merges; what is in the queue already */
};

/* The value of "Key   = VALUE" at a line's begin; NULL: not this key. */
static const char *site_value(const char *line, const char *key)
{
    size_t length = strlen(key);

    if (strncmp(line, key, length))
        return NULL;
    line += length;
    line += strspn(line, " \t");
    if (*line != '=')
        return NULL;
    return line + 1 + strspn(line + 1, " \t");
}

static void site_number(const char *line, const char *key, uint64_t *number)
{
    const char *value = site_value(line, key);

    if (value && value[0] >= '0' && value[0] <= '9')
        *number = strtoull(value, NULL, 10);
}

static void site_text(const char *line, const char *key, char *text,
                      size_t size_bytes)
{
    const char *value = site_value(line, key);

    if (value)
        snprintf(text, size_bytes, "%.*s", (int) strcspn(value, " \t\n"),
                 value);
}

bool slurm_site_read_config(struct slurm_site *site, const char *text,
                            bool *has_accounts)
{
    uint64_t array_size = SITE_ARRAY_DEFAULT;
    uint64_t n_jobs = SITE_JOBS_DEFAULT;
    char storage[64] = "";

    *site = (struct slurm_site){0};
    for (const char *line = text; *line;) {
        site_number(line, "MaxArraySize", &array_size);
        site_number(line, "MaxJobCount", &n_jobs);
        site_text(line, "SLURM_VERSION", site->version, sizeof(site->version));
        site_text(line, "ClusterName", site->cluster, sizeof(site->cluster));
        site_text(line, "AccountingStorageType", storage, sizeof(storage));
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    *has_accounts = storage[0] && !strstr(storage, "none");
    /* a task's number is less than MaxArraySize; 0: no arrays here */
    site->max_array_tasks = array_size > 1 ? array_size : 1;
    site->max_tasks = n_jobs / SITE_SHARE > SITE_RESERVE
                          ? n_jobs / SITE_SHARE - SITE_RESERVE
                          : 1;
    return site->cluster[0] || site->version[0];
}

void slurm_site_read_limits(struct slurm_site *site, const char *text)
{
    while (*text) {
        size_t digits = strspn(text, "0123456789");
        uint64_t limit = digits ? strtoull(text, NULL, 10) : 0;

        if (limit) {
            limit = limit > SITE_RESERVE ? limit - SITE_RESERVE : 1;
            if (limit < site->max_tasks)
                site->max_tasks = limit;
        }
        text += digits;
        text += *text != '\0';
    }
}

/* Where sacctmgr does not answer, sbatch itself tells of a limit. */
static void site_ask_limits(struct slurm_site *site)
{
    const struct passwd *user = getpwuid(geteuid());
    struct slurm_command command;
    struct slurm_answer answer;
    char who[128];

    if (!user)
        return;
    snprintf(who, sizeof(who), "user=%s", user->pw_name);
    slurm_command_init(&command, "sacctmgr");
    slurm_command_add(&command, "--noheader");
    slurm_command_add(&command, "--parsable2");
    slurm_command_add(&command, "--readonly");
    slurm_command_add(&command, "show");
    slurm_command_add(&command, "associations");
    slurm_command_add(&command, "where");
    slurm_command_add(&command, who);
    slurm_command_add(&command, "format=MaxSubmitJobs,GrpSubmitJobs");
    if (slurm_command_run(&command, &answer) == SLURM_DONE)
        slurm_site_read_limits(site, answer.text);
    slurm_answer_fini(&answer);
}

int slurm_site_ask(struct slurm_site *site, uint64_t patience_s, bool is_quiet,
                   enum slurm_absence absence)
{
    struct slurm_command command;
    struct slurm_answer answer;
    enum slurm_outcome outcome;
    bool has_accounts = false;
    int status;

    slurm_command_init(&command, "scontrol");
    slurm_command_add(&command, "show");
    slurm_command_add(&command, "config");
    outcome = slurm_command_retry(&command, patience_s, is_quiet, &answer);
    if (outcome == SLURM_MISSING && absence == SLURM_MAY_BE_ABSENT) {
        (void) slurm_site_read_config(site, "", &has_accounts);
        slurm_answer_fini(&answer);
        return 0;
    }
    if (outcome == SLURM_REFUSED) /* it does not even say where to ask */
        status = cli_error(CLI_SYSTEM,
                           "scontrol show config: %s (is this a host of "
                           "Slurm's? --engine local needs no Slurm)",
                           answer.error);
    else
        status = slurm_tell(outcome, "scontrol", &answer);
    if (!status && !slurm_site_read_config(site, answer.text, &has_accounts))
        status = cli_error(CLI_SYSTEM, "scontrol show config: its answer has "
                                       "no ClusterName (is it Slurm's?)");
    slurm_answer_fini(&answer);
    if (!status && has_accounts)
        site_ask_limits(site);
    return status;
}
