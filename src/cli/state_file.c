/* SPDX-License-Identifier: MIT */
/* Finding result files, checking them, and reading their lines. */
#include "cli/state_file.h"

#include "cli/cli.h"
#include "cli/store_match.h"
#include "cli/store_writer.h"
#include "cli/sweep_file.h"
#include "cli/sweep_store.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* One file being read. */
struct state_reader {
    struct store_state *state;
    struct state_dir *dir;
    uint32_t file;
    const size_t *map; /* NULL: the current plan's numbers */
    size_t n_map;
    int *names; /* the file's lists: numbers of the state's */
    size_t n_names;
    size_t n_records;
    const char *problem;
};

void state_dir_fini(struct state_dir *dir)
{
    for (size_t i = 0; i < dir->n_maps; i++)
        free(dir->maps[i].points);
    free(dir->maps);
    free(dir->dir);
}

void state_file_fini(struct state_file *file)
{
    free(file->path);
}

/* ---- plans of before ---- */

static int state_make_map(struct store_state *state, struct state_dir *dir,
                          uint64_t plan_id, struct state_map *map)
{
    struct store_plan old;
    char name[64];
    int status;

    snprintf(name, sizeof(name), "plans/%016" PRIx64 ".json", plan_id);
    status = sweep_store_read_plan(dir->dir, name, &old);
    if (status)
        return status;
    *map = (struct state_map){.plan_id = plan_id, .n = old.n_points};
    map->points = store_plan_map(&old, state->plan);
    store_plan_fini(&old);
    return map->points ? 0 : cli_error(CLI_SYSTEM, "out of memory");
}

static int state_find_map(struct state_reader *reader, uint64_t plan_id)
{
    struct state_dir *dir = reader->dir;
    struct state_map *grown;
    size_t i = 0;
    int status;

    if (plan_id == reader->state->plan->id)
        return 0;
    while (i < dir->n_maps && dir->maps[i].plan_id != plan_id)
        i++;
    if (i == dir->n_maps) {
        grown = realloc(dir->maps, (i + 1) * sizeof(*grown));
        if (!grown)
            return cli_error(CLI_SYSTEM, "out of memory");
        dir->maps = grown;
        status = state_make_map(reader->state, dir, plan_id, &grown[i]);
        if (status)
            return status;
        dir->n_maps++;
    }
    reader->map = dir->maps[i].points;
    reader->n_map = dir->maps[i].n;
    return 0;
}

/* ---- lines ---- */

static bool state_take_names(struct state_reader *reader, char *line)
{
    int *grown;
    char *list;
    size_t number = strtoul(line + 6, &list, 10);

    if (number != reader->n_names || *list != ' ')
        return false;
    grown = realloc(reader->names, (number + 1) * sizeof(*grown));
    if (!grown)
        return false;
    reader->names = grown;
    grown[number] = state_intern_names(reader->state, list + 1);
    reader->n_names++;
    return grown[number] >= 0;
}

/* Numbers at the line's word, word + 1, ...; false: they are not there. */
static bool state_numbers(const char *line, size_t n, uint64_t *numbers)
{
    for (size_t i = 0; i < n; i++) {
        char *end;

        line = strchr(line, ' ');
        if (!line || *++line < '0' || *line > '9')
            return false;
        numbers[i] = strtoull(line, &end, 10);
        if (*end && *end != ' ')
            return false;
        line = end;
    }
    return true;
}

/* A record's point in the current plan; SIZE_MAX: not there any more. */
static bool state_point(struct state_reader *reader, uint64_t number,
                        size_t *point)
{
    size_t n = reader->map ? reader->n_map : reader->state->plan->n_points;

    if (number >= n)
        return false;
    *point = reader->map ? reader->map[number] : (size_t) number;
    return true;
}

/* 0; < 0: the line makes no sense; else an exit status after a message. */
static int state_take_line(struct state_reader *reader, char *line,
                           uint32_t offset)
{
    const struct store_record record = {reader->file, offset};
    uint64_t numbers[3];
    size_t point = 0;

    if (!strncmp(line, "names ", 6))
        return state_take_names(reader, line) ? 0 : -1;
    reader->n_records++;
    if (!strncmp(line, "done ", 5)) {
        if (!state_numbers(line, 3, numbers) || numbers[1] >= reader->n_names ||
            !state_point(reader, numbers[0], &point))
            return -1;
        return point == SIZE_MAX
                   ? 0
                   : state_take_done(reader->state, point, &record,
                                     reader->names[numbers[1]], line);
    }
    if (!strncmp(line, "failed ", 7)) {
        if (!state_numbers(line, 3, numbers) ||
            !state_point(reader, numbers[0], &point))
            return -1;
        if (point != SIZE_MAX)
            state_take_failed(reader->state, point, &record,
                              (unsigned) numbers[1]);
        return 0;
    }
    if (strncmp(line, "open ", 5) != 0 || !state_numbers(line, 2, numbers) ||
        !state_point(reader, numbers[0], &point))
        return -1;
    if (point != SIZE_MAX)
        state_take_open(reader->state, point, (unsigned) numbers[1]);
    return 0;
}

/* ---- files ---- */

/* Where the records end; NULL: the file is damaged. */
static char *state_check(char *text, size_t length, size_t *n_records)
{
    char *end = text + length;
    unsigned long n;
    uint32_t crc;

    if (!length || end[-1] != '\n' || strlen(text) != length)
        return NULL;
    for (end--; end > text && end[-1] != '\n';)
        end--;
    if (sscanf(end, "end %lu %8" SCNx32, &n, &crc) != 2 ||
        sweep_crc(text, (size_t) (end - text)) != crc)
        return NULL;
    *n_records = n;
    *end = '\0';
    return end;
}

static int state_damaged(struct store_state *state, const char *path,
                         const char *what)
{
    state->n_damaged++;
    cli_error(CLI_OK, "%s: %s (what it had counts as not computed; remove it)",
              path, what);
    return 0;
}

static int state_read_text(struct state_reader *reader, char *text,
                           const char *end)
{
    struct store_state *state = reader->state;
    const char *path = state->files[reader->file].path;
    uint64_t plan_id;
    size_t first, last;
    char *line = strchr(text, '\n');
    int status;

    if (sscanf(text, STORE_RESULTS_SCAN, &plan_id, &first, &last) != 3)
        return state_damaged(state, path, "no " STORE_RESULTS_MAGIC);
    status = state_find_map(reader, plan_id);
    while (!status && line && ++line < end) {
        char *next = strchr(line, '\n');

        if (next)
            *next = '\0';
        status = state_take_line(reader, line, (uint32_t) (line - text));
        line = next;
    }
    return status < 0 ? cli_error(CLI_INPUT,
                                  "%s: record %zu makes no sense (written by "
                                  "another mmusim? remove the file)",
                                  path, reader->n_records)
                      : status;
}

/* By its head, not checked: a file that is left out by mistake costs time
 * only. */
static bool state_is_beside(const struct store_state *state, const char *path)
{
    uint64_t plan_id;
    size_t first, last;
    FILE *file;
    int n;

    if (!state->first && state->end == state->plan->n_points)
        return false;
    file = fopen(path, "re");
    if (!file)
        return false;
    n = fscanf(file, STORE_RESULTS_SCAN, &plan_id, &first, &last);
    fclose(file);
    return n == 3 && plan_id == state->plan->id && first <= last &&
           (last < state->first || first >= state->end);
}

static int state_read_file(struct store_state *state, struct state_dir *dir,
                           uint32_t file)
{
    struct state_reader reader = {.state = state, .dir = dir, .file = file};
    const char *path = state->files[file].path;
    char *text = NULL;
    size_t length = 0, n_records = 0;
    const char *end;
    int error = 0;
    int status = 0;

    if (state_is_beside(state, path))
        return 0;
    for (size_t i = 0; i < STATE_TEXTS_MAX; i++)
        if (state->texts[i].file == file)
            state->texts[i].file = UINT32_MAX;
    error = sweep_file_get(path, STATE_FILE_BYTES_MAX, &text, &length);
    if (error == ENOENT)
        return 0;
    if (error)
        return cli_error(CLI_INPUT, "%s: %s", path, strerror(error));
    end = state_check(text, length, &n_records);
    if (!end)
        status = state_damaged(state, path, "damaged: its checksum is wrong");
    else
        status = state_read_text(&reader, text, end);
    free(reader.names);
    free(text);
    return status;
}

static bool state_add_file(struct store_state *state, const char *path)
{
    if (state->n_files == state->max_files) {
        size_t max = state->n_files ? 2 * state->n_files : 64;
        struct state_file *grown = realloc(state->files, max * sizeof(*grown));

        if (!grown)
            return false;
        state->files = grown;
        state->max_files = max;
    }
    state->files[state->n_files] = (struct state_file){.path = strdup(path)};
    return state->files[state->n_files++].path != NULL;
}

/* The file of a path among the first n_known, which are in much the same
 * order, else a new one; *is_new: or changed since. */
static int state_note_file(struct store_state *state, const char *path,
                           size_t n_known, uint32_t *file, bool *is_new)
{
    struct state_file *entry;
    struct stat status;
    size_t i = *file, n = 0;

    *is_new = false;
    if (stat(path, &status))
        return 0; /* gone */
    for (; n < n_known; n++, i++)
        if (!strcmp(state->files[i % n_known].path, path))
            break;
    i = n < n_known ? i % n_known : state->n_files;
    if (i == state->n_files && !state_add_file(state, path))
        return cli_error(CLI_SYSTEM, "out of memory");
    entry = &state->files[i];
    *is_new = entry->bytes != (uint64_t) status.st_size ||
              entry->inode != (uint64_t) status.st_ino ||
              entry->changed.tv_sec != status.st_mtim.tv_sec ||
              entry->changed.tv_nsec != status.st_mtim.tv_nsec;
    entry->bytes = (uint64_t) status.st_size;
    entry->inode = (uint64_t) status.st_ino;
    entry->changed = status.st_mtim;
    *file = (uint32_t) i;
    return 0;
}

static int state_is_result(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);

    return length > 4 && !strcmp(entry->d_name + length - 4, ".res");
}

static int state_read_dir(struct store_state *state, struct state_dir *dir)
{
    struct dirent **names = NULL;
    char *folder = sweep_file_path(dir->dir, "results");
    size_t n_known = state->n_files;
    uint32_t file = 0;
    int n = folder ? scandir(folder, &names, state_is_result, alphasort) : -1;
    int status = 0;

    if (n < 0)
        status =
            cli_error(CLI_INPUT, "%s/results: %s", dir->dir, strerror(errno));
    for (int i = 0; i < n; i++) {
        char *path = sweep_file_path(folder, "%s", names[i]->d_name);
        bool is_new = false;

        if (!path)
            status = cli_error(CLI_SYSTEM, "out of memory");
        if (!status)
            status = state_note_file(state, path, n_known, &file, &is_new);
        if (!status && is_new)
            status = state_read_file(state, dir, file);
        free(path);
        free(names[i]);
    }
    free(names);
    free(folder);
    return status;
}

int store_state_add(struct store_state *state, const char *dir)
{
    struct state_dir *grown =
        realloc(state->dirs, (state->n_dirs + 1) * sizeof(*grown));

    if (!grown)
        return cli_error(CLI_SYSTEM, "out of memory");
    state->dirs = grown;
    grown[state->n_dirs] = (struct state_dir){.dir = strdup(dir)};
    if (!grown[state->n_dirs].dir)
        return cli_error(CLI_SYSTEM, "out of memory");
    return state_read_dir(state, &grown[state->n_dirs++]);
}

int store_state_refresh(struct store_state *state)
{
    int status = 0;

    for (size_t i = 0; !status && i < state->n_dirs; i++)
        status = state_read_dir(state, &state->dirs[i]);
    return status;
}
