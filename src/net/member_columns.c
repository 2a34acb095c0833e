/* SPDX-License-Identifier: Apache-2.0 */
#include "net/member_columns.h"

#include <stdlib.h>
#include <string.h>

/* The whole population's matrix; free() it. */
static lam_status read_all(const lam_engine *engine, const lam_buffer *buffer,
                           const lam_member_columns *c, double **ret_all)
{
    size_t count = c->rows * c->members * c->width;
    double *all = malloc(count * sizeof *all);
    if (!all)
        return lam_fail_memory(engine->context, "copying parameters", count * sizeof *all);
    lam_status status = lam_engine_read_reals(engine, buffer, 0, all, count);
    if (status == LAM_STATUS_OK)
        *ret_all = all;
    else
        free(all);
    return status;
}

static double *find_row(double *all, const lam_member_columns *c, size_t row, size_t member)
{
    return all + (row * c->members + member) * c->width;
}

lam_status lam_member_columns_read(const lam_engine *engine, const lam_buffer *buffer,
                                   const lam_member_columns *columns, double *ret_values)
{
    size_t width = columns->width;
    double *all = NULL;
    LAM_TRY(read_all(engine, buffer, columns, &all));
    for (size_t k = 0; k < columns->rows; k++)
        memcpy(ret_values + k * width, find_row(all, columns, k, columns->member),
               width * sizeof *all);
    free(all);
    return LAM_STATUS_OK;
}

lam_status lam_member_columns_write(const lam_engine *engine, lam_buffer *buffer,
                                    const lam_member_columns *columns, const double *values)
{
    size_t width = columns->width, count = columns->rows * columns->members * width;
    double *all = NULL;
    LAM_TRY(read_all(engine, buffer, columns, &all));
    for (size_t k = 0; k < columns->rows; k++)
        for (size_t p = 0; p < columns->members; p++)
            if (columns->member == p || columns->member == LAM_ALL_MEMBERS)
                memcpy(find_row(all, columns, k, p), values + k * width, width * sizeof *all);
    lam_status status = lam_engine_write_reals(engine, buffer, 0, all, count);
    free(all);
    return status;
}
