/* SPDX-License-Identifier: Apache-2.0 */
/* clblast_c.h promises C but includes headers that -Wundef objects to. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wundef"
#include <clblast_c.h>
#pragma GCC diagnostic pop

#include <pthread.h>

#include "device/opencl.h"

/* CLBlast 1.5.3 keeps what it compiled for the whole process, and other threads' devices may
 * enqueue products, too. */
static pthread_mutex_t clblast_lock = PTHREAD_MUTEX_INITIALIZER;

static CLBlastTranspose transposed(bool flag)
{
    return flag ? CLBlastTransposeYes : CLBlastTransposeNo;
}

static CLBlastStatusCode enqueue_product(lam_device *device, const lam_blas_gemm *g)
{
    cl_event *event = lam_device_count_launch(device);
    CLBlastTranspose ta = transposed(g->transpose_a), tb = transposed(g->transpose_b);
    if (g->is_double)
        return CLBlastDgemmStridedBatched(
            CLBlastLayoutRowMajor, ta, tb, g->m, g->n, g->k, 1.0, g->a->memory, 0, g->a_stride,
            g->a_step, g->b->memory, 0, g->b_stride, g->b_step, 0.0, g->c->memory, 0,
            g->c_stride, g->c_step, g->batch, &device->queue, event);
    return CLBlastSgemmStridedBatched(CLBlastLayoutRowMajor, ta, tb, g->m, g->n, g->k, 1.0f,
                                      g->a->memory, 0, g->a_stride, g->a_step, g->b->memory, 0,
                                      g->b_stride, g->b_step, 0.0f, g->c->memory, 0,
                                      g->c_stride, g->c_step, g->batch, &device->queue, event);
}

lam_status lam_blas_gemm_enqueue(lam_device *device, const lam_blas_gemm *gemm)
{
    pthread_mutex_lock(&clblast_lock);
    CLBlastStatusCode status = enqueue_product(device, gemm);
    pthread_mutex_unlock(&clblast_lock);
    if (status != CLBlastSuccess)
        return lam_fail(device->context, LAM_STATUS_BAD_KERNEL,
                        "CLBlast failed on device %d (%s) with status %d (%s); use --gemm own",
                        device->info.index, device->info.name, (int)status,
                        lam_cl_status_name((cl_int)status));
    return LAM_STATUS_OK;
}
