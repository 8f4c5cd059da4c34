/* SPDX-License-Identifier: MIT */
/* Files of a test: see temp_folder.h. */
#include "support/temp_folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int temp_folder_create(struct temp_folder **folder)
{
    const char *base = getenv("TMPDIR");
    struct temp_folder *made = calloc(1, sizeof(*made));

    *folder = NULL;
    if (!made)
        return -1;
    snprintf(made->path, sizeof(made->path), "%s/mmusim-XXXXXX",
             base && strlen(base) < 40 ? base : "/tmp");
    if (!mkdtemp(made->path)) {
        free(made);
        return -1;
    }
    *folder = made;
    return 0;
}

static const char *temp_folder_path(struct temp_folder *folder,
                                    const char *name)
{
    char path[TEMP_FOLDER_PATH_BYTES];

    snprintf(path, sizeof(path), "%s/%.60s", folder->path, name);
    for (size_t i = 0; i < folder->n_files; i++) {
        if (!strcmp(folder->files[i], path))
            return folder->files[i];
    }
    if (folder->n_files == TEMP_FOLDER_FILES)
        return NULL;
    strcpy(folder->files[folder->n_files], path);
    return folder->files[folder->n_files++];
}

const char *temp_folder_write(struct temp_folder *folder, const char *name,
                              const char *bytes, size_t n_bytes)
{
    const char *path = temp_folder_path(folder, name);
    FILE *stream = path ? fopen(path, "wb") : NULL;
    size_t n_written = stream ? fwrite(bytes, 1, n_bytes, stream) : 0;

    if (!stream || fclose(stream) || n_written != n_bytes)
        return NULL;
    return path;
}

void temp_folder_destroy(struct temp_folder *folder)
{
    if (!folder)
        return;
    for (size_t i = 0; i < folder->n_files; i++)
        remove(folder->files[i]);
    rmdir(folder->path);
    free(folder);
}
