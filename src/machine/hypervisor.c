/* SPDX-License-Identifier: MIT */
/* Backing a guest's memory: see hypervisor.h. */
#include "machine/hypervisor.h"

#include "coherence/observers.h"
#include "coherence/system.h"

struct exit_frame {
    struct kframe frame;
    const struct guest_config *config;
    struct nested *nested;
    uint64_t vaddr, gpaddr;
    enum access_kind access;
    bool is_refused;
    bool *is_failed;
    bool masked_interrupts; /* before */
};

enum { EXIT_LEAVE_GUEST, EXIT_BACK, EXIT_ENTER_GUEST };

mmusim_status_t mmusim__hypervisor_init(struct nested *nested,
                                        const struct machine_config *config)
{
    const struct pt_options options = mmusim__machine_config_stage2(config);
    struct pt_format format;
    mmusim_status_t status = mmusim__pt_format_init(&format, &options, NULL);

    return status ? status
                  : mmusim__nested_init(nested, &config->guest.nested, &format);
}

void mmusim__hypervisor_enter(struct cpu *cpu,
                              const struct machine_config *config)
{
    struct tlb_context context = cpu->mmu.context;

    context.has_asid = true;
    context.vmid = 1;
    if (config->isa == ISA_X86_64)
        context.stage2_root = cpu->mmu.shared->nested->root;
    mmusim__mmu_set_context(&cpu->mmu, &context);
}

/* What an EPT violation invalidates: guest-physical mappings of the address,
 * and combined ones of the linear address. */
static void exit_invalidate(struct cpu *cpu, const struct exit_frame *exit)
{
    struct inval inval = mmusim__mmu_scope(&cpu->mmu);

    inval.has_range = true;
    inval.vpn = vpn_of(exit->vaddr);
    inval.n_pages = 1;
    inval.has_asid = true;
    inval.asid = cpu->mmu.context.asid;
    inval.hits_globals = inval.hits_nonglobals = true;
    inval.psc = INVAL_PSC_ADDRESS;
    mmusim__mmu_invalidate(&cpu->mmu, &inval, MISS_OTHER);
    inval.regimes = 1U << REGIME_STAGE2;
    inval.vpn = vpn_of(exit->gpaddr);
    inval.has_asid = false;
    inval.has_vmid = !inval.stage2_root;
    mmusim__mmu_invalidate(&cpu->mmu, &inval, MISS_OTHER);
}

static void exit_back(struct cpu *cpu, const struct exit_frame *exit)
{
    uint64_t paddr;
    uint64_t cycles = 0;

    if (exit->gpaddr >> exit->nested->format.vaddr_bits) {
        system_fail(cpu->system, MMUSIM_EXHAUSTED);
    } else if (!mmusim__nested_find(exit->nested, exit->gpaddr, &paddr)) {
        mmusim_status_t status =
            mmusim__nested_back(exit->nested, exit->gpaddr);

        if (status)
            system_fail(cpu->system, status);
        cycles = exit->config->fault_cycles;
    } else {
        *exit->is_failed = exit->is_refused;
    }
    mmusim__cpu_busy(cpu, cycles, BUCKET_FAULT);
}

static enum kstep exit_step(struct cpu *cpu, struct kframe *frame)
{
    struct exit_frame *exit = (struct exit_frame *) frame;

    switch (frame->pc++) {
    case EXIT_LEAVE_GUEST:
        exit->masked_interrupts = cpu->masks_interrupts;
        cpu->masks_interrupts = true;
        cpu->mmu.nested.faults++;
        exit_invalidate(cpu, exit);
        mmusim__cpu_busy(cpu, exit->config->exit_cycles, BUCKET_FAULT);
        return KSTEP_NEXT;
    case EXIT_BACK:
        exit_back(cpu, exit);
        return KSTEP_NEXT;
    case EXIT_ENTER_GUEST:
        cpu->masks_interrupts = exit->masked_interrupts;
        mmusim__cpu_busy(cpu, 0, BUCKET_FAULT);
        return KSTEP_NEXT;
    default:
        if (cpu->observed)
            mmusim__observe_fault_end(cpu, exit->access, "stage2");
        return KSTEP_DONE;
    }
}

void mmusim__hypervisor_fault(struct cpu *cpu,
                              const struct guest_config *config,
                              const struct walk_request *request,
                              bool *is_failed)
{
    struct exit_frame *exit = mmusim__cpu_push(cpu, exit_step, sizeof(*exit));

    exit->config = config;
    exit->nested = cpu->mmu.shared->nested;
    exit->vaddr = request->vaddr;
    exit->gpaddr = request->fault.gpaddr;
    exit->is_refused = request->fault.is_refused;
    exit->is_failed = is_failed;
    exit->access = request->kind;
    if (cpu->observed)
        mmusim__observe_enter(cpu, &(const mmusim_scope_t){
                                       .kind = MMUSIM_SCOPE_FAULT,
                                       .name = "fault",
                                       .vaddr = request->vaddr,
                                   });
}
