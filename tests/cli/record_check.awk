# SPDX-License-Identifier: MIT
# The laws of a recorded trace in text form: numbers of a thread never fall;
# every number from 1 to the greatest has exactly one operation, the record
# directly after its `sync`; in the order of numbers, no mmap lands on a
# mapped page (MAP_FIXED apart: the dynamic linker's, over its own file) and
# every munmap and mremap finds its pages mapped.

BEGIN {
    split("mmap munmap mprotect mremap brk madvise fork clone exec exit syscall", words)
    for (i in words)
        is_operation[words[i]] = 1
}
/^#/ { next }
$2 == "sync" {
    if ($3 + 0 < last[$1] + 0)
        fault("number falls")
    last[$1] = pending[$1] = $3 + 0
    if ($3 + 0 > greatest)
        greatest = $3 + 0
    next
}
$2 in is_operation {
    if (!pending[$1])
        fault("operation without a number of its own")
    else if (pending[$1] in operation)
        fault("second operation for its number")
    operation[pending[$1]] = $0
}
{ pending[$1] = 0 }
END {
    for (n = 1; n <= greatest; n++) {
        if (!(n in operation))
            fault("no operation for number " n)
        else
            apply(operation[n])
    }
    if (greatest == 0)
        fault("no operations at all")
    exit n_faults > 0
}
function fault(what) {
    if (n_faults++ < 10)
        print what ": " $0
}
function value(text,    digits, i, v) {
    if (text !~ /^0x/)
        return text + 0
    digits = tolower(substr(text, 3))
    for (i = 1; i <= length(digits); i++)
        v = v * 16 + index("0123456789abcdef", substr(digits, i, 1)) - 1
    return v
}
function apply(record,    f, first, n, i, new_first, new_n) {
    split(record, f)
    first = int(value(f[3]) / 4096)
    n = int((value(f[4]) + 4095) / 4096)
    if (f[2] == "mmap") {
        for (i = first; i < first + n; i++) {
            if (i in mapped && record !~ /file:/ && mapped[i] !~ /file:/) {
                $0 = record
                fault("mapped page given again")
                break
            }
            mapped[i] = record
        }
    } else if (f[2] == "munmap") {
        remove(record, first, n)
    } else if (f[2] == "mremap") {
        remove(record, first, n)
        new_first = int(value(f[5]) / 4096)
        new_n = int((value(f[6]) + 4095) / 4096)
        for (i = new_first; i < new_first + new_n; i++) {
            if (i in mapped) {
                $0 = record
                fault("mapped page given again")
                break
            }
            mapped[i] = record
        }
    }
}
function remove(record, first, n,    i) {
    for (i = first; i < first + n; i++) {
        if (!(i in mapped)) {
            $0 = record
            fault("unmapped page taken away")
            return
        }
        delete mapped[i]
    }
}
