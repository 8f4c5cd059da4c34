/* SPDX-License-Identifier: MIT */
#include "cli/slurm_tidy.h"

#include "cli/slurm_round.h"
#include "cli/sweep_file.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void tidy_log(const char *folder, const char *name)
{
    char *path = sweep_file_path(folder, "%s", name);
    struct stat status;

    if (path && !stat(path, &status) && S_ISREG(status.st_mode) &&
        !status.st_size)
        (void) unlink(path);
    free(path);
}

static void tidy_round(const char *folder)
{
    DIR *entries = opendir(folder);
    const struct dirent *entry;

    while (entries && (entry = readdir(entries)) != NULL)
        if (!strncmp(entry->d_name, "task-", 5))
            tidy_log(folder, entry->d_name);
    if (entries)
        (void) closedir(entries);
}

void slurm_tidy(const char *dir)
{
    struct slurm_rounds rounds;

    if (slurm_rounds_load(dir, &rounds))
        return;
    for (size_t i = 0; i < rounds.n; i++) {
        char *folder = slurm_round_folder(dir, rounds.rounds[i].number);

        if (folder)
            tidy_round(folder);
        free(folder);
    }
    slurm_rounds_fini(&rounds);
}
