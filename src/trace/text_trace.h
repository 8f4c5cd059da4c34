/* SPDX-License-Identifier: MIT */
/*
 * Text traces (mmusim-trace(5)): both ways, as a stream.
 */
#ifndef MMUSIM_TRACE_TEXT_TRACE_H
#define MMUSIM_TRACE_TEXT_TRACE_H

#include "core/op.h"
#include "mmusim/status.h"
#include "trace/trace_writer.h"

#include <stdio.h>

enum {
    TEXT_LINE_BYTES_MAX = 8192,
    TEXT_THREADS_MAX = 4096, /* each holds buffers of 2 MiB while it is open */
};

/* Reads lines from in to its end; name is for messages. */
mmusim_status_t mmusim__text_read(FILE *in, const char *name,
                                  struct trace_writer *writer,
                                  mmusim_diag_t *diag);

enum { TEXT_RECORD_BYTES_MAX = 4 * 1024 };

/* One record as a line with its newline; returns its length. sys: of an
 * OP_SYS record, else NULL. buffer holds TEXT_RECORD_BYTES_MAX. */
size_t mmusim__text_write(uint32_t tid, const struct op_record *record,
                          const struct sys_op *sys, char *buffer);

#endif
