/* Checks and normalises one value by its row of the table, and says in words what the row expects. */

#include "common/io/config_value.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/number.h"
#include "common/base/text.h"
#include "common/base/url.h"

#include "common/base/banned.h"

enum {
	FOUND_SHOWN_BYTES = 60, /* of a wrong value in the line for people */
	LABEL_BYTES = 64,
	ADDRESS_BYTES = 64,
};

void config_add_found(struct strbuf *ret, const char *found)
{
	size_t len = text_cut(found, FOUND_SHOWN_BYTES);
	bool is_text = text_is_utf8(bytes_of(found, strlen(found)));
	if (strstr(found, "://") && strchr(found, '@')) {
		strbuf_add(ret, "a URL with user information");
		return;
	}
	strbuf_add_char(ret, '\'');
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)found[i];
		bool is_shown = c >= 0x20 && c != 0x7f && (is_text || c < 0x80);
		strbuf_add_char(ret, is_shown ? found[i] : '?');
	}
	strbuf_add(ret, found[len] != '\0' ? "…'" : "'");
}

static bool refuse(const struct setting *setting, const char *found, struct err *err)
{
	CLEANUP(strbuf_done) struct strbuf line = strbuf_of(CONFIG_PHRASE_BYTES);
	config_add_found(&line, found);
	strbuf_add(&line, ", expected ");
	config_expectation(setting, &line);
	return err_set(err, ERR_INPUT, "%s: found %s", setting->name, strbuf_text(&line));
}

static bool is_clean_text(const char *found)
{
	return strlen(found) <= LIMIT_SETTING_BYTES && text_is_utf8(bytes_text(found)) && !text_has_control(found);
}

static bool is_label(const char *found)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";
	return strlen(found) <= LABEL_BYTES && found[strspn(found, allowed)] == '\0';
}

static bool is_address(const char *text, size_t len)
{
	char address[ADDRESS_BYTES];
	struct in6_addr parsed;
	bool is_v6 = len > 2 && text[0] == '[' && text[len - 1] == ']';
	if (len >= sizeof(address)) return false;
	memcpy(address, is_v6 ? text + 1 : text, is_v6 ? len - 2 : len);
	address[is_v6 ? len - 2 : len] = '\0';
	return inet_pton(is_v6 ? AF_INET6 : AF_INET, address, &parsed) == 1;
}

static bool is_listen(const char *found)
{
	const char *colon = strrchr(found, ':');
	int64_t port;
	return colon && is_address(found, (size_t)(colon - found)) && number_parse(colon + 1, 0, UINT16_MAX, &port, NULL);
}

static bool is_readable_file(const char *path)
{
	struct stat status;
	return stat(path, &status) == 0 && !S_ISDIR(status.st_mode) && access(path, R_OK) == 0;
}

/* Without a scheme a host is reached by https, apart from localhost, which has no certificate. */
static const char *host_scheme(const char *found)
{
	size_t len = strcspn(found, ":/");
	return len == strlen("localhost") && strncasecmp(found, "localhost", len) == 0 ? "http" : "https";
}

static bool set_url(struct config_value *value, const char *found, const char *scheme)
{
	CLEANUP(url_done) struct url url = {0};
	if (!url_parse(found, scheme, &url, NULL)) return false;
	value->text = url_text(&url);
	return true;
}

/* Whether `word` is one of "a|b|c:", where "c:" and "c=" take any text after them. */
static bool is_choice(const char *choices, const char *word)
{
	size_t len = 0;
	for (const char *at = choices; *at != '\0'; at += at[len] == '|' ? len + 1 : len) {
		len = strcspn(at, "|");
		if (strncmp(at, word, len) != 0) continue;
		if (strchr(":=", at[len - 1]) ? word[len] != '\0' : word[len] == '\0') return true;
	}
	return false;
}

static bool is_item(const struct setting *setting, const char *word)
{
	int64_t number;
	if (setting->kind == SETTING_INTS) return number_parse(word, setting->min, setting->max, &number, NULL);
	return word[0] != '\0' && (!setting->choices || is_choice(setting->choices, word));
}

/* Keeps "a,b" of " a , b"; every item is checked. */
static bool set_list(struct config_value *value, const char *found)
{
	CLEANUP(strbuf_done) struct strbuf list = strbuf_of(LIMIT_SETTING_BYTES);
	const char *at = found;
	size_t len = 0;
	do {
		len = strcspn(at, ",");
		CLEANUP(mem_free_text) char *piece = mem_dup_n(at, len);
		CLEANUP(mem_free_text) char *word = text_trim(piece);
		if (!is_item(value->setting, word)) return false;
		strbuf_add(&list, list.len > 0 ? "," : "");
		strbuf_add(&list, word);
		at += len;
	} while (*at++ == ',');
	value->text = strbuf_take(&list);
	return true;
}

static bool set_text(struct config_value *value, const char *found)
{
	value->text = mem_dup(found);
	return true;
}

static bool set_int(struct config_value *value, const char *found)
{
	return number_parse(found, value->setting->min, value->setting->max, &value->number, NULL);
}

static bool set_bool(struct config_value *value, const char *found)
{
	bool flag;
	if (!number_parse_bool(found, &flag, NULL)) return false;
	value->number = flag;
	return true;
}

static bool set_base_url(struct config_value *value, const char *found)
{
	return set_url(value, found, NULL);
}

static bool set_host(struct config_value *value, const char *found)
{
	return set_url(value, found, host_scheme(found));
}

static bool set_choice(struct config_value *value, const char *found)
{
	return is_choice(value->setting->choices, found) && set_text(value, found);
}

/* By kind, of values that are kept as they are. */
static bool (*const checks[])(const char *) = {
	[SETTING_TEXT] = is_clean_text,
	[SETTING_LISTEN] = is_listen,
	[SETTING_LABEL] = is_label,
	[SETTING_FILE] = is_readable_file,
};

/* By kind, of the others; a secret is read elsewhere. */
static bool (*const setters[])(struct config_value *, const char *) = {
	[SETTING_INT] = set_int,      [SETTING_INTS] = set_list, [SETTING_BOOL] = set_bool,
	[SETTING_URL] = set_base_url, [SETTING_HOST] = set_host, [SETTING_CHOICE] = set_choice,
	[SETTING_LIST] = set_list,
};

static bool set(struct config_value *value, const char *found)
{
	enum setting_kind kind = value->setting->kind;
	if (kind < ARRAY_LEN(checks) && checks[kind]) return checks[kind](found) && set_text(value, found);
	return setters[kind](value, found);
}

bool config_value_set(struct config_value *value, const char *found, struct err *err)
{
	CLEANUP(mem_free_text) char *trimmed = text_trim(found);
	if (!is_clean_text(trimmed) || trimmed[0] == '\0' || !set(value, trimmed))
		return refuse(value->setting, found, err);
	return true;
}

/* "a, b, c:…" of "a|b|c:". */
static void add_choices(const char *choices, struct strbuf *ret)
{
	for (const char *c = choices; *c != '\0'; c++) {
		if (*c == '|')
			strbuf_add(ret, ", ");
		else
			strbuf_add_char(ret, *c);
		if (strchr(":=", *c)) strbuf_add(ret, "…");
	}
}

/* By kind; ranges and choices follow. */
static const char *const phrases[] = {
	[SETTING_TEXT] = "text",
	[SETTING_INT] = "a number",
	[SETTING_INTS] = "numbers separated by commas, each",
	[SETTING_BOOL] = "1, 0, true, false, yes, no, on or off",
	[SETTING_URL] = "a URL such as https://host",
	[SETTING_HOST] = "a host, or a URL such as https://host",
	[SETTING_LISTEN] = "address:port such as 0.0.0.0:8080",
	[SETTING_LABEL] = "lower-case letters, digits, - and _",
	[SETTING_FILE] = "a readable file",
	[SETTING_CHOICE] = "one of ",
	[SETTING_LIST] = "words separated by commas",
	[SETTING_SECRET] = "a secret, or its file in ",
};

void config_expectation(const struct setting *setting, struct strbuf *ret)
{
	enum setting_kind kind = setting->kind;
	strbuf_add(ret, phrases[kind]);
	if (kind == SETTING_SECRET) strbuf_addf(ret, "%s_FILE", setting->name);
	if (kind == SETTING_LIST && setting->choices) strbuf_add(ret, ", of ");
	if (setting->choices) add_choices(setting->choices, ret);
	if (kind != SETTING_INT && kind != SETTING_INTS) return;
	strbuf_addf(ret, " from %" PRId64 " to %" PRId64, setting->min, setting->max);
	if (setting->unit) strbuf_addf(ret, " (%s)", setting->unit);
}
