/* SPDX-License-Identifier: MIT */
/*
 * A folder's threads: files that end in .zip, .gz, .trace, .xz, .zst or
 * .memtrace, without the ones that DynamoRIO puts beside them (modules.log,
 * encodings.bin, schedules, v2p.textproto).
 */
#include "trace/drmem_folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *const folder_suffixes[] = {".zip", ".gz",  ".trace",
                                              ".xz",  ".zst", ".memtrace"};
static const char *const folder_unread[] = {".sz", ".lz4", ".raw"};
static const char *const folder_others[] = {"serial_schedule.", "cpu_schedule.",
                                            "encodings.",       "modules.",
                                            "funclist.",        "v2p."};

static bool folder_ends(const char *name, const char *const *suffixes, size_t n)
{
    size_t length = strlen(name);

    for (size_t i = 0; i < n; i++) {
        size_t end = strlen(suffixes[i]);

        if (length > end && !strcmp(name + length - end, suffixes[i]))
            return true;
    }
    return false;
}

static bool folder_is_other(const char *name)
{
    for (size_t i = 0; i < sizeof(folder_others) / sizeof(folder_others[0]);
         i++) {
        if (!strncmp(name, folder_others[i], strlen(folder_others[i])))
            return true;
    }
    return name[0] == '.';
}

static char *folder_join(const char *base, const char *name)
{
    size_t n = strlen(base) + strlen(name) + 2;
    char *path = malloc(n);

    if (path)
        snprintf(path, n, "%s/%s", base, name);
    return path;
}

static bool folder_add(struct drmem_folder *folder, const char *name)
{
    bool is_unread = folder_ends(name, folder_unread, 3);

    if (folder_is_other(name) || (is_unread && folder->unread) ||
        (!is_unread && !folder_ends(name, folder_suffixes, 6)))
        return true;
    if (is_unread) {
        folder->unread = strdup(name);
        return folder->unread != NULL;
    }
    if (folder->n_names == DRMEM_FILES_MAX)
        return true;
    if (folder->n_names == folder->max_names) {
        size_t max = folder->max_names ? 2 * folder->max_names : 64;
        char **grown = realloc(folder->names, max * sizeof(*grown));

        if (!grown)
            return false;
        folder->names = grown;
        folder->max_names = max;
    }
    folder->names[folder->n_names] = strdup(name);
    return folder->names[folder->n_names] && ++folder->n_names;
}

static int folder_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

bool mmusim__drmem_folder_open(struct drmem_folder *folder, const char *path)
{
    struct stat info;
    struct dirent *entry;
    bool is_good = true;
    DIR *dir;

    memset(folder, 0, sizeof(*folder));
    folder->base = folder_join(path, "trace");
    if (folder->base && (stat(folder->base, &info) || !S_ISDIR(info.st_mode))) {
        free(folder->base);
        folder->base = strdup(path);
    }
    dir = folder->base ? opendir(folder->base) : NULL;
    if (!dir)
        return false;
    errno = 0;
    while (is_good && (entry = readdir(dir)))
        is_good = folder_add(folder, entry->d_name);
    closedir(dir);
    if (folder->n_names)
        qsort(folder->names, folder->n_names, sizeof(*folder->names),
              folder_compare);
    if (!is_good)
        errno = ENOMEM;
    return is_good;
}

void mmusim__drmem_folder_fini(struct drmem_folder *folder)
{
    for (size_t i = 0; i < folder->n_names; i++)
        free(folder->names[i]);
    free(folder->names);
    free(folder->base);
    free(folder->unread);
}

char *mmusim__drmem_folder_path(const struct drmem_folder *folder, size_t index)
{
    return folder_join(folder->base, folder->names[index]);
}
