#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes the traces of this folder again: sh make.sh (see README.md).
set -eu
cd "$(dirname "$0")"
writer=../../model/foreign_writer.py
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

gcc -Os -static -nostdlib -ffreestanding -fno-stack-protector \
    -o "$work/tiny_sort" tiny_sort.c
(cd "$work" && valgrind --tool=lackey --trace-mem=yes \
    --log-file=tiny_sort.lackey ./tiny_sort)
gzip -9nc "$work/tiny_sort.lackey" >tiny_sort.lackey.gz

python3 $writer champsim 1 3000 | xz -9e >loop.champsim.xz
python3 $writer champsim-cloudsuite 2 400 | gzip -9n >loop.cloudsuite.gz
python3 $writer din 3 500 >loop.din
python3 $writer gem5 4 600 >loop.ptrc.gz

# perf needs the right to trace system calls (root, or perf_event_paranoid -1)
gcc -O1 -pthread -o "$work/unmapper" unmapper.c
events=tlb:tlb_flush,sched:sched_switch
events=$events,irq_vectors:call_function_entry,irq_vectors:call_function_exit
events=$events,irq_vectors:call_function_single_entry
for call in mmap munmap mprotect madvise brk mremap; do
    events=$events,syscalls:sys_enter_$call,syscalls:sys_exit_$call
done
perf record -q -e "$events" -o "$work/perf.data" "$work/unmapper"
perf script -i "$work/perf.data" | gzip -9nc >unmapper.perf.gz
