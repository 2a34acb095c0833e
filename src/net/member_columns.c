/* SPDX-License-Identifier: Apache-2.0 */
#include "net/member_columns.h"

#include <stdlib.h>

lam_columns lam_member_columns_locate(const lam_engine *engine,
                                      const lam_member_columns *columns)
{
    size_t width_bytes = columns->width * lam_engine_get_real_bytes(engine);
    return (lam_columns){.rows = columns->rows,
                         .pitch_bytes = columns->members * width_bytes,
                         .first_bytes = columns->member * width_bytes,
                         .width_bytes = width_bytes};
}

lam_status lam_member_columns_copy(const lam_engine *engine, lam_buffer *to,
                                   const lam_member_columns *to_columns, const lam_buffer *from,
                                   const lam_member_columns *from_columns)
{
    const lam_columns to_place = lam_member_columns_locate(engine, to_columns);
    const lam_columns from_place = lam_member_columns_locate(engine, from_columns);
    return lam_buffer_copy_columns(to, &to_place, from, &from_place);
}

static lam_status fail_memory(const lam_engine *engine, size_t count)
{
    return lam_fail_memory(engine->context, "copying parameters", count * sizeof(float));
}

lam_status lam_member_columns_read(const lam_engine *engine, const lam_buffer *buffer,
                                   const lam_member_columns *columns, double *ret_values)
{
    const lam_columns place = lam_member_columns_locate(engine, columns);
    size_t count = columns->rows * columns->width;
    if (engine->real == LAM_REAL_TYPE_F64)
        return lam_buffer_read_columns(buffer, &place, ret_values);
    float *rounded = malloc(count * sizeof *rounded);
    if (!rounded)
        return fail_memory(engine, count);
    lam_status status = lam_buffer_read_columns(buffer, &place, rounded);
    for (size_t i = 0; i < count && status == LAM_STATUS_OK; i++)
        ret_values[i] = rounded[i];
    free(rounded);
    return status;
}

/* One member's, or every one's; `reals` are as the device holds them. */
static lam_status write_reals(const lam_engine *engine, lam_buffer *buffer,
                              const lam_member_columns *columns, const void *reals)
{
    lam_member_columns one = *columns;
    bool all = columns->member == LAM_ALL_MEMBERS;
    size_t first = all ? 0 : columns->member, end = all ? columns->members : first + 1;
    for (one.member = first; one.member < end; one.member++) {
        const lam_columns place = lam_member_columns_locate(engine, &one);
        LAM_TRY(lam_buffer_write_columns(buffer, &place, reals));
    }
    return LAM_STATUS_OK;
}

lam_status lam_member_columns_write(const lam_engine *engine, lam_buffer *buffer,
                                    const lam_member_columns *columns, const double *values)
{
    size_t count = columns->rows * columns->width;
    if (engine->real == LAM_REAL_TYPE_F64)
        return write_reals(engine, buffer, columns, values);
    float *rounded = malloc(count * sizeof *rounded);
    if (!rounded)
        return fail_memory(engine, count);
    for (size_t i = 0; i < count; i++)
        rounded[i] = (float)values[i];
    lam_status status = write_reals(engine, buffer, columns, rounded);
    free(rounded);
    return status;
}
