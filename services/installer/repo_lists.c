/* People's lists, who waits for which, and the threads that read them. */

#include "services/installer/repo_lists.h"

#include "common/base/mem.h"
#include "common/io/api_call.h"
#include "common/io/lock.h"
#include "common/io/log.h"
#include "common/io/sysclock.h"
#include "services/installer/repo_api.h"

#include <string.h>

#include <pthread.h>

#include "common/base/banned.h"

enum {
	THREADS = 4,
	WAITERS_MAX = 8,           /* requests that wait at a time: others need the threads of the web */
	GIVEN_MS = 15 * 60 * 1000, /* what a token given once has shown */
	WAIT_MS = 50 * 1000,
	LOOK_MS = 500,     /* how soon a wait notices that the program stops */
	KEPT_MAX = 200000, /* repositories of all people, about 8 MB */
	PEOPLE_MAX = 1000,
};

/* A set that readers hold while the next one takes its place. */
struct shared_set {
	struct repo_set set; /* first: what is held */
	unsigned holders;    /* the person's entry is one */
};

struct person_list {
	struct person_list *next; /* most recently used first */
	char *user_id;
	struct shared_set *shared; /* NULL: not read yet */
	struct secret token;       /* given for the reading that is wanted */
	struct err failure;        /* of the last reading */
	int64_t read_ms;           /* when the last reading began, failed or not */
	bool is_given;             /* read with a token given once: nobody can read it again */
	bool is_wanted;
	bool is_reading;
	unsigned waiters;
};

struct repo_lists {
	const struct installer *installer;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* something is wanted, or was read */
	struct person_list *people;
	pthread_t threads[THREADS];
	size_t thread_count;
	unsigned waiters;
	bool is_stopping;
};

/* ---- sets and people; all under the lock -------------------------------------------------------------------------- */

static void drop_set(struct shared_set **shared)
{
	if (*shared && --(*shared)->holders == 0) {
		repo_set_done(&(*shared)->set);
		mem_free(*shared);
	}
	*shared = NULL;
}

static void free_person(struct person_list *person)
{
	drop_set(&person->shared);
	secret_done(&person->token);
	MEM_FREE_ALL(person->user_id, person);
}

/* The person's entry, made if need be, as the most recently used one. */
static struct person_list *use_person(struct repo_lists *lists, const char *user_id)
{
	struct person_list **at = &lists->people;
	while (*at && strcmp((*at)->user_id, user_id) != 0)
		at = &(*at)->next;
	struct person_list *person = *at;
	if (person) {
		*at = person->next;
	} else {
		person = mem_zalloc(1, sizeof(*person));
		person->user_id = mem_dup(user_id);
	}
	person->next = lists->people;
	lists->people = person;
	return person;
}

static bool is_in_use(const struct person_list *person)
{
	return person->is_wanted || person->is_reading || person->waiters > 0;
}

/* Forget those who come after what may be kept, unless somebody waits for them. */
static void forget_old(struct repo_lists *lists)
{
	size_t repositories = 0;
	size_t people = 0;
	for (struct person_list **at = &lists->people; *at;) {
		struct person_list *person = *at;
		repositories += person->shared ? person->shared->set.count : 0;
		people++;
		if ((repositories <= KEPT_MAX && people <= PEOPLE_MAX) || is_in_use(person)) {
			at = &person->next;
			continue;
		}
		*at = person->next;
		free_person(person);
	}
}

/* ---- reading ------------------------------------------------------------------------------------------------------ */

static bool read_all(struct repo_lists *lists, const char *user_id, const struct secret *given, struct repo_set *ret,
		     struct err *err)
{
	CLEANUP(bot_server_done) struct bot_server server = {0};
	int64_t start = 0;
	if (!repo_api_open(lists->installer, user_id, given, &server, err)) return false;
	while (start >= 0 && !ret->is_cut) {
		if (daemon_is_stopping(lists->installer->daemon))
			return err_set(err, ERR_BUSY, "the service is stopping");
		if (!repo_api_list(&server, &start, ret, err)) return false;
	}
	repo_set_finish(ret);
	return true;
}

static void report(const struct person_list *person, const struct repo_set *set, bool is_read)
{
	/* Who waits for it says so. */
	if (!is_read && person->waiters == 0) log_err("repositories not listed", &person->failure);
	if (is_read)
		LOG_INFO("repositories listed", LOG_TEXT("user_id", person->user_id), LOG_INT("count", set->count),
			 LOG_INT("is_cut", set->is_cut), LOG_INT("took_ms", sysclock_monotonic_ms() - person->read_ms));
}

/* Read one person's list; the lock is given up meanwhile, the entry stays because it is being read. */
static void read_person(struct repo_lists *lists, struct person_list *person)
{
	CLEANUP(secret_done) struct secret given = person->token;
	struct repo_set set = {0};
	struct err err = {0};
	person->token = (struct secret){0};
	person->is_wanted = false;
	person->is_reading = true;
	person->read_ms = sysclock_monotonic_ms();
	pthread_mutex_unlock(&lists->lock);
	bool is_read = read_all(lists, person->user_id, &given, &set, &err);
	pthread_mutex_lock(&lists->lock);
	person->is_reading = false;
	person->failure = err;
	report(person, &set, is_read);
	/* Who is refused has nothing to look at any more; a Bitbucket that is away changes nothing. */
	if (is_read || err.code == ERR_AUTH || err.code == ERR_NOT_FOUND) drop_set(&person->shared);
	if (is_read) {
		person->is_given = secret_is_set(&given);
		person->shared = mem_zalloc(1, sizeof(*person->shared));
		*person->shared = (struct shared_set){.set = set, .holders = 1};
	} else {
		repo_set_done(&set);
	}
	forget_old(lists);
	pthread_cond_broadcast(&lists->changed);
}

static void *run(void *argument)
{
	struct repo_lists *lists = argument;
	LOCK_HOLD(&lists->lock);

	while (!lists->is_stopping) {
		struct person_list *person = lists->people;
		while (person && (!person->is_wanted || person->is_reading))
			person = person->next;
		if (person)
			read_person(lists, person);
		else
			pthread_cond_wait(&lists->changed, &lists->lock);
	}
	return NULL;
}

/* ---- holding ------------------------------------------------------------------------------------------------------ */

/* Decide whether the list is to be read, and whether this request has to wait for that. */
static bool must_wait(struct person_list *person, const struct secret *token, int64_t now_ms, int64_t fresh_ms)
{
	bool has_token = token && secret_is_set(token);
	int64_t age_ms = now_ms - person->read_ms;
	if (person->is_given && age_ms > GIVEN_MS) drop_set(&person->shared);
	bool is_due = !person->shared || (age_ms > fresh_ms && !person->is_given);
	if (has_token) secret_set(&person->token, token->text, token->len);
	if (has_token || (is_due && !person->is_reading)) person->is_wanted = true;
	return has_token || !person->shared;
}

static bool wait_read(struct repo_lists *lists, const struct person_list *person)
{
	int64_t until_ms = sysclock_monotonic_ms() + WAIT_MS;
	while (person->is_wanted || person->is_reading) {
		if (lists->waiters > WAITERS_MAX || sysclock_monotonic_ms() >= until_ms ||
		    daemon_is_stopping(lists->installer->daemon))
			return false;
		struct timespec look = sysclock_deadline(LOOK_MS);
		pthread_cond_timedwait(&lists->changed, &lists->lock, &look);
	}
	return true;
}

bool repo_lists_hold(struct repo_lists *lists, const char *user_id, const struct secret *token, struct repo_set **ret,
		     struct err *err)
{
	int64_t fresh_ms = 1000 * config_int(lists->installer->config, "OHDC_REPOSITORIES_FRESH_S");
	LOCK_HOLD(&lists->lock);
	struct person_list *person = use_person(lists, user_id);
	bool is_waiting = must_wait(person, token, sysclock_monotonic_ms(), fresh_ms);
	pthread_cond_broadcast(&lists->changed);
	person->waiters++;
	lists->waiters += is_waiting;
	bool is_over = !is_waiting || wait_read(lists, person);
	lists->waiters -= is_waiting;
	person->waiters--;
	if (!is_over)
		return err_set(err, ERR_BUSY, "Bitbucket is still listing your repositories; try again in a minute");
	if (!person->shared || (is_waiting && person->failure.code != ERR_NONE))
		return api_call_settle(false, &person->failure, err);
	person->shared->holders++;
	*ret = &person->shared->set;
	return true;
}

void repo_lists_release(struct repo_lists *lists, struct repo_set *set)
{
	struct shared_set *shared = (struct shared_set *)set;
	LOCK_HOLD(&lists->lock);
	drop_set(&shared);
}

/* ---- life --------------------------------------------------------------------------------------------------------- */

bool repo_lists_new(const struct installer *installer, struct repo_lists **ret, struct err *err)
{
	struct repo_lists *lists = mem_zalloc(1, sizeof(*lists));
	lists->installer = installer;
	pthread_mutex_init(&lists->lock, NULL);
	sysclock_init_cond(&lists->changed);
	for (; lists->thread_count < THREADS; lists->thread_count++) {
		if (pthread_create(&lists->threads[lists->thread_count], NULL, run, lists) == 0) continue;
		repo_lists_free(lists);
		return err_set(err, ERR_BUSY, "no thread for the lists of repositories");
	}
	*ret = lists;
	return true;
}

void repo_lists_free(struct repo_lists *lists)
{
	if (!lists) return;
	pthread_mutex_lock(&lists->lock);
	lists->is_stopping = true;
	pthread_cond_broadcast(&lists->changed);
	pthread_mutex_unlock(&lists->lock);
	for (size_t i = 0; i < lists->thread_count; i++)
		pthread_join(lists->threads[i], NULL);
	while (lists->people) {
		struct person_list *person = lists->people;
		lists->people = person->next;
		free_person(person);
	}
	pthread_cond_destroy(&lists->changed);
	pthread_mutex_destroy(&lists->lock);
	mem_free(lists);
}
