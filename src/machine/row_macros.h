/* SPDX-License-Identifier: MIT */
/* Short forms of rows of struct machine_config, for the tables of keys:
 * machine_rows.c and rows_*.c. */
#ifndef MMUSIM_MACHINE_ROW_MACROS_H
#define MMUSIM_MACHINE_ROW_MACROS_H

#include "machine/machine_config.h"

enum {
    ROW_CYCLES_MAX = 1000000000, /* a third of a second: more is a mistake */
};

#define AT(field) offsetof(struct machine_config, field)
#define U32(key, field, unit, min, max, dflt, help, source)                    \
    {                                                                          \
        key, FIELD_U32, AT(field), unit, min, max, 0, NULL, NULL, dflt, help,  \
            source                                                             \
    }
#define U64(key, field, unit, min, max, dflt, help, source)                    \
    {                                                                          \
        key, FIELD_U64, AT(field), unit, min, max, 0, NULL, NULL, dflt, help,  \
            source                                                             \
    }
#define CYCLES(key, field, dflt, help, source)                                 \
    U32(key, field, "cycles", 0, ROW_CYCLES_MAX, dflt, help, source)
#define BOOL(key, field, dflt, help, source)                                   \
    {                                                                          \
        key, FIELD_BOOL, AT(field), "", 0, 0, 0, NULL, NULL, dflt, help,       \
            source                                                             \
    }
#define WORD(key, field, words, dflt, help, source)                            \
    {                                                                          \
        key, FIELD_WORD, AT(field), "", 0, 0, 0, words, NULL, dflt, help,      \
            source                                                             \
    }
#define ONLY(key, words, help, source)                                         \
    {                                                                          \
        key, FIELD_ONLY, 0, "", 0, 0, 0, words, NULL, NULL, help, source       \
    }
#define FIXED(key, field, unit, min, max, scale, dflt, help, source)           \
    {                                                                          \
        key, FIELD_FIXED, AT(field), unit, min, max, scale, NULL, NULL, dflt,  \
            help, source                                                       \
    }
#define WAYS(key, field, dflt, help, source)                                   \
    {                                                                          \
        key, FIELD_WAYS, AT(field), "ways", 1, 4096, 0, NULL, NULL, dflt,      \
            help, source                                                       \
    }
#endif
