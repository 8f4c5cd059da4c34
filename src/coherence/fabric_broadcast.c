/* SPDX-License-Identifier: MIT */
/* Flush requests over a broadcast: operations of at most max_pages pages to
 * every CPU, whatever the targets, and one sync; where the cores cannot
 * broadcast, interrupts. See fabric.h, broadcast.h. */
#include "coherence/broadcast.h"
#include "coherence/fabric_list.h"
#include "coherence/system.h"

struct fabric_broadcast_frame {
    struct kframe frame;
    struct flush_request request;
};

enum { CALL_ISSUE, CALL_SYNC, CALL_DONE };

static enum kstep fabric_broadcast_step(struct cpu *cpu, struct kframe *frame)
{
    struct fabric_broadcast_frame *call =
        (struct fabric_broadcast_frame *) frame;
    const struct flush_request *request = &call->request;
    struct inval inval;

    switch (frame->pc++) {
    case CALL_ISSUE:
        inval = mmusim__fabric_inval(cpu, request);
        mmusim__broadcast_inval(cpu, &inval, REACH_OUTER,
                                inval.has_range ? MISS_PAGE_FLUSH
                                                : MISS_FULL_FLUSH);
        return KSTEP_NEXT;
    case CALL_SYNC:
        mmusim__broadcast_sync(cpu, REACH_OUTER);
        return KSTEP_NEXT;
    default:
        return KSTEP_DONE;
    }
}

static void fabric_broadcast_call(struct cpu *sender,
                                  const struct cpu_mask *targets,
                                  const struct flush_request *request)
{
    struct fabric_broadcast_frame *call;

    if (!sender->system->broadcast.reaches_others) {
        mmusim__ipi_call_many(sender, targets, request);
        return;
    }
    call = mmusim__cpu_push(sender, fabric_broadcast_step, sizeof(*call));
    call->request = *request;
    mmusim__broadcast_begin(sender);
}

struct broadcast_config
mmusim__fabric_of_invlpgb(const struct broadcast_config *config)
{
    struct broadcast_config all = *config;

    all.reaches_others = true;
    all.inner_domain = INNER_MACHINE;
    all.local_cycles = all.issue_cycles;
    all.sync_local_cycles = all.sync_cycles;
    return all;
}

const struct fabric_ops mmusim__fabric_dvm = {
    .name = "dvm",
    .help = "Arm: TLBI broadcast over the interconnect, DSB waits",
    .is_broadcast = true,
    .call = fabric_broadcast_call,
};

const struct fabric_ops mmusim__fabric_invlpgb = {
    .name = "invlpgb",
    .help = "AMD: INVLPGB broadcast, TLBSYNC waits",
    .is_broadcast = true,
    .call = fabric_broadcast_call,
};
