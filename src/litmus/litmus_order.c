/* SPDX-License-Identifier: MIT */
/*
 * When may an instruction take its next step? The rules are those of Arm's
 * memory model (Arm ARM DDI 0487 B2.3; herdtools7's aarch64hwreqs.cat and
 * aarch64.cat, commit 5feffe4e8, whose names are given in brackets). A step is
 * allowed if all that must be ordered before it has been done; where this is
 * stricter than the model, docs/litmus.md says so.
 */
#include "litmus/litmus_pe.h"

static bool order_is_speculative(const struct litmus_before *before)
{
    return before->has_open_branch || before->has_open_access ||
           before->has_isb;
}

/* A walk reads at any time once its address is known [addr]: also before what
 * a DSB waits for [DSB-ob excludes Imp & TTD & M], but not past an ISB
 * [IFB-ob], and with FEAT_ETS2 not past a DSB. */
bool mmusim__litmus_may_translate(const struct litmus_run *run,
                                  const struct litmus_inst *inst,
                                  const struct litmus_before *before)
{
    if (!litmus_is_access(inst->instr) || inst->is_dead || !inst->has_address ||
        inst->is_translated || inst->is_walking || before->has_isb)
        return false;
    if (run->test->has_ets2 && before->has_dsb)
        return false;
    return !inst->waits_for_earlier ||
           (!before->has_load && !before->has_store);
}

/* The dirty state is not set speculatively [dob, pob: ctrl; [HU], addr; [Exp &
 * M]; po; [HU], tr-ib; [Exp & M]; po; [HU]]. What is then under way holds up
 * invalidations from elsewhere; so that nobody waits in a circle, not while
 * this PE waits for others to answer its own. */
bool mmusim__litmus_may_update(const struct litmus_run *run, uint32_t pe,
                               const struct litmus_inst *inst,
                               const struct litmus_before *before)
{
    return inst->has_address && !order_is_speculative(before) &&
           !before->has_hazard &&
           (!before->has_tlbi || run->only_invalidator == (int) pe) &&
           !(run->test->has_ets2 && before->has_dsb);
}

/* [bob], [DSB-ob]: what barriers and acquires hold back. */
static bool order_is_held(const struct litmus_before *before)
{
    return before->has_dsb || before->has_isb || before->has_dmb_full ||
           before->has_dmb_loads || before->has_acquire;
}

/* [lmws]: a store comes after all earlier accesses of its place. */
static bool order_is_first_at_place(const struct litmus_pe *pe, uint32_t at)
{
    const struct litmus_inst *inst = &pe->window[at];

    for (uint32_t i = pe->n_done; i < at; i++) {
        const struct litmus_inst *other = &pe->window[i];

        if (litmus_has_place(other) && !other->is_performed &&
            litmus_overlap(other, inst))
            return false;
    }
    return true;
}

/* [lmrs]: from the youngest earlier store of the place that memory does not
 * have yet. Loads of one place are performed in order. */
int mmusim__litmus_forwarder(const struct litmus_pe *pe, uint32_t at)
{
    const struct litmus_inst *inst = &pe->window[at];

    for (uint32_t i = at; i-- > pe->n_done;) {
        const struct litmus_inst *other = &pe->window[i];
        uint64_t value;

        if (!litmus_has_place(other) || !litmus_overlap(other, inst))
            continue;
        if (other->is_performed) {
            if (litmus_writes(other->instr))
                return LITMUS_NO_SOURCE;
            continue;
        }
        if (other->instr->op != LITMUS_STORE || other->paddr != inst->paddr ||
            litmus_bytes(other) < litmus_bytes(inst) ||
            inst->instr->op != LITMUS_LOAD ||
            !mmusim__litmus_source(pe, other, 2, &value))
            return LITMUS_NO_SOURCE - 1;
        return (int) i;
    }
    return LITMUS_NO_SOURCE;
}

static bool order_has_data(const struct litmus_pe *pe,
                           const struct litmus_inst *inst)
{
    uint64_t value;

    return mmusim__litmus_source(pe, inst, 2, &value) &&
           (inst->instr->op != LITMUS_RMW ||
            mmusim__litmus_source(pe, inst, 3, &value));
}

static bool order_may_store(const struct litmus_pe *pe, uint32_t at,
                            const struct litmus_before *before)
{
    const struct litmus_inst *inst = &pe->window[at];

    if (order_is_speculative(before) || before->has_hazard ||
        before->has_dmb_stores || !order_has_data(pe, inst))
        return false;
    if (inst->instr->is_release && (before->has_load || before->has_store))
        return false;
    return order_is_first_at_place(pe, at);
}

bool mmusim__litmus_may_perform(const struct litmus_pe *pe, uint32_t at,
                                const struct litmus_before *before)
{
    const struct litmus_inst *inst = &pe->window[at];

    if (!litmus_has_place(inst) || inst->is_performed || order_is_held(before))
        return false;
    if (inst->instr->is_acquire && before->has_release)
        return false; /* [L]; po; [A] */
    if (litmus_writes(inst->instr))
        return order_may_store(pe, at, before);
    return mmusim__litmus_forwarder(pe, at) >= LITMUS_NO_SOURCE;
}

/* [bob], [DSB-ob]: MMU & FAULT. This is when the fault happens, for the model:
 * an invalidation that comes later does not undo it. */
bool mmusim__litmus_may_be_certain(const struct litmus_inst *inst,
                                   const struct litmus_before *before)
{
    return inst->fault && !inst->is_certain && !order_is_held(before) &&
           !before->has_dmb_stores;
}

/* Precise: nothing before it can fault, or branch elsewhere. */
bool mmusim__litmus_may_fault(const struct litmus_inst *inst,
                              const struct litmus_before *before)
{
    return inst->is_certain && !order_is_speculative(before);
}

/* A TLBI is not speculative, and waits for DSBs only [DSB-ob, dob]. */
bool mmusim__litmus_may_invalidate(const struct litmus_pe *pe,
                                   const struct litmus_inst *inst,
                                   const struct litmus_before *before)
{
    uint64_t operand;

    return inst->instr->op == LITMUS_TLBI && !inst->is_performed &&
           !order_is_speculative(before) && !before->has_hazard &&
           !before->has_dsb && mmusim__litmus_source(pe, inst, 0, &operand);
}

/* A walk that has set the dirty state already ends as it began. */
bool mmusim__litmus_may_deliver_here(const struct litmus_pe *pe)
{
    for (uint32_t i = pe->n_done; i < pe->n; i++) {
        const struct litmus_inst *inst = &pe->window[i];

        if (inst->is_committed && inst->is_walking)
            return false;
    }
    return true;
}

/* [TLBI-ob, same-low-order-bits]: the earlier access must have its translation
 * before the TLBI is complete. */
int mmusim__litmus_stale_ahead(const struct litmus_pe *pe)
{
    bool is_open_anywhere = false; /* an earlier address is not known */
    uint64_t open_offsets =
        0; /* of earlier ones not translated: / 8, as bits */

    for (uint32_t i = pe->n_done; i < pe->n; i++) {
        const struct litmus_inst *inst = &pe->window[i];
        uint64_t bit = UINT64_C(1) << (inst->vaddr >> 3 & 63);

        if (!litmus_is_access(inst->instr) || inst->is_dead)
            continue;
        if (inst->is_stale && (is_open_anywhere || (open_offsets & bit)))
            return (int) i;
        if (!inst->has_address)
            is_open_anywhere = true;
        else if (!inst->is_translated || (inst->fault && !inst->is_certain))
            open_offsets |= bit;
    }
    return -1;
}

bool mmusim__litmus_may_deliver(const struct litmus_pe *pe,
                                const struct inval_request *tlbi)
{
    bool is_committed_behind = false;

    for (uint32_t i = pe->n; i-- > pe->n_done;) {
        const struct litmus_inst *inst = &pe->window[i];

        is_committed_behind |= inst->is_committed;
        if (is_committed_behind && litmus_is_access(inst->instr) &&
            inst->has_address && !inst->is_performed && !inst->is_dead &&
            !inst->is_certain && mmusim__litmus_tlbi_hits(tlbi, inst->vaddr))
            return false;
    }
    return true;
}
