/* SPDX-License-Identifier: MIT */
/* Invalidation on an embedded machine: single instructions, and flushes of
 * several cores over the fabric. See embed.h. */
#include "machine/embed.h"

#include "coherence/broadcast.h"
#include "coherence/fabric.h"
#include "coherence/x86_ops.h"
#include "core/diag.h"

#include <string.h>

/* ---- the CPU's frames ---- */

static void embed_wait(struct cpu *cpu)
{
    mmusim__cpu_wait(cpu, BUCKET_IDLE);
}

/* The sender's own TLB, where the fabric does not do it. */
static void embed_act_here(struct cpu *cpu, const struct embed_core *core)
{
    const struct system *system = cpu->system;
    bool is_done_by_fabric =
        system->has_broadcast && system->broadcast.reaches_others;
    uint32_t cycles = 0;

    if (!is_done_by_fabric)
        cycles = core->flush.act(cpu, &core->flush);
    mmusim__cpu_busy(cpu, cycles, BUCKET_FLUSH_LOCAL);
}

/* Between frames: the next part of the flush in progress, if there is one. */
void mmusim__embed_run(struct cpu *cpu)
{
    struct embed_core *core = cpu->user;

    switch (core->work) {
    case WORK_INSTRUCTION:
        core->work = core->has_sync ? WORK_SYNC : WORK_END;
        mmusim__broadcast_instruction(cpu, &core->request,
                                      core->request.invals[0].has_range
                                          ? MISS_PAGE_FLUSH
                                          : MISS_FULL_FLUSH);
        return;
    case WORK_SYNC:
        core->work = WORK_END;
        mmusim__broadcast_sync(cpu, core->request.reach);
        return;
    case WORK_LOCAL:
        core->work = cpu_mask_count(&core->targets) ? WORK_CALL : WORK_END;
        embed_act_here(cpu, core);
        return;
    case WORK_CALL:
        core->work = WORK_END;
        mmusim__fabric_call(cpu, &core->targets, &core->flush);
        return;
    case WORK_END:
    case WORK_NONE:
        break;
    }
    if (core->work == WORK_END)
        core->done_cycle = cpu->now;
    core->work = WORK_NONE;
    embed_wait(cpu);
}

/* Starts a core on its work and runs until it is done. */
static void embed_work(struct mmusim_embed *embed, uint32_t id, uint64_t now,
                       enum embed_work work)
{
    struct system *system = &embed->machine->system;
    struct embed_core *core = &embed->cores[id];

    for (uint32_t i = 0; i < system->n_cpus; i++)
        now = max_u64(
            now, max_u64(system->cpus[i].now, system->cpus[i].stolen_until));
    core->work = work;
    mmusim__cpu_wake(&system->cpus[id], now, 0);
    while (core->work && mmusim__embed_step(embed))
        continue;
}

/* ---- instructions ---- */

static enum inval_isa embed_inval_isa(enum isa isa)
{
    return isa == ISA_ARMV8   ? INVAL_ARMV8
           : isa == ISA_ARMV7 ? INVAL_ARMV7
           : isa == ISA_RISCV ? INVAL_RISCV
                              : INVAL_X86;
}

static struct x86_issuer embed_x86(const struct machine_config *config,
                                   const struct mmu *mmu)
{
    bool is_64 = config->isa == ISA_X86_64;

    return (struct x86_issuer){
        .features =
            (is_64 ? X86_INVLPG | X86_PGE | X86_PCID : X86_INVLPG) |
            (config->has_invpcid ? (uint32_t) X86_INVPCID : 0) |
            (strcmp(config->fabric, "invlpgb") ? 0 : (uint32_t) X86_INVLPGB),
        .vaddr_bits = mmu->shared->format->vaddr_bits > 32
                          ? (uint8_t) mmu->shared->format->vaddr_bits
                          : 32,
        .cr0 = X86_CR0_PG,
        .cr3 = pfn_paddr(mmu->root) | mmu->context.asid,
        .cr4 = (is_64 ? X86_CR4_PGE | X86_CR4_PAE : 0) |
               (mmu->has_asids ? X86_CR4_PCIDE : 0),
        .invlpgb_count_max = (uint16_t) (config->invlpgb.max_pages - 1),
    };
}

static struct inval_issuer embed_issuer(const struct mmusim_embed *embed,
                                        uint32_t core)
{
    const struct system *system = &embed->machine->system;
    const struct mmu *mmu = &system->cpus[core].mmu;
    struct inval_issuer issuer = {.context = mmu->context};

    issuer.context.has_asid = true;
    if (system->isa == ISA_ARMV8 || system->isa == ISA_ARMV7)
        issuer.arm = system->arm;
    else if (system->isa == ISA_RISCV)
        issuer.riscv = system->riscv;
    else
        issuer.x86 = embed_x86(&embed->machine->config, mmu);
    return issuer;
}

/* What an instruction that acts here alone takes. Where the configuration has
 * no number: guess, as INVPCID. */
static uint32_t embed_local_cycles(const struct mmusim_embed *embed,
                                   const struct inval_request *request)
{
    const struct cost_config *cost = &embed->machine->config.cost;
    const char *name = request->row->name;

    if (request->row->isa == INVAL_RISCV)
        return cost->sfence_cycles;
    if (!strcmp(name, "MOV CR3"))
        return request->n_invals ? cost->cr3_write_cycles
                                 : cost->cr3_noflush_cycles;
    if (!strcmp(name, "MOV CR4") || !strcmp(name, "MOV CR0"))
        return cost->global_flush_cycles;
    if (!strncmp(name, "INVLPG", 6))
        return cost->invlpg_cycles;
    return request->row->is_event ? 0 : cost->invpcid_cycles;
}

static bool embed_is_broadcast(const struct mmusim_embed *embed,
                               const struct inval_request *request)
{
    enum isa isa = embed->machine->config.isa;

    return isa == ISA_ARMV8 || isa == ISA_ARMV7 ||
           request->completion == COMPLETE_AT_TLBSYNC;
}

static mmusim_status_t embed_execute(struct mmusim_embed *embed,
                                     const mmusim_embed_instruction_t *asked,
                                     const struct inval_instruction *row,
                                     mmusim_embed_effect_t *effect)
{
    struct embed_core *core = &embed->cores[asked->core];
    struct inval_issuer issuer = embed_issuer(embed, asked->core);
    struct inval_operands operands = {
        .is_x0 = {asked->is_x0[0], asked->is_x0[1]}};
    struct inval_request *request = &core->request;

    memcpy(operands.reg, asked->reg, sizeof(operands.reg));
    effect->outcome = (mmusim_embed_outcome_t) mmusim__inval_decode(
        row, &operands, &issuer, request);
    effect->why = request->why;
    effect->done_cycle = asked->now;
    if (effect->outcome)
        return MMUSIM_OK;
    if (request->completion == COMPLETE_AT_RETURN ||
        request->completion == COMPLETE_AT_ACTION)
        return MMUSIM_UNSUPPORTED;
    core->has_sync = asked->sync == MMUSIM_EMBED_SYNC;
    if (embed_is_broadcast(embed, request)) {
        embed_work(embed, asked->core, asked->now, WORK_INSTRUCTION);
        effect->done_cycle = core->done_cycle;
        return MMUSIM_OK;
    }
    mmusim__inval_apply(&embed->machine->system.cpus[asked->core].mmu, request,
                        MISS_OTHER);
    effect->done_cycle += embed_local_cycles(embed, request);
    return MMUSIM_OK;
}

mmusim_status_t mmusim_embed_invalidate(mmusim_embed_t *embed,
                                        const mmusim_embed_instruction_t *asked,
                                        mmusim_embed_effect_t *effect,
                                        mmusim_diag_t *diag)
{
    mmusim_status_t status =
        mmusim__embed_begin_at(embed, asked->core, asked->now, diag);
    const struct inval_instruction *row;
    mmusim_embed_effect_t result = {MMUSIM_EMBED_LEGAL, NULL, 0, {0}};

    if (status)
        return status;
    row = asked->name
              ? mmusim__inval_find(embed_inval_isa(embed->machine->config.isa),
                                   asked->name)
              : NULL;
    if (!row)
        status =
            mmusim__diag_set(diag, MMUSIM_USAGE, "%s has no instruction %.60s",
                             isa_name(embed->machine->config.isa),
                             asked->name ? asked->name : "(NULL)");
    else
        status = embed_execute(embed, asked, row, &result);
    if (status == MMUSIM_UNSUPPORTED)
        mmusim__diag_set(diag, status,
                         "%.60s: firmware or memory carries it; use "
                         "mmusim_embed_shootdown()",
                         asked->name);
    status = mmusim__embed_end(embed, status, diag);
    if (!status)
        *effect = result;
    return status;
}

/* ---- shootdowns ---- */

static uint64_t embed_pages(const struct flush_request *request)
{
    return (request->end - request->start) >> BASE_PAGE_SHIFT;
}

/* INVLPG of every page, or a new CR3: what Linux does (arch/x86/mm/tlb.c). */
static uint32_t embed_act_x86(struct cpu *cpu,
                              const struct flush_request *request)
{
    const struct cost_config *cost = &cpu->system->cost;
    struct mmu *mmu = &cpu->mmu;

    if (request->end == FLUSH_END_ALL) {
        mmusim__x86_mov_cr3(mmu, mmu->root, mmu->context.asid, CR3_FLUSH,
                            MISS_FULL_FLUSH);
        return cost->cr3_write_cycles;
    }
    mmusim__x86_invlpg_range(mmu, request->start, embed_pages(request),
                             MISS_PAGE_FLUSH);
    return (uint32_t) min_u64(embed_pages(request) * cost->invlpg_cycles,
                              UINT32_MAX);
}

/* SFENCE.VMA or local TLBIs of every page, of the ASID loaded. */
static uint32_t embed_act_other(struct cpu *cpu,
                                const struct flush_request *request)
{
    const struct system *system = cpu->system;
    uint32_t each = system->isa == ISA_RISCV ? system->cost.sfence_cycles
                                             : system->broadcast.local_cycles;
    bool is_all = request->end == FLUSH_END_ALL;
    uint64_t n_pages = is_all ? 1 : embed_pages(request);
    struct inval inval = mmusim__mmu_scope(&cpu->mmu);

    inval.has_range = !is_all;
    inval.vpn = vpn_of(request->start);
    inval.n_pages = n_pages;
    inval.has_asid = true;
    inval.asid = cpu->mmu.context.asid;
    inval.hits_nonglobals = true;
    inval.hits_globals = !is_all;
    inval.psc = is_all ? INVAL_PSC_ASID : INVAL_PSC_ADDRESS;
    mmusim__mmu_invalidate(&cpu->mmu, &inval,
                           is_all ? MISS_FULL_FLUSH : MISS_PAGE_FLUSH);
    return (uint32_t) min_u64(n_pages * each, UINT32_MAX);
}

/* NULL: the shootdown can be done. */
static const char *embed_refuses_flush(const struct mmusim_embed *embed,
                                       const mmusim_embed_flush_t *asked)
{
    for (uint32_t i = 0; i < asked->n_cores; i++) {
        if (asked->cores[i] >= embed->machine->system.n_cpus)
            return "a target is no core";
    }
    if ((asked->vaddr | asked->bytes) & (BASE_PAGE_BYTES - 1))
        return "the range is not of whole 4 KiB pages";
    if (asked->vaddr + asked->bytes < asked->vaddr)
        return "the range goes beyond the last address";
    return NULL;
}

mmusim_status_t mmusim_embed_shootdown(mmusim_embed_t *embed,
                                       const mmusim_embed_flush_t *asked,
                                       uint64_t *done_cycle,
                                       mmusim_diag_t *diag)
{
    mmusim_status_t status =
        mmusim__embed_begin_at(embed, asked->core, asked->now, diag);
    struct embed_core *core;
    const char *why;

    if (status)
        return status;
    core = &embed->cores[asked->core];
    why = embed_refuses_flush(embed, asked);
    if (why)
        return mmusim__embed_end(
            embed, mmusim__diag_set(diag, MMUSIM_USAGE, "shootdown: %s", why),
            diag);
    core->flush = (struct flush_request){
        .start = asked->bytes ? asked->vaddr : 0,
        .end = asked->bytes ? asked->vaddr + asked->bytes : FLUSH_END_ALL,
        .act = 1 << embed->machine->config.isa & ISAS_X86 ? embed_act_x86
                                                          : embed_act_other};
    core->targets = (struct cpu_mask){{0}};
    for (uint32_t i = 0; i < asked->n_cores; i++) {
        if (asked->cores[i] != asked->core)
            cpu_mask_set(&core->targets, asked->cores[i]);
    }
    embed_work(embed, asked->core, asked->now, WORK_LOCAL);
    status = mmusim__embed_end(embed, MMUSIM_OK, diag);
    if (!status && done_cycle)
        *done_cycle = core->done_cycle;
    return status;
}
