/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Opening. The file is copied block by block into private memory, each block checked against its
 * hash as it arrives: what was verified is what is used, whoever writes to the file later, and a
 * file that is cut off gives a short read instead of killing the process. Filters come at once, the
 * rest when a look-up first touches it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inside.h"
#include "sign.h"

#define LARGE_PAGE ((uintptr_t)MIB(2))
#define READ_BYTES MIB(1) /* asked for at a time: stays in the second cache level for the hash */

/* ---- blocks ---------------------------------------------------------------------------------- */

static bool read_at(int fd, uint64_t offset, void *to, size_t bytes)
{
	char *p = to;

	while (bytes > 0) {
		ssize_t got = pread(fd, p, bytes, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		p += got;
		offset += (uint64_t)got;
		bytes -= (size_t)got;
	}
	return true;
}

static bool block_good(const struct index *x, uint64_t block)
{
	uint8_t digest[SHA256_LEN];

	hash_sha256(
		(struct slice){(const char *)x->memory + (block + 1) * BLOCK_BYTES, BLOCK_BYTES},
		digest);
	return memcmp(digest, x->sums + block * SHA256_LEN, SHA256_LEN) == 0;
}

/* Blocks [first, end) that are still unread; false when one of them is damaged. */
static bool blocks_read(struct index *x, uint64_t first, uint64_t end)
{
	bool good = true;

	pthread_mutex_lock(&x->reading);
	while (first < end) {
		uint64_t run = first;
		bool got;

		if (x->blocks[first] != BLOCK_UNREAD) {
			good &= x->blocks[first] == BLOCK_GOOD;
			first++;
			continue;
		}
		while (run < end && x->blocks[run] == BLOCK_UNREAD &&
			(run - first) < READ_BYTES / BLOCK_BYTES)
			run++;
		got = read_at(x->fd, (first + 1) * BLOCK_BYTES,
			x->memory + (first + 1) * BLOCK_BYTES, (run - first) * BLOCK_BYTES);
		for (; first < run; first++) {
			bool fine = got && block_good(x, first);

			atomic_store_explicit(&x->blocks[first], fine ? BLOCK_GOOD : BLOCK_BAD,
				memory_order_release);
			good &= fine;
		}
	}
	if (!good)
		x->damaged = true;
	pthread_mutex_unlock(&x->reading);
	return good;
}

const uint8_t *index_touch_slow(struct index *x, uint64_t offset, uint64_t bytes)
{
	uint64_t first, end;

	if (offset < HEAD_BYTES || bytes > x->file_bytes || offset > x->file_bytes - bytes)
		return NULL;
	first = offset / BLOCK_BYTES - 1;
	end = (offset + bytes + BLOCK_BYTES - 1) / BLOCK_BYTES - 1;
	if (end > x->blocks_count)
		return NULL;
	for (uint64_t k = first;; k++) {
		if (k == end)
			return x->memory + offset;
		if (atomic_load_explicit(&x->blocks[k], memory_order_acquire) != BLOCK_GOOD)
			break;
	}
	return blocks_read(x, first, end) ? x->memory + offset : NULL;
}

bool index_damaged(const struct index *x)
{
	return x->damaged;
}

/* ---- head ---------------------------------------------------------------------------------- */

static const char *section_name(unsigned id)
{
	static const char *const names[] = {"crowded suffixes", "/16 bitmap", "/24 bitmap",
		"IPv4 directory", "IPv4 addresses", "IPv4 entries", "networks", "set directory",
		"sets", "entries", "strings", "patterns", "texts"};

	_Static_assert(COUNT_OF(names) == SECTIONS - SECTION_CROWDED, "a name each");
	return id < SECTION_DIRECTORY ? "filter"
	       : id < SECTION_HEAP    ? "directory"
	       : id < SECTION_CROWDED ? "heap"
				      : names[id - SECTION_CROWDED];
}

static enum err_kind corrupt(const struct index *x, struct err *e, const char *section,
	uint64_t offset, const char *what)
{
	return err_set(e, ERR_CORRUPT, "index \"%s\": %s at offset %llu: %s", x->path, section,
		(unsigned long long)offset, what);
}

static enum err_kind head_check(struct index *x, const uint8_t *head, uint64_t size,
	const struct index_options *options, struct err *e)
{
	struct slice signer;
	uint8_t digest[SHA256_LEN];
	uint64_t sums_at, sums;

	if (memcmp(head + HEAD_MAGIC, FILE_MAGIC, 8) != 0)
		return err_set(e, ERR_INVALID, "\"%s\" is no indicator index", x->path);
	if (le32(head + HEAD_VERSION) != FILE_VERSION)
		return err_set(e, ERR_INVALID,
			"index \"%s\" has version %u of the format; this program reads version %d",
			x->path, le32(head + HEAD_VERSION), FILE_VERSION);
	hash_sha256((struct slice){(const char *)head, HEAD_DIGEST}, digest);
	if (memcmp(digest, head + HEAD_DIGEST, SHA256_LEN) != 0)
		return corrupt(x, e, "head", HEAD_DIGEST, "altered: its hash differs");
	if (le64(head + HEAD_FILE_BYTES) != size)
		return err_set(e, ERR_CORRUPT, "index \"%s\": %llu bytes long, its head says %llu",
			x->path, (unsigned long long)size,
			(unsigned long long)le64(head + HEAD_FILE_BYTES));
	memcpy(x->signer, head + HEAD_SIGNER, INDEX_SIGNER_MAX);
	x->signer[INDEX_SIGNER_MAX - 1] = '\0';
	signer = slice_of(x->signer);
	memcpy(x->info.digest, digest, SHA256_LEN);
	x->info.signer = signer;
	if (options->trusted.len != 0) {
		enum err_kind kind =
			sign_check(options->trusted, digest, head + HEAD_SIGNATURE, signer, e);

		if (kind != OK) {
			err_wrap(e, "index \"%s\"", x->path);
			return kind;
		}
	}
	sums_at = le64(head + HEAD_SUMS_AT);
	sums = le64(head + HEAD_SUMS_COUNT);
	if (sums_at < HEAD_BYTES || sums_at % BLOCK_BYTES != 0 || sums_at > size ||
		sums != sums_at / BLOCK_BYTES - 1 || size - sums_at != sums * SHA256_LEN)
		return corrupt(x, e, "head", HEAD_SUMS_AT, "the table of hashes is elsewhere");
	x->blocks_count = sums;
	hash_key_set(&x->key, head + HEAD_KEYS);
	x->info.built_us = (int64_t)le64(head + HEAD_BUILT_US);
	x->info.bytes = size;
	x->info.counts.entries = le64(head + HEAD_ENTRIES);
	x->info.counts.values = le64(head + HEAD_VALUES);
	x->info.counts.patterns = le64(head + HEAD_PATTERNS);
	for (unsigned k = 0; k < FIELD_KINDS_STORED; k++)
		x->info.counts.kinds[k] = le64(head + HEAD_KINDS + 8 * k);
	for (unsigned k = 0; k < SECTIONS; k++) {
		const uint8_t *row = head + HEAD_SECTIONS + k * SECTION_ROW;
		struct section *s = &x->sections[k];

		*s = (struct section){
			le64(row), le64(row + 8), le64(row + 16), le32(row + 24), le32(row + 28)};
		if (s->bytes == 0)
			continue;
		if (s->offset < HEAD_BYTES || s->offset % BLOCK_BYTES != 0 || s->offset > sums_at ||
			s->bytes > sums_at - s->offset)
			return corrupt(x, e, section_name(k), s->offset, "outside the file");
	}
	return OK;
}

/* ---- sections that contradict themselves --------------------------------------------------- */

static enum err_kind table_check(struct index *x, unsigned id, struct err *e)
{
	struct table *t = &x->tables[id];
	struct section *filter = &x->sections[SECTION_FILTER + id];
	uint64_t rows;

	t->directory = x->sections[SECTION_DIRECTORY + id];
	t->heap = x->sections[SECTION_HEAP + id];
	if (filter->bytes == 0 && t->directory.bytes == 0 && t->heap.bytes == 0)
		return OK;
	if (filter->bytes == 0 || filter->bytes % FILTER_BLOCK != 0 ||
		filter->bytes / FILTER_BLOCK > UINT32_MAX)
		return corrupt(x, e, "filter", filter->offset, "not whole lines");
	rows = t->directory.bytes / 4;
	if (t->directory.width > 28 || t->directory.bytes % 4 != 0 ||
		rows != (UINT64_C(1) << t->directory.width) + 1)
		return corrupt(x, e, "directory", t->directory.offset, "not a row for each bucket");
	if (t->heap.bytes == 0 || t->heap.bytes > UINT32_MAX || t->heap.width > 4 ||
		t->heap.extra > VALUE_BYTES_MAX)
		return corrupt(x, e, "heap", t->heap.offset, "sizes that no index has");
	t->bits = t->directory.width;
	t->lines = filter->bytes / FILTER_BLOCK;
	t->filter = x->memory + filter->offset;
	return OK;
}

static enum err_kind sections_check(struct index *x, struct err *e)
{
	static const struct {
		unsigned id;
		uint64_t bytes; /* or none at all */
	} sizes[] = {
		{SECTION_CROWDED,        CROWDED_BYTES       },
		{SECTION_WIDE,           WIDE_BYTES          },
		{SECTION_NARROW,         NARROW_BYTES        },
		{SECTION_IPV4_DIRECTORY, 4 * (IPV4_SLOTS + 1)},
	};
	const struct section *s = x->sections;
	const struct section *low = &s[SECTION_IPV4_LOW];
	enum err_kind kind;

	for (unsigned k = 0; k < TABLES; k++) {
		kind = table_check(x, k, e);
		if (kind != OK)
			return kind;
	}
	for (size_t k = 0; k < COUNT_OF(sizes); k++) {
		const struct section *one = &s[sizes[k].id];

		if (one->bytes != 0 && one->bytes != sizes[k].bytes)
			return corrupt(x, e, section_name(sizes[k].id), one->offset, "wrong size");
	}
	if (low->bytes != 0 && low->width != 2 && low->width != 4)
		return corrupt(
			x, e, "IPv4 addresses", low->offset, "neither two bytes each nor four");
	if (low->count > (low->width == 4 ? NARROW_LEAST : UINT32_MAX) ||
		low->bytes != low->count * low->width)
		return corrupt(x, e, "IPv4 addresses", low->offset, "not as many as it says");
	if (s[SECTION_IPV4_ENTRY].width > 4 ||
		s[SECTION_IPV4_ENTRY].bytes != low->count * s[SECTION_IPV4_ENTRY].width)
		return corrupt(x, e, "IPv4 entries", s[SECTION_IPV4_ENTRY].offset,
			"not one for each address");
	if (x->info.counts.entries > s[SECTION_ENTRIES].bytes / ENTRY_BYTES ||
		x->info.counts.entries > INDEX_VALUES_MAX ||
		x->info.counts.patterns > s[SECTION_PATTERNS].bytes / PATTERN_BYTES ||
		x->info.counts.patterns > INDEX_PATTERNS_MAX)
		return corrupt(
			x, e, "head", HEAD_ENTRIES, "more entries or patterns than there are");
	if (x->tables[FIELD_NAME].filter != NULL && s[SECTION_CROWDED].bytes == 0)
		return corrupt(x, e, "crowded suffixes", 0, "missing");
	x->crowded = s[SECTION_CROWDED].bytes == 0 ? NULL : x->memory + s[SECTION_CROWDED].offset;
	x->wide = s[SECTION_WIDE].bytes == 0 ? NULL : x->memory + s[SECTION_WIDE].offset;
	x->narrow = s[SECTION_NARROW].bytes == 0 ? NULL : x->memory + s[SECTION_NARROW].offset;
	x->networks_short = s[SECTION_NETWORKS].extra != 0;
	return OK;
}

/* ---- opening
 * -----------------------------------------------------------------------------------------------
 */

static enum err_kind blocks_require(struct index *x, uint64_t first, uint64_t end, struct err *e)
{
	if (blocks_read(x, first, end))
		return OK;
	for (; first < end; first++) {
		const char *in = "block";
		uint64_t offset = (first + 1) * BLOCK_BYTES;

		if (x->blocks[first] == BLOCK_GOOD)
			continue;
		for (unsigned k = 0; k < SECTIONS; k++) {
			const struct section *s = &x->sections[k];

			if (s->bytes != 0 && offset >= s->offset && offset - s->offset < s->bytes)
				in = section_name(k);
		}
		return corrupt(x, e, in, offset, "altered or cut off: its hash differs");
	}
	return OK;
}

static enum err_kind memory_reserve(struct index *x, struct err *e)
{
	/* aligned for large pages */
	x->reserved_bytes = x->file_bytes + LARGE_PAGE;
	x->reserved = mmap(NULL, x->reserved_bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (x->reserved == MAP_FAILED) {
		x->reserved = NULL;
		return err_set(e, ERR_NOMEM, "index \"%s\": no room for %llu bytes", x->path,
			(unsigned long long)x->file_bytes);
	}
	x->memory = (uint8_t *)(((uintptr_t)x->reserved + LARGE_PAGE - 1) & ~(LARGE_PAGE - 1));
	x->blocks = calloc(x->blocks_count + 1, sizeof(*x->blocks));
	if (x->blocks == NULL)
		return err_set(e, ERR_NOMEM, "index \"%s\": out of memory", x->path);
	return OK;
}

static enum err_kind sums_read(struct index *x, const uint8_t *head, struct err *e)
{
	uint64_t at = le64(head + HEAD_SUMS_AT);
	uint8_t digest[SHA256_LEN];

	if (!read_at(x->fd, at, x->memory + at, x->blocks_count * SHA256_LEN))
		return corrupt(x, e, "table of hashes", at, "cut off");
	x->sums = x->memory + at;
	hash_sha256((struct slice){(const char *)x->sums, x->blocks_count * SHA256_LEN}, digest);
	if (memcmp(digest, head + HEAD_SUMS_DIGEST, SHA256_LEN) != 0)
		return corrupt(x, e, "table of hashes", at, "altered: its hash differs");
	return OK;
}

/* Large pages for a section that look-ups hit all over, if it is worth one. */
static void pages_large(const struct index *x, const struct section *s)
{
	uint64_t from = s->offset & ~(uint64_t)(LARGE_PAGE - 1);
	uint64_t end = (s->offset + s->bytes + LARGE_PAGE - 1) & ~(uint64_t)(LARGE_PAGE - 1);

	if (s->bytes >= LARGE_PAGE / 8)
		(void)madvise(x->memory + from, end - from, MADV_HUGEPAGE);
}

static enum err_kind eager_read(struct index *x, struct err *e)
{
	uint64_t end = 0;

	/* They stand together at the beginning. Large pages: a third fewer cycles for each look-up
	 * that leaves the caches. */
	for (unsigned k = 0; k < SECTIONS; k++) {
		const struct section *s = &x->sections[k];

		if (section_eager(k) && s->bytes != 0 && s->offset + s->bytes > end)
			end = s->offset + s->bytes;
	}
	if (end >= LARGE_PAGE / 2)
		(void)madvise(x->memory, (end + LARGE_PAGE - 1) & ~(LARGE_PAGE - 1), MADV_HUGEPAGE);
	pages_large(x, &x->sections[SECTION_IPV4_DIRECTORY]);
	pages_large(x, &x->sections[SECTION_IPV4_LOW]);
	for (unsigned k = 0; k < SECTIONS; k++) {
		const struct section *s = &x->sections[k];
		enum err_kind kind;

		if (!section_eager(k) || s->bytes == 0)
			continue;
		kind = blocks_require(x, s->offset / BLOCK_BYTES - 1,
			(s->offset + s->bytes + BLOCK_BYTES - 1) / BLOCK_BYTES - 1, e);
		if (kind != OK)
			return kind;
	}
	return OK;
}

static enum err_kind open_file(struct index *x, uint64_t *ret_size, struct err *e)
{
	struct stat st;

	x->fd = open(x->path, O_RDONLY | O_CLOEXEC);
	if (x->fd < 0 || fstat(x->fd, &st) != 0)
		return err_set(e, err_kind_of_errno(errno), "could not open index \"%s\": %s",
			x->path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_INVALID, "index \"%s\" is no regular file", x->path);
	if ((uint64_t)st.st_size > INDEX_BYTES_MAX)
		return err_set(e, ERR_LIMIT, "index \"%s\": %lld bytes, at most %llu are read",
			x->path, (long long)st.st_size, (unsigned long long)INDEX_BYTES_MAX);
	*ret_size = (uint64_t)st.st_size;
	return OK;
}

enum err_kind index_open(const char *path, const struct index_options *options,
	struct index **ret_index, struct err *e)
{
	_Alignas(16) uint8_t head[HEAD_BYTES];
	struct index_options defaults = {0};
	struct index *x = calloc(1, sizeof(*x));
	uint64_t size;
	enum err_kind kind;

	if (options == NULL)
		options = &defaults;
	if (x == NULL)
		return err_set(e, ERR_NOMEM, "index \"%s\": out of memory", path);
	pthread_mutex_init(&x->reading, NULL);
	x->fd = -1;
	x->path = strdup(path);
	if (x->path == NULL) {
		kind = err_set(e, ERR_NOMEM, "index \"%s\": out of memory", path);
		goto fail;
	}
	kind = open_file(x, &size, e);
	if (kind != OK)
		goto fail;
	if (size < HEAD_BYTES || !read_at(x->fd, 0, head, HEAD_BYTES)) {
		bool ours =
			size >= 8 && read_at(x->fd, 0, head, 8) && memcmp(head, FILE_MAGIC, 8) == 0;

		kind = ours ? err_set(e, ERR_CORRUPT, "index \"%s\": cut off in its head", path)
			    : err_set(e, ERR_INVALID, "\"%s\" is no indicator index", path);
		goto fail;
	}
	x->file_bytes = size;
	kind = head_check(x, head, size, options, e);
	if (kind == OK)
		kind = memory_reserve(x, e);
	if (kind == OK)
		kind = sums_read(x, head, e);
	if (kind == OK)
		kind = eager_read(x, e);
	if (kind == OK)
		kind = sections_check(x, e);
	if (kind == OK && options->verify_all)
		kind = blocks_require(x, 0, x->blocks_count, e);
	if (kind != OK)
		goto fail;
	*ret_index = x;
	return OK;

fail:
	index_close(x);
	return kind;
}

void index_close(struct index *x)
{
	if (x == NULL)
		return;
	if (x->reserved != NULL)
		munmap(x->reserved, x->reserved_bytes);
	if (x->fd >= 0)
		close(x->fd);
	pthread_mutex_destroy(&x->reading);
	free((void *)(uintptr_t)x->blocks);
	free(x->path);
	free(x);
}

/* ---- what is in it ------------------------------------------------------------------------- */

void index_info(const struct index *x, struct index_info *ret_info)
{
	*ret_info = x->info;
}

/* u32 offset, u32 bytes in the strings */
static bool string_at(const struct index *x, const uint8_t *row, struct slice *ret_text)
{
	const struct section *s = &x->sections[SECTION_STRINGS];
	uint32_t at = le32(row), len = le32(row + 4);
	const uint8_t *p;

	*ret_text = (struct slice){0};
	if (len == 0)
		return true;
	if (len > s->bytes || at > s->bytes - len)
		return false;
	p = index_touch(x, s->offset + at, len);
	if (p == NULL)
		return false;
	*ret_text = (struct slice){(const char *)p, len};
	return true;
}

bool index_entry_get(const struct index *x, uint32_t entry, struct index_entry *ret_entry)
{
	const uint8_t *row;
	struct index_entry r = {0};

	if (entry >= x->info.counts.entries)
		return false;
	row = section_row(x, SECTION_ENTRIES, entry, ENTRY_BYTES);
	if (row == NULL || !string_at(x, row, &r.id) || !string_at(x, row + 8, &r.producer) ||
		!string_at(x, row + 16, &r.name) || !string_at(x, row + 24, &r.kill_chain) ||
		!string_at(x, row + 32, &r.labels) || row[64] > STIX_TLP_RED)
		return false;
	r.version_us = (int64_t)le64(row + 40);
	r.valid_from_us = (int64_t)le64(row + 48);
	r.valid_until_us = (int64_t)le64(row + 56);
	r.tlp = (enum stix_tlp)row[64];
	r.confidence = row[65] <= 100 ? row[65] : -1;
	*ret_entry = r;
	return true;
}

bool index_pattern_get(
	const struct index *x, uint32_t number, struct slice *ret_pattern, uint32_t *ret_entry)
{
	const struct section *texts = &x->sections[SECTION_TEXTS];
	const uint8_t *row, *p;
	uint64_t at;
	uint32_t len, entry;

	if (number >= x->info.counts.patterns)
		return false;
	row = section_row(x, SECTION_PATTERNS, number, PATTERN_BYTES);
	if (row == NULL)
		return false;
	at = le64(row);
	len = le32(row + 8);
	entry = le32(row + 12);
	if (len > texts->bytes || at > texts->bytes - len || entry >= x->info.counts.entries)
		return false;
	p = index_touch(x, texts->offset + at, len);
	if (p == NULL)
		return false;
	*ret_pattern = (struct slice){(const char *)p, len};
	*ret_entry = entry;
	return true;
}

/* ---- all values
 * -------------------------------------------------------------------------------------------------
 */

struct each {
	bool (*call)(void *context, enum field_kind kind, struct slice text, uint32_t entry);
	void *context;
	enum field_kind kind;
	struct slice text;
};

static bool each_entry(void *context, uint32_t entry)
{
	const struct each *c = context;

	return c->call(c->context, c->kind, c->text, entry);
}

static bool each_value(const struct index *x, struct each *c, enum field_kind kind, uint64_t number,
	struct slice normal)
{
	UNINITIALISED char text[VALUE_BYTES_MAX];
	bool good;

	c->kind = kind;
	c->text = (struct slice){text, normal_print(kind, normal, text)};
	good = c->text.len == 0 || look_entries(x, number, each_entry, c);
	c->text = (struct slice){0};
	return good;
}

/* A value of the wrong length for its kind can only be in a file that nobody built. */
static bool length_fits(unsigned id, size_t len)
{
	switch (id) {
	case TABLE_IPV6:
		return len == 16;
	case FIELD_HASH:
	case FIELD_CERTIFICATE:
		return len <= 64;
	case FIELD_ASN:
		return len == 4;
	case FIELD_MAC:
		return len == 6;
	default:
		return len <= VALUE_BYTES_MAX;
	}
}

static bool each_in_table(const struct index *x, unsigned id, struct each *c)
{
	const struct table *t = &x->tables[id];
	enum field_kind kind = id == TABLE_IPV6 ? FIELD_ADDRESS : (enum field_kind)id;

	for (uint32_t b = 0; b < UINT32_C(1) << t->bits; b++) {
		const uint8_t *row = index_touch(x, t->directory.offset + UINT64_C(4) * b, 8);
		const uint8_t *at, *end;
		struct stored s;
		uint32_t from, to;

		if (row == NULL)
			continue;
		from = le32(row);
		to = le32(row + 4);
		if (from >= to || to > t->heap.bytes ||
			to - from > BUCKET_RECORDS * VALUE_BYTES_MAX)
			continue;
		at = index_touch(x, t->heap.offset + from, to - from);
		if (at == NULL)
			continue;
		end = at + (to - from);
		for (unsigned k = 0; k < BUCKET_RECORDS && stored_next(&at, end, t->heap.width, &s);
			k++) {
			if (length_fits(id, s.value.len) &&
				!each_value(x, c, kind, s.number, s.value))
				return false;
		}
	}
	return true;
}

static bool each_address(const struct index *x, struct each *c, uint32_t address)
{
	char bytes[4];

	put_u32(bytes, address);
	return each_value(
		x, c, FIELD_ADDRESS, look_ipv4(x, address), (struct slice){bytes, sizeof(bytes)});
}

static bool each_ipv4(const struct index *x, struct each *c)
{
	const struct section *low = &x->sections[SECTION_IPV4_LOW];
	uint64_t left = low->count; /* a directory whose rows overlap ends here too */

	if (low->width == 4) {
		for (uint64_t k = 0; k < low->count; k++) {
			const uint8_t *row = section_row(x, SECTION_IPV4_LOW, k, 4);

			if (row != NULL && !each_address(x, c, le32(row)))
				return false;
		}
		return true;
	}
	for (uint32_t slot = 0; slot < IPV4_SLOTS && left > 0; slot++) {
		const uint8_t *row = section_row(x, SECTION_IPV4_DIRECTORY, slot, 4);
		const uint8_t *next = section_row(x, SECTION_IPV4_DIRECTORY, slot + 1, 4);

		if (row == NULL || next == NULL)
			continue;
		for (uint32_t k = le32(row), end = le32(next); k < end && left > 0; k++, left--) {
			const uint8_t *one = section_row(x, SECTION_IPV4_LOW, k, 2);

			if (one == NULL)
				break;
			if (!each_address(x, c, slot << 16 | le16(one)))
				return false;
		}
	}
	return true;
}

static bool each_network(const struct index *x, struct each *c)
{
	uint64_t count = x->sections[SECTION_NETWORKS].bytes / NETWORK_BYTES;
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	for (uint64_t k = 0; k < count; k++) {
		const uint8_t *row = section_row(x, SECTION_NETWORKS, k, NETWORK_BYTES);
		char normal[17];
		unsigned prefix;
		uint64_t number;
		bool four;

		if (row == NULL)
			continue;
		prefix = row[24];
		number = le32(row + 20);
		if (number >> 31 != 0)
			number = NUMBER_SET | (number & 0x7fffffff);
		four = memcmp(row, mapped, sizeof(mapped)) == 0 && prefix >= 96;
		memcpy(normal, four ? row + 12 : row, four ? 4 : 16);
		normal[four ? 4 : 16] = (char)(four ? prefix - 96 : prefix);
		if (!each_value(x, c, FIELD_ADDRESS, number, (struct slice){normal, four ? 5 : 17}))
			return false;
	}
	return true;
}

bool index_each(const struct index *x,
	bool (*each)(void *context, enum field_kind kind, struct slice text, uint32_t entry),
	void *context)
{
	struct each c = {.call = each, .context = context};

	if (!each_ipv4(x, &c) || !each_network(x, &c))
		return false;
	for (unsigned k = 0; k < TABLES; k++) {
		if (x->tables[k].filter != NULL && !each_in_table(x, k, &c))
			return false;
	}
	return true;
}
