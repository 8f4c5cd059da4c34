/* SPDX-License-Identifier: MIT */
/*
 * A trace that is read while the program runs: a thread inside a system call
 * cannot write out what it has, and may be there for long. A thread of our own
 * does it for all of them, now and then. A child of fork() has none and needs
 * none: it is not recorded.
 */
#define _GNU_SOURCE
#include "recorder/recorder.h"

#include <signal.h>
#include <time.h>

enum { LIVE_INTERVAL_NS = 10000000 }; /* what a user takes for at once */

/* False: nothing is recorded any more. */
static bool live_pass_on(void)
{
    pthread_mutex_lock(&recorder.lock);
    bool is_open = recorder.writer != NULL;
    struct recorder_thread *t = is_open ? recorder.threads : NULL;
    for (; t != NULL; t = t->next) {
        if (pthread_mutex_trylock(&t->lock) != 0)
            continue;
        if (t->is_quiet && t->stream != NULL)
            mmusim__trace_stream_flush(t->stream, NULL);
        pthread_mutex_unlock(&t->lock);
    }
    pthread_mutex_unlock(&recorder.lock);
    return is_open;
}

static void *live_run(void *unused)
{
    struct timespec interval = {.tv_nsec = LIVE_INTERVAL_NS};
    do
        nanosleep(&interval, NULL);
    while (live_pass_on());
    return unused;
}

/* The program's signals are not for this thread. Without it, all is later. */
void mmusim__recorder_live_begin(void)
{
    sigset_t all, old;
    pthread_t thread;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    if (pthread_create(&thread, NULL, live_run, NULL) == 0)
        pthread_detach(thread);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}
