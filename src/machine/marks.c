/* SPDX-License-Identifier: MIT */
/* Marks: see marks.h. */
#include "machine/marks.h"

#include <stdlib.h>
#include <string.h>

static bool marks_reserve(struct marks *marks)
{
    uint32_t capacity = marks->capacity ? marks->capacity * 2 : 16;
    struct mark *grown;

    if (marks->n_marks < marks->capacity)
        return true;
    grown = realloc(marks->marks, capacity * sizeof(*grown));
    if (!grown)
        return false;
    marks->marks = grown;
    marks->capacity = capacity;
    return true;
}

/* How many marks of the name there are: the last one of it knows. */
static uint32_t marks_of_name(const struct marks *marks, const char *name)
{
    for (uint32_t i = marks->n_marks; i > 0; i--) {
        if (!strcmp(marks->marks[i - 1].name, name))
            return marks->marks[i - 1].index + 1;
    }
    return 0;
}

bool mmusim__marks_add(struct marks *marks, const char *name, uint32_t cpu,
                       uint64_t cycle)
{
    size_t size = strlen(name) + 1;
    struct mark *mark;

    if (marks->n_marks == MARKS_MAX) {
        marks->n_dropped++;
        return true;
    }
    if (!marks_reserve(marks))
        return false;
    mark = &marks->marks[marks->n_marks];
    mark->name = malloc(size);
    if (!mark->name)
        return false;
    memcpy(mark->name, name, size);
    mark->index = marks_of_name(marks, name);
    mark->cpu = cpu;
    mark->cycle = cycle;
    marks->n_marks++;
    return true;
}

uint32_t mmusim__marks_last_index(const struct marks *marks)
{
    return marks->n_dropped ? UINT32_MAX
                            : marks->marks[marks->n_marks - 1].index;
}

void mmusim__marks_fini(struct marks *marks)
{
    for (uint32_t i = 0; i < marks->n_marks; i++)
        free(marks->marks[i].name);
    free(marks->marks);
}
