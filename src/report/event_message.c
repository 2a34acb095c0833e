/* SPDX-License-Identifier: Apache-2.0 */
#include "report/event_message.h"

#include <math.h>

#include "report/event_record.h"
#include "report/protobuf.h"

#define FILE_VERSION "brain.Event:2"
#define BUCKETS 64

/* Numbers of fields, by message. */
enum { EVENT_WALL_TIME = 1, EVENT_STEP = 2, EVENT_FILE_VERSION = 3, EVENT_SUMMARY = 5 };
enum { SUMMARY_VALUE = 1 };
enum {
    VALUE_TAG = 1,
    VALUE_SIMPLE = 2,
    VALUE_IMAGE = 4,
    VALUE_HISTOGRAM = 5,
    VALUE_METADATA = 9
};
enum { IMAGE_HEIGHT = 1, IMAGE_WIDTH = 2, IMAGE_COLORSPACE = 3, IMAGE_ENCODED = 4 };
enum {
    HISTOGRAM_MIN = 1,
    HISTOGRAM_MAX = 2,
    HISTOGRAM_NUM = 3,
    HISTOGRAM_SUM = 4,
    HISTOGRAM_SUM_SQUARES = 5,
    HISTOGRAM_BUCKET_LIMIT = 6,
    HISTOGRAM_BUCKET = 7,
};
enum { METADATA_PLUGIN_DATA = 1 };
enum { PLUGIN_NAME = 1, PLUGIN_CONTENT = 2 };
#define COLORSPACE_RGB 3

void lam_event_append_version(lam_strbuf *file, double time)
{
    lam_strbuf event = {0};
    lam_protobuf_add_double(&event, EVENT_WALL_TIME, time);
    lam_protobuf_add_text(&event, EVENT_FILE_VERSION, FILE_VERSION);
    lam_event_record_append(file, &event);
}

void lam_event_append_summary(lam_strbuf *file, double time, int64_t step, lam_strbuf *summary)
{
    lam_strbuf event = {0};
    if (summary->length == 0) {
        file->failed |= summary->failed;
        return;
    }
    lam_protobuf_add_double(&event, EVENT_WALL_TIME, time);
    lam_protobuf_add_integer(&event, EVENT_STEP, (uint64_t)step);
    lam_protobuf_add_message(&event, EVENT_SUMMARY, summary);
    lam_event_record_append(file, &event);
}

static lam_strbuf start_value(const char *tag)
{
    lam_strbuf value = {0};
    lam_protobuf_add_text(&value, VALUE_TAG, tag);
    return value;
}

void lam_event_add_scalar(lam_strbuf *summary, const char *tag, double value)
{
    lam_strbuf message = start_value(tag);
    lam_protobuf_add_float(&message, VALUE_SIMPLE, (float)value);
    lam_protobuf_add_message(summary, SUMMARY_VALUE, &message);
}

/* ---- histograms ---- */

typedef struct histogram {
    double minimum, maximum, count, sum, sum_squares;
    double limits[BUCKETS]; /* upper ends */
    double buckets[BUCKETS];
} histogram;

static histogram measure(const double *values, size_t count)
{
    histogram h = {.minimum = INFINITY, .maximum = -INFINITY};
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i]))
            continue;
        h.minimum = fmin(h.minimum, values[i]);
        h.maximum = fmax(h.maximum, values[i]);
        h.sum += values[i];
        h.sum_squares += values[i] * values[i];
        h.count++;
    }
    return h;
}

static void fill_buckets(histogram *h, const double *values, size_t count)
{
    const double width = (h->maximum - h->minimum) / BUCKETS;
    for (size_t b = 0; b < BUCKETS; b++)
        h->limits[b] = b + 1 < BUCKETS ? h->minimum + width * (double)(b + 1) : h->maximum;
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i]))
            continue;
        double place = width > 0 ? (values[i] - h->minimum) / width : BUCKETS;
        h->buckets[place < BUCKETS ? (size_t)place : BUCKETS - 1]++;
    }
}

void lam_event_add_histogram(lam_strbuf *summary, const char *tag, const double *values,
                             size_t count)
{
    histogram h = measure(values, count);
    if (!(h.count > 0))
        return;
    fill_buckets(&h, values, count);
    lam_strbuf message = {0}, value = start_value(tag);
    lam_protobuf_add_double(&message, HISTOGRAM_MIN, h.minimum);
    lam_protobuf_add_double(&message, HISTOGRAM_MAX, h.maximum);
    lam_protobuf_add_double(&message, HISTOGRAM_NUM, h.count);
    lam_protobuf_add_double(&message, HISTOGRAM_SUM, h.sum);
    lam_protobuf_add_double(&message, HISTOGRAM_SUM_SQUARES, h.sum_squares);
    lam_protobuf_add_doubles(&message, HISTOGRAM_BUCKET_LIMIT, h.limits, BUCKETS);
    lam_protobuf_add_doubles(&message, HISTOGRAM_BUCKET, h.buckets, BUCKETS);
    lam_protobuf_add_message(&value, VALUE_HISTOGRAM, &message);
    lam_protobuf_add_message(summary, SUMMARY_VALUE, &value);
}

/* ---- pictures and plugins ---- */

void lam_event_add_image(lam_strbuf *summary, const char *tag, uint32_t width, uint32_t height,
                         const lam_strbuf *png)
{
    lam_strbuf image = {.failed = png->failed}, value = start_value(tag);
    lam_protobuf_add_integer(&image, IMAGE_HEIGHT, height);
    lam_protobuf_add_integer(&image, IMAGE_WIDTH, width);
    lam_protobuf_add_integer(&image, IMAGE_COLORSPACE, COLORSPACE_RGB);
    lam_protobuf_add_bytes(&image, IMAGE_ENCODED, lam_strbuf_text(png), png->length);
    lam_protobuf_add_message(&value, VALUE_IMAGE, &image);
    lam_protobuf_add_message(summary, SUMMARY_VALUE, &value);
}

void lam_event_add_plugin_data(lam_strbuf *summary, const char *tag, const char *plugin,
                               lam_strbuf *content)
{
    lam_strbuf data = {0}, metadata = {0}, value = start_value(tag);
    lam_protobuf_add_text(&data, PLUGIN_NAME, plugin);
    lam_protobuf_add_message(&data, PLUGIN_CONTENT, content);
    lam_protobuf_add_message(&metadata, METADATA_PLUGIN_DATA, &data);
    lam_protobuf_add_message(&value, VALUE_METADATA, &metadata);
    lam_protobuf_add_message(summary, SUMMARY_VALUE, &value);
}
