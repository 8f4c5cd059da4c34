/* SPDX-License-Identifier: MIT */
/* Files written whole, read whole, and their checksums. */
#include "cli/sweep_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

enum {
    FILE_BLOCK_BYTES = 1 << 16,
    FILE_LEFT_S = 3600,   /* guess: no write of a MiB takes so long */
    FILE_STALE_TRIES = 5, /* NFS: replaced by its writer as we open it */
};

char *sweep_file_path(const char *dir, const char *format, ...)
{
    char name[NAME_MAX + 1];
    size_t size;
    char *path;
    va_list args;

    va_start(args, format);
    vsnprintf(name, sizeof(name), format, args);
    va_end(args);
    size = strlen(dir) + strlen(name) + 2;
    path = malloc(size);
    if (path)
        snprintf(path, size, "%s/%s", dir, name);
    return path;
}

void sweep_file_writer(char *name, size_t size)
{
    char host[HOST_NAME_MAX + 1];

    if (gethostname(host, sizeof(host)))
        snprintf(host, sizeof(host), "unknown");
    host[sizeof(host) - 1] = '\0';
    for (char *c = host; *c; c++)
        if (*c == '/' || (unsigned char) *c <= ' ')
            *c = '_';
    snprintf(name, size, "%s-%ld", host, (long) getpid());
}

static int file_write(int fd, const char *text, size_t length)
{
    while (length) {
        ssize_t n = write(fd, text, length);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        text += n;
        length -= (size_t) n;
    }
    return 0;
}

static int file_write_part(const char *part, const char *text, size_t length)
{
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    int error;

    if (fd < 0)
        return errno;
    error = file_write(fd, text, length);
    if (!error && fsync(fd))
        error = errno;
    if (close(fd) && !error)
        error = errno; /* NFS tells of a full disk here */
    return error;
}

/* The folder's entry, too, survives a crash of the host. */
static void file_sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = strndup(path, slash ? (size_t) (slash - path) : 0);
    int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

    if (fd >= 0) {
        (void) fsync(fd);
        close(fd);
    }
    free(folder);
}

/* Gives the name to a file that nobody else may have made. Where there are no
 * hard links, an empty file made exclusively reserves the name. */
static int file_claim_name(const char *part, const char *path)
{
    int fd;

    if (!link(part, path))
        return 0;
    if (errno != EPERM && errno != ENOTSUP && errno != ENOSYS)
        return errno;
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return errno;
    close(fd);
    return rename(part, path) ? errno : 0;
}

int sweep_file_put(const char *path, enum sweep_file_place place,
                   const char *text, size_t length)
{
    char writer[HOST_NAME_MAX + 32];
    size_t size = strlen(path) + sizeof(writer) + sizeof(".part-");
    char *part = malloc(size);
    int error;

    if (!part)
        return ENOMEM;
    sweep_file_writer(writer, sizeof(writer));
    snprintf(part, size, "%s.part-%s", path, writer);
    error = file_write_part(part, text, length);
    if (!error && place == SWEEP_FILE_NEW)
        error = file_claim_name(part, path);
    else if (!error && rename(part, path))
        error = errno;
    if (error || place == SWEEP_FILE_NEW)
        unlink(part);
    if (!error)
        file_sync_folder(path);
    free(part);
    return error;
}

static int file_read(int fd, size_t max, char **text, size_t *length)
{
    size_t size = FILE_BLOCK_BYTES, n = 0;
    char *bytes = malloc(size);

    while (bytes) {
        ssize_t got = read(fd, bytes + n, size - n - 1);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 || n + (size_t) got > max) {
            int error = got < 0 ? errno : EFBIG;

            free(bytes);
            return error;
        }
        n += (size_t) got;
        if (!got) {
            bytes[n] = '\0';
            *text = bytes;
            *length = n;
            return 0;
        }
        if (size - n < FILE_BLOCK_BYTES / 2) {
            char *grown = realloc(bytes, size *= 2);

            if (!grown)
                free(bytes);
            bytes = grown;
        }
    }
    return ENOMEM;
}

int sweep_file_get(const char *path, size_t max, char **text, size_t *length)
{
    int error = ESTALE;

    for (int i = 0; error == ESTALE && i < FILE_STALE_TRIES; i++) {
        /* a pipe of that name must not hold us up */
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        struct stat status;

        error = fd < 0 || fstat(fd, &status) ? errno
                : S_ISREG(status.st_mode)    ? file_read(fd, max, text, length)
                                             : EINVAL;
        if (fd >= 0)
            close(fd);
    }
    return error;
}

int sweep_file_folder(const char *path)
{
    struct stat status;

    if (!mkdir(path, 0777))
        return 0;
    if (errno != EEXIST)
        return errno;
    if (stat(path, &status))
        return errno;
    return S_ISDIR(status.st_mode) ? 0 : ENOTDIR;
}

void sweep_file_clean(const char *folder)
{
    DIR *entries = opendir(folder);
    const struct dirent *entry;

    while (entries && (entry = readdir(entries)) != NULL) {
        struct stat status;
        char *path;

        if (!strstr(entry->d_name, ".part-"))
            continue;
        path = sweep_file_path(folder, "%s", entry->d_name);
        if (path && !stat(path, &status) &&
            time(NULL) - status.st_mtime > FILE_LEFT_S)
            unlink(path);
        free(path);
    }
    if (entries)
        closedir(entries);
}

uint32_t sweep_crc(const char *text, size_t length)
{
    return (uint32_t) crc32_z(crc32_z(0, NULL, 0), (const Bytef *) text,
                              length);
}

int sweep_file_crc(const char *path, uint32_t *crc, struct stat *status)
{
    static const size_t size = (size_t) 16 * FILE_BLOCK_BYTES;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    unsigned char *block = fd < 0 ? NULL : malloc(size);
    uLong sum = crc32_z(0, NULL, 0);
    int error = fd < 0 ? errno : !block ? ENOMEM : 0;
    ssize_t n = 1;

    if (!error && fstat(fd, status))
        error = errno;
    while (!error && n) {
        n = read(fd, block, size);
        if (n < 0 && errno != EINTR)
            error = errno;
        else if (n > 0)
            sum = crc32_z(sum, block, (size_t) n);
    }
    *crc = (uint32_t) sum;
    free(block);
    if (fd >= 0)
        close(fd);
    return error;
}
