/* SPDX-License-Identifier: MIT */
/*
 * The QEMU user-mode plugin: translated blocks become fetches, memory
 * callbacks loads and stores, system calls operations. Each guest thread is a
 * host thread, so its state is thread-local; vCPU indices are not used,
 * because QEMU gives them out again.
 *
 * QEMU cuts vector accesses into 8-byte pieces: adjacent accesses of one kind
 * by one instruction are one access again (at most 64 bytes); so are the
 * stores of REP STOS.
 * Left out: a block that a fault or signal leaves in the middle counts whole.
 */
#include "core/check.h"
#include "mmusim/mark.h"
#include "recorder/block_table.h"
#include "recorder/qemu_plugin_api.h"
#include "recorder/recorder.h"

#include <stdio.h>
#include <string.h>

enum { ACCESS_MAX_BYTES = 64 }; /* a 512-bit vector */

int qemu_plugin_version = QEMU_PLUGIN_API_VERSION;

static inline void plugin_access(struct recorder_thread *t, enum op_kind kind,
                                 uint64_t vaddr, uint32_t n_bytes,
                                 const void *insn)
{
    if (t->access_insn == insn && t->access_kind == kind &&
        t->access_vaddr + t->access_bytes == vaddr && t->access_bytes != 0 &&
        t->access_bytes + n_bytes <= ACCESS_MAX_BYTES) {
        t->access_bytes += n_bytes;
        return;
    }
    recorder_access_end(t);
    t->access_vaddr = vaddr;
    t->access_insn = insn;
    t->access_kind = kind;
    t->access_bytes = n_bytes;
}

/*
 * One callback for both directions: QEMU 7.2 compares the direction asked for
 * wrongly and calls store callbacks at loads.
 */
static void plugin_on_access(unsigned vcpu, qemu_plugin_meminfo_t info,
                             uint64_t vaddr, void *insn)
{
    (void) vcpu;
    struct recorder_thread *t = recorder_self;
    if (MMUSIM_UNLIKELY(t == NULL))
        return;
    uint32_t n_bytes = 1u << qemu_plugin_mem_size_shift(info);
    bool is_store = qemu_plugin_mem_is_store(info);
    if (MMUSIM_UNLIKELY(qemu_plugin_meminfo_is_update(info)))
        plugin_access(t, OP_LOAD, vaddr, n_bytes, insn);
    plugin_access(t, is_store ? OP_STORE : OP_LOAD, vaddr, n_bytes, insn);
}

static MMUSIM_NOINLINE void plugin_sync(struct recorder_thread *t,
                                        uint64_t number)
{
    mmusim__recorder_sync(t, number);
    if (recorder.is_stopping)
        mmusim__recorder_park(t);
}

static void plugin_on_block(unsigned vcpu, void *data)
{
    (void) vcpu;
    const struct block *block = data;
    struct recorder_thread *t = recorder_self;
    if (MMUSIM_UNLIKELY(t == NULL)) {
        t = mmusim__recorder_enter();
        if (t == NULL)
            return;
    }
    bool goes_on = block->begins_repeat && t->repeated_vaddr == block->vaddr;
    if (!goes_on) /* REP STOS is as wide as the machine likes */
        recorder_access_end(t);
    uint64_t number =
        atomic_load_explicit(&recorder.n_operations, memory_order_acquire);
    if (MMUSIM_UNLIKELY(number != t->seen_number))
        plugin_sync(t, number);
    t->repeated_vaddr = block->ends_repeat_vaddr;
    if (!goes_on && t->stream != NULL)
        mmusim__trace_stream_fetch(t->stream, block->vaddr,
                                   block->n_instructions, block->n_bytes);
}

/* Intel SDM vol. 2B, REP/REPE/REPZ/REPNE/REPNZ: prefix F2 or F3 before a
 * string opcode; vol. 2A 2.1.1 and 2.2.1: other prefixes, REX. */
static bool plugin_is_x86_repeat(const struct qemu_plugin_insn *insn)
{
    const uint8_t *code = qemu_plugin_insn_data(insn);
    size_t size = qemu_plugin_insn_size(insn);
    bool has_repeat = false;
    for (size_t i = 0; i < size; i++) {
        if (code[i] == 0xf2 || code[i] == 0xf3)
            has_repeat = true;
        else if (code[i] != 0x66 && code[i] != 0x67 && (code[i] >> 4) != 4)
            return has_repeat && ((code[i] >= 0xa4 && code[i] <= 0xa7) ||
                                  (code[i] >= 0xaa && code[i] <= 0xaf) ||
                                  (code[i] >= 0x6c && code[i] <= 0x6f));
    }
    return false;
}

static struct block plugin_describe(const struct qemu_plugin_tb *tb, size_t n)
{
    const struct qemu_plugin_insn *first = qemu_plugin_tb_get_insn(tb, 0);
    const struct qemu_plugin_insn *last = qemu_plugin_tb_get_insn(tb, n - 1);
    struct block block = {.vaddr = qemu_plugin_insn_vaddr(first),
                          .n_instructions = (uint32_t) n};
    uint64_t last_vaddr = qemu_plugin_insn_vaddr(last);
    block.n_bytes =
        (uint32_t) (last_vaddr + qemu_plugin_insn_size(last) - block.vaddr);
    if (recorder.is_x86) {
        block.begins_repeat = plugin_is_x86_repeat(first);
        if (plugin_is_x86_repeat(last))
            block.ends_repeat_vaddr = last_vaddr;
    }
    return block;
}

static void plugin_on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    (void) id;
    size_t n = qemu_plugin_tb_n_insns(tb);
    if (n == 0)
        return;
    struct block key = plugin_describe(tb, n);
    const struct block *block = mmusim__block_table_get(&key);
    if (block == NULL)
        return;
    qemu_plugin_register_vcpu_tb_exec_cb(tb, plugin_on_block,
                                         QEMU_PLUGIN_CB_NO_REGS,
                                         (void *) (uintptr_t) block);
    for (size_t i = 0; i < n; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        void *name = (void *) (uintptr_t) qemu_plugin_insn_vaddr(insn);
        qemu_plugin_register_vcpu_mem_cb(insn, plugin_on_access,
                                         QEMU_PLUGIN_CB_NO_REGS,
                                         QEMU_PLUGIN_MEM_RW, name);
    }
}

static void plugin_on_call(qemu_plugin_id_t id, unsigned vcpu, int64_t number,
                           uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
                           uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8)
{
    (void) id, (void) vcpu, (void) a7, (void) a8;
    if (number < 0 || number >= CALL_TABLE_SIZE)
        return;
    enum call_kind kind = (enum call_kind) recorder.calls[number];
    struct recorder_thread *t = recorder_self;
    if (kind == CALL_IGNORED || t == NULL)
        return;
    uint64_t args[6] = {a1, a2, a3, a4, a5, a6};
    if (kind != CALL_MARK)
        mmusim__recorder_call_enter(t, kind, args);
    else if ((uint32_t) a1 == MMUSIM_MARK_OPTION)
        mmusim__recorder_mark(t, &args[1]);
}

static void plugin_on_return(qemu_plugin_id_t id, unsigned vcpu, int64_t number,
                             int64_t result)
{
    (void) id, (void) vcpu, (void) number;
    struct recorder_thread *t = recorder_self;
    if (t != NULL && t->call.kind != CALL_IGNORED)
        mmusim__recorder_call_return(t, result);
}

static void plugin_on_exit(qemu_plugin_id_t id, void *data)
{
    (void) id, (void) data;
    mmusim__recorder_close();
}

static const char *plugin_output_of(int argc, char **argv)
{
    static const char key[] = "output=";
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], key, sizeof(key) - 1) == 0)
            return argv[i] + sizeof(key) - 1;
    }
    return NULL;
}

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
                        char **argv)
{
    const char *output = plugin_output_of(argc, argv);
    recorder.calls = mmusim__syscall_table_find(info->target_name);
    if (info->system_emulation || recorder.calls == NULL || output == NULL) {
        fprintf(stderr, "mmusim: record: the plugin needs output=FILE and "
                        "user-mode QEMU for x86_64 or aarch64\n");
        return -1;
    }
    recorder.is_x86 = strcmp(info->target_name, "x86_64") == 0;
    if (mmusim__recorder_open(output) != 0)
        return -1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, plugin_on_translate);
    qemu_plugin_register_vcpu_syscall_cb(id, plugin_on_call);
    qemu_plugin_register_vcpu_syscall_ret_cb(id, plugin_on_return);
    qemu_plugin_register_atexit_cb(id, plugin_on_exit, NULL);
    return 0;
}
