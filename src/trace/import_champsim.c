/* SPDX-License-Identifier: MIT */
/*
 * ChampSim's traces: one record an instruction, little-endian, no header
 * (ChampSim, inc/trace_instruction.h: input_instr of 64 bytes, and
 * cloudsuite_instr of 96). A record says where, not how much: the fetch and
 * each access take one byte unless an option says otherwise, so that no page
 * is touched that the trace does not name, as in ChampSim itself. An
 * instruction loads from its sources first, then stores.
 *
 * Such files are easily misread, so what was found is told: zero instruction
 * pointers, the share of instructions with memory operands.
 */
#include "trace/import.h"

#include "trace/record_sys.h"

#include <endian.h>
#include <inttypes.h>
#include <string.h>

enum { CHAMPSIM_THREAD, CHAMPSIM_FETCH_BYTES, CHAMPSIM_ACCESS_BYTES };

enum {
    CHAMPSIM_PROBE_RECORDS = 256,
    CHAMPSIM_SURE_RECORDS = 4,
    CHAMPSIM_LIKELY_RECORDS = 8, /* before something else */
    CHAMPSIM_ACCESS_BYTES_MAX = 4096,
    /* guess: the next instruction is mostly near */
    CHAMPSIM_NEAR_LOG2 = 20,
};

static const struct import_option champsim_options[] = {
    [CHAMPSIM_THREAD] = IMPORT_OPTION_THREAD,
    [CHAMPSIM_FETCH_BYTES] = {"fetch-bytes", 1, 64, 1,
                              "bytes of an instruction"},
    [CHAMPSIM_ACCESS_BYTES] = {"access-bytes", 1, CHAMPSIM_ACCESS_BYTES_MAX, 1,
                               "bytes of a load or store"},
    {0},
};

/* In words of 8 bytes. */
struct champsim_layout {
    uint32_t n_words; /* of a record */
    uint32_t stores_at;
    uint32_t n_stores;
    uint32_t loads_at;
    uint32_t n_loads;
    uint32_t asid_at; /* 0: none */
};

enum {
    CHAMPSIM_WORDS_MAX = 12,
    CHAMPSIM_BRANCH_AT = 8, /* bytes */
    CHAMPSIM_TAKEN_AT = 9,
};

static const struct champsim_layout champsim_plain = {
    .n_words = 8,
    .stores_at = 2,
    .n_stores = 2,
    .loads_at = 4,
    .n_loads = 4,
};

static const struct champsim_layout champsim_cloudsuite = {
    .n_words = 12,
    .stores_at = 3,
    .n_stores = 4,
    .loads_at = 7,
    .n_loads = 4,
    .asid_at = 11,
};

struct champsim {
    struct import_run *run;
    const struct champsim_layout *layout;
    struct trace_stream *stream;
    uint32_t fetch_bytes;
    uint32_t access_bytes;
    uint64_t n_zero_ips;
    uint64_t n_with_memory;
    uint64_t n_loads;
    uint64_t n_stores;
    uint64_t n_asid_changes;
    uint16_t asid;
};

static inline uint32_t champsim_bytes(const struct champsim_layout *layout)
{
    return 8 * layout->n_words;
}

/* ---- is it? ---- */

enum champsim_order { CHAMPSIM_LITTLE, CHAMPSIM_BIG };

static inline void champsim_load(const struct champsim_layout *layout,
                                 const uint8_t *bytes,
                                 enum champsim_order order,
                                 uint64_t words[CHAMPSIM_WORDS_MAX])
{
    memcpy(words, bytes, champsim_bytes(layout));
    for (uint32_t i = 0; i < layout->n_words; i++)
        words[i] =
            order == CHAMPSIM_LITTLE ? le64toh(words[i]) : be64toh(words[i]);
}

/* Canonical, and neither the fetch nor an access there wraps. */
static inline bool champsim_is_address(uint64_t value)
{
    return record_is_canonical(value) &
           (value < UINT64_MAX - CHAMPSIM_ACCESS_BYTES_MAX);
}

static inline bool champsim_is_record(const struct champsim_layout *layout,
                                      const uint8_t *bytes,
                                      const uint64_t *words)
{
    bool is_good = bytes[CHAMPSIM_BRANCH_AT] <= 1 &&
                   bytes[CHAMPSIM_TAKEN_AT] <= 1 &&
                   champsim_is_address(words[0]);

    for (uint32_t i = 0; i < layout->n_stores; i++)
        is_good &= champsim_is_address(words[layout->stores_at + i]);
    for (uint32_t i = 0; i < layout->n_loads; i++)
        is_good &= champsim_is_address(words[layout->loads_at + i]);
    return is_good;
}

/* How many records these bytes begin with, if they look like it; else 0. */
static uint32_t champsim_count(const struct champsim_layout *layout,
                               const uint8_t *bytes, size_t n_bytes,
                               enum champsim_order order)
{
    uint32_t n = 0;
    uint32_t n_near = 0;
    uint32_t n_zero = 0;
    uint64_t before = 0;

    for (; n < CHAMPSIM_PROBE_RECORDS && n_bytes >= champsim_bytes(layout);
         n++) {
        uint64_t words[CHAMPSIM_WORDS_MAX];
        uint64_t ip;

        champsim_load(layout, bytes, order, words);
        ip = words[0];
        if (!champsim_is_record(layout, bytes, words))
            break;
        n_zero += ip == 0;
        n_near += (ip - before + ((uint64_t) 1 << CHAMPSIM_NEAR_LOG2)) >>
                      (CHAMPSIM_NEAR_LOG2 + 1) ==
                  0;
        before = ip;
        bytes += champsim_bytes(layout);
        n_bytes -= champsim_bytes(layout);
    }
    return 2 * n_zero < n && 2 * n_near + 2 >= n ? n : 0;
}

static enum import_match champsim_probe(const struct import_probe *probe)
{
    const uint32_t n_whole =
        (uint32_t) (probe->n_bytes / champsim_bytes(&champsim_plain));
    uint32_t n;

    if (!probe->bytes)
        return IMPORT_NO;
    n = champsim_count(&champsim_plain, probe->bytes, probe->n_bytes,
                       CHAMPSIM_LITTLE);
    if (n >= CHAMPSIM_SURE_RECORDS &&
        (n == n_whole || n == CHAMPSIM_PROBE_RECORDS))
        return IMPORT_SURE;
    if (n && (n == n_whole || n >= CHAMPSIM_LIKELY_RECORDS))
        return IMPORT_LIKELY;
    /* the reader says what is wrong with it */
    return champsim_count(&champsim_plain, probe->bytes, probe->n_bytes,
                          CHAMPSIM_BIG) < CHAMPSIM_LIKELY_RECORDS
               ? IMPORT_NO
               : IMPORT_LIKELY;
}

/* ---- reading ---- */

static mmusim_status_t champsim_fail(struct champsim *self,
                                     const uint8_t *bytes, uint64_t ip)
{
    struct import_run *run = self->run;
    uint64_t offset = byte_stream_offset(run->stream);

    if (bytes[CHAMPSIM_BRANCH_AT] > 1 || bytes[CHAMPSIM_TAKEN_AT] > 1)
        return mmusim__import_fail_at(
            run, offset,
            "branch flags %u and %u (0 or 1; are these records of %" PRIu32
            " bytes? other formats: --from)",
            bytes[CHAMPSIM_BRANCH_AT], bytes[CHAMPSIM_TAKEN_AT],
            champsim_bytes(self->layout));
    return mmusim__import_fail_at(
        run, offset,
        "an address is not canonical (instruction pointer 0x%" PRIx64
        "; bits 63 to 56 are equal; are these records of %" PRIu32 " bytes?)",
        ip, champsim_bytes(self->layout));
}

/* The addresses that are not 0; their number. */
static inline uint32_t champsim_accesses(struct champsim *self,
                                         enum op_kind kind,
                                         const uint64_t *vaddrs, uint32_t n)
{
    uint32_t n_accesses = 0;

    for (uint32_t i = 0; i < n; i++) {
        if (!vaddrs[i])
            continue;
        mmusim__trace_stream_access(self->stream, kind, vaddrs[i],
                                    self->access_bytes, 0);
        n_accesses++;
    }
    return n_accesses;
}

static inline mmusim_status_t
champsim_record(struct champsim *self, const struct champsim_layout *layout,
                const uint8_t *bytes)
{
    uint64_t words[CHAMPSIM_WORDS_MAX];
    uint32_t n_loads, n_stores;

    champsim_load(layout, bytes, CHAMPSIM_LITTLE, words);
    if (!champsim_is_record(layout, bytes, words))
        return champsim_fail(self, bytes, words[0]);
    if (words[0])
        mmusim__trace_stream_fetch(self->stream, words[0], 1,
                                   self->fetch_bytes);
    else
        mmusim__trace_stream_nomem(self->stream, 1);
    self->n_zero_ips += !words[0];
    n_loads = champsim_accesses(self, OP_LOAD, words + layout->loads_at,
                                layout->n_loads);
    n_stores = champsim_accesses(self, OP_STORE, words + layout->stores_at,
                                 layout->n_stores);
    self->n_loads += n_loads;
    self->n_stores += n_stores;
    self->n_with_memory += n_loads + n_stores != 0;
    if (layout->asid_at) {
        uint16_t asid = (uint16_t) words[layout->asid_at];

        self->n_asid_changes += self->run->n_records && asid != self->asid;
        self->asid = asid;
    }
    self->run->n_records++;
    return MMUSIM_OK;
}

static void champsim_tell(const struct champsim *self)
{
    struct import_run *run = self->run;
    double n = (double) (run->n_records ? run->n_records : 1);

    mmusim__import_note(
        run->notes,
        "%" PRIu64 " instructions, %" PRIu64 " with a zero instruction "
        "pointer, %.1f %% with memory operands (%" PRIu64 " loads, %" PRIu64
        " stores)%s",
        run->n_records, self->n_zero_ips,
        100.0 * (double) self->n_with_memory / n, self->n_loads, self->n_stores,
        self->n_zero_ips * 100 > run->n_records || !self->n_with_memory
            ? ": is this really ChampSim's format?"
            : "");
    if (self->n_asid_changes)
        mmusim__import_note(run->notes,
                            "the address space changes %" PRIu64
                            " times; all are read as one process",
                            self->n_asid_changes);
}

/* The whole records of the window. */
static inline mmusim_status_t
champsim_window_as(struct champsim *self, const struct champsim_layout *layout)
{
    struct byte_stream *stream = self->run->stream;
    mmusim_status_t status = MMUSIM_OK;

    while (!status && byte_stream_left(stream) >= champsim_bytes(layout)) {
        status = champsim_record(self, layout, stream->at);
        if (!status)
            stream->at += champsim_bytes(layout);
    }
    return status;
}

/* A layout known when this is compiled makes loops over it short. */
static mmusim_status_t champsim_window(struct champsim *self)
{
    return self->layout == &champsim_plain
               ? champsim_window_as(self, &champsim_plain)
               : champsim_window_as(self, &champsim_cloudsuite);
}

static mmusim_status_t champsim_check_order(struct champsim *self)
{
    const struct byte_stream *stream = self->run->stream;
    size_t left = byte_stream_left(stream);

    if (champsim_count(self->layout, stream->at, left, CHAMPSIM_LITTLE) ||
        champsim_count(self->layout, stream->at, left, CHAMPSIM_BIG) <
            CHAMPSIM_LIKELY_RECORDS)
        return MMUSIM_OK;
    return mmusim__import_fail_at(
        self->run, 0,
        "the numbers are big-endian (ChampSim's are little-endian: swap the 8 "
        "bytes of each address)");
}

static mmusim_status_t champsim_read_as(struct import_run *run,
                                        const struct champsim_layout *layout)
{
    struct champsim self = {
        .run = run,
        .layout = layout,
        .fetch_bytes = (uint32_t) run->values[CHAMPSIM_FETCH_BYTES],
        .access_bytes = (uint32_t) run->values[CHAMPSIM_ACCESS_BYTES],
    };
    struct byte_stream *stream = run->stream;
    mmusim_status_t status = champsim_check_order(&self);

    if (status)
        return status;
    self.stream = mmusim__import_begin_thread(
        run, (uint32_t) run->values[CHAMPSIM_THREAD]);
    if (!self.stream)
        return MMUSIM_NOMEM;
    status = champsim_window(&self);
    while (!status && !stream->is_over) {
        status = mmusim__byte_stream_more(stream, run->diag);
        if (!status)
            status = champsim_window(&self);
    }
    if (!status && byte_stream_left(stream))
        status = mmusim__import_fail_at(
            run, byte_stream_offset(stream),
            "the file ends inside a record, after %zu of %" PRIu32
            " bytes (it is cut short, or of another format)",
            byte_stream_left(stream), champsim_bytes(layout));
    champsim_tell(&self);
    return status;
}

static mmusim_status_t champsim_read(struct import_run *run)
{
    return champsim_read_as(run, &champsim_plain);
}

static mmusim_status_t champsim_read_cloudsuite(struct import_run *run)
{
    return champsim_read_as(run, &champsim_cloudsuite);
}

extern const struct import_ops mmusim__import_champsim;
const struct import_ops mmusim__import_champsim = {
    .name = "champsim",
    .what = "ChampSim's tracer, 64 bytes an instruction",
    .options = champsim_options,
    .probe = champsim_probe,
    .read = champsim_read,
};

extern const struct import_ops mmusim__import_champsim_cloudsuite;
const struct import_ops mmusim__import_champsim_cloudsuite = {
    .name = "champsim-cloudsuite",
    .what = "ChampSim with --cloudsuite, 96 bytes an instruction; only by name",
    .options = champsim_options,
    .read = champsim_read_cloudsuite,
};
