/* SPDX-License-Identifier: MPL-2.0 */
/* Files, certificates and processes: which digests and names belong to one of them. */
#include "scribe.h"

#define DIGEST_MAX 5

/* Digests of one thing, by name in the order of RFC 8785. */
struct digests {
	struct slice of[DIGEST_MAX];
};

static const struct {
	const char *name;
	size_t digits;
} digest_names[DIGEST_MAX] = {
	{"MD5",     32 },
	{"SHA-1",   40 },
	{"SHA-256", 64 },
	{"SHA-512", 128},
	{"SSDEEP",  0  },
};

/* False when there is one of its kind already: it belongs to another file. */
static bool digest_add(struct scribe *s, struct digests *d, size_t at)
{
	if (d->of[at].len > 0)
		return false;
	d->of[at] = arena_copy(s->arena, buf_slice(&s->said));
	return true;
}

static size_t digest_kind(struct slice text)
{
	size_t k = 0;

	while (k + 1 < DIGEST_MAX && digest_names[k].digits != text.len)
		k++;
	return k;
}

static bool digests_write(struct scribe *s, const struct digests *d)
{
	bool any = false;

	for (size_t k = 0; k < DIGEST_MAX; k++) {
		if (d->of[k].len == 0)
			continue;
		if (!any) {
			json_write_name(&s->w, "hashes");
			json_write_object(&s->w);
		}
		any = true;
		json_member_string(&s->w, digest_names[k].name, d->of[k]);
	}
	if (any)
		json_write_end(&s->w, '}');
	return any;
}

/* Section 2.9: of several hashes only the first of MD5, SHA-1, SHA-256, SHA-512 contributes. */
static void digests_canon(struct scribe *s, const struct digests *d)
{
	for (size_t k = 0; k < DIGEST_MAX; k++) {
		if (d->of[k].len > 0) {
			scribe_canon(s, "hashes");
			buf_printf(&s->canon, "{\"%s\":", digest_names[k].name);
			json_string_append(&s->canon, d->of[k]);
			buf_char(&s->canon, '}');
			return;
		}
	}
}

static bool digests_any(const struct digests *d)
{
	for (size_t k = 0; k < DIGEST_MAX; k++) {
		if (d->of[k].len > 0)
			return true;
	}
	return false;
}

struct file {
	struct digests digests;
	struct slice name, imphash, mime;
};

static struct slice put_file(struct scribe *s, const struct file *f)
{
	struct buf extension = BUF_INIT;
	struct slice id;
	bool new;

	if (f->name.len == 0 && !digests_any(&f->digests))
		return (struct slice){0}; /* 6.7: what is no hash and no name is no file */
	if (f->imphash.len > 0) {
		buf_text(&extension, "{\"windows-pebinary-ext\":{\"imphash\":");
		json_string_append(&extension, f->imphash);
		buf_text(&extension, ",\"pe_type\":\"unknown\"}}");
		scribe_canon_raw(s, "extensions", buf_slice(&extension));
	}
	digests_canon(s, &f->digests);
	if (f->name.len > 0)
		scribe_canon_string(s, "name", f->name);
	id = scribe_id(s, "file", false, &new);
	if (new) {
		scribe_open(s, "file", id);
		digests_write(s, &f->digests);
		if (f->name.len > 0)
			json_member_string(&s->w, "name", f->name);
		if (f->mime.len > 0)
			json_member_string(&s->w, "mime_type", f->mime);
		if (extension.len > 0) {
			json_write_name(&s->w, "extensions");
			json_write_raw(&s->w, buf_slice(&extension));
		}
		json_write_end(&s->w, '}');
	}
	buf_fini(&extension);
	return id;
}

void event_put_files(struct scribe *s)
{
	struct file f = {0};
	bool mime = scribe_say(s, ROLE_MIME) != SAID_NOTHING;
	struct slice media = mime ? arena_copy(s->arena, buf_slice(&s->said)) : (struct slice){0};

	f.mime = media;
	for (size_t k = 0; k < s->e->count; k++) {
		const struct event_field *field = &s->e->fields[k];
		struct slice *one = field->role == ROLE_FILE_NAME ? &f.name : &f.imphash;
		bool again;

		if (!scribe_wanted(s, field) ||
			(field->role != ROLE_FILE_NAME && field->role != ROLE_FILE_HASH &&
				field->role != ROLE_IMPHASH && field->role != ROLE_SSDEEP) ||
			event_said(field->role, field->value, &s->said) == SAID_NOTHING)
			continue;
		for (again = false;; again = true) {
			bool taken = true;

			if (field->role == ROLE_FILE_HASH || field->role == ROLE_SSDEEP)
				taken = digest_add(s, &f.digests,
					field->role == ROLE_SSDEEP
						? DIGEST_MAX - 1
						: digest_kind(buf_slice(&s->said)));
			else if (one->len > 0)
				taken = false;
			else
				*one = arena_copy(s->arena, buf_slice(&s->said));
			if (taken || again)
				break;
			put_file(s, &f);
			f = (struct file){.mime = media};
		}
	}
	put_file(s, &f);
}

static void put_certificate(struct scribe *s, const struct digests *d)
{
	struct slice id;
	bool new;

	digests_canon(s, d);
	if (s->canon.len == 0)
		return; /* its names are domain names */
	id = scribe_id(s, "x509-certificate", false, &new);
	if (!new)
		return;
	scribe_open(s, "x509-certificate", id);
	digests_write(s, d);
	for (size_t k = 0; k < s->e->count; k++) {
		const struct event_field *f = &s->e->fields[k];

		if (f->role == ROLE_CERTIFICATE_NAME && scribe_wanted(s, f) && f->value.len > 0) {
			json_member_string(&s->w, "subject", f->value);
			break;
		}
	}
	json_write_end(&s->w, '}');
}

void event_put_certificates(struct scribe *s)
{
	struct digests d = {0};

	for (size_t k = 0; k < s->e->count; k++) {
		const struct event_field *f = &s->e->fields[k];

		if (f->role != ROLE_CERTIFICATE_HASH || !scribe_wanted(s, f) ||
			event_said(f->role, f->value, &s->said) == SAID_NOTHING)
			continue;
		if (!digest_add(s, &d, digest_kind(buf_slice(&s->said)))) {
			put_certificate(s, &d);
			d = (struct digests){0};
			(void)digest_add(s, &d, digest_kind(buf_slice(&s->said)));
		}
	}
	put_certificate(s, &d);
}

void event_put_process(struct scribe *s)
{
	struct slice command = {0}, image = {0}, id;
	struct file f = {0};
	bool new;

	if (scribe_say(s, ROLE_COMMAND) != SAID_NOTHING)
		command = arena_copy(s->arena, buf_slice(&s->said));
	if (scribe_say(s, ROLE_PROCESS) != SAID_NOTHING) {
		f.name = arena_copy(s->arena, buf_slice(&s->said));
		image = put_file(s, &f);
	}
	if (command.len == 0 && image.len == 0)
		return;
	if (command.len > 0)
		scribe_canon_string(s, "command_line", command);
	if (image.len > 0)
		scribe_canon_string(s, "image_ref", image);
	id = scribe_id(s, "process", true, &new);
	scribe_open(s, "process", id);
	if (command.len > 0)
		json_member_string(&s->w, "command_line", command);
	if (image.len > 0)
		json_member_string(&s->w, "image_ref", image);
	json_write_end(&s->w, '}');
}
