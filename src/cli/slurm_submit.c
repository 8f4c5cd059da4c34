/* SPDX-License-Identifier: MIT */
/*
 * After an sbatch whose answer was lost the queue is asked for the job's name
 * before it is tried again, so that no array is submitted twice.
 */
#include "cli/slurm_submit.h"

#include "cli/cli.h"
#include "cli/sweep_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A job that is being submitted. */
struct submit_one {
    const struct slurm_submit *submit;
    char *script;     /* its path */
    char *dependency; /* "--dependency=..."; NULL: none */
    char name[SLURM_NAME_BYTES + SLURM_JOB_BYTES];
    char *number; /* SLURM_JOB_BYTES, to be filled in */
};

static void submit_command(const struct submit_one *one,
                           struct slurm_command *command)
{
    const struct slurm_job *job = one->submit->job;

    slurm_command_init(command, "sbatch");
    slurm_command_add(command, "--parsable");
    if (one->dependency)
        slurm_command_add(command, one->dependency);
    for (size_t i = 0; i < job->n_options; i++)
        slurm_command_add(command, job->options[i]);
    slurm_command_add(command, one->script);
}

/* "JOB" or "JOB;CLUSTER" (sbatch(1), --parsable); words of plugins may stand
 * before it. */
static bool submit_read_number(const char *text, char *number)
{
    for (const char *line = text; *line;) {
        size_t digits = strspn(line, "0123456789");

        if (digits && digits < SLURM_JOB_BYTES && strchr("\n;", line[digits])) {
            snprintf(number, SLURM_JOB_BYTES, "%.*s", (int) digits, line);
            return true;
        }
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    return false;
}

/* Is a job of this name in the queue? Then *number is its number. */
static enum slurm_outcome submit_find(const struct submit_one *one)
{
    struct slurm_command command;
    struct slurm_answer answer;
    enum slurm_outcome outcome;
    char name[sizeof(one->name) + 8];

    snprintf(name, sizeof(name), "--name=%s", one->name);
    slurm_command_init(&command, "squeue");
    slurm_command_add(&command, "--noheader");
    slurm_command_add(&command, name);
    slurm_command_add(&command, "--format=%F");
    outcome = slurm_command_run(&command, &answer);
    if (outcome == SLURM_DONE)
        (void) submit_read_number(answer.text, one->number);
    slurm_answer_fini(&answer);
    return outcome;
}

static enum slurm_outcome submit_try(const struct submit_one *one,
                                     struct slurm_answer *answer)
{
    struct slurm_command command;
    enum slurm_outcome outcome;

    submit_command(one, &command);
    outcome = slurm_command_run(&command, answer);
    if (outcome == SLURM_DONE &&
        !submit_read_number(answer->text, one->number)) {
        snprintf(answer->error, sizeof(answer->error),
                 "its answer has no job number");
        outcome = SLURM_REFUSED;
    }
    return outcome;
}

static enum slurm_outcome submit_patiently(const struct submit_one *one,
                                           struct slurm_answer *answer)
{
    uint64_t pause_s = 0;
    uint64_t waited_s = 0;
    enum slurm_outcome outcome = submit_try(one, answer);

    while (outcome == SLURM_UNREACHABLE && waited_s < one->submit->patience_s) {
        if (!pause_s && !one->submit->is_quiet)
            fprintf(stderr, "mmusim: sbatch: %s; trying again\n",
                    answer->error);
        pause_s = slurm_next_pause_s(pause_s);
        waited_s += pause_s;
        if (!slurm_sleep(pause_s * 1000))
            return SLURM_INTERRUPTED;
        if (submit_find(one) != SLURM_DONE)
            continue;
        if (one->number[0])
            return SLURM_DONE;
        slurm_answer_fini(answer);
        outcome = submit_try(one, answer);
    }
    return outcome;
}

/* ---- dry runs ---- */

static void submit_print(const struct submit_one *one, const char *text)
{
    struct slurm_command command;

    submit_command(one, &command);
    printf("#");
    for (size_t i = 0; i < command.n_arguments; i++)
        printf(" %s", command.argv[i]);
    printf("\n%s\n", text);
    snprintf(one->number, SLURM_JOB_BYTES, "<job>"); /* for the dependency */
}

/* ---- a round ---- */

static void submit_files_fini(struct slurm_round_file *files, size_t n)
{
    for (size_t i = 0; files && i < n; i++)
        free(files[i].text);
    free(files);
}

/* The scripts: of each array, then of the last job. NULL: out of memory. */
static struct slurm_round_file *submit_files(const struct slurm_submit *submit,
                                             const struct slurm_round *round,
                                             double longest_s)
{
    size_t n = round->n_arrays + 1;
    struct slurm_round_file *files = calloc(n, sizeof(*files));
    bool is_good = files != NULL;

    for (size_t i = 0; is_good && i < n; i++) {
        bool is_last = i + 1 == n;

        snprintf(files[i].name, sizeof(files[i].name),
                 is_last ? "finish.sh" : "array-%zu.sh", i);
        files[i].text =
            is_last ? slurm_script_finish(submit->job, round)
                    : slurm_script_array(submit->job, round, i, longest_s);
        is_good = files[i].text != NULL;
    }
    if (is_good)
        return files;
    submit_files_fini(files, n);
    return NULL;
}

/* After all arrays of the round, and all that is in the queue of others. */
static char *submit_dependency(const struct slurm_submit *submit,
                               const struct slurm_round *round)
{
    char *text = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&text, &length);

    if (!file)
        return NULL;
    fprintf(file, "--dependency=afterany");
    for (size_t i = 0; i < round->n_arrays; i++)
        if (round->arrays[i].job[0])
            fprintf(file, ":%s", round->arrays[i].job);
    if (submit->queue->jobs)
        fprintf(file, ":%s", submit->queue->jobs);
    if (!fclose(file))
        return text;
    free(text);
    return NULL;
}

/* Submits, or prints, the job of one script. */
static enum slurm_outcome submit_script(const struct slurm_submit *submit,
                                        const struct slurm_round *round,
                                        const struct slurm_round_file *file,
                                        struct submit_one *one,
                                        struct slurm_answer *answer)
{
    enum slurm_outcome outcome = SLURM_DONE;

    *answer = (struct slurm_answer){0};
    one->submit = submit;
    one->script = sweep_file_path(submit->job->dir, "slurm/%04u/%s",
                                  round->number, file->name);
    if (!one->script) {
        snprintf(answer->error, sizeof(answer->error), "out of memory");
        return SLURM_REFUSED;
    }
    if (submit->is_dry)
        submit_print(one, file->text);
    else
        outcome = submit_patiently(one, answer);
    free(one->script);
    return outcome;
}

static enum slurm_outcome submit_arrays(const struct slurm_submit *submit,
                                        struct slurm_round *round,
                                        const struct slurm_round_file *files,
                                        struct slurm_answer *answer)
{
    enum slurm_outcome outcome = SLURM_DONE;

    for (size_t i = 0; outcome == SLURM_DONE && i < round->n_arrays; i++) {
        struct submit_one one = {.number = round->arrays[i].job};

        slurm_answer_fini(answer);
        snprintf(one.name, sizeof(one.name), "%s.%zu", round->name, i);
        outcome = submit_script(submit, round, &files[i], &one, answer);
        if (outcome == SLURM_DONE && !submit->is_dry)
            (void) slurm_round_save(submit->job->dir, round);
    }
    return outcome;
}

/* Without it the points are computed all the same. */
static void submit_finish(const struct slurm_submit *submit,
                          struct slurm_round *round,
                          const struct slurm_round_file *file)
{
    struct submit_one one = {.number = round->finish_job};
    struct slurm_answer answer = {0};
    enum slurm_outcome outcome = SLURM_REFUSED;

    one.dependency = submit_dependency(submit, round);
    snprintf(one.name, sizeof(one.name), "%s.end", round->name);
    if (one.dependency)
        outcome = submit_script(submit, round, file, &one, &answer);
    if (outcome != SLURM_DONE && outcome != SLURM_INTERRUPTED)
        fprintf(stderr,
                "mmusim: sbatch: %s (the points will be run, but no job will "
                "merge them: mmusim sweep merge %s)\n",
                answer.error, submit->job->dir);
    free(one.dependency);
    slurm_answer_fini(&answer);
}

static enum slurm_submitted submit_jobs(const struct slurm_submit *submit,
                                        struct slurm_round *round,
                                        const struct slurm_round_file *files,
                                        int *status)
{
    struct slurm_answer answer = {0};
    enum slurm_outcome outcome = submit_arrays(submit, round, files, &answer);
    bool has_some = round->n_arrays && round->arrays[0].job[0];

    if (has_some && outcome != SLURM_INTERRUPTED)
        submit_finish(submit, round, &files[round->n_arrays]);
    if (!submit->is_dry) {
        round->is_submitted = true;
        (void) slurm_round_save(submit->job->dir, round);
    }
    if (outcome == SLURM_DONE || (has_some && outcome != SLURM_INTERRUPTED)) {
        slurm_answer_fini(&answer);
        return SUBMIT_DONE;
    }
    if (outcome != SLURM_OVER_LIMIT || round->arrays[0].n_chunks == 1)
        *status = slurm_tell(outcome, "sbatch", &answer);
    slurm_answer_fini(&answer);
    return *status ? SUBMIT_FAILED : SUBMIT_OVER_LIMIT;
}

/* Makes the round's folder; SUBMIT_DONE: it is there. */
static enum slurm_submitted submit_place(const struct slurm_submit *submit,
                                         const struct slurm_round *round,
                                         const struct slurm_round_file *files,
                                         int *status)
{
    int error = submit->is_dry ? 0
                               : slurm_round_place(submit->job->dir, round,
                                                   files, round->n_arrays + 1);

    if (!error)
        return SUBMIT_DONE;
    if (error == EEXIST)
        return SUBMIT_OVERTAKEN;
    *status = cli_error(CLI_SYSTEM, "%s/slurm: cannot write: %s",
                        submit->job->dir, strerror(error));
    return SUBMIT_FAILED;
}

enum slurm_submitted slurm_submit_round(const struct slurm_submit *submit,
                                        struct slurm_chunks *chunks,
                                        struct slurm_round *round, int *status)
{
    const struct slurm_rounds *rounds = submit->rounds;
    unsigned last = rounds->n ? rounds->rounds[rounds->n - 1].number : 0;
    double longest_s = chunks->longest_s;
    struct slurm_round_file *files = NULL;
    enum slurm_submitted submitted = SUBMIT_FAILED;

    *status = 0;
    if (last >= SLURM_ROUNDS_MAX)
        *status = cli_error(CLI_SYSTEM,
                            "%s/slurm: %u rounds are enough (remove the "
                            "oldest folders)",
                            submit->job->dir, last);
    else if (slurm_round_init(round, last + 1, submit->plan_id, chunks,
                              submit->max_array_tasks))
        files = submit_files(submit, round, longest_s);
    round->n_open = submit->n_open;
    if (!files && !*status)
        *status = cli_error(CLI_SYSTEM, "out of memory");
    if (!*status)
        submitted = submit_place(submit, round, files, status);
    if (submitted == SUBMIT_DONE)
        submitted = submit_jobs(submit, round, files, status);
    submit_files_fini(files, files ? round->n_arrays + 1 : 0);
    return submitted;
}
