/* SPDX-License-Identifier: MIT */
/*
 * The keys of what carries invalidations: topology.links, fabric, ipi.*,
 * dvm.*, invlpgb.*, rar.*, virt.*. "sum" in a source: see machine_rows.c.
 * No time of DVM, INVLPGB or RAR has been published: their latencies are taken
 * from cache-line transfers between cores (nviennot/core-to-core-latency: EPYC
 * 7453 21 to 30 ns within a CCX and about 222 ns across, LX2160A 60 to 250 ns),
 * one way being half of a ping.
 */
#include "coherence/fabric.h"
#include "machine/machine_rows.h"
#include "machine/row_macros.h"

static const char *const rows_links[] = {"full", "ring", "ladder", "cube",
                                         NULL};
static const char *const rows_mode[] = {"x2apic-cluster", "xapic", "shorthand",
                                        NULL};
static const char *const rows_delivery[] = {"fixed", "nmi", NULL};
static const char *const rows_filter[] = {"none", "clean", NULL};
static const char *const rows_inner[] = {"machine", "socket", NULL};
static const char *const rows_virt[] = {"none", "exits", "posted", "ipiv",
                                        NULL};

/* Of dvm.* and invlpgb.*. */
#define BROADCAST_WAYS(name, at, near, ways)                                   \
    CYCLES(name ".latency_core_cycles", at.latency_core_cycles, "40",          \
           "a message to the other thread of the core", "guess"),              \
        CYCLES(name ".latency_socket_cycles", at.latency_socket_cycles, near,  \
               "a message within the socket", ways),                           \
        CYCLES(name ".latency_remote_cycles", at.latency_remote_cycles, "330", \
               "a message to another socket",                                  \
               "guess, half of 220 ns as EPYC 7453 across dies"),              \
        CYCLES(name ".hop_cycles", at.hop_cycles, "200",                       \
               "added each way per link beyond the first", "guess"),           \
        CYCLES(name ".ack_core_cycles", at.ack_core_cycles, "40",              \
               "the answer of a sibling", "guess"),                            \
        CYCLES(name ".ack_socket_cycles", at.ack_socket_cycles, near,          \
               "the answer within the socket", ways),                          \
        CYCLES(name ".ack_remote_cycles", at.ack_remote_cycles, "330",         \
               "the answer of another socket",                                 \
               "guess, half of 220 ns as EPYC 7453 across dies")

/* clang-format off */
const struct field_row mmusim__rows_fabric[] = {
    WORD("topology.links", links, rows_links, "full",
         "how sockets are joined: which of them are neighbours", "guess"),
    {"fabric", FIELD_NAME, AT(fabric), "", 0,
     sizeof(((struct machine_config *) NULL)->fabric), 0, NULL,
     mmusim__fabric_name_at, "ipi", "what carries a flush to other CPUs",
     "a choice, not a measurement"},
    WORD("ipi.mode", ipi.mode, rows_mode, "x2apic-cluster",
         "how a write of the interrupt command register names its targets",
         "a choice, not a measurement"),
    WORD("ipi.delivery", ipi.delivery, rows_delivery, "fixed",
         "nmi: masked interrupts do not delay it", "a choice, not a measurement"),
    CYCLES("ipi.look_cycles", ipi.look_cycles, "40",
           "sender: whether a target is to be called at all, per target",
           "guess, a line of the target, two thirds of ipi.enqueue_cycles"),
    CYCLES("ipi.enqueue_cycles", ipi.enqueue_cycles, "60",
           "sender: queueing the request, per target of its socket",
           "guess, sum"),
    CYCLES("ipi.enqueue_remote_cycles", ipi.enqueue_remote_cycles, "1134",
           "sender: the same, per target of another socket",
           "guess, three lines (smp_call_function_many: the call, the queue's "
           "head read and exchanged) of 126 ns, Xeon Platinum 8360Y"),
    CYCLES("ipi.enqueue_hop_cycles", ipi.enqueue_hop_cycles, "470",
           "added per link beyond the first",
           "guess, three lines of 111 cycles at 2.13 GHz (David et al., SOSP "
           "2013, Xeon E7-8867L: 289 and 400)"),
    CYCLES("ipi.send_cycles", ipi.send_cycles, "150",
           "sender: one write of the interrupt command register",
           "guess, 100 to 200 cycles"),
    CYCLES("ipi.status_cycles", ipi.status_cycles, "400",
           "sender, xapic: until the delivery status is idle", "guess"),
    U32("ipi.cluster_cpus", ipi.cluster_cpus, "CPUs", 1, 256, "16",
        "CPUs one such write reaches; 1: one by one",
        "Intel SDM vol. 3A 10.12.10.1, x2APIC: up to 16 IDs a cluster"),
    CYCLES("ipi.latency_core_cycles", ipi.latency_core_cycles, "700",
           "delivery to the other thread of the core", "guess"),
    CYCLES("ipi.latency_socket_cycles", ipi.latency_socket_cycles, "1035",
           "delivery within the socket", "guess, fitted last; sum"),
    CYCLES("ipi.latency_remote_cycles", ipi.latency_remote_cycles, "2070",
           "delivery to another socket", "guess, twice that in the socket"),
    CYCLES("ipi.hop_cycles", ipi.hop_cycles, "1035",
           "added per link beyond the first",
           "guess, what the first link adds"),
    CYCLES("ipi.idle_exit_cycles", ipi.idle_exit_cycles, "600",
           "added when the target is idle", "guess, leaving C1"),
    CYCLES("ipi.entry_cycles", ipi.entry_cycles, "400",
           "target: vector to handler, interrupts masked", "guess, sum"),
    CYCLES("ipi.nmi_entry_cycles", ipi.nmi_entry_cycles, "700",
           "target: the same for an NMI",
           "guess, Linux saves and restores more on its own stack"),
    CYCLES("ipi.handler_cycles", ipi.handler_cycles, "250",
           "target: per request, without its invalidations", "guess, sum"),
    CYCLES("ipi.exit_cycles", ipi.exit_cycles, "250",
           "target: end of interrupt and return", "guess, sum"),
    CYCLES("ipi.ack_core_cycles", ipi.ack_core_cycles, "40",
           "the sender sees a sibling's acknowledgement", "guess"),
    CYCLES("ipi.ack_socket_cycles", ipi.ack_socket_cycles, "200",
           "the sender sees one of its socket; it looks at one after the other",
           "guess, cache-line ping of 20 to 95 ns on recent parts"),
    CYCLES("ipi.ack_remote_cycles", ipi.ack_remote_cycles, "660",
           "the sender sees one of another socket",
           "guess, 220 ns as EPYC 7453 across dies"),
    CYCLES("ipi.ack_hop_cycles", ipi.ack_hop_cycles, "330",
           "added per link beyond the first", "guess"),

    BOOL("dvm.broadcast", dvm.reaches_others, "true",
         "the cores broadcast maintenance; false: TLBI acts on its own core",
         "Arm ARM B2 of Armv7-A: part of the Multiprocessing Extensions"),
    WORD("dvm.inner_domain", dvm.inner_domain, rows_inner, "machine",
         "how far inner-shareable operations go",
         "Arm ARM D7: CPUs of one operating system share one inner domain"),
    WORD("dvm.filter", dvm.filter, rows_filter, "none",
         "clean: cores that cannot hold the address space pay no slot",
         "guess; CMN-600 can filter by VMID if software says so"),
    U32("dvm.early_syncs", dvm.early_syncs_per_million, "", 0, 1000000, "0",
        "a flaw of the cores: of a million DSBs so many do not wait for the "
        "operations before them, unless an earlier one did not, either",
        "Linux arm64 Kconfig: Falkor E1009, A76 1286807, A55 2441007, ..."),
    U32("dvm.outstanding", dvm.max_outstanding, "operations", 1, 256, "8",
        "operations of one CPU on their way", "guess"),
    U32("dvm.max_pages", dvm.max_pages, "pages", 1, 2097152, "1",
        "pages of one operation; more than 1: FEAT_TLBIRANGE",
        "Arm ARM D8: one page each, up to 2097152 by range"),
    CYCLES("dvm.issue_cycles", dvm.issue_cycles, "60",
           "a TLBI leaves the core", "guess"),
    CYCLES("dvm.local_cycles", dvm.local_cycles, "40",
           "a TLBI that stays in the core", "guess"),
    CYCLES("dvm.slot_cycles", dvm.slot_cycles, "24",
           "taken from each core that a message reaches", "guess"),
    BROADCAST_WAYS("dvm", dvm, "90", "guess, half of 60 ns as LX2160A"),
    CYCLES("dvm.sync_cycles", dvm.sync_cycles, "240",
           "DSB ISH: the DVM Sync, once all is acknowledged",
           "guess, a message there and back within the socket and 60"),
    CYCLES("dvm.sync_local_cycles", dvm.sync_local_cycles, "30",
           "DSB NSH", "guess"),

    WORD("invlpgb.filter", invlpgb.filter, rows_filter, "none",
         "clean: cores that cannot hold the address space pay no slot", "guess"),
    U32("invlpgb.outstanding", invlpgb.max_outstanding, "operations", 1, 256,
        "8", "operations of one CPU on their way", "guess"),
    U32("invlpgb.max_pages", invlpgb.max_pages, "pages", 1, 65536, "8",
        "pages of one operation, CPUID 8000_0008H EDX[15:0] and one",
        "INVLPGB on Zen 3: 8; AMD APM vol. 3, INVLPGB"),
    CYCLES("invlpgb.issue_cycles", invlpgb.issue_cycles, "120",
           "an INVLPGB leaves the core", "guess"),
    CYCLES("invlpgb.slot_cycles", invlpgb.slot_cycles, "60",
           "taken from each core that a message reaches", "guess"),
    BROADCAST_WAYS("invlpgb", invlpgb, "150",
                   "guess, half of 95 ns as TR PRO 5995WX at its farthest"),
    CYCLES("invlpgb.sync_cycles", invlpgb.sync_cycles, "360",
           "TLBSYNC, once all is acknowledged",
           "guess, a message there and back within the socket and 60"),

    U32("rar.slots", rar.n_slots, "slots", 1, 64, "64",
        "requests that may be on their way",
        "Linux RFC, van Riel 2025: up to 64 payload slots"),
    U32("rar.max_pages", rar.max_pages, "pages", 1, 65536, "64",
        "pages of one request; more: everything", "guess"),
    CYCLES("rar.payload_cycles", rar.payload_cycles, "100",
           "initiator: taking a slot and writing the payload", "guess"),
    CYCLES("rar.action_cycles", rar.action_cycles, "60",
           "initiator: one target's action byte",
           "guess, a line of the target as ipi.enqueue_cycles"),
    CYCLES("rar.handler_cycles", rar.handler_cycles, "300",
           "target: the microcode, without its invalidations", "guess"),
    CYCLES("rar.page_cycles", rar.page_cycles, "60",
           "target: one page", "guess"),
    CYCLES("rar.full_cycles", rar.full_cycles, "150",
           "target: everything", "guess"),

    WORD("virt.interrupts", virt.interrupts, rows_virt, "none",
         "who passes interrupts to virtual CPUs; none: no virtual machine",
         "a choice, not a measurement"),
    CYCLES("virt.icr_exit_cycles", virt.icr_exit_cycles, "400",
           "sender, exits and posted: the exit of one ICR write",
           "guess, 1452 - 1317 ns with and without IPI virtualisation (LKML)"),
    CYCLES("virt.inject_cycles", virt.inject_cycles, "1800",
           "target, exits: exit, injection and entry", "guess"),
    CYCLES("virt.posted_cycles", virt.posted_cycles, "150",
           "target, posted and ipiv: the notification", "guess"),
    CYCLES("virt.eoi_exit_cycles", virt.eoi_exit_cycles, "1200",
           "target, exits: the exit of the end of interrupt", "guess"),
    CYCLES("virt.halt_wake_cycles", virt.halt_wake_cycles, "9000",
           "added when the target virtual CPU has halted",
           "guess, 3 us: the host schedules it again"),
    U64("virt.preempt_period_cycles", virt.preempt_period_cycles, "cycles", 0,
        UINT64_C(1000000000000), "0",
        "a busy virtual CPU loses its CPU so often on the average; 0: never",
        "a choice, not a measurement"),
    U64("virt.preempt_cycles", virt.preempt_cycles, "cycles", 1,
        UINT64_C(1000000000000), "9000000", "and for so long",
        "guess, 3 ms: a time slice of the host"),
    BOOL("virt.pv_flush", virt.has_pv_flush, "false",
         "a preempted virtual CPU is not interrupted but flushes when it "
         "returns", "KVM_FEATURE_PV_TLB_FLUSH, Linux arch/x86/kernel/kvm.c"),
    CYCLES("virt.pv_check_cycles", virt.pv_check_cycles, "30",
           "sender: looking whether one target is preempted", "guess"),
    CYCLES("virt.pv_flush_cycles", virt.pv_flush_cycles, "500",
           "that flush", "guess"),
};
/* clang-format on */

const size_t mmusim__rows_fabric_n =
    sizeof(mmusim__rows_fabric) / sizeof(mmusim__rows_fabric[0]);
