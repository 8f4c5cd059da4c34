/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "cli/record_output.h"

#include "cli/cli.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Room for ".PID.part" behind the path. */
enum { SUFFIX_BYTES = 32 };

static int record_output_refuse(const char *path, const char *why)
{
    return cli_error(CLI_SYSTEM, "record: %s: %s", path, why);
}

static int record_output_resolve(struct record_output *output, const char *path)
{
    char folder[PATH_MAX] = "";
    int length;

    if (path[0] != '/' && getcwd(folder, sizeof(folder)) == NULL)
        return errno;
    length = snprintf(output->path, sizeof(output->path), "%s%s%s", folder,
                      path[0] == '/' ? "" : "/", path);
    if (length < 0 || length > PATH_MAX - SUFFIX_BYTES)
        return ENAMETOOLONG;
    memcpy(output->part, output->path, sizeof(output->part));
    strcat(output->part, ".part");
    return 0;
}

/* The folder must let us create and rename; root may always. */
static int record_output_check_folder(const struct record_output *output)
{
    char folder[PATH_MAX];

    memcpy(folder, output->path, sizeof(folder));
    strrchr(folder, '/')[1] = '\0';
    return access(folder, W_OK | X_OK) == 0 ? 0 : errno;
}

/* Nothing is left behind that would show that writing has failed. */
static int record_output_prepare_in_place(struct record_output *output)
{
    output->failure_fd = memfd_create("mmusim-record", MFD_CLOEXEC);
    if (output->failure_fd < 0 || ftruncate(output->failure_fd, 1) != 0)
        return record_output_refuse(output->path, strerror(errno));
    snprintf(output->plugin_option, sizeof(output->plugin_option),
             ",failure=/proc/%ld/fd/%d", (long) getpid(), output->failure_fd);
    return CLI_OK;
}

int record_output_prepare(struct record_output *output, const char *path,
                          const char *program)
{
    struct stat old, source;
    int error = record_output_resolve(output, path);

    if (error != 0)
        return record_output_refuse(path, strerror(error));
    output->is_in_place = 0;
    output->plugin_option[0] = '\0';
    if (stat(output->path, &old) == 0) {
        if (S_ISDIR(old.st_mode))
            return record_output_refuse(path, strerror(EISDIR));
        if (stat(program, &source) == 0 && old.st_dev == source.st_dev &&
            old.st_ino == source.st_ino)
            return record_output_refuse(path, "is the program to be recorded");
        output->is_in_place = !S_ISREG(old.st_mode);
    }
    if (output->is_in_place)
        return record_output_prepare_in_place(output);
    error = record_output_check_folder(output);
    if (error != 0)
        return record_output_refuse(path, strerror(error));
    unlink(output->part); /* of an earlier run that was killed */
    return CLI_OK;
}

/* name = base ".PID.part" with a PID nobody has: its length without ".part";
 * else 0. */
static size_t record_output_orphan(const char *name, const char *base)
{
    size_t length = strlen(base);
    char *end;

    if (strncmp(name, base, length) != 0 || name[length] != '.')
        return 0;
    long pid = strtol(name + length + 1, &end, 10);
    if (pid <= 0 || strcmp(end, ".part") != 0)
        return 0;
    if (kill((pid_t) pid, 0) == 0 || errno != ESRCH)
        return 0; /* still running: it renames its file itself */
    return (size_t) (end - name);
}

static void record_output_rename_orphans(const struct record_output *output)
{
    char folder[PATH_MAX];
    char name[NAME_MAX + 1];
    const char *base = strrchr(output->path, '/') + 1;

    memcpy(folder, output->path, sizeof(folder));
    folder[base - output->path] = '\0';
    DIR *directory = opendir(folder);
    if (directory == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        size_t length = record_output_orphan(entry->d_name, base);
        if (length == 0)
            continue;
        memcpy(name, entry->d_name, length);
        name[length] = '\0';
        renameat(dirfd(directory), entry->d_name, dirfd(directory), name);
    }
    closedir(directory);
}

static int record_output_finish_in_place(const struct record_output *output)
{
    char has_failed = 0;
    int is_known = pread(output->failure_fd, &has_failed, 1, 0) == 1;

    close(output->failure_fd);
    if (is_known && !has_failed)
        return CLI_OK;
    return record_output_refuse(output->path, "the trace is not whole");
}

int record_output_finish(const struct record_output *output)
{
    if (output->is_in_place)
        return record_output_finish_in_place(output);
    record_output_rename_orphans(output);
    if (rename(output->part, output->path) == 0)
        return CLI_OK;
    if (errno == ENOENT)
        return record_output_refuse(output->path, "no trace was written");
    return record_output_refuse(output->path, strerror(errno));
}
