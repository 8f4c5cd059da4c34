/* SPDX-License-Identifier: MIT */
/*
 * Marks for programs that mmusim records or runs: one header, nothing to link.
 *
 *     #include <mmusim/mark.h>
 *
 *     mmusim_mark("sort");        from here on the program sorts
 *
 * `mmusim record` and `mmusim run` write each call as a `mark NAME` record;
 * --attach-marks then gives statistics for each region, from one mark to the
 * next. Anywhere else a call does nothing that can be seen: it is one system
 * call that fails (some 100 ns), prints nothing and leaves errno alone. It
 * works in C (from C89 on) and C++, in any thread, in a signal handler, on
 * Linux for x86-64 and AArch64 with GCC or Clang; elsewhere it is empty.
 *
 * The call is prctl(MMUSIM_MARK_OPTION, ...), an option that Linux does not
 * know (EINVAL); the name lies in the other four arguments, so nobody has to
 * read the program's memory. A name has up to MMUSIM_MARK_BYTES bytes, what is
 * beyond is cut off; in the trace, what is not an ASCII letter, a digit or one
 * of _.:+-/@=% becomes '_' (so "a b" and "a_b" are one name). A filter that
 * kills at unknown prctl options (seccomp) has to let this one through.
 */
#ifndef MMUSIM_MARK_H
#define MMUSIM_MARK_H

/* "mmus". Linux 6.1 include/uapi/linux/prctl.h has small numbers, "VMA" and
 * "Yama". */
#define MMUSIM_MARK_OPTION 0x6d6d7573
#define MMUSIM_MARK_BYTES  32

#if defined(__GNUC__)
#define MMUSIM_MARK_INLINE static __inline__ __attribute__((__unused__))
#elif defined(__cplusplus) ||                                                  \
    (defined(__STDC_VERSION__) && __STDC_VERSION__ >= 199901L)
#define MMUSIM_MARK_INLINE static inline
#else
#define MMUSIM_MARK_INLINE static
#endif

#if defined(__linux__) && defined(__GNUC__) && defined(__LP64__) &&            \
    (defined(__x86_64__) || (defined(__aarch64__) && !defined(__AARCH64EB__)))

/* Numbers of prctl: arch/x86/entry/syscalls/syscall_64.tbl,
 * include/uapi/asm-generic/unistd.h (AArch64). The asm is also a barrier to the
 * compiler: accesses stay in their region. */
MMUSIM_MARK_INLINE void mmusim_mark(const char *name)
{
    unsigned long words[MMUSIM_MARK_BYTES / 8] = {0, 0, 0, 0};
    unsigned i;

    for (i = 0; i < MMUSIM_MARK_BYTES && name[i] != '\0'; i++)
        words[i / 8] |= (unsigned long) (unsigned char) name[i] << (i % 8 * 8);
    {
#if defined(__x86_64__)
        register unsigned long r10 __asm__("r10") = words[2];
        register unsigned long r8 __asm__("r8") = words[3];
        unsigned long rax = 157;

        __asm__ __volatile__("syscall"
                             : "+a"(rax)
                             : "D"((unsigned long) MMUSIM_MARK_OPTION),
                               "S"(words[0]), "d"(words[1]), "r"(r10), "r"(r8)
                             : "rcx", "r11", "memory");
#else
        register unsigned long x8 __asm__("x8") = 167;
        register unsigned long x0 __asm__("x0") = MMUSIM_MARK_OPTION;
        register unsigned long x1 __asm__("x1") = words[0];
        register unsigned long x2 __asm__("x2") = words[1];
        register unsigned long x3 __asm__("x3") = words[2];
        register unsigned long x4 __asm__("x4") = words[3];

        __asm__ __volatile__("svc #0"
                             : "+r"(x0)
                             : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4)
                             : "memory");
#endif
    }
}

#else
/* From here on the program is in the region of that name: see above. */
MMUSIM_MARK_INLINE void mmusim_mark(const char *name)
{
    (void) name;
}

#endif
#endif
