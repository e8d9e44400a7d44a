/* From a verified body to a durable record: nothing is acknowledged before the brokers have it. */

#include "services/ingress/ingress.h"

#include "common/base/json_field.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/domain/delivery.h"
#include "common/domain/trigger.h"
#include "common/io/entropy.h"
#include "common/io/log.h"
#include "common/io/sysclock.h"

#include <string.h>

#include "common/base/banned.h"

enum { RETRY_AFTER_S = 5, WARNING_GAP_MS = 10000 };

static const struct http_reply reply_jira = {.status = 200, .body = "{\"success\":true}"};
static const struct http_reply reply_bitbucket = {
	.status = 200, .body = "{\"message\":\"Bitbucket DC events endpoint reached successfully.\"}"};
static const struct http_reply reply_not_json = {
	.status = 400, .body = "{\"error\":\"Invalid payload.\",\"error_type\":\"JSONDecodeError\"}"};
static const struct http_reply reply_not_durable = {
	.status = 503,
	.body = "{\"detail\":\"The event could not be stored. Please send it again.\"}",
	.retry_after_s = RETRY_AFTER_S};

/* What the delivery report needs to answer; freed by it. */
struct flight {
	struct http_ticket ticket;
	enum provider provider;
	enum reason verdict;
	int64_t began_us;
};

/* What a body turned out to be; texts owned. */
struct finding {
	enum reason verdict; /* REASON_NONE: for the linker to decide */
	char *subject;
	char *event;
	bool is_kept;
};

static void finding_done(struct finding *finding)
{
	MEM_FREE_ALL(finding->subject, finding->event);
}

/* ---- what is it? --------------------------------------------------------------------------------------------- */

static bool is_at_home(const struct connection *connection, const json_t *body)
{
	struct trigger_origin origin = {connection->host, connection->project_key, connection->repo_slug,
					connection->repo_id};
	return trigger_origin_ok(connection->provider, body, &origin);
}

static void classify_body(const struct ingress *ingress, const struct connection *connection,
			  const struct request *request, const json_t *body, struct finding *ret)
{
	ret->subject = trigger_subject(connection->provider, connection->instance_id, body);
	ret->event = request->event ? mem_dup(request->event) : trigger_event_name(connection->provider, body);
	ret->is_kept = ingress->keeps_all ||
		       trigger_may_ask(bytes_of(request->body, request->body_len), &connection->bot);
}

/* JSON that cannot be used is kept and said to be so; what is no JSON at all is refused. */
static bool is_usable(const struct ingress *ingress, struct bytes raw, json_t **ret)
{
	struct err err = {0};
	return json_read(raw, ingress->body_cap, LIMIT_JSON_DEPTH, ret, &err) && json_is_object(*ret);
}

/* False: the request was answered, there is nothing to store. */
static bool classify(struct ingress *ingress, const struct connection *connection, const struct request *request,
		     struct http_ticket ticket, struct finding *ret)
{
	struct bytes raw = bytes_of(request->body, request->body_len);
	json_auto_t *body = NULL;
	if (!request->body && request->body_len > 0) {
		ret->verdict = REASON_TOO_LARGE;
	} else if (is_usable(ingress, raw, &body)) {
		if (!is_at_home(connection, body)) {
			ingress_answer(ingress, request->provider, ticket, refusal_of(request->provider),
				       REASON_WRONG_ORIGIN);
			return false;
		}
		classify_body(ingress, connection, request, body, ret);
	} else if (raw.len == 0 || json_is_json(raw)) {
		ret->verdict = REASON_MALFORMED;
		ret->is_kept = true;
	} else {
		ingress_answer(ingress, request->provider, ticket, &reply_not_json, REASON_MALFORMED);
		return false;
	}
	if (!connection->is_on) ret->verdict = REASON_INTEGRATION_OFF;
	return true;
}

/* ---- into Kafka ---------------------------------------------------------------------------------------------- */

static bool send_record(struct ingress *ingress, const struct connection *connection, const struct request *request,
			const struct finding *finding, struct flight *flight, struct err *err)
{
	char source[] = "webhook";
	char no_event[] = "";
	char secrets[CONNECTION_SECRETS_MAX][9] = {"current", "next", "previous"};
	char digest[CRYPTO_DIGEST_TEXT_SIZE];
	char traceparent[TRACEPARENT_SIZE];
	uint8_t random[DELIVERY_RANDOM];
	memcpy(digest, request->digest, sizeof(digest));
	entropy_fill(random, sizeof(random));
	struct delivery delivery = {
		.provider = request->provider,
		.connection_id = connection->id,
		.event = finding->event ? finding->event : no_event,
		.request_id = request->request_id,
		.received_at_ms = request->received_at_ms,
		.source = source,
		.verdict = finding->verdict,
		.body_sha256 = request->body ? digest : NULL,
		.secret_used = secrets[request->secret],
		.traceparent = request->traceparent ? request->traceparent : traceparent,
	};
	delivery_make_ids(random, &delivery, traceparent);
	struct kafka_record record = {
		.topic = ingress->topic,
		.key = bytes_text(finding->subject ? finding->subject : delivery.id),
		.value = finding->is_kept ? bytes_of(request->body, request->body_len) : bytes_of(NULL, 0),
	};
	delivery_write(&delivery, kafka_record_put, &record);
	return kafka_producer_send(ingress->producer, &record, flight, err);
}

void accept_delivery(struct ingress *ingress, const struct connection *connection, const struct request *request,
		     struct http_ticket ticket)
{
	CLEANUP(finding_done) struct finding finding = {0};
	if (!classify(ingress, connection, request, ticket, &finding)) return;
	struct flight *flight = mem_zalloc(1, sizeof(*flight));
	*flight = (struct flight){ticket, request->provider, finding.verdict, request->began_us};
	struct err err = {0};
	if (send_record(ingress, connection, request, &finding, flight, &err)) return;
	mem_free(flight);
	LOG_WARN("delivery not stored", LOG_TEXT("error", err.message),
		 LOG_TEXT("provider", provider_name(request->provider)), LOG_INT("connection_id", connection->id));
	ingress_answer(ingress, request->provider, ticket, &reply_not_durable, REASON_LIMITED);
}

/* Said now and then, not for each: the count is in the metrics. */
static void note_unconfirmed(struct ingress *ingress, const char *why)
{
	if (log_gap_passed(&ingress->unconfirmed, WARNING_GAP_MS))
		LOG_WARN("deliveries are answered with 503: the brokers do not confirm them", LOG_TEXT("error", why));
}

void accept_late(void *context)
{
	struct ingress *ingress = context;
	metric_add(metrics_cell(ingress->metrics, METRIC_COUNTER, "ohdc_requests_late_total", NULL,
				"Webhook requests answered with 503 because nothing was confirmed in time"),
		   1);
	note_unconfirmed(ingress, "no delivery report in time");
}

/*
 * The only place that says 2xx to a delivery. The second store (table backlog) takes over here when the broker does not confirm
 * in time; until it exists the request's deadline answers 503.
 */
void accept_report(void *context, void *opaque, const struct err *failure)
{
	struct ingress *ingress = context;
	struct flight *flight = opaque;
	struct http_reply reply = flight->provider == PROVIDER_JIRA ? reply_jira : reply_bitbucket;
	if (failure) {
		reply = reply_not_durable;
		note_unconfirmed(ingress, failure->message);
	}
	/* During the grace a sender that keeps its connection would bring its next delivery too late. */
	reply.closes = daemon_is_stopping(ingress->daemon);
	enum reason result = failure ? REASON_LIMITED : flight->verdict;
	if (ingress_answer(ingress, flight->provider, flight->ticket, &reply, result)) {
		metric_observe_us(
			metrics_cell(ingress->metrics, METRIC_HISTOGRAM, "ohdc_acknowledge_ms", NULL,
				     "Time from a request's headers to its answer after the brokers confirmed"),
			sysclock_monotonic_us() - flight->began_us);
	}
	mem_free(flight);
}
