/* SPDX-License-Identifier: MIT */
/* The foreign formats that can be written, besides text. */
#include "trace/export.h"

extern const struct export_ops mmusim__export_lackey;
extern const struct export_ops mmusim__export_champsim;

const struct export_ops *const mmusim__export_table[] = {
    &mmusim__export_lackey,
    &mmusim__export_champsim,
};

const uint32_t mmusim__export_table_size =
    sizeof(mmusim__export_table) / sizeof(mmusim__export_table[0]);
