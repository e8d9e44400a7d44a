/* How every client of ours is configured, and what librdkafka's errors mean to us. */
#include "common/io/kafka_client.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <librdkafka/rdkafka.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/io/config.h"
#include "common/io/log.h"

#include "common/base/banned.h"

enum {
	PROPERTY_LINE_MAX = 16 * 1024, /* bytes: a certificate chain on one line */
	PROPERTY_LINES_MAX = 1000,
};

#define PASSWORD "OHDC_KAFKA_PASSWORD"

/* The properties file may change these. */
static const struct kafka_property defaults[] = {
	/* After a short cut of the only broker the slowest report would take 9 s otherwise. */
	{"reconnect.backoff.max.ms", "500"},
	/* A stopped broker keeps its connections: give requests to it up early. */
	{"socket.timeout.ms", "10000"},
	{"socket.keepalive.enable", "true"},
	/* A new or lost topic is an error soon, not after half a minute. */
	{"topic.metadata.propagation.max.ms", "5000"},
	{"log_level", "5"},
	/* The partitions of a killed consumer go to the others after this. */
	{"session.timeout.ms", "10000"},
	/* How late a consumer hears that partitions are shared anew. */
	{"heartbeat.interval.ms", "1000"},
	/* After the bounded fetch queue was full: the default of 1 s would starve a fast reader. */
	{"fetch.queue.backoff.ms", "50"},
	{"fetch.max.bytes", "16777216"},
	{"queued.min.messages", "10000"},
};

/* Promises rest on these, and on the fixed ones of the client at hand: the file may not name them. */
static const char *const reserved[] = {
	"acks",
	"auto.offset.reset",
	"bootstrap.servers",
	"client.id",
	"enable.auto.commit",
	"enable.auto.offset.store",
	"enable.idempotence",
	"group.id",
	"group.instance.id",
	"group.protocol",
	"isolation.level",
	"linger.ms",
	"max.in.flight",
	"max.in.flight.requests.per.connection",
	"message.max.bytes",
	"message.send.max.retries",
	"metadata.broker.list",
	"partition.assignment.strategy",
	"partitioner",
	"plugin.library.paths",
	"queue.buffering.max.kbytes",
	"queue.buffering.max.messages",
	"queue.buffering.max.ms",
	"queued.max.messages.kbytes",
	"request.required.acks",
	"retries",
	"socket.nagle.disable",
	"transactional.id",
};

/* Where the properties file is being read. */
struct file_reader {
	rd_kafka_conf_t *conf;
	const char *path;
	size_t line;
	bool has_ca;
	bool has_password;
};

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
	LOG_DEBUG("kafka client", LOG_TEXT("client", rd_kafka_name(rk)), LOG_TEXT("facility", facility),
		  LOG_TEXT("text", text), LOG_INT("severity", level));
}

/* librdkafka's own message may quote the value, which may be a password. */
static bool set_property(rd_kafka_conf_t *conf, const char *name, const char *value, struct err *err)
{
	char ignored[256];
	switch (rd_kafka_conf_set(conf, name, value, ignored, sizeof(ignored))) {
	case RD_KAFKA_CONF_OK: return true;
	case RD_KAFKA_CONF_UNKNOWN: return err_set(err, ERR_INPUT, "kafka property '%s' is unknown", name);
	case RD_KAFKA_CONF_INVALID: break;
	}
	return err_set(err, ERR_INPUT, "kafka property '%s' cannot have that value", name);
}

static bool set_properties(rd_kafka_conf_t *conf, const struct kafka_property *properties, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		if (properties[i].value && !set_property(conf, properties[i].name, properties[i].value, err))
			return false;
	}
	return true;
}

/* Cut white space at both ends, in place. */
static char *trim(char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	size_t len = strlen(text);
	while (len > 0 && isspace((unsigned char)text[len - 1]))
		len--;
	text[len] = '\0';
	return text;
}

static bool read_line(struct file_reader *reader, char *line, struct err *err)
{
	char *name = trim(line);
	if (name[0] == '\0' || name[0] == '#') return true;
	char *equals = strchr(name, '=');
	if (!equals) return err_set(err, ERR_INPUT, "'=' is missing");
	*equals = '\0';
	name = trim(name);
	if (text_among(reserved, ARRAY_LEN(reserved), name, &(unsigned){0}))
		return err_set(err, ERR_INPUT, "kafka property '%s' is set by the program", name);
	if (strcmp(name, "ssl.ca.location") == 0 || strcmp(name, "ssl.ca.pem") == 0) reader->has_ca = true;
	if (strcmp(name, "sasl.password") == 0) reader->has_password = true;
	return set_property(reader->conf, name, trim(equals + 1), err);
}

static bool read_lines(struct file_reader *reader, FILE *file, char *line, struct err *err)
{
	while (fgets(line, PROPERTY_LINE_MAX, file)) {
		reader->line++;
		if (!strchr(line, '\n') && !feof(file)) return err_set(err, ERR_INPUT, "the line is too long");
		if (reader->line > PROPERTY_LINES_MAX) return err_set(err, ERR_INPUT, "too many lines");
		if (!read_line(reader, line, err)) return false;
	}
	return !ferror(file) || err_set(err, ERR_INPUT, "cannot be read");
}

CLEANUP_FUNCTION(close_file, FILE *, fclose);

static bool read_file(struct file_reader *reader, struct err *err)
{
	CLEANUP(close_file) FILE *file = fopen(reader->path, "re");
	if (!file) return err_set(err, ERR_INPUT, "kafka properties '%s' cannot be opened", reader->path);
	char *line = mem_zalloc(PROPERTY_LINE_MAX, 1);
	bool is_read = read_lines(reader, file, line, err);
	mem_wipe(line, PROPERTY_LINE_MAX);
	mem_free(line);
	return is_read || err_wrap(err, "kafka properties '%s' line %zu", reader->path, reader->line);
}

/* The password has a setting of its own, so that the file needs no secret. */
static bool set_password(struct config *config, const struct file_reader *reader, struct err *err)
{
	CLEANUP(secret_done) struct secret password = {0};
	if (!config || !config_secret(config, PASSWORD, &password)) return true;
	if (reader->has_password)
		return err_set(err, ERR_INPUT, PASSWORD ": found sasl.password in '%s' as well, expected one of both",
			       reader->path);
	return set_property(reader->conf, "sasl.password", password.text, err);
}

CLEANUP_FUNCTION(conf_done, rd_kafka_conf_t *, rd_kafka_conf_destroy);

bool kafka_client_conf(const struct kafka_cluster *cluster, const struct kafka_property *fixed, size_t count,
		       rd_kafka_conf_t **ret, struct err *err)
{
	CLEANUP(conf_done) rd_kafka_conf_t *conf = rd_kafka_conf_new();
	struct file_reader reader = {.conf = conf, .path = cluster->config_file};
	const struct kafka_property own[] = {
		{"bootstrap.servers", cluster->brokers},
		{"client.id", cluster->client_id},
		{"socket.nagle.disable", "true"},
	};
	rd_kafka_conf_set_log_cb(conf, on_log);
	if (!set_properties(conf, defaults, ARRAY_LEN(defaults), err)) return false;
	if (cluster->config_file && !read_file(&reader, err)) return false;
	if (!set_password(cluster->config, &reader, err)) return false;
	if (cluster->ca_file && !reader.has_ca && !set_property(conf, "ssl.ca.location", cluster->ca_file, err))
		return false;
	if (!set_properties(conf, own, ARRAY_LEN(own), err) || !set_properties(conf, fixed, count, err)) return false;
	return MOVE(ret, conf);
}

bool kafka_client_new(int type, rd_kafka_conf_t *conf, rd_kafka_t **ret, struct err *err)
{
	char reason[160];
	rd_kafka_t *client = rd_kafka_new((rd_kafka_type_t)type, conf, reason, sizeof(reason));
	if (!client) {
		rd_kafka_conf_destroy(conf);
		return err_set(err, ERR_INPUT, "kafka client: %s", reason);
	}
	*ret = client;
	return true;
}

static const struct {
	rd_kafka_resp_err_t resp;
	enum err_code code;
} codes[] = {
	{RD_KAFKA_RESP_ERR__QUEUE_FULL, ERR_BUSY},
	{RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, ERR_INPUT},
	{RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, ERR_INPUT},
	{RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, ERR_INPUT},
	{RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, ERR_INPUT},
	{RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, ERR_INPUT},
	{RD_KAFKA_RESP_ERR__AUTHENTICATION, ERR_AUTH},
	{RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, ERR_AUTH},
	{RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, ERR_AUTH},
	{RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, ERR_AUTH},
	{RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, ERR_AUTH},
	{RD_KAFKA_RESP_ERR__TIMED_OUT, ERR_TIMEOUT},
	{RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, ERR_TIMEOUT},
	{RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, ERR_TIMEOUT},
	{RD_KAFKA_RESP_ERR__TRANSPORT, ERR_NETWORK},
	{RD_KAFKA_RESP_ERR__RESOLVE, ERR_NETWORK},
	{RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, ERR_NETWORK},
	{RD_KAFKA_RESP_ERR__SSL, ERR_NETWORK},
	{RD_KAFKA_RESP_ERR__WAIT_COORD, ERR_NETWORK},
	{RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, ERR_NETWORK},
	{RD_KAFKA_RESP_ERR_NOT_COORDINATOR, ERR_NETWORK},
	{RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, ERR_NETWORK},
	{RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, ERR_NETWORK},
	{RD_KAFKA_RESP_ERR__PURGE_QUEUE, ERR_NETWORK},
	{RD_KAFKA_RESP_ERR__PURGE_INFLIGHT, ERR_UNCERTAIN},
};

bool kafka_client_fail(struct err *err, int resp, const char *what)
{
	enum err_code code = ERR_INTERNAL;
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		if ((int)codes[i].resp == resp) code = codes[i].code;
	}
	return err_set(err, code, "kafka: %s: %s", what, rd_kafka_err2str((rd_kafka_resp_err_t)resp));
}
