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
 * With lines, a block is fetched in pieces, each up to an instruction that
 * touches memory, and the calls under way are known.
 * Left out: a block that a fault or signal leaves in the middle counts whole.
 */
#include "core/check.h"
#include "mmusim/mark.h"
#include "recorder/block_table.h"
#include "recorder/qemu_plugin_api.h"
#include "recorder/recorder.h"

#include <stdio.h>
#include <stdlib.h>
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

static void plugin_on_line_access(unsigned vcpu, qemu_plugin_meminfo_t info,
                                  uint64_t vaddr, void *data)
{
    const struct block_insn *insn = data;
    struct recorder_thread *t = recorder_self;
    if (MMUSIM_UNLIKELY(t == NULL))
        return;
    if (t->rest_instructions > insn->n_left) {
        recorder_access_end(t);
        if (t->stream != NULL)
            mmusim__trace_stream_fetch(
                t->stream, t->rest_vaddr, t->rest_instructions - insn->n_left,
                (uint32_t) (insn->end_vaddr - t->rest_vaddr));
        t->rest_bytes -= (uint32_t) (insn->end_vaddr - t->rest_vaddr);
        t->rest_vaddr = insn->end_vaddr;
        t->rest_instructions = insn->n_left;
    }
    plugin_on_access(vcpu, info, vaddr, (void *) (uintptr_t) insn->vaddr);
}

/* Of the blocks that are translated before the stack is known. */
static void plugin_on_early_access(unsigned vcpu, qemu_plugin_meminfo_t info,
                                   uint64_t vaddr, void *data)
{
    (void) vcpu, (void) info, (void) data;
    if (recorder_self != NULL && !recorder.has_stack)
        mmusim__recorder_images_stack(recorder_self, vaddr);
}

static MMUSIM_NOINLINE void plugin_sync(struct recorder_thread *t,
                                        uint64_t number)
{
    mmusim__recorder_sync(t, number);
    if (recorder.is_stopping)
        mmusim__recorder_park(t);
}

static MMUSIM_NOINLINE struct recorder_thread *
plugin_enter(const struct block *block)
{
    struct recorder_thread *t = mmusim__recorder_enter();
    if (t != NULL && !recorder.has_images)
        mmusim__recorder_images_begin(t, block->vaddr);
    return t;
}

static void plugin_on_block(unsigned vcpu, void *data)
{
    (void) vcpu;
    const struct block *block = data;
    struct recorder_thread *t = recorder_self;
    if (MMUSIM_UNLIKELY(t == NULL)) {
        t = recorder.is_closed ? NULL : plugin_enter(block);
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

/* A return goes to where one of the calls under way came from; if not, it is
 * none of theirs (a signal handler's, a jump by other means). */
static void plugin_return(struct recorder_stack *stack, uint64_t vaddr)
{
    for (uint32_t i = 1; i <= stack->depth; i++) {
        if (stack->returns[(stack->top - i) & CALL_STACK_MASK] == vaddr) {
            stack->top -= i;
            stack->depth -= i;
            return;
        }
    }
}

static void plugin_follow(struct recorder_thread *t, const struct block *block)
{
    struct recorder_stack *stack = &t->stack;
    if (t->left_by == BLOCK_END_CALL) {
        stack->returns[stack->top++ & CALL_STACK_MASK] = t->left_at;
        if (stack->depth < CALL_STACK_ENTRIES)
            stack->depth++;
    } else if (t->left_by == BLOCK_END_RETURN) {
        plugin_return(stack, block->vaddr);
    }
    t->left_by = block->end;
    t->left_at = block->vaddr + block->n_bytes;
}

/* As plugin_on_block; the fetch is written in pieces, later. */
static void plugin_on_line_block(unsigned vcpu, void *data)
{
    (void) vcpu;
    const struct block *block = data;
    struct recorder_thread *t = recorder_self;
    if (MMUSIM_UNLIKELY(t == NULL)) {
        t = plugin_enter(block);
        if (t == NULL)
            return;
    }
    bool goes_on = block->begins_repeat && t->repeated_vaddr == block->vaddr;
    if (!goes_on || t->rest_instructions != 0)
        recorder_block_end(t);
    uint64_t number =
        atomic_load_explicit(&recorder.n_operations, memory_order_acquire);
    if (MMUSIM_UNLIKELY(number != t->seen_number))
        plugin_sync(t, number);
    t->repeated_vaddr = block->ends_repeat_vaddr;
    plugin_follow(t, block);
    if (goes_on)
        return;
    t->rest_vaddr = block->vaddr;
    t->rest_bytes = block->n_bytes;
    t->rest_instructions = block->n_instructions;
}

/* How an instruction that ends a block leaves it. Intel SDM vol. 2A, CALL: E8,
 * FF /2; vol. 2B, RET: C2, C3 (and F2 or F3 before it). Prefixes of CALL: REX
 * and 66, and notrack, 3E. */
static enum block_end plugin_end_of_x86(const struct qemu_plugin_insn *insn)
{
    const uint8_t *code = qemu_plugin_insn_data(insn);
    size_t size = qemu_plugin_insn_size(insn);
    size_t i = 0;
    while (i < size && (code[i] == 0x3e || code[i] == 0x66 || code[i] == 0xf2 ||
                        code[i] == 0xf3 || (code[i] >> 4) == 4))
        i++;
    if (i < size && (code[i] == 0xc2 || code[i] == 0xc3))
        return BLOCK_END_RETURN;
    if (i < size && code[i] == 0xe8)
        return BLOCK_END_CALL;
    if (i + 1 < size && code[i] == 0xff && (code[i + 1] >> 3 & 7) == 2)
        return BLOCK_END_CALL;
    return BLOCK_END_OTHER;
}

/* Arm ARM C6.2: BL, BLR (and BLRAA ...), RET (and RETAA, RETAB). */
static enum block_end plugin_end_of_arm(const struct qemu_plugin_insn *insn)
{
    uint32_t code = 0;
    if (qemu_plugin_insn_size(insn) != sizeof(code))
        return BLOCK_END_OTHER;
    memcpy(&code, qemu_plugin_insn_data(insn), sizeof(code));
    if (code >> 26 == 0x25 || (code & 0xfefff000u) == 0xd63f0000u)
        return BLOCK_END_CALL;
    if ((code & 0xfffff000u) == 0xd65f0000u)
        return BLOCK_END_RETURN;
    return BLOCK_END_OTHER;
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
    if (recorder.has_lines)
        block.end =
            recorder.is_x86 ? plugin_end_of_x86(last) : plugin_end_of_arm(last);
    return block;
}

/* NULL: out of memory. */
static const struct block *plugin_keep_block(const struct qemu_plugin_tb *tb,
                                             size_t n)
{
    struct block key = plugin_describe(tb, n);
    if (!recorder.has_lines)
        return mmusim__block_table_get(&key);
    key.insns = calloc(n, sizeof(*key.insns));
    if (key.insns == NULL)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        const struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        key.insns[i].vaddr = qemu_plugin_insn_vaddr(insn);
        key.insns[i].end_vaddr =
            key.insns[i].vaddr + qemu_plugin_insn_size(insn);
        key.insns[i].n_left = (uint32_t) (n - 1 - i);
    }
    const struct block *block = mmusim__block_table_get(&key);
    free(key.insns);
    return block;
}

/* The index-th instruction of the block. */
static void plugin_watch_accesses(struct qemu_plugin_insn *insn,
                                  const struct block *block, size_t index)
{
    uint64_t vaddr = qemu_plugin_insn_vaddr(insn);
    if (!recorder.has_stack) {
        recorder.guest_base =
            (uint64_t) (uintptr_t) qemu_plugin_insn_haddr(insn) - vaddr;
        qemu_plugin_register_vcpu_mem_cb(insn, plugin_on_early_access,
                                         QEMU_PLUGIN_CB_NO_REGS,
                                         QEMU_PLUGIN_MEM_RW, NULL);
    }
    qemu_plugin_register_vcpu_mem_cb(
        insn, recorder.has_lines ? plugin_on_line_access : plugin_on_access,
        QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW,
        recorder.has_lines ? (void *) &block->insns[index]
                           : (void *) (uintptr_t) vaddr);
}

static void plugin_on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    (void) id;
    size_t n = qemu_plugin_tb_n_insns(tb);
    if (n == 0)
        return;
    const struct block *block = plugin_keep_block(tb, n);
    if (block == NULL)
        return;
    qemu_plugin_register_vcpu_tb_exec_cb(
        tb, recorder.has_lines ? plugin_on_line_block : plugin_on_block,
        QEMU_PLUGIN_CB_NO_REGS, (void *) (uintptr_t) block);
    for (size_t i = 0; i < n; i++)
        plugin_watch_accesses(qemu_plugin_tb_get_insn(tb, i), block, i);
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

static const char *plugin_option(int argc, char **argv, const char *key)
{
    size_t length = strlen(key);
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], key, length) == 0)
            return argv[i] + length;
    }
    return NULL;
}

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
                        char **argv)
{
    const char *output = plugin_option(argc, argv, "output=");
    const char *live = plugin_option(argc, argv, "live=");
    const char *failure = plugin_option(argc, argv, "failure=");
    recorder.calls = mmusim__syscall_table_find(info->target_name);
    if (info->system_emulation || recorder.calls == NULL || output == NULL) {
        fprintf(stderr, "mmusim: record: the plugin needs output=FILE and "
                        "user-mode QEMU for x86_64 or aarch64\n");
        return -1;
    }
    recorder.has_lines = plugin_option(argc, argv, "lines=on") != NULL;
    recorder.is_live = live != NULL;
    recorder.is_packed = live != NULL && strcmp(live, "packed") == 0;
    recorder.is_x86 = strcmp(info->target_name, "x86_64") == 0;
    if (failure != NULL)
        mmusim__recorder_share_failure(failure);
    if (mmusim__recorder_open(output) != 0)
        return -1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, plugin_on_translate);
    qemu_plugin_register_vcpu_syscall_cb(id, plugin_on_call);
    qemu_plugin_register_vcpu_syscall_ret_cb(id, plugin_on_return);
    qemu_plugin_register_atexit_cb(id, plugin_on_exit, NULL);
    return 0;
}
