/* SPDX-License-Identifier: MIT */
/* The files of a drmemtrace folder, or of its trace/, by name. */
#ifndef MMUSIM_TRACE_DRMEM_FOLDER_H
#define MMUSIM_TRACE_DRMEM_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

enum { DRMEM_FILES_MAX = 1 << 16 }; /* guess: as many threads */

struct drmem_folder {
    char *base;   /* the folder that holds the files */
    char **names; /* sorted */
    size_t n_names;
    size_t max_names;
    char *unread; /* one with a packing that is not read; NULL: none */
};

/* False: out of memory, or no such folder (errno says which). An empty list is
 * no failure. */
bool mmusim__drmem_folder_open(struct drmem_folder *folder, const char *path);
void mmusim__drmem_folder_fini(struct drmem_folder *folder);
/* The index-th file's path, the caller's to free; NULL: out of memory. */
char *mmusim__drmem_folder_path(const struct drmem_folder *folder,
                                size_t index);

#endif
