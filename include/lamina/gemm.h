/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The matrix products of training and the choice of who computes them.
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

/** X(name, text): the matrix products of a dense layer */
#define LAM_PRODUCT_LIST(X)                                                                    \
    X(FORWARD, "forward")                   /* act(x w + b) */                                 \
    X(BACKWARD_INPUT, "backward_input")     /* (dy w^T) act'(x); not of gathered rows */       \
    X(BACKWARD_WEIGHTS, "backward_weights") /* w -= rate (x^T dy + 2 l2 w) */

typedef enum lam_product {
#define LAM_PRODUCT_ENUM(name, text) LAM_PRODUCT_##name,
    LAM_PRODUCT_LIST(LAM_PRODUCT_ENUM)
#undef LAM_PRODUCT_ENUM
        LAM_PRODUCT_COUNT,
} lam_product;

LAM_API const char *lam_product_name(lam_product product);

LAM_END_DECLS

#endif
