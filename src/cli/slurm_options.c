/* SPDX-License-Identifier: MIT */
#include "cli/slurm_options.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SLURM_CHUNK_S = 600, /* guess: sites ask for tasks of some minutes */
    SLURM_CHUNK_S_MAX = 7 * 24 * 3600,
    SLURM_RUNNING_MAX = 1000000,
};

/* "90", "90s", "10m", "2h". */
static int slurm_parse_time(const char *option, const char *text,
                            uint64_t *seconds)
{
    static const struct {
        char letter;
        uint64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}};
    uint64_t factor = 0;
    char *end = NULL;
    unsigned long long n = 0;

    errno = 0;
    if (text[0] >= '0' && text[0] <= '9')
        n = strtoull(text, &end, 10);
    if (end && !*end)
        factor = 1;
    for (size_t i = 0; end && i < sizeof(units) / sizeof(units[0]); i++)
        if (end[0] == units[i].letter && !end[1])
            factor = units[i].seconds;
    if (!factor || errno || !n || n > SLURM_CHUNK_S_MAX / factor)
        return cli_error(CLI_USAGE,
                         "%s: '%s' is not a time from 1s to 168h (as in 90s, "
                         "10m or 2h)",
                         option, text);
    *seconds = n * factor;
    return 0;
}

int slurm_option(struct slurm_options *options, const struct cli_option *option,
                 const char *value)
{
    if (!strcmp(option->name, "chunk-time"))
        return slurm_parse_time("--chunk-time", value, &options->chunk_s);
    if (!strcmp(option->name, "max-running"))
        return cli_number("--max-running", value, 1, SLURM_RUNNING_MAX, 0,
                          &options->max_running);
    if (strcmp(option->name, "slurm-option"))
        return -1;
    if (options->n_options == SLURM_OPTIONS_MAX)
        return cli_error(CLI_USAGE, "--slurm-option: more than %d of them",
                         SLURM_OPTIONS_MAX);
    options->options[options->n_options++] = value;
    return 0;
}

/* This program, which will run on the nodes. */
static char *slurm_tool(void)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

    if (n <= 0)
        return NULL;
    path[n] = '\0';
    return strdup(path);
}

/* A path from the root, of a file that need not exist. */
static char *slurm_absolute(const char *cwd, const char *path)
{
    size_t size = strlen(cwd) + strlen(path) + 2;
    char *text = malloc(size);

    if (text)
        snprintf(text, size, "%s%s%s", path[0] == '/' ? "" : cwd,
                 path[0] == '/' ? "" : "/", path);
    return text;
}

int slurm_job_init(struct slurm_job *job, const struct slurm_options *options,
                   const char *dir, const char *output)
{
    char *cwd = getcwd(NULL, 0);

    *job = (struct slurm_job){
        .cwd = cwd,
        .dir = cwd ? slurm_absolute(cwd, dir) : NULL,
        .output = cwd && output ? slurm_absolute(cwd, output) : NULL,
        .tool = slurm_tool(),
        .data_dir = getenv("MMUSIM_DATADIR"),
        .chunk_s = options->chunk_s ? (double) options->chunk_s : SLURM_CHUNK_S,
        .cpus = 1,
        .max_running = options->max_running,
        .options = options->options,
        .n_options = options->n_options,
    };
    if (!job->dir || !job->tool || (output && !job->output))
        return cli_error(CLI_SYSTEM, "sweep: %s", strerror(errno));
    return slurm_job_check(job);
}

void slurm_job_fini(struct slurm_job *job)
{
    free((void *) (uintptr_t) job->cwd);
    free((void *) (uintptr_t) job->dir);
    free((void *) (uintptr_t) job->output);
    free((void *) (uintptr_t) job->tool);
    *job = (struct slurm_job){0};
}
