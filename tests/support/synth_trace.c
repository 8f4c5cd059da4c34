/* SPDX-License-Identifier: MIT */
#include "support/synth_trace.h"

#include <string.h>

void synth_init(struct synth *synth, uint64_t seed, uint64_t stream,
                bool has_fetch)
{
    memset(synth, 0, sizeof(*synth));
    mmusim__rng_init(&synth->rng, seed, stream);
    synth->stack = 0x7fff00000000;
    synth->has_fetch = has_fetch;
}

static struct op_record synth_sys(struct synth *synth)
{
    static const enum sys_kind kinds[] = {
        SYS_MMAP,    SYS_MUNMAP,  SYS_MPROTECT, SYS_MREMAP, SYS_BRK,
        SYS_MADVISE, SYS_SYNC,    SYS_MARK,     SYS_IDLE,   SYS_MIGRATE,
        SYS_ON,      SYS_SYSCALL, SYS_IMAGE,    SYS_SITE};
    uint32_t draw = mmusim__rng_below(&synth->rng, 14);
    struct sys_op op = {.kind = kinds[draw]};
    uint64_t vaddr = (uint64_t) mmusim__rng_below(&synth->rng, 1 << 30) << 12;

    if (draw != 6 && draw != 7 && draw != 8 && draw != 10 && draw != 11)
        op.vaddr = vaddr;
    if (op.vaddr && op.kind != SYS_BRK && op.kind != SYS_SITE)
        op.length_bytes = 4096 * (1 + mmusim__rng_below(&synth->rng, 64));
    if (op.kind == SYS_BRK && !op.vaddr)
        op.vaddr = 4096;
    if (op.vaddr == 0 && op.kind != SYS_SYNC && op.kind != SYS_MARK &&
        op.kind != SYS_IDLE && op.kind != SYS_ON)
        op = (struct sys_op){.kind = SYS_SYSCALL};
    if (op.kind == SYS_MMAP || op.kind == SYS_MPROTECT)
        op.flags = mmusim__rng_below(&synth->rng, 8);
    if (op.kind == SYS_MMAP && mmusim__rng_below(&synth->rng, 2)) {
        op.flags |= SYS_MAP_FILE | SYS_MAP_SHARED;
        op.name = "/lib/a b%c@d#.so";
        op.file_offset = vaddr;
    }
    if (op.kind == SYS_IMAGE) {
        op.name = mmusim__rng_below(&synth->rng, 2) ? "file:[odd name]"
                                                    : "/bin/a%@ b";
        op.flags = mmusim__rng_below(&synth->rng, 8);
        if (op.name[0] == '/') {
            op.flags |= SYS_MAP_FILE | SYS_IMAGE_LINES;
            op.file_offset = vaddr;
            op.number = 0x0123456789abcdef;
        }
    }
    if (op.kind == SYS_MREMAP) {
        op.new_vaddr = vaddr ^ 0x5000;
        op.new_length_bytes = 8192;
    }
    if (op.kind == SYS_MADVISE)
        op.advice = mmusim__rng_below(&synth->rng, MADVICE_COUNT);
    if (op.kind == SYS_SYNC)
        op.number = synth->sync += 1 + mmusim__rng_below(&synth->rng, 3);
    if (op.kind == SYS_IDLE || op.kind == SYS_ON)
        op.number = mmusim__rng_below(&synth->rng, 1000);
    if (op.kind == SYS_MARK)
        op.name = "phase";
    synth->sys = op;
    return (struct op_record){0, 0, op_meta(OP_SYS, 0, 0)};
}

struct op_record synth_next(struct synth *synth)
{
    uint32_t draw = mmusim__rng_below(&synth->rng, 1000);
    uint32_t lane = mmusim__rng_below(&synth->rng, 8);
    uint32_t count = !synth->has_fetch;
    uint64_t *position = &synth->positions[lane];

    if (draw < 5)
        return synth_sys(synth);
    if (draw < 10)
        return (struct op_record){0, 1 + draw, op_meta(OP_NOMEM, 0, 0)};
    if (draw < 250 && synth->has_fetch)
        return (struct op_record){0x400000 + 64 * (draw % 60), 1 + draw % 7,
                                  op_meta(OP_FETCH, 0, 4 + draw % 60)};
    if (draw < 300)
        return (struct op_record){0xffff800000000000 | draw << 12, count,
                                  op_meta(OP_STORE, 0, 1 + draw)};
    *position +=
        lane < 6 ? 8 * lane : mmusim__rng_next(&synth->rng) % (1 << 28);
    *position &= (1 << 28) - 1;
    return (struct op_record){
        ((uint64_t) lane << 32) + *position, count,
        op_meta(draw & 1 ? OP_LOAD : OP_STORE,
                draw < 400 ? (uint32_t) OP_FLAG_DEPENDENT : 0,
                1u << (draw % 7))};
}

void synth_write(struct trace_stream *stream, const struct op_record *record,
                 const struct sys_op *sys)
{
    switch (op_kind_of(record)) {
    case OP_FETCH:
        mmusim__trace_stream_fetch(stream, record->vaddr, record->count,
                                   op_bytes_of(record));
        break;
    case OP_LOAD:
    case OP_STORE:
        mmusim__trace_stream_access(stream, op_kind_of(record), record->vaddr,
                                    op_bytes_of(record), op_flags_of(record));
        break;
    case OP_NOMEM:
        mmusim__trace_stream_nomem(stream, record->count);
        break;
    case OP_SYS:
        mmusim__trace_stream_sys(stream, sys);
        break;
    }
}
