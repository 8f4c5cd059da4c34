/* SPDX-License-Identifier: MIT */
/*
 * `image` records: what QEMU has mapped itself before the program's first
 * instruction (the program, its interpreter, the stack), what an mmap record
 * leaves out (the build id, a library's zeroed memory, that a mapping is a
 * thread's stack), and, in a forked child, all of that again.
 *
 * QEMU does not tell its plugins what it has mapped where. The program is the
 * file that they may ask for; the interpreter is the file in which the first
 * instruction lies; the stack is where the first access goes, as the ABIs
 * have it: a program begins with its arguments on the stack, and the start
 * code of every C library uses that first (System V ABI, AMD64 3.4.1).
 *
 * Images are kept until a munmap covers them, for children. A child forked
 * while another thread changes the list sees it before or after the change:
 * each is one store.
 */
#define _GNU_SOURCE
#include "recorder/elf_image.h"
#include "recorder/qemu_plugin_api.h"
#include "recorder/recorder.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { IMAGE_PAGE_BYTES = 4096, IMAGE_LINE_BYTES = 4352 };

struct image {
    struct sys_op op; /* op.name is name */
    struct image *next;
    char name[];
};

/* A line of /proc/PID/maps, proc(5). */
struct maps_line {
    uint64_t start;
    uint64_t end;
    uint64_t offset;
    char path[IMAGE_LINE_BYTES];
};

static pthread_mutex_t image_lock = PTHREAD_MUTEX_INITIALIZER;
static struct image *image_list;

static void image_write(struct recorder_thread *t, const struct sys_op *op)
{
    struct sys_op copy = *op;
    if (recorder.has_lines)
        copy.flags |= SYS_IMAGE_LINES;
    if (t->stream != NULL)
        mmusim__trace_stream_sys(t->stream, &copy);
}

static void image_add(struct recorder_thread *t, const struct sys_op *op)
{
    size_t size = strlen(op->name) + 1;
    struct image *image = malloc(sizeof(*image) + size);
    image_write(t, op);
    if (image == NULL)
        return; /* a child's trace will lack it */
    image->op = *op;
    memcpy(image->name, op->name, size);
    image->op.name = image->name;
    image->next = NULL;
    pthread_mutex_lock(&image_lock);
    struct image **link = &image_list;
    while (*link != NULL)
        link = &(*link)->next;
    *link = image;
    pthread_mutex_unlock(&image_lock);
}

/* What the file does not hold of a segment, from the next page on. */
static void image_add_zeroed(struct recorder_thread *t, const char *path,
                             uint64_t vaddr, uint64_t n_bytes)
{
    char name[IMAGE_LINE_BYTES + 8];
    snprintf(name, sizeof(name), "%s [bss]", path);
    image_add(t, &(struct sys_op){.kind = SYS_IMAGE,
                                  .flags = SYS_PROT_READ | SYS_PROT_WRITE,
                                  .vaddr = vaddr,
                                  .length_bytes = n_bytes,
                                  .name = name});
}

static uint64_t image_page_up(uint64_t vaddr)
{
    return (vaddr + IMAGE_PAGE_BYTES - 1) & ~(uint64_t) (IMAGE_PAGE_BYTES - 1);
}

static void image_add_segment(struct recorder_thread *t, const char *path,
                              const struct elf_image *elf,
                              const struct elf_segment *segment, uint64_t bias)
{
    uint64_t inside = segment->vaddr % IMAGE_PAGE_BYTES;
    uint64_t start = bias + segment->vaddr - inside;
    uint64_t file_end = image_page_up(start + inside + segment->file_bytes);
    uint64_t end = image_page_up(start + inside + segment->memory_bytes);
    if (segment->file_bytes != 0)
        image_add(t,
                  &(struct sys_op){.kind = SYS_IMAGE,
                                   .flags = segment->flags | SYS_MAP_FILE,
                                   .vaddr = start,
                                   .length_bytes = file_end - start,
                                   .file_offset = segment->file_offset - inside,
                                   .number = elf->build,
                                   .name = path});
    else
        file_end = start;
    if (end > file_end)
        image_add_zeroed(t, path, file_end, end - file_end);
}

/* line: any part of the file that is mapped. */
static void image_add_file(struct recorder_thread *t,
                           const struct maps_line *line)
{
    struct elf_image elf;
    int fd = open(line->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    bool is_elf = mmusim__elf_image_read(fd, &elf);
    close(fd);
    for (uint32_t i = 0; is_elf && i < elf.n_segments; i++) {
        const struct elf_segment *segment = &elf.segments[i];
        uint64_t inside = segment->vaddr % IMAGE_PAGE_BYTES;
        if (line->offset < segment->file_offset - inside ||
            line->offset >= segment->file_offset + segment->file_bytes)
            continue;
        uint64_t bias = line->start - recorder.guest_base -
                        (segment->vaddr - inside) -
                        (line->offset - (segment->file_offset - inside));
        for (uint32_t k = 0; k < elf.n_segments; k++)
            image_add_segment(t, line->path, &elf, &elf.segments[k], bias);
        return;
    }
}

static bool image_next_line(FILE *maps, struct maps_line *line)
{
    char text[IMAGE_LINE_BYTES];
    int path_at = 0;
    if (fgets(text, sizeof(text), maps) == NULL)
        return false;
    line->path[0] = '\0';
    if (sscanf(text, "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64 " %*s %*s %n",
               &line->start, &line->end, &line->offset, &path_at) < 3)
        return false;
    text[strcspn(text, "\n")] = '\0';
    if (path_at > 0)
        snprintf(line->path, sizeof(line->path), "%s", text + path_at);
    return true;
}

/* The program, and the file that holds the host address pc. */
static void image_add_program(struct recorder_thread *t, const char *program,
                              uint64_t pc)
{
    bool has_program = program == NULL;
    bool has_interpreter = false;
    FILE *maps = fopen("/proc/self/maps", "re");
    struct maps_line *line = malloc(sizeof(*line));
    while (maps != NULL && line != NULL && image_next_line(maps, line)) {
        bool is_program = !has_program && strcmp(line->path, program) == 0;
        if (is_program)
            image_add_file(t, line);
        has_program |= is_program;
        if (pc < line->start || pc >= line->end || has_interpreter)
            continue;
        has_interpreter = true;
        if (program == NULL || strcmp(line->path, program) != 0)
            image_add_file(t, line);
    }
    free(line);
    if (maps != NULL)
        fclose(maps);
}

/* A child's anonymous memory is what its address space has below QEMU's own
 * image: Linux loads that (position-independent) at two thirds of the address
 * space and puts QEMU's other mappings above, Linux 6.1
 * arch/x86/include/asm/elf.h, ELF_ET_DYN_BASE; QEMU gives the program addresses
 * from 2^38 on. The heap is where the break is. */
static void image_write_anonymous(struct recorder_thread *t)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    struct maps_line *line = malloc(sizeof(*line));
    char *self = realpath("/proc/self/exe", NULL);
    uint64_t heap_end = recorder.program_break - 1 + recorder.guest_base;
    while (maps != NULL && line != NULL && self != NULL &&
           image_next_line(maps, line) && strcmp(line->path, self) != 0) {
        bool is_heap = heap_end >= line->start && heap_end < line->end;
        if (line->path[0] != '\0')
            continue;
        image_write(t,
                    &(struct sys_op){.kind = SYS_IMAGE,
                                     .flags = SYS_PROT_READ | SYS_PROT_WRITE,
                                     .vaddr = line->start - recorder.guest_base,
                                     .length_bytes = line->end - line->start,
                                     .name = is_heap ? "[heap]" : "[anon]"});
    }
    free(self);
    free(line);
    if (maps != NULL)
        fclose(maps);
}

/* Named mappings lie over anonymous ones: they come last. */
static void image_write_again(struct recorder_thread *t)
{
    image_write_anonymous(t);
    for (struct image *image = image_list; image != NULL; image = image->next)
        image_write(t, &image->op);
}

void mmusim__recorder_images_begin(struct recorder_thread *t, uint64_t pc)
{
    recorder.has_images = true;
    if (image_list != NULL) {
        image_write_again(t);
        return;
    }
    const char *path = qemu_plugin_path_to_binary != NULL
                           ? qemu_plugin_path_to_binary()
                           : NULL;
    char *program = path != NULL ? realpath(path, NULL) : NULL;
    image_add_program(t, program, pc + recorder.guest_base);
    free(program);
}

void mmusim__recorder_images_stack(struct recorder_thread *t, uint64_t vaddr)
{
    uint64_t at = vaddr + recorder.guest_base;
    FILE *maps = fopen("/proc/self/maps", "re");
    struct maps_line *line = malloc(sizeof(*line));
    recorder.has_stack = true;
    while (maps != NULL && line != NULL && image_next_line(maps, line)) {
        if (at < line->start || at >= line->end)
            continue;
        if (line->path[0] == '\0')
            image_add(
                t, &(struct sys_op){.kind = SYS_IMAGE,
                                    .flags = SYS_PROT_READ | SYS_PROT_WRITE,
                                    .vaddr = line->start - recorder.guest_base,
                                    .length_bytes = line->end - line->start,
                                    .name = "[stack]"});
        break;
    }
    free(line);
    if (maps != NULL)
        fclose(maps);
}

/* The image whose last page is the one before vaddr. The name is copied. */
static bool image_find_before(uint64_t vaddr, char name[IMAGE_LINE_BYTES])
{
    bool is_found = false;
    pthread_mutex_lock(&image_lock);
    for (struct image *i = image_list; i != NULL && !is_found; i = i->next) {
        is_found = (i->op.flags & SYS_MAP_FILE) != 0 &&
                   image_page_up(i->op.vaddr + i->op.length_bytes) == vaddr;
        if (is_found)
            snprintf(name, IMAGE_LINE_BYTES, "%s", i->name);
    }
    pthread_mutex_unlock(&image_lock);
    return is_found;
}

static void images_note_file(struct recorder_thread *t, const struct sys_op *op,
                             int fd)
{
    struct elf_image elf;
    struct sys_op image = *op;
    if (!mmusim__elf_image_read(fd, &elf))
        return;
    image.kind = SYS_IMAGE;
    image.flags &= (uint32_t) ~SYS_MAP_SHARED;
    image.huge_order = 0;
    image.number = elf.build;
    image_add(t, &image);
}

void mmusim__recorder_images_note(struct recorder_thread *t,
                                  const struct sys_op *op,
                                  const uint64_t args[6])
{
    char name[IMAGE_LINE_BYTES];
    if ((args[3] & MAP_ANONYMOUS) == 0)
        images_note_file(t, op, (int) args[4]);
    else if ((args[3] & MAP_STACK) != 0)
        image_add(t, &(struct sys_op){.kind = SYS_IMAGE,
                                      .flags = op->flags &
                                               (SYS_PROT_READ | SYS_PROT_WRITE |
                                                SYS_PROT_EXEC),
                                      .vaddr = op->vaddr,
                                      .length_bytes = op->length_bytes,
                                      .name = "[thread stack]"});
    else if ((args[3] & MAP_FIXED) != 0 && image_find_before(op->vaddr, name))
        image_add_zeroed(t, name, op->vaddr, image_page_up(op->length_bytes));
}

void mmusim__recorder_images_forget(uint64_t vaddr, uint64_t n_bytes)
{
    pthread_mutex_lock(&image_lock);
    for (struct image **link = &image_list; *link != NULL;) {
        struct image *image = *link;
        if (image->op.vaddr >= vaddr &&
            image->op.vaddr + image->op.length_bytes <=
                image_page_up(vaddr + n_bytes)) {
            *link = image->next;
            free(image);
        } else {
            link = &image->next;
        }
    }
    pthread_mutex_unlock(&image_lock);
}

void mmusim__recorder_images_fork(void)
{
    pthread_mutex_init(&image_lock, NULL);
    recorder.has_images = false;
}
