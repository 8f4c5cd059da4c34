/* SPDX-License-Identifier: MIT */
/*
 * Arm's long-descriptor formats: VMSAv8-64 with granules of 4K, 16K and 64K,
 * addresses of up to 48 bits, or of 52 (FEAT_LVA and FEAT_LPA at 64K,
 * FEAT_LPA2 with TCR_ELx.DS at 4K and 16K), stages 1 and 2: Arm ARM (DDI
 * 0487) D8.3, translation table descriptor formats; and Armv7-A's LPAE: Arm
 * ARM (DDI 0406C) B3.6. The manual's level 3 is our level 0.
 *
 * Made as Linux makes them: arch/arm64/include/asm/pgtable-{hwdef,prot}.h,
 * arch/arm/include/asm/pgtable-3level.h.
 *
 * Left out: memory types and shareability (made, not read), NS, GP, PBHA,
 * permission indirection, execute-only pages of EL0 (AP[1] = 0 makes a page
 * privileged), EL1 fetches from pages that EL0 may use, FEAT_XNX.
 */
#include "tlb/pt_table.h"

#include "core/check.h"

#include <stdio.h>

#define LONG_BIT(n)        (UINT64_C(1) << (n))
#define LONG_BITS(high, n) ((LONG_BIT((high) - (n) + 1) - 1) << (n))

#define LONG_VALID      LONG_BIT(0)
#define LONG_TABLE      LONG_BIT(1)     /* at level 3: a page */
#define LONG_USER       LONG_BIT(6)     /* AP[1] */
#define LONG_READ_ONLY  LONG_BIT(7)     /* AP[2] */
#define LONG_INNER      LONG_BITS(9, 8) /* SH: inner shareable */
#define LONG_AF         LONG_BIT(10)
#define LONG_NOT_GLOBAL LONG_BIT(11)
#define LONG_DBM        LONG_BIT(51)
#define LONG_CONTIGUOUS LONG_BIT(52)
#define LONG_PXN        LONG_BIT(53)
#define LONG_UXN        LONG_BIT(54) /* LPAE: XN */
#define LONG_PXN_TABLE  LONG_BIT(59)
#define LONG_UXN_TABLE  LONG_BIT(60)
#define LONG_TABLE_USER LONG_BIT(61)    /* APTable[0]: 1 = not for EL0 */
#define LONG_TABLE_READ LONG_BIT(62)    /* APTable[1]: 1 = read-only */
#define LONG_S2_READ    LONG_BIT(6)     /* S2AP[0] */
#define LONG_S2_WRITE   LONG_BIT(7)     /* S2AP[1] */
#define LONG_S2_NORMAL  LONG_BITS(5, 2) /* MemAttr: write-back */
#define LONG_S2_XN      LONG_BIT(54)

/* Bits 58:55 are software's. Linux's L_PTE_DIRTY, L_PTE_NONE and L_PTE_RDONLY
 * of LPAE; on arm64 PTE_DIRTY, and for PTE_PROT_NONE it has bit 58. */
#define LONG_SOFT_DIRTY     LONG_BIT(55)
#define LONG_SOFT_NONE      LONG_BIT(57)
#define LONG_SOFT_READ_ONLY LONG_BIT(58)

enum {
    LONG_WORD_LOG2 = 3,
    LONG_MAX_CONCATENATED_LOG2 = 4, /* 16 tables: D8.2, stage 2 */
    LONG_MIN_BITS = 25,             /* TxSZ <= 39 without FEAT_TTST */
};

static bool long_has_52_bits(const struct pt_format *format)
{
    return format->paddr_bits > 48;
}

/* The address in a descriptor, of what is 2^shift bytes large. */
static uint64_t long_address(const struct pt_format *format, uint64_t word,
                             uint32_t shift)
{
    uint64_t address = word & LONG_BITS(47, 12);

    if (long_has_52_bits(format) && format->granule_order == 4)
        address |= (word & LONG_BITS(15, 12)) << 36;
    else if (long_has_52_bits(format))
        address |= (word & LONG_BITS(49, 48)) | (word & LONG_BITS(9, 8)) << 42;
    return address >> shift << shift;
}

static uint64_t long_address_bits(const struct pt_format *format,
                                  uint64_t address)
{
    uint64_t word = address & LONG_BITS(47, 12);

    if (long_has_52_bits(format) && format->granule_order == 4)
        word |= address >> 36 & LONG_BITS(15, 12);
    else if (long_has_52_bits(format))
        word |=
            (address & LONG_BITS(49, 48)) | (address >> 42 & LONG_BITS(9, 8));
    return word;
}

/* ---- rights ---- */

/* LPAE has no DBM: Linux keeps "writable" in a software bit. */
static bool long_is_writable(const struct pt_format *format, uint64_t word)
{
    if (!(word & LONG_READ_ONLY))
        return true;
    return format->sets_dirty ? word & LONG_DBM : !(word & LONG_SOFT_READ_ONLY);
}

static uint32_t long_leaf_rights(const struct pt_format *format, uint64_t word)
{
    uint32_t rights = TLB_READ;
    bool is_writable = long_is_writable(format, word);

    if (is_writable)
        rights |= TLB_WRITE;
    if (is_writable ? !(word & LONG_READ_ONLY) : !!(word & LONG_SOFT_DIRTY))
        rights |= TLB_DIRTY;
    if (word & LONG_USER)
        rights |= TLB_USER;
    if (!(word & LONG_UXN))
        rights |= TLB_EXEC;
    /* LPAE: XN forbids both levels (B3.7.2). */
    if (!(word & LONG_PXN) && (format->sets_dirty || !(word & LONG_UXN)))
        rights |= PT_PRIVILEGED_EXEC;
    if (!(word & LONG_NOT_GLOBAL))
        rights |= TLB_GLOBAL;
    return rights;
}

static uint32_t long_table_rights(const struct pt_format *format, uint64_t word)
{
    uint32_t rights = TLB_READ;

    if (!(word & LONG_TABLE_READ))
        rights |= TLB_WRITE;
    if (!(word & LONG_TABLE_USER))
        rights |= TLB_USER;
    if (!(word & LONG_UXN_TABLE))
        rights |= TLB_EXEC;
    if (!(word & LONG_PXN_TABLE) &&
        (format->sets_dirty || !(word & LONG_UXN_TABLE)))
        rights |= PT_PRIVILEGED_EXEC;
    return rights;
}

static uint32_t long_stage_2_rights(uint64_t word)
{
    uint32_t rights = TLB_USER | PT_PRIVILEGED_EXEC;

    if (word & LONG_S2_READ)
        rights |= TLB_READ;
    if (word & LONG_S2_WRITE)
        rights |= TLB_WRITE | TLB_DIRTY;
    else if (word & LONG_DBM)
        rights |= TLB_WRITE;
    if (!(word & LONG_S2_XN))
        rights |= TLB_EXEC;
    return rights;
}

/* ---- reading ---- */

/* Bit 1 clear is a block where the granule has blocks; elsewhere, as bits 1:0
 * = 01 at level 3, the descriptor is invalid. */
static bool long_is_present(const struct pt_format *format, uint64_t word,
                            uint32_t level)
{
    if (!(word & LONG_VALID))
        return false;
    return (word & LONG_TABLE) || (level && format->levels[level].has_leaves);
}

static struct pt_entry long_decode(const struct pt_format *format,
                                   uint64_t word, uint32_t level)
{
    const struct pt_level *at = &format->levels[level];
    struct pt_entry entry = {0};
    uint64_t address;

    if (!long_is_present(format, word, level))
        return entry;
    entry.is_present = true;
    entry.is_leaf = !level || !(word & LONG_TABLE);
    entry.is_accessed = !entry.is_leaf || (word & LONG_AF);
    address = long_address(
        format, word,
        entry.is_leaf ? at->shift : format->granule_order + BASE_PAGE_SHIFT);
    entry.is_reserved = address >> format->paddr_bits;
    entry.pfn = (pfn_t){address >> BASE_PAGE_SHIFT};
    if (!entry.is_leaf) {
        entry.table = address;
        entry.rights = format->stage == PT_STAGE_1
                           ? long_table_rights(format, word)
                           : PT_ALL_RIGHTS;
        return entry;
    }
    entry.order = entry.run_order = (uint8_t) pt_level_order(format, level);
    if (word & LONG_CONTIGUOUS)
        entry.run_order = (uint8_t) (entry.run_order + at->run_log2);
    entry.rights = format->stage == PT_STAGE_1 ? long_leaf_rights(format, word)
                                               : long_stage_2_rights(word);
    return entry;
}

/* ---- making ---- */

static uint64_t long_stage_1_bits(const struct pt_format *format,
                                  uint32_t rights)
{
    uint64_t word = LONG_PXN | LONG_UXN;

    if (rights & TLB_EXEC)
        word &= rights & TLB_USER ? ~LONG_UXN : ~LONG_PXN;
    /* LPAE's XN is for both levels. */
    if ((rights & TLB_EXEC) && !format->sets_dirty)
        word &= ~LONG_UXN;
    if (rights & TLB_USER)
        word |= LONG_USER;
    if (!(rights & TLB_GLOBAL))
        word |= LONG_NOT_GLOBAL;
    if (rights & TLB_DIRTY)
        word |= LONG_SOFT_DIRTY;
    if ((rights & TLB_WRITE) && format->sets_dirty)
        word |= LONG_DBM; /* PTE_WRITE */
    if (!(rights & TLB_WRITE))
        word |= LONG_READ_ONLY | (format->sets_dirty ? 0 : LONG_SOFT_READ_ONLY);
    else if (!(rights & TLB_DIRTY))
        word |= LONG_READ_ONLY;
    return word;
}

static uint64_t long_stage_2_bits(uint32_t rights)
{
    uint64_t word = LONG_S2_NORMAL;

    if (rights & TLB_READ)
        word |= LONG_S2_READ;
    if (rights & TLB_WRITE)
        word |= LONG_DBM | (rights & TLB_DIRTY ? LONG_S2_WRITE : 0);
    if (!(rights & TLB_EXEC))
        word |= LONG_S2_XN;
    return word;
}

static uint64_t long_make_leaf(const struct pt_format *format, pfn_t pfn,
                               uint32_t level, uint32_t rights,
                               bool is_accessed)
{
    uint32_t shift = format->levels[level].shift;
    uint64_t word = LONG_VALID;

    mmusim_assert(format->levels[level].has_leaves);
    word |= long_address_bits(format, pfn_paddr(pfn) >> shift << shift);
    if (level == 0)
        word |= LONG_TABLE;
    /* With DS, SH is in TCR and its bits are the address's. */
    if (!long_has_52_bits(format) || format->granule_order == 4)
        word |= LONG_INNER;
    if (is_accessed)
        word |= LONG_AF;
    return word |
           (format->stage == PT_STAGE_1 ? long_stage_1_bits(format, rights)
                                        : long_stage_2_bits(rights));
}

static uint64_t long_make_table(const struct pt_format *format, uint64_t table,
                                uint32_t level)
{
    (void) level;
    return long_address_bits(format, table) | LONG_TABLE | LONG_VALID;
}

static uint64_t long_set_accessed(uint64_t word, uint32_t level)
{
    (void) level;
    return word | LONG_AF;
}

/* What the hardware does to a descriptor with DBM: it clears AP[2]. */
static uint64_t long_set_dirty(uint64_t word, uint32_t level)
{
    (void) level;
    if (!(word & LONG_DBM))
        return word | LONG_AF | LONG_SOFT_DIRTY;
    return (word & ~LONG_READ_ONLY) | LONG_AF;
}

/* pte_mkdirty() of LPAE. */
static uint64_t lpae_set_dirty(uint64_t word, uint32_t level)
{
    (void) level;
    if (!(word & LONG_SOFT_READ_ONLY))
        word &= ~LONG_READ_ONLY;
    return word | LONG_AF | LONG_SOFT_DIRTY;
}

static uint64_t long_s2_set_dirty(uint64_t word, uint32_t level)
{
    (void) level;
    return word | LONG_AF | LONG_S2_WRITE;
}

static uint64_t long_hide(uint64_t word, uint32_t level)
{
    (void) level;
    return (word & ~LONG_VALID) | LONG_SOFT_NONE;
}

static uint64_t long_reveal(uint64_t word, uint32_t level)
{
    (void) level;
    if (!(word & LONG_SOFT_NONE) || (word & LONG_VALID))
        return word;
    return (word & ~LONG_SOFT_NONE) | LONG_VALID;
}

static uint64_t long_join(const struct pt_format *format, uint64_t word,
                          uint32_t level)
{
    return format->levels[level].run_log2 ? word | LONG_CONTIGUOUS : word;
}

/* ---- shapes ---- */

/* Entries of a contiguous run, by granule and our level: D8.6, the Contiguous
 * bit. 4K: 64K, 32M and 16G; 16K: 2M and 1G; 64K: 2M and 16G. */
static uint8_t long_run_log2(uint32_t granule_order, uint32_t level)
{
    static const uint8_t runs[][3] = {
        [0] = {4, 4, 4}, [2] = {7, 5, 0}, [4] = {5, 5, 0}};

    return level < 3 ? runs[granule_order][level] : 0;
}

/* Blocks by granule: D8.3, block descriptors. 4K: 2M, 1G, with DS 512G; 16K:
 * 32M, with DS 64G; 64K: 512M, with 52-bit addresses 4T. */
static bool long_has_leaves(const struct pt_format *format, uint32_t level)
{
    uint32_t n_levels = format->granule_order == 0 ? 3 : 2;

    return level < n_levels + long_has_52_bits(format);
}

static void long_set_levels(struct pt_format *format)
{
    uint32_t granule_shift = format->granule_order + BASE_PAGE_SHIFT;
    uint32_t bits = granule_shift - LONG_WORD_LOG2;

    for (uint32_t level = 0; level < format->n_levels; level++) {
        struct pt_level *at = &format->levels[level];
        uint32_t shift = granule_shift + bits * level;
        bool is_top = level + 1 == format->n_levels;

        at->shift = (uint8_t) shift;
        at->bits = (uint8_t) (is_top ? format->vaddr_bits - shift : bits);
        at->has_leaves = long_has_leaves(format, level);
        if (at->has_leaves)
            at->run_log2 = long_run_log2(format->granule_order, level);
    }
}

static void long_set_functions(struct pt_format *format)
{
    format->word_log2 = LONG_WORD_LOG2;
    format->decode = long_decode;
    format->make_leaf = long_make_leaf;
    format->make_table = long_make_table;
    format->set_accessed = long_set_accessed;
    format->set_dirty =
        format->stage == PT_STAGE_1 ? long_set_dirty : long_s2_set_dirty;
    format->hide = long_hide;
    format->reveal = long_reveal;
    format->join = long_join;
}

/* Linux's sizes: CONFIG_ARM64_VA_BITS by granule and levels. */
static uint32_t long_usual_bits(uint32_t granule_order, uint32_t n_levels)
{
    if (granule_order == 0 && n_levels == 5)
        return 52;
    return n_levels ? (uint32_t) min_u64(48, BASE_PAGE_SHIFT + granule_order +
                                                 (9 + granule_order) * n_levels)
                    : 48;
}

/* Levels that translate a number of bits; stage 2 may begin with up to 16
 * tables side by side, and Linux has it begin as low as it can (KVM,
 * stage2_pgtable_levels). */
static uint32_t long_n_levels(const struct pt_format *format)
{
    uint32_t bits = 9 + format->granule_order;
    uint32_t index_bits =
        format->vaddr_bits - format->granule_order - BASE_PAGE_SHIFT;

    if (format->stage == PT_STAGE_2 &&
        index_bits > bits + LONG_MAX_CONCATENATED_LOG2)
        index_bits -= LONG_MAX_CONCATENATED_LOG2;
    else if (format->stage == PT_STAGE_2)
        return 1;
    return (index_bits + bits - 1) / bits;
}

static bool long_levels_fit(const struct pt_format *format)
{
    uint32_t bits = 9 + format->granule_order;
    uint32_t below =
        format->granule_order + BASE_PAGE_SHIFT + bits * (format->n_levels - 1);
    uint32_t most = bits + (format->stage == PT_STAGE_2
                                ? (uint32_t) LONG_MAX_CONCATENATED_LOG2
                                : 0);

    return format->vaddr_bits > below && format->vaddr_bits <= below + most;
}

static mmusim_status_t long_refuse_levels(const struct pt_format *format,
                                          mmusim_diag_t *diag)
{
    char text[96];

    snprintf(text, sizeof(text),
             "%u bits with this granule are translated by %u levels",
             (unsigned) format->vaddr_bits, (unsigned) long_n_levels(format));
    return mmusim__pt_refuse(diag, "page_table.levels", text);
}

static mmusim_status_t armv8_init(struct pt_format *format,
                                  const struct pt_options *options,
                                  mmusim_diag_t *diag)
{
    uint32_t granule = options->granule_bytes ? options->granule_bytes : 4096;

    *format = (struct pt_format){
        .stage = options->stage,
        .granule_order = granule == 65536   ? 4
                         : granule == 16384 ? 2
                                            : 0,
        .has_split_roots = options->stage == PT_STAGE_1,
        .sets_accessed = true,
        .sets_dirty = true,
        .has_privileged_exec = options->stage == PT_STAGE_1,
    };
    if (granule != 4096 && granule != 16384 && granule != 65536)
        return mmusim__pt_refuse(diag, "page_table.granule",
                                 "armv8 has granules of 4K, 16K and 64K");
    format->vaddr_bits =
        options->vaddr_bits
            ? options->vaddr_bits
            : long_usual_bits(format->granule_order, options->n_levels);
    if (format->vaddr_bits < LONG_MIN_BITS || format->vaddr_bits > 52)
        return mmusim__pt_refuse(diag, "page_table.vaddr_bits",
                                 "armv8 translates 25 to 52 bits");
    format->paddr_bits = options->paddr_bits       ? options->paddr_bits
                         : format->vaddr_bits > 48 ? 52
                                                   : 48;
    if (format->vaddr_bits > 48 && format->granule_order < 4)
        format->paddr_bits = 52; /* DS: one layout for both */
    format->n_levels =
        options->n_levels ? options->n_levels : long_n_levels(format);
    if (format->n_levels > PT_MAX_LEVELS || !long_levels_fit(format))
        return long_refuse_levels(format, diag);
    long_set_levels(format);
    long_set_functions(format);
    snprintf(format->name, sizeof(format->name), "armv8 %uK %u-bit%s",
             (unsigned) granule / 1024, (unsigned) format->vaddr_bits,
             format->stage == PT_STAGE_2 ? " stage 2" : "");
    return MMUSIM_OK;
}

mmusim_status_t mmusim__pt_armv8_init(struct pt_format *format,
                                      const struct pt_options *options,
                                      mmusim_diag_t *diag)
{
    struct pt_format made;
    mmusim_status_t status = armv8_init(&made, options, diag);

    if (!status)
        *format = made;
    return status;
}

mmusim_status_t mmusim__pt_lpae_init(struct pt_format *format,
                                     const struct pt_options *options,
                                     mmusim_diag_t *diag)
{
    bool is_stage_2 = options->stage == PT_STAGE_2;
    uint32_t bits = is_stage_2 ? 40 : 32;

    if (options->n_levels && options->n_levels != 3)
        return mmusim__pt_refuse(diag, "page_table.levels",
                                 "armv7's lpae has 3 levels");
    if (options->granule_bytes && options->granule_bytes != 4096)
        return mmusim__pt_refuse(diag, "page_table.granule",
                                 "armv7's smallest page is 4K");
    if (options->vaddr_bits && options->vaddr_bits != bits)
        return mmusim__pt_refuse(diag, "page_table.vaddr_bits",
                                 "armv7 translates 32 bits, 40 in stage 2");
    *format = (struct pt_format){
        .name = "armv7 lpae",
        .n_levels = 3,
        .vaddr_bits = bits,
        .paddr_bits = 40,
        .stage = options->stage,
        .has_privileged_exec = !is_stage_2,
    };
    long_set_levels(format);
    long_set_functions(format);
    if (!is_stage_2)
        format->set_dirty = lpae_set_dirty;
    return MMUSIM_OK;
}
