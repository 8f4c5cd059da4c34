/* SPDX-License-Identifier: MIT */
/* Defaults of a machine, and the rules that involve several keys. */
#include "machine/machine_config.h"

#include "coherence/protocol.h"
#include "core/diag.h"
#include "core/page_size.h"
#include "machine/machine_rows.h"
#include "os/kernel_map.h"
#include "tlb/mem_cache.h"
#include "tlb/mmu_sharing.h"
#include "tlb/psc.h"

#include <stdio.h>
#include <string.h>

static void config_count_arrays(struct machine_config *config)
{
    const struct machine_default *at = mmusim__machine_default_arrays();

    for (; at->key; at++) {
        for (uint32_t i = 0; i < TLB_LEVEL_COUNT; i++) {
            char prefix[32];
            int n = snprintf(prefix, sizeof(prefix), "tlb.%s.",
                             mmusim__machine_level_name(i));

            if (!strncmp(at->key, prefix, (size_t) n))
                config->tlb[i].n_arrays = (uint32_t) (at->key[n] - '0') + 1;
        }
    }
}

static void config_finish_psc(struct psc_config *psc)
{
    if (!psc->n_ways)
        psc->n_ways = psc->n_entries;
}

/* The kernel that a machine runs unless another is asked for. */
static const char *const config_usual_protocols[ISA_COUNT] = {
    [ISA_X86_64] = "linux-4.6",      [ISA_I386] = "linux-4.6",
    [ISA_ARMV8] = "linux-arm64-6.8", [ISA_ARMV7] = "linux-arm",
    [ISA_RISCV] = "linux-riscv",
};

/* Broadcasts of the hardware on Arm, if its cores can; else interrupts. */
static const char *config_usual_fabric(const struct machine_config *config)
{
    bool is_arm = config->isa == ISA_ARMV8 || config->isa == ISA_ARMV7;

    return is_arm && config->dvm.reaches_others ? "dvm" : "ipi";
}

void mmusim__machine_config_usual(struct machine_config *config)
{
    struct os_config *os = &config->os;
    const struct protocol_ops *protocol;

    if (!config->has_fabric)
        snprintf(config->fabric, sizeof(config->fabric), "%s",
                 config_usual_fabric(config));

    if (!os->has_protocol)
        snprintf(os->protocol, sizeof(os->protocol), "%s",
                 config_usual_protocols[config->isa]);
    protocol = mmusim__protocol_find(os->protocol);
    if (protocol && !os->has_flush_ceiling)
        os->flush_ceiling_pages = protocol->default_ceiling_pages;
}

void mmusim__machine_config_finish(struct machine_config *config)
{
    static const uint32_t block_orders[] = {
#define CONFIG_BLOCK_ORDER(name, word, order) order,
        CONFIG_BLOCK_MAP(CONFIG_BLOCK_ORDER)
#undef CONFIG_BLOCK_ORDER
    };

    for (uint32_t i = 0; i < TLB_LEVEL_COUNT; i++) {
        for (uint32_t j = 0; j < CONFIG_MAX_ARRAYS; j++) {
            struct tlb_array_config *array = &config->tlb[i].arrays[j];

            if (!array->n_ways)
                array->n_ways = array->n_entries;
        }
    }
    for (uint32_t i = 0; i < CONFIG_PSC_LEVELS; i++)
        config_finish_psc(&config->psc.levels[i]);
    config_finish_psc(&config->psc.cache);
    config_finish_psc(&config->guest.nested.tlb);
    config_finish_psc(&config->guest.nested.pointers);
    config->guest.nested.page_order = block_orders[config->guest.block];
}

void mmusim__machine_config_init(struct machine_config *config)
{
    struct machine_field field;
    char reason[FIELD_TEXT_BYTES];

    memset(config, 0, sizeof(*config));
    for (size_t i = 0; i < mmusim__machine_n_fields(); i++) {
        mmusim__machine_field_at(i, &field);
        mmusim__field_parse(field.row, (char *) config + field.base,
                            mmusim__machine_default(&field, NULL), reason);
    }
    mmusim__machine_config_usual(config);
    config_count_arrays(config);
    mmusim__machine_config_finish(config);
}

static mmusim_status_t config_wrong(mmusim_diag_t *diag, const char *key,
                                    const char *reason)
{
    mmusim__diag_set(diag, MMUSIM_CONFIG, "%s: %s", key, reason);
    mmusim__diag_key(diag, key);
    return MMUSIM_CONFIG;
}

static mmusim_status_t config_check_cpus(const struct machine_config *config,
                                         mmusim_diag_t *diag)
{
    uint64_t n_cpus = (uint64_t) config->n_sockets * config->cores_per_socket *
                      config->threads_per_core;

    if (!n_cpus || n_cpus > MAX_CPUS)
        return config_wrong(diag, "topology.cores_per_socket",
                            "sockets * cores_per_socket * threads_per_core "
                            "must be 1..256");
    return MMUSIM_OK;
}

enum { CONFIG_LINE_LOG2 = 6 }; /* bytes of a line that hardware coalesces in */

/* Can a translation of the format have the size: a page's, or that of a run
 * of entries (contiguous bit, Svnapot, Armv7 large pages, or what hardware
 * coalesces)? */
static bool config_has_size(const struct pt_format *format, uint32_t order)
{
    for (uint32_t level = 0; level < format->n_levels; level++) {
        const struct pt_level *at = &format->levels[level];
        uint32_t page = pt_level_order(format, level);

        if (at->has_leaves && (order == page || order == page + at->run_log2))
            return true;
    }
    return order > format->granule_order && order <= format->granule_order +
                                                         CONFIG_LINE_LOG2 -
                                                         format->word_log2;
}

static mmusim_status_t config_refuse_size(const struct pt_format *format,
                                          const char *key, mmusim_diag_t *diag)
{
    char reason[160];
    size_t used =
        (size_t) snprintf(reason, sizeof(reason), "page_sizes must be of");

    for (uint32_t level = 0; level < format->n_levels; level++) {
        char name[PAGE_SIZE_TEXT_BYTES];

        if (!format->levels[level].has_leaves)
            continue;
        mmusim__page_size_print(pt_level_order(format, level), name);
        used += (size_t) snprintf(reason + used, sizeof(reason) - used, "%s %s",
                                  level ? "," : "", name);
    }
    snprintf(reason + used, sizeof(reason) - used,
             ", or of a run of such pages");
    return config_wrong(diag, key, reason);
}

static mmusim_status_t config_check_level(const struct machine_config *config,
                                          const struct pt_format *format,
                                          uint32_t level, mmusim_diag_t *diag)
{
    const struct tlb_level_config *tlb = &config->tlb[level];
    bool is_first = level <= TLB_L1S;
    bool holds_smallest = false;
    char key[MACHINE_KEY_BYTES];

    snprintf(key, sizeof(key), "tlb.%s", mmusim__machine_level_name(level));
    if (tlb->n_arrays > CONFIG_MAX_ARRAYS)
        return config_wrong(diag, key, "too many arrays (at most 4)");
    for (uint32_t i = 0; i < tlb->n_arrays; i++) {
        const char *reason = mmusim__tlb_array_refuses(&tlb->arrays[i]);

        snprintf(key, sizeof(key), "tlb.%s.%u",
                 mmusim__machine_level_name(level), i);
        if (!reason && i && is_first && tlb->arrays[i].hit_cycles)
            reason = "hit_cycles must be 0 but in the first array: a first "
                     "level has one hit time";
        if (!reason && is_first && tlb->arrays[i].probe_cycles)
            reason = "probe_cycles must be 0 in a first level, which looks "
                     "at all page sizes at once";
        if (reason)
            return config_wrong(diag, key, reason);
        for (uint32_t j = 0; j < tlb->arrays[i].n_orders; j++) {
            uint32_t order = tlb->arrays[i].orders[j];

            if (!config_has_size(format, order))
                return config_refuse_size(format, key, diag);
            holds_smallest |= order <= format->granule_order;
        }
    }
    snprintf(key, sizeof(key), "tlb.%s", mmusim__machine_level_name(level));
    if (is_first && !holds_smallest && (level != TLB_L1S || tlb->n_arrays))
        return config_wrong(diag, key,
                            "a first level needs an array that holds the "
                            "smallest page");
    return MMUSIM_OK;
}

/* Does the second level take pages as large as a last table maps? */
static bool config_l2_holds_large(const struct machine_config *config)
{
    const struct tlb_level_config *l2 =
        &config->tlb[config->tlb[TLB_L2D].n_arrays ? TLB_L2D : TLB_L2];

    for (uint32_t i = 0; i < l2->n_arrays; i++) {
        for (uint32_t j = 0; j < l2->arrays[i].n_orders; j++) {
            if (l2->arrays[i].orders[j] == PAGE_ORDER_2M)
                return true;
        }
    }
    return false;
}

static mmusim_status_t config_check_smt(const struct machine_config *config,
                                        uint32_t level, uint32_t i,
                                        mmusim_diag_t *diag)
{
    const struct tlb_array_config *array = &config->tlb[level].arrays[i];
    const char *reason =
        mmusim__mmu_smt_refuses(array, config->threads_per_core);
    char key[MACHINE_KEY_BYTES];

    if (level == TLB_L3 && array->smt != TLB_SMT_PRIVATE)
        reason = "smt: the last level is tlb.l3.cores cores' with all their "
                 "threads; it must be private here";
    if (!reason)
        return MMUSIM_OK;
    snprintf(key, sizeof(key), "tlb.%s.%u", mmusim__machine_level_name(level),
             i);
    return config_wrong(diag, key, reason);
}

static mmusim_status_t config_check_sharing(const struct machine_config *config,
                                            mmusim_diag_t *diag)
{
    mmusim_status_t status = MMUSIM_OK;

    for (uint32_t level = 0; level < TLB_LEVEL_COUNT; level++) {
        for (uint32_t i = 0; !status && i < config->tlb[level].n_arrays; i++)
            status = config_check_smt(config, level, i, diag);
    }
    if (!status &&
        config->cores_per_socket % machine_config_l3_cores(config) != 0)
        return config_wrong(diag, "tlb.l3.cores",
                            "must divide topology.cores_per_socket");
    if (!status && config->tlb_sharing.has_cnp && config->isa != ISA_ARMV8)
        return config_wrong(diag, "tlb.cnp",
                            "is Armv8's (FEAT_TTCNP): elsewhere ASIDs of two "
                            "CPUs may name different address spaces");
    return status;
}

static mmusim_status_t config_check_levels(const struct machine_config *config,
                                           const struct pt_format *format,
                                           mmusim_diag_t *diag)
{
    mmusim_status_t status = MMUSIM_OK;

    for (uint32_t i = 0; !status && i < TLB_LEVEL_COUNT; i++)
        status = config_check_level(config, format, i, diag);
    if (!status)
        status = config_check_sharing(config, diag);
    if (!status && config->tlb[TLB_L2].n_arrays &&
        (config->tlb[TLB_L2I].n_arrays || config->tlb[TLB_L2D].n_arrays))
        return config_wrong(diag, "tlb.l2",
                            "a machine has l2, or l2i and l2d in its place "
                            "(tlb.l2: [] takes the default one away)");
    return status;
}

static mmusim_status_t config_check_psc(const struct machine_config *config,
                                        mmusim_diag_t *diag)
{
    char key[MACHINE_KEY_BYTES];
    const char *name;
    const char *reason = mmusim__psc_refuses(&config->psc, &name);

    if (reason) {
        snprintf(key, sizeof(key), "psc.%s", name);
        return config_wrong(diag, key, reason);
    }
    if (!strcmp(config->psc.kind, "page-directory") &&
        !config_l2_holds_large(config))
        return config_wrong(diag, "psc.kind",
                            "page-directory keeps PDEs in the second-level "
                            "TLB, which needs an array that holds 2M");
    return MMUSIM_OK;
}

static mmusim_status_t
config_check_coalescing(const struct machine_config *config,
                        const struct pt_format *format, mmusim_diag_t *diag)
{
    uint32_t n_pages = config->walker.coalesce_pages;
    char reason[80];

    if (n_pages != 1 && !(n_pages & (n_pages - 1)) &&
        n_pages <= 64U >> format->word_log2)
        return MMUSIM_OK;
    snprintf(reason, sizeof(reason),
             "must be 0, 2, 4 ... %u, what a line of 64 bytes holds",
             64U >> format->word_log2);
    return config_wrong(diag, "walker.coalesce_pages", reason);
}

static mmusim_status_t config_check_caches(const struct machine_config *config,
                                           mmusim_diag_t *diag)
{
    const struct memory_config *memory = &config->memory;
    const struct cache_config *caches[] = {&memory->l1d, &memory->l2,
                                           &memory->llc};
    static const char *const keys[] = {"memory.l1d.size", "memory.l2.size",
                                       "memory.llc.size"};
    static const char *const hash_keys[] = {"memory.l1d.hash_from_bit",
                                            "memory.l2.hash_from_bit",
                                            "memory.llc.hash_from_bit"};

    for (size_t i = 0; i < 3; i++) {
        const char *reason =
            mmusim__mem_cache_refuses(caches[i]->size_bytes, caches[i]->n_ways);

        if (reason)
            return config_wrong(diag, keys[i], reason);
        if (caches[i]->hash_from_bit &&
            caches[i]->hash_from_bit < CACHE_LINE_SHIFT)
            return config_wrong(diag, hash_keys[i],
                                "0 (no hash) or at least 6: the bits below "
                                "are inside a line");
    }
    if (memory->has_data && memory->model != MEMORY_HIERARCHY)
        return config_wrong(diag, "memory.data",
                            "true needs memory.model hierarchy");
    return MMUSIM_OK;
}

struct pt_options
mmusim__machine_config_format(const struct machine_config *config)
{
    static const char *const variants[] = {
#define CONFIG_VARIANT(name, word) [FORMAT_##name] = word,
        CONFIG_FORMAT_MAP(CONFIG_VARIANT)
#undef CONFIG_VARIANT
    };
    const struct page_table_config *table = &config->page_table;

    return (struct pt_options){
        .isa = isa_name(config->isa),
        .variant =
            table->format == FORMAT_USUAL ? NULL : variants[table->format],
        .n_levels = table->n_levels,
        .granule_bytes = UINT32_C(4096) << 2 * table->granule,
        .vaddr_bits = table->vaddr_bits,
    };
}

static mmusim_status_t config_check_format(const struct machine_config *config,
                                           struct pt_format *format,
                                           mmusim_diag_t *diag)
{
    struct pt_options options = mmusim__machine_config_format(config);

    return mmusim__pt_format_init(format, &options, diag);
}

struct pt_options
mmusim__machine_config_stage2(const struct machine_config *config)
{
    static const char *const variants[] = {
#define CONFIG_STAGE2_WORD(name, word) [STAGE2_##name] = word,
        CONFIG_STAGE2_MAP(CONFIG_STAGE2_WORD)
#undef CONFIG_STAGE2_WORD
    };
    struct pt_options options = mmusim__machine_config_format(config);
    enum config_stage2 format = config->guest.format;

    options.variant = format == STAGE2_USUAL ? NULL : variants[format];
    options.n_levels = config->guest.nested.n_levels;
    options.vaddr_bits = 0;
    options.stage = PT_STAGE_2;
    return options;
}

static mmusim_status_t config_check_guest_cache(const char *key,
                                                const struct psc_config *cache,
                                                mmusim_diag_t *diag)
{
    struct tlb_array_config array = {
        .n_entries = cache->n_entries,
        .n_ways = cache->n_ways,
        .n_orders = 1,
        .replacement = "lru",
    };
    const char *reason =
        cache->n_entries ? mmusim__tlb_array_refuses(&array) : NULL;

    return reason ? config_wrong(diag, key, reason) : MMUSIM_OK;
}

static mmusim_status_t config_check_guest(const struct machine_config *config,
                                          mmusim_diag_t *diag)
{
    const struct guest_config *guest = &config->guest;
    struct pt_options options = mmusim__machine_config_stage2(config);
    struct pt_format format;
    mmusim_status_t status =
        config_check_guest_cache("nested_tlb", &guest->nested.tlb, diag);

    if (!status)
        status = config_check_guest_cache("nested_psc", &guest->nested.pointers,
                                          diag);
    if (status || !guest->is_enabled)
        return status;
    if (mmusim__pt_format_init(&format, &options, NULL))
        return config_wrong(diag, "virt.format",
                            "this architecture has no such second stage; on "
                            "x86-64 ept, ept-no-ad or npt, with virt.levels 0, "
                            "4 or 5");
    if (pt_leaf_level(&format, guest->nested.page_order) == PT_MAX_LEVELS)
        return config_wrong(diag, "virt.page_size",
                            "the second stage has no pages of that size (4K, "
                            "2M or 1G with a granule of 4K)");
    if ((config->os.memory_bytes - 1) >> format.vaddr_bits ||
        (config->os.memory_bytes - 1) >> mmusim__nested_memory_bits(&format))
        return config_wrong(diag, "os.memory",
                            "more than the second stage's addresses can back; "
                            "half of its physical addresses are for it");
    return MMUSIM_OK;
}

/* One for each CPU and one more, of pairs if they come in pairs, beside 0. */
static bool config_has_enough_asids(const struct machine_config *config)
{
    uint32_t bits = config->isa == ISA_ARMV7 ? 8 : config->arm.asid_bits;
    uint32_t n_spaces = (1U << bits) / (config->isa == ISA_ARMV7 ? 1 : 2);

    return n_spaces > machine_config_cpus(config) + 1;
}

/* Protocols that are written for Arm's broadcasts need them. */
static mmusim_status_t config_check_fabric(const struct machine_config *config,
                                           mmusim_diag_t *diag)
{
    const char *usual = config_usual_fabric(config);
    bool is_arm = config->isa == ISA_ARMV8 || config->isa == ISA_ARMV7;
    char reason[128];

    if (config->arm.watches_bbm && config->isa != ISA_ARMV8)
        return config_wrong(diag, "arm.watch_bbm",
                            "watches descriptors of isa armv8");
    if (config->arm.asid_bits != 8 && config->arm.asid_bits != 16)
        return config_wrong(diag, "arm.asid_bits", "must be 8 or 16");
    if (is_arm && !config_has_enough_asids(config))
        return config_wrong(diag, "arm.asid_bits",
                            "too few ASIDs for so many CPUs");
    if (config->os.has_pti && config->isa != ISA_ARMV8 &&
        config->isa != ISA_X86_64)
        return config_wrong(diag, "os.pti",
                            "only isa armv8 and x86-64 have it here");
    if (config->isa == ISA_ARMV7 && config->guest.is_enabled &&
        config->page_table.format != FORMAT_LPAE)
        return config_wrong(diag, "virt.enabled",
                            "Armv7 has virtualization only with "
                            "page_table.format: lpae");
    if (config->isa == ISA_ARMV8 && !config->dvm.reaches_others)
        return config_wrong(diag, "dvm.broadcast",
                            "every Armv8 core can broadcast: true");
    if (!is_arm || !strcmp(config->fabric, usual))
        return MMUSIM_OK;
    snprintf(reason, sizeof(reason), "must be %s on this machine", usual);
    return config_wrong(diag, "fabric", reason);
}

static mmusim_status_t
config_check_protocol(const struct machine_config *config, mmusim_diag_t *diag)
{
    const struct protocol_ops *protocol =
        mmusim__protocol_find(config->os.protocol);
    bool has_no_ceiling = protocol->ceiling_rule == CEILING_NONE ||
                          protocol->ceiling_rule == CEILING_ALWAYS;
    char reason[128];

    if (!(protocol->isas >> config->isa & 1U)) {
        snprintf(reason, sizeof(reason), "%s does not run on %s (usual: %s)",
                 protocol->name, isa_name(config->isa),
                 config_usual_protocols[config->isa]);
        return config_wrong(diag, "os.protocol", reason);
    }
    if (config->os.has_pti && config->isa == ISA_X86_64 &&
        !protocol->uses_pcid) {
        snprintf(reason, sizeof(reason),
                 "%s has no page-table isolation (linux-4.20 and later have)",
                 protocol->name);
        return config_wrong(diag, "os.pti", reason);
    }
    if (config->os.has_flush_ceiling && has_no_ceiling) {
        snprintf(reason, sizeof(reason), "%s has no ceiling to set",
                 protocol->name);
        return config_wrong(diag, "os.flush_ceiling", reason);
    }
    if (config->os.batched_unmap == BATCHED_ON && !protocol->batch_flush) {
        snprintf(reason, sizeof(reason), "%s has no batched flushes",
                 protocol->name);
        return config_wrong(diag, "os.batched_unmap", reason);
    }
    if (config->os.fault_around_pages & (config->os.fault_around_pages - 1))
        return config_wrong(diag, "os.fault_around_pages",
                            "a power of two is expected");
    return MMUSIM_OK;
}

static mmusim_status_t
config_check_kernel_map(const struct machine_config *config,
                        const struct pt_format *format, mmusim_diag_t *diag)
{
    const char *name = NULL;

    if (config->os.kernel_map >= KERNEL_MAP_NAMED)
        name = mmusim_linux_layout_name_at(config->os.kernel_map -
                                           KERNEL_MAP_NAMED);
    if (name && !mmusim__kernel_map_fits(name, format))
        return config_wrong(diag, "os.kernel_map",
                            "does not lie in these page tables (usual: auto)");
    return MMUSIM_OK;
}

mmusim_status_t
mmusim__machine_config_check(const struct machine_config *config,
                             mmusim_diag_t *diag)
{
    mmusim_status_t status = config_check_cpus(config, diag);
    struct pt_format format;

    if (!status)
        status = config_check_format(config, &format, diag);
    if (!status)
        status = config_check_levels(config, &format, diag);
    if (!status)
        status = config_check_coalescing(config, &format, diag);
    if (!status)
        status = config_check_protocol(config, diag);
    if (!status)
        status = config_check_kernel_map(config, &format, diag);
    if (!status)
        status = config_check_fabric(config, diag);
    if (!status)
        status = config_check_psc(config, diag);
    if (!status)
        status = config_check_caches(config, diag);
    if (!status)
        status = config_check_guest(config, diag);
    if (!status && mmusim__iommu_refuses(&config->iommu))
        status = config_wrong(diag, "iommu.devices",
                              mmusim__iommu_refuses(&config->iommu));
    return status;
}
