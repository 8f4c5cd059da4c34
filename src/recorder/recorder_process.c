/* SPDX-License-Identifier: MIT */
/*
 * The life of a recorded process: opening the trace, ending it when the
 * program exits, and starting a new one, FILE.PID, in a forked child. The
 * child inherits locks and streams in any state: it touches none of them.
 */
#define _GNU_SOURCE
#include "recorder/recorder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct recorder recorder = {.lock = PTHREAD_MUTEX_INITIALIZER,
                            .layout = PTHREAD_RWLOCK_INITIALIZER};

void mmusim__recorder_report(const mmusim_diag_t *diag)
{
    char text[1024];
    if (recorder.has_failed)
        return;
    recorder.has_failed = true;
    mmusim_diag_format(diag, text, sizeof(text));
    dprintf(STDERR_FILENO, "mmusim: record: %s\n", text);
}

/* keeps_part: the tool that started us renames it, whatever happens. */
static int process_create_writer(const char *path, bool keeps_part)
{
    struct trace_writer_options options = {.codec = TRACE_CODEC_GZIP,
                                           .keeps_part = keeps_part};
    mmusim_diag_t diag;
    if (mmusim__trace_writer_create(path, &options, &recorder.writer, &diag) ==
        MMUSIM_OK)
        return 0;
    recorder.writer = NULL;
    mmusim__recorder_report(&diag);
    return -1;
}

static void process_on_fork_child(void)
{
    pthread_mutex_init(&recorder.lock, NULL);
    pthread_rwlock_init(&recorder.layout, NULL);
    recorder.threads = NULL; /* not freed: their owners are not here */
    recorder.writer = NULL;
    recorder.tid_uses = NULL;
    recorder.has_failed = false;
    recorder.n_operations = 0;
    recorder.is_stopping = false;
    recorder.is_child = true;
    mmusim__recorder_thread_forget();
}

bool mmusim__recorder_is_open(void)
{
    if (recorder.writer != NULL || recorder.is_closed || !recorder.is_child)
        return recorder.writer != NULL;
    char *path = NULL;
    if (asprintf(&path, "%s.%d", recorder.path, (int) getpid()) < 0 ||
        process_create_writer(path, false) != 0)
        recorder.is_closed = true;
    free(path);
    return recorder.writer != NULL;
}

int mmusim__recorder_open(const char *path)
{
    recorder.path = strdup(path);
    if (recorder.path == NULL || process_create_writer(path, true) != 0)
        return -1;
    mmusim__recorder_thread_init_key();
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
    if (mmusim__trace_writer_close(writer, &diag) != MMUSIM_OK)
        mmusim__recorder_report(&diag);
}
