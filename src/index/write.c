/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Writing an index: values sorted piece by piece, tables and filters made of them, every block
 * hashed as it goes out, head last.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sign.h"
#include "write.h"

#define OUT_BYTES     KIB(128) /* gathered before they are written: what the caches hold */
#define CROWD_LEAST   32       /* indicators below two labels from which on three are looked at */
#define CROWDED_MOST  4096     /* bits set: a sixteenth, so that few names look twice for nothing */
#define RECORDS_AHEAD 24       /* records asked for before they are sorted */
#define SHORT_COPY    32       /* bytes that most values fit into; no more than PIECE_SLACK */
#define FILTER_AHEAD  16 /* keys between asking for a line of the filter and setting bits in it */

/* ---- the file ------------------------------------------------------------------------------ */

static enum err_kind out_bytes(struct out *o, const void *bytes, size_t len, uint64_t at)
{
	const char *p = bytes;

	while (len > 0) {
		ssize_t put = pwrite(o->fd, p, len, (off_t)at);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return err_set(o->e, err_kind_of_errno(errno),
				"could not write index \"%s\": %s", o->path, strerror(errno));
		p += put;
		at += (uint64_t)put;
		len -= (size_t)put;
	}
	return OK;
}

/* Whole blocks, hashed into their place. */
static enum err_kind out_blocks(struct out *o, const uint8_t *bytes, size_t len, uint64_t at)
{
	for (size_t k = 0; k < len; k += BLOCK_BYTES) {
		uint64_t block = (at + k) / BLOCK_BYTES - 1;
		uint8_t digest[SHA256_LEN];

		hash_sha256((struct slice){(const char *)bytes + k, BLOCK_BYTES}, digest);
		while (o->sums.len < (block + 1) * SHA256_LEN && !o->sums.bad)
			buf_append(&o->sums, digest,
				SHA256_LEN); /* places kept free are filled later */
		if (o->sums.bad)
			return err_set(o->e, ERR_NOMEM, "index \"%s\": out of memory", o->path);
		memcpy(o->sums.data + block * SHA256_LEN, digest, SHA256_LEN);
	}
	return out_bytes(o, bytes, len, at);
}

static enum err_kind out_flush(struct out *o)
{
	size_t whole = (o->gathered_len + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
	enum err_kind kind;

	memset(o->gathered + o->gathered_len, 0, whole - o->gathered_len);
	kind = out_blocks(o, o->gathered, whole, o->gathered_at);
	o->gathered_at += whole;
	o->gathered_len = 0;
	return kind;
}

enum err_kind out_put(struct out *o, const void *bytes, size_t len)
{
	const char *p = bytes;

	while (len > 0) {
		size_t part = OUT_BYTES - o->gathered_len;

		if (part > len)
			part = len;
		memcpy(o->gathered + o->gathered_len, p, part);
		o->gathered_len += part;
		p += part;
		len -= part;
		if (o->gathered_len == OUT_BYTES) {
			enum err_kind kind = out_flush(o);

			if (kind != OK)
				return kind;
		}
	}
	return OK;
}

/* A section of unknown length begins at the end of the file; section_end says how long it became.
 */
void section_begin(struct out *o, unsigned id)
{
	o->sections[id].offset = o->end;
	o->gathered_at = o->end;
	o->gathered_len = 0;
}

enum err_kind section_end(struct out *o, unsigned id, uint64_t bytes)
{
	enum err_kind kind = out_flush(o);

	o->sections[id].bytes = bytes;
	if (bytes == 0)
		o->sections[id].offset = 0;
	o->end = o->gathered_at;
	return kind;
}

enum err_kind section_write(struct out *o, unsigned id, struct slice content)
{
	enum err_kind kind;

	section_begin(o, id);
	kind = out_put(o, content.data, content.len);
	return kind == OK ? section_end(o, id, content.len) : kind;
}

/* ---- sets of entries ----------------------------------------------------------------------- */

static bool set_same(const void *context, uint32_t id, struct slice bytes)
{
	const struct out *o = context;
	uint32_t from = le32(o->set_directory.data + 4 * (size_t)id);
	uint32_t to = le32(o->set_directory.data + 4 * (size_t)id + 4);

	return slice_equal(
		bytes, (struct slice){o->sets.data + 4 * (size_t)from, 4 * (size_t)(to - from)});
}

static int entry_order(const void *a, const void *b)
{
	uint32_t x = le32(a), y = le32(b);

	return x < y ? -1 : x > y;
}

/* The number of one entry or of the set of several; they are sorted here. */
enum err_kind number_of(struct out *o, uint32_t *entries, size_t count, uint64_t *ret_number)
{
	size_t unique = 0;
	uint32_t id, end;
	bool is_new;

	if (count > 1) {
		qsort(entries, count, sizeof(*entries), entry_order);
		for (size_t k = 0; k < count; k++) {
			if (k == 0 || entries[k] != entries[unique - 1])
				entries[unique++] = entries[k];
		}
		count = unique;
	}
	if (count == 1) {
		*ret_number = entries[0];
		return OK;
	}
	if (count > SET_ENTRIES_MAX)
		count = SET_ENTRIES_MAX;
	if (!intern_find(&o->sets_seen, (struct slice){(const char *)entries, 4 * count}, set_same,
		    o, &id, &is_new))
		return err_set(o->e, ERR_NOMEM, "index \"%s\": out of memory", o->path);
	if (is_new) {
		if (o->sets.len / 4 + count > UINT32_MAX || id >= 0x7fffffff)
			return err_set(
				o->e, ERR_LIMIT, "index \"%s\": too many shared values", o->path);
		buf_append(&o->sets, entries, 4 * count);
		end = (uint32_t)(o->sets.len / 4);
		buf_append(&o->set_directory, &end, 4);
		if (o->sets.bad || o->set_directory.bad)
			return err_set(o->e, ERR_NOMEM, "index \"%s\": out of memory", o->path);
	}
	*ret_number = NUMBER_SET | id;
	return OK;
}

/* Bytes that hold every entry's number and a bit for sets. */
unsigned entry_width(const struct index_builder *b)
{
	unsigned width = 0;

	if (b->counts.entries > 1)
		for (width = 1; b->counts.entries > UINT64_C(1) << (8 * width - 1);)
			width++;
	return width;
}

/* false: it needs more bytes */
bool number_pack(uint64_t number, unsigned width, uint8_t to[4])
{
	uint32_t v = (uint32_t)number;

	if (width == 0)
		return number == 0;
	if (width < 4 && v >> (8 * width - 1) != 0)
		return false;
	if ((number & NUMBER_SET) != 0)
		v |= UINT32_C(1) << (8 * width - 1);
	memcpy(to, &v, 4);
	return true;
}

/* ---- filters ------------------------------------------------------------------------------- */

struct filter {
	uint8_t *bits;
	uint64_t lines;
	uint64_t ring[FILTER_AHEAD];
	unsigned at;
};

static void filter_set(struct filter *f, uint64_t hash)
{
	uint8_t *line = f->bits + FILTER_BLOCK * filter_line(hash, f->lines);
	uint64_t *words = (uint64_t *)(void *)line;

	words[hash & 7] |= filter_mask_a(hash);
	words[hash >> 3 & 7] |= filter_mask_b(hash);
}

/* Sets the key that came FILTER_AHEAD before: its line has arrived by now. */
static void filter_add(struct filter *f, uint64_t hash)
{
	unsigned at = f->at++ % FILTER_AHEAD;

	__builtin_prefetch(f->bits + FILTER_BLOCK * filter_line(hash, f->lines), 1);
	if (f->at > FILTER_AHEAD)
		filter_set(f, f->ring[at]);
	f->ring[at] = hash;
}

static void filter_drain(struct filter *f)
{
	unsigned left = f->at < FILTER_AHEAD ? f->at : FILTER_AHEAD;

	for (unsigned k = 0; k < left; k++)
		filter_set(f, f->ring[k]);
	f->at = 0;
}

/* ---- tables
 * ------------------------------------------------------------------------------------------------
 */

struct sorted {
	uint64_t hash;
	const uint8_t *record; /* staged */
};

static int sorted_order(const void *a, const void *b)
{
	const struct sorted *x = a, *y = b;
	uint16_t xl, yl;
	int order;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	xl = le16(x->record + 12);
	yl = le16(y->record + 12);
	if (xl != yl)
		return xl < yl ? -1 : 1;
	order = memcmp(x->record + STAGED_HEAD, y->record + STAGED_HEAD, xl);
	if (order != 0)
		return order;
	return entry_order(x->record + 8, y->record + 8);
}

static bool sorted_same(const struct sorted *a, const struct sorted *b)
{
	uint16_t len = le16(a->record + 12);

	return a->hash == b->hash && len == le16(b->record + 12) &&
	       memcmp(a->record + STAGED_HEAD, b->record + STAGED_HEAD, len) == 0;
}

struct table_out {
	struct out *o;
	unsigned id, bits, width;
	uint32_t *directory;
	uint64_t heap_bytes, values;
	struct filter filter;
	const uint8_t *crowded;     /* of names */
	struct sorted *some, *more; /* one part's records; room for the largest */
	uint32_t *starts;
	uint32_t *entries; /* of one value */
	size_t entries_room;
	bool wider; /* an entry's number did not fit: begin again */
};

/* What the filter must say yes to, so that a look-up goes on to this value. */
static void keys_add(struct table_out *t, const struct sorted *s)
{
	const struct index_builder *b = t->o->b;
	const char *text = (const char *)s->record + STAGED_HEAD;
	struct slice name = {text, le16(s->record + 12)};
	size_t two, three;
	uint64_t hash;

	filter_add(&t->filter, s->hash);
	if (t->id == TABLE_IPV6) {
		filter_add(&t->filter, hash_bytes(&b->key, text, IPV6_FILTER_BYTES));
	} else if (t->id == FIELD_URL) {
		/* the host, without its port */
		size_t end = 0;

		if (text[0] == '[')
			end = slice_find(name, ']', 0);
		while (end < name.len && text[end] != ':' && text[end] != '/')
			end++;
		filter_add(&t->filter, hash_bytes(&b->key, text, end));
	} else if (t->id == FIELD_NAME && s->record[14] != 0) {
		two = s->record[14];
		if (two == STAGED_FAR)
			(void)name_labels(name, &two, &three);
		hash = hash_bytes(&b->key, text + two, name.len - two);
		if (crowded_has(t->crowded, hash)) {
			(void)name_labels(name, &two, &three);
			hash = hash_bytes(&b->key, text + three, name.len - three);
		}
		filter_add(&t->filter, hash);
	}
}

static enum err_kind record_put(struct table_out *t, const struct sorted *s, uint64_t number)
{
	uint16_t len = le16(s->record + 12);
	uint8_t head[8] = {0};
	size_t at = t->width;
	enum err_kind kind;

	if (!number_pack(number, t->width, head)) {
		t->wider = true;
		return OK;
	}
	if (len < LENGTH_LONG) {
		head[at++] = (uint8_t)len;
	} else {
		head[at++] = LENGTH_LONG;
		memcpy(head + at, &len, 2);
		at += 2;
	}
	if (t->o->gathered_len + sizeof(head) + SHORT_COPY + len < OUT_BYTES) {
		uint8_t *to = t->o->gathered + t->o->gathered_len;

		/* whole registers; what is too much is written over by the next */
		memcpy(to, head, sizeof(head));
		if (len <= SHORT_COPY)
			memcpy(to + at, s->record + STAGED_HEAD, SHORT_COPY);
		else
			memcpy(to + at, s->record + STAGED_HEAD, len);
		t->o->gathered_len += at + len;
		kind = OK;
	} else {
		kind = out_put(t->o, head, at);
		if (kind == OK)
			kind = out_put(t->o, s->record + STAGED_HEAD, len);
	}
	t->heap_bytes += at + len;
	t->values++;
	keys_add(t, s);
	return kind;
}

/* One bucket: sorted, equal values merged. */
static enum err_kind bucket_put(struct table_out *t, struct sorted *s, size_t count)
{
	size_t records = 0;
	enum err_kind kind = OK;

	if (count > 16) {
		qsort(s, count, sizeof(*s), sorted_order);
	} else {
		for (size_t k = 1; k < count; k++) {
			struct sorted one = s[k];
			size_t at = k;

			for (; at > 0 && sorted_order(&s[at - 1], &one) > 0; at--)
				s[at] = s[at - 1];
			s[at] = one;
		}
	}
	for (size_t k = 0; k < count && kind == OK && !t->wider;) {
		size_t end = k + 1;
		uint64_t number = le32(s[k].record + 8);

		while (end < count && sorted_same(&s[k], &s[end]))
			end++;
		if (end - k > 1) {
			if (end - k > t->entries_room) {
				uint32_t *more = realloc(t->entries, (end - k) * sizeof(*more));

				if (more == NULL)
					return err_set(t->o->e, ERR_NOMEM,
						"index \"%s\": out of memory", t->o->path);
				t->entries = more;
				t->entries_room = end - k;
			}
			for (size_t n = k; n < end; n++)
				t->entries[n - k] = le32(s[n].record + 8);
			kind = number_of(t->o, t->entries, end - k, &number);
		}
		if (kind == OK)
			kind = record_put(t, &s[k], number);
		records++;
		k = end;
	}
	if (kind == OK && records > BUCKET_RECORDS)
		return err_set(t->o->e, ERR_CONFLICT,
			"index \"%s\": %zu values in one bucket; build it again under another key",
			t->o->path, records);
	return kind;
}

/* The parts [first, end) of the staged values: sorted by bucket, then written. */
static enum err_kind parts_put(struct table_out *t, unsigned first, unsigned end)
{
	const struct index_builder *b = t->o->b;
	uint32_t buckets = UINT32_C(1) << t->bits;
	uint32_t bucket_first = (uint32_t)((uint64_t)first * buckets >> PARTS_BITS);
	uint32_t bucket_end = (uint32_t)((uint64_t)end * buckets >> PARTS_BITS);
	uint32_t span = bucket_end - bucket_first;
	size_t count = 0;
	enum err_kind kind = OK;

	for (unsigned part = first; part < end; part++) {
		for (const struct piece *p = b->tables[t->id][part].first; p != NULL; p = p->next) {
			for (uint32_t at = 0; at < p->len;) {
				const uint8_t *record = p->data + at;

				t->some[count].hash = le64(record);
				t->some[count++].record = record;
				at += STAGED_HEAD + le16(record + 12);
			}
		}
	}
	memset(t->starts, 0, (span + 1) * sizeof(*t->starts));
	for (size_t k = 0; k < count; k++)
		t->starts[bucket_of(t->some[k].hash, t->bits) - bucket_first + 1]++;
	for (uint32_t k = 0; k < span; k++)
		t->starts[k + 1] += t->starts[k];
	for (size_t k = 0; k < count; k++)
		t->more[t->starts[bucket_of(t->some[k].hash, t->bits) - bucket_first]++] =
			t->some[k];
	/* starts[k] is now the end of bucket k */
	for (uint32_t k = 0; k < span && kind == OK && !t->wider; k++) {
		uint32_t from = k == 0 ? 0 : t->starts[k - 1];

		if (t->heap_bytes > UINT32_MAX)
			return err_set(t->o->e, ERR_LIMIT,
				"index \"%s\": more than 4 GiB of %s values", t->o->path,
				field_kind_name((enum field_kind)t->id));
		t->directory[bucket_first + k] = (uint32_t)t->heap_bytes;
		for (uint32_t n = from + RECORDS_AHEAD;
			n < t->starts[k] + RECORDS_AHEAD && n < count; n++)
			__builtin_prefetch(t->more[n].record);
		kind = bucket_put(t, t->more + from, t->starts[k] - from);
	}
	return kind;
}

/* The two labels below which so many indicators lie that a third tells more. */
static void crowded_find(const struct index_builder *b, uint8_t bits[CROWDED_BYTES])
{
	uint64_t total = 0, least;
	unsigned set;

	for (unsigned k = 0; k < 1 << CROWD_BITS; k++)
		total += b->crowds[k];
	least = CROWD_LEAST + 8 * (total >> CROWD_BITS);
	do {
		set = 0;
		memset(bits, 0, CROWDED_BYTES);
		for (unsigned k = 0; k < 1 << CROWD_BITS; k++) {
			unsigned bit = k >> (CROWD_BITS - CROWDED_BITS);

			if (b->crowds[k] >= least && set++ < UINT32_MAX)
				bits[bit >> 3] |= (uint8_t)(1 << (bit & 7));
		}
		least *= 2;
	} while (set > CROWDED_MOST);
}

static enum err_kind table_write(struct out *o, unsigned id, const uint8_t *crowded)
{
	const struct index_builder *b = o->b;
	uint64_t staged = b->staged[id], keys = staged;
	struct table_out t = {.o = o, .id = id, .crowded = crowded};
	struct section *heap = &o->sections[SECTION_HEAP + id];
	struct section *filter = &o->sections[SECTION_FILTER + id];
	unsigned step = 1;
	size_t largest = 0, span;
	enum err_kind kind = OK;

	if (staged == 0)
		return OK;
	while (staged > (uint64_t)BUCKET_VALUES << t.bits)
		t.bits++;
	if (t.bits < PARTS_BITS)
		step = PARTS_COUNT >> t.bits;
	for (unsigned part = 0; part < PARTS_COUNT; part += step) {
		size_t sum = 0;

		for (unsigned k = part; k < part + step; k++)
			sum += b->tables[id][k].records;
		if (sum > largest)
			largest = sum;
	}
	if (id == TABLE_IPV6 || id == FIELD_URL)
		keys *= 2;
	if (id == FIELD_NAME) {
		for (unsigned k = 0; k < 1 << CROWD_BITS; k++)
			keys += b->crowds[k];
	}
	span = step > 1 ? 1 : (size_t)1 << (t.bits - PARTS_BITS);
	t.filter.lines = (keys * FILTER_BITS + FILTER_BLOCK * 8 - 1) / (FILTER_BLOCK * 8);
	t.width = entry_width(b);
	t.directory = calloc(((size_t)1 << t.bits) + 1, sizeof(*t.directory));
	t.some = malloc(largest * sizeof(*t.some));
	t.more = malloc(largest * sizeof(*t.more));
	t.starts = malloc((span + 1) * sizeof(*t.starts));
	t.filter.bits = aligned_alloc(FILTER_BLOCK, t.filter.lines * FILTER_BLOCK);
	if (t.directory == NULL || t.some == NULL || t.more == NULL || t.starts == NULL ||
		t.filter.bits == NULL) {
		kind = err_set(o->e, ERR_NOMEM, "index \"%s\": out of memory", o->path);
		goto done;
	}
	/* the place of the filter among those that are read at once was kept; see layout_keep */
	do {
		t.wider = false;
		t.heap_bytes = t.values = 0;
		memset(t.filter.bits, 0, t.filter.lines * FILTER_BLOCK);
		section_begin(o, SECTION_HEAP + id);
		for (unsigned part = 0; part < PARTS_COUNT && kind == OK && !t.wider; part += step)
			kind = parts_put(&t, part, part + step);
		filter_drain(&t.filter);
		t.width += t.wider;
	} while (t.wider && t.width <= ENTRY_WIDTHS && kind == OK);
	if (kind == OK && t.heap_bytes > UINT32_MAX)
		kind = err_set(o->e, ERR_LIMIT, "index \"%s\": more than 4 GiB of %s values",
			o->path, field_kind_name((enum field_kind)id));
	if (kind == OK)
		kind = section_end(o, SECTION_HEAP + id, t.heap_bytes);
	if (kind != OK)
		goto done;
	heap->count = t.values;
	heap->width = t.width;
	heap->extra = b->longest[id];
	t.directory[(size_t)1 << t.bits] = (uint32_t)t.heap_bytes;
	kind = section_write(o, SECTION_DIRECTORY + id,
		(struct slice){(const char *)t.directory, (((size_t)1 << t.bits) + 1) * 4});
	o->sections[SECTION_DIRECTORY + id].width = t.bits;
	if (kind == OK) {
		filter->bytes = t.filter.lines * FILTER_BLOCK;
		filter->count = keys;
		o->gathered_at = filter->offset;
		o->gathered_len = 0;
		kind = out_put(o, t.filter.bits, filter->bytes);
		if (kind == OK)
			kind = out_flush(o);
	}
	o->counts.values += t.values;
	o->counts.kinds[id == TABLE_IPV6 ? FIELD_ADDRESS : id] += t.values;
done:
	free(t.directory);
	free(t.some);
	free(t.more);
	free(t.starts);
	free(t.entries);
	free(t.filter.bits);
	return kind;
}

/* ---- the whole
 * -------------------------------------------------------------------------------------------------------
 */

/* Filters come first, so that one stretch of the file is read when it is opened. Their sizes are
 * known before their bits are. */
static void layout_keep(struct out *o)
{
	const struct index_builder *b = o->b;

	for (unsigned id = 0; id < TABLES; id++) {
		uint64_t keys = b->staged[id], bytes;

		if (keys == 0)
			continue;
		if (id == TABLE_IPV6 || id == FIELD_URL)
			keys *= 2;
		if (id == FIELD_NAME) {
			for (unsigned k = 0; k < 1 << CROWD_BITS; k++)
				keys += b->crowds[k];
		}
		bytes = (keys * FILTER_BITS + FILTER_BLOCK * 8 - 1) / (FILTER_BLOCK * 8) *
			FILTER_BLOCK;
		o->sections[SECTION_FILTER + id].offset = o->end;
		o->end += (bytes + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
	}
}

static enum err_kind sets_write(struct out *o)
{
	enum err_kind kind = section_write(o, SECTION_SETS, buf_slice(&o->sets));

	return kind != OK || o->sets.len == 0
		       ? kind
		       : section_write(o, SECTION_SET_DIRECTORY, buf_slice(&o->set_directory));
}

static enum err_kind head_write(struct out *o, const struct index_signer *signer)
{
	const struct index_builder *b = o->b;
	uint8_t head[HEAD_BYTES] = {0};
	uint64_t file_bytes = o->end + o->sums.len;
	uint32_t version = FILE_VERSION, head_bytes = HEAD_BYTES;
	uint64_t blocks = o->sums.len / SHA256_LEN;
	int64_t built = world_now(b->world);
	uint8_t digest[SHA256_LEN];

	memcpy(head + HEAD_MAGIC, FILE_MAGIC, 8);
	memcpy(head + HEAD_VERSION, &version, 4);
	memcpy(head + HEAD_LENGTH, &head_bytes, 4);
	memcpy(head + HEAD_FILE_BYTES, &file_bytes, 8);
	memcpy(head + HEAD_BUILT_US, &built, 8);
	memcpy(head + HEAD_KEYS, b->key_bytes, HASH_KEY_BYTES);
	if (signer != NULL)
		memcpy(head + HEAD_SIGNER, signer->name,
			strnlen(signer->name, INDEX_SIGNER_MAX - 1));
	memcpy(head + HEAD_ENTRIES, &b->counts.entries, 8);
	memcpy(head + HEAD_VALUES, &o->counts.values, 8);
	memcpy(head + HEAD_PATTERNS, &b->counts.patterns, 8);
	for (unsigned k = 0; k < FIELD_KINDS_STORED; k++)
		memcpy(head + HEAD_KINDS + 8 * k, &o->counts.kinds[k], 8);
	memcpy(head + HEAD_SUMS_AT, &o->end, 8);
	memcpy(head + HEAD_SUMS_COUNT, &blocks, 8);
	hash_sha256(buf_slice(&o->sums), head + HEAD_SUMS_DIGEST);
	for (unsigned k = 0; k < SECTIONS; k++) {
		const struct section *s = &o->sections[k];
		uint8_t *row = head + HEAD_SECTIONS + k * SECTION_ROW;

		memcpy(row, &s->offset, 8);
		memcpy(row + 8, &s->bytes, 8);
		memcpy(row + 16, &s->count, 8);
		memcpy(row + 24, &s->width, 4);
		memcpy(row + 28, &s->extra, 4);
	}
	hash_sha256((struct slice){(const char *)head, HEAD_DIGEST}, digest);
	memcpy(head + HEAD_DIGEST, digest, SHA256_LEN);
	if (signer != NULL)
		sign_digest(signer, digest, head + HEAD_SIGNATURE);
	return out_bytes(o, head, HEAD_BYTES, 0);
}

static enum err_kind all_write(struct out *o, const struct index_signer *signer)
{
	const struct index_builder *b = o->b;
	uint8_t crowded[CROWDED_BYTES];
	uint32_t zero = 0;
	enum err_kind kind = OK;

	o->end = HEAD_BYTES;
	buf_append(&o->set_directory, &zero, 4);
	layout_keep(o);
	if (b->staged[FIELD_NAME] != 0) {
		crowded_find(b, crowded);
		kind = section_write(
			o, SECTION_CROWDED, (struct slice){(const char *)crowded, CROWDED_BYTES});
	}
	if (kind == OK)
		kind = ipv4_write(o);
	for (unsigned id = 0; id < TABLES && kind == OK; id++)
		kind = table_write(o, id, crowded);
	if (kind == OK)
		kind = networks_write(o);
	if (kind == OK)
		kind = sets_write(o);
	if (kind == OK)
		kind = section_write(o, SECTION_ENTRIES, buf_slice(&b->entries));
	if (kind == OK)
		kind = section_write(o, SECTION_STRINGS, buf_slice(&b->strings));
	if (kind == OK)
		kind = section_write(o, SECTION_PATTERNS, buf_slice(&b->patterns));
	if (kind == OK)
		kind = section_write(o, SECTION_TEXTS, buf_slice(&b->texts));
	if (kind == OK)
		kind = out_bytes(o, o->sums.data, o->sums.len, o->end);
	if (kind == OK)
		kind = head_write(o, signer);
	return kind;
}

static enum err_kind folder_sync(const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);
	enum err_kind kind = OK;
	int fd;

	if (folder == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0)
		kind = err_set(e, err_kind_of_errno(errno),
			"could not sync the folder of \"%s\": %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	free(folder);
	return kind;
}

enum err_kind index_builder_write(
	struct index_builder *b, const char *path, const struct index_signer *signer, struct err *e)
{
	struct out o = {.b = b, .fd = -1, .path = path, .e = e};
	enum err_kind kind;
	char *beside;

	if (asprintf(&beside, "%s.XXXXXX", path) < 0)
		return err_set(e, ERR_NOMEM, "index \"%s\": out of memory", path);
	b->world->random(b->world->context, o.sets_seen.key, sizeof(o.sets_seen.key));
	o.gathered = malloc(OUT_BYTES);
	o.fd = mkostemp(beside, O_CLOEXEC);
	if (o.gathered == NULL)
		kind = err_set(e, ERR_NOMEM, "index \"%s\": out of memory", path);
	else if (o.fd < 0)
		kind = err_set(e, err_kind_of_errno(errno), "could not write beside \"%s\": %s",
			path, strerror(errno));
	else
		kind = all_write(&o, signer);
	if (kind == OK && (fchmod(o.fd, 0644) != 0 || fsync(o.fd) != 0))
		kind = err_set(e, err_kind_of_errno(errno), "could not write \"%s\": %s", beside,
			strerror(errno));
	if (o.fd >= 0) {
		close(o.fd);
		if (kind == OK && rename(beside, path) != 0)
			kind = err_set(e, err_kind_of_errno(errno), "could not replace \"%s\": %s",
				path, strerror(errno));
		if (kind != OK)
			unlink(beside);
	}
	if (kind == OK)
		kind = folder_sync(path, e);
	free(beside);
	free(o.gathered);
	intern_fini(&o.sets_seen);
	buf_fini(&o.sums);
	buf_fini(&o.set_directory);
	buf_fini(&o.sets);
	return kind;
}
