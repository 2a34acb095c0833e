/* SPDX-License-Identifier: Apache-2.0 */
#include "report/event_model.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "figure/png.h"
#include "lamina/data.h"
#include "report/event_message.h"
#include "report/weight_templates.h"
#include "train/run_directory.h"
#include "train/safetensors.h"

#define SHEET_COLUMNS 10
#define SHEET_TEMPLATES 100 /* of wider layers the first ones */
#define SHEET_GAP 2

typedef struct model_entry {
    char file[256];
    int64_t step;
} model_entry;

/* ---- templates ---- */

typedef struct sheet {
    size_t count, columns;
    uint32_t width, height;
    uint8_t *rgb; /* [height, width, 3] */
} sheet;

static void draw_template(sheet *s, const lam_first_layer *layer, size_t unit)
{
    const size_t cell = LAM_IMAGE_SIDE + SHEET_GAP, row_bytes = LAM_IMAGE_SIDE * 3;
    size_t left = unit % s->columns * cell, top = unit / s->columns * cell;
    lam_weight_range range = lam_first_layer_measure(layer, unit);
    uint8_t rgb[LAM_IMAGE_INPUTS];
    lam_first_layer_paint(layer, unit, range.minimum, range.maximum, rgb);
    for (size_t y = 0; y < LAM_IMAGE_SIDE; y++)
        memcpy(s->rgb + ((top + y) * s->width + left) * 3, rgb + y * row_bytes, row_bytes);
}

static lam_status add_templates(lam_context *context, const lam_first_layer *layer,
                                lam_strbuf *summary)
{
    const size_t cell = LAM_IMAGE_SIDE + SHEET_GAP;
    sheet s = {.count = layer->units < SHEET_TEMPLATES ? layer->units : SHEET_TEMPLATES};
    s.columns = s.count < SHEET_COLUMNS ? s.count : SHEET_COLUMNS;
    s.width = (uint32_t)(s.columns * cell - SHEET_GAP);
    s.height = (uint32_t)((s.count + s.columns - 1) / s.columns * cell - SHEET_GAP);
    size_t bytes = (size_t)s.width * s.height * 3;
    s.rgb = malloc(bytes);
    if (!s.rgb)
        return lam_fail_memory(context, "a picture", bytes);
    memset(s.rgb, 255, bytes);
    for (size_t unit = 0; unit < s.count; unit++)
        draw_template(&s, layer, unit);
    lam_strbuf png = {0};
    lam_status status = lam_png_append(context, s.width, s.height, s.rgb, &png);
    if (status == LAM_STATUS_OK)
        lam_event_add_image(summary, "layer1/templates", s.width, s.height, &png);
    lam_strbuf_free(&png);
    free(s.rgb);
    return status;
}

/* ---- one model ---- */

/* "layer1.batch_norm.mean" becomes "layer1/batch_norm.mean"; false for what is no layer's. */
static bool name_tag(const char *tensor, char tag[96])
{
    if (strncmp(tensor, "layer", 5) != 0)
        return false;
    snprintf(tag, 96, "%s", tensor);
    char *dot = strchr(tag, '.');
    if (dot)
        *dot = '/';
    return true;
}

static lam_status add_tensor(lam_context *context, const lam_safetensors_file *file,
                             const lam_safetensors_entry *entry, lam_strbuf *summary)
{
    char tag[96];
    size_t count = 1;
    if (!name_tag(entry->name, tag))
        return LAM_STATUS_OK;
    for (int i = 0; i < entry->rank; i++)
        count *= entry->shape[i];
    double *values = malloc((count + 1) * sizeof *values);
    if (!values)
        return lam_fail_memory(context, entry->name, count * sizeof *values);
    lam_status status =
        lam_safetensors_file_read(file, entry->name, entry->shape, entry->rank, values);
    if (status == LAM_STATUS_OK)
        lam_event_add_histogram(summary, tag, values, count);
    bool sees_images = strcmp(tag, "layer1/weight") == 0 && entry->rank == 2 &&
                       entry->shape[0] == LAM_IMAGE_INPUTS && entry->shape[1] > 0;
    const lam_first_layer layer = {entry->shape[1], values};
    if (status == LAM_STATUS_OK && sees_images)
        status = add_templates(context, &layer, summary);
    free(values);
    return status;
}

static lam_status open_model(lam_context *context, const char *folder, const char *name,
                             lam_safetensors_file **ret_file, int64_t *ret_step)
{
    lam_strbuf path = {0};
    lam_strbuf_append(&path, "%s/%s", folder, name);
    lam_status status = lam_safetensors_file_open(context, lam_strbuf_text(&path), ret_file);
    lam_strbuf_free(&path);
    if (status != LAM_STATUS_OK)
        return status;
    const char *step = lam_safetensors_file_get_text(*ret_file, "step");
    *ret_step = step ? strtoll(step, NULL, 10) : 0;
    return LAM_STATUS_OK;
}

static lam_status add_model(lam_context *context, const char *folder, const char *name,
                            lam_strbuf *summary)
{
    lam_safetensors_file *file = NULL;
    lam_safetensors_entry entry = {0};
    int64_t step;
    lam_status status = open_model(context, folder, name, &file, &step);
    while (status == LAM_STATUS_OK && lam_safetensors_file_next(file, &entry))
        status = add_tensor(context, file, &entry, summary);
    lam_safetensors_file_close(&file);
    return status;
}

/* ---- all of a folder ---- */

static int compare_steps(const void *a, const void *b)
{
    const model_entry *x = a, *y = b;
    return x->step != y->step ? (x->step < y->step ? -1 : 1) : strcmp(x->file, y->file);
}

static lam_status add_entry(lam_context *context, const char *folder, const char *file,
                            model_entry **models, size_t *count)
{
    model_entry *grown = realloc(*models, (*count + 1) * sizeof *grown);
    lam_safetensors_file *opened = NULL;
    if (!grown)
        return lam_fail_memory(context, folder, sizeof *grown);
    *models = grown;
    snprintf(grown[*count].file, sizeof grown[*count].file, "%s", file);
    lam_status status = open_model(context, folder, file, &opened, &grown[*count].step);
    lam_safetensors_file_close(&opened);
    *count += status == LAM_STATUS_OK;
    return status;
}

static lam_status list_models(lam_context *context, const char *folder, model_entry **models,
                              size_t *count)
{
    lam_status status = LAM_STATUS_OK;
    DIR *entries = opendir(folder);
    for (const struct dirent *entry;
         entries && status == LAM_STATUS_OK && (entry = readdir(entries));)
        if (lam_run_is_model(entry->d_name))
            status = add_entry(context, folder, entry->d_name, models, count);
    if (entries)
        closedir(entries);
    if (*count > 0)
        qsort(*models, *count, sizeof **models, compare_steps);
    return status;
}

lam_status lam_event_append_models(lam_context *context, const char *folder,
                                   const lam_event_clock *clock, lam_strbuf *file)
{
    model_entry *models = NULL;
    size_t count = 0;
    lam_status status = list_models(context, folder, &models, &count);
    for (size_t i = 0; i < count && status == LAM_STATUS_OK; i++) {
        lam_strbuf summary = {0};
        if (i > 0 && models[i].step == models[i - 1].step)
            continue; /* one that is the last and the best, or ends a cycle, too */
        status = add_model(context, folder, models[i].file, &summary);
        lam_event_append_summary(file, lam_event_clock_tell(clock, models[i].step),
                                 models[i].step, &summary);
        lam_strbuf_free(&summary);
    }
    free(models);
    return status;
}
