/* delivery headers, job records, explain, signature: what travels and what is printed. */
#include "common/base/encode.h"
#include "common/base/json_field.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/domain/delivery.h"
#include "common/domain/job.h"
#include "common/domain/signature.h"
#include "common/domain/topics.h"
#include "tests/unit/check.h"

#include "common/base/banned.h"

#define ID "0b54dc1e-6a2c-4e67-9c0c-6a2f1d0e8a11"
#define TRACE "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
#define DIGEST "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

enum { HEADERS_MAX = 16 };

/* A record: names and values in the order they were put. */
struct record {
	const char *names[HEADERS_MAX];
	const char *values[HEADERS_MAX]; /* borrowed, as Kafka's records borrow them */
	size_t count;
};

static void put_header(void *context, const char *name, const char *value)
{
	struct record *record = context;
	CU_ASSERT_FATAL(record->count < HEADERS_MAX && value != NULL);
	record->names[record->count] = name;
	record->values[record->count++] = value;
}

static struct bytes get_header(const void *context, const char *name)
{
	const struct record *record = context;
	for (size_t i = record->count; i > 0; i--) {
		if (strcmp(record->names[i - 1], name) == 0) return bytes_text(record->values[i - 1]);
	}
	return (struct bytes){NULL, 0};
}

static void make_record(struct delivery *delivery, struct record *ret)
{
	static char event[] = "pr:comment:added";
	static char request[] = "r-1";
	static char source[] = "webhook";
	static char digest[] = DIGEST;
	static char trace[] = TRACE;
	static char secret[] = "next";
	*delivery = (struct delivery){
		.id = ID,
		.provider = PROVIDER_BITBUCKET,
		.connection_id = 7,
		.event = event,
		.request_id = request,
		.received_at_ms = 1610269967824,
		.source = source,
		.verdict = REASON_TOO_LARGE,
		.body_sha256 = digest,
		.traceparent = trace,
		.secret_used = secret,
	};
	*ret = (struct record){0};
	delivery_write(delivery, put_header, ret);
}

static void test_delivery_headers_are_read_back(void)
{
	struct record record;
	struct delivery written;
	struct err err = {0};
	CLEANUP(delivery_done) struct delivery delivery = {0};
	make_record(&written, &record);
	CU_ASSERT_STRING_EQUAL(record.names[0], HEADER_SCHEMA);
	CU_ASSERT(record.count == 12);
	CU_ASSERT_FATAL(delivery_read(get_header, &record, &delivery, &err));
	CU_ASSERT_STRING_EQUAL(delivery.id, ID);
	CU_ASSERT(delivery.provider == PROVIDER_BITBUCKET && delivery.connection_id == 7);
	CU_ASSERT_STRING_EQUAL(delivery.event, "pr:comment:added");
	CU_ASSERT_STRING_EQUAL(delivery.request_id, "r-1");
	CU_ASSERT(delivery.received_at_ms == 1610269967824 && delivery.verdict == REASON_TOO_LARGE);
	CU_ASSERT_STRING_EQUAL(delivery.source, "webhook");
	CU_ASSERT_STRING_EQUAL(delivery.body_sha256, DIGEST);
	CU_ASSERT_STRING_EQUAL(delivery.traceparent, TRACE);
	CU_ASSERT_STRING_EQUAL(delivery.secret_used, "next");
}

static void test_delivery_refuses_what_cannot_be_used(void)
{
	static const struct {
		const char *name;
		const char *value; /* put last, so it counts */
		enum err_code code;
	} rows[] = {
		{HEADER_SCHEMA, "2", ERR_CONFLICT},      {HEADER_SCHEMA, "1.7", ERR_NONE},
		{HEADER_SCHEMA, "", ERR_INPUT},          {HEADER_DELIVERY_ID, "7", ERR_INPUT},
		{HEADER_PROVIDER, "gitlab", ERR_INPUT},  {HEADER_CONNECTION_ID, "x", ERR_INPUT},
		{HEADER_CONNECTION_ID, "-1", ERR_INPUT}, {HEADER_RECEIVED_AT, "soon", ERR_INPUT},
		{HEADER_VERDICT, "PERHAPS", ERR_INPUT},  {HEADER_EVENT, "bad\xFFtext", ERR_INPUT},
		{HEADER_BODY_SHA256, "abc", ERR_INPUT},  {HEADER_TRACEPARENT, "nonsense", ERR_NONE},
		{HEADER_SOURCE, "", ERR_NONE},           {HEADER_SOURCE, "some-later-source", ERR_NONE},
		{"ohdc-something-new", "x", ERR_NONE},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct record record;
		struct delivery written;
		struct err err = {0};
		CLEANUP(delivery_done) struct delivery delivery = {0};
		make_record(&written, &record);
		put_header(&record, rows[i].name, rows[i].value);
		CHECK(rows[i].name, delivery_read(get_header, &record, &delivery, &err) == (rows[i].code == ERR_NONE));
		CHECK(rows[i].name, err.code == rows[i].code);
	}
}

static void test_delivery_needs_little(void)
{
	struct record record = {0};
	struct err err = {0};
	CLEANUP(delivery_done) struct delivery delivery = {0};
	CU_ASSERT(!delivery_read(get_header, &record, &delivery, &err) && err.code == ERR_INPUT);
	put_header(&record, HEADER_SCHEMA, "1");
	put_header(&record, HEADER_DELIVERY_ID, ID);
	put_header(&record, HEADER_PROVIDER, "jira");
	put_header(&record, HEADER_CONNECTION_ID, "1");
	put_header(&record, HEADER_RECEIVED_AT, "1");
	CU_ASSERT_FATAL(delivery_read(get_header, &record, &delivery, &err));
	CU_ASSERT_STRING_EQUAL(delivery.event, "");
	CU_ASSERT_STRING_EQUAL(delivery.source, "webhook");
	CU_ASSERT_PTR_NULL(delivery.request_id);
	CU_ASSERT(delivery.verdict == REASON_NONE);
}

static void test_traceparent_form(void)
{
	static const struct {
		const char *text;
		bool is_valid;
	} rows[] = {
		{TRACE, true},
		{"01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false},
		{"00-4BF92F3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false},
		{"00-00000000000000000000000000000000-00f067aa0ba902b7-01", false},
		{"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false},
		{"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0", false},
		{"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-012", false},
		{"00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false},
		{"", false},
	};
	uint8_t random[24];
	char text[56];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK(rows[i].text, traceparent_is_valid(rows[i].text) == rows[i].is_valid);
	CU_ASSERT(!traceparent_is_valid(NULL));
	memset(random, 0xA5, sizeof(random));
	traceparent_new(random, text);
	CU_ASSERT_STRING_EQUAL(text, "00-a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5-a5a5a5a5a5a5a5a5-01");
}

static void test_signature_form(void)
{
	static const struct {
		const char *name;
		const char *header;
		bool is_ok;
	} rows[] = {
		{"lower case", "sha256=" DIGEST, true},
		{"upper case hex", "sha256=E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855", true},
		{"upper case name", "SHA256=" DIGEST, false},
		{"sha1", "sha1=" DIGEST, false},
		{"no name", DIGEST, false},
		{"short", "sha256=e3b0", false},
		{"long", "sha256=" DIGEST "0", false},
		{"space in front", " sha256=" DIGEST, false},
		{"space behind", "sha256=" DIGEST " ", false},
		{"no hex", "sha256=g3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", false},
		{"empty", "", false},
		{"absent", NULL, false},
	};
	uint8_t digest[CRYPTO_DIGEST_SIZE];
	uint8_t wanted[CRYPTO_DIGEST_SIZE];
	CLEANUP(strbuf_done) struct strbuf text = strbuf_of(200);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK(rows[i].name, signature_parse(rows[i].header, digest) == rows[i].is_ok);
	crypto_hmac(bytes_text("secret"), bytes_text("{}"), wanted);
	strbuf_add(&text, "sha256=");
	encode_hex(&text, bytes_of(wanted, sizeof(wanted)));
	CU_ASSERT(signature_parse(strbuf_text(&text), digest) && crypto_equal(digest, wanted, sizeof(wanted)));
}

#define BODY                                                                                \
	"{\"webhookEvent\":\"jira:issue_updated\",\"timestamp\":5,\"issue\":{\"id\":\"1\"," \
	"\"key\":\"P-1\",\"fields\":{"                                                      \
	"\"description\":\"https://h.example/aa/"                                           \
	"bb\"}},\"comment\":{\"id\":\"2\",\"body\":\"@openhands in cc/dd\","                \
	"\"author\":{\"key\":\"u1\",\"name\":\"ann\",\"emailAddress\":\"a@example.com\","   \
	"\"displayName\":\"Ann\"}}}"

static const struct bot bot = {.label = "openhands"};
static const struct trigger_context context = {
	.provider = PROVIDER_JIRA, .instance_id = 3, .bot = &bot, .received_at_ms = 9};

static void make_ask(struct ask *ret)
{
	json_auto_t *body = json_loads(BODY, 0, NULL);
	trigger_decide(&context, body, ret);
	ret->anchor_line = 7;
}

static void test_ask_survives_json(void)
{
	CLEANUP(ask_done) struct ask ask;
	CLEANUP(ask_done) struct ask back = {0};
	struct err err = {0};
	json_auto_t *json = NULL;
	json_auto_t *again = NULL;
	make_ask(&ask);
	json = ask_to_json(&ask);
	CU_ASSERT_FATAL(ask_from_json(json, &back, &err));
	again = ask_to_json(&back);
	CU_ASSERT(json_equal(json, again));
	CU_ASSERT(back.kind == TRIGGER_COMMENT && back.is_mention && back.anchor_line == 7);
	CU_ASSERT_STRING_EQUAL(back.actor.email, "a@example.com");
	CU_ASSERT(back.repositories.count == 2 && back.repositories.list[0].kind == REPO_REF_URL);
}

static void test_ask_explain_is_exact(void)
{
	static const char wanted[] =
		"{\"provider\":\"jira\",\"event\":\"jira:issue_updated\",\"event_key\":\"jira:3:"
		"comment:2\","
		"\"subject\":\"jira:3:1\",\"trigger\":\"comment\",\"reason\":null,\"mention\":true,"
		"\"actor\":{\"id\":null,\"key\":\"u1\",\"name\":\"ann\",\"email\":\"a@example."
		"com\"},"
		"\"issue\":{\"id\":\"1\",\"key\":\"P-1\"},\"comment_id\":\"2\",\"repositories\":["
		"\"aa/bb\",\"cc/dd\"]}";
	CLEANUP(ask_done) struct ask ask;
	json_auto_t *json = NULL;
	CLEANUP(mem_free_text) char *text = NULL;
	make_ask(&ask);
	json = ask_explain(&context, &ask);
	text = json_compact(json);
	CU_ASSERT_STRING_EQUAL(text, wanted);
}

static void make_job(struct job_record *ret)
{
	*ret = (struct job_record){.job_id = ID,
				   .kind = JOB_START,
				   .start_attempt = 2,
				   .provider = PROVIDER_JIRA,
				   .connection_id = 7,
				   .instance_id = 3,
				   .delivery_id = ID,
				   .received_at_ms = 9};
	ret->event_key = mem_dup("jira:3:comment:2");
	ret->user_id = mem_dup("user-1");
	ret->traceparent = mem_dup(TRACE);
	make_ask(&ret->ask);
}

static void test_job_record_survives_json(void)
{
	CLEANUP(job_record_done) struct job_record record;
	CLEANUP(job_record_done) struct job_record back = {0};
	CLEANUP(mem_free_text) char *text = NULL;
	CLEANUP(mem_free_text) char *again = NULL;
	struct err err = {0};
	make_job(&record);
	text = job_record_text(&record);
	CU_ASSERT_FATAL(job_record_read(bytes_text(text), &back, &err));
	again = job_record_text(&back);
	CU_ASSERT_STRING_EQUAL(text, again);
	CU_ASSERT(back.kind == JOB_START && back.start_attempt == 2 && back.reason == REASON_NONE);
	CU_ASSERT_STRING_EQUAL(back.user_id, "user-1");
	CU_ASSERT_PTR_NULL(back.org_id);
}

static void test_job_record_refuses(void)
{
	static const struct {
		const char *name;
		const char *change; /* merged over a good record */
		enum err_code code;
	} rows[] = {
		{"unchanged", "{}", ERR_NONE},
		{"unknown field", "{\"later\":1}", ERR_NONE},
		{"minor", "{\"schema\":\"1.3\"}", ERR_NONE},
		{"major", "{\"schema\":\"2\"}", ERR_CONFLICT},
		{"no schema", "{\"schema\":null}", ERR_INPUT},
		{"bad id", "{\"job_id\":\"7\"}", ERR_INPUT},
		{"bad kind", "{\"kind\":\"stop\"}", ERR_INPUT},
		{"answer without reason", "{\"kind\":\"answer\"}", ERR_INPUT},
		{"answer", "{\"kind\":\"answer\",\"reason\":\"USER_UNKNOWN\",\"user_id\":null}", ERR_NONE},
		{"unknown reason", "{\"reason\":\"WHY\"}", ERR_INPUT},
		{"start without user", "{\"user_id\":null}", ERR_INPUT},
		{"no ask", "{\"ask\":null}", ERR_INPUT},
		{"ask without subject", "{\"ask\":{\"kind\":\"comment\"}}", ERR_INPUT},
		{"ask with wrong types", "{\"ask\":{\"subject\":7}}", ERR_INPUT},
		{"connection is a text", "{\"connection_id\":\"7\"}", ERR_INPUT},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(job_record_done) struct job_record record;
		CLEANUP(job_record_done) struct job_record back = {0};
		CLEANUP(mem_free_text) char *text = NULL;
		CLEANUP(mem_free_text) char *changed = NULL;
		json_auto_t *json = NULL;
		json_auto_t *change = json_loads(rows[i].change, 0, NULL);
		struct err err = {0};
		make_job(&record);
		text = job_record_text(&record);
		json = json_loads(text, 0, NULL);
		(void)json_object_update(json, change);
		changed = json_compact(json);
		CHECK(rows[i].name, job_record_read(bytes_text(changed), &back, &err) == (rows[i].code == ERR_NONE));
		CHECK(rows[i].name, err.code == rows[i].code);
	}
}

static void test_job_ids_differ_by_what_they_are_for(void)
{
	struct uuid installation;
	char start[UUID_TEXT_SIZE];
	char again[UUID_TEXT_SIZE];
	char other[UUID_TEXT_SIZE];
	CU_ASSERT_FATAL(uuid_parse(ID, &installation));
	job_id_make(&installation, JOB_START, "jira:3:comment:2", 0, start);
	job_id_make(&installation, JOB_START, "jira:3:comment:2", 0, again);
	CU_ASSERT_STRING_EQUAL(start, again);
	job_id_make(&installation, JOB_START, "jira:3:comment:2", 1, other);
	CU_ASSERT_STRING_NOT_EQUAL(start, other);
	job_id_make(&installation, JOB_ANSWER, "jira:3:comment:2", 0, other);
	CU_ASSERT_STRING_NOT_EQUAL(start, other);
}

static void test_status_record_names_the_change(void)
{
	CLEANUP(job_record_done) struct job_record record;
	CLEANUP(mem_free_text) char *text = NULL;
	json_auto_t *json = NULL;
	make_job(&record);
	text = status_record_text(&record, "REFUSED", REASON_NO_REPOSITORY, "why", NULL, 12);
	json = json_loads(text, 0, NULL);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(json, "schema")), "1");
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(json, "state")), "REFUSED");
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(json, "reason")), "NO_REPOSITORY");
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(json, "subject")), "jira:3:1");
	CU_ASSERT(json_integer_value(json_object_get(json, "at_ms")) == 12);
	CU_ASSERT_PTR_NULL(json_object_get(json, "conversation_id"));
}

void suite_records(void)
{
	CU_pSuite suite = CU_add_suite("records", NULL, NULL);
	CU_ADD_TEST(suite, test_delivery_headers_are_read_back);
	CU_ADD_TEST(suite, test_delivery_refuses_what_cannot_be_used);
	CU_ADD_TEST(suite, test_delivery_needs_little);
	CU_ADD_TEST(suite, test_traceparent_form);
	CU_ADD_TEST(suite, test_signature_form);
	CU_ADD_TEST(suite, test_ask_survives_json);
	CU_ADD_TEST(suite, test_ask_explain_is_exact);
	CU_ADD_TEST(suite, test_job_record_survives_json);
	CU_ADD_TEST(suite, test_job_record_refuses);
	CU_ADD_TEST(suite, test_job_ids_differ_by_what_they_are_for);
	CU_ADD_TEST(suite, test_status_record_names_the_change);
}
