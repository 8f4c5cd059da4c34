/* SPDX-License-Identifier: MIT */
/*
 * Finds and judges the program to record: an ELF file for x86-64 or AArch64,
 * static or dynamic, without privileges of its own. Source: elf(5).
 */
#include "cli/record_program.h"

#include "cli/cli.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEAD_BYTES = 4096 }; /* ELF and program headers; a script's first line */

struct record_machine {
    uint16_t elf_machine;
    int is_host;
    const char *name;
    const char *qemu;
    const char *libraries;
    const char *package; /* that holds them */
};

#if defined(__x86_64__)
#define RECORD_HOST EM_X86_64
#elif defined(__aarch64__)
#define RECORD_HOST EM_AARCH64
#else
#define RECORD_HOST EM_NONE
#endif

static const struct record_machine machines[] = {
    {EM_X86_64, RECORD_HOST == EM_X86_64, "x86-64", "qemu-x86_64",
     "/usr/x86_64-linux-gnu", "libc6-amd64-cross"},
    {EM_AARCH64, RECORD_HOST == EM_AARCH64, "AArch64", "qemu-aarch64",
     "/usr/aarch64-linux-gnu", "libc6-arm64-cross"},
};

static int record_is_executable_file(const char *path)
{
    struct stat status;

    if (stat(path, &status) != 0)
        return errno;
    if (S_ISDIR(status.st_mode))
        return EISDIR;
    return access(path, X_OK) == 0 ? 0 : errno;
}

int record_find_executable(const char *name, char path[PATH_MAX])
{
    const char *folder = getenv("PATH");
    int found = ENOENT;

    if (strchr(name, '/') != NULL || name[0] == '\0') {
        if (snprintf(path, PATH_MAX, "%s", name) >= PATH_MAX)
            return ENAMETOOLONG;
        return record_is_executable_file(path);
    }
    if (folder == NULL)
        folder = "/usr/local/bin:/usr/bin:/bin";
    for (; found != 0; folder++) {
        int length = (int) strcspn(folder, ":");
        if (snprintf(path, PATH_MAX, "%.*s%s%s", length, folder,
                     length > 0 ? "/" : "", name) < PATH_MAX)
            found = record_is_executable_file(path);
        folder += length;
        if (*folder == '\0')
            break;
    }
    return found == 0 ? 0 : ENOENT;
}

static int record_judge_script(const struct record_program *program, char *head)
{
    head[strcspn(head, "\n")] = '\0';
    return cli_error(CLI_INPUT,
                     "%s: %s: a script (%s its interpreter: %.200s %s)",
                     program->command, program->path, program->command,
                     head + 2 + strspn(head + 2, " "), program->path);
}

static const struct record_machine *record_machine_of(const Elf64_Ehdr *header)
{
    if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
        header->e_ident[EI_CLASS] != ELFCLASS64 ||
        header->e_ident[EI_DATA] != ELFDATA2LSB)
        return NULL;
    for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
        if (machines[i].elf_machine == header->e_machine)
            return &machines[i];
    }
    return NULL;
}

/* Does it name a dynamic linker? */
static int record_is_dynamic(const char *head, size_t n_bytes)
{
    Elf64_Ehdr header;
    Elf64_Phdr segment;

    memcpy(&header, head, sizeof(header));
    for (unsigned i = 0; i < header.e_phnum; i++) {
        size_t offset = i * sizeof(segment);
        if (header.e_phoff > n_bytes ||
            offset + sizeof(segment) > n_bytes - header.e_phoff)
            return 0;
        memcpy(&segment, head + header.e_phoff + offset, sizeof(segment));
        if (segment.p_type == PT_INTERP)
            return 1;
    }
    return 0;
}

static int record_find_libraries(struct record_program *program,
                                 const struct record_machine *machine,
                                 int is_dynamic)
{
    const char *chosen = getenv("QEMU_LD_PREFIX"); /* QEMU reads it itself */

    program->libraries[0] = '\0';
    if (machine->is_host || (chosen != NULL && chosen[0] != '\0'))
        return CLI_OK;
    if (access(machine->libraries, X_OK) == 0)
        snprintf(program->libraries, sizeof(program->libraries), "%s",
                 machine->libraries);
    else if (is_dynamic)
        return cli_error(CLI_SYSTEM,
                         "%s: no %s libraries in %s (apt install %s, or "
                         "set QEMU_LD_PREFIX)",
                         program->command, machine->name, machine->libraries,
                         machine->package);
    return CLI_OK;
}

static int record_find_qemu(struct record_program *program,
                            const struct record_machine *machine)
{
    if (record_find_executable(machine->qemu, program->qemu) == 0)
        return CLI_OK;
    return cli_error(CLI_SYSTEM, "%s: %s not found (apt install qemu-user)",
                     program->command, machine->qemu);
}

static int record_judge_alien(const struct record_program *program,
                              const char *head)
{
    const char *what = "not a program for x86-64 or AArch64 Linux";

    if (memcmp(head, ELFMAG, SELFMAG) == 0)
        what = head[EI_CLASS] == ELFCLASS32
                   ? "a 32-bit program (build it for x86-64 or AArch64)"
                   : "a program for another processor (build it for x86-64 or "
                     "AArch64)";
    return cli_error(CLI_INPUT, "%s: %s: %s", program->command, program->path,
                     what);
}

static int record_judge(struct record_program *program, char *head,
                        size_t n_bytes)
{
    const struct record_machine *machine = NULL;
    Elf64_Ehdr header;

    if (n_bytes > 2 && head[0] == '#' && head[1] == '!')
        return record_judge_script(program, head);
    if (n_bytes >= sizeof(header)) {
        memcpy(&header, head, sizeof(header));
        machine = record_machine_of(&header);
    }
    if (machine == NULL)
        return record_judge_alien(program, head);
    int status = record_find_libraries(program, machine,
                                       record_is_dynamic(head, n_bytes));
    return status != CLI_OK ? status : record_find_qemu(program, machine);
}

static ssize_t record_read_head(const char *path, char *head)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n_bytes = read(fd, head, HEAD_BYTES - 1);
    int error = errno;
    close(fd);
    errno = error;
    if (n_bytes >= 0)
        head[n_bytes] = '\0';
    return n_bytes;
}

/* What to do about a program that cannot be opened. */
static const char *record_advice(const char *name, int error)
{
    if (error == EACCES)
        return " (chmod +x makes a program executable)";
    if (error == ENOENT && strchr(name, '/') == NULL)
        return " along $PATH (a path has a '/': ./PROGRAM)";
    return "";
}

int record_program_find(struct record_program *program, const char *name)
{
    char head[HEAD_BYTES];
    struct stat status;
    int error = record_find_executable(name, program->path);

    if (error != 0)
        return cli_error(CLI_INPUT, "%s: %s: %s%s", program->command, name,
                         strerror(error), record_advice(name, error));
    if (stat(program->path, &status) != 0 || !S_ISREG(status.st_mode))
        return cli_error(CLI_INPUT, "%s: %s: not a regular file",
                         program->command, program->path);
    if ((status.st_mode & (S_ISUID | S_ISGID)) != 0)
        return cli_error(CLI_INPUT,
                         "%s: %s: set-user-ID or set-group-ID, which an "
                         "emulator cannot honour (%s a copy without)",
                         program->command, program->path, program->command);
    ssize_t n_bytes = record_read_head(program->path, head);
    if (n_bytes < 0)
        return cli_error(CLI_INPUT, "%s: %s: %s", program->command,
                         program->path, strerror(errno));
    return record_judge(program, head, (size_t) n_bytes);
}
