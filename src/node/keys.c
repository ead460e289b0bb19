/* SPDX-License-Identifier: MPL-2.0 */
/* The member's keys beside the node's folder: made once, told about in public, opened for the
 * signer alone. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "parts.h"

#define PUBLIC_MAX KIB(16) /* bytes of the file */

static bool path_of(char to[4096], const char *folder, const char *name)
{
	int len = snprintf(to, 4096, "%s/%s", folder, name);

	return len > 0 && len < 4096;
}

bool keys_there(const struct node_config *c)
{
	char path[4096];

	return path_of(path, c->keys, KEYS_SECRETS) && access(path, F_OK) == 0;
}

/* ---- making ---------------------------------------------------------------------------------- */

static void key_member(struct json_writer *w, const char *name, const struct note_key *k)
{
	struct buf text = BUF_INIT;

	note_key_format(k, &text);
	json_member_string(w, name, buf_slice(&text));
	buf_fini(&text);
}

static void bytes_member(struct json_writer *w, const char *name, const void *bytes, size_t len)
{
	struct buf text = BUF_INIT;

	base64_append(&text, bytes, len);
	json_member_string(w, name, buf_slice(&text));
	buf_fini(&text);
}

static enum err_kind public_write(const char *folder, const struct signer_secrets *secrets,
	const char *certificate, struct err *e)
{
	static const char *const names[SIGNER_KEYS] = {"log", "witness", "mirror"};
	struct buf text = BUF_INIT;
	struct json_writer w = JSON_WRITER(&text);
	struct signer_public public;
	uint8_t pin[SHA256_LEN] = {0};
	struct slice member;
	char path[4096];
	enum err_kind kind = OK;

	signer_secrets_public(secrets, &public);
	member = slice_of(public.keys[SIGNER_LOG].name);
	member = slice_cut(member, 0, slice_find(member, '/', 0));
	if (certificate[0] != '\0' && strcmp(certificate, "none") != 0)
		kind = http_certificate_pin(certificate, pin, e);
	if (kind != OK)
		return kind;
	json_write_object(&w);
	json_member_string(&w, "name", member);
	for (int k = 0; k < SIGNER_KEYS; k++)
		key_member(&w, names[k], &public.keys[k]);
	bytes_member(&w, "box", public.box, sizeof(public.box));
	bytes_member(&w, "pin", pin, sizeof(pin));
	json_write_end(&w, '}');
	buf_char(&text, '\n');
	if (text.bad || !path_of(path, folder, KEYS_PUBLIC))
		kind = err_set(e, ERR_NOMEM, "out of memory");
	else
		kind = file_write_atomic(path, buf_slice(&text), 0644, e);
	buf_fini(&text);
	return kind;
}

enum err_kind keys_make(const char *folder, struct slice member, const char *certificate,
	const struct world *world, char ret_member[COALITION_NAME_MAX + 1], struct err *e)
{
	struct signer_secrets secrets;
	struct slice name;
	char path[4096], marks[4096];
	enum err_kind kind;

	if (!path_of(path, folder, KEYS_SECRETS) || !path_of(marks, folder, KEYS_MARKS))
		return err_set(e, ERR_LIMIT, "\"%s\": path too long", folder);
	if (access(path, F_OK) == 0) {
		kind = signer_secrets_load(path, &secrets, e);
	} else if (!charter_name_valid(member)) {
		return err_set(e, ERR_USAGE,
			"member \"%.*s\": expected a name of a-z, 0-9, '-' and '.'",
			SLICE_ARG(member));
	} else {
		kind = folder_make(folder, 0700, e);
		if (kind == OK)
			kind = folder_make(marks, 0700, e);
		if (kind == OK)
			kind = signer_secrets_new(world, member, &secrets, e);
		if (kind == OK)
			kind = signer_secrets_save(path, &secrets, e);
	}
	if (kind != OK)
		return kind;
	kind = public_write(folder, &secrets, certificate, e);
	name = slice_of(secrets.notes[SIGNER_LOG].key.name);
	name = slice_cut(name, 0, slice_find(name, '/', 0));
	snprintf(ret_member, COALITION_NAME_MAX + 1, "%.*s", SLICE_ARG(name));
	signer_secrets_wipe(&secrets);
	return kind;
}

enum err_kind node_keys_make(
	const char *folder, struct slice member, const struct world *world, struct err *e)
{
	struct node_config config;
	char made[COALITION_NAME_MAX + 1];
	enum err_kind kind = node_config_load(folder, &config, e);

	if (kind != OK)
		return kind;
	if (keys_there(&config))
		kind = err_set(
			e, ERR_CONFLICT, "\"%s\" has keys already: left as they are", config.keys);
	else
		kind = keys_apart(&config, e);
	if (kind == OK)
		kind = keys_make(config.keys, member, config.certificate, world, made, e);
	node_config_fini(&config);
	return kind;
}

enum err_kind node_card_get(const char *folder, struct buf *ret_json, struct err *e)
{
	struct node_config config;
	char path[4096];
	enum err_kind kind = node_config_load(folder, &config, e);

	if (kind != OK)
		return kind;
	kind = path_of(path, config.keys, KEYS_PUBLIC)
		       ? file_read(path, PUBLIC_MAX, ret_json, e)
		       : err_set(e, ERR_LIMIT, "\"%s\": path too long", config.keys);
	node_config_fini(&config);
	return kind;
}

/* ---- where they may be ----------------------------------------------------------------------- */

static bool is_below(const char *path, const char *folder)
{
	char real[4096], above[4096];
	size_t len;

	if (realpath(folder, above) == NULL)
		return false;
	if (realpath(path, real) == NULL)
		snprintf(real, sizeof(real), "%s", path);
	len = strlen(above);
	return strncmp(real, above, len) == 0 && (real[len] == '/' || real[len] == '\0');
}

enum err_kind keys_apart(const struct node_config *c, struct err *e)
{
	const char *const files[] = {c->certificate, c->key};
	char folder[4096];

	if (is_below(c->keys, c->folder))
		return err_set(e, ERR_USAGE,
			"keys = %s: must not be below the node's folder, which the serving process "
			"may read",
			c->keys);
	for (size_t i = 0; i < COUNT_OF(files); i++) {
		const char *slash = strrchr(files[i], '/');

		if (slash == NULL || files[i][0] != '/')
			continue;
		snprintf(folder, sizeof(folder), "%.*s",
			slash == files[i] ? 1 : (int)(slash - files[i]), files[i]);
		if (is_below(c->keys, folder))
			return err_set(e, ERR_USAGE,
				"keys = %s: must not be below \"%s\", where the serving process "
				"reads its certificate",
				c->keys, folder);
	}
	return OK;
}

/* ---- for the signer -------------------------------------------------------------------------- */

enum err_kind keys_signer(const struct node_config *c, const struct world *world,
	struct ledger_disk *ret_disk, struct signer **ret_signer, struct err *e)
{
	struct signer_secrets secrets;
	struct signer_options options = {.secrets = &secrets,
		.disk = ret_disk,
		.world = world,
		.charter = quorum_take,
		.charter_free = quorum_free};
	struct quorum *quorum = NULL;
	char path[4096];
	int64_t since = 0;
	enum err_kind kind;

	kind = path_of(path, c->keys, KEYS_SECRETS)
		       ? signer_secrets_load(path, &secrets, e)
		       : err_set(e, ERR_LIMIT, "\"%s\": path too long", c->keys);
	if (kind != OK)
		return kind;
	kind = quorum_open(
		c->folder, &secrets.notes[SIGNER_LOG].key, &quorum, &options.answers_needed, e);
	if (kind != OK) {
		signer_secrets_wipe(&secrets);
		return kind;
	}
	options.charter_context = quorum;
	kind = path_of(path, c->keys, KEYS_MARKS)
		       ? OK
		       : err_set(e, ERR_LIMIT, "\"%s\": path too long", c->keys);
	if (kind == OK) {
		do
			kind = ledger_disk_open(path, false, ret_disk, e);
		while (busy_again(world, kind, &since));
	}
	if (kind == OK) {
		kind = signer_open(&options, ret_signer, e);
		if (kind != OK)
			ledger_disk_close(ret_disk);
	}
	if (kind != OK)
		quorum_free(quorum);
	signer_secrets_wipe(&secrets);
	return kind;
}
