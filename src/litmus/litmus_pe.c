/* SPDX-License-Identifier: MIT */
/* The part of a PE that nobody sees: fetch, arithmetic, branches, and what
 * each instruction leaves for those behind it. See litmus_pe.h. */
#include "litmus/litmus_pe.h"

#include <string.h>

/* ---- registers ---- */

static bool pe_makes(const struct litmus_inst *inst, uint8_t reg)
{
    const struct litmus_instr *instr = inst->instr;

    if (inst->is_dead)
        return reg == LITMUS_ELR;
    if (reg == LITMUS_FLAGS)
        return instr->sets_flags;
    return instr->rd == reg && reg != LITMUS_ZERO;
}

static int16_t pe_maker(const struct litmus_pe *pe, uint32_t before,
                        uint8_t reg)
{
    for (uint32_t i = before; i-- > 0;) {
        if (pe_makes(&pe->window[i], reg))
            return (int16_t) i;
    }
    return LITMUS_NO_SOURCE;
}

static uint8_t pe_source_register(const struct litmus_instr *instr,
                                  uint32_t slot)
{
    switch (slot) {
    case 0:
        return instr->rn;
    case 1:
        return instr->rm;
    case 2:
        return instr->rs;
    default:
        break;
    }
    if (instr->op == LITMUS_CSEL ||
        (instr->op == LITMUS_BRANCH && instr->branch == LITMUS_IF_COND))
        return LITMUS_FLAGS;
    if (instr->op == LITMUS_RMW && instr->alu == LITMUS_ALU_CAS)
        return instr->rd;
    return LITMUS_NO_REGISTER;
}

bool mmusim__litmus_source(const struct litmus_pe *pe,
                           const struct litmus_inst *inst, uint32_t slot,
                           uint64_t *value)
{
    uint8_t reg = pe_source_register(inst->instr, slot);
    const struct litmus_inst *maker;

    *value = 0;
    if (reg == LITMUS_NO_REGISTER || reg == LITMUS_ZERO)
        return true;
    if (inst->sources[slot] == LITMUS_NO_SOURCE) {
        *value = pe->thread->registers[reg];
        return true;
    }
    maker = &pe->window[inst->sources[slot]];
    *value = reg == LITMUS_FLAGS ? maker->nzcv : maker->result;
    return maker->is_executed;
}

uint64_t mmusim__litmus_register_value(const struct litmus_pe *pe, uint8_t reg)
{
    int16_t maker = pe_maker(pe, pe->n, reg);

    return maker == LITMUS_NO_SOURCE ? pe->thread->registers[reg]
                                     : pe->window[maker].result;
}

/* ---- fetch ---- */

/* The pc after another one, LITMUS_END behind the last. */
static uint16_t pe_at(const struct litmus_thread *thread, uint16_t from,
                      uint32_t pc)
{
    uint32_t end = from < thread->n_main ? thread->n_main : thread->n_code;

    return pc == end ? LITMUS_END : (uint16_t) pc;
}

static uint16_t pe_next_pc(struct litmus_run *run, const struct litmus_pe *pe,
                           const struct litmus_instr *instr, uint16_t pc)
{
    if (instr->op == LITMUS_ERET)
        return LITMUS_UNKNOWN;
    if (instr->op != LITMUS_BRANCH)
        return pe_at(pe->thread, pc, pc + 1U);
    if (instr->branch == LITMUS_ALWAYS ||
        mmusim__rng_below(run->rng, 2)) /* a guess */
        return pe_at(pe->thread, pc, instr->target);
    return pe_at(pe->thread, pc, pc + 1U);
}

static void pe_fetch_one(struct litmus_run *run, struct litmus_pe *pe,
                         uint16_t pc)
{
    struct litmus_inst *inst = &pe->window[pe->n];
    const struct litmus_instr *instr = &pe->thread->code[pc];

    memset(inst, 0, sizeof(*inst));
    inst->instr = instr;
    inst->pc = pc;
    inst->serial = ++run->n_serials;
    inst->next_pc = pe_next_pc(run, pe, instr, pc);
    inst->forwarder = LITMUS_NO_SOURCE;
    if (instr->op == LITMUS_CSEL) {
        inst->guesses = mmusim__rng_below(run->rng, 2);
        inst->guess = mmusim__rng_below(run->rng, 2);
    }
    for (uint32_t slot = 0; slot < LITMUS_MAX_SOURCES; slot++)
        inst->sources[slot] =
            pe_maker(pe, pe->n, pe_source_register(instr, slot));
    pe->n++;
}

static uint16_t pe_fetch_pc(const struct litmus_pe *pe)
{
    if (!pe->n)
        return pe->thread->n_main ? 0 : LITMUS_END;
    return pe->window[pe->n - 1].next_pc;
}

/* True: there was something to fetch. */
static bool pe_fetch(struct litmus_run *run, struct litmus_pe *pe)
{
    uint32_t n = pe->n;

    for (uint16_t pc = pe_fetch_pc(pe);
         pc != LITMUS_END && pc != LITMUS_UNKNOWN; pc = pe_fetch_pc(pe)) {
        if (pe->n == LITMUS_MAX_WINDOW)
            break;
        pe_fetch_one(run, pe, pc);
    }
    return pe->n > n;
}

void mmusim__litmus_squash(struct litmus_pe *pe, uint32_t from)
{
    pe->n = from;
    if (pe->n_done > from)
        pe->n_done = from;
}

void mmusim__litmus_pe_reset(struct litmus_run *run, uint32_t pe)
{
    struct litmus_pe *own = &run->pes[pe];

    own->thread = &run->test->threads[pe];
    own->index = pe;
    own->n = own->n_done = own->n_faults = 0;
    own->is_cut = false;
}

/* ---- what an instruction leaves for those behind it ---- */

static void pe_pass_barrier(const struct litmus_instr *instr,
                            struct litmus_before *before)
{
    bool is_dmb = instr->op == LITMUS_DMB;

    before->has_dsb |= instr->op == LITMUS_DSB;
    before->has_isb |= instr->op == LITMUS_ISB || instr->op == LITMUS_ERET;
    before->has_tlbi |= instr->op == LITMUS_TLBI;
    before->has_dmb_full |= is_dmb && instr->barrier == LITMUS_FULL;
    before->has_dmb_loads |= is_dmb && instr->barrier == LITMUS_LOADS;
    before->has_dmb_stores |= is_dmb && instr->barrier == LITMUS_STORES;
}

/* Is there an earlier load of the same place that is not performed? */
static bool pe_is_ahead(const struct litmus_pe *pe, uint32_t at)
{
    const struct litmus_inst *inst = &pe->window[at];

    for (uint32_t i = pe->n_done; i < at; i++) {
        const struct litmus_inst *other = &pe->window[i];

        if (litmus_has_place(other) && litmus_reads(other->instr) &&
            !other->is_performed && litmus_overlap(other, inst))
            return true;
    }
    return false;
}

static void pe_pass_access(const struct litmus_pe *pe, uint32_t at,
                           struct litmus_before *before)
{
    const struct litmus_inst *inst = &pe->window[at];

    if (!inst->is_translated || inst->fault)
        before->has_open_access = true;
    if (inst->is_performed) {
        if (litmus_reads(inst->instr) && before->has_load &&
            pe_is_ahead(pe, at))
            before->has_hazard = true;
        return;
    }
    before->has_load |= litmus_reads(inst->instr);
    before->has_store |= litmus_writes(inst->instr);
    before->has_acquire |=
        inst->instr->is_acquire || inst->instr->is_acquire_pc;
    before->has_release |= inst->instr->is_release;
}

void mmusim__litmus_pass(const struct litmus_pe *pe, uint32_t at,
                         struct litmus_before *before)
{
    const struct litmus_inst *inst = &pe->window[at];

    if (inst->is_dead)
        return;
    if (litmus_is_access(inst->instr))
        pe_pass_access(pe, at, before);
    else if (inst->instr->op == LITMUS_BRANCH)
        before->has_open_branch |= !inst->is_executed;
    else if (inst->instr->op == LITMUS_CSEL)
        before->has_open_branch |= inst->is_unsure;
    else if (!inst->is_complete)
        pe_pass_barrier(inst->instr, before);
}

/* ---- what nobody sees ---- */

static void pe_compute(const struct litmus_pe *pe, struct litmus_inst *inst)
{
    const struct litmus_instr *instr = inst->instr;
    struct litmus_alu_result result;
    uint64_t a, b;

    if (!mmusim__litmus_source(pe, inst, 0, &a) ||
        !mmusim__litmus_source(pe, inst, 1, &b))
        return;
    if (instr->rm == LITMUS_NO_REGISTER)
        b = (uint64_t) instr->imm;
    else if (instr->index_is_word)
        b = instr->index_is_signed ? (uint64_t) (int64_t) (int32_t) (uint32_t) b
                                   : (uint32_t) b;
    if (instr->rm != LITMUS_NO_REGISTER)
        b <<= instr->shift;
    result = mmusim__litmus_compute(instr, a, b);
    inst->result = result.value;
    inst->nzcv = result.nzcv;
    inst->is_executed = true;
}

/* [pick-addr-dep] orders no reads: the choice may be guessed, and is taken back
 * with all behind it if it was wrong; until it is known nothing later can be
 * seen by others. */
static void pe_select(struct litmus_pe *pe, uint32_t at)
{
    struct litmus_inst *inst = &pe->window[at];
    const struct litmus_instr *instr = inst->instr;
    uint64_t flags, value;
    bool is_known = mmusim__litmus_source(pe, inst, 3, &flags);
    bool takes_first = inst->guess;

    if (!is_known && (!inst->guesses || inst->is_unsure))
        return;
    if (is_known)
        takes_first = mmusim__litmus_condition(instr->cond, flags);
    if (inst->is_unsure && takes_first != inst->guess)
        mmusim__litmus_squash(pe, at + 1);
    inst->is_unsure = inst->is_executed = false;
    if (!mmusim__litmus_source(pe, inst, takes_first ? 0 : 1, &value))
        return;
    if (!takes_first)
        value = mmusim__litmus_compute(instr, 0, value).value;
    inst->result = instr->is_word ? (uint32_t) value : value;
    inst->is_executed = true;
    inst->is_unsure = !is_known;
}

static bool pe_is_taken(const struct litmus_instr *instr, uint64_t value,
                        uint64_t flags)
{
    if (instr->is_word)
        value = (uint32_t) value;
    switch (instr->branch) {
    case LITMUS_ALWAYS:
        return true;
    case LITMUS_IF_COND:
        return mmusim__litmus_condition(instr->cond, flags);
    case LITMUS_IF_ZERO:
        return !value;
    case LITMUS_IF_NONZERO:
        return value;
    }
    return true;
}

/* A wrong guess takes back what follows. */
static void pe_resolve(struct litmus_pe *pe, uint32_t at)
{
    struct litmus_inst *inst = &pe->window[at];
    uint64_t value, flags;
    uint16_t next;

    if (!mmusim__litmus_source(pe, inst, 0, &value) ||
        !mmusim__litmus_source(pe, inst, 3, &flags))
        return;
    next = pe_is_taken(inst->instr, value, flags) ? inst->instr->target
                                                  : (uint16_t) (inst->pc + 1);
    next = pe_at(pe->thread, inst->pc, next);
    inst->is_executed = true;
    if (next == inst->next_pc)
        return;
    inst->next_pc = next;
    mmusim__litmus_squash(pe, at + 1);
}

/* ERET: as a branch to ELR_EL1, and past what is speculative like an ISB. */
static void pe_return(const struct litmus_pe *pe, struct litmus_inst *inst)
{
    uint64_t address;
    uint64_t pc;

    if (!mmusim__litmus_source(pe, inst, 0, &address))
        return;
    pc = (address - litmus_code_address(pe->index, 0)) / 4;
    inst->next_pc = pc < pe->thread->n_code && pc != pe->thread->n_main
                        ? (uint16_t) pc
                        : (uint16_t) LITMUS_END;
    inst->is_complete = true;
}

static void pe_find_address(const struct litmus_pe *pe,
                            struct litmus_inst *inst)
{
    const struct litmus_instr *instr = inst->instr;
    uint64_t base, index;

    if (!mmusim__litmus_source(pe, inst, 0, &base) ||
        !mmusim__litmus_source(pe, inst, 1, &index))
        return;
    if (instr->index_is_signed && instr->index_is_word)
        index = (uint64_t) (int64_t) (int32_t) (uint32_t) index;
    else if (instr->index_is_word)
        index = (uint32_t) index;
    inst->vaddr = base + (index << instr->shift) + (uint64_t) instr->imm;
    inst->has_address = true;
}

/* Has a barrier nothing to wait for any more? DSB: Arm ARM B2.3.12, also for
 * the TLBIs of this PE, D8.16; ISB: what comes before is not speculative. */
static bool pe_barrier_is_over(const struct litmus_run *run,
                               const struct litmus_inst *inst,
                               const struct litmus_before *before)
{
    bool waits_for_loads = inst->instr->barrier != LITMUS_STORES;
    bool waits_for_stores = inst->instr->barrier != LITMUS_LOADS;
    bool is_full = inst->instr->barrier == LITMUS_FULL;

    if (inst->instr->op == LITMUS_ISB || inst->instr->op == LITMUS_ERET)
        return run->world->mutation == LITMUS_ISB_DOES_NOTHING ||
               (!before->has_open_branch && !before->has_open_access &&
                !before->has_isb && !before->has_dsb);
    if (inst->instr->op == LITMUS_DSB &&
        (before->has_open_branch || (is_full && before->has_open_access)))
        return false;
    return !(waits_for_loads && before->has_load) &&
           !(waits_for_stores && before->has_store);
}

/* Does a DSB wait for an earlier TLBI? */
static bool pe_waits_for_tlbi(const struct litmus_pe *pe, uint32_t at)
{
    for (uint32_t i = pe->n_done; i < at; i++) {
        const struct litmus_inst *inst = &pe->window[i];

        if (inst->instr->op == LITMUS_TLBI && !inst->is_complete &&
            (!inst->is_performed ||
             mmusim__arm_dsb_completes(&pe->window[at].instr->dsb,
                                       &inst->tlbi)))
            return true;
    }
    return false;
}

static void pe_settle_one(struct litmus_run *run, struct litmus_pe *pe,
                          uint32_t at, const struct litmus_before *before)
{
    struct litmus_inst *inst = &pe->window[at];

    switch (inst->instr->op) {
    case LITMUS_ALU:
    case LITMUS_ADR:
        if (!inst->is_executed)
            pe_compute(pe, inst);
        break;
    case LITMUS_CSEL:
        if (!inst->is_executed || inst->is_unsure)
            pe_select(pe, at);
        break;
    case LITMUS_BRANCH:
        if (!inst->is_executed)
            pe_resolve(pe, at);
        break;
    case LITMUS_DMB:
    case LITMUS_DSB:
    case LITMUS_ISB:
        if (!inst->is_complete)
            inst->is_complete =
                pe_barrier_is_over(run, inst, before) &&
                !(inst->instr->op == LITMUS_DSB && before->has_tlbi &&
                  inst->instr->barrier == LITMUS_FULL &&
                  pe_waits_for_tlbi(pe, at));
        break;
    case LITMUS_LOAD:
    case LITMUS_STORE:
    case LITMUS_RMW:
    case LITMUS_LOADX:
    case LITMUS_STOREX:
        if (!inst->has_address)
            pe_find_address(pe, inst);
        break;
    case LITMUS_ERET:
        if (!inst->is_complete && pe_barrier_is_over(run, inst, before))
            pe_return(pe, inst);
        break;
    case LITMUS_NOP:
    case LITMUS_TLBI:
        break;
    }
}

static bool pe_is_over(const struct litmus_inst *inst)
{
    if (inst->is_dead || inst->instr->op == LITMUS_NOP)
        return true;
    if (litmus_is_access(inst->instr))
        return inst->is_performed;
    if (inst->instr->op == LITMUS_ALU || inst->instr->op == LITMUS_CSEL ||
        inst->instr->op == LITMUS_ADR || inst->instr->op == LITMUS_BRANCH)
        return inst->is_executed && !inst->is_unsure;
    return inst->is_complete;
}

void mmusim__litmus_settle(struct litmus_run *run, uint32_t pe)
{
    struct litmus_pe *own = &run->pes[pe];
    struct litmus_before before = {0};

    pe_fetch(run, own);
    for (uint32_t i = own->n_done; i < own->n; i++) {
        pe_settle_one(run, own, i, &before);
        mmusim__litmus_pass(own, i, &before);
        if (i + 1 == own->n)
            pe_fetch(run, own);
    }
    while (own->n_done < own->n && pe_is_over(&own->window[own->n_done]))
        own->n_done++;
    own->is_cut = own->n == LITMUS_MAX_WINDOW &&
                  pe_fetch_pc(own) != LITMUS_END && own->n_done == own->n;
}

bool mmusim__litmus_is_finished(const struct litmus_pe *pe)
{
    return pe->n_done == pe->n && pe_fetch_pc(pe) == LITMUS_END;
}
