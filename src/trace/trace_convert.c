/* SPDX-License-Identifier: MIT */
/* A file of any format into a native trace. */
#include "trace/trace_handle.h"

#include <string.h>

static void convert_tell(const mmusim_trace_conversion_t *conversion,
                         const char *line)
{
    if (conversion->tell)
        conversion->tell(conversion->context, line);
}

/* Straight into the file. */
static mmusim_status_t
convert_import(const mmusim_trace_conversion_t *conversion,
               struct import *import, bool salvages, mmusim_diag_t *diag)
{
    const char *codec = conversion->codec;
    const struct trace_writer_options options = {
        .codec = codec && !strcmp(codec, "zstd") ? TRACE_CODEC_ZSTD
                                                 : TRACE_CODEC_GZIP,
        .level = conversion->level};
    struct trace_writer *writer;
    mmusim_status_t status =
        mmusim__trace_writer_create(conversion->to, &options, &writer, diag);

    if (status)
        return status;
    status = mmusim__import_run(import, writer, salvages, diag);
    if (!status)
        status = mmusim__trace_writer_close(writer, diag);
    else
        mmusim__trace_writer_abandon(writer);
    for (uint32_t i = 0; !status && i < import->notes.n; i++)
        convert_tell(conversion, import->notes.texts[i]);
    return status;
}

/* As a trace first. */
static mmusim_status_t
convert_trace(const mmusim_trace_conversion_t *conversion,
              struct import *import, const mmusim_trace_options_t *options,
              mmusim_diag_t *diag)
{
    mmusim_trace_t *trace;
    const char *note;
    mmusim_status_t status =
        mmusim__trace_open_import(import, options, &trace, diag);

    if (status)
        return status;
    for (size_t i = 0; (note = mmusim_trace_note(trace, i)); i++)
        convert_tell(conversion, note);
    if (!trace->file.has_index)
        convert_tell(conversion, "no index: the recording was cut short or "
                                 "truncated (what is there is used)");
    status = mmusim_trace_convert(trace, conversion->selection, conversion->to,
                                  conversion->codec, conversion->level, diag);
    mmusim_trace_close(trace);
    return status;
}

static bool convert_selects(const mmusim_trace_selection_t *selection)
{
    return selection && (selection->n_tids || selection->first_record ||
                         selection->end_record);
}

mmusim_status_t
mmusim_trace_convert_file(const mmusim_trace_conversion_t *conversion,
                          mmusim_diag_t *diag)
{
    static const mmusim_trace_options_t none = {0};
    const mmusim_trace_options_t *options =
        conversion->options ? conversion->options : &none;
    struct import import;
    mmusim_status_t status =
        mmusim__trace_find_import(&import, conversion->from, options, diag);

    if (!status && import.ops && !import.ops->is_many_threads &&
        !convert_selects(conversion->selection))
        status = convert_import(conversion, &import, options->salvages, diag);
    else if (!status)
        status = convert_trace(conversion, &import, options, diag);
    mmusim__import_close(&import);
    return status;
}
