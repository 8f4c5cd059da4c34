/* SPDX-License-Identifier: MIT */
/* The formats that can be imported, in the order in which users see them. */
#include "trace/import.h"

extern const struct import_ops mmusim__import_text;
extern const struct import_ops mmusim__import_lackey;
extern const struct import_ops mmusim__import_champsim;
extern const struct import_ops mmusim__import_champsim_cloudsuite;
extern const struct import_ops mmusim__import_din;
extern const struct import_ops mmusim__import_gem5;
extern const struct import_ops mmusim__import_drmemtrace;
extern const struct import_ops mmusim__import_perf;
extern const struct import_ops mmusim__import_trace_cmd;

const struct import_ops *const mmusim__import_table[] = {
    &mmusim__import_text,       &mmusim__import_lackey,
    &mmusim__import_champsim,   &mmusim__import_champsim_cloudsuite,
    &mmusim__import_din,        &mmusim__import_gem5,
    &mmusim__import_drmemtrace, &mmusim__import_perf,
    &mmusim__import_trace_cmd,
};

const uint32_t mmusim__import_table_size =
    sizeof(mmusim__import_table) / sizeof(mmusim__import_table[0]);
