/* SPDX-License-Identifier: MIT */
/* x86's instructions with operands and issuers, and the machines they are tried
 * on: see conform.h. */
#include "conformance/conform_x86.h"

struct x86_maker {
    const struct conform_machine *machine;
    struct conform_list *list;
    uint64_t cr4;
};

static struct conform_case *make(const struct x86_maker *maker,
                                 const char *name, const char *note)
{
    struct conform_case *c =
        conform_add(maker->list, maker->machine, name, note);

    c->issuer.x86 = (struct x86_issuer){
        .features = UINT32_MAX,
        .vaddr_bits = maker->machine->format.isa[0] == 'i' ? 32 : 48,
        .has_vpid = true,
        .cr0 = X86_CR0_PG,
        .cr4 = maker->cr4,
        .invlpgb_count_max = 7,
        .n_svm_asids = 16};
    return c;
}

static void add(const struct x86_maker *maker, const char *name,
                const char *note, uint64_t a, uint64_t b, uint64_t c)
{
    struct conform_case *made = make(maker, name, note);

    made->operands.reg[0] = a;
    made->operands.reg[1] = b;
    made->operands.reg[2] = c;
}

/* Those that know nothing of VMs; of the issuer's own. */
static void add_plain(const struct x86_maker *maker, uint64_t vaddr)
{
    uint64_t cr4 = maker->cr4;

    add(maker, "INVLPG", "", vaddr, 0, 0);
    add(maker, "#PF", "", vaddr, 0, 0);
    add(maker, "MOV CR3", " plain", 0x7000, 0, 0);
    add(maker, "MOV CR4", " PGE", cr4 ^ X86_CR4_PGE, 0, 0);
    add(maker, "MOV CR4", " PAE", cr4 ^ X86_CR4_PAE, 0, 0);
    add(maker, "MOV CR4", " nothing", cr4, 0, 0);
    add(maker, "MOV CR0", " PG 1 to 0", 0, 0, 0);
    if (cr4 & X86_CR4_PCIDE) /* #GP: vol. 3A 4.10.1 */
        maker->list->cases[maker->list->n - 1].outcome = INVAL_PROTECTED;
    add(maker, "MOV CR0", " nothing", X86_CR0_PG, 0, 0);
}

static void add_invpcid(const struct x86_maker *maker, uint64_t vaddr)
{
    static const uint16_t pcids[] = {PCID, OTHER_PCID, 0, 4000};

    for (uint32_t i = 0; i < 4; i++) {
        add(maker, "INVPCID", " 0", 0, pcids[i], vaddr);
        add(maker, "INVPCID", " 1", 1, pcids[i], vaddr);
        add(maker, "MOV CR3", " of a PCID", 0x7000 | pcids[i], 0, 0);
        add(maker, "MOV CR3", " of a PCID, no flush",
            0x7000 | pcids[i] | UINT64_C(1) << 63, 0, 0);
    }
    add(maker, "INVPCID", " 2", 2, PCID, vaddr);
    add(maker, "INVPCID", " 3", 3, PCID, vaddr);
    add(maker, "MOV CR4", " SMEP 0 to 1", maker->cr4 | X86_CR4_SMEP, 0, 0);
    add(maker, "MOV CR4", " PCIDE 1 to 0", maker->cr4 & ~X86_CR4_PCIDE, 0, 0);
}

static void add_invlpgb(const struct x86_maker *maker, uint64_t vaddr,
                        uint64_t asid)
{
    static const uint64_t counts[] = {0, 1, 7, 0x80000000, 0x80000001};
    static const uint64_t pcids[] = {PCID, OTHER_PCID};

    for (uint64_t flags = 0; flags < 32; flags++) {
        for (uint32_t i = 0; i < 5; i++) {
            if (i && !(flags & VALID_VA))
                continue;
            for (uint32_t j = 0; j < 2; j++)
                add(maker, "INVLPGB", " host",
                    (flags & VALID_VA ? vaddr & ~UINT64_C(0xfff) : 0) | flags,
                    counts[i], asid | pcids[j] << 16);
        }
    }
    make(maker, "TLBSYNC", "");
}

static void add_rar(const struct x86_maker *maker, uint64_t type,
                    uint64_t subtype, uint64_t id, uint64_t vaddr)
{
    for (uint64_t pages = 1; pages <= 3; pages += 2) {
        struct conform_case *c = make(maker, "RAR", " payload");

        c->is_remote = true;
        c->target_asid = PCID;
        c->target_cr3 = 0x7000;
        c->operands.reg[0] = type << 8 | subtype << 32 | pages << 37;
        c->operands.reg[2] = id;
        c->operands.reg[3] = vaddr & ~UINT64_C(0xfff);
    }
}

static void x86_pcid_cases(const struct conform_machine *machine,
                           const struct conform_target *target,
                           struct conform_list *list)
{
    const struct x86_maker maker = {machine, list,
                                    X86_CR4_PGE | X86_CR4_PCIDE | X86_CR4_PAE};
    struct conform_case *c;

    add_plain(&maker, target->vaddr);
    add_invpcid(&maker, target->vaddr);
    add_invlpgb(&maker, target->vaddr, 0);
    c = make(&maker, "INVLPG", " with TCE");
    c->operands.reg[0] = target->vaddr;
    c->issuer.x86.efer = X86_EFER_TCE;
    add(&maker, "INVLPG", " of no address", NON_CANONICAL, 0, 0);
    for (uint64_t cr3 = 0x7000; cr3 <= 0x8000; cr3 += 0x1000) {
        add_rar(&maker, 0, 0, cr3, target->vaddr);
        add_rar(&maker, 0, 2, cr3, 0);
        add_rar(&maker, 0, 3, cr3, 0);
        add_rar(&maker, 1, 0, cr3, target->vaddr);
        add_rar(&maker, 1, 2, cr3, 0);
        add_rar(&maker, 1, 3, cr3, 0);
    }
    for (uint64_t subtype = 0; subtype < 4; subtype++) {
        add_rar(&maker, 2, subtype, PCID, target->vaddr);
        add_rar(&maker, 2, subtype, OTHER_PCID, target->vaddr);
    }
}

static void x86_old_cases(const struct conform_machine *machine,
                          const struct conform_target *target,
                          struct conform_list *list)
{
    const struct x86_maker maker = {machine, list, 0};
    struct conform_case *c;

    add_plain(&maker, target->vaddr);
    c = make(&maker, "MOV CR3", " of a 386");
    c->operands.reg[0] = 0x7000;
    c->issuer.x86.features = 0;
    c = make(&maker, "INVLPG", " of a 386");
    c->operands.reg[0] = target->vaddr;
    c->issuer.x86.features = 0;
    c->outcome = INVAL_UNDEFINED;
    add(&maker, "INVPCID", " without PCIDE", 0, PCID, target->vaddr);
    list->cases[list->n - 1].outcome = INVAL_PROTECTED;
}

static void add_invvpid(const struct x86_maker *maker, uint64_t vaddr)
{
    static const uint64_t vpids[] = {1, 2, 3};

    for (uint32_t i = 0; i < 3; i++) {
        add(maker, "INVVPID", " 0", 0, vpids[i], vaddr);
        add(maker, "INVVPID", " 1", 1, vpids[i], 0);
        add(maker, "INVVPID", " 3", 3, vpids[i], 0);
        add_rar(maker, 4, 0, vpids[i], vaddr);
        add_rar(maker, 4, 1, vpids[i], 0);
        add_rar(maker, 4, 3, vpids[i], 0);
    }
    add(maker, "INVVPID", " 2", 2, 0, 0);
    add_rar(maker, 4, 2, 0, 0);
    add(maker, "INVVPID", " 1, VPID 0", 1, 0, 0);
    maker->list->cases[maker->list->n - 1].outcome = INVAL_REJECTED;
}

static void add_invept(const struct x86_maker *maker)
{
    static const uint64_t roots[] = {ROOT_A, ROOT_B, 0x7c000};

    for (uint32_t i = 0; i < 3; i++) {
        add(maker, "INVEPT", " 1", 1, roots[i] | EPTP_LOW, 0);
        add_rar(maker, 3, 1, roots[i] | EPTP_LOW, 0);
    }
    add(maker, "INVEPT", " 2", 2, 0, 0);
    add_rar(maker, 3, 2, 0, 0);
}

/* Instructions of the host: VPID 0, no nested tables. */
static void of_the_host(struct conform_list *list, size_t from)
{
    for (size_t i = from; i < list->n; i++) {
        list->cases[i].issuer.context =
            (struct tlb_context){.has_asid = true, .asid = PCID};
        list->cases[i].issuer.x86.is_guest = false;
    }
}

static void in_the_guest(struct conform_list *list, size_t from)
{
    for (size_t i = from; i < list->n; i++)
        list->cases[i].issuer.x86.is_guest = true;
}

static void add_ept_violations(const struct x86_maker *maker,
                               const struct conform_target *target)
{
    for (uint32_t i = 0; i < 2; i++) {
        struct conform_case *c = make(maker, "EPT violation", "");

        c->operands.reg[0] = target->gpaddr;
        c->operands.reg[1] = target->vaddr;
        c->operands.is_x0[1] = i;
        c->issuer.x86.is_guest = true;
    }
}

static void x86_vmx_cases(const struct conform_machine *machine,
                          const struct conform_target *target,
                          struct conform_list *list)
{
    const struct x86_maker maker = {machine, list,
                                    X86_CR4_PGE | X86_CR4_PCIDE | X86_CR4_PAE};
    size_t begin;

    add_plain(&maker, target->vaddr);
    add_invpcid(&maker, target->vaddr);
    in_the_guest(list, 0);
    add_ept_violations(&maker, target);
    begin = list->n;
    add_plain(&maker, target->vaddr);
    add_invpcid(&maker, target->vaddr);
    add_invvpid(&maker, target->vaddr);
    add_invept(&maker);
    make(&maker, "VM entry, VM exit", " with VPID");
    make(&maker, "VM entry, VM exit", " without")->issuer.x86.has_vpid = false;
    of_the_host(list, begin);
}

static void x86_svm_cases(const struct conform_machine *machine,
                          const struct conform_target *target,
                          struct conform_list *list)
{
    const struct x86_maker maker = {machine, list,
                                    X86_CR4_PGE | X86_CR4_PCIDE | X86_CR4_PAE};
    size_t begin;

    add(&maker, "INVLPG", " in a guest", target->vaddr, 0, 0);
    for (uint64_t flags = VALID_ASID; flags < 32; flags++) {
        struct conform_case *c = make(&maker, "INVLPGB", " in a guest");

        c->operands.reg[0] =
            flags | (flags & VALID_VA ? target->vaddr & ~UINT64_C(0xfff) : 0);
        c->operands.reg[2] = (uint64_t) PCID << 16;
        c->issuer.x86.may_invlpgb = true;
        if (!(flags & VALID_ASID))
            list->n--;
    }
    in_the_guest(list, 0);
    begin = list->n;
    for (uint64_t asid = 0; asid < 4; asid++) {
        add(&maker, "INVLPGA", "", target->vaddr, asid, 0);
        add_invlpgb(&maker, target->vaddr, asid);
        add(&maker, "VMRUN", " 0", 0, asid + 1, 0);
        add(&maker, "VMRUN", " 1", 1, asid + 1, 0);
        add(&maker, "VMRUN", " 3", 3, asid + 1, 0);
        add(&maker, "VMRUN", " 7", 7, asid + 1, 0);
    }
    of_the_host(list, begin);
}

#define GUEST(vmid_, root_, asid_)                                             \
    {                                                                          \
        .has_asid = true, .asid = asid_, .vmid = vmid_, .stage2_root = root_   \
    }

const struct conform_machine conform_x86[] = {
    {.name = "x86 PCIDs",
     .isa = INVAL_X86,
     .format = {.isa = "x86-64", .n_levels = 4},
     .contexts = {GUEST(0, 0, PCID), GUEST(0, 0, OTHER_PCID),
                  GUEST(0, 0, THIRD_PCID)},
     .n_contexts = 3,
     .add_cases = x86_pcid_cases,
     .rule = conform_rule_x86},
    {.name = "x86 PCIDs, five levels",
     .isa = INVAL_X86,
     .format = {.isa = "x86-64", .n_levels = 5},
     .has_contexts = true,
     .contexts = {GUEST(0, 0, PCID), GUEST(0, 0, OTHER_PCID)},
     .n_contexts = 2,
     .add_cases = x86_pcid_cases,
     .rule = conform_rule_x86},
    {.name = "i386",
     .isa = INVAL_X86,
     .format = {.isa = "i386"},
     .contexts = {GUEST(0, 0, 0)},
     .n_contexts = 1,
     .add_cases = x86_old_cases,
     .rule = conform_rule_x86},
    {.name = "x86 VMX",
     .isa = INVAL_X86,
     .format = {.isa = "x86-64", .n_levels = 4},
     .has_contexts = true,
     .contexts = {GUEST(1, ROOT_A, PCID), GUEST(1, ROOT_A, OTHER_PCID),
                  GUEST(2, ROOT_A, PCID), GUEST(1, ROOT_B, PCID),
                  GUEST(0, 0, PCID), GUEST(0, 0, OTHER_PCID),
                  GUEST(2, ROOT_B, OTHER_PCID)},
     .n_contexts = 7,
     .add_cases = x86_vmx_cases,
     .rule = conform_rule_x86},
    {.name = "x86 VMX, nested walks",
     .isa = INVAL_X86,
     .format = {.isa = "x86-64", .n_levels = 4},
     .stage2 = {.isa = "x86-64"},
     .has_contexts = true,
     .contexts = {GUEST(1, ROOT_A, PCID), GUEST(2, ROOT_A, PCID),
                  GUEST(1, ROOT_B, OTHER_PCID)},
     .n_contexts = 3,
     .add_cases = x86_vmx_cases,
     .rule = conform_rule_x86},
    {.name = "x86 SVM",
     .isa = INVAL_X86,
     .format = {.isa = "x86-64", .n_levels = 4},
     .has_contexts = true,
     .contexts = {GUEST(1, ROOT_A, PCID), GUEST(1, ROOT_A, OTHER_PCID),
                  GUEST(2, ROOT_A, PCID), GUEST(0, 0, PCID),
                  GUEST(0, 0, OTHER_PCID), GUEST(2, ROOT_B, OTHER_PCID)},
     .n_contexts = 6,
     .add_cases = x86_svm_cases,
     .rule = conform_rule_x86},
    {.name = "x86 SVM, nested walks",
     .isa = INVAL_X86,
     .format = {.isa = "x86-64", .n_levels = 4},
     .stage2 = {.isa = "x86-64", .variant = "npt"},
     .has_contexts = true,
     .contexts = {GUEST(1, ROOT_A, PCID), GUEST(2, ROOT_B, PCID)},
     .n_contexts = 2,
     .add_cases = x86_svm_cases,
     .rule = conform_rule_x86},
};

const size_t conform_n_x86 = sizeof(conform_x86) / sizeof(conform_x86[0]);
