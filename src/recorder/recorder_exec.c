/* SPDX-License-Identifier: MIT */
/*
 * execve: if it succeeds, nobody is left to write. So the trace is ended
 * before, with `exec` and the index, and if the call returns, that end is cut
 * off again and recording goes on. The other threads are halted meanwhile;
 * Linux ends them at a successful execve.
 */
#include "recorder/recorder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void exec_flush_others(void)
{
    pthread_mutex_lock(&recorder.lock);
    for (struct recorder_thread *t = recorder.threads; t != NULL; t = t->next) {
        if (t->is_held && t->stream != NULL)
            mmusim__trace_stream_flush(t->stream, NULL);
    }
    pthread_mutex_unlock(&recorder.lock);
}

void mmusim__recorder_exec_enter(struct recorder_thread *t)
{
    mmusim__recorder_stop(t, &t->call.number);
    exec_flush_others();
    struct sys_op ops[] = {{.kind = SYS_SYNC, .number = t->call.number},
                           {.kind = SYS_EXEC}};
    mmusim_diag_t diag;
    mmusim_status_t status =
        mmusim__trace_stream_seal(t->stream, ops, 2, &recorder.seal, &diag);
    t->call.is_sealed = status == MMUSIM_OK;
    if (t->call.is_sealed)
        mmusim__recorder_name_file(true);
    else if (status != MMUSIM_UNSUPPORTED)
        mmusim__recorder_report(&diag);
}

/* Back to the name it had. */
static void exec_rename_back(void)
{
    if (!recorder.is_child || recorder.part == NULL)
        return;
    char *path = strndup(recorder.part, strlen(recorder.part) - 5);
    if (path != NULL)
        rename(path, recorder.part);
    free(path);
}

void mmusim__recorder_exec_failed(struct recorder_thread *t)
{
    mmusim_diag_t diag;
    if (t->call.is_sealed) {
        exec_rename_back();
        if (mmusim__trace_stream_unseal(t->stream, &recorder.seal, &diag) !=
            MMUSIM_OK)
            mmusim__recorder_report(&diag);
    }
    mmusim__recorder_resume();
}
