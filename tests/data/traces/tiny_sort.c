/* SPDX-License-Identifier: MIT */
/* A program of a few thousand instructions for traces that stay small: it
 * sorts numbers that lie in pages of their own, without a C library. */
enum { N = 24, STRIDE = 5000 };

static unsigned char room[N * STRIDE + 8];
static unsigned char n_swaps[N];

static unsigned *number(unsigned i)
{
    return (unsigned *) (void *) (room + (i * STRIDE & ~7u));
}

static void fill(void)
{
    unsigned x = 1;

    for (unsigned i = 0; i < N; i++) {
        x = x * 1103515245 + 12345;
        *number(i) = x >> 16;
    }
}

static void sort(void)
{
    for (unsigned i = 1; i < N; i++) {
        for (unsigned j = i; j && *number(j - 1) > *number(j); j--) {
            unsigned swapped = *number(j);

            *number(j) = *number(j - 1);
            *number(j - 1) = swapped;
            __asm__("incb %0" : "+m"(n_swaps[i])); /* a load and a store */
        }
    }
}

__attribute__((noreturn, force_align_arg_pointer)) void _start(void)
{
    fill();
    sort();
    __asm__ volatile("syscall" : : "a"(60), "D"(0) : "rcx", "r11", "memory");
    __builtin_unreachable();
}
