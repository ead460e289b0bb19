/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What name servers write of their queries: BIND 9, Unbound, dnsmasq and PowerDNS (recursor and
 * authoritative), to their own files or through syslog. Names stay in presentation form (RFC 1035
 * section 5.1), escapes and all.
 */
#include "lines.h"

/* ---- BIND ------------------------------------------------------------------------------------ */

/* "NAME CLASS TYPE" and what is behind. */
static bool bind_question(struct line_out *o, struct slice *rest)
{
	struct slice name, class, type;

	if (!word_next(rest, &name) || !word_next(rest, &class) || !word_next(rest, &type))
		return false;
	line_put(o, ITEM_QUERY, name);
	line_put(o, ITEM_QUERY_TYPE, type);
	return true;
}

/* "NAME/TYPE/CLASS" or "NAME/CLASS/TYPE"; a name may hold '/'. */
static void bind_triple(struct line_out *o, struct slice word)
{
	struct slice rest = word, part, last[2] = {{0}};

	for (size_t cut = 0; cut < 2; cut++) {
		const char *slash = rest.len == 0 ? NULL : memrchr(rest.data, '/', rest.len);

		if (slash == NULL)
			return;
		part = slice_cut(rest, (size_t)(slash - rest.data) + 1, rest.len);
		last[cut] = part;
		rest = slice_cut(rest, 0, (size_t)(slash - rest.data));
	}
	line_put(o, ITEM_QUERY, rest);
	line_put(o, ITEM_QUERY_TYPE,
		slice_is(last[0], "IN") || slice_is(last[0], "CH") ? last[1] : last[0]);
}

/* query: NAME CLASS TYPE FLAGS (ADDRESS) [ECS NET/BITS/SCOPE] */
static bool bind_query(struct line_out *o, struct slice rest)
{
	struct slice word;

	if (!bind_question(o, &rest) || !word_next(&rest, &word))
		return false;
	o->sure = true;
	line_put_copy(o, ITEM_TRANSPORT,
		slice_find(word, 'T', 0) < word.len ? SLICE("tcp") : SLICE("udp"));
	while (word_next(&rest, &word)) {
		if (word.data[0] == '(' && word.data[word.len - 1] == ')')
			line_put_endpoint(o, ITEM_SERVER, LINE_ITEMS, LINE_ITEMS,
				slice_cut(word, 1, word.len - 1), '#');
		else if (slice_is(word, "[ECS") && word_next(&rest, &word))
			line_put_endpoint(o, ITEM_ADDRESS, LINE_ITEMS, LINE_ITEMS,
				slice_cut(word, 0, slice_find(word, '/', 0)), '#');
	}
	return true;
}

/* query failed (REFUSED) for NAME/CLASS/TYPE at FILE:LINE */
static bool bind_failed(struct line_out *o, struct slice rest)
{
	size_t end = slice_find(rest, ')', 0);
	struct slice code = slice_cut(rest, 0, end), word;

	rest = slice_cut(rest, end + 1, rest.len);
	if (!word_next(&rest, &word) || !slice_is(word, "for") || !word_next(&rest, &word))
		return false;
	o->sure = true;
	line_put(o, ITEM_RESPONSE_CODE, code);
	bind_triple(o, word);
	return true;
}

/* rpz QNAME NXDOMAIN rewrite NAME/TYPE/CLASS via ZONE'S OWNER */
static bool bind_rpz(struct line_out *o, struct slice rest)
{
	struct slice trigger, policy, word, triple;

	if (!word_next(&rest, &trigger) || !word_next(&rest, &policy) || !word_next(&rest, &word) ||
		!slice_is(word, "rewrite") || !word_next(&rest, &triple))
		return false;
	o->sure = true;
	bind_triple(o, triple);
	if (word_next(&rest, &word) && slice_is(word, "via") && word_next(&rest, &word))
		line_put(o, ITEM_ZONE, word);
	return true;
}

/* response: NAME CLASS TYPE RCODE ... (9.20 on) */
static bool bind_response(struct line_out *o, struct slice rest)
{
	struct slice code;

	if (!bind_question(o, &rest) || !word_next(&rest, &code))
		return false;
	o->sure = true;
	line_put(o, ITEM_RESPONSE_CODE, code);
	return true;
}

static const struct {
	const char *front;
	bool (*rest)(struct line_out *o, struct slice rest);
} bind_kinds[] = {
	{"query: ",        bind_query   },
	{"query failed (", bind_failed  },
	{"rpz ",           bind_rpz     },
	{"response: ",     bind_response},
};

/*
 * [category: ][severity: ]client [@0x...] ADDRESS#PORT[/key NAME] [(NAME)]: [view NAME: ]...
 * The name in brackets came with 9.9, the @0x with 9.11.
 */
bool bind_body(struct line_out *o, const struct line_head *h)
{
	struct slice rest = h->message, word, key;
	size_t at = slice_find_text(slice_cut(rest, 0, 64), SLICE("client "));
	size_t end;

	if (at == 64 || at >= rest.len) {
		if (h->process.len == 0)
			return false;
		line_put(o, ITEM_MESSAGE, rest);
		return true;
	}
	rest = slice_cut(rest, at + 7, rest.len);
	if (!word_next(&rest, &word))
		return false;
	if (word.data[0] == '@' && !word_next(&rest, &word))
		return false;
	/* "/key NAME": signed with that key */
	if (slice_ends(word, SLICE("/key")) && !word_next(&rest, &key))
		return false;
	if (word.data[word.len - 1] == ':')
		word.len--;
	line_put_endpoint(o, ITEM_CLIENT, LINE_ITEMS, ITEM_CLIENT_PORT,
		slice_cut(word, 0, slice_find(word, '/', 0)), '#');
	if (text_next(&rest, SLICE(" ("))) { /* a name may hold ')', escaped: ends at "): " */
		end = slice_find_text(rest, SLICE("): "));
		if (end == rest.len)
			return false;
		rest = slice_cut(rest, end + 2, rest.len);
	}
	(void)text_next(&rest, SLICE(" "));
	if (text_next(&rest, SLICE("view "))) {
		end = slice_find_text(rest, SLICE(": "));
		line_put(o, ITEM_ZONE, slice_cut(rest, 0, end));
		rest = slice_cut(rest, end + 2, rest.len);
	}
	for (size_t i = 0; i < COUNT_OF(bind_kinds); i++)
		if (text_next(&rest, slice_of(bind_kinds[i].front)))
			return bind_kinds[i].rest(o, rest);
	line_put(o, ITEM_MESSAGE, rest);
	return true;
}

/* ---- Unbound --------------------------------------------------------------------------------- */

static bool is_class(struct slice word)
{
	return slice_is(word, "IN") || slice_is(word, "CH") || slice_is(word, "HS") ||
	       slice_is(word, "ANY") || slice_starts(word, SLICE("CLASS"));
}

#define UNBOUND_WORDS 8 /* of a reply */

/* ADDRESS NAME TYPE CLASS [RCODE SECONDS CACHED BYTES], or
 * ZONE ACTION ADDRESS@PORT NAME TYPE CLASS (log-local-actions). */
static bool unbound_words(struct line_out *o, struct slice text)
{
	struct slice words[UNBOUND_WORDS], rest = text;
	size_t count = 0;

	while (count < UNBOUND_WORDS && word_next(&rest, &words[count]))
		count++;
	if (count >= 4 && is_address(words[0]) && is_class(words[3])) {
		line_put(o, ITEM_CLIENT, words[0]);
		line_put(o, ITEM_QUERY, words[1]);
		line_put(o, ITEM_QUERY_TYPE, words[2]);
		if (count > 4)
			line_put(o, ITEM_RESPONSE_CODE, words[4]);
		if (count > 7)
			line_put(o, ITEM_BYTES_OUT, words[7]);
		return true;
	}
	if (count >= 6 && slice_find(words[2], '@', 0) < words[2].len && is_class(words[5])) {
		line_put(o, ITEM_ZONE, words[0]);
		line_put(o, ITEM_DETAIL, words[1]);
		line_put_endpoint(o, ITEM_CLIENT, LINE_ITEMS, ITEM_CLIENT_PORT, words[2], '@');
		line_put(o, ITEM_QUERY, words[3]);
		line_put(o, ITEM_QUERY_TYPE, words[4]);
		return true;
	}
	return false;
}

/* SERVFAIL <NAME TYPE CLASS>: why */
static bool unbound_failed(struct line_out *o, struct slice text)
{
	size_t open = slice_find_text(slice_cut(text, 0, 32), SLICE(" <"));
	size_t close = slice_find_text(text, SLICE(">: "));
	struct slice question = slice_cut(text, open + 2, close), name, type, class;

	if (close == text.len || !word_next(&question, &name) || !word_next(&question, &type) ||
		!word_next(&question, &class) || !is_class(class))
		return false;
	line_put(o, ITEM_RESPONSE_CODE, slice_cut(text, 0, open));
	line_put(o, ITEM_QUERY, name);
	line_put(o, ITEM_QUERY_TYPE, type);
	line_put(o, ITEM_MESSAGE, slice_cut(text, close + 3, text.len));
	return true;
}

/* [[pid:thread] ]info|query|reply|error|...: text */
bool unbound_body(struct line_out *o, const struct line_head *h)
{
	struct slice rest = h->message, word;

	if (!slice_starts(h->process, SLICE("unbound")))
		return false;
	o->sure = true;
	if (rest.len != 0 && rest.data[0] == '[') {
		rest = slice_cut(rest, slice_find(rest, ']', 0) + 1, rest.len);
		(void)text_next(&rest, SLICE(" "));
	}
	if (!word_next(&rest, &word) || word.data[word.len - 1] != ':')
		return false;
	(void)text_next(&rest, SLICE(" "));
	if (!unbound_words(o, rest) && !unbound_failed(o, rest))
		line_put(o, ITEM_MESSAGE, rest);
	return true;
}

/* ---- dnsmasq --------------------------------------------------------------------------------- */

/* What a name "is": an address, a code, a name, <CNAME> and the like, or text. */
static void dnsmasq_answer(struct line_out *o, struct slice value)
{
	if (value.len != 0 && value.data[0] == '<')
		line_put(o, ITEM_DETAIL, value);
	else if (is_address(value))
		line_put(o, ITEM_ANSWER, value);
	else if (slice_is(value, "NXDOMAIN") || slice_is(value, "SERVFAIL") ||
		 slice_is(value, "REFUSED") || slice_is(value, "NOTIMP") ||
		 slice_is(value, "FORMERR") || slice_starts(value, SLICE("NODATA")))
		line_put(o, ITEM_RESPONSE_CODE, value);
	else
		line_put(o, ITEM_MESSAGE, value);
}

/* The last " from " and so on: a name may hold blanks, what is behind it may not. */
static bool split_last(
	struct slice text, struct slice between, struct slice *ret_before, struct slice *ret_behind)
{
	const char *blank = text.data + text.len;

	while (blank > text.data) {
		blank = memrchr(text.data, ' ', (size_t)(blank - text.data));
		if (blank == NULL)
			return false;
		if (!slice_starts(slice_cut(text, (size_t)(blank - text.data), text.len), between))
			continue;
		*ret_before = slice_cut(text, 0, (size_t)(blank - text.data));
		*ret_behind = slice_cut(text, (size_t)(blank - text.data) + between.len, text.len);
		return true;
	}
	return false;
}

static bool dnsmasq_words(struct line_out *o, struct slice text, bool has_client)
{
	struct slice rest = text, verb, name, value;
	size_t open, is;

	if (!word_next(&rest, &verb))
		return false;
	(void)text_next(&rest, SLICE(" "));
	open = slice_find(verb, '[', 0);
	if (open < verb.len &&
		verb.data[verb.len - 1] == ']') { /* query[A], auth[A], dnssec-query[DS] */
		if (!split_last(rest, SLICE(" from "), &name, &value) &&
			!split_last(rest, SLICE(" to "), &name, &value))
			return false;
		line_put(o, ITEM_QUERY, name);
		line_put(o, ITEM_QUERY_TYPE, slice_cut(verb, open + 1, verb.len - 1));
		if (slice_starts(verb, SLICE("dnssec")))
			line_put_endpoint(o, ITEM_SERVER, LINE_ITEMS, LINE_ITEMS, value, '#');
		else if (!has_client)
			line_put_endpoint(o, ITEM_CLIENT, LINE_ITEMS, LINE_ITEMS, value, '#');
		return true;
	}
	if (slice_is(verb, "forwarded") && split_last(rest, SLICE(" to "), &name, &value)) {
		line_put(o, ITEM_QUERY, name);
		line_put_endpoint(o, ITEM_SERVER, LINE_ITEMS, ITEM_SERVER_PORT, value, '#');
		return true;
	}
	/* reply, cached, config, DHCP, /etc/hosts, gravity blocked, ... NAME is VALUE */
	is = slice_find_text(rest, SLICE(" is "));
	if (is == rest.len)
		return false;
	name = slice_cut(rest, 0, is);
	if (text_next(&name, SLICE("blocked ")) || text_next(&name, SLICE("denied ")))
		line_put_copy(o, ITEM_DETAIL, SLICE("blocked"));
	if (!slice_is(name, "error"))
		line_put(o, ITEM_QUERY, name);
	dnsmasq_answer(o, slice_cut(rest, is + 4, rest.len));
	return true;
}

/* DHCPACK(eth0) 192.0.2.7 02:00:00:00:00:01 hostname */
static void dnsmasq_lease(struct line_out *o, struct slice text)
{
	struct slice rest = text, word;

	while (word_next(&rest, &word)) {
		if (is_mac(word))
			line_put(o, ITEM_MAC, word);
		else if (is_address(word))
			line_put(o, ITEM_ADDRESS, word);
		else
			line_put(o, ITEM_DETAIL, word);
	}
}

bool dnsmasq_body(struct line_out *o, const struct line_head *h)
{
	struct slice rest = h->message, serial, peer, ahead = rest;

	if (!slice_starts(h->process, SLICE("dnsmasq")))
		return false;
	o->sure = true;
	/* --log-queries=extra: SERIAL ADDRESS/PORT in front */
	if (word_next(&ahead, &serial) && is_number(serial) && word_next(&ahead, &peer) &&
		slice_find(peer, '/', 0) < peer.len) {
		line_put(o, ITEM_FLOW, serial);
		line_put_endpoint(o, ITEM_CLIENT, LINE_ITEMS, ITEM_CLIENT_PORT, peer, '/');
		(void)text_next(&ahead, SLICE(" "));
		rest = ahead;
	}
	if (slice_starts(rest, SLICE("DHCP")) && slice_find(rest, '(', 0) < rest.len)
		dnsmasq_lease(o, rest);
	else if (!dnsmasq_words(o, rest, rest.data != h->message.data))
		line_put(o, ITEM_MESSAGE, rest);
	return true;
}

/* ---- PowerDNS -------------------------------------------------------------------------------- */

static struct slice rcode_name(struct slice number)
{
	static const char *const names[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP",
		"REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE"};
	uint64_t value;

	return slice_to_u64(number, &value) && value < COUNT_OF(names) ? slice_of(names[value])
								       : number;
}

/* 'NAME|TYPE' at the front; what is behind the closing quote stays. */
static bool powerdns_question(struct line_out *o, struct slice *rest)
{
	size_t bar = slice_find(*rest, '|', 0), close = slice_find(*rest, '\'', bar);

	if (close == rest->len)
		return false;
	line_put(o, ITEM_QUERY, slice_cut(*rest, 0, bar));
	line_put(o, ITEM_QUERY_TYPE, slice_cut(*rest, bar + 1, close));
	*rest = slice_cut(*rest, close + 1, rest->len);
	return true;
}

/* key="value" pairs of the recursor's structured log (4.8 on), escaped with backslashes. */
static bool powerdns_structured(struct line_out *o, struct slice rest)
{
	static const struct {
		const char *key;
		enum line_item item;
	} keys[] = {
		{"qname",           ITEM_QUERY        },
		{"qtype",           ITEM_QUERY_TYPE   },
		{"remote",          ITEM_CLIENT       },
		{"proto",           ITEM_TRANSPORT    },
		{"ts",              ITEM_TIME         },
		{"rcode",           ITEM_RESPONSE_CODE},
		{"msg",             ITEM_DETAIL       },
		{"subsystem",       ITEM_DETAIL       },
		{"prio",            ITEM_DETAIL       },
		{"validationState", ITEM_DETAIL       },
		{"netms",           ITEM_DETAIL       },
		{"totms",           ITEM_DETAIL       },
	};

	while (rest.len != 0) {
		size_t equals = slice_find(rest, '=', 0), end;
		struct slice key = slice_trim(slice_cut(rest, 0, equals)), value;
		enum line_item item = ITEM_MESSAGE;

		if (equals + 1 >= rest.len || rest.data[equals + 1] != '"')
			return false;
		for (end = equals + 2; end < rest.len && rest.data[end] != '"'; end++)
			if (rest.data[end] == '\\' && end + 1 < rest.len)
				end++;
		value = slice_cut(rest, equals + 2, end);
		rest = slice_cut(rest, end + 1, rest.len);
		for (size_t i = 0; i < COUNT_OF(keys); i++)
			if (slice_is(key, keys[i].key))
				item = keys[i].item;
		if (item == ITEM_QUERY)
			o->sure = true;
		if (item == ITEM_CLIENT)
			line_put_endpoint(o, item, LINE_ITEMS, ITEM_CLIENT_PORT, value, ':');
		else if (item == ITEM_RESPONSE_CODE)
			line_put_copy(o, item, rcode_name(value));
		else if (item == ITEM_MESSAGE && is_number(value)) /* levels, counts */
			line_put_named(o, ITEM_DETAIL, key, value, ESCAPE_QUOTE);
		else
			line_put_named(o, item, key, value, ESCAPE_QUOTE);
	}
	return true;
}

bool powerdns_body(struct line_out *o, const struct line_head *h)
{
	struct slice rest = h->process.len != 0 ? h->message : h->rest;
	struct slice front = slice_cut(rest, 0, 256), word;
	size_t at;

	if (slice_starts(rest, SLICE("msg=\"")) && powerdns_structured(o, rest))
		return true;
	/* [TCP ]Remote ADDRESS[<-CLIENT SUBNET] wants 'NAME|TYPE', do = ... */
	at = slice_find_text(front, SLICE(" wants '"));
	if (at < front.len) {
		if (text_next(&rest, SLICE("TCP "))) {
			line_put_copy(o, ITEM_TRANSPORT, SLICE("tcp"));
			at -= 4;
		}
		if (!text_next(&rest, SLICE("Remote ")))
			return false;
		at -= 7;
		word = slice_cut(rest, 0, at);
		line_put(o, ITEM_CLIENT, slice_cut(word, 0, slice_find(word, '<', 0)));
		rest = slice_cut(rest, at + 8, rest.len);
		o->sure = true;
		return powerdns_question(o, &rest);
	}
	/* THREAD [n/m] [TCP ]question for 'NAME|TYPE' from ADDRESS:PORT */
	at = slice_find_text(front, SLICE("question for '"));
	if (at < front.len) {
		rest = slice_cut(rest, at + 14, rest.len);
		o->sure = true;
		if (!powerdns_question(o, &rest))
			return false;
		if (text_next(&rest, SLICE(" from ")) && word_next(&rest, &word))
			line_put_endpoint(o, ITEM_CLIENT, LINE_ITEMS, ITEM_CLIENT_PORT, word, ':');
		return true;
	}
	/* THREAD [n/m] answer to question 'NAME|TYPE': ... rcode=n */
	at = slice_find_text(front, SLICE("answer to question '"));
	if (at < front.len) {
		rest = slice_cut(rest, at + 20, rest.len);
		o->sure = true;
		if (!powerdns_question(o, &rest))
			return false;
		at = slice_find_text(rest, SLICE("rcode="));
		line_put_copy(o, ITEM_RESPONSE_CODE,
			rcode_name(slice_trim(slice_cut(rest, at + 6, rest.len))));
		return true;
	}
	if (!h->has_time)
		return false;
	o->sure = slice_starts(h->process, SLICE("pdns"));
	line_put(o, ITEM_MESSAGE, rest);
	return true;
}

/* ---- rows
 * ------------------------------------------------------------------------------------------------------
 */

static bool parse_with(struct line_out *o, struct slice line, line_body *body)
{
	struct line_head h;

	line_head_parse(line, &h);
	line_head_put(o, &h);
	if (body(o, &h))
		return true;
	/* Another daemon in the same file, or another kind of line of this one. */
	if (!h.has_time)
		return false;
	line_message_put(o, &h);
	o->sure = false;
	return true;
}

#define DNS_ROW(server)                                                                            \
	static bool server##_parse(struct line_out *o, struct slice line)                          \
	{                                                                                          \
		return parse_with(o, line, server##_body);                                         \
	}                                                                                          \
	static unsigned server##_guess(struct slice head, const char *name)                        \
	{                                                                                          \
		(void)name;                                                                        \
		return line_guess(head, server##_parse, 90);                                       \
	}                                                                                          \
	static bool server##_line(struct logs_reader *r, struct slice line)                        \
	{                                                                                          \
		return line_read(r, r->state, line, server##_parse, #server);                      \
	}                                                                                          \
	static bool server##_detail(struct logs_reader *r, struct slice line, struct arena *a,     \
		struct event *ret_event)                                                           \
	{                                                                                          \
		return line_detail(r, line, a, ret_event, server##_parse);                         \
	}                                                                                          \
	const struct logs_format_row logs_##server = {.name = #server,                             \
		.guess = server##_guess,                                                           \
		.open = line_open,                                                                 \
		.close = line_close,                                                               \
		.line = server##_line,                                                             \
		.detail = server##_detail}

DNS_ROW(bind);
DNS_ROW(unbound);
DNS_ROW(dnsmasq);
DNS_ROW(powerdns);
