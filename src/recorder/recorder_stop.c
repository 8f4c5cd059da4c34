/* SPDX-License-Identifier: MIT */
/*
 * Bringing every other thread to a halt where its stream is complete: before
 * an execve, and before the process dies of a signal. A thread is quiet
 * inside a system call that the recorder follows, or parked at the start of a
 * block; the stopper then holds its lock. A thread that stays busy elsewhere
 * (a long call that is not followed) makes the stop fail after 0.2 s.
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
    STOP_ATTEMPTS = 400,
    STOP_INTERVAL_NS = 500000, /* 0.2 s in all; a block takes microseconds */
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

bool mmusim__recorder_stop(struct recorder_thread *self, uint64_t *number)
{
    bool is_first = !atomic_exchange(&recorder.is_stopping, true);
    *number = recorder_take_number(); /* now the others look up */
    for (int i = 0; is_first && i < STOP_ATTEMPTS; i++) {
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

/*
 * A thread that did not look up is not in translated code: QEMU holds the
 * others back while it handles the signal, or it sleeps in a call that is not
 * followed. The process is about to die, so its stream is ended, too.
 */
static void stop_and_end_trace(struct recorder_thread *self)
{
    struct recorder_call death = {.kind = CALL_EXIT};
    mmusim__recorder_stop(self, &death.number);
    self->call = death;
    mmusim__recorder_close();
}

QEMU_PLUGIN_VISIBLE int kill(pid_t pid, int number)
{
    struct recorder_thread *self = recorder_self;
    if (pid == getpid() && number != 0 && self != NULL &&
        self->call.kind == CALL_IGNORED)
        stop_and_end_trace(self);
    return (int) syscall(SYS_kill, pid, number);
}
