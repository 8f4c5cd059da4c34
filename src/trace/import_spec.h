/* SPDX-License-Identifier: MIT */
/* What --from says: FORMAT or FORMAT,option=value,... */
#ifndef MMUSIM_TRACE_IMPORT_SPEC_H
#define MMUSIM_TRACE_IMPORT_SPEC_H

#include "trace/import.h"

/* spec NULL or "auto": *ops stays NULL, and *is_native false. */
mmusim_status_t mmusim__import_spec_parse(const char *spec,
                                          const struct import_ops **ops,
                                          bool *is_native,
                                          uint64_t values[IMPORT_OPTIONS_MAX],
                                          mmusim_diag_t *diag);
void mmusim__import_spec_defaults(const struct import_ops *ops,
                                  uint64_t values[IMPORT_OPTIONS_MAX]);
/* "native, text, ..." */
void mmusim__import_spec_names(char *names, size_t size);

#endif
