/* SPDX-License-Identifier: MIT */
/*
 * The life of a recorded process: opening the trace, ending it when the
 * program exits, and starting a new one, FILE.PID, in a forked child. The
 * child inherits locks and streams in any state: it touches none of them.
 */
#define _GNU_SOURCE
#include "recorder/recorder.h"

#include "core/diag.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of a trace that is read while it is written: a reader that waits for one
 * thread holds what the others write meanwhile. */
enum { LIVE_BLOCK_BYTES = 256 << 10, LIVE_OPEN_BYTES = 1 << 20 };

struct recorder recorder = {.lock = PTHREAD_MUTEX_INITIALIZER,
                            .layout = PTHREAD_RWLOCK_INITIALIZER};

void mmusim__recorder_report(const mmusim_diag_t *diag)
{
    char text[1024];
    if (recorder.has_failed)
        return;
    recorder.has_failed = true;
    if (recorder.failure != NULL && !recorder.is_child)
        *recorder.failure = 1;
    mmusim_diag_format(diag, text, sizeof(text));
    dprintf(STDERR_FILENO, "mmusim: record: %s\n", text);
}

void mmusim__recorder_share_failure(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return;
    void *byte = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (byte != MAP_FAILED)
        recorder.failure = byte;
}

/* A number that programs hardly use themselves, so that neither their dup2
 * nor the expectation of a small descriptor meets it. */
static int process_move_high(int fd)
{
    struct rlimit limit = {.rlim_cur = 1024};
    getrlimit(RLIMIT_NOFILE, &limit);
    rlim_t top = limit.rlim_cur < 65536 ? limit.rlim_cur : 65536;
    int high = fcntl(fd, F_DUPFD_CLOEXEC, (int) top - 8);
    if (high < 0)
        return fd;
    close(fd);
    return high;
}

/* FILE.part, or FILE itself if it exists and is not regular. */
static int process_open_file(const char *path, const char *suffix)
{
    struct stat old;
    bool is_in_place = stat(path, &old) == 0 && !S_ISREG(old.st_mode);
    free(recorder.part);
    recorder.part = NULL;
    if (!is_in_place && asprintf(&recorder.part, "%s%s", path, suffix) < 0)
        recorder.part = NULL;
    int fd = open(recorder.part != NULL ? recorder.part : path,
                  O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    return fd < 0 ? fd : process_move_high(fd);
}

static int process_fail(const char *path)
{
    mmusim_diag_t diag;
    mmusim__diag_set(&diag, MMUSIM_SYSTEM, "%s: %s", path, strerror(errno));
    mmusim__recorder_report(&diag);
    return -1;
}

static int process_create_writer(const char *path)
{
    struct trace_writer_options options = {.codec = TRACE_CODEC_GZIP};
    if (recorder.is_live) {
        options.is_live = true;
        options.is_packed = recorder.is_packed;
        options.block_bytes = LIVE_BLOCK_BYTES;
        options.open_bytes = LIVE_OPEN_BYTES;
    }
    mmusim_diag_t diag;
    struct stat made;
    int fd = process_open_file(path, ".part");
    if (fd < 0 || fstat(fd, &made) != 0)
        return process_fail(path);
    recorder.fd = fd;
    recorder.device = made.st_dev;
    recorder.inode = made.st_ino;
    if (mmusim__trace_writer_create_fd(fd, &options, &recorder.writer, &diag) ==
        MMUSIM_OK)
        return 0;
    recorder.writer = NULL;
    mmusim__recorder_report(&diag);
    return -1;
}

/* The program may close any descriptor: then ours is opened again, under the
 * same number. */
void mmusim__recorder_repair_fd(void)
{
    struct stat now;
    const char *path = recorder.part != NULL ? recorder.part : recorder.path;
    if (recorder.writer == NULL ||
        (recorder.part == NULL && !recorder.is_live) ||
        (fstat(recorder.fd, &now) == 0 && now.st_dev == recorder.device &&
         now.st_ino == recorder.inode))
        return;
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &now) != 0 || now.st_ino != recorder.inode ||
        (!recorder.is_live && lseek(fd, 0, SEEK_END) < 0) ||
        (fd != recorder.fd && dup3(fd, recorder.fd, O_CLOEXEC) < 0))
        process_fail(path);
    if (fd >= 0 && fd != recorder.fd)
        close(fd);
}

/* A child renames its own file; the tool that started us does it for the
 * first process, however that ends. On failure there is nothing to rename. */
void mmusim__recorder_name_file(bool is_good)
{
    if (recorder.part == NULL)
        return;
    char *path = strndup(recorder.part, strlen(recorder.part) - 5);
    if (!is_good)
        unlink(recorder.part);
    else if (recorder.is_child && path != NULL)
        rename(recorder.part, path);
    free(path);
}

static void process_on_fork_child(void)
{
    pthread_mutex_init(&recorder.lock, NULL);
    pthread_rwlock_init(&recorder.layout, NULL);
    recorder.threads = NULL; /* not freed: their owners are not here */
    if (recorder.writer != NULL)
        close(recorder.fd); /* the writer itself is the parent's */
    recorder.writer = NULL;
    recorder.tid_uses = NULL;
    recorder.has_failed = false;
    recorder.n_operations = 0;
    recorder.is_stopping = false;
    recorder.is_child = true;
    mmusim__recorder_images_fork();
    recorder.is_closed = recorder.is_closed || recorder.is_live;
    mmusim__recorder_thread_forget();
}

bool mmusim__recorder_is_open(void)
{
    if (recorder.writer != NULL || recorder.is_closed || !recorder.is_child)
        return recorder.writer != NULL;
    char *path = NULL;
    if (asprintf(&path, "%s.%d", recorder.path, (int) getpid()) < 0 ||
        process_create_writer(path) != 0)
        recorder.is_closed = true;
    free(path);
    return recorder.writer != NULL;
}

int mmusim__recorder_open(const char *path)
{
    recorder.path = strdup(path);
    if (recorder.path == NULL || process_create_writer(path) != 0)
        return -1;
    mmusim__recorder_thread_init_key();
    if (recorder.is_live)
        mmusim__recorder_live_begin();
    return pthread_atfork(NULL, NULL, process_on_fork_child) == 0 ? 0 : -1;
}

/*
 * Called when every other thread is outside translated code: one may still be
 * inside a callback of a system call, which its lock waits for.
 */
void mmusim__recorder_close(void)
{
    pthread_mutex_lock(&recorder.lock);
    struct trace_writer *writer = recorder.writer;
    recorder.writer = NULL;
    recorder.is_closed = true;
    pthread_mutex_unlock(&recorder.lock);
    if (writer == NULL)
        return;
    for (struct recorder_thread *t = recorder.threads; t != NULL; t = t->next) {
        if (!t->is_held)
            pthread_mutex_lock(&t->lock);
        mmusim__recorder_thread_finish(t);
        if (!t->is_held)
            pthread_mutex_unlock(&t->lock);
    }
    mmusim_diag_t diag;
    mmusim_status_t status = mmusim__trace_writer_close(writer, &diag);
    if (status != MMUSIM_OK)
        mmusim__recorder_report(&diag);
    close(recorder.fd);
    mmusim__recorder_name_file(status == MMUSIM_OK && !recorder.has_failed);
}
