/* SPDX-License-Identifier: MIT */
/* The steps of a PE that others can see, or that see others: translation,
 * memory, faults, TLBI. See litmus_pe.h, and docs/litmus.md for the rules. */
#include "litmus/litmus_pe.h"

#include "litmus/litmus_tlbi.h"

static enum access_kind step_kind(const struct litmus_inst *inst)
{
    return litmus_writes(inst->instr) ? ACCESS_STORE : ACCESS_LOAD;
}

/* ---- translation ---- */

/* A store now has its place: a later load of it that did not wait has read
 * something else. */
static void step_check_loads(struct litmus_pe *pe, uint32_t store)
{
    for (uint32_t i = store + 1; i < pe->n; i++) {
        const struct litmus_inst *inst = &pe->window[i];

        if (litmus_has_place(inst) && litmus_reads(inst->instr) &&
            inst->is_performed && inst->forwarder < (int) store &&
            litmus_overlap(inst, &pe->window[store])) {
            mmusim__litmus_squash(pe, i);
            return;
        }
    }
}

static void step_bind_fault(struct litmus_run *run, struct litmus_pe *pe,
                            uint32_t at, enum litmus_fault fault)
{
    struct litmus_inst *inst = &pe->window[at];
    bool is_ordered = run->test->has_ets3 ||
                      (run->test->has_ets2 && fault != LITMUS_FAULT_PERMISSION);

    /* [ets-ob]: the walk that faults comes after all earlier accesses; this
     * one may have begun before. */
    if (is_ordered && !inst->waits_for_earlier) {
        inst->waits_for_earlier = true;
        return;
    }
    inst->is_translated = true;
    inst->fault = fault;
}

/* By an entry that permits the access or not. */
static void step_bind(struct litmus_run *run, struct litmus_pe *pe, uint32_t at,
                      tlb_data_t data)
{
    struct litmus_inst *inst = &pe->window[at];
    /* A handler runs at EL1. */
    bool is_el0 = pe->thread->is_el0 && inst->pc < pe->thread->n_main;
    uint32_t needed = mmu_rights_needed(step_kind(inst), is_el0);

    /* Software's to make dirty: read-only till then. */
    if (step_kind(inst) == ACCESS_STORE)
        needed |= TLB_DIRTY;
    if ((data & needed) != needed) {
        step_bind_fault(run, pe, at, LITMUS_FAULT_PERMISSION);
        return;
    }
    inst->is_translated = true;
    inst->fault = LITMUS_NO_FAULT;
    inst->paddr =
        pfn_paddr(tlb_data_pfn(data)) | (inst->vaddr & (BASE_PAGE_BYTES - 1));
    if (litmus_writes(inst->instr))
        step_check_loads(pe, at);
}

/* A store may find an entry whose dirty state hardware must set first. */
static bool step_needs_walk(const struct litmus_pe *pe,
                            const struct litmus_inst *inst, tlb_data_t data)
{
    return pe->thread->has_hd && step_kind(inst) == ACCESS_STORE &&
           (data & TLB_WRITE) && !(data & TLB_DIRTY);
}

void mmusim__litmus_translate(struct litmus_run *run, uint32_t pe, uint32_t at)
{
    struct litmus_pe *own = &run->pes[pe];
    struct litmus_inst *inst = &own->window[at];
    enum access_kind kind = step_kind(inst);
    enum walk_need need = WALK_FOR_MISS;
    struct inval page = mmusim__litmus_inval_page(inst->vaddr);
    tlb_data_t data;

    if (inst->waits_for_earlier)
        mmusim__litmus_forget(run->world, pe, &page);
    if (mmusim__litmus_probe(run->world, pe, kind, inst->vaddr, &data)) {
        if (!step_needs_walk(own, inst, data)) {
            step_bind(run, own, at, data);
            return;
        }
        need = WALK_FOR_DIRTY;
    }
    inst->is_walking = mmusim__litmus_walk_start(run->world, pe, kind, need,
                                                 inst->vaddr, inst->serial);
}

void mmusim__litmus_answer(struct litmus_run *run, uint32_t pe, uint32_t serial,
                           const struct litmus_answer *answer)
{
    struct litmus_pe *own = &run->pes[pe];
    tlb_data_t data;

    for (uint32_t i = own->n_done; i < own->n; i++) {
        struct litmus_inst *inst = &own->window[i];

        if (inst->serial != serial)
            continue;
        inst->is_walking = false;
        if (answer->outcome == WALK_FAULTED)
            step_bind_fault(run, own, i, answer->fault);
        else if (answer->outcome == WALK_FILLED &&
                 mmusim__litmus_probe(run->world, pe, step_kind(inst),
                                      inst->vaddr, &data) &&
                 !step_needs_walk(own, inst, data))
            step_bind(run, own, i, data);
        return;
    }
}

/* ---- memory ---- */

/* A load has got its value: a later load of the same place must not have an
 * older one [Exp-haz-ob]. */
static void step_check_order(struct litmus_pe *pe, uint32_t at)
{
    const struct litmus_inst *inst = &pe->window[at];

    for (uint32_t i = at + 1; i < pe->n; i++) {
        const struct litmus_inst *later = &pe->window[i];

        if (!litmus_has_place(later) || !litmus_reads(later->instr) ||
            !later->is_performed || !litmus_overlap(later, inst) ||
            later->forwarder > (int) at)
            continue;
        if (later->forwarder != inst->forwarder ||
            later->version != inst->version) {
            mmusim__litmus_squash(pe, i);
            return;
        }
    }
}

static void step_load(struct litmus_run *run, struct litmus_pe *pe, uint32_t at)
{
    struct litmus_inst *inst = &pe->window[at];
    int forwarder = mmusim__litmus_forwarder(pe, at);

    inst->forwarder = (int16_t) forwarder;
    if (forwarder >= 0) {
        mmusim__litmus_source(pe, &pe->window[forwarder], 2, &inst->result);
        if (inst->instr->is_word)
            inst->result = (uint32_t) inst->result;
        inst->version = 0;
    } else {
        inst->result = mmusim__litmus_read(run->world, inst->paddr,
                                           litmus_bytes(inst), &inst->version);
    }
    inst->is_executed = inst->is_performed = true;
    step_check_order(pe, at);
}

static void step_rmw(struct litmus_run *run, const struct litmus_pe *pe,
                     struct litmus_inst *inst)
{
    uint32_t bytes = litmus_bytes(inst);
    uint64_t mask = bytes == 4 ? UINT32_MAX : UINT64_MAX;
    uint64_t operand, compared;
    uint64_t old =
        mmusim__litmus_read(run->world, inst->paddr, bytes, &inst->version);

    mmusim__litmus_source(pe, inst, 2, &operand);
    mmusim__litmus_source(pe, inst, 3, &compared);
    inst->result = old;
    inst->has_stored =
        inst->instr->alu != LITMUS_ALU_CAS || old == (compared & mask);
    if (inst->has_stored)
        mmusim__litmus_write(
            run->world, inst->paddr, bytes,
            mmusim__litmus_compute(inst->instr, old, operand).value);
}

/* STXR: nobody has written since the LDXR before it; Arm ARM B2.9. */
static void step_storex(struct litmus_run *run, const struct litmus_pe *pe,
                        uint32_t at)
{
    struct litmus_inst *inst = (struct litmus_inst *) &pe->window[at];
    uint32_t bytes = litmus_bytes(inst);
    uint32_t version;
    uint64_t data;

    mmusim__litmus_read(run->world, inst->paddr, bytes, &version);
    inst->result = 1;
    for (uint32_t i = at; i-- > 0;) {
        const struct litmus_inst *other = &pe->window[i];

        if (other->is_dead || other->instr->op == LITMUS_STOREX)
            return; /* a fault or another STXR clears the monitor */
        if (other->instr->op != LITMUS_LOADX)
            continue;
        if (other->paddr != inst->paddr || other->version != version)
            return;
        mmusim__litmus_source(pe, inst, 2, &data);
        mmusim__litmus_write(run->world, inst->paddr, bytes, data);
        inst->has_stored = true;
        inst->result = 0;
        return;
    }
}

void mmusim__litmus_perform(struct litmus_run *run, uint32_t pe, uint32_t at)
{
    struct litmus_pe *own = &run->pes[pe];
    struct litmus_inst *inst = &own->window[at];
    uint64_t data;

    if (!litmus_writes(inst->instr)) {
        step_load(run, own, at);
        return;
    }
    if (inst->instr->op == LITMUS_STORE) {
        mmusim__litmus_source(own, inst, 2, &data);
        mmusim__litmus_write(run->world, inst->paddr, litmus_bytes(inst), data);
    } else if (inst->instr->op == LITMUS_RMW) {
        step_rmw(run, own, inst);
    } else {
        step_storex(run, own, at);
    }
    inst->is_executed = inst->is_performed = inst->is_committed = true;
}

/* ---- faults ---- */

static uint16_t step_pc_after_fault(const struct litmus_run *run,
                                    const struct litmus_thread *thread,
                                    uint16_t pc)
{
    if (thread->n_code > thread->n_main)
        return pc < thread->n_main ? (uint16_t) thread->n_main : LITMUS_END;
    switch (run->test->handling) {
    case LITMUS_HANDLED:
        return pc;
    case LITMUS_SKIP:
        return pc + 1U == thread->n_main ? LITMUS_END : (uint16_t) (pc + 1);
    case LITMUS_FATAL:
        break;
    }
    return LITMUS_END;
}

/* A location, or LITMUS_MAX_LOCATIONS more for its descriptor. */
static int step_fault_location(const struct litmus_world *world, uint64_t vaddr)
{
    uint64_t descriptor = (vaddr - LITMUS_PTE_VADDR) / 8;

    if (vaddr >= LITMUS_PTE_VADDR && descriptor < world->test->n_locations)
        return (int) descriptor + LITMUS_MAX_LOCATIONS;
    return mmusim__litmus_location_of(world, vaddr);
}

void mmusim__litmus_take_fault(struct litmus_run *run, uint32_t pe, uint32_t at)
{
    struct litmus_pe *own = &run->pes[pe];
    struct litmus_inst *inst = &own->window[at];

    /* A fault in a fault handler: herd does not count such runs either. */
    if (own->n_faults == LITMUS_MAX_FAULTS || inst->pc >= own->thread->n_main) {
        own->is_cut = true;
        return;
    }
    own->faults[own->n_faults++] = (struct litmus_fault_record){
        .pc = inst->pc,
        .location = (int16_t) step_fault_location(run->world, inst->vaddr),
        .fault = inst->fault,
    };
    inst->is_dead = inst->is_committed = inst->is_executed = true;
    inst->result = litmus_code_address(pe, inst->pc); /* ELR_EL1 */
    inst->next_pc = step_pc_after_fault(run, own->thread, inst->pc);
    mmusim__litmus_squash(own, at + 1);
}

/* ---- TLBI ---- */

void mmusim__litmus_send_tlbi(struct litmus_run *run, uint32_t pe, uint32_t at)
{
    struct litmus_inst *inst = &run->pes[pe].window[at];
    uint64_t operand;

    mmusim__litmus_source(&run->pes[pe], inst, 0, &operand);
    mmusim__litmus_tlbi(inst->instr->tlbi, operand, &inst->tlbi);
    inst->pending = (uint8_t) (1U << pe);
    if (inst->tlbi.reach != REACH_SELF)
        inst->pending = (uint8_t) ((1U << run->test->n_threads) - 1);
    inst->is_performed = inst->is_committed = true;
}

static bool step_is_hit(const struct litmus_inst *inst,
                        const struct inval_request *tlbi)
{
    return litmus_is_access(inst->instr) && !inst->is_dead &&
           inst->is_translated && mmusim__litmus_tlbi_hits(tlbi, inst->vaddr);
}

/* Accesses under way lose the translation; loads that are performed are
 * marked: mmusim__litmus_stale_ahead(). Of those that are marked already none
 * may come behind an access that must translate anew: their invalidation may
 * have been answered. */
static void step_replay(struct litmus_pe *pe, const struct inval_request *tlbi)
{
    int stale;

    for (uint32_t i = pe->n_done; i < pe->n; i++) {
        struct litmus_inst *inst = &pe->window[i];

        if (step_is_hit(inst, tlbi) && !inst->is_performed &&
            !inst->is_certain) {
            inst->is_translated = false;
            inst->fault = LITMUS_NO_FAULT;
        }
    }
    stale = mmusim__litmus_stale_ahead(pe);
    if (stale >= 0)
        mmusim__litmus_squash(pe, (uint32_t) stale);
    for (uint32_t i = pe->n_done; i < pe->n; i++)
        pe->window[i].is_stale |=
            step_is_hit(&pe->window[i], tlbi) && pe->window[i].is_performed;
}

/* Loads that took a value from a store without a place any more. */
static void step_check_forwarded(struct litmus_pe *pe)
{
    for (uint32_t i = pe->n_done; i < pe->n; i++) {
        const struct litmus_inst *inst = &pe->window[i];

        if (inst->is_performed && inst->forwarder >= 0 &&
            !pe->window[inst->forwarder].is_translated) {
            mmusim__litmus_squash(pe, i);
            return;
        }
    }
}

void mmusim__litmus_deliver(struct litmus_run *run, uint32_t from, uint32_t at,
                            uint32_t to)
{
    struct litmus_inst *inst = &run->pes[from].window[at];
    enum litmus_mutation mutation = run->world->mutation;

    mmusim__litmus_invalidate(run->world, to, &inst->tlbi);
    /* [TLBI-ob & ext]: other PEs' accesses only. */
    if (from != to && mutation != LITMUS_ACCESS_NOT_REPLAYED) {
        step_replay(&run->pes[to], &inst->tlbi);
        step_check_forwarded(&run->pes[to]);
    }
    inst->pending &= (uint8_t) ~(1U << to);
    if (from != to)
        inst->waiting |= (uint8_t) (1U << to);
    mmusim__litmus_answer_tlbi(run, inst);
    if (mutation == LITMUS_DSB_IGNORES_REMOTE)
        inst->is_complete = !(inst->pending >> from & 1);
}

void mmusim__litmus_answer_tlbi(struct litmus_run *run,
                                struct litmus_inst *inst)
{
    for (uint32_t to = 0; to < run->test->n_threads; to++) {
        if ((inst->waiting >> to & 1) &&
            mmusim__litmus_stale_ahead(&run->pes[to]) < 0)
            inst->waiting &= (uint8_t) ~(1U << to);
    }
    if (!inst->pending && !inst->waiting)
        inst->is_complete = true;
}
