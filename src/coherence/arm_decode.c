/* SPDX-License-Identifier: MIT */
/*
 * How Arm's TLB maintenance instructions read their operands, and where they
 * are UNDEFINED: Arm ARM DDI 0487 C5.5 and, for v7, DDI 0406C B4.2.2.
 *
 * "Not required to invalidate any entries" invalidates none: a TTL or TG of
 * another granule, a reserved TG, a range that its TTL does not align.
 */
#include "coherence/arm_table.h"
#include "coherence/inval_isa.h"

static uint64_t arm_bits(uint64_t word, uint32_t high, uint32_t low)
{
    return word >> low & (UINT64_MAX >> (63 - (high - low)));
}

/* Bit `top` repeated above it. */
static uint64_t arm_sign_extend(uint64_t value, uint32_t top)
{
    uint64_t bit = UINT64_C(1) << top;

    value &= (bit << 1) - 1;
    return (value ^ bit) - bit;
}

static bool arm_is_vhe_host(const struct arm_issuer *arm)
{
    return arm->el == 2 && arm->is_e2h && arm->is_tge;
}

static enum inval_outcome arm_admit(const struct inval_call *call,
                                    const char **why)
{
    const struct arm_issuer *arm = &call->issuer->arm;
    const struct inval_instruction *row = call->row;

    if (row->needs & ~arm->features)
        *why = "the PE does not have it";
    else if (!arm->el)
        *why = "at EL0";
    else if (row->needs & ARM_EL2 && arm->el < 2)
        *why = "an instruction of EL2";
    else if (arm->el == 1 && arm->is_trapped) {
        *why = "HCR_EL2.TTLB";
        return INVAL_TRAPPED;
    } else
        return INVAL_LEGAL;
    return INVAL_UNDEFINED;
}

static enum inval_outcome arm_select(const struct inval_call *call,
                                     uint8_t *select, const char **why)
{
    *select = call->row->select;
    *why = NULL;
    return INVAL_LEGAL;
}

/* Which regime, and how far, by the state of the PE. */
static void arm_place(const struct inval_call *call,
                      struct inval_request *request)
{
    const struct arm_issuer *arm = &call->issuer->arm;
    struct inval *inval = &request->invals[0];

    if (call->row->regimes == 1U << REGIME_EL1 && arm_is_vhe_host(arm))
        inval->regimes = 1U << REGIME_EL2;
    if (inval->regimes == 1U << REGIME_EL2) {
        inval->has_vmid = false;
        inval->vmid = 0;
        inval->has_asid &= arm->is_e2h; /* EL2 alone has no ASIDs */
    }
    if (arm->el == 1 && arm->is_broadcast_forced &&
        request->reach == REACH_SELF)
        request->reach = REACH_INNER;
    if (arm->cannot_broadcast)
        request->reach = REACH_SELF;
}

static void arm_set_asid(const struct inval_call *call, struct inval *inval)
{
    uint64_t asid = arm_bits(call->operands->reg[0], 63, 48);

    /* TCR.AS: the upper byte is ignored. */
    inval->asid =
        (uint16_t) (call->issuer->arm.asid_bits > 8 ? asid : asid & UINT8_MAX);
}

/* The page order of the granule in use where the address is translated. */
static uint32_t arm_granule_order(const struct inval_call *call,
                                  const struct inval *inval, uint64_t vaddr)
{
    const struct arm_issuer *arm = &call->issuer->arm;
    bool is_plain_el2 = inval->regimes == 1U << REGIME_EL2 && !arm->is_e2h;

    if (inval->regimes == 1U << REGIME_STAGE2)
        return arm->stage2_granule_order;
    return arm->granule_order[!is_plain_el2 && arm_bits(vaddr, 55, 55)];
}

/* TG of TTL[3:2] and of ranges: 1: 4K, 2: 16K, 3: 64K; as a page order. */
static uint32_t arm_tg_order(uint64_t tg)
{
    return (uint32_t) (tg - 1) * 2;
}

/* Bits of address that a level of a granule's tables resolves: 9, 11, 13. */
static uint32_t arm_level_bits(uint32_t granule_order)
{
    return granule_order + 9;
}

/* Leaves of a manual's level (3 is the last), and contiguous runs of them. */
static void arm_set_hint(struct inval *inval, uint32_t granule_order,
                         uint32_t level)
{
    uint32_t bits = arm_level_bits(granule_order);
    uint32_t order = granule_order + (3 - level) * bits;

    inval->has_order = true;
    inval->order = (uint8_t) order;
    inval->max_order = (uint8_t) (order + bits - 1);
}

/* Does the granule with 52-bit addresses or without have leaves there? Level 0
 * of 4K and level 1 of 16K need TCR.DS. */
static bool arm_hint_is_reserved(const struct arm_issuer *arm,
                                 uint32_t granule_order, uint32_t level)
{
    if (granule_order == 0)
        return level == 0 && !arm->has_ds;
    if (granule_order == 2)
        return level == 0 || (level == 1 && !arm->has_ds);
    return level == 0;
}

/* TTL[47:44] of the forms for one page: granule and level. */
static enum inval_outcome arm_read_ttl(const struct inval_call *call,
                                       struct inval_request *request,
                                       uint64_t vaddr)
{
    const struct arm_issuer *arm = &call->issuer->arm;
    uint64_t ttl = arm_bits(call->operands->reg[0], 47, 44);
    struct inval *inval = &request->invals[0];
    uint32_t level = (uint32_t) ttl & 3;
    uint32_t order = arm_tg_order(ttl >> 2);

    if (!(arm->features & ARM_TTL) || !(ttl >> 2))
        return INVAL_LEGAL;
    if (arm_hint_is_reserved(arm, order, level))
        return INVAL_LEGAL; /* as if there was none */
    if (order != arm_granule_order(call, inval, vaddr))
        return inval_nothing(request, "TTL is of another granule");
    arm_set_hint(inval, order, level);
    return INVAL_LEGAL;
}

static enum inval_outcome arm_read_va(const struct inval_call *call,
                                      struct inval_request *request)
{
    uint64_t vaddr =
        arm_sign_extend(arm_bits(call->operands->reg[0], 43, 0) << 12, 55);

    arm_set_asid(call, &request->invals[0]);
    inval_set_pages(&request->invals[0], vaddr, 1);
    return arm_read_ttl(call, request, vaddr);
}

static enum inval_outcome arm_read_ipa(const struct inval_call *call,
                                       struct inval_request *request)
{
    uint64_t ipa = arm_bits(call->operands->reg[0], 39, 0) << 12;

    inval_set_pages(&request->invals[0], ipa, 1);
    return arm_read_ttl(call, request, ipa);
}

/* The regime of a hypervisor without VHE has one table, and no upper half. */
static bool arm_has_two_halves(const struct inval_call *call,
                               const struct inval_request *request)
{
    return request->invals[0].regimes != 1U << REGIME_EL2 ||
           call->issuer->arm.is_e2h;
}

/* A range: TG[47:46], SCALE[45:44], NUM[43:39], TTL[38:37], BADDR[36:0] in
 * units of the granule; with TCR.DS of 64 KiB. */
static enum inval_outcome arm_read_range(const struct inval_call *call,
                                         struct inval_request *request,
                                         bool is_signed)
{
    const struct arm_issuer *arm = &call->issuer->arm;
    uint64_t reg = call->operands->reg[0];
    uint64_t tg = arm_bits(reg, 47, 46);
    uint32_t order = arm_tg_order(tg);
    uint32_t unit = 12 + (arm->has_ds ? 4 : order);
    uint32_t level = (uint32_t) arm_bits(reg, 38, 37);
    uint64_t n = (arm_bits(reg, 43, 39) + 1) << (5 * arm_bits(reg, 45, 44) + 1);
    uint64_t base = arm_bits(reg, 36, 0) << unit;
    struct inval *inval = &request->invals[0];

    if (is_signed)
        base = arm_sign_extend(base, 36 + unit);
    if (!tg)
        return inval_nothing(request, "TG 0b00 is reserved");
    if (order != arm_granule_order(call, inval, base))
        return inval_nothing(request, "TG is another granule");
    inval_set_pages(inval, base, n << order);
    if (!level || arm_hint_is_reserved(arm, order, level))
        return INVAL_LEGAL;
    arm_set_hint(inval, order, level);
    if (level < 3 && base & ((UINT64_C(1) << (12 + inval->order)) - 1))
        return inval_nothing(request, "TTL and BADDR do not align");
    return INVAL_LEGAL;
}

static enum inval_outcome armv7_read_mva(const struct inval_call *call,
                                         struct inval_request *request)
{
    uint64_t reg = call->operands->reg[0] & UINT32_MAX;

    request->invals[0].asid = (uint16_t) (reg & UINT8_MAX);
    inval_set_pages(&request->invals[0], reg & ~UINT64_C(0xfff), 1);
    return INVAL_LEGAL;
}

static enum inval_outcome arm_read(const struct inval_call *call,
                                   struct inval_request *request)
{
    arm_place(call, request);
    switch ((enum arm_operand) call->row->operand) {
    case ARM_OF_NOTHING:
        return INVAL_LEGAL;
    case ARM_OF_ASID:
        arm_set_asid(call, &request->invals[0]);
        return INVAL_LEGAL;
    case ARM_OF_VA:
        return arm_read_va(call, request);
    case ARM_OF_IPA:
        return arm_read_ipa(call, request);
    case ARM_OF_VA_RANGE:
        arm_set_asid(call, &request->invals[0]);
        return arm_read_range(call, request, arm_has_two_halves(call, request));
    case ARM_OF_IPA_RANGE:
        return arm_read_range(call, request, false);
    case ARMV7_OF_ASID:
        request->invals[0].asid =
            (uint16_t) (call->operands->reg[0] & UINT8_MAX);
        return INVAL_LEGAL;
    case ARMV7_OF_MVA:
        return armv7_read_mva(call, request);
    }
    return INVAL_LEGAL;
}

const struct inval_isa_ops mmusim__inval_armv8 = {
    .rows = mmusim__armv8_rows,
    .n_rows = ARMV8_ROW_COUNT,
    .admit = arm_admit,
    .select = arm_select,
    .read = arm_read,
};

const struct inval_isa_ops mmusim__inval_armv7 = {
    .rows = mmusim__armv7_rows,
    .n_rows = ARMV7_ROW_COUNT,
    .admit = arm_admit,
    .select = arm_select,
    .read = arm_read,
};
