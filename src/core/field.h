/* SPDX-License-Identifier: MIT */
/*
 * Parameter rows: what a key is called, where its value lives, which values
 * are legal. Parsing, range checks, `-s`, `config keys` and the dump all read
 * the same rows. Knows nothing of files.
 */
#ifndef MMUSIM_CORE_FIELD_H
#define MMUSIM_CORE_FIELD_H

#include "core/types.h"

enum field_type {
    FIELD_U32,
    FIELD_U64,    /* unit "bytes": K, M and G are accepted */
    FIELD_BOOL,   /* false or true, or what words calls them */
    FIELD_WORD,   /* an enum of 4 bytes: index into words */
    FIELD_ONLY,   /* the first word; the others are not modelled yet; no
                     storage */
    FIELD_NAME,   /* char[max]; one of name_at() */
    FIELD_STRING, /* char[max] */
    FIELD_FIXED,  /* value * scale in 4 (scale 65536) or 8 bytes */
    FIELD_NS,     /* nanoseconds in text, thousandths of them in 8 bytes */
    FIELD_WAYS,   /* a number, or `full` = 0; 4 bytes */
    FIELD_SIZES,  /* [4K, 2M, 1G]: a struct field_sizes */
    FIELD_COUNTS, /* [4K:8, 2M:0-5], or `all`: none named; a struct
                     field_counts */
};

enum { FIELD_TEXT_BYTES = 1024, FIELD_MAX_SIZES = 8 };

/* The layout that a FIELD_SIZES offset points to; ascending page orders. */
struct field_sizes {
    uint32_t n_orders;
    uint8_t orders[FIELD_MAX_SIZES];
};

/* The same for FIELD_COUNTS: orders[i] has counts[i], from firsts[i] on where
 * the text says from which to which, else FIELD_ANYWHERE. */
struct field_counts {
    uint32_t n_orders;
    uint8_t orders[FIELD_MAX_SIZES];
    uint16_t counts[FIELD_MAX_SIZES];
    uint16_t firsts[FIELD_MAX_SIZES];
};
#define FIELD_ANYWHERE UINT16_MAX

struct field_row {
    const char *key;
    enum field_type type;
    size_t offset;
    const char *unit;
    uint64_t min; /* of numbers; FIELD_FIXED: in stored units */
    uint64_t max; /* FIELD_NAME, FIELD_STRING: bytes of storage */
    uint64_t scale;
    const char *const *words; /* NULL-terminated */
    const char *(*name_at)(size_t index);
    const char *dflt;
    const char *help;
    const char *source; /* of the default */
};

/* Parses text into base + row->offset. False: base is untouched and reason
 * (FIELD_TEXT_BYTES) says what is wrong and what is allowed. */
bool mmusim__field_parse(const struct field_row *row, void *base,
                         const char *text, char *reason);
/* The value as text that parses back to it; text has FIELD_TEXT_BYTES. */
void mmusim__field_print(const struct field_row *row, const void *base,
                         char *text);
/* "1..256", "lru|plru", "true|false" or "". */
void mmusim__field_range(const struct field_row *row, char *text);
const char *mmusim__field_type_name(enum field_type type);

/* Decimal text as a count of 1/scale, rounded half up; false if it is not
 * a number that fits. */
bool mmusim__field_decimal(const char *text, uint64_t scale, uint64_t *value);

#endif
