/* Secrets: from a variable or a file, re-read on change, never replaced by a wrong value, never shown. */

#include "common/io/config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/limits.h"
#include "common/base/text.h"
#include "tests/io/capture.h"
#include "tests/unit/check.h"

#include "common/base/banned.h"

enum { PATH_BYTES = 200 };

static const struct setting secret_row = {
	.name = "TEST_TOKEN", .readers = SETTING_LINKER, .kind = SETTING_SECRET, .help = "Only a test."};

/* A folder as Kubernetes mounts a Secret: token -> ..data/token, ..data -> ..1 */
struct mount {
	char folder[PATH_BYTES];
	char token[PATH_BYTES];
};

static void path_in(const struct mount *mount, const char *name, char ret[PATH_BYTES + 64])
{
	(void)snprintf(ret, PATH_BYTES + 64, "%s/%s", mount->folder, name);
}

static void write_file(const char *path, const char *content, size_t len)
{
	FILE *file = fopen(path, "we");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	(void)fwrite(content, 1, len, file);
	(void)fclose(file);
}

/* A new version of the secret, put in place by renaming a link over the old one. */
static void mount_publish(const struct mount *mount, const char *version, const char *content)
{
	char folder[PATH_BYTES + 64];
	char file[PATH_BYTES + 128];
	char fresh[PATH_BYTES + 64];
	char data[PATH_BYTES + 64];
	path_in(mount, version, folder);
	(void)mkdir(folder, 0700);
	(void)snprintf(file, sizeof(file), "%s/token", folder);
	write_file(file, content, strlen(content));
	path_in(mount, "..fresh", fresh);
	path_in(mount, "..data", data);
	CU_ASSERT_EQUAL(symlink(version, fresh), 0);
	CU_ASSERT_EQUAL(rename(fresh, data), 0);
}

static void mount_init(struct mount *mount, const char *content)
{
	(void)snprintf(mount->folder, sizeof(mount->folder), "/tmp/ohdc-test-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(mount->folder));
	(void)snprintf(mount->token, sizeof(mount->token), "%.100s/token", mount->folder);
	CU_ASSERT_EQUAL(symlink("..data/token", mount->token), 0);
	mount_publish(mount, "..1", content);
}

static void mount_done(struct mount *mount)
{
	static const char *const names[] = {"..1/token", "..2/token", "..1", "..2", "..data", "token"};
	char path[PATH_BYTES + 64];
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		path_in(mount, names[i], path);
		(void)remove(path);
	}
	CU_ASSERT_EQUAL(rmdir(mount->folder), 0);
}

/* Loads the row with both variables as given (NULL: not set). */
static bool load_secret(const char *value, const char *path, struct config **ret, struct err *err)
{
	if (value != NULL) (void)setenv("TEST_TOKEN", value, 1);
	if (path != NULL) (void)setenv("TEST_TOKEN_FILE", path, 1);
	bool is_loaded = config_load(&secret_row, 1, SETTING_LINKER, ret, err);
	(void)unsetenv("TEST_TOKEN");
	(void)unsetenv("TEST_TOKEN_FILE");
	return is_loaded;
}

static void expect_secret(struct config *config, const char *expected)
{
	CLEANUP(secret_done) struct secret secret = {0};
	CU_ASSERT_TRUE_FATAL(config_secret(config, "TEST_TOKEN", &secret));
	CU_ASSERT_STRING_EQUAL(secret.text, expected);
	CU_ASSERT_EQUAL(secret.len, strlen(expected));
}

static void test_config_secret_comes_from_the_variable(void)
{
	struct config *config = NULL;
	CU_ASSERT_TRUE_FATAL(load_secret("hunter2\n", NULL, &config, NULL));
	expect_secret(config, "hunter2");
	CU_ASSERT_PTR_NULL(config_text(config, "TEST_TOKEN"));
	config_free(config);
}

static void test_config_secret_may_be_missing(void)
{
	CLEANUP(secret_done) struct secret secret = {0};
	struct config *config = NULL;
	CU_ASSERT_TRUE_FATAL(load_secret(NULL, "", &config, NULL));
	CU_ASSERT_FALSE(config_secret(config, "TEST_TOKEN", &secret));
	CU_ASSERT_FALSE(secret_is_set(&secret));
	config_free(config);
}

static void test_config_secret_that_is_required_stops_the_start(void)
{
	struct setting row = secret_row;
	struct config *config = NULL;
	struct err err = {0};
	row.required = SETTING_LINKER;
	CU_ASSERT_FALSE(config_load(&row, 1, SETTING_LINKER, &config, &err));
	CU_ASSERT_STRING_EQUAL(err.message, "TEST_TOKEN: not set, expected a secret, or its file "
					    "in TEST_TOKEN_FILE: Only a test.");
}

static void test_config_secret_in_both_places_is_refused(void)
{
	struct config *config = NULL;
	struct err err = {0};
	CU_ASSERT_FALSE(load_secret("hunter2", "/proc/self/exe", &config, &err));
	CU_ASSERT_STRING_EQUAL(err.message, "TEST_TOKEN: found TEST_TOKEN_FILE set as well, expected one of both");
}

static void test_config_secret_file_is_read_without_line_end(void)
{
	static const struct {
		const char *name;
		const char *content;
		const char *secret;
	} cases[] = {
		{"plain", "hunter2", "hunter2"},
		{"unix", "hunter2\n", "hunter2"},
		{"windows", "hunter2\r\n", "hunter2"},
		{"spaces are kept", " hunter 2 \n", " hunter 2 "},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct config *config = NULL;
		struct mount mount;
		mount_init(&mount, cases[i].content);
		CU_ASSERT_TRUE_FATAL(load_secret(NULL, mount.token, &config, NULL));
		expect_secret(config, cases[i].secret);
		config_free(config);
		mount_done(&mount);
	}
}

static void test_config_secret_wrong_file_stops_the_start(void)
{
	static const struct {
		const char *content;
		const char *found;
	} cases[] = {
		{"", "an empty value"},
		{"\n", "an empty value"},
		{"hunter2\nhunter3\n", "a control character"},
	};
	struct config *config = NULL;
	struct err err = {0};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct mount mount;
		mount_init(&mount, cases[i].content);
		CU_ASSERT_FALSE(load_secret(NULL, mount.token, &config, &err));
		CHECK(cases[i].found, text_starts(err.message, "TEST_TOKEN_FILE: found '/tmp/"));
		CHECK(cases[i].found, strstr(err.message, cases[i].found) != NULL);
		CHECK(cases[i].found, strstr(err.message, "hunter") == NULL);
		mount_done(&mount);
	}
	CU_ASSERT_FALSE(load_secret(NULL, "/nowhere/token", &config, &err));
	CU_ASSERT_STRING_EQUAL(err.message, "TEST_TOKEN_FILE: found '/nowhere/token', no such file, "
					    "expected a file with a secret of one line");
	CU_ASSERT_FALSE(load_secret(NULL, "/", &config, &err));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "no regular file"));
	CU_ASSERT_FALSE(load_secret("hunter2\nX-Header: y", NULL, &config, &err));
	CU_ASSERT_STRING_EQUAL(err.message, "TEST_TOKEN: found a control character, expected a secret of one line");
}

static void test_config_secret_follows_a_changed_file(void)
{
	struct config *config = NULL;
	struct capture capture;
	struct mount mount;
	mount_init(&mount, "first");
	CU_ASSERT_TRUE_FATAL(load_secret(NULL, mount.token, &config, NULL));
	capture_begin(&capture);
	expect_secret(config, "first");
	write_file(mount.token, "in place, longer", strlen("in place, longer"));
	expect_secret(config, "in place, longer");
	mount_publish(&mount, "..2", "swapped");
	expect_secret(config, "swapped");
	char *text = capture_end(&capture);
	CU_ASSERT_EQUAL(capture_count(text), 2);
	CU_ASSERT_PTR_NULL(strstr(text, "swapped"));
	free(text);
	config_free(config);
	mount_done(&mount);
}

/* What a bad content logs on three looks; the secret in use must stay "first". */
static size_t lines_after(struct config *config, const struct mount *mount, const char *content, size_t len)
{
	struct capture capture;
	write_file(mount->token, content, len);
	capture_begin(&capture);
	for (int i = 0; i < 3; i++)
		expect_secret(config, "first");
	char *text = capture_end(&capture);
	size_t count = capture_count(text);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "the old one stays in use"));
	free(text);
	return count;
}

static void expect_refused(struct config *config, struct metrics *metrics, const char *expected)
{
	CLEANUP(strbuf_done) struct strbuf text = strbuf_of(LIMIT_SETTING_BYTES);
	config_refresh(config, metrics);
	metrics_write(metrics, &text);
	CU_ASSERT_PTR_NOT_NULL(strstr(strbuf_text(&text), expected));
}

/* As long as the wrong one is there, not only at the first look. */
static void test_config_secret_that_is_refused_is_shown(void)
{
	struct config *config = NULL;
	struct capture capture;
	struct mount mount;
	mount_init(&mount, "first");
	CU_ASSERT_TRUE_FATAL(load_secret(NULL, mount.token, &config, NULL));
	struct metrics *metrics = metrics_new();
	write_file(mount.token, "", 0);
	capture_begin(&capture);
	for (int i = 0; i < 3; i++)
		expect_refused(config, metrics, "ohdc_secret_refused{name=\"TEST_TOKEN\"} 1\n");
	mount_publish(&mount, "..2", "right");
	expect_refused(config, metrics, "ohdc_secret_refused{name=\"TEST_TOKEN\"} 0\n");
	char *text = capture_end(&capture);
	CU_ASSERT_EQUAL(capture_count(text), 2);
	free(text);
	metrics_free(metrics);
	config_free(config);
	mount_done(&mount);
}

static void test_config_secret_wrong_new_value_keeps_the_old_one(void)
{
	struct config *config = NULL;
	struct capture capture;
	struct mount mount;
	char *big = calloc(1, LIMIT_SETTING_BYTES + 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(big);
	memset(big, 'a', LIMIT_SETTING_BYTES + 1);
	mount_init(&mount, "first");
	CU_ASSERT_TRUE_FATAL(load_secret(NULL, mount.token, &config, NULL));
	CU_ASSERT_EQUAL(lines_after(config, &mount, "", 0), 1);
	CU_ASSERT_EQUAL(lines_after(config, &mount, big, LIMIT_SETTING_BYTES + 1), 1);
	CU_ASSERT_EQUAL(lines_after(config, &mount, "a\0b", 3), 1);
	write_file(mount.token, big, LIMIT_SETTING_BYTES);
	big[LIMIT_SETTING_BYTES] = '\0';
	capture_begin(&capture);
	expect_secret(config, big);
	free(capture_end(&capture));
	config_free(config);
	mount_done(&mount);
	free(big);
}

static void test_config_secret_survives_a_missing_file(void)
{
	struct config *config = NULL;
	struct capture capture;
	struct mount mount;
	char data[PATH_BYTES + 64];
	mount_init(&mount, "first");
	CU_ASSERT_TRUE_FATAL(load_secret(NULL, mount.token, &config, NULL));
	path_in(&mount, "..data", data);
	(void)unlink(data);
	capture_begin(&capture);
	expect_secret(config, "first");
	expect_secret(config, "first");
	mount_publish(&mount, "..2", "back");
	expect_secret(config, "back");
	char *text = capture_end(&capture);
	CU_ASSERT_EQUAL(capture_count(text), 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "no such file"));
	free(text);
	config_free(config);
	mount_done(&mount);
}

static void test_config_secret_file_that_may_be_missing(void)
{
	CLEANUP(secret_done) struct secret secret = {0};
	struct config *config = NULL;
	struct mount mount;
	char path[PATH_BYTES + 64];
	char optional[PATH_BYTES + 65];
	struct err err = {0};
	mount_init(&mount, "first");
	path_in(&mount, "later", path);
	(void)snprintf(optional, sizeof(optional), "-%s", path);
	CU_ASSERT_TRUE_FATAL(load_secret(NULL, optional, &config, &err));
	CU_ASSERT_FALSE(config_secret(config, "TEST_TOKEN", &secret));
	write_file(path, "came", 4);
	expect_secret(config, "came");
	config_free(config);
	CU_ASSERT_TRUE_FATAL(load_secret(NULL, optional, &config, &err));
	expect_secret(config, "came");
	config_free(config);
	write_file(path, "", 0);
	CU_ASSERT_FALSE(load_secret(NULL, optional, &config, &err));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "an empty value"));
	(void)remove(path);
	mount_done(&mount);
}

void suite_config_secret(void)
{
	CU_pSuite suite = CU_add_suite("config_secret", NULL, NULL);
	CU_ADD_TEST(suite, test_config_secret_comes_from_the_variable);
	CU_ADD_TEST(suite, test_config_secret_may_be_missing);
	CU_ADD_TEST(suite, test_config_secret_that_is_required_stops_the_start);
	CU_ADD_TEST(suite, test_config_secret_in_both_places_is_refused);
	CU_ADD_TEST(suite, test_config_secret_file_is_read_without_line_end);
	CU_ADD_TEST(suite, test_config_secret_wrong_file_stops_the_start);
	CU_ADD_TEST(suite, test_config_secret_follows_a_changed_file);
	CU_ADD_TEST(suite, test_config_secret_that_is_refused_is_shown);
	CU_ADD_TEST(suite, test_config_secret_wrong_new_value_keeps_the_old_one);
	CU_ADD_TEST(suite, test_config_secret_survives_a_missing_file);
	CU_ADD_TEST(suite, test_config_secret_file_that_may_be_missing);
}
