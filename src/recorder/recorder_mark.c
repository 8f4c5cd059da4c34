/* SPDX-License-Identifier: MIT */
/*
 * mmusim_mark() in the program (mmusim/mark.h): a prctl that Linux refuses,
 * with the name in its arguments. Both guests are little-endian, as the hosts.
 */
#include "mmusim/mark.h"

#include "recorder/recorder.h"

#include <string.h>

/* Names of marks are parts of statistics' names and words of text traces. */
static bool mark_is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || (c != '\0' && strchr("_.:+-/@=%", c));
}

void mmusim__recorder_mark(struct recorder_thread *t, const uint64_t *name)
{
    char text[MMUSIM_MARK_BYTES + 1] = {0};

    memcpy(text, name, MMUSIM_MARK_BYTES);
    for (char *c = text; *c != '\0'; c++) {
        if (!mark_is_plain(*c))
            *c = '_';
    }
    pthread_mutex_lock(&t->lock);
    recorder_access_end(t);
    if (t->stream != NULL)
        mmusim__trace_stream_sys(
            t->stream,
            &(struct sys_op){.kind = SYS_MARK,
                             .name = text[0] != '\0' ? text : "unnamed"});
    pthread_mutex_unlock(&t->lock);
}
