/* SPDX-License-Identifier: MIT */
/*
 * The nearest of a list of names, by edit distance (insert, delete, replace
 * and swap of neighbours cost 1 each: "optimal string alignment").
 */
#include "mmusim/status.h"

#include <string.h>

enum {
    NEAREST_MAX_BYTES = 96, /* longer words are nobody's typing error */
};

static unsigned nearest_min(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Distance of a and b, neither longer than NEAREST_MAX_BYTES. */
static unsigned nearest_distance(const char *a, const char *b)
{
    unsigned rows[3][NEAREST_MAX_BYTES + 1];
    unsigned *before = rows[0], *above = rows[1], *row = rows[2];
    size_t n_b = strlen(b);

    for (size_t j = 0; j <= n_b; j++)
        above[j] = (unsigned) j;
    memset(before, 0, sizeof(rows[0]));
    for (size_t i = 1; a[i - 1]; i++) {
        unsigned *spare = before;

        row[0] = (unsigned) i;
        for (size_t j = 1; j <= n_b; j++) {
            unsigned is_other = a[i - 1] != b[j - 1];
            unsigned best = nearest_min(above[j], row[j - 1]) + 1;

            best = nearest_min(best, above[j - 1] + is_other);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                best = nearest_min(best, before[j - 2] + 1);
            row[j] = best;
        }
        before = above;
        above = row;
        row = spare;
    }
    return above[n_b];
}

const char *mmusim_nearest(const char *word, const char *const *names,
                           size_t n_names)
{
    size_t length = strlen(word);
    unsigned best = (unsigned) (length / 3 + 2);
    const char *nearest = NULL;

    if (length > NEAREST_MAX_BYTES)
        return NULL;
    for (size_t i = 0; i < n_names; i++) {
        unsigned distance;

        if (strlen(names[i]) > NEAREST_MAX_BYTES)
            continue;
        distance = nearest_distance(word, names[i]);
        if (distance < best) {
            best = distance;
            nearest = names[i];
        }
    }
    return nearest;
}
