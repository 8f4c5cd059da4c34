/* SPDX-License-Identifier: MIT */
#include "recorder/elf_image.h"

#include "core/op.h"

#include <elf.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

enum { ELF_HEADERS_MAX = 64, ELF_NOTES_MAX_BYTES = 4096, ELF_BUILD_BYTES = 8 };

static bool elf_read(int fd, void *to, size_t n_bytes, uint64_t at)
{
    return at <= INT64_MAX &&
           pread(fd, to, n_bytes, (off_t) at) == (ssize_t) n_bytes;
}

static void elf_add_segment(struct elf_image *image, const Elf64_Phdr *header)
{
    if (image->n_segments == ELF_SEGMENTS_MAX || header->p_memsz == 0)
        return;
    image->segments[image->n_segments++] = (struct elf_segment){
        .vaddr = header->p_vaddr,
        .file_offset = header->p_offset,
        .file_bytes = header->p_filesz,
        .memory_bytes = header->p_memsz,
        .flags = (header->p_flags & PF_R ? SYS_PROT_READ : 0u) |
                 (header->p_flags & PF_W ? SYS_PROT_WRITE : 0u) |
                 (header->p_flags & PF_X ? SYS_PROT_EXEC : 0u)};
}

static uint64_t elf_first_bytes(const uint8_t *bytes, size_t n)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n && i < ELF_BUILD_BYTES; i++)
        value |= (uint64_t) bytes[i] << (56 - 8 * i);
    return value;
}

/* Names and descriptions are padded to 4 bytes. */
static size_t elf_padded(size_t n)
{
    return (n + 3) & ~(size_t) 3;
}

static uint64_t elf_find_build(const uint8_t *notes, size_t n_bytes)
{
    Elf64_Nhdr note;
    for (size_t at = 0; at + sizeof(note) <= n_bytes;) {
        memcpy(&note, notes + at, sizeof(note));
        at += sizeof(note);
        if (note.n_namesz > n_bytes || note.n_descsz > n_bytes ||
            at + elf_padded(note.n_namesz) + note.n_descsz > n_bytes)
            return 0;
        const uint8_t *name = notes + at;
        at += elf_padded(note.n_namesz);
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
            memcmp(name, "GNU", 4) == 0)
            return elf_first_bytes(notes + at, note.n_descsz);
        at += elf_padded(note.n_descsz);
    }
    return 0;
}

static uint64_t elf_read_build(int fd, const Elf64_Phdr *header)
{
    uint8_t notes[ELF_NOTES_MAX_BYTES];
    if (header->p_filesz > sizeof(notes) ||
        !elf_read(fd, notes, header->p_filesz, header->p_offset))
        return 0;
    return elf_find_build(notes, header->p_filesz);
}

bool mmusim__elf_image_read(int fd, struct elf_image *image)
{
    Elf64_Ehdr file;
    image->build = 0;
    image->n_segments = 0;
    if (!elf_read(fd, &file, sizeof(file), 0) ||
        memcmp(file.e_ident, ELFMAG, SELFMAG) != 0 ||
        file.e_ident[EI_CLASS] != ELFCLASS64 ||
        file.e_ident[EI_DATA] != ELFDATA2LSB)
        return false;
    for (unsigned i = 0; i < file.e_phnum && i < ELF_HEADERS_MAX; i++) {
        Elf64_Phdr header;
        if (!elf_read(fd, &header, sizeof(header),
                      file.e_phoff + i * sizeof(header)))
            return false;
        if (header.p_type == PT_LOAD)
            elf_add_segment(image, &header);
        else if (header.p_type == PT_NOTE && image->build == 0)
            image->build = elf_read_build(fd, &header);
    }
    return true;
}
