/* SPDX-License-Identifier: MIT */
/* What an ELF file says of itself: its loadable segments and its build id.
 * Sources: elf(5); for the note, the ELF gABI, "Note Section". */
#ifndef MMUSIM_RECORDER_ELF_IMAGE_H
#define MMUSIM_RECORDER_ELF_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

enum { ELF_SEGMENTS_MAX = 32 };

struct elf_segment {
    uint64_t vaddr; /* as linked */
    uint64_t file_offset;
    uint64_t file_bytes;
    uint64_t memory_bytes; /* what exceeds the file's is zero at start */
    uint32_t flags;        /* SYS_PROT_* */
};

struct elf_image {
    uint64_t build; /* first 8 bytes of the build id, 0: none */
    uint32_t n_segments;
    struct elf_segment segments[ELF_SEGMENTS_MAX];
};

/* False: fd is no 64-bit little-endian ELF file, or is damaged. fd's position
 * stays. */
bool mmusim__elf_image_read(int fd, struct elf_image *image);

#endif
