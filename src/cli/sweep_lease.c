/* SPDX-License-Identifier: MIT */
/*
 * Leases. Times are compared on the file server's clock: that of a file made
 * there now, so that the hosts' clocks may differ.
 */
#include "cli/sweep_lease.h"

#include "cli/sweep_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LEASE_FILE_BYTES_MAX = 4096 };

/* ---- this process, and others of this host ---- */

static void lease_read_line(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "re");

    text[0] = '\0';
    if (!file)
        return;
    if (!fgets(text, (int) size, file))
        text[0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    fclose(file);
}

/* Field 22 of /proc/PID/stat, counted after the name; 0: no such process, or
 * one that has ended and waits for its parent. proc(5). */
static unsigned long long lease_started(long pid)
{
    char path[64], line[1024];
    unsigned long long started = 0;
    const char *at;
    char state;

    snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
    lease_read_line(path, line, sizeof(line));
    at = strrchr(line, ')');
    if (!at ||
        sscanf(at + 1,
               " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
               "%*s %*s %*s %*s %*s %*s %llu",
               &state, &started) != 2 ||
        state == 'Z' || state == 'X')
        return 0;
    return started;
}

/* How much the file server's clock is ahead of ours; 0 where nothing can be
 * written. */
static long lease_skew_s(const char *dir)
{
    char writer[HOST_NAME_MAX + 32];
    struct stat status;
    long skew_s = 0;
    char *path;
    int fd;

    sweep_file_writer(writer, sizeof(writer));
    path = sweep_file_path(dir, "leases/.now-%s", writer);
    fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666) : -1;
    if (fd >= 0) {
        if (!futimens(fd, NULL) && !fstat(fd, &status))
            skew_s = (long) (status.st_mtime - time(NULL));
        close(fd);
        unlink(path);
    }
    free(path);
    return skew_s;
}

void lease_owner_init(struct lease_owner *owner, const char *dir)
{
    struct passwd *entry = getpwuid(geteuid());
    time_t now = time(NULL);
    struct tm local;
    char namespace[64] = "";
    char boot[64];

    memset(owner, 0, sizeof(*owner));
    if (gethostname(owner->host, sizeof(owner->host) - 1))
        snprintf(owner->host, sizeof(owner->host), "unknown");
    lease_read_line("/proc/sys/kernel/random/boot_id", boot, sizeof(boot));
    if (readlink("/proc/self/ns/pid", namespace, sizeof(namespace) - 1) < 0)
    namespace[0] = '\0';
    snprintf(owner->boot, sizeof(owner->boot), "%.50s/%.60s", boot, namespace);
    if (entry)
        snprintf(owner->user, sizeof(owner->user), "%s", entry->pw_name);
    else
        snprintf(owner->user, sizeof(owner->user), "%ld", (long) geteuid());
    if (localtime_r(&now, &local))
        strftime(owner->since, sizeof(owner->since), "%Y-%m-%d %H:%M:%S",
                 &local);
    owner->pid = (long) getpid();
    owner->started = lease_started(owner->pid);
    owner->skew_s = lease_skew_s(dir);
}

static bool lease_is_old(time_t renewed, const struct lease_owner *self)
{
    return time(NULL) + self->skew_s - renewed > LEASE_STALE_S;
}

static bool lease_is_gone(const struct lease_owner *holder,
                          const struct lease_owner *self)
{
    return holder->started && !strcmp(holder->host, self->host) &&
           !strcmp(holder->boot, self->boot) &&
           lease_started(holder->pid) != holder->started;
}

/* ---- files ---- */

static void lease_write(const struct lease_owner *owner, char *text,
                        size_t size)
{
    snprintf(text, size,
             "host %s\npid %ld\nuser %s\nsince %s\nworkers %zu\nboot %s\n"
             "started %llu\n",
             owner->host, owner->pid, owner->user, owner->since,
             owner->n_workers, owner->boot, owner->started);
}

static void lease_parse(char *text, struct lease_owner *owner)
{
    char *line;

    memset(owner, 0, sizeof(*owner));
    while ((line = strsep(&text, "\n")) != NULL) {
        char *value = strchr(line, ' ');

        if (!value)
            continue;
        *value++ = '\0';
        if (!strcmp(line, "host"))
            snprintf(owner->host, LEASE_TEXT_BYTES, "%s", value);
        else if (!strcmp(line, "boot"))
            snprintf(owner->boot, LEASE_TEXT_BYTES, "%s", value);
        else if (!strcmp(line, "user"))
            snprintf(owner->user, LEASE_TEXT_BYTES, "%s", value);
        else if (!strcmp(line, "since"))
            snprintf(owner->since, LEASE_TEXT_BYTES, "%s", value);
        else if (!strcmp(line, "pid"))
            owner->pid = strtol(value, NULL, 10);
        else if (!strcmp(line, "workers"))
            owner->n_workers = strtoul(value, NULL, 10);
        else if (!strcmp(line, "started"))
            owner->started = strtoull(value, NULL, 10);
    }
}

/* Opening asks the server, so that the time is not a cached one. */
static int lease_read(const char *path, struct lease_owner *owner,
                      time_t *renewed)
{
    char text[LEASE_FILE_BYTES_MAX];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    ssize_t n;

    if (fd < 0)
        return errno;
    n = fstat(fd, &status) ? -1 : read(fd, text, sizeof(text) - 1);
    close(fd);
    if (n < 0)
        return EIO;
    text[n] = '\0';
    lease_parse(text, owner);
    *renewed = status.st_mtime;
    return 0;
}

static bool lease_is_same(const struct lease_owner *a,
                          const struct lease_owner *b)
{
    return a->pid == b->pid && a->started == b->started &&
           !strcmp(a->host, b->host) && !strcmp(a->boot, b->boot);
}

/* Moves a stale lease out of the way: of several who try, one succeeds. If it
 * was somebody else's new one, it is given back. */
static void lease_remove_stale(const char *path,
                               const struct lease_owner *stale)
{
    char writer[HOST_NAME_MAX + 32];
    struct lease_owner moved;
    size_t size = strlen(path) + sizeof(writer) + sizeof(".stale-");
    char *aside = malloc(size);
    char *name;
    time_t renewed;

    if (!aside)
        return;
    /* a name that begins with a dot is no lease */
    sweep_file_writer(writer, sizeof(writer));
    name = strrchr(path, '/') + 1;
    snprintf(aside, size, "%.*s.%s-%s", (int) (name - path), path, name,
             writer);
    if (!rename(path, aside)) {
        if (!lease_read(aside, &moved, &renewed) &&
            !lease_is_same(&moved, stale))
            (void) link(aside, path);
        unlink(aside);
    }
    free(aside);
}

enum lease_result lease_take_free(const char *dir, const char *name,
                                  const struct lease_owner *owner)
{
    char text[LEASE_FILE_BYTES_MAX];
    char *path = sweep_file_path(dir, "leases/%s", name);
    int fd =
        path ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666) : -1;
    int error = fd < 0 ? errno : 0;
    ssize_t n = 0;

    if (fd >= 0) {
        lease_write(owner, text, sizeof(text));
        n = write(fd, text, strlen(text));
        if (n < 0 || (size_t) n < strlen(text))
            error = n < 0 ? errno : ENOSPC;
        if (close(fd) && !error)
            error = errno;
        if (error)
            unlink(path);
    }
    free(path);
    errno = error;
    return !error ? LEASE_TAKEN : error == EEXIST ? LEASE_HELD : LEASE_FAILED;
}

enum lease_result lease_take(const char *dir, const char *name,
                             const struct lease_owner *owner,
                             struct lease_owner *holder)
{
    char *path = sweep_file_path(dir, "leases/%s", name);
    enum lease_result result = LEASE_FAILED;

    errno = ENOMEM;
    for (int i = 0; path && i < 3; i++) {
        time_t renewed = 0;

        result = lease_take_free(dir, name, owner);
        if (result != LEASE_HELD)
            break;
        if (lease_read(path, holder, &renewed))
            continue; /* it has just ended */
        if (!lease_is_gone(holder, owner) && !lease_is_old(renewed, owner))
            break;
        lease_remove_stale(path, holder);
    }
    free(path);
    return result;
}

void lease_renew(const char *dir, const char *name)
{
    char *path = sweep_file_path(dir, "leases/%s", name);

    if (path)
        (void) utimensat(AT_FDCWD, path, NULL, 0);
    free(path);
}

void lease_drop(const char *dir, const char *name,
                const struct lease_owner *owner)
{
    char *path = sweep_file_path(dir, "leases/%s", name);
    struct lease_owner holder;
    time_t renewed;

    if (path && !lease_read(path, &holder, &renewed) &&
        lease_is_same(&holder, owner))
        unlink(path);
    free(path);
}

bool lease_each(const char *dir,
                void (*visit)(void *context, const char *name,
                              const struct lease_owner *owner, bool is_stale),
                void *context)
{
    char *folder = sweep_file_path(dir, "leases");
    DIR *leases = folder ? opendir(folder) : NULL;
    const struct dirent *entry;
    bool is_read = leases != NULL;
    struct lease_owner self;

    lease_owner_init(&self, dir);
    while (leases && (entry = readdir(leases)) != NULL) {
        struct lease_owner owner;
        time_t renewed = 0;
        char *path;

        if (entry->d_name[0] == '.')
            continue;
        path = sweep_file_path(folder, "%s", entry->d_name);
        if (path && !lease_read(path, &owner, &renewed))
            visit(context, entry->d_name, &owner,
                  lease_is_gone(&owner, &self) || lease_is_old(renewed, &self));
        free(path);
    }
    if (leases)
        closedir(leases);
    free(folder);
    return is_read;
}

static void lease_clean_one(void *context, const char *name,
                            const struct lease_owner *owner, bool is_stale)
{
    char *path = is_stale ? sweep_file_path(context, "leases/%s", name) : NULL;

    if (path)
        lease_remove_stale(path, owner);
    free(path);
}

void lease_clean(const char *dir)
{
    (void) lease_each(dir, lease_clean_one, (void *) (uintptr_t) dir);
}
