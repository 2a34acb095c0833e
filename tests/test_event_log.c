/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lamina/event_log.h"
#include "report/event_hparams.h"
#include "report/event_message.h"
#include "report/event_record.h"
#include "report/protobuf.h"
#include "support/folder.h"
#include "support/suite.h"

/* Bytes in hexadecimal; those expected were written by TensorBoard's own messages and by a
 * CRC-32C bit by bit, in Python. */
static void expect_bytes(const lam_strbuf *buffer, size_t skipped, size_t count,
                         const char *expected)
{
    char text[1024] = "";
    ck_assert(!buffer->failed);
    ck_assert_uint_le(skipped + count, buffer->length);
    ck_assert_uint_lt(2 * count, sizeof text);
    for (size_t i = 0; i < count; i++)
        sprintf(text + 2 * i, "%02x", (unsigned char)buffer->text[skipped + i]);
    ck_assert_str_eq(text, expected);
}

/* The message of a file's only record. */
static void expect_record(const lam_strbuf *file, const char *expected)
{
    const size_t head = 12, tail = 4;
    ck_assert_uint_gt(file->length, head + tail);
    expect_bytes(file, head, file->length - head - tail, expected);
}

START_TEST(crc_is_castagnolis)
{
    static const unsigned char zeros[32];
    unsigned char ones[32];
    memset(ones, 255, sizeof ones);
    ck_assert_uint_eq(lam_crc32c("", 0), 0);
    ck_assert_uint_eq(lam_crc32c("123456789", 9), 0xe3069283);
    ck_assert_uint_eq(lam_crc32c(zeros, 32), 0x8a9136aa); /* RFC 3720, B.4 */
    ck_assert_uint_eq(lam_crc32c(ones, 32), 0x62a8ab43);
    ck_assert_uint_eq(lam_crc32c_mask(0xe3069283), 0xc78ab0e5);
}
END_TEST

START_TEST(record_is_framed_by_lengths_and_crcs)
{
    lam_strbuf file = {0}, message = {0};
    lam_strbuf_append(&message, "abc");
    lam_event_record_append(&file, &message);
    ck_assert_ptr_null(message.text);
    expect_bytes(&file, 0, file.length, "0300000000000000b099490e6162636e57f121");
    lam_strbuf_free(&file);
}
END_TEST

START_TEST(integers_take_seven_bits_a_byte)
{
    static const struct {
        uint64_t value;
        const char *bytes;
    } cases[] = {{0, "0800"},
                 {127, "087f"},
                 {128, "088001"},
                 {300, "08ac02"},
                 {UINT64_MAX, "08ffffffffffffffffff01"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        lam_strbuf message = {0};
        lam_protobuf_add_integer(&message, 1, cases[i].value);
        expect_bytes(&message, 0, message.length, cases[i].bytes);
        lam_strbuf_free(&message);
    }
}
END_TEST

START_TEST(events_have_tensorboards_bytes)
{
    lam_strbuf version = {0}, scalar = {0}, nothing = {0}, summary = {0};
    lam_event_append_version(&version, 1.5);
    expect_record(&version, "09000000000000f83f1a0d627261696e2e4576656e743a32");
    lam_event_add_scalar(&summary, "loss/train", 0.25);
    lam_event_append_summary(&scalar, 1.5, 300, &summary);
    expect_record(&scalar,
                  "09000000000000f83f10ac022a130a110a0a6c6f73732f747261696e150000803e");
    lam_event_append_summary(&nothing, 1.5, 300, &summary); /* it was taken */
    ck_assert_uint_eq(nothing.length, 0);
    lam_strbuf_free(&version);
    lam_strbuf_free(&scalar);
}
END_TEST

START_TEST(session_has_tensorboards_bytes)
{
    lam_strbuf summary = {0};
    json_t *hparams = json_pack("{s:o}", "l2", lam_hparam_parse("0.5"));
    lam_event_add_session_start(&summary, hparams, "g", 2);
    expect_bytes(&summary, 0, summary.length,
                 "0a4c0a1c5f68706172616d735f2f73657373696f6e5f73746172745f696e666f4a2c0a2a0a07"
                 "68706172616d73121f1a1d0a0f0a026c32120911000000000000e03f22016729000000000000"
                 "0040");
    json_decref(hparams);
    lam_strbuf_free(&summary);
}
END_TEST

START_TEST(values_of_studies_keep_their_kind)
{
    static const struct {
        const char *text;
        json_type type;
    } cases[] = {{"0.003", JSON_REAL},   {"50", JSON_INTEGER},  {"1e-05", JSON_REAL},
                 {"true", JSON_TRUE},    {"adam", JSON_STRING}, {"{type: he}", JSON_STRING},
                 {"[1, 2]", JSON_STRING}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *value = lam_hparam_parse(cases[i].text);
        ck_assert_int_eq(json_typeof(value), cases[i].type);
        json_decref(value);
    }
}
END_TEST

/* min, max, num and sum are the first fields: nine bytes each behind tag and lengths. */
static double read_double(const lam_strbuf *summary, size_t offset)
{
    double value;
    memcpy(&value, summary->text + offset, sizeof value);
    return value;
}

START_TEST(histogram_leaves_out_what_is_not_finite)
{
    const double values[] = {-1, NAN, 3, INFINITY, 3, 0.5}, none[] = {NAN, -INFINITY};
    lam_strbuf summary = {0}, empty = {0};
    lam_event_add_histogram(&summary, "w", values, 6);
    const char *first = memchr(summary.text, '\x09', summary.length);
    size_t offset = (size_t)(first - summary.text) + 1;
    ck_assert_double_eq(read_double(&summary, offset), -1);
    ck_assert_double_eq(read_double(&summary, offset + 9), 3);
    ck_assert_double_eq(read_double(&summary, offset + 18), 4);
    ck_assert_double_eq(read_double(&summary, offset + 27), 5.5);
    double in_last_bucket = read_double(&summary, summary.length - sizeof(double));
    ck_assert_double_eq(in_last_bucket, 2);
    lam_event_add_histogram(&empty, "w", none, 2);
    ck_assert_uint_eq(empty.length, 0);
    lam_strbuf_free(&summary);
}
END_TEST

START_TEST(histogram_of_equal_values_has_them_all)
{
    const double values[] = {0, 0, 0};
    lam_strbuf summary = {0};
    lam_event_add_histogram(&summary, "b", values, 3);
    ck_assert_double_eq(read_double(&summary, summary.length - sizeof(double)), 3);
    lam_strbuf_free(&summary);
}
END_TEST

START_TEST(follower_waits_for_a_run_and_keeps_its_hands_off)
{
    test_folder folder = test_folder_make();
    lam_context *context = NULL;
    lam_event_follower *follower = NULL;
    char events[512];
    snprintf(events, sizeof events, "%s", test_path(&folder, "events"));
    ck_assert_int_eq(lam_context_create(&context), LAM_STATUS_OK);
    ck_assert_int_eq(
        lam_event_follower_create(context, test_path(&folder, "run"), events, NULL, &follower),
        LAM_STATUS_OK);
    ck_assert_int_eq(lam_event_follower_update(follower), LAM_STATUS_OK);
    ck_assert_int_eq(lam_event_follower_finish(follower), LAM_STATUS_OK);
    ck_assert(!test_file_exists(events));
    lam_event_follower_destroy(&follower);
    ck_assert_ptr_null(follower);
    lam_context_destroy(&context);
    test_folder_remove(&folder);
}
END_TEST

static void add_tests(Suite *suite)
{
    lam_add_test(suite, "crc", crc_is_castagnolis, 30);
    lam_add_test(suite, "record", record_is_framed_by_lengths_and_crcs, 30);
    lam_add_test(suite, "integers", integers_take_seven_bits_a_byte, 30);
    lam_add_test(suite, "events", events_have_tensorboards_bytes, 30);
    lam_add_test(suite, "session", session_has_tensorboards_bytes, 30);
    lam_add_test(suite, "values", values_of_studies_keep_their_kind, 30);
    lam_add_test(suite, "histogram", histogram_leaves_out_what_is_not_finite, 30);
    lam_add_test(suite, "equal", histogram_of_equal_values_has_them_all, 30);
    lam_add_test(suite, "follower", follower_waits_for_a_run_and_keeps_its_hands_off, 30);
}

LAM_SUITE_MAIN("event_log", add_tests)
