/* SPDX-License-Identifier: MIT */
/*
 * Bringing every other thread to a halt where its stream is complete: before
 * an execve, and before the process dies of a signal. A thread is quiet
 * inside a system call that the recorder follows, or parked at the start of a
 * block; the stopper then holds its lock. A thread that stays busy elsewhere
 * (a long call that is not followed) makes the stop fail after a second.
 *
 * The second half notices the death: QEMU passes a fatal signal on with
 * kill(getpid(), ...), outside any system call of the program. The tool
 * preloads this plugin into QEMU, so that the call lands here.
 */
#define _GNU_SOURCE
#include "recorder/recorder.h"

#include "recorder/qemu_plugin_api.h"

#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    STOP_ATTEMPTS = 2000,
    STOP_INTERVAL_NS = 500000, /* one second in all */
};

static void stop_pause(void)
{
    nanosleep(&(struct timespec){.tv_nsec = STOP_INTERVAL_NS}, NULL);
}

void mmusim__recorder_park(struct recorder_thread *t)
{
    pthread_mutex_lock(&t->lock);
    t->is_quiet = true;
    pthread_mutex_unlock(&t->lock);
    while (recorder.is_stopping)
        stop_pause();
    pthread_mutex_lock(&t->lock);
    t->is_quiet = false;
    pthread_mutex_unlock(&t->lock);
}

static bool stop_hold(struct recorder_thread *t)
{
    if (t->is_held)
        return true;
    if (pthread_mutex_trylock(&t->lock) != 0)
        return false;
    t->is_held = t->is_quiet || !t->has_entered || t->stream == NULL;
    if (!t->is_held)
        pthread_mutex_unlock(&t->lock);
    return t->is_held;
}

static bool stop_hold_all(const struct recorder_thread *self)
{
    bool holds_all = true;
    pthread_mutex_lock(&recorder.lock);
    for (struct recorder_thread *t = recorder.threads; t != NULL; t = t->next) {
        if (t != self)
            holds_all = stop_hold(t) && holds_all;
    }
    pthread_mutex_unlock(&recorder.lock);
    return holds_all;
}

bool mmusim__recorder_stop(struct recorder_thread *self)
{
    if (atomic_exchange(&recorder.is_stopping, true))
        return false; /* somebody else is at it */
    for (int i = 0; i < STOP_ATTEMPTS; i++) {
        if (stop_hold_all(self))
            return true;
        stop_pause();
    }
    return false;
}

void mmusim__recorder_resume(void)
{
    pthread_mutex_lock(&recorder.lock);
    for (struct recorder_thread *t = recorder.threads; t != NULL; t = t->next) {
        if (t->is_held) {
            t->is_held = false;
            pthread_mutex_unlock(&t->lock);
        }
    }
    pthread_mutex_unlock(&recorder.lock);
    recorder.is_stopping = false;
}

/* The number is what makes the others look up at their next block. */
static void stop_and_end_trace(struct recorder_thread *self)
{
    pthread_mutex_lock(&self->lock);
    mmusim__recorder_call_cut(self);
    self->call = (struct recorder_call){.kind = CALL_EXIT,
                                        .number = recorder_take_number()};
    pthread_mutex_unlock(&self->lock);
    if (mmusim__recorder_stop(self)) {
        mmusim__recorder_close();
        return;
    }
    pthread_mutex_lock(&self->lock);
    mmusim__recorder_thread_finish(self);
    pthread_mutex_unlock(&self->lock);
}

QEMU_PLUGIN_VISIBLE int kill(pid_t pid, int number)
{
    struct recorder_thread *self = recorder_self;
    if (pid == getpid() && number != 0 && self != NULL &&
        self->call.kind == CALL_IGNORED)
        stop_and_end_trace(self);
    return (int) syscall(SYS_kill, pid, number);
}
