/* SPDX-License-Identifier: MIT */
/*
 * The life of a recorded thread. Its state is made by whoever comes first:
 * the thread itself at its first block, or its parent at the return of clone.
 * That one also takes the clone's number, so that the number precedes
 * everything the child does, and follows the exit of an earlier thread with
 * the same tid. A tid used again gets another number in the trace.
 */
#define _GNU_SOURCE
#include "recorder/recorder.h"

#include <stdlib.h>
#include <unistd.h>

enum {
    TID_BITS = 22, /* PID_MAX_LIMIT is 2^22, Linux include/linux/threads.h */
    TID_MAX_USES = 255,
};

_Thread_local struct recorder_thread *recorder_self
    __attribute__((tls_model("initial-exec")));

static pthread_key_t thread_end_key;
/* In a forked child: of the thread that forked. */
static struct recorder_stack forked_stack;

/* The name of host_tid's present life in the trace. */
static uint32_t thread_name_tid(uint32_t host_tid)
{
    if (recorder.tid_uses == NULL)
        recorder.tid_uses = calloc((size_t) 1 << TID_BITS, 1);
    if (recorder.tid_uses == NULL || host_tid >= 1u << TID_BITS)
        return host_tid;
    uint8_t *uses = &recorder.tid_uses[host_tid];
    uint32_t tid = host_tid + ((uint32_t) *uses << TID_BITS);
    if (*uses < TID_MAX_USES)
        (*uses)++;
    return tid;
}

static struct recorder_thread *thread_create(uint32_t host_tid)
{
    struct recorder_thread *t = calloc(1, sizeof(*t));
    if (t == NULL)
        return NULL;
    t->host_tid = host_tid;
    t->tid = thread_name_tid(host_tid);
    t->stream = mmusim__trace_stream_begin(recorder.writer, t->tid);
    if (t->stream == NULL) {
        free(t);
        return NULL;
    }
    pthread_mutex_init(&t->lock, NULL);
    t->next = recorder.threads;
    recorder.threads = t;
    return t;
}

static void thread_remove(struct recorder_thread *t)
{
    struct recorder_thread **link = &recorder.threads;
    while (*link != t)
        link = &(*link)->next;
    *link = t->next;
    pthread_mutex_destroy(&t->lock);
    free(t);
}

static struct recorder_thread *thread_enter_locked(uint32_t host_tid)
{
    struct recorder_thread *t = recorder.threads;
    bool is_first = t == NULL && recorder.n_operations == 0;
    while (t != NULL && (t->host_tid != host_tid || t->has_entered))
        t = t->next;
    if (t == NULL) {
        t = thread_create(host_tid);
        if (t == NULL)
            return NULL;
        t->is_announced = is_first;
        if (!is_first) {
            mmusim__trace_stream_set_created(t->stream);
            t->birth_number = recorder_take_number();
        }
    }
    t->has_entered = true;
    if (forked_stack.depth != 0) {
        t->stack = forked_stack;
        forked_stack.depth = 0;
    }
    return t;
}

struct recorder_thread *mmusim__recorder_enter(void)
{
    struct recorder_thread *t = NULL;
    pthread_mutex_lock(&recorder.lock);
    while (recorder.is_stopping) {
        pthread_mutex_unlock(&recorder.lock);
        usleep(500); /* not for long: recorder_stop.c */
        pthread_mutex_lock(&recorder.lock);
    }
    if (mmusim__recorder_is_open())
        t = thread_enter_locked((uint32_t) gettid());
    pthread_mutex_unlock(&recorder.lock);
    recorder_self = t;
    if (t != NULL)
        pthread_setspecific(thread_end_key, t);
    return t;
}

static uint64_t thread_announce_locked(uint32_t host_tid, uint32_t *tid)
{
    struct recorder_thread *t = recorder.threads;
    while (t != NULL && (t->host_tid != host_tid || t->is_announced))
        t = t->next;
    if (t == NULL) {
        t = thread_create(host_tid);
        if (t == NULL)
            return 0;
        mmusim__trace_stream_set_created(t->stream);
        t->birth_number = recorder_take_number();
    }
    t->is_announced = true;
    *tid = t->tid;
    uint64_t number = t->birth_number;
    if (t->has_ended)
        thread_remove(t);
    return number;
}

uint64_t mmusim__recorder_announce(uint32_t host_tid, uint32_t *tid)
{
    uint64_t number = 0;
    pthread_mutex_lock(&recorder.lock);
    if (!recorder.is_closed)
        number = thread_announce_locked(host_tid, tid);
    pthread_mutex_unlock(&recorder.lock);
    return number;
}

static void thread_write_exit(struct recorder_thread *t)
{
    uint64_t number = t->call.kind == CALL_EXIT ? t->call.number : 0;
    if (number == 0) {
        mmusim__recorder_call_cut(t);
        number = recorder_take_number();
    }
    mmusim__recorder_sync(t, number);
    mmusim__trace_stream_sys(t->stream, &(struct sys_op){.kind = SYS_EXIT});
}

void mmusim__recorder_thread_finish(struct recorder_thread *t)
{
    if (t->stream == NULL)
        return;
    recorder_block_end(t);
    thread_write_exit(t);
    mmusim_diag_t diag;
    if (mmusim__trace_stream_end(t->stream, &diag) != MMUSIM_OK)
        mmusim__recorder_report(&diag);
    t->stream = NULL;
}

/* The host thread, and so the guest's, has ended. */
static void thread_on_end(void *self)
{
    struct recorder_thread *t = self;
    recorder_self = NULL;
    pthread_mutex_lock(&t->lock);
    mmusim__recorder_thread_finish(t);
    pthread_mutex_unlock(&t->lock);
    pthread_mutex_lock(&recorder.lock);
    t->has_ended = true;
    if (t->is_announced && !recorder.is_closed)
        thread_remove(t);
    pthread_mutex_unlock(&recorder.lock);
}

void mmusim__recorder_thread_init_key(void)
{
    pthread_key_create(&thread_end_key, thread_on_end);
}

void mmusim__recorder_thread_forget(void)
{
    if (recorder_self != NULL)
        forked_stack = recorder_self->stack;
    recorder_self = NULL;
    pthread_setspecific(thread_end_key, NULL);
}
