/* Holds the settings of one program: loaded and checked once, then looked up by name. */

#include "common/io/config.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/number.h"
#include "common/io/config_value.h"
#include "common/io/lock.h"
#include "common/io/log.h"

#include "common/base/banned.h"

enum { LABELS_SIZE = 128 };

struct config {
	struct config_value *values;
	size_t count;
	pthread_mutex_t lock; /* secrets: the only values that change */
};

CLEANUP_FUNCTION(free_pointed, struct config *, config_free);

static struct config *config_new(size_t count)
{
	struct config *config = mem_zalloc(1, sizeof(*config));
	config->values = mem_zalloc(count > 0 ? count : 1, sizeof(*config->values));
	(void)pthread_mutex_init(&config->lock, NULL);
	return config;
}

void config_free(struct config *config)
{
	if (config == NULL) return;
	for (size_t i = 0; i < config->count; i++) {
		MEM_FREE_ALL(config->values[i].text, config->values[i].file.path);
		secret_done(&config->values[i].secret);
	}
	(void)pthread_mutex_destroy(&config->lock);
	MEM_FREE_ALL(config->values, config);
}

static bool is_set(const struct config_value *value, const char *found)
{
	return value->setting->kind == SETTING_SECRET ? secret_is_set(&value->secret) : found != NULL;
}

static bool refuse_missing(const struct setting *setting, struct err *err)
{
	CLEANUP(strbuf_done) struct strbuf phrase = strbuf_of(CONFIG_PHRASE_BYTES);
	config_expectation(setting, &phrase);
	return err_set(err, ERR_INPUT, "%s: not set, expected %s: %s", setting->name, strbuf_text(&phrase),
		       setting->help);
}

static bool load_value(struct config_value *value, enum setting_reader reader, struct err *err)
{
	const struct setting *setting = value->setting;
	const char *found = NULL;
	if (setting->kind == SETTING_SECRET) {
		if (!config_secret_load(value, err)) return false;
	} else {
		found = config_environment(setting->name);
		found = found != NULL ? found : setting->fallback;
		if (found != NULL && !config_value_set(value, found, err)) return false;
	}
	if ((setting->required & (unsigned)reader) != 0 && !is_set(value, found)) return refuse_missing(setting, err);
	return true;
}

bool config_load(const struct setting *table, size_t count, enum setting_reader reader, struct config **ret,
		 struct err *err)
{
	CLEANUP(free_pointed) struct config *config = config_new(count);
	for (size_t i = 0; i < count; i++) {
		if ((table[i].readers & (unsigned)reader) == 0) continue;
		struct config_value *value = &config->values[config->count++];
		value->setting = &table[i];
		if (!load_value(value, reader, err)) return false;
	}
	config_warn_unknown(table, count);
	return MOVE(ret, config);
}

/* A name that this program does not read is our own mistake, and shows at the first start. */
static struct config_value *look_up(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->count; i++) {
		if (strcmp(config->values[i].setting->name, name) == 0) return &config->values[i];
	}
	LOG_ERROR("the program looks up a setting that it does not read", LOG_TEXT("setting", name));
	abort();
}

const char *config_text(const struct config *config, const char *name)
{
	return look_up(config, name)->text;
}

int64_t config_int(const struct config *config, const char *name)
{
	return look_up(config, name)->number;
}

bool config_bool(const struct config *config, const char *name)
{
	return look_up(config, name)->number != 0;
}

size_t config_ints(const struct config *config, const char *name, int64_t *ret, size_t size)
{
	const struct config_value *value = look_up(config, name);
	const char *at = value->text;
	size_t count = 0;
	while (at != NULL && *at != '\0' && count < size) {
		size_t len = strcspn(at, ",");
		CLEANUP(mem_free_text) char *word = mem_dup_n(at, len);
		if (!number_parse(word, value->setting->min, value->setting->max, &ret[count], NULL)) break;
		count++;
		at += at[len] == ',' ? len + 1 : len;
	}
	return count;
}

bool config_secret(struct config *config, const char *name, struct secret *ret)
{
	struct config_value *value = look_up(config, name);
	LOCK_HOLD(&config->lock);

	config_secret_refresh(value);
	if (!secret_is_set(&value->secret)) return false;
	secret_set(ret, value->secret.text, value->secret.len);
	return true;
}

struct metric *config_refused(struct metrics *metrics, const char *setting)
{
	char labels[LABELS_SIZE];
	(void)snprintf(labels, sizeof(labels), "name=\"%s\"", setting);
	return metrics_cell(metrics, METRIC_GAUGE, "ohdc_secret_refused", labels,
			    "1 while the newest content of a secret's file cannot be used and the one before stays");
}

void config_refresh(struct config *config, struct metrics *metrics)
{
	for (size_t i = 0; i < config->count; i++) {
		struct config_value *value = &config->values[i];
		LOCK_HOLD(&config->lock);
		config_secret_refresh(value);
		if (value->file.path) metric_set(config_refused(metrics, value->setting->name), value->file.is_refused);
	}
}
