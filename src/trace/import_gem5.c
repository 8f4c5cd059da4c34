/* SPDX-License-Identifier: MIT */
/*
 * Packet traces of gem5 (MemTraceProbe at a CommMonitor): "gem5", then
 * Protocol Buffers messages, each behind its length as a varint: a
 * PacketHeader, then Packets (gem5, src/proto/packet.proto and
 * protoio.hh). Fields are read by their numbers; unknown ones are skipped.
 *
 * What a command's number means has changed between releases
 * (src/mem/packet.hh, enum MemCmd::Command); ReadReq and WriteReq are the same
 * in all. The others are taken only if the release is given. Requests of
 * page-table walkers and those without access are left out: the walks are the
 * simulator's.
 */
#include "trace/import.h"

#include "trace/record_sys.h"

#include <inttypes.h>
#include <string.h>

enum { GEM5_THREAD, GEM5_RELEASE, GEM5_FETCH_BYTES };

static const struct import_option gem5_options[] = {
    [GEM5_THREAD] = IMPORT_OPTION_THREAD,
    [GEM5_RELEASE] = {"release", 0, 99, 0,
                      "of gem5 (17 to 25, the year), for atomic and other "
                      "requests; 0: reads and writes only"},
    [GEM5_FETCH_BYTES] = {"fetch-bytes", 1, 64, 4,
                          "bytes of an instruction in a fetched range (guess)"},
    {0},
};

enum {
    GEM5_MAGIC_BYTES = 4,
    GEM5_VARINT_BYTES_MAX = 10,
    GEM5_MESSAGE_BYTES_MAX = 1 << 20,
    GEM5_PACKET_BYTES_MAX = 4096, /* guess: has seven numbers; forks add some */
};

/* src/mem/request.hh: Request::FlagsType; the same in all releases. */
#define GEM5_INST_FETCH UINT64_C(0x00000100)
#define GEM5_NO_ACCESS  UINT64_C(0x00080000)
#define GEM5_PREFETCH   UINT64_C(0x01000000)
#define GEM5_PT_WALK    UINT64_C(0x20000000)

/* ---- commands ---- */

enum gem5_command { GEM5_OTHER, GEM5_READ, GEM5_WRITE, GEM5_SWAP };

enum { GEM5_READ_REQ = 1, GEM5_READ_RESP = 2, GEM5_WRITE_REQ = 4 };

struct gem5_release {
    uint32_t first; /* year of the release; up to the next row's */
    uint8_t reads[5];
    uint8_t writes[3];
    uint8_t swap;
};

/*
 * Numbers of ReadExReq, ReadCleanReq, ReadSharedReq, LoadLockedReq,
 * LockedRMWReadReq; WriteLineReq, StoreCondReq, LockedRMWWriteReq; SwapReq.
 */
static const struct gem5_release gem5_releases[] = {
    {17, {20, 22, 23, 24}, {14, 25}, 28},
    {20, {22, 24, 25, 26}, {16, 27}, 30},
    {22, {22, 24, 25, 26, 30}, {16, 27, 32}, 34},
};

static const struct gem5_release *gem5_release_of(uint64_t year)
{
    const struct gem5_release *found = NULL;

    for (size_t i = 0; i < sizeof(gem5_releases) / sizeof(gem5_releases[0]);
         i++) {
        if (gem5_releases[i].first <= year)
            found = &gem5_releases[i];
    }
    return found;
}

static enum gem5_command gem5_command_of(const struct gem5_release *release,
                                         uint64_t cmd)
{
    if (cmd == GEM5_READ_REQ || cmd == GEM5_WRITE_REQ)
        return cmd == GEM5_READ_REQ ? GEM5_READ : GEM5_WRITE;
    if (!release || cmd == 0 || cmd > UINT8_MAX)
        return GEM5_OTHER;
    if (memchr(release->reads, (int) cmd, sizeof(release->reads)))
        return GEM5_READ;
    if (memchr(release->writes, (int) cmd, sizeof(release->writes)))
        return GEM5_WRITE;
    return cmd == release->swap ? GEM5_SWAP : GEM5_OTHER;
}

/* ---- Protocol Buffers' wire format ---- */

enum gem5_wire { GEM5_VARINT, GEM5_64_BIT, GEM5_BYTES, GEM5_32_BIT = 5 };

/* Behind the varint at p; NULL: it does not end before end, or in 64 bits. */
static const uint8_t *gem5_varint(const uint8_t *p, const uint8_t *end,
                                  uint64_t *number)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < GEM5_VARINT_BYTES_MAX && p < end; i++) {
        uint8_t byte = *p++;

        value |= (uint64_t) (byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            *number = value;
            return i < 9 || byte <= 1 ? p : NULL;
        }
    }
    return NULL;
}

/* A field's number and, of a varint, its value; NULL: damaged. */
static const uint8_t *gem5_field(const uint8_t *p, const uint8_t *end,
                                 uint64_t *tag, uint64_t *value)
{
    size_t left;

    p = gem5_varint(p, end, tag);
    if (!p || *tag >> 3 == 0)
        return NULL;
    left = (size_t) (end - p);
    *value = 0;
    switch (*tag & 7) {
    case GEM5_VARINT:
        return gem5_varint(p, end, value);
    case GEM5_64_BIT:
        return left < 8 ? NULL : p + 8;
    case GEM5_32_BIT:
        return left < 4 ? NULL : p + 4;
    case GEM5_BYTES:
        p = gem5_varint(p, end, value);
        return !p || *value > (size_t) (end - p) ? NULL : p + *value;
    default:
        return NULL;
    }
}

enum { GEM5_TICK = 1, GEM5_CMD, GEM5_ADDR, GEM5_SIZE, GEM5_FLAGS };

struct gem5_packet {
    uint64_t values[GEM5_FLAGS + 1];
    uint32_t has; /* bit i: field i */
};

static bool gem5_parse(const uint8_t *p, const uint8_t *end,
                       struct gem5_packet *packet)
{
    memset(packet, 0, sizeof(*packet));
    while (p < end) {
        uint64_t tag, value;

        p = gem5_field(p, end, &tag, &value);
        if (!p)
            return false;
        if (tag >> 3 > GEM5_FLAGS)
            continue;
        if ((tag & 7) != GEM5_VARINT)
            return false;
        packet->values[tag >> 3] = value;
        packet->has |= 1u << (tag >> 3);
    }
    return true;
}

/* ---- reading ---- */

struct gem5 {
    struct import_run *run;
    struct trace_stream *stream;
    const struct gem5_release *release;
    uint32_t fetch_bytes;
    uint64_t n_walks;
    uint64_t n_others; /* requests and responses that are no access here */
    uint64_t n_accesses;
};

static mmusim_status_t gem5_damaged(struct gem5 *self, const char *what)
{
    return mmusim__import_fail_at(
        self->run, byte_stream_offset(self->run->stream),
        "%s (a packet trace of gem5: a header, then packets)", what);
}

static void gem5_put(struct gem5 *self, const struct gem5_packet *packet,
                     enum gem5_command command)
{
    uint64_t vaddr = packet->values[GEM5_ADDR];
    uint32_t bytes = (uint32_t) packet->values[GEM5_SIZE];

    if (packet->values[GEM5_FLAGS] & GEM5_INST_FETCH) {
        mmusim__trace_stream_fetch(
            self->stream, vaddr,
            (bytes + self->fetch_bytes - 1) / self->fetch_bytes, bytes);
        return;
    }
    if (command != GEM5_WRITE)
        mmusim__trace_stream_access(self->stream, OP_LOAD, vaddr, bytes, 0);
    if (command != GEM5_READ)
        mmusim__trace_stream_access(self->stream, OP_STORE, vaddr, bytes, 0);
}

static mmusim_status_t gem5_packet(struct gem5 *self, const uint8_t *p,
                                   const uint8_t *end)
{
    const uint32_t required =
        1u << GEM5_TICK | 1u << GEM5_CMD | 1u << GEM5_ADDR | 1u << GEM5_SIZE;
    struct gem5_packet packet;
    enum gem5_command command;
    uint64_t vaddr, bytes, flags;

    if (!gem5_parse(p, end, &packet))
        return gem5_damaged(self, "the packet is damaged");
    if ((packet.has & required) != required)
        return gem5_damaged(self, "the packet lacks tick, cmd, addr or size");
    vaddr = packet.values[GEM5_ADDR];
    bytes = packet.values[GEM5_SIZE];
    flags = packet.values[GEM5_FLAGS];
    command = gem5_command_of(self->release, packet.values[GEM5_CMD]);
    self->n_walks += (flags & GEM5_PT_WALK) != 0;
    if (command == GEM5_OTHER || bytes == 0 ||
        flags & (GEM5_PT_WALK | GEM5_NO_ACCESS | GEM5_PREFETCH)) {
        self->n_others += !(flags & GEM5_PT_WALK);
        return MMUSIM_OK;
    }
    if (bytes > OP_MAX_BYTES || !record_is_canonical(vaddr) ||
        vaddr + (bytes - 1) < vaddr)
        return gem5_damaged(self, "the packet's address is not canonical (bits "
                                  "63 to 56 are equal), or its size too large");
    gem5_put(self, &packet, command);
    self->n_accesses++;
    return MMUSIM_OK;
}

/* The length of the next message, which is in the window then; 0: the end. */
static mmusim_status_t gem5_next(struct gem5 *self, uint64_t max,
                                 uint64_t *n_bytes)
{
    struct byte_stream *stream = self->run->stream;
    const uint8_t *p;
    mmusim_status_t status = mmusim__byte_stream_need(
        stream, GEM5_VARINT_BYTES_MAX, self->run->diag);

    *n_bytes = 0;
    if (status || !byte_stream_left(stream))
        return status;
    p = gem5_varint(stream->at, stream->end, n_bytes);
    if (!p)
        return gem5_damaged(self, "the length of a message is damaged");
    if (*n_bytes > max || *n_bytes == 0)
        return gem5_damaged(self, "the length of a message cannot be");
    stream->at += p - stream->at;
    if (*n_bytes > BYTE_CARRY)
        return MMUSIM_OK; /* a header with long names: to be skipped */
    status = mmusim__byte_stream_need(stream, *n_bytes, self->run->diag);
    if (!status && byte_stream_left(stream) < *n_bytes)
        return gem5_damaged(self, "the file ends inside a message");
    return status;
}

static mmusim_status_t gem5_header(struct gem5 *self)
{
    struct import_run *run = self->run;
    struct byte_stream *stream = run->stream;
    uint64_t n_bytes, n_skipped;
    mmusim_status_t status =
        mmusim__byte_stream_need(stream, GEM5_MAGIC_BYTES, run->diag);

    if (status)
        return status;
    if (byte_stream_left(stream) < GEM5_MAGIC_BYTES ||
        memcmp(stream->at, "gem5", GEM5_MAGIC_BYTES) != 0)
        return gem5_damaged(self, "it does not begin with 'gem5'");
    stream->at += GEM5_MAGIC_BYTES;
    status = gem5_next(self, GEM5_MESSAGE_BYTES_MAX, &n_bytes);
    if (status)
        return status;
    n_skipped = n_bytes;
    status = mmusim__byte_stream_skip(stream, &n_skipped, run->diag);
    if (!status && (!n_bytes || n_skipped < n_bytes))
        return gem5_damaged(self, "the file ends inside the header");
    return status;
}

static void gem5_tell(const struct gem5 *self)
{
    struct import_run *run = self->run;

    mmusim__import_note(run->notes,
                        "%" PRIu64 " packets, %" PRIu64 " accesses; addresses "
                        "are those of the place that was traced: behind a TLB "
                        "they are physical",
                        run->n_records, self->n_accesses);
    if (self->n_walks)
        mmusim__import_note(run->notes,
                            "%" PRIu64
                            " packets of page-table walkers are left "
                            "out (walks are simulated)",
                            self->n_walks);
    if (self->n_others)
        mmusim__import_note(run->notes,
                            "%" PRIu64 " packets that are no plain read or "
                            "write are left out%s",
                            self->n_others,
                            self->release ? ""
                                          : " (atomics among them are taken "
                                            "with --from gem5,release=YEAR)");
}

static mmusim_status_t gem5_read(struct import_run *run)
{
    struct gem5 self = {
        .run = run,
        .release = gem5_release_of(run->values[GEM5_RELEASE]),
        .fetch_bytes = (uint32_t) run->values[GEM5_FETCH_BYTES],
    };
    struct byte_stream *stream = run->stream;
    uint64_t n_bytes = 0;
    mmusim_status_t status = gem5_header(&self);

    if (!status) {
        self.stream = mmusim__import_begin_thread(
            run, (uint32_t) run->values[GEM5_THREAD]);
        status = self.stream ? MMUSIM_OK : MMUSIM_NOMEM;
    }
    while (!status) {
        status = gem5_next(&self, GEM5_PACKET_BYTES_MAX, &n_bytes);
        if (status || !n_bytes)
            break;
        status = gem5_packet(&self, stream->at, stream->at + n_bytes);
        if (status)
            break;
        stream->at += n_bytes;
        run->n_records++;
    }
    gem5_tell(&self);
    return status;
}

static enum import_match gem5_probe(const struct import_probe *probe)
{
    return probe->n_bytes >= GEM5_MAGIC_BYTES &&
                   !memcmp(probe->bytes, "gem5", GEM5_MAGIC_BYTES)
               ? IMPORT_SURE
               : IMPORT_NO;
}

extern const struct import_ops mmusim__import_gem5;
const struct import_ops mmusim__import_gem5 = {
    .name = "gem5",
    .what = "gem5's MemTraceProbe at a CommMonitor (packets; .ptrc, .trc.gz)",
    .options = gem5_options,
    .probe = gem5_probe,
    .read = gem5_read,
};
