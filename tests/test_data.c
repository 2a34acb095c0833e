/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <ftw.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lamina/data.h"
#include "support/suite.h"

#define RECORD_BYTES 3073
#define FILE_BYTES ((off_t)LAM_ROWS_PER_FILE * RECORD_BYTES)
#define TEST_FILE 6
#define ZERO_INPUT 100 /* the same in every row: no variance */
#define FULL_INPUT 200 /* 255 in every row: the largest sums there are */

/* Made once per test case: `whole` holds six valid files, `hostile` whatever a test puts
 * there. */
static char root[256], whole[300], hostile[300];

static uint8_t expected_label(int file, uint32_t row)
{
    return (uint8_t)((row * 7 + (uint32_t)file) % 10);
}

/* Differs between the files, the rows of a file, and the inputs. */
static uint8_t expected_pixel(int file, uint32_t row, uint32_t input)
{
    if (input == ZERO_INPUT)
        return 77;
    if (input == FULL_INPUT)
        return 255;
    return (uint8_t)(input * (2 * (uint32_t)file + 1) + row * 13 + (row >> 8) * 29);
}

static void make_path(char *path, size_t size, const char *folder, int file)
{
    if (file == TEST_FILE)
        snprintf(path, size, "%s/test_batch.bin", folder);
    else
        snprintf(path, size, "%s/data_batch_%d.bin", folder, file);
}

static void write_whole_file(int file, uint8_t *buffer)
{
    for (uint32_t row = 0; row < LAM_ROWS_PER_FILE; row++) {
        uint8_t *record = buffer + (size_t)row * RECORD_BYTES;
        *record++ = expected_label(file, row);
        for (uint32_t i = 0; i < LAM_IMAGE_INPUTS; i++)
            record[i] = expected_pixel(file, row, i);
    }
    char path[400];
    make_path(path, sizeof path, whole, file);
    FILE *stream = fopen(path, "wb");
    ck_assert_ptr_nonnull(stream);
    ck_assert_uint_eq(fwrite(buffer, 1, FILE_BYTES, stream), FILE_BYTES);
    ck_assert_int_eq(fclose(stream), 0);
}

static void make_root(void)
{
    const char *temporary = getenv("TMPDIR");
    snprintf(root, sizeof root, "%s/lamina-test-XXXXXX", temporary ? temporary : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(root));
    snprintf(whole, sizeof whole, "%s/whole", root);
    snprintf(hostile, sizeof hostile, "%s/hostile", root);
    ck_assert_int_eq(mkdir(whole, 0755), 0);
    ck_assert_int_eq(mkdir(hostile, 0755), 0);
}

static void make_whole_files(void)
{
    make_root();
    uint8_t *buffer = malloc(FILE_BYTES);
    ck_assert_ptr_nonnull(buffer);
    for (int file = 1; file <= TEST_FILE; file++)
        write_whole_file(file, buffer);
    free(buffer);
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *place)
{
    (void)info, (void)type, (void)place;
    return remove(path);
}

static void remove_root(void)
{
    nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* A file of zeros (label 0, black) of the given size; no disk is used for them. */
static int open_zeros(int file, off_t size)
{
    char path[400];
    make_path(path, sizeof path, hostile, file);
    int descriptor = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644);
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq(ftruncate(descriptor, size), 0);
    return descriptor;
}

static void put_zeros(int file, off_t size)
{
    close(open_zeros(file, size));
}

static void put_label(int file, off_t row, uint8_t label)
{
    int descriptor = open_zeros(file, FILE_BYTES);
    ck_assert_int_eq(pwrite(descriptor, &label, 1, row * RECORD_BYTES), 1);
    close(descriptor);
}

static void empty_hostile(void)
{
    char path[400];
    for (int file = 1; file <= TEST_FILE; file++) {
        make_path(path, sizeof path, hostile, file);
        remove(path);
    }
}

static lam_context *make_context(void)
{
    lam_context *context = NULL;
    ck_assert_int_eq(lam_context_create(&context), LAM_STATUS_OK);
    return context;
}

static lam_dataset *load(const lam_data_options *options, const char *directory)
{
    lam_context *context = make_context();
    lam_dataset *dataset = NULL;
    lam_status status = lam_dataset_load(context, options, directory, &dataset);
    ck_assert_msg(status == LAM_STATUS_OK, "%s", lam_error_message(context));
    lam_context_destroy(&context);
    return dataset;
}

/* Loading fails with a message of one line that holds all of the given texts; the result is
 * left alone. */
static void refuse(const lam_data_options *options, const char *directory, const char *first,
                   const char *second, const char *third)
{
    const char *texts[] = {first, second, third};
    lam_context *context = make_context();
    lam_dataset *dataset = NULL;
    ck_assert_int_eq(lam_dataset_load(context, options, directory, &dataset),
                     LAM_STATUS_BAD_DATA);
    ck_assert_ptr_null(dataset);
    const char *message = lam_error_message(context);
    for (int i = 0; i < 3; i++)
        ck_assert_msg(strstr(message, texts[i]), "'%s' lacks '%s'", message, texts[i]);
    ck_assert_ptr_null(strchr(message, '\n'));
    lam_context_destroy(&context);
}

static void refuse_file(int file, const char *reason, const char *advice)
{
    char path[400];
    make_path(path, sizeof path, hostile, file);
    refuse(&(lam_data_options){.train_files = 1}, hostile, path, reason, advice);
}

static void check_row(const lam_dataset *dataset, uint32_t row, int file, uint32_t file_row)
{
    const uint8_t *image = lam_dataset_get_images(dataset) + (size_t)row * LAM_IMAGE_INPUTS;
    ck_assert_uint_eq(lam_dataset_get_labels(dataset)[row], expected_label(file, file_row));
    for (uint32_t i = 0; i < LAM_IMAGE_INPUTS; i++)
        if (image[i] != expected_pixel(file, file_row, i))
            ck_abort_msg("row %u, input %u: %d is not row %u of file %d", row, i, image[i],
                         file_row, file);
}

static void check_split(const lam_dataset *dataset, lam_split split, uint32_t first,
                        uint32_t count)
{
    lam_row_range range = lam_dataset_get_split(dataset, split);
    ck_assert_uint_eq(range.first, first);
    ck_assert_uint_eq(range.count, count);
}

/* The first, the last and some rows between of a stretch of one file. */
static void check_stretch(const lam_dataset *dataset, uint32_t row, int file, uint32_t first,
                          uint32_t count)
{
    for (uint32_t i = 0; i < count; i += 61)
        check_row(dataset, row + i, file, first + i);
    check_row(dataset, row + count - 1, file, first + count - 1);
}

START_TEST(missing_folder_is_refused)
{
    lam_data_options options = {.train_files = 1};
    refuse(&options, NULL, "no folder", "--data", "tools/fetch-cifar10");
    refuse(&options, "", "no folder", "--data", "--data synthetic");
    refuse(&options, "/nowhere/at/all", "/nowhere/at/all/data_batch_1.bin: not found",
           "point --data at the folder with data_batch_1.bin .. test_batch.bin",
           "--data synthetic");
    refuse(&options, "/dev/null", "/dev/null/data_batch_1.bin", "Not a directory", "--data");
}
END_TEST

START_TEST(missing_file_is_refused)
{
    refuse_file(1, "not found", "tools/fetch-cifar10");
    put_zeros(1, FILE_BYTES);
    refuse_file(TEST_FILE, "not found", "tools/fetch-cifar10");
    char path[400];
    make_path(path, sizeof path, hostile, 3);
    refuse(&(lam_data_options){.train_files = 1, .validation_files = 4}, hostile, path,
           "not found", "--data");
}
END_TEST

START_TEST(wrong_size_is_refused)
{
    put_zeros(1, 0);
    refuse_file(1, ": empty", "fetch the file again");
    put_zeros(1, FILE_BYTES - 1);
    refuse_file(1, "truncated: 30729999 bytes instead of 30730000", "fetch the file again");
    put_zeros(1, FILE_BYTES + 1);
    refuse_file(1, "too long: 30730001 bytes instead of 30730000", "fetch the file again");
    put_zeros(1, (off_t)1 << 40);
    refuse_file(1, "too long: 1099511627776 bytes", "fetch the file again");
    put_zeros(1, FILE_BYTES);
    put_zeros(TEST_FILE, 3073);
    refuse_file(TEST_FILE, "truncated: 3073 bytes", "fetch the file again");
}
END_TEST

START_TEST(label_above_nine_is_refused_with_its_record)
{
    put_label(1, 1234, 10);
    refuse_file(1, "record 1234 (counted from 0) has label 10", "fetch the file again");
    put_label(1, 0, 255);
    refuse_file(1, "record 0 (counted from 0) has label 255", "fetch the file again");
    put_label(1, 9999, 9);
    put_label(TEST_FILE, 9999, 200);
    refuse_file(TEST_FILE, "record 9999 (counted from 0) has label 200", "damaged");
}
END_TEST

START_TEST(what_is_not_a_file_is_refused)
{
    char path[400];
    make_path(path, sizeof path, hostile, 1);
    ck_assert_int_eq(mkdir(path, 0755), 0);
    refuse_file(1, "is a folder, not a file", "--data");
    empty_hostile();
    ck_assert_int_eq(mkfifo(path, 0644), 0); /* opening it must not wait for a writer */
    refuse_file(1, "not a regular file", "--data");
    empty_hostile();
    ck_assert_int_eq(symlink(path, path), 0); /* unreadable, even for root */
    refuse_file(1, "cannot open: ", "--data");
    empty_hostile();
    put_zeros(1, FILE_BYTES);
    if (geteuid() != 0) {
        ck_assert_int_eq(chmod(path, 0), 0);
        refuse_file(1, "Permission denied", "--data");
    }
}
END_TEST

START_TEST(impossible_options_are_refused)
{
    const struct {
        lam_data_options options;
        const char *reason;
        const char *advice;
    } cases[] = {
        {{.train_files = 0}, "train_files is empty", "name at least one"},
        {{.train_files = 33}, "train_files names file 6", "1 .. 5"},
        {{.train_files = 1, .validation_files = 1u << 31},
         "validation_files names file 32",
         "1 .. 5"},
        {{.train_files = 3, .validation_files = 6}, "file 2 is in both", "take it out"},
        {{.train_files = 1, .validation_files = 2, .validation_count = 7},
         "validation_count (7)",
         "keep one"},
        {{.train_files = 3, .validation_count = 20000}, "20000 rows", "smaller"},
        {{.train_files = 31, .validation_count = UINT32_MAX}, "50000 rows", "smaller"},
        {{.train_files = 1, .train_first = 10001}, "train_first is 10001", "smaller"},
        {{.train_files = 1, .validation_count = 1000, .train_first = 9001},
         "only 9000 rows",
         "more train_files"},
        {{.source = (lam_data_source)7, .train_files = 1}, "7", "no known data source"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        refuse(&cases[i].options, "/nowhere", cases[i].reason, cases[i].advice, "");
}
END_TEST

START_TEST(splits_by_files)
{
    lam_data_options options = {.train_files = 1 | 8, .validation_files = 2};
    lam_dataset *dataset = load(&options, whole);
    ck_assert_uint_eq(lam_dataset_get_row_count(dataset), 40000);
    check_split(dataset, LAM_SPLIT_TRAIN, 0, 20000);
    check_split(dataset, LAM_SPLIT_VALIDATION, 20000, 10000);
    check_split(dataset, LAM_SPLIT_TEST, 30000, 10000);
    check_split(dataset, LAM_SPLIT_COUNT, 40000, 0);
    check_stretch(dataset, 0, 1, 0, 10000);
    check_stretch(dataset, 10000, 4, 0, 10000);
    check_stretch(dataset, 20000, 2, 0, 10000);
    check_stretch(dataset, 30000, TEST_FILE, 0, 10000);
    ck_assert_int_eq(lam_dataset_get_source(dataset), LAM_DATA_SOURCE_CIFAR10);
    lam_dataset_destroy(&dataset);
    ck_assert_ptr_null(dataset);
    lam_dataset_destroy(&dataset);
}
END_TEST

START_TEST(splits_by_count_across_files)
{
    lam_data_options options = {.train_files = 31, .validation_count = 12345};
    char folder[400];
    snprintf(folder, sizeof folder, "%s/", whole);
    lam_dataset *dataset = load(&options, folder);
    ck_assert_uint_eq(lam_dataset_get_row_count(dataset), 60000);
    check_split(dataset, LAM_SPLIT_TRAIN, 0, 37655);
    check_split(dataset, LAM_SPLIT_VALIDATION, 37655, 12345);
    check_split(dataset, LAM_SPLIT_TEST, 50000, 10000);
    for (int file = 1; file <= 5; file++)
        check_stretch(dataset, (uint32_t)(file - 1) * 10000, file, 0, 10000);
    check_stretch(dataset, 50000, TEST_FILE, 0, 10000);
    lam_dataset_destroy(&dataset);
}
END_TEST

START_TEST(first_rows_are_taken_after_the_validation_rows_left)
{
    lam_data_options options = {
        .train_files = 1 | 4, .validation_count = 5, .train_first = 10001};
    lam_dataset *dataset = load(&options, whole);
    ck_assert_uint_eq(lam_dataset_get_row_count(dataset), 20006);
    check_split(dataset, LAM_SPLIT_TRAIN, 0, 10001);
    check_split(dataset, LAM_SPLIT_VALIDATION, 10001, 5);
    check_split(dataset, LAM_SPLIT_TEST, 10006, 10000);
    check_stretch(dataset, 0, 1, 0, 10000);
    check_row(dataset, 10000, 3, 0);
    check_stretch(dataset, 10001, 3, 9995, 5);
    check_stretch(dataset, 10006, TEST_FILE, 0, 10000);
    lam_dataset_destroy(&dataset);
}
END_TEST

START_TEST(every_row_may_train_and_files_not_needed_may_be_missing)
{
    lam_data_options options = {.train_files = 31, .train_first = 100};
    char link[400], target[400];
    for (int file = 1; file <= TEST_FILE; file += TEST_FILE - 1) {
        make_path(link, sizeof link, hostile, file);
        make_path(target, sizeof target, whole, file);
        ck_assert_int_eq(symlink(target, link), 0);
    }
    lam_dataset *dataset = load(&options, hostile);
    check_split(dataset, LAM_SPLIT_TRAIN, 0, 100);
    check_split(dataset, LAM_SPLIT_VALIDATION, 100, 0);
    check_split(dataset, LAM_SPLIT_TEST, 100, 10000);
    check_stretch(dataset, 0, 1, 0, 100);
    lam_dataset_destroy(&dataset);

    options = (lam_data_options){.train_files = 1, .train_first = 10000};
    dataset = load(&options, hostile);
    check_split(dataset, LAM_SPLIT_TRAIN, 0, 10000);
    lam_dataset_destroy(&dataset);
}
END_TEST

START_TEST(rows_lie_on_whole_pages)
{
    lam_data_options options = {.train_files = 1, .train_first = 3};
    lam_dataset *dataset = load(&options, whole);
    const uint8_t *images = lam_dataset_get_images(dataset);
    const uint8_t *labels = lam_dataset_get_labels(dataset);
    ck_assert_uint_eq((uintptr_t)images % 4096, 0);
    ck_assert_uint_eq((uintptr_t)labels % 4096, 0);
    size_t count = lam_dataset_get_row_count(dataset);
    for (size_t i = count; i % 4096 != 0; i++)
        ck_assert_uint_eq(labels[i], 0);
    for (size_t i = count * LAM_IMAGE_INPUTS; i % 4096 != 0; i++)
        ck_assert_uint_eq(images[i], 0);
    lam_dataset_destroy(&dataset);
}
END_TEST

/* The definition, in double precision and two passes. */
static void check_statistics(const lam_dataset *dataset)
{
    uint32_t rows = lam_dataset_get_split(dataset, LAM_SPLIT_TRAIN).count;
    const uint8_t *images = lam_dataset_get_images(dataset);
    for (int i = 0; i < LAM_IMAGE_INPUTS; i += 7) {
        double sum = 0, squares = 0;
        for (uint32_t row = 0; row < rows; row++)
            sum += images[(size_t)row * LAM_IMAGE_INPUTS + i] / 255.0;
        for (uint32_t row = 0; row < rows; row++) {
            double difference = images[(size_t)row * LAM_IMAGE_INPUTS + i] / 255.0 - sum / rows;
            squares += difference * difference;
        }
        ck_assert_double_eq_tol(lam_dataset_get_mean(dataset)[i], sum / rows, 1e-12);
        ck_assert_double_eq_tol(lam_dataset_get_deviation(dataset)[i],
                                squares < 1e-15 ? 1 : sqrt(squares / rows), 1e-12);
    }
}

START_TEST(statistics_follow_their_definition)
{
    const lam_data_options cases[] = {
        {.train_files = 2, .validation_files = 1, .train_first = 997},
        {.train_files = 3, .validation_count = 1},
        {.source = LAM_DATA_SOURCE_SYNTHETIC, .train_files = 16, .train_first = 500},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        lam_dataset *dataset = load(&cases[i], whole);
        check_statistics(dataset);
        lam_dataset_destroy(&dataset);
    }
}
END_TEST

START_TEST(constant_inputs_have_deviation_one)
{
    const lam_data_options options[] = {{.train_files = 31},
                                        {.train_files = 31, .train_first = 1}};
    for (int i = 0; i < 2; i++) {
        lam_dataset *dataset = load(&options[i], whole);
        const double *mean = lam_dataset_get_mean(dataset);
        const double *deviation = lam_dataset_get_deviation(dataset);
        ck_assert_double_eq(mean[ZERO_INPUT], 77 / 255.0);
        ck_assert_double_eq(deviation[ZERO_INPUT], 1);
        ck_assert_double_eq(mean[FULL_INPUT], 1);
        ck_assert_double_eq(deviation[FULL_INPUT], 1);
        if (i == 1) /* a single row: nothing varies */
            for (int j = 0; j < LAM_IMAGE_INPUTS; j++)
                ck_assert_double_eq(deviation[j], 1);
        lam_dataset_destroy(&dataset);
    }
}
END_TEST

/* FNV-1a, 64 bits. */
static uint64_t add_checksum(uint64_t sum, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sum = (sum ^ bytes[i]) * 0x100000001b3u;
    return sum;
}

static uint64_t make_checksum(const lam_dataset *dataset)
{
    size_t rows = lam_dataset_get_row_count(dataset);
    uint64_t sum = add_checksum(0xcbf29ce484222325u, lam_dataset_get_labels(dataset), rows);
    return add_checksum(sum, lam_dataset_get_images(dataset), rows * LAM_IMAGE_INPUTS);
}

START_TEST(synthetic_set_has_the_same_bytes_everywhere)
{
    lam_data_options options = {.source = LAM_DATA_SOURCE_SYNTHETIC,
                                .train_files = 1 | 16,
                                .validation_count = 50,
                                .train_first = 100};
    lam_dataset *first = load(&options, NULL);
    lam_dataset *second = load(&options, "/nowhere");
    ck_assert_int_eq(lam_dataset_get_source(first), LAM_DATA_SOURCE_SYNTHETIC);
    ck_assert_uint_eq(make_checksum(first), 0x5e99cdb931e4bf1bu);
    ck_assert_uint_eq(make_checksum(second), 0x5e99cdb931e4bf1bu);
    lam_dataset_destroy(&first);
    lam_dataset_destroy(&second);
}
END_TEST

START_TEST(synthetic_rows_do_not_depend_on_the_split)
{
    lam_data_options all = {.source = LAM_DATA_SOURCE_SYNTHETIC, .train_files = 4};
    lam_data_options part = {.source = LAM_DATA_SOURCE_SYNTHETIC,
                             .train_files = 1 | 4,
                             .validation_count = 9990,
                             .train_first = 10010};
    lam_dataset *file_3 = load(&all, NULL);
    lam_dataset *some = load(&part, NULL);
    ck_assert_mem_eq(lam_dataset_get_images(some) + (size_t)10000 * LAM_IMAGE_INPUTS,
                     lam_dataset_get_images(file_3), (size_t)20000 * LAM_IMAGE_INPUTS);
    ck_assert_mem_eq(lam_dataset_get_labels(some) + 10000, lam_dataset_get_labels(file_3),
                     20000);
    lam_dataset_destroy(&file_3);
    lam_dataset_destroy(&some);
}
END_TEST

START_TEST(synthetic_classes_are_balanced_and_images_vary)
{
    lam_data_options options = {.source = LAM_DATA_SOURCE_SYNTHETIC, .train_files = 2};
    lam_dataset *dataset = load(&options, NULL);
    const uint8_t *labels = lam_dataset_get_labels(dataset);
    for (int file = 0; file < 2; file++) {
        int counts[LAM_CLASS_COUNT] = {0};
        for (int row = 0; row < 10000; row++) {
            ck_assert_uint_lt(labels[file * 10000 + row], LAM_CLASS_COUNT);
            counts[labels[file * 10000 + row]]++;
        }
        for (int label = 0; label < LAM_CLASS_COUNT; label++)
            ck_assert_int_lt(abs(counts[label] - 1000), 120);
    }
    for (int i = 0; i < LAM_IMAGE_INPUTS; i++) {
        ck_assert_double_eq_tol(lam_dataset_get_mean(dataset)[i], 0.5, 0.05);
        ck_assert_double_gt(lam_dataset_get_deviation(dataset)[i], 0.1);
        ck_assert_double_lt(lam_dataset_get_deviation(dataset)[i], 0.3);
    }
    ck_assert_str_eq(lam_dataset_get_class_name(dataset, 3), "class 3");
    lam_dataset_destroy(&dataset);
}
END_TEST

START_TEST(names)
{
    ck_assert_str_eq(lam_split_name(LAM_SPLIT_TRAIN), "train");
    ck_assert_str_eq(lam_split_name(LAM_SPLIT_VALIDATION), "validation");
    ck_assert_str_eq(lam_split_name(LAM_SPLIT_TEST), "test");
    ck_assert_str_eq(lam_split_name((lam_split)99), "unknown split");
    lam_data_options options = {.train_files = 1, .train_first = 1};
    lam_dataset *dataset = load(&options, whole);
    ck_assert_str_eq(lam_dataset_get_class_name(dataset, 0), "airplane");
    ck_assert_str_eq(lam_dataset_get_class_name(dataset, 9), "truck");
    ck_assert_str_eq(lam_dataset_get_class_name(dataset, 10), "unknown class");
    ck_assert_str_eq(lam_dataset_get_class_name(dataset, -1), "unknown class");
    lam_dataset_destroy(&dataset);
}
END_TEST

static void add_tests(Suite *suite)
{
    /* The limits leave room for valgrind. */
    TCase *refused = lam_add_test(suite, "refused", missing_folder_is_refused, 60);
    tcase_add_unchecked_fixture(refused, make_root, remove_root);
    tcase_add_checked_fixture(refused, NULL, empty_hostile);
    tcase_add_test(refused, missing_file_is_refused);
    tcase_add_test(refused, wrong_size_is_refused);
    tcase_add_test(refused, label_above_nine_is_refused_with_its_record);
    tcase_add_test(refused, what_is_not_a_file_is_refused);
    tcase_add_test(refused, impossible_options_are_refused);

    TCase *loaded = lam_add_test(suite, "loaded", splits_by_files, 120);
    tcase_add_unchecked_fixture(loaded, make_whole_files, remove_root);
    tcase_add_checked_fixture(loaded, NULL, empty_hostile);
    tcase_add_test(loaded, splits_by_count_across_files);
    tcase_add_test(loaded, first_rows_are_taken_after_the_validation_rows_left);
    tcase_add_test(loaded, every_row_may_train_and_files_not_needed_may_be_missing);
    tcase_add_test(loaded, rows_lie_on_whole_pages);
    tcase_add_test(loaded, statistics_follow_their_definition);
    tcase_add_test(loaded, constant_inputs_have_deviation_one);
    tcase_add_test(loaded, names);

    lam_add_test(suite, "synthetic bytes", synthetic_set_has_the_same_bytes_everywhere, 120);
    lam_add_test(suite, "synthetic rows", synthetic_rows_do_not_depend_on_the_split, 120);
    lam_add_test(suite, "synthetic classes", synthetic_classes_are_balanced_and_images_vary,
                 120);
}

LAM_SUITE_MAIN("data", add_tests)
