/* Settings: values are checked by kind, complaints are one line without secrets, unknown names are noticed. */

#include "common/io/config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/domain/settings.h"
#include "tests/io/capture.h"
#include "tests/unit/check.h"

#include "common/base/banned.h"

enum { NAME_BYTES = 128 };

static struct setting row_of(enum setting_kind kind)
{
	return (struct setting){.name = "TEST_SETTING",
				.readers = SETTING_LINKER,
				.kind = kind,
				.min = 1,
				.max = 64,
				.choices = kind == SETTING_CHOICE ? "asks|all" : NULL,
				.help = "Only a test."};
}

/* Loads one row with TEST_SETTING as given (NULL: not set). */
static bool load_one(const struct setting *row, const char *value, struct config **ret, struct err *err)
{
	(void)unsetenv("TEST_SETTING");
	if (value != NULL) (void)setenv("TEST_SETTING", value, 1);
	bool is_loaded = config_load(row, 1, SETTING_LINKER, ret, err);
	(void)unsetenv("TEST_SETTING");
	return is_loaded;
}

static void test_config_accepts_and_normalises_by_kind(void)
{
	static const struct {
		const char *name;
		enum setting_kind kind;
		const char *found;
		const char *expected;
	} cases[] = {
		{"text", SETTING_TEXT, " OpenHands Ü ", "OpenHands Ü"},
		{"url", SETTING_URL, "HTTP://Ohe.Example:8080/app/", "http://ohe.example:8080/app"},
		{"bare host", SETTING_HOST, "Bitbucket.example", "https://bitbucket.example"},
		{"host with port", SETTING_HOST, "jira.example:8443", "https://jira.example:8443"},
		{"host with path", SETTING_HOST, "jira.example/jira/", "https://jira.example/jira"},
		{"host with scheme", SETTING_HOST, "http://jira.example", "http://jira.example"},
		{"localhost", SETTING_HOST, "localhost:7990", "http://localhost:7990"},
		{"not localhost", SETTING_HOST, "localhost.example", "https://localhost.example"},
		{"IPv4", SETTING_LISTEN, "127.0.0.1:0", "127.0.0.1:0"},
		{"IPv6", SETTING_LISTEN, "[::1]:8080", "[::1]:8080"},
		{"label", SETTING_LABEL, "open-hands_2", "open-hands_2"},
		{"file", SETTING_FILE, "/proc/self/exe", "/proc/self/exe"},
		{"choice", SETTING_CHOICE, "all", "all"},
		{"list", SETTING_LIST, " kafka-1:9092 ,kafka-2:9092", "kafka-1:9092,kafka-2:9092"},
		{"integers", SETTING_INTS, "1, 2,64", "1,2,64"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct setting row = row_of(cases[i].kind);
		struct config *config = NULL;
		struct err err = {0};
		bool is_loaded = load_one(&row, cases[i].found, &config, &err);
		CHECK(cases[i].name, is_loaded);
		if (is_loaded) CHECK_TEXT(cases[i].name, config_text(config, row.name), cases[i].expected);
		config_free(config);
	}
}

static void test_config_refuses_by_kind_in_one_line(void)
{
	static const struct {
		enum setting_kind kind;
		const char *found;
		const char *line;
	} cases[] = {
		{SETTING_INT, "65", "TEST_SETTING: found '65', expected a number from 1 to 64"},
		{SETTING_INT, "4x", "TEST_SETTING: found '4x', expected a number from 1 to 64"},
		{SETTING_BOOL, "maybe", "TEST_SETTING: found 'maybe', expected 1, 0, true, false, yes, no, on or off"},
		{SETTING_URL, "ohe.example", "TEST_SETTING: found 'ohe.example', expected a URL such as https://host"},
		{SETTING_URL, "https://bob:hunter2@ohe.example",
		 "TEST_SETTING: found a URL with user information, expected a URL such as "
		 "https://host"},
		{SETTING_HOST, "ftp://jira",
		 "TEST_SETTING: found 'ftp://jira', expected a host, or a URL such as https://host"},
		{SETTING_LISTEN, "8080", "TEST_SETTING: found '8080', expected address:port such as 0.0.0.0:8080"},
		{SETTING_LISTEN, "0.0.0.0:65536",
		 "TEST_SETTING: found '0.0.0.0:65536', expected address:port such as 0.0.0.0:8080"},
		{SETTING_LISTEN, "localhost:80",
		 "TEST_SETTING: found 'localhost:80', expected address:port such as 0.0.0.0:8080"},
		{SETTING_LABEL, "Open Hands",
		 "TEST_SETTING: found 'Open Hands', expected lower-case letters, digits, - and _"},
		{SETTING_FILE, "/nowhere/at/all", "TEST_SETTING: found '/nowhere/at/all', expected a readable file"},
		{SETTING_FILE, "/", "TEST_SETTING: found '/', expected a readable file"},
		{SETTING_CHOICE, "al", "TEST_SETTING: found 'al', expected one of asks, all"},
		{SETTING_CHOICE, "asks|all", "TEST_SETTING: found 'asks|all', expected one of asks, all"},
		{SETTING_LIST, "a,,b", "TEST_SETTING: found 'a,,b', expected words separated by commas"},
		{SETTING_INTS, "1,x",
		 "TEST_SETTING: found '1,x', expected numbers separated by commas, each from 1 to 64"},
		{SETTING_TEXT, "a\nb", "TEST_SETTING: found 'a?b', expected text"},
		{SETTING_TEXT, "\xff", "TEST_SETTING: found '?', expected text"},
		{SETTING_TEXT, " ", "TEST_SETTING: found ' ', expected text"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct setting row = row_of(cases[i].kind);
		struct config *config = NULL;
		struct err err = {0};
		CHECK(cases[i].found, !load_one(&row, cases[i].found, &config, &err));
		CHECK(cases[i].found, err.code == ERR_INPUT && config == NULL);
		CHECK_TEXT(cases[i].found, err.message, cases[i].line);
	}
}

static void test_config_cuts_what_was_found(void)
{
	struct setting row = row_of(SETTING_INT);
	struct config *config = NULL;
	struct err err = {0};
	char found[500];
	memset(found, '9', sizeof(found));
	found[sizeof(found) - 1] = '\0';
	CU_ASSERT_FALSE(load_one(&row, found, &config, &err));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "999…', expected a number from 1 to 64"));
}

static void test_config_reads_numbers(void)
{
	static const struct {
		const char *found;
		bool flag;
	} flags[] = {{"1", true}, {"0", false}, {"TRUE", true}, {"off", false}, {"yes", true}};
	struct setting row = row_of(SETTING_INT);
	struct config *config = NULL;
	int64_t numbers[2];
	CU_ASSERT_TRUE_FATAL(load_one(&row, "64", &config, NULL));
	CU_ASSERT_EQUAL(config_int(config, row.name), 64);
	config_free(config);
	row.kind = SETTING_INTS;
	CU_ASSERT_TRUE_FATAL(load_one(&row, "3,1,2", &config, NULL));
	CU_ASSERT_EQUAL(config_ints(config, row.name, numbers, 2), 2);
	CU_ASSERT_TRUE(numbers[0] == 3 && numbers[1] == 1);
	config_free(config);
	row.kind = SETTING_BOOL;
	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		CU_ASSERT_TRUE_FATAL(load_one(&row, flags[i].found, &config, NULL));
		CU_ASSERT_EQUAL(config_bool(config, row.name), flags[i].flag);
		config_free(config);
	}
}

static void test_config_empty_is_not_set(void)
{
	struct setting row = row_of(SETTING_INT);
	struct config *config = NULL;
	struct err err = {0};
	row.fallback = "8";
	CU_ASSERT_TRUE_FATAL(load_one(&row, "", &config, &err));
	CU_ASSERT_EQUAL(config_int(config, row.name), 8);
	config_free(config);
	config = NULL;
	row.fallback = NULL;
	row.required = SETTING_LINKER;
	CU_ASSERT_FALSE(load_one(&row, "", &config, &err));
	CU_ASSERT_STRING_EQUAL(err.message, "TEST_SETTING: not set, expected a number from 1 to 64: Only a test.");
	row.required = SETTING_INGRESS;
	row.kind = SETTING_TEXT;
	CU_ASSERT_TRUE_FATAL(load_one(&row, NULL, &config, &err));
	CU_ASSERT_PTR_NULL(config_text(config, row.name));
	config_free(config);
}

static void test_config_lets_each_program_have_its_default(void)
{
	static const struct setting rows[] = {
		{.name = "TEST_SETTING",
		 .readers = SETTING_LINKER,
		 .kind = SETTING_INT,
		 .fallback = "4",
		 .max = 64,
		 .help = "L."},
		{.name = "TEST_SETTING",
		 .readers = SETTING_DISPATCHER,
		 .kind = SETTING_INT,
		 .fallback = "8",
		 .max = 64,
		 .help = "D."},
	};
	struct config *config = NULL;
	CU_ASSERT_TRUE_FATAL(config_load(rows, 2, SETTING_DISPATCHER, &config, NULL));
	CU_ASSERT_EQUAL(config_int(config, "TEST_SETTING"), 8);
	config_free(config);
	CU_ASSERT_TRUE_FATAL(config_load(rows, 2, SETTING_LINKER, &config, NULL));
	CU_ASSERT_EQUAL(config_int(config, "TEST_SETTING"), 4);
	config_free(config);
}

/* How often `text` warns of `name`; `ret_nearest` gets the name that is suggested. The environment may hold others. */
static size_t count_warnings(const char *text, const char *name, char ret_nearest[NAME_BYTES])
{
	size_t count = 0;
	ret_nearest[0] = '\0';
	for (size_t i = 0; i < capture_count(text); i++) {
		json_t *line = capture_line(text, i);
		if (strcmp(json_string_value(json_object_get(line, "setting")), name) == 0) {
			(void)snprintf(ret_nearest, NAME_BYTES, "%s",
				       json_string_value(json_object_get(line, "nearest")));
			count++;
		}
		json_decref(line);
	}
	return count;
}

/* Number of warnings when the environment has `name`; `ret_nearest` gets the name that is suggested. */
static size_t warnings_for(const char *name, char ret_nearest[NAME_BYTES])
{
	struct setting rows[2] = {row_of(SETTING_TEXT), row_of(SETTING_SECRET)};
	struct config *config = NULL;
	struct capture capture;
	rows[0].name = "OHDC_KAFKA_BROKERS";
	rows[1].name = "OHDC_DATABASE_URL";
	rows[1].readers = SETTING_CLI;
	(void)setenv(name, "x", 1);
	capture_begin(&capture);
	CU_ASSERT_TRUE(config_load(rows, 2, SETTING_LINKER, &config, NULL));
	char *text = capture_end(&capture);
	(void)unsetenv(name);
	size_t count = count_warnings(text, name, ret_nearest);
	free(text);
	config_free(config);
	return count;
}

static void test_config_warns_of_unknown_names(void)
{
	static const struct {
		const char *name;
		size_t warnings;
		const char *nearest;
	} cases[] = {
		{"OHDC_KAFKA_BROKER", 1, "OHDC_KAFKA_BROKERS"},
		{"OHDC_DATBASE_URL", 1, "OHDC_DATABASE_URL"},
		{"OHDC_KAFKA_BROKERS_FILE", 1, "OHDC_KAFKA_BROKERS"},
		{"OHDC_KAFKA_BROKERS", 0, ""},
		{"OHDC_DATABASE_URL", 0, ""},
		{"OHDC_DATABASE_URL_FILE", 0, ""},
		{"KAFKA_BROKERS", 0, ""},
		{"OHDC_BIN", 0, ""},
		{"OHDC_E2E_SEED", 0, ""},
		{"OHDC_INGRESS_SERVICE_HOST", 0, ""},
		{"OHDC_INGRESS_SERVICE_PORT_HTTP", 0, ""},
		{"OHDC_INGRESS_PORT", 0, ""},
		{"OHDC_INGRESS_PORT_8080_TCP_ADDR", 0, ""},
	};
	char nearest[NAME_BYTES];
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CHECK(cases[i].name, warnings_for(cases[i].name, nearest) == cases[i].warnings);
		CHECK_TEXT(cases[i].name, nearest, cases[i].nearest);
	}
}

static void check_row(const struct setting *row)
{
	struct setting optional = *row;
	struct config *config = NULL;
	struct err err = {0};
	enum setting_reader reader = (enum setting_reader)(row->readers & -row->readers);
	optional.required = 0;
	(void)unsetenv(row->name);
	CHECK(row->name, config_load(&optional, 1, reader, &config, &err));
	config_free(config);
	CHECK(row->name, (row->required & ~row->readers) == 0);
	CHECK(row->name, strchr(row->help, '|') == NULL);
	CHECK(row->name, row->help[strlen(row->help) - 1] == '.');
	CHECK(row->name, row->kind != SETTING_SECRET || row->fallback == NULL);
	CHECK(row->name, row->kind != SETTING_CHOICE || row->choices != NULL);
}

static void test_config_table_is_sound(void)
{
	size_t count = 0;
	const struct setting *table = settings_all(&count);
	CU_ASSERT_TRUE(count > 50 && table[0].group != NULL);
	for (size_t i = 0; i < count; i++) {
		check_row(&table[i]);
		for (size_t j = i + 1; j < count; j++) {
			bool is_same = strcmp(table[i].name, table[j].name) == 0;
			CU_ASSERT_TRUE(!is_same || (table[i].readers & table[j].readers) == 0);
		}
	}
}

/* New text of what `print` writes; free with free(). */
static char *printed_help(enum setting_reader reader, bool is_docs)
{
	char *text = NULL;
	size_t len = 0;
	size_t count = 0;
	const struct setting *table = settings_all(&count);
	FILE *out = open_memstream(&text, &len);
	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	if (is_docs)
		config_print_docs(out, table, count);
	else
		config_print_help(out, table, count, reader);
	(void)fclose(out);
	return text;
}

static void test_config_help_shows_what_the_program_reads(void)
{
	char *text = printed_help(SETTING_INGRESS, false);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "OHDC_KAFKA_BROKERS (required)\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "one of asks, all; default asks\n"));
	CU_ASSERT_PTR_NULL(strstr(text, "OHDC_OPENHANDS_URL"));
	free(text);
}

static void test_config_docs_show_every_setting(void)
{
	size_t count = 0;
	const struct setting *table = settings_all(&count);
	char *text = printed_help(SETTING_CLI, true);
	char start[NAME_BYTES];
	size_t bars = 0;
	for (size_t i = 0; i < count; i++) {
		(void)snprintf(start, sizeof(start), "\n| `%s` | ", table[i].name);
		CHECK(table[i].name, strstr(text, start) != NULL);
	}
	for (const char *c = strstr(text, "\n| `WEB_HOST`") + 1; *c != '\n'; c++)
		bars += *c == '|';
	CU_ASSERT_EQUAL(bars, 7);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "| linker, dispatcher, installer, ohdc | "));
	free(text);
}

void suite_config(void)
{
	CU_pSuite suite = CU_add_suite("config", NULL, NULL);
	CU_ADD_TEST(suite, test_config_accepts_and_normalises_by_kind);
	CU_ADD_TEST(suite, test_config_refuses_by_kind_in_one_line);
	CU_ADD_TEST(suite, test_config_cuts_what_was_found);
	CU_ADD_TEST(suite, test_config_reads_numbers);
	CU_ADD_TEST(suite, test_config_empty_is_not_set);
	CU_ADD_TEST(suite, test_config_lets_each_program_have_its_default);
	CU_ADD_TEST(suite, test_config_warns_of_unknown_names);
	CU_ADD_TEST(suite, test_config_table_is_sound);
	CU_ADD_TEST(suite, test_config_help_shows_what_the_program_reads);
	CU_ADD_TEST(suite, test_config_docs_show_every_setting);
}
