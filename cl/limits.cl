/* SPDX-License-Identifier: Apache-2.0
 *
 * What a device can do at most, to hold the other kernels to.
 *
 * Formula: limits_fma     CHAINS independent chains of x = x * a + b in each lane
 *          limits_copy    to[i] = from[i]
 *          limits_nothing nothing
 * Layout: out[work-items], from and to[VEC * work-items], 4-byte reals.
 * Launch: any global (one dimension), any local.
 * Defines: REAL_BITS, VEC (common.clh); CHAINS 1 .. 32; ITERATIONS >= 1.
 *   limits_fma does 2 * CHAINS * VEC * ITERATIONS operations a work-item.
 * Outputs are overwritten.
 */
#if CHAINS < 1 || CHAINS > 32
#error "CHAINS must be 1 .. 32"
#endif
#if ITERATIONS < 1
#error "ITERATIONS must be at least 1"
#endif

kernel void limits_fma(global real *restrict out)
{
    const real a = (real)0.999, b = (real)1e-3 * get_global_id(0);
    realv chain[CHAINS];
    #pragma unroll
    for (int c = 0; c < CHAINS; c++)
        chain[c] = (realv)(c);
    for (int i = 0; i < ITERATIONS; i++) {
        #pragma unroll
        for (int c = 0; c < CHAINS; c++)
            chain[c] = fma(chain[c], (realv)(a), (realv)(b));
    }
    realv sum = (realv)(0);
    #pragma unroll
    for (int c = 0; c < CHAINS; c++)
        sum += chain[c];
    out[get_global_id(0)] = sum_lanes(sum);
}

kernel void limits_copy(global real *restrict to, global const real *restrict from)
{
    STORE_VECTOR(LOAD_VECTOR(get_global_id(0), from), get_global_id(0), to);
}

kernel void limits_nothing(global real *restrict out)
{
}
