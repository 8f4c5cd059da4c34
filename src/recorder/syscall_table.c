/* SPDX-License-Identifier: MIT */
#include "recorder/syscall_table.h"

#include <stddef.h>
#include <string.h>

static const uint8_t table_x86_64[CALL_TABLE_SIZE] = {
    [0] = CALL_WAIT,       /* read */
    [1] = CALL_SEND,       /* write */
    [7] = CALL_WAIT,       /* poll */
    [9] = CALL_MMAP,       /* mmap */
    [10] = CALL_MPROTECT,  /* mprotect */
    [11] = CALL_MUNMAP,    /* munmap */
    [12] = CALL_BRK,       /* brk */
    [19] = CALL_WAIT,      /* readv */
    [20] = CALL_SEND,      /* writev */
    [23] = CALL_WAIT,      /* select */
    [25] = CALL_MREMAP,    /* mremap */
    [28] = CALL_MADVISE,   /* madvise */
    [34] = CALL_WAIT,      /* pause */
    [35] = CALL_SLEEP,     /* nanosleep */
    [42] = CALL_WAIT,      /* connect */
    [43] = CALL_WAIT,      /* accept */
    [44] = CALL_SEND,      /* sendto */
    [45] = CALL_WAIT,      /* recvfrom */
    [46] = CALL_SEND,      /* sendmsg */
    [47] = CALL_WAIT,      /* recvmsg */
    [56] = CALL_CLONE,     /* clone */
    [57] = CALL_FORK,      /* fork */
    [58] = CALL_FORK,      /* vfork */
    [59] = CALL_EXEC,      /* execve */
    [60] = CALL_EXIT,      /* exit */
    [61] = CALL_WAIT,      /* wait4 */
    [62] = CALL_WAKE,      /* kill */
    [65] = CALL_WAKE,      /* semop */
    [69] = CALL_WAKE,      /* msgsnd */
    [70] = CALL_WAIT,      /* msgrcv */
    [73] = CALL_WAKE,      /* flock */
    [128] = CALL_WAIT,     /* rt_sigtimedwait */
    [129] = CALL_WAKE,     /* rt_sigqueueinfo */
    [130] = CALL_WAIT,     /* rt_sigsuspend */
    [157] = CALL_MARK,     /* prctl */
    [200] = CALL_WAKE,     /* tkill */
    [202] = CALL_FUTEX,    /* futex */
    [220] = CALL_WAKE,     /* semtimedop */
    [230] = CALL_SLEEP,    /* clock_nanosleep */
    [231] = CALL_EXIT,     /* exit_group */
    [232] = CALL_WAIT,     /* epoll_wait */
    [234] = CALL_WAKE,     /* tgkill */
    [247] = CALL_WAIT,     /* waitid */
    [270] = CALL_WAIT,     /* pselect6 */
    [271] = CALL_WAIT,     /* ppoll */
    [281] = CALL_WAIT,     /* epoll_pwait */
    [288] = CALL_WAIT,     /* accept4 */
    [299] = CALL_WAIT,     /* recvmmsg */
    [307] = CALL_SEND,     /* sendmmsg */
    [322] = CALL_EXEC,     /* execveat */
    [329] = CALL_MPROTECT, /* pkey_mprotect */
    [436] = CALL_CLOSE,    /* close_range */
    [441] = CALL_WAIT,     /* epoll_pwait2 */
    [449] = CALL_WAIT,     /* futex_waitv */
};

static const uint8_t table_aarch64[CALL_TABLE_SIZE] = {
    [22] = CALL_WAIT,      /* epoll_pwait */
    [24] = CALL_CLOSE,     /* dup3 */
    [32] = CALL_WAKE,      /* flock */
    [57] = CALL_CLOSE,     /* close */
    [63] = CALL_WAIT,      /* read */
    [64] = CALL_SEND,      /* write */
    [65] = CALL_WAIT,      /* readv */
    [66] = CALL_SEND,      /* writev */
    [72] = CALL_WAIT,      /* pselect6 */
    [73] = CALL_WAIT,      /* ppoll */
    [93] = CALL_EXIT,      /* exit */
    [94] = CALL_EXIT,      /* exit_group */
    [95] = CALL_WAIT,      /* waitid */
    [98] = CALL_FUTEX,     /* futex */
    [101] = CALL_SLEEP,    /* nanosleep */
    [115] = CALL_SLEEP,    /* clock_nanosleep */
    [129] = CALL_WAKE,     /* kill */
    [130] = CALL_WAKE,     /* tkill */
    [131] = CALL_WAKE,     /* tgkill */
    [133] = CALL_WAIT,     /* rt_sigsuspend */
    [137] = CALL_WAIT,     /* rt_sigtimedwait */
    [138] = CALL_WAKE,     /* rt_sigqueueinfo */
    [167] = CALL_MARK,     /* prctl */
    [188] = CALL_WAIT,     /* msgrcv */
    [189] = CALL_WAKE,     /* msgsnd */
    [192] = CALL_WAKE,     /* semtimedop */
    [193] = CALL_WAKE,     /* semop */
    [202] = CALL_WAIT,     /* accept */
    [203] = CALL_WAIT,     /* connect */
    [206] = CALL_SEND,     /* sendto */
    [207] = CALL_WAIT,     /* recvfrom */
    [211] = CALL_SEND,     /* sendmsg */
    [212] = CALL_WAIT,     /* recvmsg */
    [214] = CALL_BRK,      /* brk */
    [215] = CALL_MUNMAP,   /* munmap */
    [216] = CALL_MREMAP,   /* mremap */
    [220] = CALL_CLONE,    /* clone */
    [221] = CALL_EXEC,     /* execve */
    [222] = CALL_MMAP,     /* mmap */
    [226] = CALL_MPROTECT, /* mprotect */
    [233] = CALL_MADVISE,  /* madvise */
    [242] = CALL_WAIT,     /* accept4 */
    [243] = CALL_WAIT,     /* recvmmsg */
    [260] = CALL_WAIT,     /* wait4 */
    [269] = CALL_SEND,     /* sendmmsg */
    [281] = CALL_EXEC,     /* execveat */
    [288] = CALL_MPROTECT, /* pkey_mprotect */
    [436] = CALL_CLOSE,    /* close_range */
    [441] = CALL_WAIT,     /* epoll_pwait2 */
    [449] = CALL_WAIT,     /* futex_waitv */
};

const uint8_t *mmusim__syscall_table_find(const char *target_name)
{
    if (strcmp(target_name, "x86_64") == 0)
        return table_x86_64;
    if (strcmp(target_name, "aarch64") == 0)
        return table_aarch64;
    return NULL;
}
