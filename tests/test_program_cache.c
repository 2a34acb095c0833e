/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/program_cache.h"
#include "support/device_fixture.h"
#include "support/folder.h"
#include "support/suite.h"

/* Where the parts of a file stand. */
enum { KEY_PLACE = 8, CHECKSUM_PLACE = 40, LENGTH_PLACE = 72, CONTENT_PLACE = 80 };

static const char seven[] = "kernel void answer(global int *y) { y[0] = 7 * FACTOR; }\n";
static const char eight[] = "kernel void answer(global int *y) { y[0] = 8 * FACTOR; }\n";
static const char options[] = "-cl-std=CL1.2 -D FACTOR=1";

static test_folder folder;
static int warnings;
static char latest_warning[512];

static void count_warning(void *user, lam_log_level level, const char *message)
{
    (void)user;
    if (level != LAM_LOG_LEVEL_WARNING)
        return;
    warnings++;
    snprintf(latest_warning, sizeof latest_warning, "%s", message);
}

static void set_up(void)
{
    folder = test_folder_make();
    warnings = 0;
    lam_context_set_log(test_context(), count_warning, NULL);
    test_device(); /* PoCL looks at XDG_CACHE_HOME for its own cache, once, when it starts */
    setenv("XDG_CACHE_HOME", folder.path, 1);
    setenv("LAMINA_PROGRAM_CACHE", "on", 1);
}

static void tear_down(void)
{
    lam_context_set_log(test_context(), NULL, NULL);
    unsetenv("XDG_CACHE_HOME");
    unsetenv("LAMINA_PROGRAM_CACHE");
    test_folder_remove(&folder);
}

static int32_t run(lam_program *program)
{
    int32_t result = 0;
    lam_kernel *kernel = NULL;
    lam_buffer *buffer = NULL;
    ck_assert_ok(lam_kernel_create(program, "answer", &kernel));
    ck_assert_ok(lam_buffer_create(test_device(), sizeof result, "a test", &buffer));
    ck_assert_ok(lam_kernel_set_buffer(kernel, 0, buffer));
    ck_assert_ok(lam_kernel_enqueue(kernel, &(lam_range){.global = {1, 1, 1}}));
    ck_assert_ok(lam_buffer_read(buffer, 0, &result, sizeof result));
    lam_buffer_destroy(&buffer);
    lam_kernel_destroy(&kernel);
    return result;
}

/* Builds with a cache of its own, as a new process would; tells whether that took the source.
 */
static bool takes_source(const char *source, const char *with, int32_t expected)
{
    lam_program_cache *cache = NULL;
    lam_program *program = NULL;
    char *log = NULL;
    uint64_t before = lam_device_get_counts(test_device()).builds;
    ck_assert_ok(lam_program_cache_create(test_device(), &cache));
    ck_assert_ok(lam_program_cache_build(cache, source, with, &program, &log));
    ck_assert_int_eq(run(program), expected);
    lam_program_destroy(&program);
    lam_program_cache_destroy(&cache);
    return lam_device_get_counts(test_device()).builds > before;
}

static const char *get_programs_folder(void)
{
    return test_path(&folder, "lamina/programs");
}

static int count_files(void)
{
    test_folder programs;
    snprintf(programs.path, sizeof programs.path, "%s", get_programs_folder());
    return test_file_exists(programs.path) ? test_folder_count(&programs) : 0;
}

/* The one file of the cache. */
static const char *find_file(void)
{
    static char path[512];
    DIR *stream = opendir(get_programs_folder());
    ck_assert_ptr_nonnull(stream);
    for (struct dirent *entry = readdir(stream); entry; entry = readdir(stream))
        if (*entry->d_name != '.')
            snprintf(path, sizeof path, "%s/%.128s", get_programs_folder(), entry->d_name);
    closedir(stream);
    ck_assert_int_eq(count_files(), 1);
    return path;
}

START_TEST(stored_program_needs_no_source_again)
{
    ck_assert(takes_source(seven, options, 7));
    ck_assert_int_eq(count_files(), 1);
    ck_assert(!takes_source(seven, options, 7));
    setenv("LAMINA_PROGRAM_CACHE", "auto", 1);
    ck_assert(!takes_source(seven, options, 7));
    setenv("LAMINA_PROGRAM_CACHE", "off", 1);
    ck_assert(takes_source(seven, options, 7));
    ck_assert_int_eq(count_files(), 1);
    ck_assert_int_eq(warnings, 0);
}
END_TEST

START_TEST(other_source_or_options_are_another_program)
{
    ck_assert(takes_source(seven, options, 7));
    ck_assert(takes_source(eight, options, 8));
    ck_assert(takes_source(seven, "-cl-std=CL1.2 -D FACTOR=2", 14));
    ck_assert_int_eq(count_files(), 3);
    ck_assert(!takes_source(eight, options, 8));
}
END_TEST

START_TEST(off_keeps_nothing)
{
    setenv("LAMINA_PROGRAM_CACHE", "off", 1);
    ck_assert(takes_source(seven, options, 7));
    ck_assert_int_eq(test_folder_count(&folder), 0);
}
END_TEST

START_TEST(auto_keeps_nothing_that_is_built_quickly)
{
    setenv("LAMINA_PROGRAM_CACHE", "off", 1);
    ck_assert(takes_source(seven, options, 7)); /* from here on in the driver's own cache */
    setenv("LAMINA_PROGRAM_CACHE", "auto", 1);
    lam_program_cache *cache = NULL;
    lam_program *program = NULL;
    char *log = NULL;
    ck_assert_ok(lam_program_cache_create(test_device(), &cache));
    ck_assert_ok(lam_program_cache_build(cache, seven, options, &program, &log));
    if (lam_program_get_build_ns(program) < 100000000)
        ck_assert_int_eq(count_files(), 0);
    lam_program_destroy(&program);
    lam_program_cache_destroy(&cache);
}
END_TEST

static void cut_to(const char *path, size_t count)
{
    char *bytes = test_file_read(path, NULL);
    test_file_write(path, bytes, count);
    free(bytes);
}

static void flip_byte(const char *path, size_t place)
{
    size_t count = 0;
    char *bytes = test_file_read(path, &count);
    ck_assert_uint_lt(place, count);
    bytes[place] ^= 1;
    test_file_write(path, bytes, count);
    free(bytes);
}

/* Whole and true to its header, but nothing that a driver could know. */
static void fill_with_nonsense(const char *path)
{
    size_t count = 0;
    char *bytes = test_file_read(path, &count);
    struct sha256_ctx hash;
    memset(bytes + CONTENT_PLACE, 'x', count - CONTENT_PLACE);
    sha256_init(&hash);
    sha256_update(&hash, count - CONTENT_PLACE, (uint8_t *)bytes + CONTENT_PLACE);
    sha256_digest(&hash, SHA256_DIGEST_SIZE, (uint8_t *)bytes + CHECKSUM_PLACE);
    test_file_write(path, bytes, count);
    free(bytes);
}

static void damage(const char *path, int way)
{
    static const size_t cuts[] = {0, 7, CONTENT_PLACE, CONTENT_PLACE + 100};
    static const size_t places[] = {0, KEY_PLACE, CHECKSUM_PLACE, LENGTH_PLACE,
                                    CONTENT_PLACE + 50};
    enum { CUTS = 4, PLACES = 5 };
    if (way < CUTS)
        cut_to(path, cuts[way]);
    else if (way < CUTS + PLACES)
        flip_byte(path, places[way - CUTS]);
    else
        fill_with_nonsense(path);
}
enum { DAMAGES = 10 };

START_TEST(damaged_file_is_replaced)
{
    ck_assert(takes_source(seven, options, 7));
    const char *path = find_file();
    char *good = test_file_read(path, NULL);
    damage(path, _i);
    setenv("LAMINA_PROGRAM_CACHE", "auto", 1); /* what was worth a file still is */
    ck_assert(takes_source(seven, options, 7));
    ck_assert(!takes_source(seven, options, 7));
    char *replaced = test_file_read(path, NULL);
    ck_assert_mem_eq(replaced, good, CHECKSUM_PLACE);
    ck_assert_int_eq(warnings, 0);
    free(good);
    free(replaced);
}
END_TEST

/* What another program left under the right name must not run. */
START_TEST(file_of_another_program_is_not_taken)
{
    ck_assert(takes_source(eight, options, 8));
    char *bytes_of_eight = NULL;
    size_t count = 0;
    bytes_of_eight = test_file_read(find_file(), &count);
    ck_assert_int_eq(remove(find_file()), 0);
    ck_assert(takes_source(seven, options, 7));
    test_file_write(find_file(), bytes_of_eight, count);
    ck_assert(takes_source(seven, options, 7));
    free(bytes_of_eight);
}
END_TEST

static void expect_one_warning(void)
{
    for (int i = 0; i < 3; i++) {
        ck_assert(takes_source(seven, options, 7));
        ck_assert(takes_source(eight, options, 8));
    }
    ck_assert_int_eq(warnings, 1);
    ck_assert_ptr_nonnull(strstr(latest_warning, folder.path));
    ck_assert_ptr_nonnull(strstr(latest_warning, "XDG_CACHE_HOME"));
}

START_TEST(file_in_the_way_of_the_folder_is_one_warning)
{
    test_file_write_text(test_path(&folder, "lamina"), "mine");
    expect_one_warning();
}
END_TEST

START_TEST(read_only_folder_is_one_warning)
{
    if (geteuid() == 0)
        return; /* root may write anywhere */
    ck_assert_int_eq(chmod(folder.path, 0500), 0);
    expect_one_warning();
    ck_assert_int_eq(chmod(folder.path, 0700), 0);
}
END_TEST

START_TEST(without_any_folder_programs_are_built)
{
    char *home = strdup(getenv("HOME") ? getenv("HOME") : "/");
    unsetenv("XDG_CACHE_HOME");
    unsetenv("HOME");
    ck_assert(takes_source(seven, options, 7));
    ck_assert(takes_source(seven, options, 7));
    ck_assert_int_eq(warnings, 1);
    setenv("HOME", folder.path, 1);
    setenv("XDG_CACHE_HOME", "relative", 1); /* is to be ignored */
    ck_assert(takes_source(seven, options, 7));
    ck_assert(test_file_exists(test_path(&folder, ".cache/lamina/programs")));
    setenv("HOME", home, 1);
    free(home);
}
END_TEST

START_TEST(unknown_policy_is_refused)
{
    lam_program_cache *cache = NULL;
    setenv("LAMINA_PROGRAM_CACHE", "maybe", 1);
    ck_assert_int_eq(lam_program_cache_create(test_device(), &cache), LAM_STATUS_BAD_ARGUMENT);
    ck_assert_ptr_null(cache);
    ck_assert_ptr_nonnull(strstr(lam_error_message(test_context()), "auto, on, off"));
}
END_TEST

static void add_test(Suite *suite, const char *name, const TTest *test)
{
    tcase_add_checked_fixture(lam_add_test(suite, name, test, 60), set_up, tear_down);
}

static void add_damages(Suite *suite)
{
    TCase *test_case = tcase_create("damaged");
    tcase_add_checked_fixture(test_case, set_up, tear_down);
    tcase_set_timeout(test_case, 60);
    tcase_add_loop_test(test_case, damaged_file_is_replaced, 0, DAMAGES);
    suite_add_tcase(suite, test_case);
}

static void add_tests(Suite *suite)
{
    add_test(suite, "stored", stored_program_needs_no_source_again);
    add_test(suite, "key", other_source_or_options_are_another_program);
    add_test(suite, "off", off_keeps_nothing);
    add_test(suite, "auto", auto_keeps_nothing_that_is_built_quickly);
    add_damages(suite);
    add_test(suite, "another", file_of_another_program_is_not_taken);
    add_test(suite, "in_the_way", file_in_the_way_of_the_folder_is_one_warning);
    add_test(suite, "read_only", read_only_folder_is_one_warning);
    add_test(suite, "no_folder", without_any_folder_programs_are_built);
    add_test(suite, "policy", unknown_policy_is_refused);
}

LAM_SUITE_MAIN("program_cache", add_tests)
