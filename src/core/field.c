/* SPDX-License-Identifier: MIT */
/* Parameter rows: see field.h. No floating point: texts are exact. */
#include "core/field.h"

#include "core/page_size.h"
#include "mmusim/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct field_suffix {
    char letter;
    uint32_t shift;
};

static const struct field_suffix field_suffixes[] = {
    {'K', 10}, {'M', 20}, {'G', 30}};

/* Decimal or 0x digits; *end is behind them. False if there are none or they
 * do not fit. */
static bool field_digits(const char *text, const char **end, uint64_t *value)
{
    uint64_t base = text[0] == '0' && text[1] == 'x' ? 16 : 10;
    const char *at = text + (base == 16 ? 2 : 0);
    const char *first = at;
    uint64_t sum = 0;

    for (; *at; at++) {
        uint64_t digit;

        if (*at >= '0' && *at <= '9')
            digit = (uint64_t) (*at - '0');
        else if (base == 16 && *at >= 'a' && *at <= 'f')
            digit = (uint64_t) (*at - 'a') + 10;
        else if (base == 16 && *at >= 'A' && *at <= 'F')
            digit = (uint64_t) (*at - 'A') + 10;
        else
            break;
        if (sum > (UINT64_MAX - digit) / base)
            return false;
        sum = sum * base + digit;
    }
    *end = at;
    *value = sum;
    return at > first;
}

static uint32_t field_suffix_shift(char letter)
{
    for (size_t i = 0; i < 3; i++) {
        if (field_suffixes[i].letter == letter)
            return field_suffixes[i].shift;
    }
    return 0;
}

/* A whole number; with is_size, K, M or G may follow. */
static bool field_integer(const char *text, bool is_size, uint64_t *value)
{
    const char *end;
    uint64_t number;
    uint32_t shift;

    if (!field_digits(text, &end, &number))
        return false;
    shift = is_size ? field_suffix_shift(*end) : 0;
    if (shift) {
        end++;
        if (number > UINT64_MAX >> shift)
            return false;
    }
    *value = number << shift;
    return !*end;
}

bool mmusim__field_decimal(const char *text, uint64_t scale, uint64_t *value)
{
    const char *end;
    uint64_t whole, rest = 0, unit = 1;

    if (text[0] == '0' && text[1] == 'x')
        return false;
    if (!field_digits(text, &end, &whole) || whole > UINT32_MAX)
        return false;
    if (*end == '.') {
        end++;
        if (*end < '0' || *end > '9')
            return false;
        for (; *end >= '0' && *end <= '9'; end++) {
            if (unit < 1000000000) {
                rest = rest * 10 + (uint64_t) (*end - '0');
                unit *= 10;
            }
        }
    }
    *value = whole * scale + (rest * scale + unit / 2) / unit;
    return !*end;
}

static bool field_is_size(const struct field_row *row)
{
    return !strcmp(row->unit, "bytes");
}

static uint64_t field_load(const struct field_row *row, const void *base)
{
    const unsigned char *at = (const unsigned char *) base + row->offset;
    bool is_wide = row->type == FIELD_U64 || row->type == FIELD_NS ||
                   (row->type == FIELD_FIXED && row->scale != 65536);
    uint64_t wide = 0;
    uint32_t narrow;

    if (is_wide) {
        memcpy(&wide, at, sizeof(wide));
        return wide;
    }
    memcpy(&narrow, at, sizeof(narrow));
    return narrow;
}

static void field_store(const struct field_row *row, void *base, uint64_t value)
{
    unsigned char *at = (unsigned char *) base + row->offset;
    bool is_wide = row->type == FIELD_U64 || row->type == FIELD_NS ||
                   (row->type == FIELD_FIXED && row->scale != 65536);
    uint32_t narrow = (uint32_t) value;

    if (is_wide)
        memcpy(at, &value, sizeof(value));
    else
        memcpy(at, &narrow, sizeof(narrow));
}

/* value / scale with as few decimals (at most 9) as read back the same. */
static void field_print_decimal(uint64_t value, uint64_t scale, char *text)
{
    uint64_t whole = value / scale, rest = value % scale, unit = 1;
    uint64_t digits = 0;
    int n_digits = 0;

    while (n_digits < 9 && (digits * scale + unit / 2) / unit != rest) {
        unit *= 10;
        n_digits++;
        digits = (rest * unit + scale / 2) / scale;
    }
    if (n_digits)
        snprintf(text, FIELD_TEXT_BYTES, "%" PRIu64 ".%0*" PRIu64, whole,
                 n_digits, digits);
    else
        snprintf(text, FIELD_TEXT_BYTES, "%" PRIu64, whole);
}

static void field_print_size(uint64_t bytes, char *text)
{
    for (size_t i = 3; i-- > 0;) {
        uint64_t unit = UINT64_C(1) << field_suffixes[i].shift;

        if (bytes && bytes % unit == 0) {
            snprintf(text, FIELD_TEXT_BYTES, "%" PRIu64 "%c", bytes / unit,
                     field_suffixes[i].letter);
            return;
        }
    }
    snprintf(text, FIELD_TEXT_BYTES, "%" PRIu64, bytes);
}

static void field_print_number(const struct field_row *row, uint64_t value,
                               char *text)
{
    if (row->type == FIELD_FIXED || row->type == FIELD_NS)
        field_print_decimal(value, row->scale, text);
    else if (field_is_size(row))
        field_print_size(value, text);
    else
        snprintf(text, FIELD_TEXT_BYTES, "%" PRIu64, value);
}

static bool field_is_number(enum field_type type)
{
    return type == FIELD_U32 || type == FIELD_U64 || type == FIELD_FIXED ||
           type == FIELD_NS || type == FIELD_WAYS;
}

static const char *field_choice(const struct field_row *row, size_t i)
{
    return row->name_at ? row->name_at(i) : row->words[i];
}

static const char *field_truth_word(const struct field_row *row, bool truth)
{
    if (row->words)
        return row->words[truth];
    return truth ? "true" : "false";
}

void mmusim__field_range(const struct field_row *row, char *text)
{
    char low[FIELD_TEXT_BYTES], high[FIELD_TEXT_BYTES];
    size_t used = 0;

    text[0] = '\0';
    if (field_is_number(row->type)) {
        field_print_number(row, row->min, low);
        field_print_number(row, row->max, high);
        snprintf(text, FIELD_TEXT_BYTES, "%.100s..%.100s%s", low, high,
                 row->type == FIELD_WAYS ? "|full" : "");
    } else if (row->type == FIELD_BOOL) {
        snprintf(text, FIELD_TEXT_BYTES, "%s|%s", field_truth_word(row, false),
                 field_truth_word(row, true));
    } else if (row->type == FIELD_SIZES) {
        strcpy(text, "[4K, 2M, 1G]: ascending powers of two");
    } else if (row->type == FIELD_COUNTS) {
        strcpy(text, "all|[4K:N, 2M:FIRST-LAST]");
    } else if (row->type == FIELD_ONLY) {
        snprintf(text, FIELD_TEXT_BYTES, "%s", row->words[0]);
    } else if (row->type == FIELD_WORD || row->type == FIELD_NAME) {
        for (size_t i = 0; field_choice(row, i); i++) {
            int n = snprintf(text + used, FIELD_TEXT_BYTES - used, "%s%s",
                             i ? "|" : "", field_choice(row, i));

            used += n > 0 ? (size_t) n : 0;
            if (used >= FIELD_TEXT_BYTES)
                return;
        }
    }
}

/* A list of many words, for a message: whole words, and "...". */
static void field_shorten(char *range)
{
    enum { MOST = 150 };
    char *end;

    if (strlen(range) <= MOST)
        return;
    range[MOST - 3] = '\0';
    end = strrchr(range, '|');
    strcpy(end ? end + 1 : range + MOST - 3, "...");
}

/* The word that was most likely meant, of the first 64; NULL: none is near. */
static const char *field_nearest(const struct field_row *row, const char *text)
{
    enum { FIELD_MAX_CHOICES = 64 };
    const char *words[FIELD_MAX_CHOICES];
    size_t n = 0;

    if (row->type != FIELD_WORD && row->type != FIELD_NAME)
        return NULL;
    while (n < FIELD_MAX_CHOICES && field_choice(row, n)) {
        words[n] = field_choice(row, n);
        n++;
    }
    return mmusim_nearest(text, words, n);
}

static bool field_refuse(const struct field_row *row, const char *text,
                         char *reason)
{
    const char *nearest = field_nearest(row, text);
    char range[FIELD_TEXT_BYTES];

    mmusim__field_range(row, range);
    field_shorten(range);
    snprintf(reason, FIELD_TEXT_BYTES,
             "'%.60s' is not allowed (%s%.40s%sallowed: %s%.150s)", text,
             nearest ? "nearest: " : "", nearest ? nearest : "",
             nearest ? "; " : "",
             field_is_number(row->type) ? "a number, " : "", range);
    return false;
}

static bool field_parse_number(const struct field_row *row, void *base,
                               const char *text, char *reason)
{
    uint64_t value = 0;
    bool is_number;

    if (row->type == FIELD_WAYS && !strcmp(text, "full")) {
        field_store(row, base, 0);
        return true;
    }
    if (row->type == FIELD_FIXED || row->type == FIELD_NS)
        is_number = mmusim__field_decimal(text, row->scale, &value);
    else
        is_number = field_integer(text, field_is_size(row), &value);
    if (!is_number || value < row->min || value > row->max)
        return field_refuse(row, text, reason);
    field_store(row, base, value);
    return true;
}

static bool field_parse_word(const struct field_row *row, void *base,
                             const char *text, char *reason)
{
    for (uint32_t i = 0; row->words[i]; i++) {
        if (strcmp(row->words[i], text) != 0)
            continue;
        if (row->type == FIELD_WORD) {
            field_store(row, base, i);
        } else if (i) {
            snprintf(reason, FIELD_TEXT_BYTES,
                     "'%s' is not modelled in this version (allowed: %s)", text,
                     row->words[0]);
            return false;
        }
        return true;
    }
    return field_refuse(row, text, reason);
}

static bool field_parse_text(const struct field_row *row, void *base,
                             const char *text, char *reason)
{
    char *at = (char *) base + row->offset;
    size_t length = strlen(text);
    bool is_known = row->type == FIELD_STRING;

    for (size_t i = 0; !is_known && row->name_at(i); i++)
        is_known = !strcmp(row->name_at(i), text);
    if (!is_known)
        return field_refuse(row, text, reason);
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char) text[i] < 0x20)
            return field_refuse(row, "a control character", reason);
    }
    if (!length || length >= row->max) {
        snprintf(reason, FIELD_TEXT_BYTES,
                 "has %zu bytes (allowed: 1..%" PRIu64 ")", length,
                 row->max - 1);
        return false;
    }
    memset(at, 0, row->max);
    memcpy(at, text, length);
    return true;
}

static bool field_parse_bool(const struct field_row *row, void *base,
                             const char *text, char *reason)
{
    bool value = !strcmp(text, field_truth_word(row, true));

    if (!value && strcmp(text, field_truth_word(row, false)) != 0)
        return field_refuse(row, text, reason);
    memcpy((char *) base + row->offset, &value, sizeof(value));
    return true;
}

static bool field_parse_sizes(const struct field_row *row, void *base,
                              const char *text, char *reason)
{
    struct field_sizes sizes = {0};
    const char *at = text;
    bool is_open = *at == '[';

    at += is_open;
    for (;;) {
        size_t length;
        int order;

        at += strspn(at, " ");
        length = strcspn(at, " ,]");
        order = mmusim__page_size_order(at, length);
        if (order < 0 || sizes.n_orders == FIELD_MAX_SIZES ||
            (sizes.n_orders && order <= sizes.orders[sizes.n_orders - 1]))
            return field_refuse(row, text, reason);
        sizes.orders[sizes.n_orders++] = (uint8_t) order;
        at += length;
        at += strspn(at, " ");
        if (*at != ',')
            break;
        at++;
    }
    at += is_open && *at == ']';
    if (*at || (is_open && at[-1] != ']'))
        return field_refuse(row, text, reason);
    memcpy((char *) base + row->offset, &sizes, sizeof(sizes));
    return true;
}

/* N, or FIRST-LAST, at *text, which moves behind it. */
static bool field_parse_run(const char **text, uint16_t *first, uint16_t *count)
{
    uint64_t low, high;

    if (!field_digits(*text, text, &low) || low >= FIELD_ANYWHERE)
        return false;
    *first = FIELD_ANYWHERE;
    *count = (uint16_t) low;
    if (**text != '-')
        return true;
    ++*text;
    if (!field_digits(*text, text, &high) || high < low ||
        high >= FIELD_ANYWHERE)
        return false;
    *first = (uint16_t) low;
    *count = (uint16_t) (high - low + 1);
    return true;
}

/* One SIZE:N of the list at *text, which moves behind it. */
static bool field_parse_count(struct field_counts *counts, const char **text)
{
    const char *at = *text + strspn(*text, " ");
    size_t length = strcspn(at, ":");
    int order = mmusim__page_size_order(at, length);
    uint32_t i = counts->n_orders;

    if (order < 0 || at[length] != ':' || i == FIELD_MAX_SIZES)
        return false;
    if (i && order <= counts->orders[i - 1])
        return false;
    at += length + 1;
    at += strspn(at, " ");
    if (!field_parse_run(&at, &counts->firsts[i], &counts->counts[i]))
        return false;
    counts->orders[i] = (uint8_t) order;
    counts->n_orders++;
    *text = at + strspn(at, " ");
    return true;
}

static bool field_parse_counts(const struct field_row *row, void *base,
                               const char *text, char *reason)
{
    struct field_counts counts = {0};
    const char *at = text;
    bool is_open = *at == '[';
    bool is_good = true;

    at += is_open;
    if (!strcmp(text, "all")) {
        at += strlen(at);
    } else {
        while ((is_good = field_parse_count(&counts, &at)) && *at == ',')
            at++;
        at += is_open && *at == ']';
        is_good = is_good && !*at && (!is_open || at[-1] == ']');
    }
    if (!is_good)
        return field_refuse(row, text, reason);
    memcpy((char *) base + row->offset, &counts, sizeof(counts));
    return true;
}

bool mmusim__field_parse(const struct field_row *row, void *base,
                         const char *text, char *reason)
{
    switch (row->type) {
    case FIELD_BOOL:
        return field_parse_bool(row, base, text, reason);
    case FIELD_WORD:
    case FIELD_ONLY:
        return field_parse_word(row, base, text, reason);
    case FIELD_NAME:
    case FIELD_STRING:
        return field_parse_text(row, base, text, reason);
    case FIELD_SIZES:
        return field_parse_sizes(row, base, text, reason);
    case FIELD_COUNTS:
        return field_parse_counts(row, base, text, reason);
    case FIELD_U32:
    case FIELD_U64:
    case FIELD_FIXED:
    case FIELD_NS:
    case FIELD_WAYS:
        break;
    }
    return field_parse_number(row, base, text, reason);
}

static void field_print_sizes(const void *at, char *text)
{
    struct field_sizes sizes;
    size_t used = 1;

    memcpy(&sizes, at, sizeof(sizes));
    strcpy(text, "[");
    for (uint32_t i = 0; i < sizes.n_orders && i < FIELD_MAX_SIZES; i++) {
        char name[PAGE_SIZE_TEXT_BYTES];

        mmusim__page_size_print(sizes.orders[i], name);
        used += (size_t) snprintf(text + used, FIELD_TEXT_BYTES - used, "%s%s",
                                  i ? ", " : "", name);
    }
    strcpy(text + used, "]");
}

static void field_print_counts(const void *at, char *text)
{
    struct field_counts counts;
    size_t used = 1;

    memcpy(&counts, at, sizeof(counts));
    strcpy(text, counts.n_orders ? "[" : "all");
    if (!counts.n_orders)
        return;
    for (uint32_t i = 0; i < counts.n_orders && i < FIELD_MAX_SIZES; i++) {
        unsigned count = counts.counts[i], first = counts.firsts[i];
        size_t room = FIELD_TEXT_BYTES - used;
        char run[24];
        char name[PAGE_SIZE_TEXT_BYTES];

        if (first == FIELD_ANYWHERE)
            snprintf(run, sizeof(run), "%u", count);
        else
            snprintf(run, sizeof(run), "%u-%u", first, first + count - 1);
        mmusim__page_size_print(counts.orders[i], name);
        used += (size_t) snprintf(text + used, room, "%s%s:%s", i ? ", " : "",
                                  name, run);
    }
    strcpy(text + used, "]");
}

void mmusim__field_print(const struct field_row *row, const void *base,
                         char *text)
{
    const char *at = (const char *) base + row->offset;
    bool truth = false;

    switch (row->type) {
    case FIELD_BOOL:
        memcpy(&truth, at, sizeof(truth));
        strcpy(text, field_truth_word(row, truth));
        return;
    case FIELD_WORD:
        snprintf(text, FIELD_TEXT_BYTES, "%s",
                 row->words[field_load(row, base)]);
        return;
    case FIELD_ONLY:
        snprintf(text, FIELD_TEXT_BYTES, "%s", row->words[0]);
        return;
    case FIELD_NAME:
    case FIELD_STRING:
        snprintf(text, FIELD_TEXT_BYTES, "%s", at);
        return;
    case FIELD_SIZES:
        field_print_sizes(at, text);
        return;
    case FIELD_COUNTS:
        field_print_counts(at, text);
        return;
    case FIELD_WAYS:
        if (!field_load(row, base)) {
            strcpy(text, "full");
            return;
        }
        break;
    case FIELD_U32:
    case FIELD_U64:
    case FIELD_FIXED:
    case FIELD_NS:
        break;
    }
    field_print_number(row, field_load(row, base), text);
}

const char *mmusim__field_type_name(enum field_type type)
{
    static const char *const names[] = {
        "integer", "integer", "boolean",       "word",
        "word",    "word",    "text",          "decimal",
        "decimal", "ways",    "list of sizes", "count by size",
    };

    return names[type];
}
