/* SPDX-License-Identifier: MIT */
/* Source of the directives: sbatch(1) of Slurm 22.05. */
#define _GNU_SOURCE
#include "cli/slurm_script.h"

#include "cli/cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* guess: nodes differ in speed, and estimates are rough */
    SCRIPT_TIME_FACTOR = 4,
    SCRIPT_TIME_MINUTES = 10,   /* guess: to start, to read traces, to end */
    SCRIPT_FINISH_MINUTES = 60, /* guess: waits for a controller that is down */
    /* SIGTERM so long before the time limit; Slurm may be 60 s early
     * (sbatch(1), --signal) */
    SCRIPT_SIGNAL_S = 60,
    SCRIPT_MEMORY_MIB = 256, /* guess: beside the limit of a point: the trace */
};

/* Options that are ours to give. Source: sbatch(1). */
static const char *const script_own[] = {
    "--array",         "--job-name",  "--dependency", "--wrap",
    "--wait",          "--output",    "--parsable",   "--chdir",
    "--no-requeue",    "--test-only", "--open-mode",  "--ntasks",
    "--cpus-per-task", NULL,
};
static const char script_own_letters[] = "aJdoWDnc";

static int script_check_option(const char *option)
{
    size_t length = strcspn(option, "=");

    if (option[0] != '-' || !option[1])
        return cli_error(CLI_USAGE,
                         "--slurm-option: '%s' is not an option of sbatch (as "
                         "in --slurm-option=--partition=long)",
                         option);
    for (const char *const *own = script_own; *own; own++)
        if (length == strlen(*own) && !strncmp(option, *own, length))
            return cli_error(CLI_USAGE,
                             "--slurm-option: mmusim gives %s itself%s", *own,
                             strcmp(*own, "--cpus-per-task") ? "" : " (-j)");
    if (option[1] != '-' && strchr(script_own_letters, option[1]))
        return cli_error(CLI_USAGE, "--slurm-option: mmusim gives -%c itself%s",
                         option[1], option[1] == 'c' ? " (-j)" : "");
    return 0;
}

/* Paths stand in directives of sbatch between double quotes. */
static int script_check_path(const char *path)
{
    if (!strpbrk(path, "\"\\\n"))
        return 0;
    return cli_error(CLI_USAGE,
                     "%s: a path with \", \\ or a new line cannot stand in a "
                     "batch script (choose another name)",
                     path);
}

int slurm_job_check(const struct slurm_job *job)
{
    int status = script_check_path(job->dir);

    if (!status)
        status = script_check_path(job->cwd);
    for (size_t i = 0; !status && i < job->n_options; i++)
        status = script_check_option(job->options[i]);
    return status;
}

unsigned long slurm_script_minutes(const struct slurm_job *job,
                                   double longest_s)
{
    double each_s = longest_s / (double) job->cpus;

    return (unsigned long) (each_s * SCRIPT_TIME_FACTOR / 60.0) +
           SCRIPT_TIME_MINUTES;
}

/* A word of the shell. */
static void script_put_word(FILE *file, const char *text)
{
    putc('\'', file);
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", file);
        else
            putc(*text, file);
    }
    putc('\'', file);
}

/* A file name in which sbatch replaces nothing. */
static void script_put_pattern(FILE *file, const char *text)
{
    for (; *text; text++) {
        if (*text == '%')
            putc('%', file);
        putc(*text, file);
    }
}

static void script_put_head(FILE *file, const struct slurm_job *job,
                            const struct slurm_round *round, const char *what,
                            unsigned long minutes)
{
    fprintf(file, "#!/bin/sh\n#SBATCH --job-name=%s.%s\n", round->name, what);
    fprintf(file, "#SBATCH --ntasks=1\n#SBATCH --time=%lu\n", minutes);
    fprintf(file, "#SBATCH --requeue\n#SBATCH --open-mode=append\n");
    fprintf(file, "#SBATCH --chdir=\"%s\"\n#SBATCH --output=\"", job->cwd);
    script_put_pattern(file, job->dir);
    fprintf(file, "/slurm/%04u/", round->number);
}

static void script_put_environment(FILE *file, const struct slurm_job *job)
{
    if (!job->data_dir)
        return;
    fprintf(file, "MMUSIM_DATADIR=");
    script_put_word(file, job->data_dir);
    fprintf(file, "\nexport MMUSIM_DATADIR\n");
}

/* Limits of a point, as the worker and the finishing job take them. */
static void script_put_limits(FILE *file, const struct slurm_job *job)
{
    if (job->memory_bytes)
        fprintf(file, " --memory %" PRIu64, job->memory_bytes);
    if (job->point_s)
        fprintf(file, " --time %" PRIu64, job->point_s);
}

static char *script_end(FILE *file, char **text)
{
    bool has_failed = ferror(file) != 0;

    if (fclose(file) || has_failed) {
        free(*text);
        return NULL;
    }
    return *text;
}

/* Arrays but the last are of one size; where that is 1, jobs will do. */
static bool script_has_tasks(const struct slurm_round *round)
{
    return round->arrays[0].n_chunks > 1;
}

static void script_put_tasks(FILE *file, const struct slurm_job *job,
                             const struct slurm_round *round, size_t array)
{
    fprintf(file, "task-%zu%s.log\"\n", array,
            script_has_tasks(round) ? "-%a" : "");
    if (script_has_tasks(round)) {
        fprintf(file, "#SBATCH --array=0-%zu",
                round->arrays[array].n_chunks - 1);
        if (job->max_running)
            fprintf(file, "%%%" PRIu64, job->max_running);
        putc('\n', file);
    }
    fprintf(file, "#SBATCH --cpus-per-task=%" PRIu64 "\n", job->cpus);
    if (job->memory_bytes)
        fprintf(file, "#SBATCH --mem-per-cpu=%" PRIu64 "M\n",
                (job->memory_bytes >> 20) + SCRIPT_MEMORY_MIB);
    fprintf(file, "#SBATCH --signal=B:TERM@%d\n", SCRIPT_SIGNAL_S);
}

char *slurm_script_array(const struct slurm_job *job,
                         const struct slurm_round *round, size_t array,
                         double longest_s)
{
    size_t first_line = round->arrays[array].first_chunk + 1;
    char what[SLURM_NAME_BYTES];
    char *text = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&text, &length);

    if (!file)
        return NULL;
    snprintf(what, sizeof(what), "%zu", array);
    script_put_head(file, job, round, what,
                    slurm_script_minutes(job, longest_s));
    script_put_tasks(file, job, round, array);
    script_put_environment(file, job);
    fprintf(file, "# task N has the points in line N + %zu of the file\n",
            first_line);
    fprintf(file, "line=$((${SLURM_ARRAY_TASK_ID:-0} + %zu))\n", first_line);
    fprintf(file, "points=$(sed -n \"${line}p\" ");
    script_put_word(file, job->dir);
    fprintf(file, "/slurm/%04u/chunks)\nexec ", round->number);
    script_put_word(file, job->tool);
    fprintf(file, " sweep work ");
    script_put_word(file, job->dir);
    fprintf(file, " --points \"$points\" -j %" PRIu64, job->cpus);
    script_put_limits(file, job);
    fprintf(file, "\n");
    return script_end(file, &text);
}

char *slurm_script_finish(const struct slurm_job *job,
                          const struct slurm_round *round)
{
    char *text = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&text, &length);

    if (!file)
        return NULL;
    script_put_head(file, job, round, "end", SCRIPT_FINISH_MINUTES);
    fprintf(file, "finish.log\"\n");
    script_put_environment(file, job);
    fprintf(file, "# merges; or, if points are missing, submits them again\n"
                  "exec ");
    script_put_word(file, job->tool);
    fprintf(file, " sweep finish ");
    script_put_word(file, job->dir);
    fprintf(file, " --chunk-time %.0f -j %" PRIu64, job->chunk_s, job->cpus);
    if (job->max_running)
        fprintf(file, " --max-running %" PRIu64, job->max_running);
    script_put_limits(file, job);
    for (size_t i = 0; i < job->n_options; i++) {
        fprintf(file, " --slurm-option=");
        script_put_word(file, job->options[i]);
    }
    if (job->format)
        fprintf(file, " --format %s", job->format);
    if (job->output) {
        fprintf(file, " -o ");
        script_put_word(file, job->output);
    }
    fprintf(file, "\n");
    return script_end(file, &text);
}
