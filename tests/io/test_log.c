/* Log lines: always JSON, one write each, redacted, bounded, with the scopes of their thread. */

#include "common/io/log.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/io/capture.h"
#include "tests/unit/check.h"

#include "common/base/banned.h"

static const char *text_of(const json_t *line, const char *key)
{
	const char *text = json_string_value(json_object_get(line, key));
	return text != NULL ? text : "(missing)";
}

static void test_log_line_has_time_level_program_message_fields(void)
{
	struct capture capture;
	log_open("ohdc-test", "info");
	capture_begin(&capture);
	LOG_INFO("delivery accepted", LOG_TEXT("delivery_id", "d-1"), LOG_INT("bytes", 4096), LOG_TEXT("nothing", NULL));
	char *text = capture_end(&capture);
	json_t *line = capture_line(text, 0);

	CU_ASSERT_EQUAL(capture_count(text), 1);
	CU_ASSERT_STRING_EQUAL(text_of(line, "level"), "info");
	CU_ASSERT_STRING_EQUAL(text_of(line, "program"), "ohdc-test");
	CU_ASSERT_STRING_EQUAL(text_of(line, "message"), "delivery accepted");
	CU_ASSERT_STRING_EQUAL(text_of(line, "delivery_id"), "d-1");
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(line, "bytes")), 4096);
	CU_ASSERT_TRUE(json_is_null(json_object_get(line, "nothing")));
	CU_ASSERT_EQUAL(strlen(text_of(line, "time")), strlen("2026-11-21T10:00:00.000Z"));
	CU_ASSERT_EQUAL(text_of(line, "time")[10], 'T');
	json_decref(line);
	free(text);
}

static void test_log_level_hides_what_is_below(void)
{
	static const struct {
		const char *name;
		size_t lines;
	} cases[] = {{"debug", 4}, {"info", 3}, {"warn", 2}, {"error", 1}, {"nonsense", 3}};
	struct capture capture;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		log_open("ohdc-test", cases[i].name);
		capture_begin(&capture);
		LOG_DEBUG("a", LOG_INT("n", 1));
		LOG_INFO("b", LOG_INT("n", 1));
		LOG_WARN("c", LOG_INT("n", 1));
		LOG_ERROR("d", LOG_INT("n", 1));
		char *text = capture_end(&capture);
		CHECK(cases[i].name, capture_count(text) == cases[i].lines);
		free(text);
	}
	log_open("ohdc-test", "info");
}

static void test_log_escapes_anything_into_valid_json(void)
{
	static const struct {
		const char *name;
		const char *written;
		const char *read;
	} cases[] = {
		{"quotes", "a\"b\\c", "a\"b\\c"},
		{"line ends", "a\r\nb\tc", "a\r\nb\tc"},
		{"control characters", "\x01\x1f\x7f", "\x01\x1f\x7f"},
		{"letters", "grüße 🎉", "grüße 🎉"},
		{"single bytes", "a\xff\xfe", "a\xef\xbf\xbd\xef\xbf\xbd"},
		{"cut sequence", "a\xe2\x82", "a\xef\xbf\xbd\xef\xbf\xbd"},
		{"overlong", "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},
		{"surrogate", "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	};
	struct capture capture;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		capture_begin(&capture);
		LOG_INFO("x", LOG_TEXT("value", cases[i].written));
		char *text = capture_end(&capture);
		json_t *line = capture_line(text, 0);
		CHECK(cases[i].name, capture_count(text) == 1);
		CHECK_TEXT(cases[i].name, text_of(line, "value"), cases[i].read);
		json_decref(line);
		free(text);
	}
}

static void test_log_redacts_keys_that_name_a_secret(void)
{
	static const char *const secret_keys[] = {
		"token",     "webhook_secret", "Password",   "authorization",
		"signature", "set_cookie",     "credential", "x_api_key",
	};
	struct capture capture;
	for (size_t i = 0; i < ARRAY_LEN(secret_keys); i++) {
		capture_begin(&capture);
		LOG_INFO("x", LOG_TEXT(secret_keys[i], "hunter2"), LOG_TEXT("user", "bob"));
		char *text = capture_end(&capture);
		json_t *line = capture_line(text, 0);
		CHECK(secret_keys[i], strstr(text, "hunter2") == NULL);
		CHECK_TEXT(secret_keys[i], text_of(line, secret_keys[i]), "[redacted]");
		CHECK_TEXT(secret_keys[i], text_of(line, "user"), "bob");
		json_decref(line);
		free(text);
	}
}

static void log_big_line(void)
{
	char big[900];
	memset(big, '"', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	LOG_INFO("x", LOG_TEXT("first", big), LOG_TEXT("second", big), LOG_TEXT("third", big),
		 LOG_TEXT("fourth", "small"));
}

static void test_log_line_is_bounded_and_still_json(void)
{
	struct capture capture;
	capture_begin(&capture);
	log_big_line();
	char *text = capture_end(&capture);
	json_t *line = capture_line(text, 0);

	CU_ASSERT_TRUE(strlen(text) <= 4096);
	CU_ASSERT_TRUE(json_is_true(json_object_get(line, "cut")));
	CU_ASSERT_EQUAL(strlen(text_of(line, "second")), 899);
	CU_ASSERT_PTR_NULL(json_object_get(line, "third"));
	CU_ASSERT_STRING_EQUAL(text_of(line, "fourth"), "small");
	json_decref(line);
	free(text);
}

static void test_log_cuts_a_long_text_on_a_character(void)
{
	struct capture capture;
	char big[1500];
	memset(big, 'a', sizeof(big));
	memcpy(big + 1023, "ü", 2);
	big[sizeof(big) - 1] = '\0';
	capture_begin(&capture);
	LOG_INFO("x", LOG_TEXT("value", big));
	char *text = capture_end(&capture);
	json_t *line = capture_line(text, 0);

	CU_ASSERT_EQUAL(strlen(text_of(line, "value")), 1023 + strlen("…"));
	CU_ASSERT_PTR_NULL(json_object_get(line, "cut"));
	json_decref(line);
	free(text);
}

/* A socket that keeps the limits of writes shows how many there were. */
static void test_log_line_is_one_write(void)
{
	char line[8192];
	int pair[2];
	int saved = dup(STDERR_FILENO);
	ssize_t len;
	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	(void)dup2(pair[0], STDERR_FILENO);
	log_big_line();
	LOG_INFO("second", LOG_INT("n", 2));
	(void)dup2(saved, STDERR_FILENO);
	len = recv(pair[1], line, sizeof(line), MSG_DONTWAIT);
	CU_ASSERT_TRUE(len > 1000 && line[0] == '{' && line[len - 1] == '\n');
	len = recv(pair[1], line, sizeof(line), MSG_DONTWAIT);
	CU_ASSERT_TRUE(len > 20 && line[0] == '{' && line[len - 1] == '\n');
	CU_ASSERT_EQUAL(recv(pair[1], line, sizeof(line), MSG_DONTWAIT), -1);
	(void)close(saved);
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static void log_in_scopes(void)
{
	CLEANUP(log_scope_leave) struct log_scope delivery;
	log_scope_enter(&delivery, LOG_TEXT("delivery_id", "d-1"));
	CLEANUP(log_scope_leave) struct log_scope job;
	log_scope_enter(&job, LOG_TEXT("job_id", "outer"));
	CLEANUP(log_scope_leave) struct log_scope inner;
	log_scope_enter(&inner, LOG_TEXT("job_id", "inner"));

	LOG_INFO("inside", LOG_INT("n", 1));
	LOG_INFO("own", LOG_TEXT("job_id", "own"));
}

static void test_log_scopes_add_fields_until_left(void)
{
	struct capture capture;
	capture_begin(&capture);
	log_in_scopes();
	LOG_INFO("outside", LOG_INT("n", 1));
	char *text = capture_end(&capture);
	json_t *inside = capture_line(text, 0);
	json_t *own = capture_line(text, 1);
	json_t *outside = capture_line(text, 2);

	CU_ASSERT_STRING_EQUAL(text_of(inside, "delivery_id"), "d-1");
	CU_ASSERT_STRING_EQUAL(text_of(inside, "job_id"), "inner");
	CU_ASSERT_STRING_EQUAL(text_of(own, "job_id"), "own");
	CU_ASSERT_PTR_NULL(json_object_get(outside, "delivery_id"));
	CU_ASSERT_PTR_NULL(json_object_get(outside, "job_id"));
	json_decref(inside);
	json_decref(own);
	json_decref(outside);
	free(text);
}

static void *log_from_thread(void *context)
{
	LOG_INFO("thread", LOG_INT("n", 1));
	return context;
}

static void test_log_scopes_belong_to_their_thread(void)
{
	struct capture capture;
	struct log_scope scope;
	pthread_t thread;
	log_scope_enter(&scope, LOG_TEXT("job_id", "j"));
	capture_begin(&capture);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, log_from_thread, NULL), 0);
	(void)pthread_join(thread, NULL);
	char *text = capture_end(&capture);
	log_scope_leave(&scope);

	CU_ASSERT_EQUAL(capture_count(text), 1);
	CU_ASSERT_PTR_NULL(strstr(text, "job_id"));
	free(text);
}

static void test_log_err_has_code_message_status(void)
{
	struct capture capture;
	struct err err = {0};
	(void)err_set(&err, ERR_NETWORK, "connection refused");
	capture_begin(&capture);
	log_err("the broker is away", &err);
	err.http_status = 502;
	log_err("the app server is away", &err);
	char *text = capture_end(&capture);
	json_t *first = capture_line(text, 0);
	json_t *second = capture_line(text, 1);

	CU_ASSERT_STRING_EQUAL(text_of(first, "level"), "warn");
	CU_ASSERT_STRING_EQUAL(text_of(first, "code"), err_code_name(ERR_NETWORK));
	CU_ASSERT_STRING_EQUAL(text_of(first, "error"), "connection refused");
	CU_ASSERT_PTR_NULL(json_object_get(first, "http_status"));
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(second, "http_status")), 502);
	json_decref(first);
	json_decref(second);
	free(text);
}

void suite_log(void)
{
	CU_pSuite suite = CU_add_suite("log", NULL, NULL);
	CU_ADD_TEST(suite, test_log_line_has_time_level_program_message_fields);
	CU_ADD_TEST(suite, test_log_level_hides_what_is_below);
	CU_ADD_TEST(suite, test_log_escapes_anything_into_valid_json);
	CU_ADD_TEST(suite, test_log_redacts_keys_that_name_a_secret);
	CU_ADD_TEST(suite, test_log_line_is_bounded_and_still_json);
	CU_ADD_TEST(suite, test_log_cuts_a_long_text_on_a_character);
	CU_ADD_TEST(suite, test_log_line_is_one_write);
	CU_ADD_TEST(suite, test_log_scopes_add_fields_until_left);
	CU_ADD_TEST(suite, test_log_scopes_belong_to_their_thread);
	CU_ADD_TEST(suite, test_log_err_has_code_message_status);
}
