#!/bin/sh
# SPDX-License-Identifier: MIT
# Machines that no hardware could be: each is refused with its file, the line
# and what is possible.
. "$SOURCE_DIR/tests/cli/lib.sh"

# impossible LINE TEXT: the machine on standard input
impossible() {
    cat >"$work/machine.yaml"
    refuses 2 "machine.yaml:$1: $2" config check "$work/machine.yaml"
    refuses 2 "machine.yaml:$1: $2" replay -m "$work/machine.yaml" \
        workload:chase,pages=4
}

impossible 3 "tlb.l2.0: page_sizes must be of 4K, 2M, 1G" <<'YAML'
name: a page size that the format lacks
tlb.l2:
  - entries: 1024
    ways: 8
    page_sizes: [4K, 8M]
YAML
impossible 3 "tlb.l1d.0: page_sizes must be of 4K, 1M" <<'YAML'
extends: cortex-a9
tlb.l1d:
  - entries: 32
    page_sizes: [4K, 2M]
YAML
impossible 3 "tlb.l2.0: plru needs 1, 2, 4, 8, 16, 32 or 64 ways" <<'YAML'
name: a tree of twelve leaves
tlb.l2:
  - entries: 1536
    ways: 12
    page_sizes: [4K]
    replacement: plru
YAML
impossible 2 "riscv.asid_bits: '40' is not allowed (allowed: a number, 0..16)" \
    <<'YAML'
extends: sifive-p550
riscv.asid_bits: 40
YAML
impossible 2 "arm.asid_bits: '40' is not allowed (allowed: a number, 8..16)" \
    <<'YAML'
extends: neoverse-n1
arm.asid_bits: 40
YAML
impossible 2 "arm.asid_bits: must be 8 or 16" <<'YAML'
extends: neoverse-n1
arm.asid_bits: 12
YAML
impossible 2 "page_table.vaddr_bits: riscv has 39 bits with 3 levels" <<'YAML'
extends: sifive-u74
page_table.vaddr_bits: 39
page_table.levels: 5
YAML
impossible 2 "page_table.levels: armv7's short descriptors have 2 levels" \
    <<'YAML'
extends: cortex-a9
page_table.levels: 3
YAML
impossible 2 "invlpgb.max_pages: '0' is not allowed (allowed: a number, 1.." \
    <<'YAML'
extends: zen3
invlpgb.max_pages: 0
YAML
finish
