/* SPDX-License-Identifier: MIT */
/* The index member: the fields of all blocks, in the order of the file. */
#ifndef MMUSIM_TRACE_TRACE_INDEX_H
#define MMUSIM_TRACE_TRACE_INDEX_H

#include "trace/trace_file.h"

/* Compares the index with the blocks found so far. *wrong: what does not fit,
 * set unless the status is OK; MMUSIM_DAMAGED or MMUSIM_NOMEM. */
mmusim_status_t mmusim__trace_index_check(const struct trace_file *file,
                                          const struct trace_block *index,
                                          const char **wrong);

#endif
