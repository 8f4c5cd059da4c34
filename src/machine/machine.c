/* SPDX-License-Identifier: MIT */
/* Building a machine: see machine.h and mmusim/machine.h. */
#include "machine/machine.h"

#include "coherence/arm_bbm.h"
#include "coherence/broadcast.h"
#include "coherence/fabric_list.h"
#include "coherence/observers.h"
#include "coherence/paravirt.h"
#include "core/diag.h"
#include "machine/hypervisor.h"
#include "machine/machine_check.h"
#include "machine/machine_tlbs.h"
#include "os/mm.h"
#include "os/process.h"
#include "os/scheduler.h"
#include "tlb/miss_cause.h"

#include <stdlib.h>

enum {
    RNG_STREAM_SPECULATION = 0x20000,
    RNG_STREAM_TLB = 1, /* first number of the CPUs' streams */
    HOME_SHIFT = 9,     /* of what lies beside the kernel's frames, sockets own
                           memory in turns of 2 MiB */
};

/* ---- building ---- */

static uint32_t machine_home_socket(const void *context, pfn_t pfn)
{
    const struct mmusim_machine *machine = context;

    if (machine->kernel.frames && !machine->shared.nested)
        return mmusim__frame_node(machine->kernel.frames, pfn);
    return (uint32_t) ((pfn.v >> HOME_SHIFT) % machine->config.n_sockets);
}

static mmusim_status_t machine_init_guest(struct mmusim_machine *machine)
{
    struct mmu_shared *shared = &machine->shared;

    if (!machine->config.guest.is_enabled)
        return MMUSIM_OK;
    if (!shared->contexts)
        shared->contexts = mmusim__tlb_contexts_create();
    if (!shared->contexts)
        return MMUSIM_NOMEM;
    shared->nested = &machine->nested;
    return mmusim__hypervisor_init(&machine->nested, &machine->config);
}

static mmusim_status_t machine_init_shared(struct mmusim_machine *machine)
{
    const struct machine_config *config = &machine->config;
    const struct mem_topology topology = {
        config->n_sockets,
        config->cores_per_socket,
        config->threads_per_core,
    };
    struct mmu_shared *shared = &machine->shared;
    mmusim_status_t status;

    shared->queue = &machine->system.queue;
    shared->tables = mmusim__pt_memory_create();
    shared->format = &machine->format;
    shared->memory = &machine->memory;
    machine->translations = mmusim__translations_create();
    shared->translations = machine->translations;
    shared->walker = &config->walker;
    shared->psc = &config->psc;
    shared->prefetch = &config->prefetch;
    shared->l2_policy = mmusim__fill_find(config->tlb_fill.l2);
    shared->l3_policy = mmusim__fill_find(config->tlb_fill.l3);
    shared->home_socket = machine_home_socket;
    shared->home_context = machine;
    if (!shared->tables || !shared->translations ||
        mmusim__machine_init_sharing(machine))
        return MMUSIM_NOMEM;
    status = machine_init_guest(machine);
    if (status)
        return status;
    return mmusim__mem_init(&machine->memory, &config->memory, &topology,
                            &machine->arena);
}

/* What the machine's invalidate instructions can do. */
static void machine_init_issuers(struct system *system,
                                 const struct machine_config *config,
                                 const struct pt_format *format)
{
    bool is_v7 = config->isa == ISA_ARMV7;

    system->arm = (struct arm_issuer){
        .features = (config->arm.has_ranges ? (uint32_t) ARM_RANGE : 0) |
                    (config->arm.has_ttl ? (uint32_t) ARM_TTL : 0) |
                    (config->dvm.reaches_others ? (uint32_t) ARM_MP : 0),
        .el = 1,
        .cannot_broadcast = !config->dvm.reaches_others,
        .asid_bits = (uint8_t) (is_v7 ? 8 : config->arm.asid_bits),
        .granule_order = {(uint8_t) format->granule_order,
                          (uint8_t) format->granule_order},
        .stage2_granule_order = (uint8_t) format->granule_order,
        .has_ds = format->vaddr_bits > 48 && format->granule_order < 4,
    };
    system->arm_errata = (struct arm_errata){
        .a15 = config->arm.erratum_798181,
        .repeats_tlbi = config->arm.repeats_tlbi,
    };
    system->riscv = (struct riscv_issuer){
        .features = 0,
        .mode = RISCV_S,
        .vaddr_bits = (uint8_t) format->vaddr_bits,
        .asid_bits = (uint8_t) config->riscv.asid_bits,
    };
}

/* arm64's trampoline (x86's is in coherence/pti.h): TTBR1 and the ASID at every
 * entry from user mode and every exit to it. */
static void machine_init_pti(struct system *system,
                             const struct machine_config *config)
{
    struct cost_config *cost = &system->cost;

    system->has_pti = config->os.has_pti;
    if (!system->has_pti || system->isa != ISA_ARMV8)
        return;
    cost->syscall_entry_cycles += cost->ttbr_write_cycles;
    cost->syscall_exit_cycles += cost->ttbr_write_cycles;
    cost->fault_entry_cycles += cost->ttbr_write_cycles;
    cost->fault_exit_cycles += cost->ttbr_write_cycles;
}

/* Before the system, whose instructions depend on it. */
static mmusim_status_t machine_init_format(struct mmusim_machine *machine)
{
    const struct pt_options options =
        mmusim__machine_config_format(&machine->config);

    return mmusim__pt_format_init(&machine->format, &options, NULL);
}

static mmusim_status_t machine_init_system(struct mmusim_machine *machine)
{
    const struct machine_config *config = &machine->config;
    bool has_dvm = config->isa == ISA_ARMV8 || config->isa == ISA_ARMV7;
    struct system *system = &machine->system;
    const struct fabric_ops *fabric = mmusim__fabric_find(config->fabric);
    mmusim_status_t status;

    system->is_reference = config->engine == ENGINE_REFERENCE;
    system->arena = &machine->arena;
    system->n_cpus = machine_config_cpus(config);
    system->n_sockets = config->n_sockets;
    system->links = config->links;
    system->ipi = config->ipi;
    system->rar = config->rar;
    system->virt = config->virt;
    system->cost = config->cost;
    system->has_invpcid = config->has_invpcid;
    system->jiffies_per_second = config->os.hz;
    system->global_asid_samples = 1U << config->os.global_asid_samples_log2;
    system->jiffy_cycles = max_u64(config->clock_khz * 1000 / config->os.hz, 1);
    system->protocol = mmusim__protocol_find(config->os.protocol);
    system->has_batched_unmap = config->os.batched_unmap != BATCHED_OFF;
    system->isa = config->isa;
    machine_init_issuers(system, config, &machine->format);
    machine_init_pti(system, config);
    system->flush_ceiling_pages = config->os.flush_ceiling_pages;
    system->has_flush_ceiling = config->os.has_flush_ceiling;
    system->broadcast = has_dvm || fabric == &mmusim__fabric_dvm
                            ? config->dvm
                            : mmusim__fabric_of_invlpgb(&config->invlpgb);
    mmusim__fabric_init(system, fabric);
    mmusim__histogram_init(&system->shootdowns.latency_cycles);
    system->cpus = mmusim__arena_alloc(&machine->arena, system->n_cpus,
                                       sizeof(*system->cpus));
    if (!system->cpus)
        return MMUSIM_NOMEM;
    status =
        mmusim__iommu_create(&config->iommu, &machine->arena, &system->iommu);
    if (status)
        return status;
    if (config->arm.watches_bbm) {
        system->bbm = mmusim__bbm_create(config->arm.bbm_level);
        if (!system->bbm)
            return MMUSIM_NOMEM;
    }
    return system->protocol->init ? system->protocol->init(system) : MMUSIM_OK;
}

static mmusim_status_t machine_init_kernel(struct mmusim_machine *machine)
{
    struct kernel *kernel = &machine->kernel;
    mmusim_status_t status;

    kernel->system = &machine->system;
    kernel->config = machine->config.os;
    kernel->config.seed = machine->config.seed;
    kernel->is_order_recorded = machine->config.order == ORDER_RECORDED;
    kernel->tables = machine->shared.tables;
    kernel->memory = &machine->memory;
    kernel->nested = machine->shared.nested;
    kernel->has_software_accessed =
        machine->config.walker.has_software_accessed;
    kernel->has_software_dirty = machine->config.walker.has_software_dirty;
    kernel->format = machine->shared.format;
    kernel->translations = machine->translations;
    status = mmusim__kernel_init(kernel);
    if (!status)
        mmusim__frame_alloc_scatter(kernel->frames,
                                    machine->config.os.n_frame_colours,
                                    machine->config.seed);
    machine->system.init_mm = &kernel->init_mm.space;
    mmusim__machine_check_kernel(machine);
    return status;
}

static uint64_t machine_window_cycles(const struct machine_config *config)
{
    return (uint64_t) config->core.window * config->core.base_cpi_q16 >> 16;
}

static enum tlb_level machine_l1_of(const struct machine_config *config,
                                    uint32_t kind)
{
    if (kind == ACCESS_FETCH)
        return TLB_L1I;
    return kind == ACCESS_STORE && config->tlb[TLB_L1S].n_arrays ? TLB_L1S
                                                                 : TLB_L1D;
}

static void machine_init_limits(const struct machine_config *config,
                                struct core_unit *core)
{
    for (uint32_t level = 0; level < TLB_L3; level++) {
        const struct tlb_limits_config *limits =
            &config->tlb_limits[level < TLB_L2 ? level : TLB_L2];

        core->ports[level].n = limits->n_ports;
        core->has_ports |= limits->n_ports > 0;
        core->mshrs[level] = limits->n_mshrs;
        core->has_mshrs |= limits->n_mshrs > 0;
        core->needs_slow_path |= limits->n_ports > 0;
    }
}

static void machine_init_speculation(const struct mmusim_machine *machine,
                                     struct core_unit *core)
{
    uint32_t per_million = machine->config.speculation.fills_per_million;

    core->speculation_at = UINT64_MAX;
    if (!per_million)
        return;
    mmusim__rng_init(&core->rng, machine->config.seed,
                     RNG_STREAM_SPECULATION + core->cpu->id);
    core->speculation_distance = 1000000 / per_million;
    core->speculation_at = core->speculation_distance;
}

static void machine_init_core(struct mmusim_machine *machine,
                              struct core_unit *core, struct cpu *cpu)
{
    const struct machine_config *config = &machine->config;

    core->cpu = cpu;
    core->kernel = &machine->kernel;
    core->memory = &machine->memory;
    core->guest = &config->guest;
    core->marks = &machine->marks;
    core->clock_khz = config->clock_khz;
    core->cpi_q16 = config->core.base_cpi_q16;
    core->window = config->core.window;
    core->page_shift =
        (uint32_t) BASE_PAGE_SHIFT + machine->format.granule_order;
    core->window_cycles = machine_window_cycles(config);
    core->max_pending = config->core.max_outstanding_walks;
    core->has_data_caches =
        config->memory.has_data && config->memory.model == MEMORY_HIERARCHY;
    core->has_prefetcher = cpu->mmu.prefetcher.ops;
    machine_init_speculation(machine, core);
    core->has_l3 = config->tlb[TLB_L3].n_arrays;
    core->needs_slow_path = core->has_data_caches;
    machine_init_limits(config, core);
    for (uint32_t kind = 0; kind < ACCESS_KINDS; kind++) {
        core->l1_hit_cycles[kind] =
            config->tlb[machine_l1_of(config, kind)].arrays[0].hit_cycles;
        core->needs_slow_path |= core->l1_hit_cycles[kind] > 0;
    }
    mmusim__core_init(core);
}

static bool machine_uses_pcid(const struct mmusim_machine *machine)
{
    const struct machine_config *config = &machine->config;

    return config->isa == ISA_X86_64 && config->has_pcid &&
           config->os.has_pcid && machine->system.protocol->uses_pcid;
}

static mmusim_status_t machine_init_cpu(struct mmusim_machine *machine,
                                        uint32_t id)
{
    struct cpu *cpu = &machine->system.cpus[id];
    const struct cpu_layout layout = {machine->config.n_sockets,
                                      machine->config.cores_per_socket,
                                      machine->config.threads_per_core};
    struct mmu_setup setup;
    mmusim_status_t status;

    cpu->id = id;
    cpu->system = &machine->system;
    mmusim__cpu_place(cpu, &layout);
    setup = mmusim__machine_mmu_setup(machine, cpu);
    mmusim__rng_init(&machine->rngs[id], machine->config.seed,
                     RNG_STREAM_TLB + id);
    mmusim__paravirt_init(cpu, machine->config.seed);
    mmusim__broadcast_init(cpu, machine->config.seed);
    cpu->stack = mmusim__arena_alloc(&machine->arena, 1, CPU_STACK_BYTES);
    if (!cpu->stack)
        return MMUSIM_NOMEM;
    status = mmusim__mmu_init(&cpu->mmu, &setup, &machine->arena);
    if (!status)
        status = mmusim__ipi_init(cpu, &machine->arena);
    if (status)
        return status;
    if (machine->shared.nested)
        mmusim__hypervisor_enter(cpu, &machine->config);
    cpu->mmu.has_asids = machine_uses_pcid(machine);
    cpu->loaded = cpu->active_mm = machine->system.init_mm;
    cpu->mmu.root = cpu->mmu.kernel_root = machine->system.init_mm->root;
    cpu->tlb_state = TLB_STATE_LAZY;
    cpu->is_kernel_thread = cpu->is_idle = true;
    machine_init_core(machine, &machine->cores[id], cpu);
    return mmusim__machine_check_cpu(machine, id);
}

static mmusim_status_t machine_init_cpus(struct mmusim_machine *machine)
{
    uint32_t n_cpus = machine->system.n_cpus;
    mmusim_status_t status = MMUSIM_OK;

    machine->rngs =
        mmusim__arena_alloc(&machine->arena, n_cpus, sizeof(*machine->rngs));
    machine->cores =
        mmusim__arena_alloc(&machine->arena, n_cpus, sizeof(*machine->cores));
    if (!machine->rngs || !machine->cores)
        return MMUSIM_NOMEM;
    for (uint32_t id = 0; !status && id < n_cpus; id++)
        status = machine_init_cpu(machine, id);
    return status;
}

mmusim_status_t mmusim__machine_create(const struct machine_config *config,
                                       mmusim_machine_t **machine_out,
                                       mmusim_diag_t *diag)
{
    struct mmusim_machine *machine;
    mmusim_status_t status = mmusim__machine_config_check(config, diag);

    *machine_out = NULL;
    if (status)
        return status;
    machine = calloc(1, sizeof(*machine));
    if (!machine)
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    machine->config = *config;
    mmusim__arena_init(&machine->arena);
    mmusim__event_queue_init(&machine->system.queue);
    status = machine_init_format(machine);
    if (!status)
        status = machine_init_system(machine);
    if (!status)
        status = machine_init_shared(machine);
    if (!status)
        status = mmusim__machine_check_init(machine);
    if (!status)
        status = machine_init_kernel(machine);
    if (!status)
        status = machine_init_cpus(machine);
    if (status) {
        mmusim_machine_destroy(machine);
        return mmusim__diag_set(diag, status, "building the machine: %s",
                                mmusim_strerror(status));
    }
    *machine_out = machine;
    return MMUSIM_OK;
}

void mmusim_machine_destroy(mmusim_machine_t *machine)
{
    if (!machine)
        return;
    /* First: events still queued lie in what follows. */
    mmusim__event_queue_fini(&machine->system.queue);
    if (machine->kernel.system)
        mmusim__kernel_fini(&machine->kernel);
    for (uint32_t i = 0; machine->system.cpus && i < machine->system.n_cpus;
         i++)
        mmusim__mmu_fini(&machine->system.cpus[i].mmu);
    mmusim__observers_destroy(machine->observers);
    mmusim__bbm_destroy(machine->system.bbm);
    mmusim__check_destroy(machine->system.check);
    mmusim__translations_destroy(machine->translations);
    mmusim__nested_fini(&machine->nested);
    mmusim__tlb_contexts_destroy(machine->shared.contexts);
    mmusim__pt_memory_destroy(machine->shared.tables);
    mmusim__histogram_fini(&machine->system.shootdowns.latency_cycles);
    mmusim__marks_fini(&machine->marks);
    mmusim__regions_destroy(machine->regions);
    free(machine->streams);
    mmusim__arena_fini(&machine->arena);
    free(machine);
}
