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

#include <inttypes.h>
#include <string.h>

enum { CHAMPSIM_THREAD, CHAMPSIM_FETCH_BYTES, CHAMPSIM_ACCESS_BYTES };

enum {
    CHAMPSIM_PROBE_RECORDS = 256,
    CHAMPSIM_SURE_RECORDS = 4,
    CHAMPSIM_LIKELY_RECORDS = 8, /* before something else */
    /* guess: the next instruction is mostly near */
    CHAMPSIM_NEAR_LOG2 = 20,
};

static const struct import_option champsim_options[] = {
    [CHAMPSIM_THREAD] = IMPORT_OPTION_THREAD,
    [CHAMPSIM_FETCH_BYTES] = {"fetch-bytes", 1, 64, 1,
                              "bytes of an instruction"},
    [CHAMPSIM_ACCESS_BYTES] = {"access-bytes", 1, 4096, 1,
                               "bytes of a load or store"},
    {0},
};

struct champsim_layout {
    uint32_t n_bytes; /* of a record */
    uint32_t stores_at;
    uint32_t n_stores;
    uint32_t loads_at;
    uint32_t n_loads;
    uint32_t asid_at; /* 0: none */
};

enum { CHAMPSIM_BRANCH_AT = 8, CHAMPSIM_TAKEN_AT = 9, CHAMPSIM_LOADS = 4 };

static const struct champsim_layout champsim_plain = {
    .n_bytes = 64,
    .stores_at = 16,
    .n_stores = 2,
    .loads_at = 32,
    .n_loads = CHAMPSIM_LOADS,
};

static const struct champsim_layout champsim_cloudsuite = {
    .n_bytes = 96,
    .stores_at = 24,
    .n_stores = 4,
    .loads_at = 56,
    .n_loads = CHAMPSIM_LOADS,
    .asid_at = 88,
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

static inline uint64_t champsim_u64(const uint8_t *bytes)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < 8; i++)
        value |= (uint64_t) bytes[i] << (8 * i);
    return value;
}

static uint64_t champsim_swap(uint64_t value)
{
    uint64_t swapped = 0;

    for (unsigned i = 0; i < 8; i++)
        swapped |= (value >> (8 * i) & 0xff) << (56 - 8 * i);
    return swapped;
}

/* ---- is it? ---- */

enum champsim_order { CHAMPSIM_LITTLE, CHAMPSIM_BIG };

static bool champsim_is_address(uint64_t value, enum champsim_order order)
{
    return record_is_canonical(order == CHAMPSIM_BIG ? champsim_swap(value)
                                                     : value);
}

static bool champsim_is_record(const struct champsim_layout *layout,
                               const uint8_t *bytes, enum champsim_order order)
{
    bool is_good = bytes[CHAMPSIM_BRANCH_AT] <= 1 &&
                   bytes[CHAMPSIM_TAKEN_AT] <= 1 &&
                   champsim_is_address(champsim_u64(bytes), order);

    for (uint32_t i = 0; i < layout->n_stores; i++)
        is_good = is_good &&
                  champsim_is_address(
                      champsim_u64(bytes + layout->stores_at + 8 * i), order);
    for (uint32_t i = 0; i < layout->n_loads; i++)
        is_good = is_good &&
                  champsim_is_address(
                      champsim_u64(bytes + layout->loads_at + 8 * i), order);
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

    for (; n < CHAMPSIM_PROBE_RECORDS && n_bytes >= layout->n_bytes; n++) {
        uint64_t ip = champsim_u64(bytes);

        if (!champsim_is_record(layout, bytes, order))
            break;
        if (order == CHAMPSIM_BIG)
            ip = champsim_swap(ip);
        n_zero += ip == 0;
        n_near += (ip - before + ((uint64_t) 1 << CHAMPSIM_NEAR_LOG2)) >>
                      (CHAMPSIM_NEAR_LOG2 + 1) ==
                  0;
        before = ip;
        bytes += layout->n_bytes;
        n_bytes -= layout->n_bytes;
    }
    return 2 * n_zero < n && 2 * n_near + 2 >= n ? n : 0;
}

static enum import_match champsim_probe(const struct import_probe *probe)
{
    const uint32_t n_whole =
        (uint32_t) (probe->n_bytes / champsim_plain.n_bytes);
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
                                     const uint8_t *bytes)
{
    struct import_run *run = self->run;
    uint64_t offset = byte_stream_offset(run->stream);

    if (bytes[CHAMPSIM_BRANCH_AT] > 1 || bytes[CHAMPSIM_TAKEN_AT] > 1)
        return mmusim__import_fail_at(
            run, offset,
            "branch flags %u and %u (0 or 1; are these records of %" PRIu32
            " bytes? other formats: --from)",
            bytes[CHAMPSIM_BRANCH_AT], bytes[CHAMPSIM_TAKEN_AT],
            self->layout->n_bytes);
    return mmusim__import_fail_at(
        run, offset,
        "an address is not canonical (instruction pointer 0x%" PRIx64
        "; bits 63 to 56 are equal; are these records of %" PRIu32 " bytes?)",
        champsim_u64(bytes), self->layout->n_bytes);
}

/* The addresses at bytes that are not 0; their number. */
static inline uint32_t champsim_accesses(struct champsim *self,
                                         enum op_kind kind,
                                         const uint8_t *bytes, uint32_t n)
{
    uint32_t n_accesses = 0;

    for (uint32_t i = 0; i < n; i++) {
        uint64_t vaddr = champsim_u64(bytes + 8 * i);

        if (!vaddr)
            continue;
        mmusim__trace_stream_access(self->stream, kind, vaddr,
                                    self->access_bytes, 0);
        n_accesses++;
    }
    return n_accesses;
}

/* That neither the fetch nor an access wraps. */
static inline bool champsim_fits(const struct champsim *self,
                                 const uint8_t *bytes)
{
    const uint64_t top = UINT64_MAX - 4096;
    const struct champsim_layout *layout = self->layout;
    bool is_low = champsim_u64(bytes) < top;

    for (uint32_t i = 0; i < layout->n_stores; i++)
        is_low &= champsim_u64(bytes + layout->stores_at + 8 * i) < top;
    for (uint32_t i = 0; i < layout->n_loads; i++)
        is_low &= champsim_u64(bytes + layout->loads_at + 8 * i) < top;
    return is_low;
}

static mmusim_status_t champsim_record(struct champsim *self,
                                       const uint8_t *bytes)
{
    const struct champsim_layout *layout = self->layout;
    uint64_t ip = champsim_u64(bytes);
    uint32_t n_loads, n_stores;

    if (!champsim_is_record(layout, bytes, CHAMPSIM_LITTLE) ||
        !champsim_fits(self, bytes))
        return champsim_fail(self, bytes);
    if (ip)
        mmusim__trace_stream_fetch(self->stream, ip, 1, self->fetch_bytes);
    else
        mmusim__trace_stream_nomem(self->stream, 1);
    self->n_zero_ips += !ip;
    n_loads = champsim_accesses(self, OP_LOAD, bytes + layout->loads_at,
                                layout->n_loads);
    n_stores = champsim_accesses(self, OP_STORE, bytes + layout->stores_at,
                                 layout->n_stores);
    self->n_loads += n_loads;
    self->n_stores += n_stores;
    self->n_with_memory += n_loads + n_stores != 0;
    if (layout->asid_at) {
        uint16_t asid = (uint16_t) (bytes[layout->asid_at] |
                                    bytes[layout->asid_at + 1] << 8);

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
static mmusim_status_t champsim_window(struct champsim *self)
{
    struct byte_stream *stream = self->run->stream;
    mmusim_status_t status = MMUSIM_OK;

    while (!status && byte_stream_left(stream) >= self->layout->n_bytes) {
        status = champsim_record(self, stream->at);
        if (!status)
            stream->at += self->layout->n_bytes;
    }
    return status;
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
            byte_stream_left(stream), layout->n_bytes);
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
