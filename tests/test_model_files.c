/* SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "support/device_fixture.h"
#include "support/folder.h"
#include "support/suite.h"
#include "train/model_file.h"
#include "train/safetensors.h"

static test_folder folder;

static void set_up(void)
{
    folder = test_folder_make();
}

static void tear_down(void)
{
    test_folder_remove(&folder);
}

/* ---- a small file with every kind of tensor ---- */

enum { TENSOR_COUNT = 4, LARGEST_TENSOR = 15 };

typedef struct tensor {
    const char *name;
    bool is_double;
    size_t shape[2];
    int rank;
    double values[LARGEST_TENSOR];
} tensor;

static const tensor tensors[TENSOR_COUNT] = {
    {"layer1.weight", false, {3, 5}, 2, {0, -0.0, 1, -1, 0.1, 1e-40, -1e38, 3.25, FLT_MAX, 7}},
    {"layer1.bias", false, {7, 0}, 1, {1, 2, 3, 4, 5, 6, 1.0 / 3}},
    {"input.mean", true, {3, 0}, 1, {0.1, -DBL_MAX, DBL_MIN}},
    {"z \"quoted\" \xc3\xa4", true, {2, 2}, 2, {1.0 / 3, 2, -0.0, 4e-320}},
};

static size_t count_values(const tensor *t)
{
    return t->rank == 1 ? t->shape[0] : t->shape[0] * t->shape[1];
}

static const char *write_small_file(const char *name)
{
    const char *path = test_path(&folder, name);
    lam_safetensors_writer *writer = NULL;
    ck_assert_ok(lam_safetensors_writer_create(test_context(), &writer));
    ck_assert_ok(lam_safetensors_writer_add_text(writer, "step", "1234"));
    ck_assert_ok(lam_safetensors_writer_add_text(writer, "note", "a \"b\"\n\xc3\xbc"));
    for (int i = 0; i < TENSOR_COUNT; i++)
        ck_assert_ok(lam_safetensors_writer_add(writer, tensors[i].name, tensors[i].is_double,
                                                tensors[i].shape, tensors[i].rank,
                                                tensors[i].values));
    ck_assert_ok(lam_safetensors_writer_save(writer, path));
    lam_safetensors_writer_destroy(&writer);
    ck_assert_ptr_null(writer);
    lam_safetensors_writer_destroy(&writer);
    return path;
}

static lam_status read_tensor(const lam_safetensors_file *file, const tensor *t, double *values)
{
    return lam_safetensors_file_read(file, t->name, t->shape, t->rank, values);
}

START_TEST(tensors_and_texts_come_back)
{
    lam_safetensors_file *file = NULL;
    ck_assert_ok(lam_safetensors_file_open(test_context(), write_small_file("small"), &file));
    for (int i = 0; i < TENSOR_COUNT; i++) {
        double values[LARGEST_TENSOR];
        ck_assert_ok(read_tensor(file, &tensors[i], values));
        for (size_t v = 0; v < count_values(&tensors[i]); v++) {
            double expected = tensors[i].values[v];
            expected = tensors[i].is_double ? expected : (double)(float)expected;
            ck_assert_mem_eq(&values[v], &expected, sizeof expected);
        }
    }
    ck_assert_str_eq(lam_safetensors_file_get_text(file, "step"), "1234");
    ck_assert_str_eq(lam_safetensors_file_get_text(file, "note"), "a \"b\"\n\xc3\xbc");
    ck_assert_ptr_null(lam_safetensors_file_get_text(file, "absent"));
    lam_safetensors_file_close(&file);
    ck_assert_ptr_null(file);
    lam_safetensors_file_close(&file);
}
END_TEST

START_TEST(infinities_and_nan_come_back)
{
    const double given[4] = {INFINITY, -INFINITY, NAN, 1};
    const size_t shape = 4;
    for (int is_double = 0; is_double < 2; is_double++) {
        const char *path = test_path(&folder, "special");
        lam_safetensors_writer *writer = NULL;
        lam_safetensors_file *file = NULL;
        double values[4] = {0};
        ck_assert_ok(lam_safetensors_writer_create(test_context(), &writer));
        ck_assert_ok(lam_safetensors_writer_add(writer, "t", is_double, &shape, 1, given));
        ck_assert_ok(lam_safetensors_writer_save(writer, path));
        ck_assert_ok(lam_safetensors_file_open(test_context(), path, &file));
        ck_assert_ok(lam_safetensors_file_read(file, "t", &shape, 1, values));
        ck_assert(values[0] == INFINITY && values[1] == -INFINITY && isnan(values[2]));
        ck_assert_double_eq(values[3], 1);
        lam_safetensors_file_close(&file);
        lam_safetensors_writer_destroy(&writer);
    }
}
END_TEST

static void check_entry(const json_t *header, const char *bytes, const tensor *t, size_t begin)
{
    const json_t *entry = json_object_get(header, t->name);
    const json_t *shape = json_object_get(entry, "shape");
    const json_t *offsets = json_object_get(entry, "data_offsets");
    size_t size = t->is_double ? 8 : 4, count = count_values(t);
    ck_assert_str_eq(json_string_value(json_object_get(entry, "dtype")),
                     t->is_double ? "F64" : "F32");
    ck_assert_uint_eq(json_array_size(shape), (size_t)t->rank);
    for (int i = 0; i < t->rank; i++)
        ck_assert_int_eq(json_integer_value(json_array_get(shape, (size_t)i)),
                         (json_int_t)t->shape[i]);
    ck_assert_int_eq(json_integer_value(json_array_get(offsets, 0)), (json_int_t)begin);
    ck_assert_int_eq(json_integer_value(json_array_get(offsets, 1)),
                     (json_int_t)(begin + count * size));
    for (size_t i = 0; i < count; i++) {
        float rounded = (float)t->values[i];
        ck_assert_mem_eq(bytes + begin + i * size,
                         t->is_double ? (const void *)&t->values[i] : (const void *)&rounded,
                         size);
    }
}

/* The container as its own documentation has it, read here without Lamina's reader. */
START_TEST(written_file_is_the_documented_container)
{
    size_t size = 0, begin = 0;
    uint64_t length = 0;
    char *bytes = test_file_read(write_small_file("small"), &size);
    memcpy(&length, bytes, 8);
    ck_assert_uint_lt(length, size - 8);
    ck_assert_msg((8 + length) % 8 == 0, "the tensors start at byte %" PRIu64, 8 + length);
    ck_assert_int_eq(bytes[8], '{');
    json_t *header = json_loadb(bytes + 8, (size_t)length, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_uint_eq(json_object_size(header), TENSOR_COUNT + 1);
    for (int i = 0; i < TENSOR_COUNT; i++) {
        check_entry(header, bytes + 8 + length, &tensors[i], begin);
        begin += count_values(&tensors[i]) * (tensors[i].is_double ? 8 : 4);
    }
    ck_assert_uint_eq(8 + length + begin, size);
    const json_t *metadata = json_object_get(header, "__metadata__");
    ck_assert_str_eq(json_string_value(json_object_get(metadata, "step")), "1234");
    json_decref(header);
    free(bytes);
}
END_TEST

/* ---- damage ---- */

/* How many of the small file's tensors can be read from `path`; -1 when it does not open. Every
 * refusal is BAD_MODEL and names the file. */
static int count_readable(const char *path)
{
    int readable = 0;
    lam_safetensors_file *file = NULL;
    lam_status status = lam_safetensors_file_open(test_context(), path, &file);
    if (status != LAM_STATUS_OK) {
        ck_assert_int_eq(status, LAM_STATUS_BAD_MODEL);
        ck_assert_ptr_nonnull(strstr(lam_error_message(test_context()), path));
        ck_assert_ptr_null(file);
        return -1;
    }
    for (int i = 0; i < TENSOR_COUNT; i++) {
        double values[LARGEST_TENSOR];
        status = read_tensor(file, &tensors[i], values);
        ck_assert(status == LAM_STATUS_OK || status == LAM_STATUS_BAD_MODEL);
        if (status != LAM_STATUS_OK)
            ck_assert_ptr_nonnull(strstr(lam_error_message(test_context()), path));
        readable += status == LAM_STATUS_OK;
    }
    const char *step = lam_safetensors_file_get_text(file, "step");
    ck_assert(!step || strlen(step) < 100);
    lam_safetensors_file_close(&file);
    return readable;
}

START_TEST(file_cut_at_any_byte_is_refused)
{
    size_t size = 0;
    char *bytes = test_file_read(write_small_file("small"), &size);
    const char *path = test_path(&folder, "cut");
    for (size_t kept = 0; kept < size; kept++) {
        test_file_write(path, bytes, kept);
        int readable = count_readable(path);
        ck_assert_msg(readable < TENSOR_COUNT, "whole with %zu of %zu bytes", kept, size);
        uint64_t length = 0;
        memcpy(&length, bytes, 8);
        ck_assert_int_eq(readable == -1, kept < 8 + length);
    }
    test_file_write(path, bytes, size);
    ck_assert_int_eq(count_readable(path), TENSOR_COUNT);
    free(bytes);
}
END_TEST

/* Up to four bytes changed at once, three times out of four in the header. */
START_TEST(random_damage_never_does_harm)
{
    enum { TRIALS = 3000 };
    size_t size = 0;
    uint64_t length = 0;
    int refused = 0;
    char *bytes = test_file_read(write_small_file("small"), &size);
    memcpy(&length, bytes, 8);
    lam_random random = lam_random_start(1, LAM_RANDOM_STREAM_SAMPLING, 0);
    const char *path = test_path(&folder, "damaged");
    char *damaged = malloc(size);
    for (int trial = 0; trial < TRIALS; trial++) {
        memcpy(damaged, bytes, size);
        uint32_t reach = trial % 4 ? 8 + (uint32_t)length : (uint32_t)size;
        for (uint32_t i = 0; i <= lam_random_below(&random, 4); i++)
            damaged[lam_random_below(&random, reach)] = (char)lam_random_below(&random, 256);
        test_file_write(path, damaged, size);
        refused += count_readable(path) < TENSOR_COUNT;
    }
    ck_assert_int_gt(refused, TRIALS / 2);
    free(damaged);
    free(bytes);
}
END_TEST

static void write_container(const char *path, uint64_t length, const char *header,
                            size_t data_bytes)
{
    char bytes[1024] = {0};
    size_t header_bytes = strlen(header);
    ck_assert_uint_lt(8 + header_bytes + data_bytes, sizeof bytes);
    memcpy(bytes, &length, 8);
    memcpy(bytes + 8, header, header_bytes);
    test_file_write(path, bytes, 8 + header_bytes + data_bytes);
}

typedef struct header_case {
    const char *header, *part; /* what the refusal must say; NULL: it is accepted */
} header_case;

/* Tensor "t" is read as [2, 3] from 24 bytes of data. */
#define ENTRY(dtype, shape, offsets)                                                           \
    "{\"t\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"
static const header_case header_cases[] = {
    {ENTRY("\"F32\"", "[2,3]", "[0,24]"), NULL},
    {ENTRY("\"F32\"", "[2,3]", "[0,24]") "     \n", NULL},
    {ENTRY("\"F32\"", "[3,2]", "[0,24]"), "shape"},
    {ENTRY("\"F32\"", "[6]", "[0,24]"), "shape"},
    {ENTRY("\"F32\"", "[2,3,1]", "[0,24]"), "shape"},
    {ENTRY("\"F32\"", "[]", "[0,24]"), "shape"},
    {ENTRY("\"F32\"", "{}", "[0,24]"), "shape"},
    {ENTRY("\"F32\"", "[\"2\",\"3\"]", "[0,24]"), "shape"},
    {ENTRY("\"F32\"", "[2.0,3.0]", "[0,24]"), "shape"},
    {"{\"t\":{\"dtype\":\"F32\",\"data_offsets\":[0,24]}}", "shape"},
    {ENTRY("\"F16\"", "[2,3]", "[0,12]"), "F32"},
    {ENTRY("\"I32\"", "[2,3]", "[0,24]"), "F32"},
    {ENTRY("\"f32\"", "[2,3]", "[0,24]"), "F32"},
    {ENTRY("32", "[2,3]", "[0,24]"), "F32"},
    {ENTRY("null", "[2,3]", "[0,24]"), "F32"},
    {ENTRY("\"F64\"", "[2,3]", "[0,24]"), "outside"},
    {ENTRY("\"F64\"", "[2,3]", "[0,48]"), "outside"},
    {ENTRY("\"F32\"", "[2,3]", "[4,28]"), "outside"},
    {ENTRY("\"F32\"", "[2,3]", "[0,20]"), "outside"},
    {ENTRY("\"F32\"", "[2,3]", "[24,0]"), "outside"},
    {ENTRY("\"F32\"", "[2,3]", "[-24,0]"), "outside"},
    {ENTRY("\"F32\"", "[2,3]", "[-9223372036854775808,24]"), "outside"},
    {ENTRY("\"F32\"", "[2,3]", "[9223372036854775783,9223372036854775807]"), "outside"},
    {ENTRY("\"F32\"", "[2,3]", "[-9223372036854775808,9223372036854775807]"), "outside"},
    {ENTRY("\"F32\"", "[2,3]", "[0]"), "outside"},
    {ENTRY("\"F32\"", "[2,3]", "24"), "outside"},
    {ENTRY("\"F32\"", "[2,3]", "[\"0\",\"24\"]"), "outside"},
    {"{\"t\":{\"dtype\":\"F32\",\"shape\":[2,3]}}", "outside"},
    {"{\"t\":null}", "shape"},
    {"{\"t\":[1]}", "shape"},
    {"{\"u\":{}}", "missing"},
    {"{}", "missing"},
    {"{", "JSON"},
    {"[]", "JSON"},
    {"3", "JSON"},
    {"\"t\"", "JSON"},
    {"null", "JSON"},
    {"", "JSON"},
    {"{} {}", "JSON"},
    {"{\"t\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":"
     "[0,99999999999999999999999999]}}",
     "JSON"},
};

START_TEST(header_that_lies_is_refused)
{
    const header_case *c = &header_cases[_i];
    const size_t shape[2] = {2, 3};
    const char *path = test_path(&folder, "lies");
    double values[6];
    lam_safetensors_file *file = NULL;
    write_container(path, strlen(c->header), c->header, 24);
    lam_status status = lam_safetensors_file_open(test_context(), path, &file);
    if (status == LAM_STATUS_OK) {
        ck_assert_ptr_null(lam_safetensors_file_get_text(file, "step"));
        status = lam_safetensors_file_read(file, "t", shape, 2, values);
    }
    lam_safetensors_file_close(&file);
    ck_assert_msg(status == (c->part ? LAM_STATUS_BAD_MODEL : LAM_STATUS_OK), "%s: %s",
                  c->header, lam_status_name(status));
    const char *message = lam_error_message(test_context());
    if (c->part) {
        ck_assert_msg(strstr(message, c->part), "no '%s' in: %s", c->part, message);
        ck_assert_ptr_nonnull(strstr(message, path));
    }
}
END_TEST

START_TEST(metadata_that_is_no_text_is_ignored)
{
    static const char *const headers[] = {
        "{\"__metadata__\":{\"step\":7}}", "{\"__metadata__\":[\"step\"]}",
        "{\"__metadata__\":\"step\"}", "{\"__metadata__\":null}", "{}"};
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        lam_safetensors_file *file = NULL;
        const char *path = test_path(&folder, "metadata");
        write_container(path, strlen(headers[i]), headers[i], 0);
        ck_assert_ok(lam_safetensors_file_open(test_context(), path, &file));
        ck_assert_ptr_null(lam_safetensors_file_get_text(file, "step"));
        lam_safetensors_file_close(&file);
    }
}
END_TEST

static void expect_refused(const char *path)
{
    ck_assert_int_eq(count_readable(path), -1);
}

START_TEST(impossible_header_lengths_are_refused)
{
    static const uint64_t lengths[] = {27,
                                       100000001,
                                       (uint64_t)1 << 31,
                                       (uint64_t)1 << 32,
                                       ((uint64_t)1 << 32) + 2,
                                       (uint64_t)INT64_MAX,
                                       (uint64_t)INT64_MAX + 1,
                                       UINT64_MAX - 8,
                                       UINT64_MAX - 7,
                                       UINT64_MAX};
    const char *path = test_path(&folder, "length");
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        write_container(path, lengths[i], "{}", 24);
        expect_refused(path);
        ck_assert_ptr_nonnull(strstr(lam_error_message(test_context()), "cut short"));
    }
    write_container(path, 2, "{}", 24);
    ck_assert_int_eq(count_readable(path), 0);
}
END_TEST

START_TEST(deeply_nested_header_is_refused)
{
    enum { DEPTH = 1 << 20 };
    const char *path = test_path(&folder, "nested");
    uint64_t length = DEPTH;
    char *bytes = malloc(8 + DEPTH);
    memcpy(bytes, &length, 8);
    memset(bytes + 8, '[', DEPTH);
    test_file_write(path, bytes, 8 + DEPTH);
    expect_refused(path);
    free(bytes);
}
END_TEST

START_TEST(what_is_no_file_is_refused)
{
    expect_refused(test_path(&folder, "nowhere"));
    expect_refused(folder.path);
    test_file_write_text(test_path(&folder, "text"), "step,epoch\n");
    expect_refused(test_path(&folder, "text"));
}
END_TEST

START_TEST(file_is_not_written_to_an_impossible_place)
{
    lam_safetensors_writer *writer = NULL;
    const size_t shape = 1;
    const double value = 1;
    test_file_write_text(test_path(&folder, "file"), "");
    ck_assert_ok(lam_safetensors_writer_create(test_context(), &writer));
    ck_assert_ok(lam_safetensors_writer_add(writer, "t", true, &shape, 1, &value));
    const char *inside_file = test_path(&folder, "file/model");
    ck_assert_int_eq(lam_safetensors_writer_save(writer, inside_file), LAM_STATUS_BAD_OUTPUT);
    ck_assert_ptr_nonnull(strstr(lam_error_message(test_context()), inside_file));
    ck_assert_int_eq(lam_safetensors_writer_save(writer, test_path(&folder, "no/model")),
                     LAM_STATUS_BAD_OUTPUT);
    /* The writer is as good as before. */
    ck_assert_ok(lam_safetensors_writer_save(writer, test_path(&folder, "model")));
    ck_assert_int_eq(test_folder_count(&folder), 2);
    lam_safetensors_writer_destroy(&writer);
}
END_TEST

/* ---- the z-score in a model ---- */

static lam_normalization made, loaded;

/* Writes `made`'s two tensors of `inputs` values and loads them. */
static lam_status reload_normalization(size_t inputs, const char *deviation_name)
{
    const char *path = test_path(&folder, "model");
    lam_safetensors_writer *writer = NULL;
    ck_assert_ok(lam_safetensors_writer_create(test_context(), &writer));
    ck_assert_ok(lam_safetensors_writer_add(writer, "input.mean", true, &inputs, 1, made.mean));
    ck_assert_ok(
        lam_safetensors_writer_add(writer, deviation_name, true, &inputs, 1, made.deviation));
    ck_assert_ok(lam_safetensors_writer_save(writer, path));
    lam_safetensors_writer_destroy(&writer);
    return lam_model_file_load_normalization(test_context(), path, &loaded);
}

START_TEST(normalization_comes_back_and_is_checked)
{
    static const double bad_deviations[] = {0, -0.0, -1, NAN, INFINITY};
    static const double bad_means[] = {NAN, INFINITY, -INFINITY};
    for (int k = 0; k < LAM_IMAGE_INPUTS; k++) {
        made.mean[k] = 0.4 + k / 7e4;
        made.deviation[k] = 0.2 + k / 9e4;
    }
    ck_assert_ok(reload_normalization(LAM_IMAGE_INPUTS, "input.deviation"));
    ck_assert_mem_eq(&made, &loaded, sizeof made);
    ck_assert_int_eq(reload_normalization(LAM_IMAGE_INPUTS - 1, "input.deviation"),
                     LAM_STATUS_BAD_MODEL);
    ck_assert_int_eq(reload_normalization(LAM_IMAGE_INPUTS, "elsewhere"), LAM_STATUS_BAD_MODEL);
    for (size_t i = 0; i < sizeof bad_deviations / sizeof bad_deviations[0]; i++) {
        made.deviation[3071] = bad_deviations[i];
        ck_assert_int_eq(reload_normalization(LAM_IMAGE_INPUTS, "input.deviation"),
                         LAM_STATUS_BAD_MODEL);
        ck_assert_ptr_nonnull(strstr(lam_error_message(test_context()), "3071"));
    }
    made.deviation[3071] = 1;
    for (size_t i = 0; i < sizeof bad_means / sizeof bad_means[0]; i++) {
        made.mean[17] = bad_means[i];
        ck_assert_int_eq(reload_normalization(LAM_IMAGE_INPUTS, "input.deviation"),
                         LAM_STATUS_BAD_MODEL);
        ck_assert_ptr_nonnull(strstr(lam_error_message(test_context()), " 17 "));
    }
}
END_TEST

static void add_test(Suite *suite, const char *name, const TTest *test)
{
    tcase_add_checked_fixture(lam_add_test(suite, name, test, 60), set_up, tear_down);
}

static void add_tests(Suite *suite)
{
    add_test(suite, "round trip", tensors_and_texts_come_back);
    add_test(suite, "special values", infinities_and_nan_come_back);
    add_test(suite, "container", written_file_is_the_documented_container);
    add_test(suite, "cut", file_cut_at_any_byte_is_refused);
    add_test(suite, "damage", random_damage_never_does_harm);
    add_test(suite, "metadata", metadata_that_is_no_text_is_ignored);
    add_test(suite, "lengths", impossible_header_lengths_are_refused);
    add_test(suite, "nesting", deeply_nested_header_is_refused);
    add_test(suite, "no file", what_is_no_file_is_refused);
    add_test(suite, "no place", file_is_not_written_to_an_impossible_place);
    add_test(suite, "normalization", normalization_comes_back_and_is_checked);
    TCase *lies = tcase_create("lies");
    tcase_add_checked_fixture(lies, set_up, tear_down);
    tcase_add_loop_test(lies, header_that_lies_is_refused, 0,
                        sizeof header_cases / sizeof header_cases[0]);
    suite_add_tcase(suite, lies);
}

LAM_SUITE_MAIN("model_files", add_tests)
