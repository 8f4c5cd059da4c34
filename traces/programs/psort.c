/* SPDX-License-Identifier: MIT */
/*
 * psort [LINES]: sorts lines of text by merging, with four threads. Recorded
 * as traces/sort.mmt. (GNU sort starts threads only from 131,072 lines on,
 * which would be too long a trace to ship.)
 *
 * Each merge of more than a few pages allocates its buffer and frees it, so
 * that mappings come and go while the other threads sort.
 */
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_THREADS = 4, DEFAULT_LINES = 8000, SHORT_RUN = 12 };

struct part {
    pthread_t thread;
    const char **lines;
    size_t n;
};

static void insert_sort(const char **lines, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        const char *line = lines[i];
        size_t to = i;
        for (; to > 0 && strcmp(lines[to - 1], line) > 0; to--)
            lines[to] = lines[to - 1];
        lines[to] = line;
    }
}

/* lines[0, n_left) and lines[n_left, n) are sorted. */
static void merge(const char **lines, size_t n_left, size_t n)
{
    const char **left = malloc(n_left * sizeof(*left));
    if (left == NULL)
        exit(1);
    memcpy(left, lines, n_left * sizeof(*left));
    size_t l = 0, r = n_left, to = 0;
    while (l < n_left) {
        if (r < n && strcmp(lines[r], left[l]) < 0)
            lines[to++] = lines[r++];
        else
            lines[to++] = left[l++];
    }
    free(left);
}

static void sort(const char **lines, size_t n)
{
    if (n <= SHORT_RUN) {
        insert_sort(lines, n);
        return;
    }
    sort(lines, n / 2);
    sort(lines + n / 2, n - n / 2);
    merge(lines, n / 2, n);
}

static void *sort_part(void *argument)
{
    struct part *part = argument;
    sort(part->lines, part->n);
    return NULL;
}

/* The text is made, not read: a generator with the same numbers every time. */
static const char **make_lines(size_t n)
{
    const char **lines = malloc(n * sizeof(*lines));
    uint32_t number = 1;
    if (lines == NULL)
        exit(1);
    for (size_t i = 0; i < n; i++) {
        char text[64];
        number = (uint32_t) ((uint64_t) number * 16807 % 2147483647);
        snprintf(text, sizeof(text), "%u %zu", number, i);
        lines[i] = strdup(text);
        if (lines[i] == NULL)
            exit(1);
    }
    return lines;
}

int main(int argc, char **argv)
{
    static struct part parts[N_THREADS];
    size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : DEFAULT_LINES;
    size_t quarter = n / N_THREADS;
    mallopt(M_MMAP_THRESHOLD, 4096); /* every large buffer is a mapping */
    const char **lines = make_lines(n);
    for (size_t i = 0; i < N_THREADS; i++) {
        parts[i].lines = lines + i * quarter;
        parts[i].n = i + 1 < N_THREADS ? quarter : n - i * quarter;
        if (pthread_create(&parts[i].thread, NULL, sort_part, &parts[i]) != 0)
            return 1;
    }
    for (size_t i = 0; i < N_THREADS; i++)
        pthread_join(parts[i].thread, NULL);
    merge(lines, quarter, 2 * quarter);
    merge(lines + 2 * quarter, quarter, n - 2 * quarter);
    merge(lines, 2 * quarter, n);
    for (size_t i = 1; i < n; i++)
        if (strcmp(lines[i - 1], lines[i]) > 0)
            return 1;
    return 0;
}
