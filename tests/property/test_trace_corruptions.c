/* SPDX-License-Identifier: MIT */
/*
 * Shipped traces with random damage: a status and a place, no crash, no hang.
 * What was read before the damage is not wrong, and what is not damaged stays
 * readable. MMUSIM_CORRUPTIONS=N: damages per trace, instead of a few.
 *
 * A read of the whole trace each time would take days. So only blocks that
 * differ are read whole, with the checksums made right again in every fourth
 * run, so that the damage reaches the codec and the decoder.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/rng.h"
#include "mmusim/trace.h"
#include "trace/crc32c.h"
#include "trace/piece_stream.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    DEFAULT_RUNS = 200,
    TRACE_BYTES_MAX = 8 << 20,
    SPAN_BYTES_MAX = 4096,
    SECONDS_MAX = 20, /* one damage that takes longer is a hang */
};

struct victim {
    uint8_t *good;
    size_t n_good;
    uint8_t *bad;
    size_t n_bad;
    struct trace_file file; /* of the good bytes */
    struct rng rng;
};

struct tally {
    uint64_t runs;
    uint64_t refused;  /* by the scan */
    uint64_t told;     /* by reading a block */
    uint64_t unharmed; /* a truncation between blocks, a splice of nothing */
    uint64_t repaired; /* checksums made right again */
    double worst_seconds;
};

static size_t pick(struct victim *victim, size_t n)
{
    return n ? mmusim__rng_below(&victim->rng, (uint32_t) n) : 0;
}

static void flip_bits(struct victim *victim)
{
    size_t n = 1 + pick(victim, 8);

    while (n--)
        victim->bad[pick(victim, victim->n_bad)] ^=
            (uint8_t) (1u << pick(victim, 8));
}

static void truncate_it(struct victim *victim)
{
    victim->n_bad = pick(victim, victim->n_bad);
}

static void zero_range(struct victim *victim)
{
    size_t at = pick(victim, victim->n_bad);
    size_t n = 1 + pick(victim, SPAN_BYTES_MAX);

    memset(victim->bad + at, 0,
           n < victim->n_bad - at ? n : victim->n_bad - at);
}

/* A range moves over another one, or is cut out. */
static void splice(struct victim *victim)
{
    size_t from = pick(victim, victim->n_bad);
    size_t to = pick(victim, victim->n_bad);
    size_t end = from > to ? from : to;
    size_t n = 1 + pick(victim, SPAN_BYTES_MAX);

    if (pick(victim, 4) == 0) {
        memmove(victim->bad + to, victim->bad + from, victim->n_bad - end);
        victim->n_bad -= from > to ? from - to : 0;
        return;
    }
    n = n < victim->n_bad - end ? n : victim->n_bad - end;
    memmove(victim->bad + to, victim->bad + from, n);
}

/* Damage inside one block's packed bytes, with the checksum over it. */
static void damage_behind_checksum(struct victim *victim)
{
    const struct trace_block *block =
        &victim->file.blocks[pick(victim, victim->file.n_blocks)];
    const struct codec_ops *codec = mmusim__codec_get(block->codec);
    uint8_t *packed = victim->bad + block->offset + codec->header_bytes;
    struct trace_field field = block->field;
    size_t n = 1 + pick(victim, 3);

    while (n--)
        packed[pick(victim, field.packed_bytes)] ^=
            (uint8_t) (1u << pick(victim, 8));
    field.packed_crc = mmusim__crc32c(0, packed, field.packed_bytes);
    mmusim__trace_field_put(&field,
                            victim->bad + block->offset + codec->field_at);
}

static void damage(struct victim *victim, struct tally *tally)
{
    static void (*const kinds[])(struct victim * victim) = {
        flip_bits, truncate_it, splice, zero_range, damage_behind_checksum};
    size_t kind = pick(victim, 5);

    memcpy(victim->bad, victim->good, victim->n_good);
    victim->n_bad = victim->n_good;
    kinds[kind](victim);
    tally->repaired += kind == 4;
}

static bool is_changed(const struct victim *victim,
                       const struct trace_block *block)
{
    size_t n = mmusim__codec_get(block->codec)->header_bytes +
               block->field.packed_bytes;

    return block->offset + n > victim->n_good ||
           memcmp(victim->bad + block->offset, victim->good + block->offset,
                  n) != 0;
}

static mmusim_status_t read_block(const struct trace_file *file,
                                  const struct trace_block *block,
                                  mmusim_diag_t *diag)
{
    struct piece_stream *stream = mmusim__piece_stream_create(file, NULL);
    mmusim_status_t status = MMUSIM_OK;
    uint64_t n_records = 0;

    assert_non_null(stream);
    mmusim__piece_stream_open(stream, block, NULL);
    do {
        status = mmusim__piece_stream_next(stream, diag);
        n_records += stream->piece.n_records;
    } while (!status && stream->piece.n_records);
    assert_true(n_records <= (uint64_t) block->field.n_records + PIECE_RECORDS);
    assert_true(status || n_records == block->field.n_records);
    mmusim__piece_stream_destroy(stream);
    return status;
}

static void skip_damage(void *context, const mmusim_diag_t *diag)
{
    assert_true(diag->has_offset && diag->text[0]);
    ++*(uint64_t *) context;
}

static void read_it(const struct victim *victim, struct tally *tally)
{
    uint64_t n_told = 0;
    const struct trace_damage_sink sink = {skip_damage, &n_told};
    struct trace_file file = {
        .path = (char[]){"t"}, .fd = -1, .n_bytes = victim->n_bad};
    mmusim_diag_t diag = {0};
    bool is_refused;

    file.memory = victim->bad;
    is_refused = mmusim__trace_file_scan(&file, NULL, &diag) != MMUSIM_OK;
    assert_true(!is_refused || (diag.has_offset && diag.text[0]));
    free(file.blocks);
    free(file.order);
    free(file.threads);
    file = (struct trace_file){.path = file.path,
                               .fd = -1,
                               .memory = victim->bad,
                               .n_bytes = victim->n_bad};
    if (mmusim__trace_file_scan(&file, &sink, &diag))
        assert_int_equal(diag.status, MMUSIM_DAMAGED);
    assert_true(is_refused == (n_told != 0) || !file.has_index);
    n_told = 0;
    for (uint32_t i = 0; i < file.n_blocks; i++) {
        if (!is_changed(victim, &file.blocks[i]))
            continue;
        if (read_block(&file, &file.blocks[i], &diag)) {
            assert_true(diag.has_offset && diag.text[0]);
            n_told++;
        }
    }
    tally->refused += is_refused;
    tally->told += !is_refused && n_told;
    tally->unharmed += !is_refused && !n_told;
    free(file.blocks);
    free(file.order);
    free(file.threads);
}

static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec + 1e-9 * (double) now.tv_nsec;
}

static void load(struct victim *victim, const char *path)
{
    FILE *in = fopen(path, "rb");

    assert_non_null(in);
    victim->good = malloc(TRACE_BYTES_MAX);
    assert_non_null(victim->good);
    victim->n_good = fread(victim->good, 1, TRACE_BYTES_MAX, in);
    fclose(in);
    victim->bad = malloc(victim->n_good);
    assert_non_null(victim->bad);
    assert_int_equal(mmusim__trace_file_open(&victim->file, path, NULL, NULL),
                     MMUSIM_OK);
    assert_int_equal(mmusim__trace_file_scan(&victim->file, NULL, NULL),
                     MMUSIM_OK);
    mmusim__rng_init(&victim->rng, 20260101, 0);
}

static void corrupt_trace(const char *path, uint32_t n_runs)
{
    struct victim victim;
    struct tally tally = {0};
    double begin = seconds_now();

    load(&victim, path);
    for (tally.runs = 0; tally.runs < n_runs; tally.runs++) {
        double start = seconds_now();
        double spent;

        damage(&victim, &tally);
        read_it(&victim, &tally);
        spent = seconds_now() - start;
        if (spent > SECONDS_MAX)
            fail_msg("%s: run %u took %.1f s", path, (unsigned) tally.runs,
                     spent);
        if (spent > tally.worst_seconds)
            tally.worst_seconds = spent;
    }
    print_message("%s: %u damages (%u behind the checksum): %u refused by the "
                  "scan, %u by a block, %u harmless; %.1f s, worst %.3f s\n",
                  path, (unsigned) tally.runs, (unsigned) tally.repaired,
                  (unsigned) tally.refused, (unsigned) tally.told,
                  (unsigned) tally.unharmed, seconds_now() - begin,
                  tally.worst_seconds);
    assert_true(tally.refused > 0 && tally.told > 0);
    mmusim__trace_file_close(&victim.file);
    free(victim.good);
    free(victim.bad);
}

static void damaged_shipped_traces_give_a_status_and_a_place(void **state)
{
    const char *source = getenv("SOURCE_DIR");
    const char *runs = getenv("MMUSIM_CORRUPTIONS");
    uint32_t n_runs = runs ? (uint32_t) strtoul(runs, NULL, 10) : DEFAULT_RUNS;
    struct dirent **entries;
    char folder[1024], path[2048];
    int n_entries, n_traces = 0;

    (void) state;
    snprintf(folder, sizeof(folder), "%s/traces", source ? source : ".");
    n_entries = scandir(folder, &entries, NULL, alphasort);
    assert_true(n_entries > 0);
    for (int i = 0; i < n_entries; i++) {
        const char *dot = strrchr(entries[i]->d_name, '.');

        if (dot && !strcmp(dot, ".mmt")) {
            snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
            corrupt_trace(path, n_runs);
            n_traces++;
        }
        free(entries[i]);
    }
    free(entries);
    assert_true(n_traces > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_shipped_traces_give_a_status_and_a_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
