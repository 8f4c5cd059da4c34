/* SPDX-License-Identifier: MIT */
/* A folder of a test's own for small files; gone when the test is. */
#ifndef MMUSIM_TESTS_SUPPORT_TEMP_FOLDER_H
#define MMUSIM_TESTS_SUPPORT_TEMP_FOLDER_H

#include <stddef.h>

enum { TEMP_FOLDER_FILES = 32, TEMP_FOLDER_PATH_BYTES = 128 };

struct temp_folder {
    char path[64];
    char files[TEMP_FOLDER_FILES][TEMP_FOLDER_PATH_BYTES];
    size_t n_files;
};

/* 0, or -1. */
int temp_folder_create(struct temp_folder **folder);
/* Writes a file, again if there is one of that name; returns its path, which
 * lives as long as the folder, or NULL. */
const char *temp_folder_write(struct temp_folder *folder, const char *name,
                              const char *bytes, size_t n_bytes);
void temp_folder_destroy(struct temp_folder *folder);

#endif
