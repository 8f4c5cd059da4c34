/* SPDX-License-Identifier: MIT */
/*
 * The keys of a machine. The defaults are a generic server core of the
 * Haswell to Skylake class at 3 GHz; "sum" in a source means the figure is one
 * part of a measured sum: touch + madvise(DONTNEED) of one page takes 661 ns
 * alone, 775 ns more with one remote target (Amit, LKML 2019, Haswell). How
 * the parts share it is a guess; that they add up to it on skylake-sp is
 * fitted (docs/validation.md).
 */
#include "machine/machine_rows.h"

#include "coherence/protocol.h"
#include "core/check.h"
#include "machine/row_macros.h"
#include "tlb/fill_policy.h"
#include "tlb/prefetch.h"
#include "tlb/psc.h"

#include <stdio.h>
#include <string.h>

static const char *const rows_isa[] = {
#define ROWS_ISA(name, word) word,
    ISA_MAP(ROWS_ISA)
#undef ROWS_ISA
        NULL};
static const char *const rows_kernel_map[] = {
    "auto",      "none",      "x86-64-4.6", "x86-64", "x86-64-la57",
    "arm64-4.6", "arm64-6.8", "arm64-7.1",  NULL};
static const char *const rows_order[] = {"recorded", "relaxed", NULL};
static const char *const rows_engine[] = {"run-ahead", "reference", NULL};
static const char *const rows_model[] = {"fixed", "hierarchy", NULL};
static const char *const rows_cache_replacement[] = {"lru", "random", NULL};
static const char *const rows_psc_levels[] = {"all", "last", NULL};
static const char *const rows_smt[] = {"private", "shared", "partitioned",
                                       NULL};
static const char *const rows_index[] = {
#define ROWS_INDEX_WORD(name, word) word,
    TLB_INDEX_MAP(ROWS_INDEX_WORD)
#undef ROWS_INDEX_WORD
        NULL};
static const char *const rows_flags[] = {"hardware", "software", NULL};
static const char *const rows_granule[] = {"4K", "16K", "64K", NULL};
static const char *const rows_format[] = {
#define ROWS_FORMAT_WORD(name, word) word,
    CONFIG_FORMAT_MAP(ROWS_FORMAT_WORD)
#undef ROWS_FORMAT_WORD
        NULL};
static const char *const rows_thread_placement[] = {"cores", "spread", "pairs",
                                                    NULL};
static const char *const rows_node_policy[] = {"local", "interleave", NULL};
static const char *const rows_thp[] = {"never", "madvise", "always", NULL};
static const char *const rows_page_cache[] = {"warm", "cold", NULL};

static const char *rows_prefetch_at(size_t index)
{
    const struct prefetch_ops *ops = mmusim__prefetch_at(index);

    return ops ? ops->name : NULL;
}

static const char *rows_fill_at(size_t index)
{
    const struct tlb_fill_ops *ops = mmusim__fill_at(index);

    return ops ? ops->name : NULL;
}

static const char *rows_psc_kind_at(size_t index)
{
    const struct psc_ops *ops = mmusim__psc_at(index);

    return ops ? ops->name : NULL;
}

static const char *rows_replacement_at(size_t index)
{
    const struct repl_ops *ops = mmusim__repl_at(index);

    return ops ? ops->name : NULL;
}

#define PSC(name, at, entries, span)                                           \
    U32("psc." name ".entries", psc.levels[at].n_entries, "entries", 0, 4096,  \
        entries, "entries of the " name " cache (" span " each); 0: none",     \
        "guess, hardware lists agree only on the order of magnitude"),         \
        WAYS("psc." name ".ways", psc.levels[at].n_ways, "full",               \
             "associativity of the " name " cache", "guess"),                  \
        CYCLES("psc." name ".hit_cycles", psc.levels[at].hit_cycles, "1",      \
               "look-up time when the " name " cache starts a walk", "guess")
#define LIMITS(name, level, which)                                             \
    U32("tlb." name ".ports", tlb_limits[level].n_ports, "look-ups", 0, 64,    \
        "0", which ": look-ups in one cycle; 0: any number", "guess"),         \
        U32("tlb." name ".mshrs", tlb_limits[level].n_mshrs, "misses", 0, 64,  \
            "0", which ": misses that wait for a walk; 0: any number",         \
            "guess")
#define CACHE(name, field, size, ways, cycles, where)                          \
    U64("memory." name ".size", memory.field.size_bytes, "bytes", 0,           \
        UINT64_C(1) << 32, size, where ": size; 0: none", "guess"),            \
        U32("memory." name ".ways", memory.field.n_ways, "ways", 1, 64, ways,  \
            where ": associativity", "guess"),                                 \
        CYCLES("memory." name ".cycles", memory.field.hit_cycles, cycles,      \
               where ": load to use", "guess"),                                \
        U32("memory." name ".hash_from_bit", memory.field.hash_from_bit,       \
            "bits", 0, 63, "0",                                                \
            where                                                              \
            ": address bits from here up choose the set through a hash, "      \
            "those below as they are; 0: none hashed",                         \
            "a choice, not a measurement"),                                    \
        WORD("memory." name ".replacement", memory.field.replacement,          \
             rows_cache_replacement, "lru", where ": which line makes room",   \
             "guess"),                                                         \
        U32("memory." name ".bypass_percent", memory.field.bypass_percent,     \
            "%", 0, 99, "0",                                                   \
            where ": misses of a full set whose line is the next to go (lru) " \
                  "or is not kept (random)",                                   \
            "guess")

/* clang-format off */
static const struct field_row plain_rows[] = {
    {"name", FIELD_STRING, AT(name), "", 0, CONFIG_NAME_BYTES, 0, NULL, NULL,
     "generic", "what reports call the machine", "a choice, not a measurement"},
    WORD("isa", isa, rows_isa, "x86-64", "instruction set",
         "a choice, not a measurement"),
    FIXED("clock_ghz", clock_khz, "GHz", 1000, 10000000, 1000000, "3",
          "core clock; one clock for everything", "guess"),
    U32("topology.sockets", n_sockets, "sockets", 1, 256, "1",
        "processor sockets", "guess"),
    U32("topology.cores_per_socket", cores_per_socket, "cores", 1, 256, "4",
        "cores of a socket", "guess"),
    U32("topology.threads_per_core", threads_per_core, "threads", 1, 8, "1",
        "hardware threads of a core; tlb.LEVEL.N.smt says what they share", "guess"),
    FIXED("core.base_cpi", core.base_cpi_q16, "cycles/instruction", 1,
          100 * 65536, 65536, "0.5",
          "cycles per instruction when translation costs nothing",
          "guess, mixed integer code on a 4-wide core"),
    U32("core.window", core.window, "instructions", 0, 4096, "64",
        "instructions that may pass an unresolved miss; 0: in order",
        "guess, the reorder buffer is larger but dependent chains drain it"),
    U32("core.max_outstanding_walks", core.max_outstanding_walks, "walks", 1,
        64, "4", "misses in flight before the core stalls", "guess"),
    {"psc.kind", FIELD_NAME, AT(psc.kind), "", 0,
     sizeof(((struct psc_options *) NULL)->kind), 0, NULL, rows_psc_kind_at,
     "per-level", "how pointers to tables are cached",
     "Intel SDM vol. 3A 4.10.3.1"},
    PSC("pde", 0, "32", "2 MiB"),
    PSC("pdpte", 1, "4", "1 GiB"),
    PSC("pml4e", 2, "2", "512 GiB"),
    PSC("pml5e", 3, "0", "256 TiB"),
    U32("psc.cache.entries", psc.cache.n_entries, "entries", 0, 4096, "64",
        "entries of the one cache of kinds page-directory and walk-cache; 0: none",
        "Zen 2: 64 entries, WikiChip; Cortex-A53: 64, from memory"),
    WAYS("psc.cache.ways", psc.cache.n_ways, "full",
         "associativity of that cache", "guess"),
    CYCLES("psc.cache.hit_cycles", psc.cache.hit_cycles, "1",
           "look-up time when it, or a PDE in the second-level TLB, starts a walk",
           "guess"),
    {"psc.cache.levels", FIELD_BOOL, AT(psc.holds_last_only), "", 0, 0, 0,
     rows_psc_levels, NULL, "all",
     "pointers that a walk-cache holds: to all tables, or to last tables alone",
     "guess; last: Arm 100236 A6.2, Cortex-A35"},
    {"tlb.l2.fill", FIELD_NAME, AT(tlb_fill.l2), "", 0, CONFIG_FILL_BYTES, 0, NULL,
     rows_fill_at, "intel", "what the second level, or both, hold of the first "
     "levels' entries", "TLB;DR, USENIX Security 2022: Ivy Bridge to Kaby Lake"},
    {"tlb.l3.fill", FIELD_NAME, AT(tlb_fill.l3), "", 0, CONFIG_FILL_BYTES, 0, NULL,
     rows_fill_at, "intel", "what the last level holds of the levels' above",
     "guess"},
    LIMITS("l1i", TLB_L1I, "first level of fetches"),
    LIMITS("l1d", TLB_L1D, "first level of loads, or of all data"),
    LIMITS("l1s", TLB_L1S, "first level of stores"),
    LIMITS("l2", TLB_L2, "second level, or each of both"),
    U32("tlb.l3.cores", tlb_sharing.l3_cores, "cores", 0, 256, "0",
        "cores of a socket that share one last level; 0: all of them", "guess"),
    BOOL("tlb.cnp", tlb_sharing.has_cnp, "false",
         "CPUs that share an array share its entries of one ASID, too (Arm CnP)",
         "a choice, not a measurement"),
    U32("walker.count", walker.count, "walkers", 1, 16, "2",
        "page walks at a time per logical CPU",
        "Intel optimisation manual for Skylake, second hand"),
    CYCLES("walker.start_cycles", walker.start_cycles, "5",
           "from the last-level miss to the first read", "guess"),
    CYCLES("walker.dirty_cycles", walker.dirty_cycles, "500",
           "setting A or D of an entry, or both",
           "Amit, LKML: more than 500 cycles"),
    U32("walker.coalesce_pages", walker.coalesce_pages, "pages", 0, 16, "0",
        "neighbours in the line read that become one entry, where an array has "
        "the size; 0: none", "guess; AMD since Zen: 4 of 4K"),
    {"prefetch.policy", FIELD_NAME, AT(prefetch.policy), "", 0,
     PREFETCH_NAME_BYTES, 0, NULL, rows_prefetch_at, "none",
     "what is walked for before it is missed", "a choice, not a measurement"},
    U32("prefetch.entries", prefetch.n_entries, "entries", 1,
        PREFETCH_MAX_ENTRIES, "16", "entries of the prefetch buffer",
        "Kandiraju and Sivasubramaniam, ISCA 2002, 16 entries"),
    CYCLES("prefetch.hit_cycles", prefetch.hit_cycles, "8",
           "time of a hit in the prefetch buffer, in the bucket l2_tlb",
           "guess, as a second level's"),
    U32("speculation.fills_per_million", speculation.fills_per_million, "fills",
        0, 1000000, "0",
        "fills for pages nearby that the program does not access, per million "
        "instructions", "a choice, not a measurement"),
    WORD("memory.model", memory.model, rows_model, "fixed",
         "how page-table reads are timed", "a choice, not a measurement"),
    CYCLES("memory.fixed_cycles", memory.fixed_cycles, "12",
           "one page-table read, model fixed",
           "guess, most page-table lines hit L2"),
    BOOL("memory.data", memory.has_data, "false",
         "data accesses go through the caches, too", "a choice, not a measurement"),
    CACHE("l1d", l1d, "32K", "8", "4", "first-level data cache"),
    CYCLES("memory.l1d.fill_cycles", memory.l1d_fill_cycles, "0",
           "an L2 hit keeps its L1D set busy for so long after its data came",
           "guess, seen on Zen 3 and 4 alone"),
    CACHE("l2", l2, "1M", "16", "14", "second-level cache"),
    CACHE("llc", llc, "16M", "16", "60", "cache of a socket"),
    BOOL("memory.pair_prefetch", memory.has_pair_prefetch, "false",
         "a miss of L2 brings the other line of its 128 bytes, too",
         "guess"),
    CYCLES("memory.dram_cycles", memory.dram_cycles, "250", "a read of DRAM",
           "guess"),
    CYCLES("memory.remote_dram_cycles", memory.remote_dram_cycles, "150",
           "added when another socket owns the frame", "guess"),
    CYCLES("cost.syscall_entry_cycles", cost.syscall_entry_cycles, "70",
           "entry of a system call", "guess, sum"),
    CYCLES("cost.syscall_exit_cycles", cost.syscall_exit_cycles, "70",
           "return from a system call", "guess, sum"),
    CYCLES("cost.fault_entry_cycles", cost.fault_entry_cycles, "150",
           "exception entry, interrupts masked", "guess, sum"),
    CYCLES("cost.fault_exit_cycles", cost.fault_exit_cycles, "120",
           "return from a fault", "guess, sum"),
    CYCLES("cost.fault_body_cycles", cost.fault_body_cycles, "385",
           "handle_mm_fault without the rows below",
           "guess, fitted last; sum"),
    CYCLES("cost.major_fault_cycles", cost.major_fault_cycles, "300000",
           "reading a file page that is not cached",
           "guess, 100 us of a fast disk"),
    CYCLES("cost.vma_cycles", cost.vma_cycles, "80",
           "find, split, link or unlink one VMA", "guess, sum"),
    CYCLES("cost.pte_set_cycles", cost.pte_set_cycles, "40",
           "writing one entry", "guess, sum"),
    CYCLES("cost.pte_clear_cycles", cost.pte_clear_cycles, "45",
           "clearing one entry found present",
           "guess, atomic exchange and rmap; sum"),
    CYCLES("cost.pte_scan_cycles", cost.pte_scan_cycles, "3",
           "looking at one entry", "guess"),
    CYCLES("cost.table_alloc_cycles", cost.table_alloc_cycles, "400",
           "a page-table page: allocate and clear", "guess"),
    CYCLES("cost.table_free_cycles", cost.table_free_cycles, "150",
           "freeing a page-table page", "guess"),
    CYCLES("cost.page_alloc_cycles", cost.page_alloc_cycles, "150",
           "allocating a page", "guess, sum"),
    CYCLES("cost.page_free_cycles", cost.page_free_cycles, "100",
           "freeing a page", "guess, sum"),
    CYCLES("cost.page_zero_cycles", cost.page_zero_cycles, "250",
           "clearing 4 KiB", "guess, 16 bytes a cycle; sum"),
    CYCLES("cost.page_copy_cycles", cost.page_copy_cycles, "500",
           "copying 4 KiB", "guess, twice the clearing"),
    CYCLES("cost.migrate_page_cycles", cost.migrate_page_cycles, "1500",
           "moving a page to another frame, without its copy, entry and flush",
           "guess"),
    CYCLES("cost.thp_split_cycles", cost.thp_split_cycles, "1000",
           "splitting a huge mapping, without writing its entries", "guess"),
    CYCLES("cost.invlpg_cycles", cost.invlpg_cycles, "216", "one INVLPG",
           "LKML June 2015, INVLPG, Haswell Xeon"),
    CYCLES("cost.invpcid_cycles", cost.invpcid_cycles, "250", "one INVPCID",
           "guess, slower than INVLPG"),
    CYCLES("cost.cr3_write_cycles", cost.cr3_write_cycles, "124",
           "MOV CR3 that flushes",
           "LKML June 2015, MOV CR3 reload, Haswell Xeon"),
    CYCLES("cost.cr3_noflush_cycles", cost.cr3_noflush_cycles, "100",
           "MOV CR3 with bit 63: nothing is flushed", "guess, a little under the flushing form"),
    CYCLES("cost.global_flush_cycles", cost.global_flush_cycles, "960",
           "CR4.PGE off and on", "LKML June 2015, CR4.PGE, Haswell Xeon"),
    CYCLES("cost.flush_call_cycles", cost.flush_call_cycles, "80",
           "flush_tlb_* without its invalidations", "guess, sum"),
    CYCLES("cost.context_switch_cycles", cost.context_switch_cycles, "1500",
           "a switch without the CR3 write, interrupts masked", "guess"),
    CYCLES("cost.fork_cycles", cost.fork_cycles, "60000",
           "fixed part of fork", "guess"),
    CYCLES("cost.clone_cycles", cost.clone_cycles, "30000",
           "starting a thread", "guess"),
    CYCLES("cost.exec_cycles", cost.exec_cycles, "300000",
           "fixed part of exec", "guess"),
    CYCLES("cost.lock_cycles", cost.lock_cycles, "25",
           "an uncontended acquire", "guess, one atomic operation; sum"),
    CYCLES("cost.lock_handover_cycles", cost.lock_handover_cycles, "200",
           "from release to the next owner",
           "guess, one cache line from core to core"),
    U32("page_table.levels", page_table.n_levels, "levels", 0, 5, "0",
        "levels of the radix tables; 0: the architecture's usual number",
        "a choice, not a measurement"),
    WORD("page_table.granule", page_table.granule, rows_granule, "4K",
         "smallest page", "a choice, not a measurement"),
    WORD("page_table.format", page_table.format, rows_format, "usual",
         "which of the architecture's formats: armv7 has short (the usual one) and lpae, i386 plain, pse (the usual one) and pae",
         "a choice, not a measurement"),
    U32("page_table.vaddr_bits", page_table.vaddr_bits, "bits", 0, 57, "0",
        "bits of an address that are translated; 0: as usual with these levels",
        "a choice, not a measurement"),
    {"page_table.accessed", FIELD_BOOL, AT(walker.has_software_accessed), "",
     0, 0, 0, rows_flags, NULL, "hardware",
     "who sets A: the walker, or the kernel in a fault",
     "Intel SDM vol. 3A 4.8: hardware"},
    {"page_table.dirty", FIELD_BOOL, AT(walker.has_software_dirty), "",
     0, 0, 0, rows_flags, NULL, "hardware",
     "who sets D: the walker, or the kernel in a fault",
     "Intel SDM vol. 3A 4.8: hardware"},
    BOOL("x86.invpcid", has_invpcid, "true", "the machine has INVPCID",
         "guess for a generic part; CPUID.(EAX=07H,ECX=0):EBX[10] tells"),
    {"os.protocol", FIELD_NAME, AT(os.protocol), "", 0,
     sizeof(((struct os_config *) NULL)->protocol), 0, NULL,
     mmusim__protocol_name_at, "linux-4.6",
     "what the kernel does about TLBs", "a choice, not a measurement"},
    U64("os.flush_ceiling", os.flush_ceiling_pages, "pages", 0,
        UINT64_C(1) << 40, "33", "a flush of more pages is a full flush",
        "Linux 4.6 arch/x86/mm/tlb.c"),
    WORD("os.thp", os.thp, rows_thp, "never",
         "transparent huge pages: in all private anonymous areas, in those advised, or in none",
         "a choice, not a measurement"),
    U64("os.timeslice_cycles", os.timeslice_cycles, "cycles", 1,
        UINT64_C(1000000000000), "9000000",
        "time slice of threads that share a CPU",
        "guess, 3 ms: CFS of 4.6 with two or three runnable"),
    U64("os.memory", os.memory_bytes, "bytes", UINT64_C(1) << 20,
        UINT64_C(1) << 46, "64G", "physical memory", "guess"),
    U32("os.exec_arg_pages", os.n_exec_arg_pages, "pages", 0, 1024, "2",
        "of arguments and environment that exec writes and moves to the stack's place",
        "guess: an environment of 4 to 8 KiB"),
    U32("os.gather_alloc_failures", os.gather_failures_per_million,
        "per million", 0, 1000000, "0",
        "allocations of a page for an mmu_gather that fail: it flushes early",
        "a choice, not a measurement"),
    U32("os.frame_colours", os.n_frame_colours, "colours", 0, 256, "0",
        "single frames come at random, of the page's colour modulo this; 0: "
        "in order",
        "a choice, not a measurement"),
    WORD("os.thread_placement", os.thread_placement, rows_thread_placement,
         "cores",
         "which CPU stands for CPU n of a trace: n, sockets in turn, or all "
         "threads of a core before the next core",
         "a choice, not a measurement"),
    WORD("os.node_policy", os.node_policy, rows_node_policy, "local",
         "the node of a page: that of the CPU that touches it first, or by the page's number",
         "Linux mm/mempolicy.c: MPOL_DEFAULT is local"),
    BOOL("os.strict_maps", os.has_strict_maps, "false",
         "an access outside every mapping fails instead of mapping its page",
         "a choice, not a measurement"),
    U64("os.vmap_lazy_pages", os.vmap_lazy_pages, "pages", 0,
        UINT64_C(1) << 40, "8192",
        "vfree'd pages that wait for one flush, for each doubling of the CPUs "
        "(0: vfree flushes)",
        "Linux 4.6 mm/vmalloc.c, lazy_max_pages(): 32 MiB"),
    WORD("os.kernel_map", os.kernel_map, rows_kernel_map, "auto",
         "the kernel's own mappings, made when the first kernel thread starts",
         "a choice, not a measurement"),
    {"os.page_cache", FIELD_BOOL, AT(os.has_cold_page_cache), "", 0, 0, 0,
     rows_page_cache, NULL, "warm",
     "cold: the first touch of a file page reads the disk", "a choice, not a measurement"},
    WORD("order", order, rows_order, "recorded",
         "whether order stamps of a trace hold", "a choice, not a measurement"),
    WORD("engine", engine, rows_engine, "run-ahead",
         "reference: one event at a time; same results, slower", "a choice, not a measurement"),
    U64("seed", seed, "", 0, UINT64_MAX, "1", "seed of every random stream",
        "a choice, not a measurement"),
};
#undef AT

#define AT(field) offsetof(struct tlb_array_config, field)
static const struct field_row array_rows[MACHINE_ARRAY_ROWS] = {
    U32("entries", n_entries, "entries", 1, TLB_MAX_ENTRIES, "64",
        "entries of the array", "guess"),
    WAYS("ways", n_ways, "full", "associativity", "guess"),
    {"page_sizes", FIELD_SIZES, AT(n_orders), "", 0, 0, 0, NULL, NULL, "[4K]",
     "page sizes the array holds, ascending", "guess"},
    {"replacement", FIELD_NAME, AT(replacement), "", 0,
     sizeof(((struct tlb_array_config *) NULL)->replacement), 0, NULL,
     rows_replacement_at, "lru", "which entry makes room", "guess"},
    WORD("index", index, rows_index, "bits", "how an address selects its set",
         "guess"),
    CYCLES("hit_cycles", hit_cycles, "0",
           "time of a hit beyond the level before; of a first level, the "
           "first array has it for all",
           "guess"),
    {"ways_by_size", FIELD_COUNTS, AT(n_size_ways), "", 0, 0, 0, NULL, NULL,
     "all", "ways that a page of each size may lie in: from which to which, or how "
     "many, the page number choosing; sizes not named: all", "guess"},
    WORD("smt", smt, rows_smt, "private",
         "how the hardware threads of a core have the array: one each, one for "
         "all, or an equal part of it each", "guess"),
    U32("max_contexts", max_contexts, "contexts", 0, TLB_MAX_HELD, "0",
        "address spaces that have entries at a time, the one loaded longest "
        "ago loses all; 0: any number", "guess"),
    CYCLES("probe_cycles", probe_cycles, "0",
           "time from probing one page size to the next, smallest first; "
           "0: all at once",
           "guess"),
};
/* clang-format on */

enum {
    N_PLAIN = sizeof(plain_rows) / sizeof(plain_rows[0]),
};

_Static_assert((int) TLB_MAX_ORDERS == (int) FIELD_MAX_SIZES,
               "one list of sizes");
_Static_assert(offsetof(struct tlb_array_config, orders) -
                       offsetof(struct tlb_array_config, n_orders) ==
                   offsetof(struct field_sizes, orders),
               "the list of sizes lies as field.h says");
_Static_assert(offsetof(struct tlb_array_config, size_orders) -
                           offsetof(struct tlb_array_config, n_size_ways) ==
                       offsetof(struct field_counts, orders) &&
                   offsetof(struct tlb_array_config, size_ways) -
                           offsetof(struct tlb_array_config, n_size_ways) ==
                       offsetof(struct field_counts, counts) &&
                   offsetof(struct tlb_array_config, size_first_way) -
                           offsetof(struct tlb_array_config, n_size_ways) ==
                       offsetof(struct field_counts, firsts),
               "the counts by size lie as field.h says");
_Static_assert(TLB_ANY_RUN == FIELD_ANYWHERE, "the same word for anywhere");
_Static_assert(sizeof(enum tlb_index) == 4, "words are stored in 4 bytes");

#define HASWELL "InstLatx64, CPUID dump of Haswell-EP 306F2"
/* As Haswell-EP: L1 of three arrays, L2 of 4K and 2M. */
static const struct machine_default default_arrays[] = {
    {"tlb.l1i.0.entries", "128", "guess, 64 of each thread by CPUID"},
    {"tlb.l1i.0.ways", "8", HASWELL},
    {"tlb.l1i.1.entries", "8", HASWELL},
    {"tlb.l1i.1.page_sizes", "[2M, 1G]", "guess, 1G as 2M"},
    {"tlb.l1d.0.entries", "64", HASWELL},
    {"tlb.l1d.0.ways", "4", HASWELL},
    {"tlb.l1d.1.entries", "32", HASWELL},
    {"tlb.l1d.1.ways", "4", HASWELL},
    {"tlb.l1d.1.page_sizes", "[2M]", HASWELL},
    {"tlb.l1d.2.entries", "4", HASWELL},
    {"tlb.l1d.2.page_sizes", "[1G]", HASWELL},
    {"tlb.l2.0.entries", "1024", HASWELL},
    {"tlb.l2.0.ways", "8", HASWELL},
    {"tlb.l2.0.page_sizes", "[4K, 2M]", HASWELL},
    {"tlb.l2.0.hit_cycles", "8", "guess, 7 to 9 on neighbours"},
    {NULL, NULL, NULL},
};

const struct machine_default *mmusim__machine_default_arrays(void)
{
    return default_arrays;
}

const char *mmusim__machine_default(const struct machine_field *field,
                                    const char **source)
{
    const struct field_row *row = field->row;
    const struct machine_default *at = default_arrays;

    while (field->is_array && at->key && strcmp(at->key, field->key) != 0)
        at++;
    if (field->is_array && at->key) {
        if (source)
            *source = at->source;
        return at->value;
    }
    if (source)
        *source = row->source;
    return row->dflt ? row->dflt : row->words[0];
}

static size_t rows_n_plain(void)
{
    size_t n = N_PLAIN + mmusim__rows_fabric_n + mmusim__rows_guest_n +
               mmusim__rows_isa_n + mmusim__rows_memory_n +
               mmusim__rows_iommu_n + mmusim__rows_x86_n;

    mmusim_assert(n <= MACHINE_PLAIN_FIELDS_MAX);
    return n;
}

static const struct field_row *rows_plain_at(size_t index)
{
    if (index < N_PLAIN)
        return &plain_rows[index];
    index -= N_PLAIN;
    if (index < mmusim__rows_fabric_n)
        return &mmusim__rows_fabric[index];
    index -= mmusim__rows_fabric_n;
    if (index < mmusim__rows_guest_n)
        return &mmusim__rows_guest[index];
    index -= mmusim__rows_guest_n;
    if (index < mmusim__rows_isa_n)
        return &mmusim__rows_isa[index];
    index -= mmusim__rows_isa_n;
    if (index < mmusim__rows_memory_n)
        return &mmusim__rows_memory[index];
    index -= mmusim__rows_memory_n;
    if (index < mmusim__rows_iommu_n)
        return &mmusim__rows_iommu[index];
    return &mmusim__rows_x86[index - mmusim__rows_iommu_n];
}

size_t mmusim__machine_n_fields(void)
{
    return rows_n_plain() + MACHINE_ARRAY_FIELDS;
}

const char *mmusim__machine_level_name(uint32_t level)
{
    static const char *const names[TLB_LEVEL_COUNT] = {
        [TLB_L1I] = "l1i", [TLB_L1D] = "l1d", [TLB_L1S] = "l1s",
        [TLB_L2] = "l2",   [TLB_L2I] = "l2i", [TLB_L2D] = "l2d",
        [TLB_L3] = "l3",
    };

    return names[level];
}

void mmusim__machine_field_at(size_t index, struct machine_field *field)
{
    size_t n_plain = rows_n_plain();
    size_t array;

    memset(field, 0, sizeof(*field));
    if (index < n_plain) {
        field->row = rows_plain_at(index);
        memccpy(field->key, field->row->key, '\0', sizeof(field->key) - 1);
        return;
    }
    array = (index - n_plain) / MACHINE_ARRAY_ROWS;
    field->row = &array_rows[(index - n_plain) % MACHINE_ARRAY_ROWS];
    field->is_array = true;
    field->level = (uint32_t) (array / CONFIG_MAX_ARRAYS);
    field->index = (uint32_t) (array % CONFIG_MAX_ARRAYS);
    field->base = offsetof(struct machine_config, tlb) +
                  field->level * sizeof(struct tlb_level_config) +
                  offsetof(struct tlb_level_config, arrays) +
                  field->index * sizeof(struct tlb_array_config);
    snprintf(field->key, sizeof(field->key), "tlb.%s.%u.%s",
             mmusim__machine_level_name(field->level), field->index,
             field->row->key);
}
