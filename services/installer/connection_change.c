/* The one transaction in which the installer writes connections. */

#include "services/installer/connection_change.h"

#include "common/base/banned.h"

enum { BORROW_MS = 5000 };

static bool put_secrets(struct db *db, const struct crypto_keyring *keys, const struct connection_row *row,
			const struct connection_change *change, struct err *err)
{
	switch (change->secrets) {
	case SECRETS_STAY: return true;
	case SECRETS_KEPT: return connection_secret_kept(db, keys, row, change->hook, err);
	case SECRETS_NEXT: return connection_secret_next(db, keys, row, change->given, change->hook, err);
	case SECRETS_PROMOTE: return connection_secret_promote(db, row, err);
	}
	return false;
}

static bool put_row(struct db *db, const struct crypto_keyring *keys, struct connection_row *row,
		    const struct connection_change *change, struct err *err)
{
	if (row->id != 0) return connection_put(db, keys, row, NULL, err) && put_secrets(db, keys, row, change, err);
	if (change->given && secret_is_set(change->given))
		secret_set(change->hook, change->given->text, change->given->len);
	else
		connection_make_secret(change->hook);
	return connection_put(db, keys, row, change->hook, err);
}

static bool put_link(struct db *db, const struct crypto_keyring *keys, const struct connection_row *row,
		     const struct link_draft *draft, struct err *err)
{
	if (!draft) return true;
	struct link_draft link = *draft;
	link.instance_id = row->instance_id;
	return link_put(db, keys, &link, err);
}

bool connection_change_store(const struct installer *installer, const struct caller *caller, struct connection_row *row,
			     const struct connection_change *change, struct err *err)
{
	CLEANUP(db_return) struct db *db = NULL;
	const struct crypto_keyring *keys = installer->keys;
	bool has_token = change->bot_token && secret_is_set(change->bot_token);
	return db_borrow(installer->pool, BORROW_MS, &db, err) && db_begin(db, err) &&
	       instance_put(db, row->provider, row->base_url, change->bot, &row->instance_id, err) &&
	       put_row(db, keys, row, change, err) &&
	       (!has_token || connection_put_bot_token(db, keys, row, change->bot_token, err)) &&
	       (!change->ends_links || link_drop(db, row->instance_id, NULL, err)) &&
	       put_link(db, keys, row, change->link, err) &&
	       connection_audit(db, caller->user_id, change->action, row, err) && db_commit(db, err);
}
