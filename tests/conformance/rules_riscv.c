/* SPDX-License-Identifier: MIT */
/*
 * What RISC-V's fences drop: the privileged manual, "Supervisor
 * Memory-Management Fence Instruction", Svinval, "Hypervisor Memory-Management
 * Fence Instructions", and the SBI specification's RFENCE extension.
 *
 * rs1 = x0 or rs2 = x0 is the register, not a value. With an address only leaf
 * entries are ordered; with an ASID global ones are not.
 *
 * Left open: HFENCE.GVMA of an address. The manual does not say whether it
 * stops at leaves, as SFENCE.VMA does. What was combined from both stages
 * must go where the address is behind it, and hardware that does not remember
 * it drops more.
 */
#include "conformance/conform.h"

#include <string.h>

enum { ASID = 5, OTHER_ASID = 6, VMID = 1, OTHER_VMID = 2 };

struct fence {
    bool has_pages, has_id;
    uint64_t first, n, id;
};

static bool begins(const char *name, const char *with)
{
    return !strncmp(name, with, strlen(with));
}

static bool fence_names(const struct fence *fence,
                        const struct conform_entry *e)
{
    if (fence->has_pages && e->kind == POINTER)
        return false;
    return !fence->has_pages || conform_covers(e, fence->first, fence->n);
}

/* Of one regime and, where it has them, one VMID. */
static enum conform_verdict first_stage(const struct fence *fence,
                                        const struct conform_entry *e)
{
    bool is_spared =
        fence->has_id && (e->is_global || e->context.asid != fence->id);

    return fence_names(fence, e) && !is_spared ? DROPPED : KEPT;
}

static enum conform_verdict second_stage(const struct fence *fence,
                                         const struct conform_entry *e)
{
    if (e->context.regime == REGIME_EL2 ||
        (fence->has_id && e->context.vmid != fence->id))
        return KEPT;
    if (e->context.regime == REGIME_EL1)
        return fence->has_pages ? EITHER : DROPPED;
    if (e->kind == POINTER && fence->has_pages)
        return conform_covers(e, fence->first, fence->n) ? EITHER : KEPT;
    return fence_names(fence, e) ? DROPPED : KEPT;
}

static struct fence fence_of(const struct conform_case *c)
{
    const uint64_t *reg = c->operands.reg;
    bool is_guest_physical = strstr(c->name, "GVMA") != NULL;

    return (struct fence){
        .has_pages = !c->operands.is_x0[0],
        .has_id = !c->operands.is_x0[1],
        .first = is_guest_physical ? reg[0] >> 10 : reg[0] >> 12,
        .n = 1,
        .id = is_guest_physical
                  ? reg[1] & ((1U << c->issuer.riscv.vmid_bits) - 1)
                  : reg[1] & ((1U << c->issuer.riscv.asid_bits) - 1)};
}

/* start and size 0, or size of all ones: everything. */
static struct fence sbi_fence_of(const struct conform_case *c)
{
    const uint64_t *reg = c->operands.reg;
    bool is_all = (!reg[2] && !reg[3]) || reg[3] == UINT64_MAX;

    return (struct fence){.has_pages = !is_all,
                          .has_id = strstr(c->name, "_asid") ||
                                    strstr(c->name, "_vmid"),
                          .first = reg[2] >> 12,
                          .n = (reg[2] + reg[3] + 4095) / 4096 - reg[2] / 4096,
                          .id = reg[4]};
}

static bool hart_is_named(const struct conform_case *c,
                          enum conform_place place)
{
    uint64_t hart = (uint64_t) place; /* as the bench has them */
    uint64_t base = c->operands.reg[1];

    return base == UINT64_MAX || (hart >= base && hart - base < 64 &&
                                  c->operands.reg[0] >> (hart - base) & 1);
}

static enum conform_verdict sbi_rule(const struct conform_case *c,
                                     const struct conform_entry *e)
{
    const struct fence fence = sbi_fence_of(c);
    enum tlb_regime own = c->issuer.context.regime;

    if (!hart_is_named(c, e->place) || !strcmp(c->name, "remote_fence_i"))
        return KEPT;
    if (strstr(c->name, "gvma"))
        return second_stage(&fence, e);
    if (strstr(c->name, "vvma"))
        return e->context.regime == REGIME_EL1 &&
                       e->context.vmid == c->issuer.riscv.hgatp_vmid
                   ? first_stage(&fence, e)
                   : KEPT;
    return e->context.regime == own ? first_stage(&fence, e) : KEPT;
}

static enum conform_verdict riscv_rule(const struct conform_case *c,
                                       const struct conform_entry *e,
                                       const struct conform_target *target)
{
    const struct fence fence = fence_of(c);
    bool is_guests = e->context.regime == REGIME_EL1;

    (void) target;
    if (begins(c->name, "remote"))
        return sbi_rule(c, e);
    if (e->place != ISSUER || begins(c->name, "SFENCE.W") ||
        begins(c->name, "SFENCE.INVAL"))
        return KEPT;
    if (strstr(c->name, "GVMA"))
        return second_stage(&fence, e);
    if (begins(c->name, "H"))
        return is_guests && e->context.vmid == c->issuer.riscv.hgatp_vmid
                   ? first_stage(&fence, e)
                   : KEPT;
    if (e->context.regime != c->issuer.context.regime ||
        (is_guests && e->context.vmid != c->issuer.context.vmid))
        return KEPT;
    return first_stage(&fence, e);
}

/* ---- cases ---- */

struct riscv_maker {
    const struct conform_machine *machine;
    struct conform_list *list;
    struct riscv_issuer issuer;
};

static struct conform_case *riscv_add(const struct riscv_maker *maker,
                                      const char *name, const char *note)
{
    struct conform_case *c =
        conform_add(maker->list, maker->machine, name, note);

    c->issuer.riscv = maker->issuer;
    return c;
}

/* The four forms, with registers that hold 0 among them. */
static void add_fence(const struct riscv_maker *maker, const char *name,
                      uint64_t rs1, const uint64_t ids[3])
{
    for (uint32_t form = 0; form < 4; form++) {
        for (uint32_t i = 0; i < 6; i++) {
            struct conform_case *c;

            if (i % 3 && form & 1)
                continue;
            if (i / 3 && form & 2)
                continue;
            c = riscv_add(maker, name, form & 1 ? " rs2 = x0" : " rs2");
            c->operands.is_x0[1] = form & 1;
            c->operands.is_x0[0] = form >> 1;
            c->operands.reg[0] = i / 3 ? 0 : rs1;
            c->operands.reg[1] = ids[i % 3];
        }
    }
}

static void add_sbi(const struct riscv_maker *maker, const char *name,
                    uint64_t start, uint64_t bytes, const uint64_t ids[3])
{
    static const uint64_t masks[][2] = {{7, 0}, {1, 0},         {2, 0},
                                        {4, 0}, {1, 1},         {3, 1},
                                        {0, 0}, {0, UINT64_MAX}};
    const uint64_t ranges[][2] = {{start, 4096},
                                  {start - 8192, 8192},
                                  {start - 8192, 8193 + 4096},
                                  {start, bytes},
                                  {0, 0},
                                  {0, UINT64_MAX}};

    for (uint32_t i = 0; i < 8 * 6; i++) {
        struct conform_case *c = riscv_add(maker, name, "");

        c->operands.reg[0] = masks[i % 8][0];
        c->operands.reg[1] = masks[i % 8][1];
        c->operands.reg[2] = ranges[i / 8][0];
        c->operands.reg[3] = ranges[i / 8][1];
        c->operands.reg[4] = ids[i % 3];
    }
}

static const uint64_t some_asids[3] = {ASID, OTHER_ASID, 0};
static const uint64_t some_vmids[3] = {VMID, OTHER_VMID, 0};

static struct riscv_maker riscv_maker(const struct conform_machine *machine,
                                      const struct conform_target *target,
                                      struct conform_list *list)
{
    return (struct riscv_maker){
        .machine = machine,
        .list = list,
        .issuer = {.features = RISCV_SVINVAL,
                   .mode = RISCV_S,
                   .vaddr_bits = (uint8_t) target->format->vaddr_bits,
                   .asid_bits = 16,
                   .vmid_bits = 14,
                   .hgatp_vmid = VMID}};
}

static void riscv_cases(const struct conform_machine *machine,
                        const struct conform_target *target,
                        struct conform_list *list)
{
    struct riscv_maker maker = riscv_maker(machine, target, list);
    uint64_t start = target->vaddr & ~UINT64_C(0xfff);
    uint64_t bytes = UINT64_C(4096) << target->order;

    add_fence(&maker, "SFENCE.VMA", target->vaddr, some_asids);
    add_fence(&maker, "SINVAL.VMA", target->vaddr, some_asids);
    riscv_add(&maker, "SFENCE.W.INVAL", "");
    riscv_add(&maker, "SFENCE.INVAL.IR", "");
    add_sbi(&maker, "remote_fence_i", start, bytes, some_asids);
    add_sbi(&maker, "remote_sfence_vma", start, bytes, some_asids);
    add_sbi(&maker, "remote_sfence_vma_asid", start, bytes, some_asids);
}

static void riscv_guest_cases(const struct conform_machine *machine,
                              const struct conform_target *target,
                              struct conform_list *list)
{
    struct riscv_maker maker = riscv_maker(machine, target, list);
    uint64_t start = target->vaddr & ~UINT64_C(0xfff);
    uint64_t bytes = UINT64_C(4096) << target->order;
    uint64_t gstart = target->gpaddr & ~UINT64_C(0xfff);

    maker.issuer.features |= RISCV_H;
    maker.issuer.mode = RISCV_VS;
    add_fence(&maker, "SFENCE.VMA", target->vaddr, some_asids);
    add_fence(&maker, "SINVAL.VMA", target->vaddr, some_asids);
    maker.issuer.mode = RISCV_S;
    for (size_t from = list->n, once = 1; once; once = 0) {
        add_fence(&maker, "SFENCE.VMA", target->vaddr, some_asids);
        add_fence(&maker, "HFENCE.VVMA", target->vaddr, some_asids);
        add_fence(&maker, "HINVAL.VVMA", target->vaddr, some_asids);
        add_fence(&maker, "HFENCE.GVMA", target->gpaddr >> 2, some_vmids);
        add_fence(&maker, "HINVAL.GVMA", target->gpaddr >> 2, some_vmids);
        add_sbi(&maker, "remote_hfence_vvma", start, bytes, some_asids);
        add_sbi(&maker, "remote_hfence_vvma_asid", start, bytes, some_asids);
        add_sbi(&maker, "remote_hfence_gvma", gstart, bytes, some_vmids);
        add_sbi(&maker, "remote_hfence_gvma_vmid", gstart, bytes, some_vmids);
        for (size_t i = from; i < list->n; i++) { /* of HS-mode */
            list->cases[i].issuer.context.regime = REGIME_EL2;
            list->cases[i].issuer.context.vmid = 0;
        }
    }
}

#define OS(asid_)                                                              \
    {                                                                          \
        .regime = REGIME_EL1, .has_asid = true, .asid = asid_                  \
    }
#define VS(vmid_, asid_)                                                       \
    {                                                                          \
        .regime = REGIME_EL1, .has_asid = true, .asid = asid_, .vmid = vmid_   \
    }
#define HS(asid_)                                                              \
    {                                                                          \
        .regime = REGIME_EL2, .has_asid = true, .asid = asid_                  \
    }
#define RISCV(levels_)                                                         \
    .isa = INVAL_RISCV, .format = {.isa = "riscv", .n_levels = levels_},       \
    .rule = riscv_rule

const struct conform_machine conform_riscv[] = {
    {RISCV(3), .name = "RISC-V Sv39",
     .contexts = {OS(ASID), OS(OTHER_ASID), OS(0)}, .n_contexts = 3,
     .add_cases = riscv_cases},
    {RISCV(4), .name = "RISC-V Sv48",
     .contexts = {OS(ASID), OS(OTHER_ASID), OS(0)}, .n_contexts = 3,
     .add_cases = riscv_cases},
    {RISCV(5), .name = "RISC-V Sv57", .contexts = {OS(ASID), OS(0)},
     .n_contexts = 2, .add_cases = riscv_cases},
    {RISCV(4), .name = "RISC-V with guests", .has_contexts = true,
     .contexts = {VS(VMID, ASID), VS(VMID, OTHER_ASID), VS(OTHER_VMID, ASID),
                  HS(ASID), HS(OTHER_ASID), VS(0, 0)},
     .n_contexts = 6, .add_cases = riscv_guest_cases},
    {RISCV(3), .name = "RISC-V, two stages", .has_contexts = true,
     .stage2 = {.isa = "riscv", .n_levels = 4},
     .contexts = {VS(VMID, ASID), VS(OTHER_VMID, ASID), VS(VMID, 0)},
     .n_contexts = 3, .add_cases = riscv_guest_cases},
};

const size_t conform_n_riscv = sizeof(conform_riscv) / sizeof(conform_riscv[0]);
