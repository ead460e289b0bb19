/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The file of keys: five lines of text, so that an operator can keep it on paper. No byte of it
 * goes through memory that is not wiped.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "parts.h"

#define FILE_HEAD "serai signer keys 1\n"
#define FILE_MAX  KIB(2) /* bytes: five lines, three of them with a longest name */
#define FILE_MODE 0600

static const struct {
	const char *word; /* in the file, and behind '/' in the name */
	enum note_type type;
} rows[SIGNER_KEYS] = {
	[SIGNER_LOG] = {"log",     NOTE_ED25519    },
	[SIGNER_WITNESS] = {"witness", NOTE_COSIGNATURE},
	[SIGNER_MIRROR] = {"mirror",  NOTE_COSIGNATURE},
};

void signer_secrets_wipe(struct signer_secrets *s)
{
	secret_wipe(s, sizeof(*s));
}

void signer_secrets_public(const struct signer_secrets *s, struct signer_public *ret_public)
{
	for (size_t i = 0; i < SIGNER_KEYS; i++)
		ret_public->keys[i] = s->notes[i].key;
	memcpy(ret_public->box, s->box_public, SIGNER_BOX_LEN);
}

/* RFC 7748 section 5: these bits do not count; fixed, so that one key has one text. */
static void box_clamp(uint8_t secret[SIGNER_BOX_LEN])
{
	secret[0] &= 248;
	secret[31] = (uint8_t)((secret[31] & 127) | 64);
}

enum err_kind signer_secrets_new(const struct world *w, struct slice member,
	struct signer_secrets *ret_secrets, struct err *e)
{
	struct signer_secrets s = {0};
	enum err_kind kind = OK;

	for (size_t i = 0; i < SIGNER_KEYS && kind == OK; i++) {
		char room[NOTE_NAME_MAX + 16];
		struct buf name = {
			.data = room, .capacity = sizeof(room), .bytes_max = sizeof(room)};

		buf_slice_append(&name, member);
		buf_char(&name, '/');
		buf_text(&name, rows[i].word);
		kind = name.bad || member.len == 0
			       ? err_set(e, ERR_INVALID,
					 "member \"%.*s\": a name is 1 to %d bytes with \"/%s\"",
					 SLICE_ARG(member), NOTE_NAME_MAX, rows[i].word)
			       : note_secret_new(w, buf_slice(&name), rows[i].type, &s.notes[i], e);
	}
	if (kind == OK) {
		w->random(w->context, s.box_secret, sizeof(s.box_secret));
		box_clamp(s.box_secret);
		(void)crypto_scalarmult_base(s.box_public, s.box_secret);
		*ret_secrets = s;
	}
	signer_secrets_wipe(&s);
	return kind;
}

/* ---- writing --------------------------------------------------------------------------------- */

static void file_format(const struct signer_secrets *s, struct buf *out)
{
	buf_text(out, FILE_HEAD);
	for (size_t i = 0; i < SIGNER_KEYS; i++) {
		buf_text(out, rows[i].word);
		buf_char(out, ' ');
		note_secret_format(&s->notes[i], out);
		buf_char(out, '\n');
	}
	buf_text(out, "box ");
	base64_append(out, s->box_secret, sizeof(s->box_secret));
	buf_char(out, ' ');
	base64_append(out, s->box_public, sizeof(s->box_public));
	buf_char(out, '\n');
}

static bool bytes_write(int fd, struct slice bytes)
{
	while (bytes.len > 0) {
		ssize_t put = write(fd, bytes.data, bytes.len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return false;
		bytes = slice_cut(bytes, (size_t)put, bytes.len);
	}
	return true;
}

static bool folder_sync(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);
	int fd = folder == NULL ? -1 : open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool good = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		(void)close(fd);
	free(folder);
	return good;
}

/* beside: whole and synced under its own name first, so that the name asked for is never half. */
static enum err_kind file_place(
	int fd, const char *beside, const char *path, struct slice content, struct err *e)
{
	if (fchmod(fd, FILE_MODE) != 0 || !bytes_write(fd, content) || fsync(fd) != 0)
		return err_set(e, err_kind_of_errno(errno), "could not write \"%s\": %s", beside,
			strerror(errno));
	if (link(beside, path) != 0)
		return errno == EEXIST
			       ? err_set(e, ERR_CONFLICT,
					 "\"%s\" is there already; keys are never overwritten",
					 path)
			       : err_set(e, err_kind_of_errno(errno), "could not make \"%s\": %s",
					 path, strerror(errno));
	if (!folder_sync(path))
		return err_set(e, err_kind_of_errno(errno),
			"could not sync the folder of \"%s\": %s", path, strerror(errno));
	return OK;
}

enum err_kind signer_secrets_save(const char *path, const struct signer_secrets *s, struct err *e)
{
	char room[FILE_MAX];
	struct buf content = {.data = room, .capacity = sizeof(room), .bytes_max = sizeof(room)};
	char *beside;
	enum err_kind kind;
	int fd;

	if (asprintf(&beside, "%s.XXXXXX", path) < 0)
		return err_set(e, ERR_NOMEM, "out of memory");
	fd = mkostemp(beside, O_CLOEXEC);
	if (fd < 0) {
		kind = err_set(e, err_kind_of_errno(errno), "could not write beside \"%s\": %s",
			path, strerror(errno));
	} else {
		file_format(s, &content);
		kind = file_place(fd, beside, path, buf_slice(&content), e);
		secret_wipe(room, sizeof(room));
		(void)close(fd);
		(void)unlink(beside);
	}
	free(beside);
	return kind;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Cuts "word value\n" off *rest. */
static bool line_take(struct slice *rest, const char *word, struct slice *ret_value)
{
	size_t end = slice_find(*rest, '\n', 0);
	size_t space = slice_find(*rest, ' ', 0);

	if (end == rest->len || space > end || !slice_is(slice_cut(*rest, 0, space), word))
		return false;
	*ret_value = slice_cut(*rest, space + 1, end);
	*rest = slice_cut(*rest, end + 1, rest->len);
	return true;
}

/* "MEMBER" of "MEMBER/word"; empty: another name. */
static struct slice member_of(const struct note_key *k, const char *word)
{
	struct slice name = slice_of(k->name);
	size_t tail = strlen(word) + 1;

	if (name.len <= tail || name.data[name.len - tail] != '/' ||
		!slice_ends(name, slice_of(word)))
		return (struct slice){0};
	return slice_cut(name, 0, name.len - tail);
}

static enum err_kind note_line_parse(
	struct slice *rest, size_t i, struct signer_secrets *s, struct err *e)
{
	struct note_secret *n = &s->notes[i];
	struct slice value, member;
	enum err_kind kind;

	if (!line_take(rest, rows[i].word, &value))
		return err_set(e, ERR_PARSE, "expected a line \"%s KEY\"", rows[i].word);
	kind = note_secret_parse(value, n, e);
	if (kind != OK)
		return kind;
	member = member_of(&n->key, rows[i].word);
	if (n->key.type != rows[i].type || member.len == 0 ||
		!slice_equal(member, member_of(&s->notes[0].key, rows[0].word)))
		return err_set(e, ERR_INVALID, "the key \"%s\" is not a \"%s\" of the same member",
			n->key.name, rows[i].word);
	return OK;
}

static bool key_decode(struct slice text, uint8_t ret_key[SIGNER_BOX_LEN])
{
	struct buf b = {
		.data = (char *)ret_key, .capacity = SIGNER_BOX_LEN, .bytes_max = SIGNER_BOX_LEN};

	return base64_decode(text, &b) && b.len == SIGNER_BOX_LEN;
}

/* "SECRET PUBLIC": the public key is there so that a damaged line is noticed. */
static bool box_parse(struct slice value, struct signer_secrets *s)
{
	size_t space = slice_find(value, ' ', 0);
	uint8_t public[SIGNER_BOX_LEN], clamped[SIGNER_BOX_LEN];
	bool good;

	if (!key_decode(slice_cut(value, 0, space), s->box_secret) ||
		!key_decode(slice_cut(value, space + 1, value.len), public))
		return false;
	memcpy(clamped, s->box_secret, sizeof(clamped));
	box_clamp(clamped);
	(void)crypto_scalarmult_base(s->box_public, s->box_secret);
	good = secret_equal(clamped, s->box_secret, sizeof(clamped)) &&
	       memcmp(public, s->box_public, sizeof(public)) == 0;
	secret_wipe(clamped, sizeof(clamped));
	return good;
}

static enum err_kind file_parse(struct slice text, struct signer_secrets *s, struct err *e)
{
	struct slice rest = slice_cut(text, sizeof(FILE_HEAD) - 1, text.len), value = {0};

	if (!slice_starts(text, SLICE(FILE_HEAD)))
		return err_set(e, ERR_PARSE, "does not begin with \"serai signer keys 1\"");
	for (size_t i = 0; i < SIGNER_KEYS; i++) {
		enum err_kind kind = note_line_parse(&rest, i, s, e);

		if (kind != OK)
			return kind;
	}
	if (!line_take(&rest, "box", &value) || !box_parse(value, s) || rest.len != 0)
		return err_set(e, ERR_PARSE, "expected a last line \"box SECRET PUBLIC\"");
	return OK;
}

static enum err_kind file_check(int fd, const char *path, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_set(e, err_kind_of_errno(errno), "could not look at \"%s\": %s", path,
			strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_DENIED, "\"%s\" is no file", path);
	if (st.st_uid != geteuid())
		return err_set(e, ERR_DENIED, "\"%s\" belongs to user %u, expected %u", path,
			(unsigned)st.st_uid, (unsigned)geteuid());
	if ((st.st_mode & 077) != 0)
		return err_set(e, ERR_DENIED,
			"\"%s\" has mode %04o: others may touch the keys; expected %04o", path,
			(unsigned)st.st_mode & 07777, FILE_MODE);
	return OK;
}

/* One byte past FILE_MAX is enough to see that it is longer. */
static enum err_kind file_fill(
	int fd, const char *path, char room[FILE_MAX + 1], size_t *ret_len, struct err *e)
{
	size_t len = 0;

	while (len <= FILE_MAX) {
		ssize_t got = read(fd, room + len, FILE_MAX + 1 - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set(e, err_kind_of_errno(errno), "could not read \"%s\": %s",
				path, strerror(errno));
		if (got == 0)
			break;
		len += (size_t)got;
	}
	*ret_len = len;
	return len <= FILE_MAX
		       ? OK
		       : err_set(e, ERR_LIMIT, "\"%s\" is longer than %zu bytes", path, FILE_MAX);
}

enum err_kind signer_secrets_load(
	const char *path, struct signer_secrets *ret_secrets, struct err *e)
{
	char room[FILE_MAX + 1];
	struct signer_secrets s = {0};
	size_t len = 0;
	enum err_kind kind;
	/* Not blocking: a pipe of that name would wait for a writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return err_set(e, err_kind_of_errno(errno), "could not open \"%s\": %s", path,
			strerror(errno));
	kind = file_check(fd, path, e);
	if (kind == OK)
		kind = file_fill(fd, path, room, &len, e);
	if (kind == OK) {
		kind = file_parse((struct slice){room, len}, &s, e);
		if (kind == OK)
			*ret_secrets = s;
		else
			err_wrap(e, "keys \"%s\"", path);
	}
	secret_wipe(room, sizeof(room));
	signer_secrets_wipe(&s);
	(void)close(fd);
	return kind;
}
