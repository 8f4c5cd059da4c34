/* SPDX-License-Identifier: MIT */
/* x86 invalidations of a logical CPU: the rows of x86_table.c, applied at
 * once. See x86_ops.h. */
#include "coherence/x86_ops.h"

#include "coherence/x86_table.h"

/* A CPU that has everything, in kernel mode; PCIDE as the mmu has it. */
static struct inval_issuer x86_issuer_of(const struct mmu *mmu)
{
    return (struct inval_issuer){
        .context = mmu->context,
        .x86 =
            {
                .features = X86_INVLPG | X86_PGE | X86_PCID | X86_INVPCID,
                .vaddr_bits = 64, /* the simulator's own addresses are valid */
                .cr0 = X86_CR0_PG,
                .cr4 = X86_CR4_PGE | (mmu->has_asids ? X86_CR4_PCIDE : 0),
            },
    };
}

static enum inval_outcome x86_request(const struct mmu *mmu, enum x86_row row,
                                      const struct inval_operands *operands,
                                      struct inval_request *request)
{
    struct inval_issuer issuer = x86_issuer_of(mmu);

    return mmusim__inval_decode(&mmusim__x86_rows[row], operands, &issuer,
                                request);
}

void mmusim__x86_invlpg_strides(struct mmu *mmu, uint64_t vaddr,
                                uint64_t n_pages, uint32_t stride_order,
                                enum miss_cause cause)
{
    struct inval_operands operands = {.reg = {vaddr}};
    struct inval_request request;

    x86_request(mmu, X86_ROW_INVLPG, &operands, &request);
    request.invals[0].n_pages = n_pages;
    request.invals[0].stride_order = (uint8_t) stride_order;
    if (n_pages)
        mmusim__inval_apply(mmu, &request, cause);
}

void mmusim__x86_invlpg_range(struct mmu *mmu, uint64_t vaddr, uint64_t n_pages,
                              enum miss_cause cause)
{
    mmusim__x86_invlpg_strides(mmu, vaddr, n_pages, 0, cause);
}

void mmusim__x86_invlpg(struct mmu *mmu, uint64_t vaddr, enum miss_cause cause)
{
    mmusim__x86_invlpg_range(mmu, vaddr, 1, cause);
}

bool mmusim__x86_invpcid(struct mmu *mmu, enum invpcid_type type, uint16_t pcid,
                         uint64_t vaddr, enum miss_cause cause)
{
    struct inval_operands operands = {.reg = {type, pcid, vaddr}};
    struct inval_request request;

    if (x86_request(mmu, X86_ROW_INVPCID, &operands, &request))
        return false;
    mmusim__inval_apply(mmu, &request, cause);
    return true;
}

void mmusim__x86_mov_cr3(struct mmu *mmu, pfn_t root, uint16_t pcid,
                         enum cr3_flush flush, enum miss_cause cause)
{
    bool is_kept = mmu->has_asids && flush == CR3_NOFLUSH;
    struct inval_operands operands = {
        .reg = {pfn_paddr(root) | pcid | (is_kept ? X86_CR3_NOFLUSH : 0)}};
    struct inval_request request;

    x86_request(mmu, X86_ROW_MOV_CR3, &operands, &request);
    mmusim__inval_apply(mmu, &request, cause);
    mmu->root = root;
    mmusim__mmu_set_asid(mmu, pcid);
}

void mmusim__x86_flush_everything(struct mmu *mmu, enum miss_cause cause)
{
    uint64_t pcide = mmu->has_asids ? X86_CR4_PCIDE : 0;
    struct inval_operands operands = {.reg = {pcide}}; /* PGE 1 to 0 */
    struct inval_request request;

    x86_request(mmu, X86_ROW_MOV_CR4, &operands, &request);
    mmusim__inval_apply(mmu, &request, cause);
}

void mmusim__x86_page_fault(struct mmu *mmu, uint64_t vaddr)
{
    struct inval_operands operands = {.reg = {vaddr}};
    struct inval_request request;

    x86_request(mmu, X86_ROW_PAGE_FAULT, &operands, &request);
    for (uint32_t i = 0; i < request.n_invals; i++)
        request.invals[i].is_fault = true;
    mmusim__inval_apply(mmu, &request, MISS_OTHER);
}
