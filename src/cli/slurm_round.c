/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "cli/slurm_round.h"

#include "cli/cli.h"
#include "cli/sweep_file.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    ROUND_FILE_BYTES_MAX = 64 << 20, /* a million chunks have 20 MiB */
    /* guess: sbatch's own patience and ours with the controller */
    ROUND_MAKING_S = 900,
};

#define ROUND_MAGIC "mmusim-slurm-round-1"

static void round_who(struct slurm_round *round)
{
    const struct passwd *user = getpwuid(geteuid());
    uint32_t random = 0;

    if (gethostname(round->host, sizeof(round->host)))
        snprintf(round->host, sizeof(round->host), "unknown");
    round->host[sizeof(round->host) - 1] = '\0';
    snprintf(round->user, sizeof(round->user), "%s",
             user ? user->pw_name : "unknown");
    round->pid = (long) getpid();
    round->made_s = (int64_t) time(NULL);
    if (getrandom(&random, sizeof(random), 0) != (ssize_t) sizeof(random))
        random = (uint32_t) round->made_s ^ (uint32_t) round->pid << 16;
    snprintf(round->name, sizeof(round->name), "mmusim-%08" PRIx32, random);
}

bool slurm_round_init(struct slurm_round *round, unsigned number,
                      uint64_t plan_id, struct slurm_chunks *chunks,
                      uint64_t max_array_tasks)
{
    size_t most = (size_t) max_array_tasks;
    size_t n_arrays = (chunks->n + most - 1) / most;

    *round = (struct slurm_round){.number = number, .plan_id = plan_id};
    round_who(round);
    round->chunks = chunks->chunks;
    round->n_chunks = chunks->n;
    *chunks = (struct slurm_chunks){0};
    round->arrays = calloc(n_arrays ? n_arrays : 1, sizeof(*round->arrays));
    if (!round->arrays)
        return false;
    round->n_arrays = n_arrays;
    for (size_t i = 0; i < n_arrays; i++) {
        size_t left = round->n_chunks - i * most;

        round->arrays[i].first_chunk = i * most;
        round->arrays[i].n_chunks = left < most ? left : most;
    }
    return true;
}

void slurm_round_fini(struct slurm_round *round)
{
    free(round->arrays);
    free(round->chunks);
    *round = (struct slurm_round){0};
}

char *slurm_round_folder(const char *dir, unsigned number)
{
    return sweep_file_path(dir, "slurm/%04u", number);
}

bool slurm_round_is_in_the_making(const struct slurm_round *round)
{
    char host[SLURM_WHO_BYTES] = "";

    if (round->is_submitted)
        return false;
    (void) gethostname(host, sizeof(host) - 1);
    if (!strcmp(host, round->host))
        return !kill((pid_t) round->pid, 0) || errno != ESRCH;
    return (int64_t) time(NULL) - round->made_s < ROUND_MAKING_S;
}

/* ---- as text ---- */

static char *round_stream_end(FILE *stream, char **text)
{
    bool has_failed = ferror(stream) != 0;

    if (fclose(stream) || has_failed) {
        free(*text);
        return NULL;
    }
    return *text;
}

char *slurm_round_write(const struct slurm_round *round)
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);

    if (!stream)
        return NULL;
    fprintf(stream,
            ROUND_MAGIC "\nname %s\nplan %016" PRIx64 "\nhost %s\nuser %s\n"
                        "pid %ld\nmade %" PRId64 "\nopen %zu\n",
            round->name, round->plan_id, round->host, round->user, round->pid,
            round->made_s, round->n_open);
    for (size_t i = 0; i < round->n_arrays; i++) {
        const struct slurm_array *array = &round->arrays[i];

        fprintf(stream, "array %zu %zu %s\n", array->first_chunk,
                array->n_chunks, array->job[0] ? array->job : "-");
    }
    if (round->finish_job[0])
        fprintf(stream, "finish %s\n", round->finish_job);
    if (round->is_submitted)
        fprintf(stream, "submitted\n");
    return round_stream_end(stream, &text);
}

char *slurm_round_write_chunks(const struct slurm_round *round)
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);

    if (!stream)
        return NULL;
    for (size_t i = 0; i < round->n_chunks; i++)
        fprintf(stream, "%zu..%zu\n", round->chunks[i].first_point,
                round->chunks[i].last_point);
    return round_stream_end(stream, &text);
}

static bool round_read_array(struct slurm_round *round, const char *line)
{
    struct slurm_array array = {0};
    struct slurm_array *arrays;
    char job[SLURM_JOB_BYTES];

    if (sscanf(line, "array %zu %zu %23s", &array.first_chunk, &array.n_chunks,
               job) != 3)
        return false;
    if (strcmp(job, "-"))
        memcpy(array.job, job, sizeof(job));
    arrays = realloc(round->arrays, (round->n_arrays + 1) * sizeof(*arrays));
    if (!arrays)
        return false;
    round->arrays = arrays;
    arrays[round->n_arrays++] = array;
    return true;
}

/* A line that is not known is a later version's. */
static bool round_read_line(struct slurm_round *round, const char *line)
{
    if (!strncmp(line, "array ", 6))
        return round_read_array(round, line);
    if (!strcmp(line, "submitted"))
        round->is_submitted = true;
    (void) sscanf(line, "name %31s", round->name);
    (void) sscanf(line, "plan %" SCNx64, &round->plan_id);
    (void) sscanf(line, "host %127s", round->host);
    (void) sscanf(line, "user %127s", round->user);
    (void) sscanf(line, "pid %ld", &round->pid);
    (void) sscanf(line, "made %" SCNd64, &round->made_s);
    (void) sscanf(line, "open %zu", &round->n_open);
    (void) sscanf(line, "finish %23s", round->finish_job);
    return true;
}

static bool round_read_chunks(struct slurm_round *round, const char *text)
{
    size_t n = 0;

    for (const char *at = text; *at; at++)
        n += *at == '\n';
    round->chunks = calloc(n ? n : 1, sizeof(*round->chunks));
    if (!round->chunks)
        return false;
    for (const char *at = text; round->n_chunks < n;) {
        struct slurm_chunk *chunk = &round->chunks[round->n_chunks++];

        if (sscanf(at, "%zu..%zu\n", &chunk->first_point, &chunk->last_point) !=
                2 ||
            chunk->last_point < chunk->first_point)
            return false;
        at = strchr(at, '\n') + 1;
    }
    return true;
}

/* Do its arrays lie within its chunks? */
static bool round_is_valid(const struct slurm_round *round)
{
    for (size_t i = 0; i < round->n_arrays; i++) {
        const struct slurm_array *array = &round->arrays[i];

        if (array->first_chunk > round->n_chunks ||
            array->n_chunks > round->n_chunks - array->first_chunk)
            return false;
    }
    return round->name[0] != '\0';
}

bool slurm_round_read(struct slurm_round *round, const char *text,
                      const char *chunks)
{
    char line[512];
    const char *at = text;

    if (strncmp(text, ROUND_MAGIC "\n", sizeof(ROUND_MAGIC)))
        return false;
    while (*at) {
        size_t length = strcspn(at, "\n");

        if (length >= sizeof(line))
            return false;
        snprintf(line, sizeof(line), "%.*s", (int) length, at);
        if (!round_read_line(round, line))
            return false;
        at += length + (at[length] == '\n');
    }
    return round_read_chunks(round, chunks) && round_is_valid(round);
}

/* ---- on the disk ---- */

static int round_load(const char *folder, struct slurm_round *round)
{
    char *path = sweep_file_path(folder, "round");
    char *chunks_path = sweep_file_path(folder, "chunks");
    char *text = NULL;
    char *chunks = NULL;
    size_t length;
    int error = path && chunks_path ? 0 : ENOMEM;

    if (!error)
        error = sweep_file_get(path, ROUND_FILE_BYTES_MAX, &text, &length);
    if (!error)
        error =
            sweep_file_get(chunks_path, ROUND_FILE_BYTES_MAX, &chunks, &length);
    if (!error && !slurm_round_read(round, text, chunks))
        error = EBADMSG;
    free(text);
    free(chunks);
    free(path);
    free(chunks_path);
    return error;
}

static int round_load_number(const char *dir, unsigned number,
                             struct slurm_rounds *rounds)
{
    char *folder = slurm_round_folder(dir, number);
    struct slurm_round round = {.number = number};
    struct slurm_round *grown;
    int error = folder ? round_load(folder, &round) : ENOMEM;

    grown = realloc(rounds->rounds, (rounds->n + 1) * sizeof(*grown));
    if (grown)
        rounds->rounds = grown;
    if (error || !grown) {
        slurm_round_fini(&round);
        error = cli_error(CLI_INPUT,
                          "%s: not a round of Slurm jobs: %s (remove the "
                          "folder if none of its jobs is queued)",
                          folder ? folder : dir,
                          error == EBADMSG ? "its files are damaged"
                                           : strerror(error ? error : ENOMEM));
    } else {
        grown[rounds->n++] = round;
    }
    free(folder);
    return error;
}

static int round_is_number(const struct dirent *entry)
{
    return strlen(entry->d_name) == 4 &&
           strspn(entry->d_name, "0123456789") == 4;
}

int slurm_rounds_load(const char *dir, struct slurm_rounds *rounds)
{
    char *folder = sweep_file_path(dir, "slurm");
    struct dirent **entries = NULL;
    int status = 0;
    int n = folder ? scandir(folder, &entries, round_is_number, alphasort) : -1;

    *rounds = (struct slurm_rounds){0};
    if (n < 0 && errno != ENOENT)
        status = cli_error(CLI_SYSTEM, "%s/slurm: %s", dir, strerror(errno));
    for (int i = 0; i < n; i++) {
        if (!status)
            status = round_load_number(
                dir, (unsigned) strtoul(entries[i]->d_name, NULL, 10), rounds);
        free(entries[i]);
    }
    free(entries);
    free(folder);
    if (status)
        slurm_rounds_fini(rounds);
    return status;
}

void slurm_rounds_fini(struct slurm_rounds *rounds)
{
    for (size_t i = 0; i < rounds->n; i++)
        slurm_round_fini(&rounds->rounds[i]);
    free(rounds->rounds);
    *rounds = (struct slurm_rounds){0};
}

static int round_put(const char *folder, const char *name, char *text)
{
    char *path = sweep_file_path(folder, "%s", name);
    int error = path && text ? sweep_file_put(path, SWEEP_FILE_REPLACE, text,
                                              strlen(text))
                             : ENOMEM;

    free(path);
    free(text);
    return error;
}

int slurm_round_save(const char *dir, const struct slurm_round *round)
{
    char *folder = slurm_round_folder(dir, round->number);
    int error =
        folder ? round_put(folder, "round", slurm_round_write(round)) : ENOMEM;

    free(folder);
    return error;
}

/* Of a rename that the server did and whose answer was lost, the client may
 * hear that there is nothing to rename (Linux NFS FAQ, A10 on idempotency):
 * so what counts is whose round is there. */
static int round_claim(const char *part, const char *folder,
                       const struct slurm_round *round)
{
    int error = rename(part, folder) ? errno : 0;
    struct slurm_round placed = {0};
    bool is_ours =
        !round_load(folder, &placed) && !strcmp(placed.name, round->name);

    slurm_round_fini(&placed);
    if (is_ours)
        return 0;
    return !error || error == ENOTEMPTY ? EEXIST : error;
}

static void round_remove(const char *part, const struct slurm_round_file *files,
                         size_t n_files)
{
    static const char *const own[] = {"round", "chunks"};

    for (size_t i = 0; i < n_files + 2; i++) {
        char *path =
            sweep_file_path(part, "%s", i < 2 ? own[i] : files[i - 2].name);

        if (path)
            (void) unlink(path);
        free(path);
    }
    (void) rmdir(part);
}

static int round_fill(const char *part, const struct slurm_round *round,
                      const struct slurm_round_file *files, size_t n_files)
{
    int error = sweep_file_folder(part);

    if (!error)
        error = round_put(part, "round", slurm_round_write(round));
    if (!error)
        error = round_put(part, "chunks", slurm_round_write_chunks(round));
    for (size_t i = 0; !error && i < n_files; i++)
        error = round_put(part, files[i].name, strdup(files[i].text));
    return error;
}

int slurm_round_place(const char *dir, const struct slurm_round *round,
                      const struct slurm_round_file *files, size_t n_files)
{
    char *all = sweep_file_path(dir, "slurm");
    char *folder = slurm_round_folder(dir, round->number);
    char *part = sweep_file_path(dir, "slurm/%s.part", round->name);
    int error = all && folder && part ? sweep_file_folder(all) : ENOMEM;

    if (!error)
        error = round_fill(part, round, files, n_files);
    if (!error)
        error = round_claim(part, folder, round);
    if (error && part)
        round_remove(part, files, n_files);
    free(all);
    free(folder);
    free(part);
    return error;
}
