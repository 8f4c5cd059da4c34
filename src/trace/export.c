/* SPDX-License-Identifier: MIT */
/* Writing a trace in another format, and saying what that cannot hold. */
#include "trace/export.h"

#include "core/diag.h"
#include "core/source.h"
#include "mmusim/trace.h"
#include "trace/trace_selection.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct export_ops *export_find(const char *name)
{
    for (uint32_t i = 0; i < mmusim__export_table_size; i++) {
        if (!strcmp(mmusim__export_table[i]->name, name))
            return mmusim__export_table[i];
    }
    return NULL;
}

/* ---- what was lost, in one line ---- */

struct export_text {
    char *text;
    size_t size;
    size_t length;
};

static void export_say(struct export_text *to, const char *format, ...)
    MMUSIM_PRINTF(2, 3);
static void export_say(struct export_text *to, const char *format, ...)
{
    va_list args;
    int n;

    if (to->length + 3 > to->size)
        return;
    if (to->length)
        to->length += (size_t) snprintf(to->text + to->length,
                                        to->size - to->length, ", ");
    va_start(args, format);
    n = vsnprintf(to->text + to->length, to->size - to->length, format, args);
    va_end(args);
    to->length += n < 0 ? 0 : (size_t) n;
    if (to->length >= to->size)
        to->length = to->size - 1;
}

static void export_say_losses(const struct export_losses *losses,
                              struct export_text *to)
{
    for (uint32_t i = 0; i < SYS_KIND_COUNT; i++) {
        if (losses->n_sys[i])
            export_say(to, "%" PRIu64 " %s", losses->n_sys[i],
                       mmusim_trace_operation_name(i));
    }
    if (losses->n_nomem)
        export_say(to, "%" PRIu64 " instructions without an address",
                   losses->n_nomem);
    if (losses->n_early)
        export_say(to, "%" PRIu64 " accesses before the first instruction",
                   losses->n_early);
    if (losses->n_zeros)
        export_say(to, "%" PRIu64 " accesses at address 0", losses->n_zeros);
    if (losses->has_no_sizes)
        export_say(to, "sizes of accesses");
}

static void export_say_changes(const struct export_losses *losses,
                               struct export_text *to)
{
    if (losses->n_repeated)
        export_say(to,
                   "%" PRIu64 " instructions are written again for accesses "
                   "that one cannot hold",
                   losses->n_repeated);
    if (losses->n_reordered)
        export_say(to, "%" PRIu64 " loads come before the stores they followed",
                   losses->n_reordered);
    if (losses->has_guessed_parts)
        export_say(to, "instructions fetched together are taken as equally "
                       "long");
}

static void export_note(const struct export_losses *losses,
                        const struct export_ops *ops, char *note, size_t size)
{
    char lost[384] = "";
    char changed[256] = "";
    struct export_text text = {lost, sizeof(lost), 0};

    export_say_losses(losses, &text);
    text = (struct export_text){changed, sizeof(changed), 0};
    export_say_changes(losses, &text);
    note[0] = '\0';
    if (lost[0] || changed[0])
        snprintf(note, size, "%s%s%s%s%s", lost[0] ? ops->name : "",
                 lost[0] ? " cannot hold, and these are left out: " : "", lost,
                 lost[0] && changed[0] ? "; " : "", changed);
}

/* ---- the one thread ---- */

/* Lists up to a few threads for the message. */
static mmusim_status_t export_not_one(const mmusim_source_t *source,
                                      const struct export_ops *ops,
                                      uint32_t n_selected, mmusim_diag_t *diag)
{
    char tids[64] = "";
    size_t length = 0;

    for (uint32_t i = 0; i < source->n_threads && i < 4; i++)
        length += (size_t) snprintf(tids + length, sizeof(tids) - length,
                                    "%s%" PRIu32, i ? ", " : "",
                                    source->threads[i].tid);
    if (n_selected == 0)
        return mmusim__diag_set(diag, MMUSIM_USAGE, "there is no thread");
    return mmusim__diag_set(
        diag, MMUSIM_USAGE,
        "%s holds one thread, not %" PRIu32 " (choose one: --thread TID; there "
        "are %s%s)",
        ops->name, n_selected, tids, source->n_threads > 4 ? ", ..." : "");
}

static mmusim_status_t export_choose(const mmusim_source_t *source,
                                     const struct export_ops *ops,
                                     const mmusim_trace_selection_t *selection,
                                     uint32_t *thread_index,
                                     mmusim_diag_t *diag)
{
    uint32_t n = 0;

    for (uint32_t i = source->n_threads; i-- > 0;) {
        if (mmusim__trace_selection_has(selection, source->threads[i].tid)) {
            *thread_index = i;
            n++;
        }
    }
    return n == 1 ? MMUSIM_OK : export_not_one(source, ops, n, diag);
}

static void export_piece(struct export_run *run, const struct export_ops *ops,
                         const mmusim_trace_selection_t *selection,
                         const struct op_piece *piece)
{
    for (uint32_t i = 0; i < piece->n_records; i++) {
        const struct op_record *record = &piece->records[i];
        uint64_t number = piece->first_record + i;

        if (number < selection->first_record ||
            (selection->end_record && number >= selection->end_record))
            continue;
        if (op_kind_of(record) == OP_SYS)
            run->losses.n_sys[piece->sys[record->count].kind]++;
        else
            ops->put(run, record);
    }
}

static mmusim_status_t export_thread(struct export_run *run,
                                     const struct export_ops *ops,
                                     const mmusim_trace_selection_t *selection,
                                     mmusim_source_t *source,
                                     mmusim_diag_t *diag)
{
    uint32_t thread_index = 0;
    mmusim_status_t status =
        export_choose(source, ops, selection, &thread_index, diag);

    while (!status) {
        struct op_piece piece;

        status = source->ops->next(source, thread_index, &piece, diag);
        if (status || piece.n_records == 0)
            break;
        export_piece(run, ops, selection, &piece);
        if (!mmusim__byte_packer_put(run->packer, "", 0))
            break;
    }
    if (!status)
        ops->end(run);
    return status;
}

static mmusim_status_t export_one(mmusim_trace_t *trace,
                                  const struct export_ops *ops,
                                  mmusim_trace_target_t *to,
                                  struct byte_packer *packer,
                                  mmusim_diag_t *diag)
{
    static const mmusim_trace_selection_t everything = {0};
    struct export_run run = {.packer = packer};
    mmusim_source_t *source = NULL;
    mmusim_status_t status =
        mmusim__trace_selection_check(to->selection, trace, diag);

    if (!status)
        status = mmusim_trace_source(trace, &source, diag);
    if (!status)
        status = export_thread(&run, ops,
                               to->selection ? to->selection : &everything,
                               source, diag);
    mmusim_source_destroy(source);
    export_note(&run.losses, ops, to->note, sizeof(to->note));
    return status;
}

static int export_put_text(void *context, const char *text, size_t length_bytes)
{
    return !mmusim__byte_packer_put(context, text, length_bytes);
}

static mmusim_status_t export_unknown(const char *format, mmusim_diag_t *diag)
{
    const char *names[8] = {"text"};
    size_t n = 1;
    const char *nearest;

    for (uint32_t i = 0; i < mmusim__export_table_size && n < 8; i++)
        names[n++] = mmusim__export_table[i]->name;
    nearest = mmusim_nearest(format, names, n);
    return mmusim__diag_set(diag, MMUSIM_USAGE,
                            "unknown format '%.40s' to write (%s%s)", format,
                            nearest ? "nearest: " : "text, lackey or champsim",
                            nearest ? nearest : "");
}

mmusim_status_t mmusim_trace_export(mmusim_trace_t *trace,
                                    mmusim_trace_target_t *to,
                                    mmusim_diag_t *diag)
{
    const struct export_ops *ops = export_find(to->format);
    bool is_text = !strcmp(to->format, "text");
    struct byte_packer *packer;
    mmusim_status_t status;

    to->note[0] = '\0';
    if (!ops && !is_text)
        return export_unknown(to->format, diag);
    status = mmusim__byte_packer_create(to->packing, to->write, to->context,
                                        &packer, diag);
    if (status)
        return status;
    if (is_text)
        status = mmusim_trace_cat(trace, to->selection, export_put_text, packer,
                                  diag);
    else
        status = export_one(trace, ops, to, packer, diag);
    if (!status && !mmusim__byte_packer_finish(packer))
        status =
            mmusim__diag_set(diag, MMUSIM_SYSTEM, "cannot write%s%s",
                             errno ? ": " : "", errno ? strerror(errno) : "");
    mmusim__byte_packer_destroy(packer);
    return status;
}
