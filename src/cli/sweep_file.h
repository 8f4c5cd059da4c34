/* SPDX-License-Identifier: MIT */
/*
 * Files of a sweep's store, on disks that several hosts may share: each is
 * written whole under a name of its writer's, synced, and then given its name,
 * so that nobody ever sees a part of one. Only what NFS has, too: link,
 * rename, exclusive create.
 */
#ifndef MMUSIM_CLI_SWEEP_FILE_H
#define MMUSIM_CLI_SWEEP_FILE_H

#include <stddef.h>
#include <stdint.h>

struct stat;

enum sweep_file_place {
    SWEEP_FILE_NEW,     /* EEXIST if there is a file of that name */
    SWEEP_FILE_REPLACE, /* the old file, if there is one */
};

/* "DIR/NAME", made with a printf format; NULL: out of memory. Free it. */
char *sweep_file_path(const char *dir, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Writes a whole file. 0 or errno. */
int sweep_file_put(const char *path, enum sweep_file_place place,
                   const char *text, size_t length);

/* Reads a whole file, terminated; at most max bytes (else EFBIG). 0 or errno;
 * *text is the caller's. */
int sweep_file_get(const char *path, size_t max, char **text, size_t *length);

/* Makes a folder, unless it is there. 0 or errno. */
int sweep_file_folder(const char *path);

/* Removes what writers that were killed left in a folder: files that nobody
 * has written to for a while. */
void sweep_file_clean(const char *folder);

/* A name for this process that no other one has, on any host: HOST-PID. */
void sweep_file_writer(char *name, size_t size);

/* CRC-32 (of zlib) of text, or of a file's bytes: 0 or errno; *status tells
 * which file was read. */
uint32_t sweep_crc(const char *text, size_t length);
int sweep_file_crc(const char *path, uint32_t *crc, struct stat *status);

#endif
