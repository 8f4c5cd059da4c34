/* SPDX-License-Identifier: MIT */
/*
 * The part of QEMU's plugin interface, version 1, that the recorder uses.
 * Debian's qemu-user 7.2 exports it but ships no header. The symbols are
 * resolved when QEMU loads the plugin.
 *
 * Source: QEMU 7.2 manual, "QEMU TCG Plugins" (docs/devel/tcg-plugins).
 */
#ifndef MMUSIM_RECORDER_QEMU_PLUGIN_API_H
#define MMUSIM_RECORDER_QEMU_PLUGIN_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QEMU_PLUGIN_API_VERSION 1
#define QEMU_PLUGIN_VISIBLE     __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
typedef uint32_t qemu_plugin_meminfo_t; /* opaque: size, direction */

struct qemu_plugin_tb;
struct qemu_plugin_insn;

typedef struct qemu_info_t {
    const char *target_name; /* "x86_64", "aarch64" */
    struct {
        int min;
        int cur;
    } version;
    bool system_emulation;
    struct {
        int smp_vcpus;
        int max_vcpus;
    } system;
} qemu_info_t;

enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };
enum qemu_plugin_mem_rw {
    QEMU_PLUGIN_MEM_R = 1,
    QEMU_PLUGIN_MEM_W = 2,
    QEMU_PLUGIN_MEM_RW = 3
};

typedef void (*qemu_plugin_tb_trans_cb_t)(qemu_plugin_id_t,
                                          struct qemu_plugin_tb *);
typedef void (*qemu_plugin_exec_cb_t)(unsigned vcpu, void *data);
typedef void (*qemu_plugin_mem_cb_t)(unsigned vcpu, qemu_plugin_meminfo_t,
                                     uint64_t vaddr, void *data);
typedef void (*qemu_plugin_syscall_cb_t)(qemu_plugin_id_t, unsigned vcpu,
                                         int64_t number, uint64_t a1,
                                         uint64_t a2, uint64_t a3, uint64_t a4,
                                         uint64_t a5, uint64_t a6, uint64_t a7,
                                         uint64_t a8);
typedef void (*qemu_plugin_syscall_ret_cb_t)(qemu_plugin_id_t, unsigned vcpu,
                                             int64_t number, int64_t result);
typedef void (*qemu_plugin_atexit_cb_t)(qemu_plugin_id_t, void *data);

/* What the plugin provides. */
extern QEMU_PLUGIN_VISIBLE int qemu_plugin_version;
QEMU_PLUGIN_VISIBLE int qemu_plugin_install(qemu_plugin_id_t id,
                                            const qemu_info_t *info, int argc,
                                            char **argv);

/* What QEMU provides. */
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t,
                                           qemu_plugin_tb_trans_cb_t);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *,
                                          qemu_plugin_exec_cb_t,
                                          enum qemu_plugin_cb_flags,
                                          void *data);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *,
                                      qemu_plugin_mem_cb_t,
                                      enum qemu_plugin_cb_flags,
                                      enum qemu_plugin_mem_rw, void *data);
void qemu_plugin_register_vcpu_syscall_cb(qemu_plugin_id_t,
                                          qemu_plugin_syscall_cb_t);
void qemu_plugin_register_vcpu_syscall_ret_cb(qemu_plugin_id_t,
                                              qemu_plugin_syscall_ret_cb_t);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, qemu_plugin_atexit_cb_t,
                                    void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *,
                                                 size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
void *qemu_plugin_insn_haddr(const struct qemu_plugin_insn *);
/* NULL in a QEMU before 7.2. The result is the caller's. */
extern const char *qemu_plugin_path_to_binary(void) __attribute__((weak));
unsigned qemu_plugin_mem_size_shift(qemu_plugin_meminfo_t);
bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t);

/*
 * An atomic read-modify-write is one callback, which the interface calls a
 * store. QEMU 7.2 keeps the direction in bits 17:16 (observed; if another
 * version does not, the load of an atomic is missed).
 */
static inline bool qemu_plugin_meminfo_is_update(qemu_plugin_meminfo_t info)
{
    return (info >> 16 & 3) == QEMU_PLUGIN_MEM_RW;
}

#endif
