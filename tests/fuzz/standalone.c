/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target without libFuzzer: replays every seed file as it is,
 * then seeded mutations of the seeds (bytes flipped, overwritten, cut out,
 * doubled; tails cut off). Same arguments, same inputs.
 *
 *     fuzz_TARGET [-runs=N] [-seed=S] FILE-OR-FOLDER...
 *
 * A mutation that kills the target is had back in two steps: with -verbose=1
 * the last number printed is its run; -dump=RUN writes the input of that run
 * to standard output.
 */
#define _POSIX_C_SOURCE 200809L

#include "core/rng.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The target; fuzz_<target>.c defines it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

enum {
    SEEDS_MAX = 1024,
    SEED_BYTES_MAX = 8 << 20,
    EDITS_MAX = 8,        /* edits of one mutation */
    SPAN_BYTES_MAX = 256, /* what one edit cuts out or doubles */
};

struct input {
    uint8_t *data;
    size_t n_bytes;
};

struct corpus {
    struct input seeds[SEEDS_MAX];
    size_t n_seeds;
    size_t largest_bytes;
};

static void *fuzz_alloc(size_t n_bytes)
{
    void *memory = malloc(n_bytes ? n_bytes : 1);
    if (!memory) {
        fputs("out of memory\n", stderr);
        exit(2);
    }
    return memory;
}

static void corpus_add_file(struct corpus *corpus, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file || corpus->n_seeds == SEEDS_MAX) {
        fprintf(stderr, "cannot take seed %s\n", path);
        exit(2);
    }
    uint8_t *data = fuzz_alloc(SEED_BYTES_MAX);
    size_t n_bytes = fread(data, 1, SEED_BYTES_MAX, file);
    fclose(file);
    uint8_t *fitted = realloc(data, n_bytes ? n_bytes : 1);
    struct input *seed = &corpus->seeds[corpus->n_seeds++];
    *seed = (struct input){fitted ? fitted : data, n_bytes};
    if (n_bytes > corpus->largest_bytes)
        corpus->largest_bytes = n_bytes;
}

static int is_plain_name(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* A file, or all files of a folder in the order of their names. */
static void corpus_add(struct corpus *corpus, const char *path)
{
    struct dirent **entries;
    int n_entries = scandir(path, &entries, is_plain_name, alphasort);
    if (n_entries < 0) {
        corpus_add_file(corpus, path);
        return;
    }
    for (int i = 0; i < n_entries; i++) {
        char name[4096];
        snprintf(name, sizeof name, "%s/%s", path, entries[i]->d_name);
        corpus_add_file(corpus, name);
        free(entries[i]);
    }
    free(entries);
}

static void corpus_fini(struct corpus *corpus)
{
    for (size_t i = 0; i < corpus->n_seeds; i++)
        free(corpus->seeds[i].data);
}

static void cut_out(struct input *input, size_t at, size_t span)
{
    memmove(input->data + at, input->data + at + span,
            input->n_bytes - at - span);
    input->n_bytes -= span;
}

/* The buffer has room for EDITS_MAX spans beyond the seed. */
static void double_up(struct input *input, size_t at, size_t span)
{
    memmove(input->data + at + span, input->data + at, input->n_bytes - at);
    input->n_bytes += span;
}

static void edit(struct input *input, struct rng *rng)
{
    if (input->n_bytes == 0)
        return;
    size_t at = mmusim__rng_below(rng, (uint32_t) input->n_bytes);
    size_t span = 1 + mmusim__rng_below(rng, SPAN_BYTES_MAX);
    if (span > input->n_bytes - at)
        span = input->n_bytes - at;
    switch (mmusim__rng_below(rng, 6)) {
    case 0:
    case 1:
        input->data[at] ^= (uint8_t) (1u << mmusim__rng_below(rng, 8));
        break;
    case 2:
        input->data[at] = (uint8_t) mmusim__rng_next(rng);
        break;
    case 3:
        cut_out(input, at, span);
        break;
    case 4:
        double_up(input, at, span);
        break;
    default:
        input->n_bytes = at;
    }
}

/* Run number run depends on seed and run alone. */
static void mutate(const struct corpus *corpus, uint64_t seed, uint64_t run,
                   struct input *input)
{
    struct rng rng;
    mmusim__rng_init(&rng, seed, run);
    const struct input *from =
        &corpus->seeds[mmusim__rng_below(&rng, (uint32_t) corpus->n_seeds)];
    if (from->n_bytes)
        memcpy(input->data, from->data, from->n_bytes);
    input->n_bytes = from->n_bytes;
    size_t n_edits = 1 + mmusim__rng_below(&rng, EDITS_MAX);
    for (size_t i = 0; i < n_edits; i++)
        edit(input, &rng);
}

/* The target gets its own exact copy, so that a sanitizer sees overruns. */
static void test_one(const struct input *input)
{
    uint8_t *copy = fuzz_alloc(input->n_bytes);
    if (input->n_bytes)
        memcpy(copy, input->data, input->n_bytes);
    LLVMFuzzerTestOneInput(copy, input->n_bytes);
    free(copy);
}

int main(int argc, char **argv)
{
    static struct corpus corpus;
    uint64_t n_runs = 1000, seed = 1, dumped_run = UINT64_MAX;
    int is_verbose = 0;
    for (int i = 1; i < argc; i++) {
        if (sscanf(argv[i], "-runs=%" SCNu64, &n_runs) != 1 &&
            sscanf(argv[i], "-seed=%" SCNu64, &seed) != 1 &&
            sscanf(argv[i], "-dump=%" SCNu64, &dumped_run) != 1 &&
            sscanf(argv[i], "-verbose=%d", &is_verbose) != 1)
            corpus_add(&corpus, argv[i]);
    }
    for (size_t i = 0; i < corpus.n_seeds; i++)
        test_one(&corpus.seeds[i]);
    if (corpus.n_seeds == 0)
        corpus.n_seeds = 1; /* grow from the empty input */
    struct input input = {
        fuzz_alloc(corpus.largest_bytes + EDITS_MAX * SPAN_BYTES_MAX), 0};
    for (uint64_t run = 0; run < n_runs; run++) {
        mutate(&corpus, seed, run, &input);
        if (is_verbose)
            fprintf(stderr, "%" PRIu64 "\n", run);
        if (run == dumped_run)
            fwrite(input.data, 1, input.n_bytes, stdout);
        else if (dumped_run == UINT64_MAX)
            test_one(&input);
    }
    fprintf(stderr, "%zu seeds, %" PRIu64 " mutations, seed %" PRIu64 "\n",
            corpus.n_seeds, n_runs, seed);
    free(input.data);
    corpus_fini(&corpus);
    return 0;
}
