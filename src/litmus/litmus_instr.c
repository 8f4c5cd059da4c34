/* SPDX-License-Identifier: MIT */
/*
 * AArch64 instructions of litmus tests: text to struct litmus_instr, and the
 * arithmetic. Semantics: Arm ARM DDI 0487 C6.2 (by mnemonic).
 */
#include "litmus/litmus_operand.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* ---- mnemonics ---- */

static const char not_supported[] = "not supported";
static const char bad_operands[] = "the operands are not those of the "
                                   "instruction";

static bool operand_is(const struct litmus_operands *operands, uint32_t i,
                       int kind)
{
    return i < operands->n && (int) operands->at[i].kind == kind;
}

static void instr_set_address(struct litmus_instr *instr,
                              const struct litmus_operand *memory)
{
    instr->rn = memory->base;
    instr->rm = memory->index;
    instr->imm = memory->number;
    instr->index_is_word = memory->index_is_word;
    instr->index_is_signed = memory->index_is_signed;
    instr->shift = memory->shift;
}

static const char *decode_load(const struct litmus_operands *operands,
                               struct litmus_instr *instr)
{
    if (operands->n != 2 || !operand_is(operands, 0, OPERAND_REGISTER) ||
        !operand_is(operands, 1, OPERAND_MEMORY))
        return bad_operands;
    instr->is_word = operands->at[0].is_word;
    if (instr->op == LITMUS_STORE)
        instr->rs = operands->at[0].reg;
    else
        instr->rd = operands->at[0].reg;
    instr_set_address(instr, &operands->at[1]);
    return NULL;
}

/* STXR Ws,Xt,[Xn] */
static const char *decode_storex(const struct litmus_operands *operands,
                                 struct litmus_instr *instr)
{
    if (operands->n != 3 || !operand_is(operands, 0, OPERAND_REGISTER) ||
        !operand_is(operands, 1, OPERAND_REGISTER) ||
        !operand_is(operands, 2, OPERAND_MEMORY))
        return bad_operands;
    instr->is_word = operands->at[1].is_word;
    instr->rd = operands->at[0].reg;
    instr->rs = operands->at[1].reg;
    instr_set_address(instr, &operands->at[2]);
    return NULL;
}

/* SWP Xs,Xt,[Xn], LDADD alike; CAS Xs,Xt,[Xn]: Xs is compared and loaded. */
static const char *decode_rmw(const struct litmus_operands *operands,
                              struct litmus_instr *instr)
{
    if (operands->n != 3 || !operand_is(operands, 0, OPERAND_REGISTER) ||
        !operand_is(operands, 1, OPERAND_REGISTER) ||
        !operand_is(operands, 2, OPERAND_MEMORY))
        return bad_operands;
    instr->is_word = operands->at[0].is_word;
    instr->rs = operands->at[0].reg;
    instr->rd = operands->at[1].reg;
    if (instr->alu == LITMUS_ALU_CAS) {
        instr->rd = operands->at[0].reg;
        instr->rs = operands->at[1].reg;
    }
    instr_set_address(instr, &operands->at[2]);
    return NULL;
}

/* STADD Xs,[Xn] */
static const char *decode_rmw_store(const struct litmus_operands *operands,
                                    struct litmus_instr *instr)
{
    if (operands->n != 2 || !operand_is(operands, 0, OPERAND_REGISTER) ||
        !operand_is(operands, 1, OPERAND_MEMORY))
        return bad_operands;
    instr->is_word = operands->at[0].is_word;
    instr->rs = operands->at[0].reg;
    instr_set_address(instr, &operands->at[1]);
    return NULL;
}

/* ADD Xd,Xn,Wm,SXTW; ADD Xd,Xn,Xm,LSL #2: the last two operands. */
static const char *instr_set_extended(struct litmus_instr *instr,
                                      const struct litmus_operands *operands,
                                      uint32_t i)
{
    const struct litmus_operand *extend = &operands->at[i + 1];

    if (!operand_is(operands, i, OPERAND_REGISTER) ||
        !operand_is(operands, i + 1, OPERAND_WORD))
        return bad_operands;
    instr->rm = operands->at[i].reg;
    instr->shift = (uint8_t) extend->shift;
    if (!strcasecmp(extend->word, "LSL"))
        return NULL;
    if (strcasecmp(extend->word, "SXTW") != 0 &&
        strcasecmp(extend->word, "UXTW") != 0)
        return not_supported;
    instr->index_is_word = true;
    instr->index_is_signed = toupper((unsigned char) extend->word[0]) == 'S';
    return NULL;
}

/* The second source: a register or a number. */
static const char *instr_set_source(struct litmus_instr *instr,
                                    const struct litmus_operands *operands,
                                    uint32_t i)
{
    if (i + 2 == operands->n)
        return instr_set_extended(instr, operands, i);
    if (i + 1 != operands->n)
        return bad_operands;
    if (operand_is(operands, i, OPERAND_REGISTER))
        instr->rm = operands->at[i].reg;
    else if (operand_is(operands, i, OPERAND_NUMBER))
        instr->imm = operands->at[i].number;
    else
        return bad_operands;
    return NULL;
}

/* ADD Xd,Xn,Xm|#imm; AND; UBFX Xd,Xn,#lsb,#width */
static const char *decode_alu(struct litmus_operands *operands,
                              struct litmus_instr *instr)
{
    if (!operand_is(operands, 0, OPERAND_REGISTER) ||
        !operand_is(operands, 1, OPERAND_REGISTER))
        return bad_operands;
    instr->is_word = operands->at[0].is_word;
    instr->rd = operands->at[0].reg;
    instr->rn = operands->at[1].reg;
    if (instr->alu == LITMUS_ALU_UBFX) {
        if (operands->n != 4 || !operand_is(operands, 3, OPERAND_NUMBER) ||
            operands->at[3].number < 1 || operands->at[3].number > 64)
            return bad_operands;
        instr->width = (uint8_t) operands->at[3].number;
        operands->n = 3;
    }
    return instr_set_source(instr, operands, 2);
}

static const char *decode_mov(struct litmus_operands *operands,
                              struct litmus_instr *instr)
{
    if (!operand_is(operands, 0, OPERAND_REGISTER))
        return bad_operands;
    instr->is_word = operands->at[0].is_word;
    instr->rd = operands->at[0].reg;
    return instr_set_source(instr, operands, 1);
}

/* CMP Xn,Xm|#imm; TST */
static const char *decode_compare(struct litmus_operands *operands,
                                  struct litmus_instr *instr)
{
    if (!operand_is(operands, 0, OPERAND_REGISTER))
        return bad_operands;
    instr->is_word = operands->at[0].is_word;
    instr->rn = operands->at[0].reg;
    instr->sets_flags = true;
    return instr_set_source(instr, operands, 1);
}

static bool instr_condition(const char *word, uint8_t *cond)
{
    static const char names[][3] = {"EQ", "NE", "CS", "CC", "MI",
                                    "PL", "VS", "VC", "HI", "LS",
                                    "GE", "LT", "GT", "LE", "AL"};

    for (uint8_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!strcasecmp(word, names[i])) {
            *cond = i;
            return true;
        }
    }
    return false;
}

/* CSEL Xd,Xn,Xm,cond; CSET Xd,cond */
static const char *decode_select(struct litmus_operands *operands,
                                 struct litmus_instr *instr)
{
    bool is_set = instr->alu == LITMUS_ALU_INC && operands->n == 2;
    uint32_t last = is_set ? 1 : 3;

    if (!operand_is(operands, 0, OPERAND_REGISTER) ||
        !operand_is(operands, last, OPERAND_WORD) || operands->n != last + 1 ||
        !instr_condition(operands->at[last].word, &instr->cond))
        return bad_operands;
    instr->is_word = operands->at[0].is_word;
    instr->rd = operands->at[0].reg;
    if (is_set) { /* = CSINC Xd,XZR,XZR,not cond */
        instr->rn = instr->rm = LITMUS_ZERO;
        instr->cond ^= 1;
        return NULL;
    }
    if (!operand_is(operands, 1, OPERAND_REGISTER) ||
        !operand_is(operands, 2, OPERAND_REGISTER))
        return bad_operands;
    instr->rn = operands->at[1].reg;
    instr->rm = operands->at[2].reg;
    return NULL;
}

static const char *decode_branch(struct litmus_operands *operands,
                                 struct litmus_instr *instr)
{
    uint32_t at = 0;

    if (instr->branch == LITMUS_IF_ZERO || instr->branch == LITMUS_IF_NONZERO) {
        if (!operand_is(operands, 0, OPERAND_REGISTER))
            return bad_operands;
        instr->rn = operands->at[0].reg;
        instr->is_word = operands->at[0].is_word;
        at = 1;
    }
    if (!operand_is(operands, at, OPERAND_WORD) || operands->n != at + 1)
        return bad_operands;
    memcpy(instr->target_name, operands->at[at].word,
           sizeof(instr->target_name));
    return NULL;
}

/* "SY", "ISH", "ISHLD", "ST", ... */
static const char *decode_barrier(struct litmus_operands *operands,
                                  struct litmus_instr *instr)
{
    static const char *const domains[] = {"SY", "ISH", "OSH", "NSH", ""};
    const char *word;
    size_t length;

    if (instr->op == LITMUS_ISB)
        return operands->n <= 1 ? NULL : bad_operands;
    if (operands->n != 1 || !operand_is(operands, 0, OPERAND_WORD))
        return bad_operands;
    word = operands->at[0].word;
    if (instr->op == LITMUS_DSB && !mmusim__arm_dsb_find(word, &instr->dsb))
        return bad_operands;
    length = strlen(word);
    if (length >= 2 && !strcasecmp(word + length - 2, "LD"))
        instr->barrier = LITMUS_LOADS;
    else if (length >= 2 && !strcasecmp(word + length - 2, "ST"))
        instr->barrier = LITMUS_STORES;
    if (instr->barrier != LITMUS_FULL)
        length -= 2;
    for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++) {
        if (length == strlen(domains[i]) &&
            !strncasecmp(word, domains[i], length))
            return NULL;
    }
    return bad_operands;
}

/* ADR Xd,label; MSR ELR_EL1,Xn; MRS Xd,ELR_EL1 */
static const char *decode_special(struct litmus_operands *operands,
                                  struct litmus_instr *instr)
{
    bool is_msr = instr->alu == LITMUS_ALU_MOV && instr->op == LITMUS_ALU &&
                  operand_is(operands, 0, OPERAND_WORD);
    uint32_t word = is_msr ? 0 : 1;

    if (operands->n != 2 || !operand_is(operands, word, OPERAND_WORD) ||
        !operand_is(operands, 1 - word, OPERAND_REGISTER))
        return bad_operands;
    if (instr->op == LITMUS_ADR) {
        instr->rd = operands->at[0].reg;
        memcpy(instr->target_name, operands->at[1].word,
               sizeof(instr->target_name));
        return NULL;
    }
    if (strcasecmp(operands->at[word].word, "ELR_EL1") != 0)
        return not_supported;
    instr->rd = is_msr ? (uint8_t) LITMUS_ELR : operands->at[0].reg;
    instr->rm = is_msr ? operands->at[1].reg : (uint8_t) LITMUS_ELR;
    return NULL;
}

static const char *decode_tlbi(struct litmus_operands *operands,
                               struct litmus_instr *instr)
{
    if (!operand_is(operands, 0, OPERAND_WORD) ||
        strlen(operands->at[0].word) >= sizeof(instr->tlbi))
        return bad_operands;
    for (size_t i = 0; operands->at[0].word[i]; i++)
        instr->tlbi[i] =
            (char) toupper((unsigned char) operands->at[0].word[i]);
    if (operands->n == 1)
        return NULL;
    if (operands->n != 2 || !operand_is(operands, 1, OPERAND_REGISTER) ||
        operands->at[1].is_word)
        return bad_operands;
    instr->rn = operands->at[1].reg;
    return NULL;
}

enum decoder {
    DECODE_NOTHING,
    DECODE_LOAD,
    DECODE_STOREX,
    DECODE_RMW,
    DECODE_RMW_STORE,
    DECODE_ALU,
    DECODE_MOV,
    DECODE_COMPARE,
    DECODE_SELECT,
    DECODE_BRANCH,
    DECODE_BARRIER,
    DECODE_TLBI,
    DECODE_SPECIAL,
    DECODE_RETURN,
};

struct mnemonic {
    const char *name;
    enum litmus_op op;
    enum decoder decoder;
    uint32_t alu;   /* of a branch: the kind of branch */
    bool has_order; /* may end in A, L or AL */
};

static const struct mnemonic mnemonics[] = {
    {"NOP", LITMUS_NOP, DECODE_NOTHING, 0, false},
    {"LDR", LITMUS_LOAD, DECODE_LOAD, 0, false},
    {"LDUR", LITMUS_LOAD, DECODE_LOAD, 0, false},
    {"LDAR", LITMUS_LOAD, DECODE_LOAD, 0, false},
    {"LDAPR", LITMUS_LOAD, DECODE_LOAD, 0, false},
    {"STR", LITMUS_STORE, DECODE_LOAD, 0, false},
    {"STUR", LITMUS_STORE, DECODE_LOAD, 0, false},
    {"STLR", LITMUS_STORE, DECODE_LOAD, 0, false},
    {"LDXR", LITMUS_LOADX, DECODE_LOAD, 0, false},
    {"LDAXR", LITMUS_LOADX, DECODE_LOAD, 0, false},
    {"STXR", LITMUS_STOREX, DECODE_STOREX, 0, false},
    {"STLXR", LITMUS_STOREX, DECODE_STOREX, 0, false},
    {"SWP", LITMUS_RMW, DECODE_RMW, LITMUS_ALU_MOV, true},
    {"CAS", LITMUS_RMW, DECODE_RMW, LITMUS_ALU_CAS, true},
    {"LDADD", LITMUS_RMW, DECODE_RMW, LITMUS_ALU_ADD, true},
    {"LDCLR", LITMUS_RMW, DECODE_RMW, LITMUS_ALU_BIC, true},
    {"LDSET", LITMUS_RMW, DECODE_RMW, LITMUS_ALU_ORR, true},
    {"LDEOR", LITMUS_RMW, DECODE_RMW, LITMUS_ALU_EOR, true},
    {"STADD", LITMUS_RMW, DECODE_RMW_STORE, LITMUS_ALU_ADD, true},
    {"STCLR", LITMUS_RMW, DECODE_RMW_STORE, LITMUS_ALU_BIC, true},
    {"STSET", LITMUS_RMW, DECODE_RMW_STORE, LITMUS_ALU_ORR, true},
    {"STEOR", LITMUS_RMW, DECODE_RMW_STORE, LITMUS_ALU_EOR, true},
    {"ADD", LITMUS_ALU, DECODE_ALU, LITMUS_ALU_ADD, false},
    {"SUB", LITMUS_ALU, DECODE_ALU, LITMUS_ALU_SUB, false},
    {"SUBS", LITMUS_ALU, DECODE_ALU, LITMUS_ALU_SUB, false},
    {"AND", LITMUS_ALU, DECODE_ALU, LITMUS_ALU_AND, false},
    {"ANDS", LITMUS_ALU, DECODE_ALU, LITMUS_ALU_AND, false},
    {"ORR", LITMUS_ALU, DECODE_ALU, LITMUS_ALU_ORR, false},
    {"EOR", LITMUS_ALU, DECODE_ALU, LITMUS_ALU_EOR, false},
    {"BIC", LITMUS_ALU, DECODE_ALU, LITMUS_ALU_BIC, false},
    {"LSL", LITMUS_ALU, DECODE_ALU, LITMUS_ALU_LSL, false},
    {"LSR", LITMUS_ALU, DECODE_ALU, LITMUS_ALU_LSR, false},
    {"UBFX", LITMUS_ALU, DECODE_ALU, LITMUS_ALU_UBFX, false},
    {"MOV", LITMUS_ALU, DECODE_MOV, LITMUS_ALU_MOV, false},
    {"CMP", LITMUS_ALU, DECODE_COMPARE, LITMUS_ALU_SUB, false},
    {"TST", LITMUS_ALU, DECODE_COMPARE, LITMUS_ALU_AND, false},
    {"CSEL", LITMUS_CSEL, DECODE_SELECT, LITMUS_ALU_MOV, false},
    {"CSINC", LITMUS_CSEL, DECODE_SELECT, LITMUS_ALU_INC, false},
    {"CSET", LITMUS_CSEL, DECODE_SELECT, LITMUS_ALU_INC, false},
    {"B", LITMUS_BRANCH, DECODE_BRANCH, LITMUS_ALWAYS, false},
    {"CBZ", LITMUS_BRANCH, DECODE_BRANCH, LITMUS_IF_ZERO, false},
    {"CBNZ", LITMUS_BRANCH, DECODE_BRANCH, LITMUS_IF_NONZERO, false},
    {"DMB", LITMUS_DMB, DECODE_BARRIER, 0, false},
    {"DSB", LITMUS_DSB, DECODE_BARRIER, 0, false},
    {"ISB", LITMUS_ISB, DECODE_BARRIER, 0, false},
    {"TLBI", LITMUS_TLBI, DECODE_TLBI, 0, false},
    {"ADR", LITMUS_ADR, DECODE_SPECIAL, 0, false},
    {"MSR", LITMUS_ALU, DECODE_SPECIAL, LITMUS_ALU_MOV, false},
    {"MRS", LITMUS_ALU, DECODE_SPECIAL, LITMUS_ALU_MOV, false},
    {"ERET", LITMUS_ERET, DECODE_RETURN, 0, false},
};

static const char *instr_call_decoder(enum decoder decoder,
                                      struct litmus_operands *operands,
                                      struct litmus_instr *instr)
{
    switch (decoder) {
    case DECODE_NOTHING:
        return operands->n ? bad_operands : NULL;
    case DECODE_LOAD:
        return decode_load(operands, instr);
    case DECODE_STOREX:
        return decode_storex(operands, instr);
    case DECODE_RMW:
        return decode_rmw(operands, instr);
    case DECODE_RMW_STORE:
        return decode_rmw_store(operands, instr);
    case DECODE_ALU:
        return decode_alu(operands, instr);
    case DECODE_MOV:
        return decode_mov(operands, instr);
    case DECODE_COMPARE:
        return decode_compare(operands, instr);
    case DECODE_SELECT:
        return decode_select(operands, instr);
    case DECODE_BRANCH:
        return decode_branch(operands, instr);
    case DECODE_BARRIER:
        return decode_barrier(operands, instr);
    case DECODE_TLBI:
        return decode_tlbi(operands, instr);
    case DECODE_SPECIAL:
        return decode_special(operands, instr);
    case DECODE_RETURN:
        instr->rn = LITMUS_ELR;
        return operands->n ? bad_operands : NULL;
    }
    return bad_operands;
}

/* The row of a mnemonic; suffix is what follows its name (A, L, AL). */
static const struct mnemonic *instr_row(const char *word, const char **suffix)
{
    for (size_t i = 0; i < sizeof(mnemonics) / sizeof(mnemonics[0]); i++) {
        const struct mnemonic *row = &mnemonics[i];
        size_t length = strlen(row->name);

        if (strncasecmp(word, row->name, length) != 0)
            continue;
        *suffix = word + length;
        if (!**suffix || (row->has_order && (!strcasecmp(*suffix, "A") ||
                                             !strcasecmp(*suffix, "L") ||
                                             !strcasecmp(*suffix, "AL"))))
            return row;
    }
    return NULL;
}

static void instr_set_order(struct litmus_instr *instr, const char *word,
                            const struct mnemonic *row, const char *suffix)
{
    if (row->has_order) {
        instr->is_acquire = toupper((unsigned char) suffix[0]) == 'A';
        instr->is_release =
            suffix[0] &&
            toupper((unsigned char) suffix[strlen(suffix) - 1]) == 'L';
        return;
    }
    instr->is_acquire = !strcasecmp(word, "LDAR") || !strcasecmp(word, "LDAXR");
    instr->is_acquire_pc = !strcasecmp(word, "LDAPR");
    instr->is_release = !strcasecmp(word, "STLR") || !strcasecmp(word, "STLXR");
    instr->sets_flags = !strcasecmp(word, "ANDS") || !strcasecmp(word, "SUBS");
}

const char *mmusim__litmus_decode(const char *text, struct litmus_instr *instr)
{
    char word[32];
    struct litmus_operands operands;
    const char *suffix = "";
    const struct mnemonic *row;
    const char *rest = mmusim__litmus_word(text, word, sizeof(word));
    uint32_t line = instr->line;

    memset(instr, 0, sizeof(*instr));
    instr->line = line;
    instr->rd = instr->rn = instr->rm = instr->rs = LITMUS_NO_REGISTER;
    row = instr_row(word, &suffix);
    if (!row && (word[0] == 'B' || word[0] == 'b') && word[1] == '.' &&
        instr_condition(word + 2, &instr->cond)) {
        instr->op = LITMUS_BRANCH;
        instr->branch = LITMUS_IF_COND;
        return mmusim__litmus_operands(rest, &operands)
                   ? decode_branch(&operands, instr)
                   : bad_operands;
    }
    if (!row)
        return not_supported;
    if (!mmusim__litmus_operands(rest, &operands))
        return bad_operands;
    instr->op = row->op;
    if (row->op == LITMUS_BRANCH)
        instr->branch = (enum litmus_branch) row->alu;
    else
        instr->alu = (enum litmus_alu) row->alu;
    instr_set_order(instr, word, row, suffix);
    return instr_call_decoder(row->decoder, &operands, instr);
}
