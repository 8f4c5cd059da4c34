/* SPDX-License-Identifier: MIT */
/*
 * Writing, unpacking and decoding a trace. Without a file: a synthetic one,
 * loops of fetches with strided and random accesses. Prints M accesses/s, the
 * fastest of seven runs: unpacking alone; both in one thread; decoding while a
 * helper thread unpacks, by wall-clock and by the decoding thread's own time.
 */
#define _POSIX_C_SOURCE 200809L

#include "core/rng.h"
#include "core/source.h"
#include "mmusim/trace.h"
#include "trace/piece_stream.h"
#include "trace/trace_handle.h"
#include "trace/trace_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { N_RUNS = 7, N_UNITS = 4 << 20 };

static double seconds(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double) now.tv_sec + 1e-9 * (double) now.tv_nsec;
}

/* Inner loops of 16 units; three accesses each: two strides, one random. */
static uint64_t write_synthetic(const char *path)
{
    struct trace_writer *writer;
    struct trace_stream *stream;
    struct rng rng;

    mmusim__rng_init(&rng, 1, 0);
    if (mmusim__trace_writer_create(path, NULL, &writer, NULL))
        exit(1);
    stream = mmusim__trace_stream_begin(writer, 1);
    for (uint64_t i = 0; i < N_UNITS; i++) {
        uint64_t function = i >> 12 & 7;
        uint64_t vaddr = 0x10000000 + 8 * mmusim__rng_below(&rng, 1 << 20);

        mmusim__trace_stream_fetch(
            stream, 0x400000 + function * 4096 + (i & 15) * 32, 6, 24);
        mmusim__trace_stream_access(stream, OP_LOAD, 0x20000000 + 8 * i, 8, 0);
        mmusim__trace_stream_access(stream, OP_STORE, 0x40000000 + 16 * i, 8,
                                    0);
        if ((i & 7) == 0)
            mmusim__trace_stream_access(stream, OP_LOAD, vaddr, 8, 0);
        else
            mmusim__trace_stream_access(stream, OP_LOAD,
                                        0x7fff0000 - 64 * function, 8, 0);
    }
    if (mmusim__trace_writer_close(writer, NULL))
        exit(1);
    return 3 * (uint64_t) N_UNITS;
}

static double time_unpack(const mmusim_trace_t *trace)
{
    static uint8_t in[TRACE_PACKED_BYTES], raw[TRACE_BLOCK_BYTES];
    double start = seconds(CLOCK_MONOTONIC);

    for (uint32_t i = 0; i < trace->file.n_blocks; i++) {
        const struct trace_block *block = &trace->file.blocks[i];
        const struct codec_ops *codec = mmusim__codec_get(block->codec);
        void *unpacker = codec->unpacker_create();
        const uint8_t *from = in;
        uint8_t *to = raw;
        size_t n_out = sizeof(raw);
        size_t n_in =
            mmusim__trace_file_read(&trace->file, in, block->field.packed_bytes,
                                    block->offset + codec->header_bytes);

        codec->unpack_begin(unpacker);
        codec->unpack(unpacker, &from, &n_in, &to, &n_out);
        codec->unpacker_destroy(unpacker);
    }
    return seconds(CLOCK_MONOTONIC) - start;
}

static double time_read(mmusim_trace_t *trace, clockid_t clock)
{
    double start = seconds(clock);
    mmusim_source_t *source;
    struct op_piece piece;

    if (mmusim_trace_source(trace, &source, NULL))
        exit(1);
    for (uint32_t t = 0; t < source->n_threads; t++) {
        do {
            if (source->ops->next(source, t, &piece, NULL))
                exit(1);
        } while (piece.n_records);
    }
    mmusim_source_destroy(source);
    return seconds(clock) - start;
}

static double smaller(double a, double b)
{
    return a < b ? a : b;
}

int main(int argc, char **argv)
{
    static const mmusim_trace_options_t with_helper = {.uses_helper_thread =
                                                           true};
    char path[] = "/tmp/bench-trace-XXXXXX";
    double unpack = 1e9, read = 1e9, ahead = 1e9, decode = 1e9;
    double begin = seconds(CLOCK_MONOTONIC);
    mmusim_trace_info_t info;
    mmusim_trace_t *trace, *helped;
    mmusim_diag_t diag;

    if (argc < 2) {
        close(mkstemp(path));
        double n = (double) write_synthetic(path);
        printf("write   %8.1f M accesses/s\n",
               n / (seconds(CLOCK_MONOTONIC) - begin) / 1e6);
    }
    if (mmusim_trace_open(argc < 2 ? path : argv[1], NULL, &trace, &diag) ||
        mmusim_trace_open(argc < 2 ? path : argv[1], &with_helper, &helped,
                          &diag) ||
        mmusim_trace_info(trace, &info, &diag))
        return 1;
    for (int i = 0; i < N_RUNS; i++) {
        unpack = smaller(unpack, time_unpack(trace));
        read = smaller(read, time_read(trace, CLOCK_MONOTONIC));
        ahead = smaller(ahead, time_read(helped, CLOCK_MONOTONIC));
        decode = smaller(decode, time_read(helped, CLOCK_THREAD_CPUTIME_ID));
    }
    double accesses = (double) (info.loads + info.stores) / 1e6;
    printf("unpack  %8.1f M accesses/s (no decoding)\n", accesses / unpack);
    printf("read    %8.1f M accesses/s (both in one thread)\n",
           accesses / read);
    printf("ahead   %8.1f M accesses/s (a helper unpacks; %.2f of read)\n",
           accesses / ahead, read / ahead);
    printf("decode  %8.1f M accesses/s (of ahead, the decoding thread's time; "
           "%.2f of read)\n",
           accesses / decode, read / decode);
    printf("size    %8.3f bytes per access, %.3f unpacked\n",
           (double) info.packed_bytes / accesses / 1e6,
           (double) info.unpacked_bytes / accesses / 1e6);
    mmusim_trace_close(helped);
    mmusim_trace_close(trace);
    if (argc < 2)
        unlink(path);
    return 0;
}
