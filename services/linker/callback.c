/* Each step of the way back from Jira may refuse, with the contract's sentence and with advice. */

#include "services/linker/callback.h"

#include "common/base/json_field.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/connect/link_store.h"
#include "common/io/api_call.h"
#include "common/io/log.h"
#include "services/linker/link_confirm.h"
#include "services/linker/link_page.h"
#include "services/linker/texts.h"

#include <stdio.h>
#include <string.h>

#include "common/base/banned.h"

enum { SENTENCE_SIZE = 1024, MYSELF_DEADLINE_MS = 15000 };

/* One way back. */
struct passage {
	struct visit visit;
	json_t *state; /* what oauth_begin() noted */
	struct connection_row connection;
	struct oauth_tokens tokens;
	struct person person;
};

static void passage_done(struct passage *passage)
{
	json_decref(passage->state);
	connection_row_done(&passage->connection);
	oauth_tokens_done(&passage->tokens);
	person_done(&passage->person);
}

/* --- refusals ---------------------------------------------------------------------------------------- */

PRINTF_LIKE(4, 5)
static bool refuse(struct passage *passage, int status, const char *advice, const char *format, ...)
{
	char sentence[SENTENCE_SIZE];
	va_list values;
	va_start(values, format);
	(void)vsnprintf(sentence, sizeof(sentence), format, values);
	va_end(values);
	LOG_WARN("link refused on the way back from Jira", LOG_TEXT("reason", sentence),
		 LOG_TEXT("user_id", json_text_at(passage->state, "user_id")));
	return link_page_refuse(&passage->visit, status, sentence, advice);
}

/* What to do about words of Jira or of the network. */
static const struct {
	const char *part;
	const char *advice;
} known_words[] = {
	{"access_denied", "You, or Jira for you, said no. To link your account, start again "
			  "and choose Allow in Jira."},
	{"invalid_grant", "Jira gives a code about ten seconds to live, and takes it once. " LINK_AGAIN
			  " If it happens each time, an admin should compare the redirect URL of "
			  "Jira's application link with this page's address."},
	{"invalid_client", "Jira does not know the client ID or the client secret. An admin "
			   "should copy both again from Jira's application link."},
	{"unauthorized_client", "An admin should check the client ID and the application link "
				"in Jira."},
	{"invalid_scope", "An admin should give the application link in Jira the WRITE scope."},
	{"redirect", "An admin should set the redirect URL of Jira's application link to this "
		     "page's address, without its question mark and what follows."},
	{"certificate", "Jira's certificate is not trusted here. An admin should add the "
			"certificate authority that issued it to the trusted ones "
			"(SSL_CERT_FILE), and deploy again."},
	{"SSL", "A secure connection to Jira could not be made. An admin should check that "
		"JIRA_DC_BASE_URL has the right scheme and port, and the trusted certificate "
		"authorities (SSL_CERT_FILE)."},
	{"TLS", "A secure connection to Jira could not be made. An admin should check that "
		"JIRA_DC_BASE_URL has the right scheme and port."},
};

/* NULL: nothing special. */
static const char *advice_for(const char *words)
{
	for (size_t i = 0; i < ARRAY_LEN(known_words); i++) {
		if (text_find_nocase(words, known_words[i].part)) return known_words[i].advice;
	}
	return NULL;
}

static const char *class_of(const struct err *err)
{
	if (text_find_nocase(err->message, "certificate") || text_find_nocase(err->message, "ssl")) return "SSLError";
	if (err->code == ERR_TIMEOUT || text_find_nocase(err->message, "timed out")) return "TimeoutError";
	return err->code == ERR_NETWORK ? "ConnectError" : "ReadError";
}

/* --- steps ------------------------------------------------------------------------------------------- */

/* The state is used up by whoever shows it; the cookie says whether that is the browser that began. */
static bool take_state(struct passage *passage)
{
	const struct oauth *oauth = passage->visit.linker->oauth;
	struct err err = {0};
	if (!oauth_state_take(&oauth->states, "authorize", web_query(passage->visit.request, "state"), &passage->state,
			      &err)) {
		if (err.code == ERR_NOT_FOUND)
			return refuse(passage, 400,
				      "It was used already, is older than ten minutes, or is not "
				      "one of ours. " LINK_AGAIN,
				      TEXT_NO_SESSION);
		log_err("states cannot be read", &err);
		return refuse(passage, 500, LINK_AGAIN, TEXT_LINK_FAILED);
	}
	if (link_confirm_is_browser(passage->visit.request, passage->state)) return true;
	return refuse(passage, 400, LINK_OTHER_BROWSER, TEXT_STATE_MISMATCH);
}

/* The flow belongs to the Jira that is configured now, and to a connection to it. */
static bool find_server(struct passage *passage)
{
	struct err err = {0};
	if (link_confirm_connection(passage->visit.linker, passage->state, &passage->connection, &err)) return true;
	if (err.code != ERR_NOT_FOUND && err.code != ERR_CONFLICT) log_err("the connection cannot be read", &err);
	return refuse(passage, 400, LINK_CHANGED, TEXT_TARGET_MISMATCH);
}

static bool find_code(struct passage *passage, const char **ret)
{
	const char *error = web_query(passage->visit.request, "error");
	const char *advice = error ? advice_for(error) : NULL;
	*ret = web_query(passage->visit.request, "code");
	if (error)
		return refuse(passage, 400, advice ? advice : LINK_AGAIN, "Jira did not give access: %.40s",
			      error[strspn(error, "abcdefghijklmnopqrstuvwxyz_")] == '\0' ? error : "error");
	return !text_is_empty(*ret) || refuse(passage, 400, LINK_AGAIN, "Jira sent no authorization code.");
}

static bool exchange(struct passage *passage, const char *code)
{
	const struct oauth *oauth = passage->visit.linker->oauth;
	const char *product = config_text(passage->visit.linker->config, "OHDC_PRODUCT_NAME");
	struct err err = {0};
	if (oauth_exchange(oauth, code, json_text_at(passage->state, "verifier"), &passage->tokens, &err)) return true;
	const char *advice = advice_for(err.message);
	if (err.http_status != 0 || err.code == ERR_INPUT)
		return refuse(passage, 400, advice ? advice : LINK_AGAIN, TEXT_TOKEN_REFUSED, err.message);
	log_err("Jira's token endpoint cannot be reached", &err);
	return refuse(passage, 502, advice ? advice : LINK_AGAIN, TEXT_TOKEN_UNREACHABLE, passage->connection.base_url,
		      class_of(&err), product);
}

static bool identify(struct passage *passage)
{
	const char *base_url = passage->connection.base_url;
	const struct api_peer peer = {passage->visit.linker->oauth->client, base_url, "Jira", MYSELF_DEADLINE_MS};
	const struct api_call call = {.method = "GET",
				      .path = "/rest/api/2/myself",
				      .auth_name = "Authorization",
				      .auth_prefix = "Bearer ",
				      .auth = &passage->tokens.access};
	CLEANUP(api_answer_done) struct api_answer answer = {0};
	struct err err = {0};
	if (api_call_send(&peer, &call, true, &answer, &err)) {
		passage->person = person_read(PROVIDER_JIRA, answer.json);
		const char *key = passage->person.key;
		bool is_account = !text_is_empty(key) && !text_starts(key, LINK_UNAVAILABLE);
		return is_account || refuse(passage, 400, LINK_AGAIN, TEXT_USER_REFUSED, "the account has no key");
	}
	if (err.http_status != 0 || err.code == ERR_INTERNAL)
		return refuse(passage, 400, LINK_AGAIN, TEXT_USER_REFUSED, err.message);
	log_err("Jira cannot be reached", &err);
	return refuse(passage, 502, advice_for(err.message), TEXT_USER_UNREACHABLE, base_url, class_of(&err));
}

static bool ask_to_confirm(struct passage *passage)
{
	const struct link_proof proof = {passage->state, &passage->connection, &passage->person, &passage->tokens};
	struct err err = {0};
	if (link_confirm_ask(passage->visit.linker, &proof, passage->visit.reply, &err)) return true;
	log_err("a proof cannot be kept", &err);
	return refuse(passage, 500, LINK_AGAIN, TEXT_LINK_FAILED);
}

void callback_get(void *context, const struct web_request *request, struct web_reply *reply)
{
	CLEANUP(passage_done) struct passage passage = {.visit = {context, request, reply, {0}}};
	const char *code = NULL;
	/* The code lives ten seconds: nothing slow comes before its exchange. */
	if (take_state(&passage) && find_server(&passage) && find_code(&passage, &code) && exchange(&passage, code) &&
	    identify(&passage) && ask_to_confirm(&passage))
		LOG_INFO("a Jira account was proved, to be confirmed",
			 LOG_TEXT("user_id", json_text_at(passage.state, "user_id")),
			 LOG_TEXT("account", passage.person.key), LOG_INT("connection_id", passage.connection.id));
}
