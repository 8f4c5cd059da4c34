/* SPDX-License-Identifier: MIT */
/* Accesses of an embedded machine's cores: see embed.h. */
#include "machine/embed.h"

#include "coherence/x86_ops.h"
#include "core/diag.h"
#include "tlb/mmu_inline.h"

static struct mmu *access_mmu(const struct embed_access *access)
{
    return &access->embed->machine->system.cpus[access->result.core].mmu;
}

/* ---- the end ---- */

static void access_end(struct embed_access *access, uint64_t now)
{
    struct mmusim_embed *embed = access->embed;

    access->result.ready_cycle = now;
    access->is_done = true;
    if (access->is_waited_for)
        return;
    access->next_done = NULL;
    if (embed->last_done)
        embed->last_done->next_done = access;
    else
        embed->first_done = access;
    embed->last_done = access;
}

static void access_fail(struct embed_access *access, mmusim_status_t status,
                        const char *error, uint64_t now)
{
    access->status = status;
    access->error = error;
    access_end(access, now);
}

static void access_fault(struct embed_access *access,
                         mmusim_embed_fault_t fault, uint64_t now)
{
    access->result.fault = fault;
    if (1 << access->embed->machine->config.isa & ISAS_X86 &&
        fault != MMUSIM_EMBED_NOT_CANONICAL)
        mmusim__x86_page_fault(access_mmu(access), access->request.vaddr);
    access_end(access, now);
}

/* The size of the L1 entry that translates a page; no look-up, no touch. */
static bool access_find_order(const struct mmu *mmu,
                              const struct embed_access *access,
                              uint32_t *order)
{
    const struct tlb_group *l1 = mmu->l1_of[access->request.kind]->group;

    for (uint32_t i = 0; i < l1->n_arrays; i++) {
        const struct tlb_array *array = l1->arrays[i];

        for (uint32_t j = 0; j < array->n_orders; j++) {
            if (tlb_array_find_page(array, vpn_of(access->request.vaddr),
                                    array->orders[j], mmu->tags) == TLB_NO_SLOT)
                continue;
            *order = array->orders[j];
            return true;
        }
    }
    return false;
}

/* The translation is in the L1. */
static void access_succeed(struct embed_access *access, uint64_t now)
{
    struct mmu *mmu = access_mmu(access);
    const struct mmu_last *last = &mmu->l1_of[access->request.kind]->last;
    uint64_t vaddr = access->request.vaddr;
    uint32_t order;

    if (last->vpn != vpn_of(vaddr).v ||
        !access_find_order(mmu, access, &order)) {
        access_fail(access, MMUSIM_UNSUPPORTED,
                    "no L1 TLB array holds pages of that size", now);
        return;
    }
    access->result.paddr =
        last->pfn << BASE_PAGE_SHIFT | (vaddr & (BASE_PAGE_BYTES - 1));
    access->result.page_bytes = (uint64_t) BASE_PAGE_BYTES << order;
    access_end(access, now);
}

/* ---- the way there ---- */

static void access_walk(struct embed_access *access, enum walk_need need,
                        uint64_t now)
{
    access->result.found = MMUSIM_EMBED_WALK;
    if (access->n_retries++ == EMBED_MAX_RETRIES) {
        access_fail(access, MMUSIM_SYSTEM,
                    "the page tables do not settle: every walk finds another "
                    "entry",
                    now);
        return;
    }
    access->request.need = need;
    mmusim__walk_ask(access_mmu(access), &access->request, now);
}

/* An entry has been found: does it permit the access? */
static void access_check(struct embed_access *access, tlb_data_t data,
                         uint64_t now)
{
    bool is_user = !(access->request.vaddr >> 63);
    uint32_t needed = mmu_rights_needed(access->request.kind, is_user);

    if ((data & needed) != needed)
        access_fault(access, MMUSIM_EMBED_REFUSED, now);
    else if (access->request.kind != ACCESS_STORE || data & TLB_DIRTY)
        access_succeed(access, now);
    else if (access_mmu(access)->shared->walker->has_software_dirty)
        access_fault(access, MMUSIM_EMBED_NOT_DIRTY, now);
    else
        access_walk(access, WALK_FOR_DIRTY, now);
}

static void access_retry(struct embed_access *access, uint64_t now)
{
    tlb_data_t data;

    if (mmusim__mmu_probe(access_mmu(access), access->request.kind,
                          access->request.vaddr, &data))
        access_check(access, data, now);
    else
        access_walk(access, WALK_FOR_REPLAY, now);
}

static void access_walk_failed(struct embed_access *access, uint64_t now)
{
    static const mmusim_embed_fault_t faults[] = {
        [WALK_FAULT_ABSENT] = MMUSIM_EMBED_ABSENT,
        [WALK_FAULT_RESERVED] = MMUSIM_EMBED_RESERVED,
        [WALK_FAULT_ACCESS] = MMUSIM_EMBED_NOT_ACCESSED,
        [WALK_FAULT_STAGE2] = MMUSIM_EMBED_ABSENT, /* never: no guest */
    };
    const struct walk_fault *fault = &access->request.fault;

    access->result.fault_level = fault->level;
    if (fault->kind == WALK_FAULT_HOST)
        access_fail(access, MMUSIM_SYSTEM, "the host's read_pte failed", now);
    else
        access_fault(access, faults[fault->kind], now);
}

void mmusim__embed_on_answer(void *context, struct walk_request *request,
                             enum walk_outcome outcome, uint64_t now)
{
    struct embed_access *access = (struct embed_access *) request;

    (void) context;
    if (outcome == WALK_FAULTED)
        access_walk_failed(access, now);
    else
        access_retry(access, now);
}

/* Where a page may still be that neither L1 nor L2 has. */
static bool access_find_elsewhere(struct embed_access *access, uint32_t *cycles)
{
    struct mmu *mmu = access_mmu(access);
    const struct walk_request *request = &access->request;

    *cycles = mmu->prefetcher.hit_cycles;
    if (mmu->prefetcher.ops && request->kind != ACCESS_FETCH &&
        mmusim__prefetch_look_up(mmu, request->vaddr,
                                 request->kind == ACCESS_STORE)) {
        access->result.found = MMUSIM_EMBED_BUFFER;
        return true;
    }
    access->result.found = MMUSIM_EMBED_L3;
    return mmu->tlb[TLB_L3].n_arrays &&
           mmusim__mmu_l3_lookup(mmu, request->kind, request->vaddr, cycles);
}

/* Missed by L1 and L2. */
static void access_miss(struct embed_access *access, uint64_t now)
{
    struct mmu *mmu = access_mmu(access);
    uint64_t vaddr = access->request.vaddr;
    bool is_data = access->request.kind != ACCESS_FETCH;
    uint32_t cycles;

    if (access_find_elsewhere(access, &cycles))
        access_retry(access, now + cycles);
    else
        access_walk(access, WALK_FOR_MISS, now);
    if (mmu->prefetcher.ops && is_data)
        mmusim__prefetch_train(mmu, vaddr, now);
}

static void access_start(struct embed_access *access, uint64_t now)
{
    struct mmu *mmu = access_mmu(access);
    struct core_unit *core =
        &access->embed->machine->cores[access->result.core];
    enum access_kind kind = access->request.kind;
    struct mmu_l1 *l1 = mmu->l1_of[kind];
    uint64_t vaddr = access->request.vaddr;
    tlb_data_t data;
    uint32_t cycles;

    core->counters.fetches += kind == ACCESS_FETCH;
    core->counters.accesses += kind != ACCESS_FETCH;
    if (!pt_is_canonical(mmu->shared->format, vaddr)) {
        access_fault(access, MMUSIM_EMBED_NOT_CANONICAL, now);
        return;
    }
    now += core->l1_hit_cycles[kind];
    l1->group->accesses++;
    mmu_take_turn(mmu);
    access->result.found = MMUSIM_EMBED_L1;
    if (mmu_l1_lookup(mmu, l1, vpn_of(vaddr).v)) {
        access_check(access, l1->last.data, now);
        return;
    }
    l1->group->misses++;
    access->result.found = MMUSIM_EMBED_L2;
    if (mmusim__mmu_l2_lookup(mmu, kind, vaddr, &data, &cycles))
        access_check(access, data, now + cycles);
    else
        access_miss(access, now);
}

/* ---- the calls ---- */

static enum access_kind access_kind_of(mmusim_embed_kind_t kind)
{
    return kind == MMUSIM_EMBED_LOAD    ? ACCESS_LOAD
           : kind == MMUSIM_EMBED_STORE ? ACCESS_STORE
                                        : ACCESS_FETCH;
}

static mmusim_status_t access_begin(struct mmusim_embed *embed,
                                    const mmusim_embed_access_t *asked,
                                    mmusim_diag_t *diag)
{
    mmusim_status_t status =
        mmusim__embed_begin_at(embed, asked->core, asked->now, diag);

    if (status)
        return status;
    if ((uint32_t) asked->kind > (uint32_t) MMUSIM_EMBED_FETCH)
        status = mmusim__diag_set(diag, MMUSIM_USAGE, "no such kind of access");
    else if (embed->host_tables && !embed->cores[asked->core].is_loaded)
        status = mmusim__diag_set(diag, MMUSIM_USAGE,
                                  "no address space has been loaded");
    return status ? mmusim__embed_end(embed, status, diag) : MMUSIM_OK;
}

static void access_init(struct mmusim_embed *embed, struct embed_access *access,
                        const mmusim_embed_access_t *asked)
{
    *access = (struct embed_access){
        .request = {.vaddr = asked->vaddr, .kind = access_kind_of(asked->kind)},
        .embed = embed,
        .result = {.core = asked->core, .tag = asked->tag},
        .is_used = true,
    };
}

/* Gives the result out; the place is free. */
static mmusim_status_t access_take(struct embed_access *access,
                                   mmusim_embed_translation_t *translation,
                                   mmusim_diag_t *diag)
{
    access->is_used = false;
    *translation = access->result;
    return access->error
               ? mmusim__diag_set(diag, access->status, "%s", access->error)
               : MMUSIM_OK;
}

mmusim_status_t mmusim_embed_translate(mmusim_embed_t *embed,
                                       const mmusim_embed_access_t *asked,
                                       mmusim_embed_translation_t *translation,
                                       mmusim_diag_t *diag)
{
    mmusim_embed_translation_t result;
    struct embed_access *access;
    mmusim_status_t status = access_begin(embed, asked, diag);

    if (status)
        return status;
    access = &embed->cores[asked->core].accesses[MMUSIM_EMBED_MAX_PENDING];
    access_init(embed, access, asked);
    access->is_waited_for = true;
    access_start(access, asked->now);
    while (!access->is_done && mmusim__embed_step(embed))
        continue;
    if (!access->is_done) /* its event was lost */
        embed->is_out_of_memory = true;
    status = access_take(access, &result, diag);
    status = mmusim__embed_end(embed, status, diag);
    if (!status)
        *translation = result;
    return status;
}

mmusim_status_t mmusim_embed_submit(mmusim_embed_t *embed,
                                    const mmusim_embed_access_t *asked,
                                    mmusim_diag_t *diag)
{
    struct embed_core *core;
    uint32_t i = 0;
    mmusim_status_t status = access_begin(embed, asked, diag);

    if (status)
        return status;
    core = &embed->cores[asked->core];
    while (i < MMUSIM_EMBED_MAX_PENDING && core->accesses[i].is_used)
        i++;
    if (i == MMUSIM_EMBED_MAX_PENDING) {
        status = mmusim__diag_set(diag, MMUSIM_EXHAUSTED,
                                  "%u accesses of core %u are on their way",
                                  (unsigned) i, (unsigned) asked->core);
    } else {
        access_init(embed, &core->accesses[i], asked);
        access_start(&core->accesses[i], asked->now);
    }
    return mmusim__embed_end(embed, status, diag);
}

mmusim_status_t mmusim_embed_poll(mmusim_embed_t *embed, bool *has_result,
                                  mmusim_embed_translation_t *translation,
                                  mmusim_diag_t *diag)
{
    mmusim_status_t status = mmusim__embed_begin(embed, diag);
    struct embed_access *access = embed->first_done;

    *has_result = false;
    if (status)
        return status;
    if (access) {
        embed->first_done = access->next_done;
        if (!embed->first_done)
            embed->last_done = NULL;
        *has_result = true;
        status = access_take(access, translation, diag);
    }
    return mmusim__embed_end(embed, status, diag);
}
