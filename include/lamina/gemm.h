/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The choice of who multiplies matrices.
 */
#ifndef LAMINA_GEMM_H
#define LAMINA_GEMM_H

#include "lamina/export.h"

LAM_BEGIN_DECLS

/** X(name, name on the command line): who multiplies matrices */
#define LAM_GEMM_LIST(X)                                                                       \
    X(AUTO, "auto")           /* what suits the device */                                      \
    X(OWN, "own")             /* Lamina's kernels, the variant that suits the device */        \
    X(REGISTERS, "registers") /* Lamina's register tiles without local memory (CPUs) */        \
    X(TILES, "tiles")         /* Lamina's local-memory tiles (GPUs) */                         \
    X(CLBLAST, "clblast")     /* the CLBlast library */

typedef enum lam_gemm {
#define LAM_GEMM_ENUM(name, text) LAM_GEMM_##name,
    LAM_GEMM_LIST(LAM_GEMM_ENUM)
#undef LAM_GEMM_ENUM
} lam_gemm;

LAM_API const char *lam_gemm_name(lam_gemm gemm);

LAM_END_DECLS

#endif
