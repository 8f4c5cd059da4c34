/* SPDX-License-Identifier: MIT */
/*
 * Text traces (mmusim-trace(5)): what both ways share; the reader is an
 * import (import.h).
 */
#ifndef MMUSIM_TRACE_TEXT_TRACE_H
#define MMUSIM_TRACE_TEXT_TRACE_H

#include "core/op.h"
#include "mmusim/status.h"

enum {
    TEXT_LINE_BYTES_MAX = 8190,
    TEXT_THREADS_MAX = 4096, /* each holds buffers of 2 MiB while it is open */
};

enum { TEXT_RECORD_BYTES_MAX = 4 * 1024 };

/* One record as a line with its newline; returns its length. sys: of an
 * OP_SYS record, else NULL. buffer holds TEXT_RECORD_BYTES_MAX. */
size_t mmusim__text_write(uint32_t tid, const struct op_record *record,
                          const struct sys_op *sys, char *buffer);

#endif
