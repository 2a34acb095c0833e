/* SPDX-License-Identifier: Apache-2.0 */
#include "train/epoch_tables.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "train/step_scalars.h"

/* Numbers in the table of one step. */
static size_t count_scalars(const lam_epoch_tables *tables)
{
    return LAM_STEP_SCALAR_COUNT * tables->watches->members;
}

static lam_status create_order(lam_epoch_tables *tables, size_t batch_rows)
{
    size_t bytes = tables->rows.count * sizeof *tables->host_order;
    LAM_TRY(lam_buffer_create(tables->engine->device, batch_rows * sizeof(int32_t), "the order",
                              &tables->order));
    tables->host_order = malloc(bytes);
    return tables->host_order ? LAM_STATUS_OK
                              : lam_fail_memory(tables->engine->context, "the order", bytes);
}

static lam_status create_table(lam_epoch_tables *tables, size_t steps)
{
    size_t count = steps * count_scalars(tables);
    LAM_TRY(
        lam_engine_create_reals(tables->engine, count, "learning rates", &tables->step_table));
    tables->host_table = malloc(count * sizeof *tables->host_table);
    return tables->host_table ? LAM_STATUS_OK
                              : lam_fail_memory(tables->engine->context, "learning rates",
                                                count * sizeof *tables->host_table);
}

lam_status lam_epoch_tables_create(const lam_engine *engine, const lam_watch_set *watches,
                                   lam_row_range rows, const uint64_t *seeds,
                                   lam_epoch_tables *ret_tables)
{
    lam_status status = LAM_STATUS_OK;
    const lam_recipe *recipe = &watches->recipes[0];
    size_t steps = (size_t)watches->counts.per_epoch;
    *ret_tables = (lam_epoch_tables){.engine = engine, .watches = watches, .rows = rows};
    LAM_TRY_GOTO(status, create_order(ret_tables, steps * (size_t)recipe->batch));
    LAM_TRY_GOTO(status, create_table(ret_tables, steps));
    LAM_TRY_GOTO(status, lam_run_numbers_create(engine, recipe->seed, seeds, watches->members,
                                                &ret_tables->numbers));
    return LAM_STATUS_OK;
fail:
    lam_epoch_tables_destroy(ret_tables);
    return status;
}

void lam_epoch_tables_destroy(lam_epoch_tables *tables)
{
    lam_buffer_destroy(&tables->order);
    lam_buffer_destroy(&tables->step_table);
    lam_run_numbers_destroy(&tables->numbers);
    free(tables->host_order);
    free(tables->host_table);
    *tables = (lam_epoch_tables){0};
}

/* Rows in the order they are drawn in: a pure function of seed and epoch. */
static void draw_order(lam_epoch_tables *tables, int64_t epoch)
{
    const lam_recipe *recipe = &tables->watches->recipes[0];
    lam_random random =
        lam_random_start(recipe->seed, LAM_RANDOM_STREAM_ORDER, (uint32_t)epoch);
    if (recipe->shuffle)
        lam_random_permutation(&random, tables->host_order, tables->rows.count);
    for (uint32_t i = 0; i < tables->rows.count; i++)
        tables->host_order[i] = (int32_t)tables->rows.first +
                                (recipe->shuffle ? tables->host_order[i] : (int32_t)i);
}

lam_status lam_epoch_tables_start(lam_epoch_tables *tables, int64_t epoch)
{
    int64_t first_step = epoch * tables->watches->counts.per_epoch;
    draw_order(tables, epoch);
    LAM_TRY(lam_run_numbers_set_step(&tables->numbers, first_step));
    LAM_TRY(lam_buffer_write(tables->order, 0, tables->host_order,
                             lam_buffer_get_size(tables->order)));
    return lam_epoch_tables_rewrite(tables, first_step);
}

/* Members that rest have zeros, which change nothing. */
lam_status lam_epoch_tables_rewrite(lam_epoch_tables *tables, int64_t step)
{
    const lam_watch_set *watches = tables->watches;
    size_t members = watches->members, row = count_scalars(tables);
    int64_t first = step % watches->counts.per_epoch;
    size_t steps = (size_t)(watches->counts.per_epoch - first);
    memset(tables->host_table, 0, steps * row * sizeof *tables->host_table);
    for (size_t s = 0; s < steps; s++)
        for (size_t p = 0; p < members; p++)
            if (!lam_watch_is_over(&watches->watches[p]))
                lam_step_scalars_fill(
                    tables->host_table + s * row, p, members, &watches->recipes[p].optimizer,
                    lam_watch_set_get_rate(watches, p, step + (int64_t)s), step + (int64_t)s);
    return lam_engine_write_reals(tables->engine, tables->step_table, (size_t)first * row,
                                  tables->host_table, steps * row);
}
