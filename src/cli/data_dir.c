/* SPDX-License-Identifier: MIT */
/*
 * Where the shipped files are: $MMUSIM_DATADIR (the folder that contains
 * configs/ and traces/); a folder above the executable that looks like the
 * source tree; share/mmusim beside the executable's bin/; the place that
 * `cmake --install` was told.
 */
#include "cli/cli.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef MMUSIM_DATADIR
#define MMUSIM_DATADIR "/usr/local/share/mmusim"
#endif

enum {
    DATA_DIRS_MAX = 6,
    DATA_PARENTS_MAX = 4, /* build/release/bin is three below the tree */
};

struct data_dir {
    char name[32];
    char path[PATH_MAX];
};

static int data_join(char *path, const char *folder, const char *name)
{
    int length = snprintf(path, PATH_MAX, "%s/%s", folder, name);

    return length > 0 && length < PATH_MAX && !access(path, F_OK);
}

static int data_executable_folder(char *folder)
{
    ssize_t length = readlink("/proc/self/exe", folder, PATH_MAX - 1);
    char *slash;

    if (length <= 0)
        return 0;
    folder[length] = '\0';
    slash = strrchr(folder, '/');
    if (!slash)
        return 0;
    *slash = '\0';
    return 1;
}

static int data_beside_executable(char *path, const char *name)
{
    char folder[PATH_MAX];
    char probe[PATH_MAX];
    char *slash;

    if (!data_executable_folder(folder))
        return 0;
    for (int i = 0; i < DATA_PARENTS_MAX; i++) {
        if (data_join(probe, folder, "include/mmusim/mmusim.h") &&
            data_join(probe, folder, "CMakeLists.txt") &&
            data_join(path, folder, name))
            return 1;
        if (data_join(probe, folder, "share/mmusim") &&
            data_join(path, probe, name))
            return 1;
        slash = strrchr(folder, '/');
        if (!slash)
            return 0;
        *slash = '\0';
    }
    return 0;
}

static void data_find(struct data_dir *dir, const char *name)
{
    const char *chosen = getenv("MMUSIM_DATADIR");

    snprintf(dir->name, sizeof(dir->name), "%s", name);
    if (chosen && chosen[0])
        data_join(dir->path, chosen, name);
    else if (!data_beside_executable(dir->path, name))
        data_join(dir->path, MMUSIM_DATADIR, name);
}

const char *cli_data_dir(const char *name)
{
    static struct data_dir dirs[DATA_DIRS_MAX];
    size_t i = 0;

    while (i < DATA_DIRS_MAX - 1 && dirs[i].name[0] &&
           strcmp(dirs[i].name, name) != 0)
        i++;
    if (strcmp(dirs[i].name, name) != 0)
        data_find(&dirs[i], name);
    return dirs[i].path;
}
