/* ohe_token: what is sent to OpenHands, and what each of its answers means. */
#include "common/connect/ohe_token.h"

#include "common/domain/settings.h"
#include "tests/io/api_script.h"

#include <stdlib.h>

#include "common/base/banned.h"

#define URL "http://app.example/api/v1/webhooks/secrets"

static struct config *settings_of(const char *url, const char *key)
{
	struct config *config = NULL;
	size_t count = 0;
	const struct setting *table = settings_all(&count);
	(void)setenv("OHDC_DATABASE_URL", "postgresql://x", 1);
	(void)setenv("OHDC_SEAL_KEYS_FILE", "/dev/null", 1);
	(void)setenv("WEB_HOST", "app.example", 1);
	(void)setenv("OHDC_OPENHANDS_URL", url, 1);
	(void)setenv("JWT_SECRET", key, 1);
	struct err err = {0};
	if (!config_load(table, count, SETTING_INSTALLER, &config, &err)) CU_FAIL_FATAL("settings");
	(void)unsetenv("OHDC_DATABASE_URL");
	(void)unsetenv("OHDC_SEAL_KEYS_FILE");
	(void)unsetenv("WEB_HOST");
	(void)unsetenv("OHDC_OPENHANDS_URL");
	(void)unsetenv("JWT_SECRET");
	return config;
}

static void test_ohe_token_answers(void)
{
	static const struct {
		const char *name;
		enum err_code fails;
		int status;
		const char *answer;
		enum err_code code;
	} rows[] = {
		{"a token", ERR_NONE, 200, "BBDC-abc.d_e", ERR_NONE},
		{"no sign-in", ERR_NONE, 404, "{\"detail\":\"x\"}", ERR_NOT_FOUND},
		{"nothing", ERR_NONE, 200, "", ERR_NOT_FOUND},
		{"another secret", ERR_NONE, 401, "{}", ERR_AUTH},
		{"forbidden", ERR_NONE, 403, "{}", ERR_AUTH},
		{"its own fault", ERR_NONE, 500, "oops", ERR_INTERNAL},
		{"busy", ERR_NONE, 429, "{}", ERR_LIMIT},
		{"a page", ERR_NONE, 200, "<html> </html>", ERR_INTERNAL},
		{"a line end", ERR_NONE, 200, "token\r\nX: y", ERR_INTERNAL},
		{"away", ERR_NETWORK, 0, NULL, ERR_NETWORK},
		{"slow", ERR_TIMEOUT, 0, NULL, ERR_TIMEOUT},
	};
	struct config *config = settings_of("http://app.example", "test-jwt-secret");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct fake_http_step step = {.method = "GET",
						    .url = URL,
						    .header = "Accept: text/plain",
						    .body = "",
						    .fails = rows[i].fails,
						    .status = rows[i].status,
						    .answer = rows[i].answer};
		struct http_client *fake = fake_http_new(&step, 1);
		CLEANUP(secret_done) struct secret token = {0};
		struct err err = {0};
		bool is_read = ohe_token_read(fake, config, "u-1", &token, &err);
		CHECK(rows[i].name, is_read == (rows[i].code == ERR_NONE));
		CHECK(rows[i].name, err.code == rows[i].code);
		CHECK_TEXT(rows[i].name, token.text, is_read ? rows[i].answer : NULL);
		script_end(rows[i].name, fake);
	}
	config_free(config);
}

static void test_ohe_token_needs_the_key(void)
{
	struct config *config = settings_of("http://app.example", "");
	struct http_client *fake = fake_http_new(NULL, 0);
	CLEANUP(secret_done) struct secret token = {0};
	struct err err = {0};
	CU_ASSERT_FALSE(ohe_token_read(fake, config, "u-1", &token, &err));
	CU_ASSERT_EQUAL(err.code, ERR_INPUT);
	script_end("no key", fake);
	config_free(config);
}

void suite_ohe_token(void);

void suite_ohe_token(void)
{
	CU_pSuite suite = CU_add_suite("ohe_token", NULL, NULL);
	CU_ADD_TEST(suite, test_ohe_token_answers);
	CU_ADD_TEST(suite, test_ohe_token_needs_the_key);
}
