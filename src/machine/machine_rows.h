/* SPDX-License-Identifier: MIT */
/* Every key of a machine: the rows of struct machine_config, with the arrays
 * of a TLB level as tlb.LEVEL.INDEX.* for each possible INDEX. */
#ifndef MMUSIM_MACHINE_MACHINE_ROWS_H
#define MMUSIM_MACHINE_MACHINE_ROWS_H

#include "core/field.h"
#include "machine/machine_config.h"

enum {
    MACHINE_ARRAY_ROWS = 10,
    MACHINE_ARRAY_FIELDS =
        TLB_LEVEL_COUNT * CONFIG_MAX_ARRAYS * MACHINE_ARRAY_ROWS,
    MACHINE_PLAIN_FIELDS_MAX = 400,
    MACHINE_FIELDS_MAX = MACHINE_PLAIN_FIELDS_MAX + MACHINE_ARRAY_FIELDS,
    MACHINE_KEY_BYTES = 96,
};

struct machine_field {
    const struct field_row *row;
    size_t base;    /* offset in struct machine_config that row adds to */
    bool is_array;  /* then the two below say which */
    uint32_t level; /* enum tlb_level */
    uint32_t index; /* of the array in its level */
    char key[MACHINE_KEY_BYTES];
};

/* Tables of further rows (rows_*.c). */
extern const struct field_row mmusim__rows_fabric[];
extern const size_t mmusim__rows_fabric_n;
/* rows_guest.c */
extern const struct field_row mmusim__rows_guest[];
extern const size_t mmusim__rows_guest_n;
/* rows_isa.c */
extern const struct field_row mmusim__rows_isa[];
extern const size_t mmusim__rows_isa_n;
/* rows_x86.c */
extern const struct field_row mmusim__rows_x86[];
extern const size_t mmusim__rows_x86_n;

/* rows_iommu.c */
extern const struct field_row mmusim__rows_iommu[];
extern const size_t mmusim__rows_iommu_n;
/* rows_memory.c */
extern const struct field_row mmusim__rows_memory[];
extern const size_t mmusim__rows_memory_n;

size_t mmusim__machine_n_fields(void);
void mmusim__machine_field_at(size_t index, struct machine_field *field);
/* "l1i", "l1d", ... */
const char *mmusim__machine_level_name(uint32_t level);

/* The arrays of the generic machine: keys and values, in order. */
struct machine_default {
    const char *key; /* NULL ends the list */
    const char *value;
    const char *source;
};
const struct machine_default *mmusim__machine_default_arrays(void);
/* What a field has before any file is read, as text; *source, if wanted, is
 * where that comes from. */
const char *mmusim__machine_default(const struct machine_field *field,
                                    const char **source);

#endif
