/* SPDX-License-Identifier: MIT */
/* Seeded synthetic records for tests and benchmarks: loops with strides,
 * uniform and skewed loads, OS operations, code without and with fetches. */
#ifndef MMUSIM_TESTS_SUPPORT_SYNTH_TRACE_H
#define MMUSIM_TESTS_SUPPORT_SYNTH_TRACE_H

#include "core/op.h"
#include "core/rng.h"
#include "trace/trace_writer.h"

struct synth {
    struct rng rng;
    uint64_t sync;
    uint64_t stack;
    uint64_t positions[8];
    bool has_fetch;
    struct sys_op sys; /* of the last OP_SYS record */
};

void synth_init(struct synth *synth, uint64_t seed, uint64_t stream,
                bool has_fetch);
/* The next record, as a source must give it back. */
struct op_record synth_next(struct synth *synth);
void synth_write(struct trace_stream *stream, const struct op_record *record,
                 const struct sys_op *sys);

#endif
