/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Every statement the store ever runs (but for the schema): one row each, so that what is asked of
 * the database can be read in one place. A connection prepares a statement when it first needs it,
 * and keeps it.
 */
#ifndef STORE_SQL_H
#define STORE_SQL_H

/* What a cursor reads of an object. */
#define ROW_OF_OBJECT                                                                              \
	"o.serial, o.type, o.uuid, o.version_us, o.created_us, o.flags, o.label, o.added_us,"      \
	" o.body_bytes, o.dictionary, o.body, o.traits, o.member"

/* clang-format off */
#define STORE_STATEMENTS(X) \
	/* transactions */ \
	X(BEGIN_READ, "BEGIN") \
	X(BEGIN_WRITE, "BEGIN IMMEDIATE") \
	X(COMMIT, "COMMIT") \
	X(STATE_GET, "SELECT serial_last, ident_last, added_last_us, objects, things, refs, vals," \
		" body_bytes, packed_bytes, label_epoch, access_epoch, store, values_last FROM state") \
	X(STATE_PUT, "UPDATE state SET serial_last = ?1, ident_last = ?2, added_last_us = ?3," \
		" objects = ?4, things = ?5, refs = ?6, vals = ?7, body_bytes = ?8," \
		" packed_bytes = ?9, label_epoch = ?10, values_last = ?11") \
	/* what was ever taken out, and how many of them have left the files (store_purge.c) */ \
	X(ERASED, "UPDATE state SET erased = erased + 1") \
	X(PURGE_GET, "SELECT erased, purged, purge_page, purge_target FROM state") \
	X(PURGE_PAGE, "UPDATE state SET purge_page = ?1, purge_target = ?2") \
	X(PURGE_DONE, "UPDATE state SET purged = ?1, purge_page = 0") \
	X(DATA_VERSION, "PRAGMA data_version") \
	X(ACCESS_CHANGED, "UPDATE state SET access_epoch = access_epoch + 1 RETURNING access_epoch") \
	/* names and ids */ \
	X(TYPES_GET, "SELECT number, name FROM type WHERE number > ?1 ORDER BY number") \
	X(TYPE_ADD, "INSERT INTO type (number, name) VALUES (?1, ?2)") \
	X(TYPE_COUNT, "UPDATE type SET objects = objects + ?2 WHERE number = ?1") \
	X(TYPE_COUNTS, "SELECT number, objects FROM type WHERE objects > 0 ORDER BY number") \
	X(PROPERTIES_GET, "SELECT number, name FROM property WHERE number > ?1 ORDER BY number") \
	X(PROPERTY_ADD, "INSERT INTO property (number, name) VALUES (?1, ?2)") \
	X(IDENT_GET, "SELECT number, own FROM ident WHERE uuid = ?1 AND type = ?2") \
	X(IDENT_ADD, "INSERT INTO ident (number, uuid, type, own) VALUES (?1, ?2, ?3, ?4)") \
	X(IDENT_OWN, "UPDATE ident SET own = ?1 WHERE uuid = ?2 AND type = ?3") \
	X(TAIL_GET, "SELECT number, uuid, type, own FROM ident_tail") \
	X(TAIL_FIND, "SELECT number, own FROM ident_tail WHERE uuid = ?1 AND type = ?2") \
	X(TAIL_ADD, "INSERT INTO ident_tail (number, uuid, type, own) VALUES (?1, ?2, ?3, ?4)") \
	X(TAIL_OWN, "UPDATE ident_tail SET own = ?1 WHERE number = ?2") \
	X(TAIL_MERGE, "INSERT OR FAIL INTO ident (uuid, type, number, own)" \
		" SELECT uuid, type, number, own FROM ident_tail ORDER BY uuid, type") \
	X(TAIL_CLEAR, "DELETE FROM ident_tail") \
	/* labels and marking-definitions */ \
	X(LABEL_GET, "SELECT markings FROM label WHERE number = ?1") \
	X(LABEL_FIND, "SELECT number FROM label WHERE digest = ?1") \
	X(LABEL_ADD, "INSERT INTO label (digest, markings) VALUES (?1, ?2)") \
	X(MARKING_GET, "SELECT kind, here FROM marking WHERE uuid = ?1") \
	X(MARKING_PUT, "INSERT INTO marking (uuid, kind, here) VALUES (?1, ?2, 1)" \
		" ON CONFLICT DO UPDATE SET here = 1, kind = CASE WHEN kind = excluded.kind" \
		" AND (kind <> 3 OR here = 0) THEN kind ELSE 0 END") \
	X(MARKED, "SELECT DISTINCT ident, own FROM object WHERE own IN" \
		" (SELECT number FROM label WHERE instr(markings, ?1) > 0)") \
	X(MARKING_GONE, "UPDATE marking SET here = 0 WHERE uuid = ?1") \
	/* objects */ \
	X(OBJECT_ADD, "INSERT INTO object (serial, ident, version_us, type, uuid, created_us, flags," \
		" added_us, label, own, member, origin, body_bytes, dictionary, refs, body, traits)" \
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)") \
	X(OBJECT_AT, "SELECT serial, origin, body_bytes, dictionary, body FROM object" \
		" WHERE ident = ?1 AND version_us = ?2") \
	X(OBJECT_FLAGS, "UPDATE object SET flags = ?2 WHERE serial = ?1") \
	X(OBJECT_LABEL, "UPDATE object SET label = ?2 WHERE serial = ?1") \
	X(OBJECT_LABEL_GET, "SELECT label FROM object WHERE serial = ?1") \
	X(OBJECT_OLDER, "SELECT serial, flags, own FROM object WHERE ident = ?1 AND version_us < ?2" \
		" ORDER BY version_us DESC") \
	X(OBJECT_NEWER, "SELECT serial, flags, own FROM object WHERE ident = ?1 AND version_us > ?2" \
		" ORDER BY version_us") \
	X(OBJECT_GONE, "SELECT ident, version_us, type, uuid, flags, member, origin, body_bytes," \
		" dictionary, refs, body FROM object WHERE serial = ?1") \
	X(OBJECT_DELETE, "DELETE FROM object WHERE serial = ?1") \
	X(OBJECT_BODY, "SELECT body_bytes, dictionary, body FROM object WHERE serial = ?1") \
	X(OBJECT_SAMPLE, "SELECT serial, body_bytes, dictionary, body, ident FROM object" \
		" WHERE serial >= ?1 LIMIT 1") \
	X(ORIGIN_GET, "SELECT m.name, o.origin, o.added_us FROM object o" \
		" JOIN member m ON m.number = o.member WHERE o.serial = ?1") \
	X(GONE_ADD, "INSERT INTO gone (member, origin, serial, removed_us) VALUES (?1, ?2, ?3, ?4)") \
	/* who else vouches; holds: the first one does no more */ \
	X(VOUCH_ADD, "INSERT INTO vouch (member, leaf, serial, added_us) VALUES (?1, ?2, ?3, ?4)") \
	X(VOUCH_FIND, "SELECT number, serial FROM vouch WHERE member = ?1 AND leaf = ?2") \
	X(VOUCH_POINT, "UPDATE vouch SET serial = ?2, holds = 0 WHERE number = ?1") \
	X(VOUCH_GET, "SELECT serial, holds, member FROM vouch WHERE number = ?1") \
	X(VOUCH_NEXT, "SELECT v.number, m.name, v.holds, v.member FROM vouch v" \
		" JOIN member m ON m.number = v.member WHERE v.serial = ?1 ORDER BY v.number LIMIT 1") \
	X(VOUCH_HOLD, "UPDATE vouch SET holds = 1 WHERE serial = ?1") \
	X(VOUCH_DROP, "DELETE FROM vouch WHERE number = ?1") \
	X(VOUCH_DROP_ALL, "DELETE FROM vouch WHERE serial = ?1") \
	X(OBJECT_OWNER, "SELECT member, origin FROM object WHERE serial = ?1") \
	X(OBJECT_HAND_OVER, "UPDATE object SET member = ?2, origin = ?3 WHERE serial = ?1") \
	X(DUE_PUT, "INSERT INTO due (serial, at_us, rule) VALUES (?1, ?2, ?3)" \
		" ON CONFLICT DO UPDATE SET at_us = excluded.at_us, rule = excluded.rule") \
	X(DUE_DROP, "DELETE FROM due WHERE serial = ?1") \
	X(DUE_GET, "SELECT at_us FROM due WHERE serial = ?1") \
	X(DUE_BEFORE, "SELECT serial, at_us, rule FROM due WHERE at_us < ?1 ORDER BY at_us, serial") \
	/* by whose they are; numbers past 2^62 are those of vouch */ \
	X(DUE_COUNTS, "SELECT m.name, c.rule, sum(c.n), min(c.first) FROM (SELECT o.member AS member," \
		" d.rule AS rule, count(*) AS n, min(d.at_us) AS first FROM due d JOIN object o" \
		" ON o.serial = d.serial WHERE d.at_us < ?1 GROUP BY o.member, d.rule UNION ALL" \
		" SELECT v.member, d.rule, count(*), min(d.at_us) FROM due d JOIN vouch v" \
		" ON v.number = d.serial - ?2 WHERE d.at_us < ?1 AND d.serial >= ?2" \
		" GROUP BY v.member, d.rule) c JOIN member m ON m.number = c.member" \
		" GROUP BY m.name, c.rule ORDER BY min(c.first), m.name, c.rule") \
	X(DELETED_ADD, "INSERT INTO deleted (at_us, serial, due_us, member, rule, policy)" \
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6)") \
	X(DELETED_SINCE, "SELECT at_us, serial, due_us, member, rule, policy, number FROM deleted" \
		" WHERE at_us >= ?1 ORDER BY at_us DESC, number DESC") \
	X(DELETED_AFTER, "SELECT at_us, serial, due_us, member, rule, policy, number FROM deleted" \
		" WHERE number > ?1 ORDER BY number") \
	X(RETENTION, "SELECT (SELECT count(*) FROM due), (SELECT min(at_us) FROM due)," \
		" (SELECT count(*) FROM deleted), (SELECT max(at_us) FROM deleted)," \
		" (SELECT count(*) FROM due WHERE at_us < ?1)," \
		" (SELECT count(*) FROM deleted WHERE at_us >= ?2)") \
	X(VOUCH_RESTS, "SELECT 1 FROM vouch WHERE serial = ?1 AND holds = 1 LIMIT 1") \
	X(TRAITS_GET, "SELECT number, text FROM traits WHERE number > ?1 ORDER BY number") \
	X(TRAITS_ADD, "INSERT INTO traits (number, text) VALUES (?1, ?2)") \
	X(OBJECT_TRAITS, "UPDATE object SET traits = ?2 WHERE serial = ?1") \
	/* the indexes of what is in an object */ \
	X(REFERENCE_ADD, "INSERT INTO reference (target, property, first, serials)" \
		" VALUES (?1, ?2, ?3, ?4)") \
	X(REFERENCE_DELETE, "DELETE FROM reference WHERE target = ?1 AND property = ?2 AND first = ?3") \
	X(REFERENCE_FIND, "SELECT first, serials FROM reference WHERE target = ?1 AND property = ?2" \
		" AND first <= ?3 ORDER BY first DESC LIMIT 1") \
	X(REFERENCE_PROPERTY, "SELECT property FROM reference WHERE target = ?1 AND property > ?2" \
		" ORDER BY property LIMIT 1") \
	X(REFERENCE_STREAM, "SELECT first, serials FROM reference WHERE target = ?1 AND property = ?2" \
		" AND first <= ?3 ORDER BY first DESC") \
	X(REFERRERS, "SELECT first, serials FROM reference WHERE target = ?1") \
	X(VALUES_WAITING, "SELECT count(*) FROM value_of WHERE kind = ?1 AND serial > ?2") \
	X(VALUES_MERGE, "INSERT OR FAIL INTO value (kind, key, serial) SELECT kind, key, serial FROM value_of" \
		" WHERE kind = ?1 AND serial > ?2 ORDER BY key, serial") \
	X(VALUE_DELETE, "DELETE FROM value WHERE kind = ?1 AND key = ?2 AND serial = ?3") \
	X(VALUE_STREAM, "SELECT serial FROM value WHERE kind = ?1 AND key = ?2 AND serial <= ?3" \
		" ORDER BY serial DESC") \
	X(VALUE_RANGE, "SELECT key, serial FROM value WHERE kind = ?1 AND key >= ?2 AND key < ?3") \
	X(VALUE_FIRST, "SELECT key FROM value WHERE kind = ?1 AND key >= ?2 ORDER BY key LIMIT 1") \
	X(VALUE_OF_ADD, "INSERT INTO value_of (kind, serial, key) VALUES (?1, ?2, ?3)") \
	X(VALUE_OF_LIST, "SELECT key FROM value_of WHERE kind = ?1 AND serial = ?2") \
	X(VALUE_OF_DELETE, "DELETE FROM value_of WHERE kind = ?1 AND serial = ?2") \
	X(VALUE_WALK, "SELECT serial, key FROM value_of WHERE kind = ?1 AND serial <= ?2" \
		" AND serial > ?3 ORDER BY serial DESC") \
	/* collections */ \
	X(COLLECTIONS_GET, "SELECT number, uuid, title, description, alias, tlp_max, public_read," \
		" created_us, last_added_us, entries, change, clock_us FROM collection ORDER BY number") \
	X(COLLECTION_ADD, "INSERT INTO collection (uuid, title, description, alias, tlp_max," \
		" public_read, created_us) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)") \
	X(COLLECTION_CHANGE, "UPDATE collection SET uuid = ?1, title = ?2, description = ?3," \
		" alias = ?4, tlp_max = ?5, public_read = ?6 WHERE number = ?8") \
	X(COLLECTION_COUNTS, "UPDATE collection SET last_added_us = ?2, entries = ?3, change = ?4," \
		" clock_us = ?5 WHERE number = ?1") \
	X(COLLECTION_DELETE, "DELETE FROM collection WHERE number = ?1") \
	X(SWEEP_ADD, "INSERT INTO sweep (collection) VALUES (?1)") \
	X(SWEEP_GET, "SELECT collection FROM sweep LIMIT 1") \
	X(SWEEP_DONE, "DELETE FROM sweep WHERE collection = ?1") \
	X(ENTRY_ADD, "INSERT INTO entry (collection, added_us, serial, type, flags)" \
		" VALUES (?1, ?2, ?3, ?4, ?5)") \
	X(ENTRY_OF, "SELECT added_us, flags FROM entry WHERE collection = ?1 AND serial = ?2") \
	X(ENTRY_FLAGS, "UPDATE entry SET flags = ?3 WHERE collection = ?1 AND added_us = ?2") \
	X(ENTRY_DELETE, "DELETE FROM entry WHERE collection = ?1 AND added_us = ?2") \
	X(ENTRY_NEWEST, "SELECT max(added_us) FROM entry WHERE collection = ?1") \
	X(ENTRY_SOME, "SELECT added_us, serial FROM entry WHERE collection = ?1 ORDER BY added_us LIMIT ?2") \
	X(ENTRY_STREAM, "SELECT serial FROM entry INDEXED BY entry_serial" \
		" WHERE collection = ?1 AND serial <= ?2 ORDER BY serial DESC") \
	/* cursors */ \
	X(PAGE, "SELECT " ROW_OF_OBJECT ", e.added_us, e.flags FROM entry e" \
		" CROSS JOIN object o ON o.serial = e.serial" \
		" WHERE e.collection = ?1 AND e.added_us > ?2 AND (e.flags & ?3) <> 0" \
		" ORDER BY e.added_us") \
	X(PAGE_TYPES, "SELECT " ROW_OF_OBJECT ", e.added_us, e.flags FROM entry e" \
		" CROSS JOIN object o ON o.serial = e.serial" \
		" WHERE e.collection = ?1 AND e.added_us > ?2 AND (e.flags & ?3) <> 0" \
		" AND type_among(e.type, ?4) ORDER BY e.added_us") \
	X(PAGE_ONE, "SELECT " ROW_OF_OBJECT ", e.added_us, e.flags FROM entry e" \
		" CROSS JOIN object o ON o.serial = e.serial" \
		" WHERE e.collection = ?1 AND e.added_us = ?2") \
	X(VERSION_LIST, "SELECT serial, version_us FROM object WHERE ident = ?1 ORDER BY version_us") \
	X(VERSIONS, "SELECT " ROW_OF_OBJECT " FROM object o WHERE o.ident = ?1 ORDER BY o.version_us") \
	X(NEWEST, "SELECT " ROW_OF_OBJECT " FROM object o WHERE o.ident = ?1" \
		" ORDER BY o.version_us DESC LIMIT 1") \
	X(BY_SERIAL, "SELECT " ROW_OF_OBJECT " FROM object o WHERE o.serial = ?1") \
	X(OLDER, "SELECT " ROW_OF_OBJECT " FROM object o WHERE o.serial <= ?1 ORDER BY o.serial DESC") \
	X(ALL, "SELECT " ROW_OF_OBJECT " FROM object o WHERE o.serial > ?1 ORDER BY o.serial") \
	X(TYPE_STREAM, "SELECT serial FROM object WHERE type = ?1 AND serial <= ?2" \
		" ORDER BY serial DESC") \
	X(TEXT_STREAM, "SELECT rowid FROM text WHERE text MATCH ?1 AND rowid <= ?2" \
		" ORDER BY rowid DESC") \
	/* the text index, in its own file */ \
	X(TEXT_STATE_GET, "SELECT serial_last, gone_last, extraction, store FROM state") \
	X(TEXT_STATE_ADD, "INSERT INTO state (one, store, serial_last, gone_last, extraction)" \
		" VALUES (1, ?1, 0, ?3, ?2)") \
	X(TEXT_STATE_PUT, "UPDATE state SET serial_last = ?1, gone_last = ?2") \
	X(TEXT_TOUCH, "UPDATE state SET one = 1") \
	X(TEXT_ADD, "INSERT INTO text (rowid, words) VALUES (?1, ?2)") \
	X(TEXT_DELETE, "INSERT INTO text (text, rowid, words) VALUES ('delete', ?1, ?2)") \
	X(TEXT_SOURCE, "SELECT serial, type, body_bytes, dictionary, body FROM object" \
		" WHERE serial > ?1 ORDER BY serial LIMIT ?2") \
	X(TEXT_GONE_ADD, "INSERT INTO text_gone (serial, type, body_bytes, dictionary, body)" \
		" VALUES (?1, ?2, ?3, ?4, ?5)") \
	X(TEXT_GONE_SOME, "SELECT serial, type, body_bytes, dictionary, body, number FROM text_gone" \
		" WHERE number > ?1 ORDER BY number LIMIT ?2") \
	X(TEXT_GONE_KNOWN, "SELECT (SELECT coalesce(max(seq), 0) FROM sqlite_sequence" \
		" WHERE name = 'text_gone') - ?1 <= (SELECT count(*) FROM text_gone WHERE number > ?1)") \
	X(TEXT_GONE_LAST, "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'text_gone'") \
	X(TEXT_MERGE, "INSERT INTO text (text, rank) VALUES ('merge', ?1)") \
	X(TEXT_GONE_DELETE, "DELETE FROM text_gone WHERE number <= ?1") \
	/* members, evidence, notes, originals, statuses, dictionaries */ \
	X(MEMBER_GET, "SELECT number, origin_last, evidence_count, evidence_bytes FROM member" \
		" WHERE name = ?1") \
	X(MEMBER_ADD, "INSERT INTO member (name) VALUES (?1)") \
	X(MEMBER_COUNTS, "UPDATE member SET origin_last = ?2, evidence_count = ?3," \
		" evidence_bytes = ?4 WHERE number = ?1") \
	X(MEMBER_NAME, "SELECT name FROM member WHERE number = ?1") \
	X(RELEASED_ADD, "INSERT INTO released (at_us, recipient, rule, policy, first, last, total," \
		" serials) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?8 +" \
		" coalesce((SELECT total FROM released ORDER BY number DESC LIMIT 1), 0), ?7)") \
	X(RELEASED_ALL, "SELECT at_us, recipient, rule, policy, first, last, serials FROM released" \
		" ORDER BY number DESC") \
	X(RELEASED_FIRST, "SELECT at_us, total FROM released ORDER BY number LIMIT 1") \
	X(RELEASED_LAST, "SELECT total FROM released ORDER BY number DESC LIMIT 1") \
	X(RELEASED_DROP, "DELETE FROM released WHERE total <= ?2 OR number < coalesce(" \
		"(SELECT number FROM released WHERE at_us >= ?1 ORDER BY number LIMIT 1)," \
		" 9223372036854775807)") \
	X(EVIDENCE_ADD, "INSERT INTO evidence (type, uuid, version_us, member, received_us, digest," \
		" body_bytes, dictionary, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)" \
		" ON CONFLICT DO NOTHING") \
	X(EVIDENCE_DROP, "DELETE FROM evidence WHERE type = ?1 AND uuid = ?2 AND version_us = ?3") \
	X(EVIDENCE_EXPIRE, "DELETE FROM evidence WHERE received_us <= ?2" \
		" AND member = (SELECT number FROM member WHERE name = ?1)") \
	X(EVIDENCE_ALL, "SELECT e.number, e.type, e.uuid, e.version_us, m.name, e.received_us," \
		" e.body_bytes, e.dictionary, e.body FROM evidence e JOIN member m ON m.number = e.member" \
		" ORDER BY e.number") \
	X(NOTE_GET, "SELECT value FROM note WHERE key = ?1") \
	X(NOTE_PUT, "INSERT INTO note (key, value) VALUES (?1, ?2)" \
		" ON CONFLICT DO UPDATE SET value = excluded.value") \
	X(NOTE_DELETE, "DELETE FROM note WHERE key = ?1") \
	X(ORIGINAL_PUT, "INSERT INTO original (kind, key, body_bytes, body) VALUES (?1, ?2, ?3, ?4)" \
		" ON CONFLICT DO UPDATE SET body_bytes = excluded.body_bytes, body = excluded.body") \
	X(ORIGINAL_GET, "SELECT body_bytes, body FROM original WHERE kind = ?1 AND key = ?2") \
	X(ORIGINAL_KEYS, "SELECT key FROM original WHERE kind = ?1 ORDER BY key") \
	X(STATUS_PUT, "INSERT INTO status (uuid, account, created_us, json) VALUES (?1, ?2, ?3, ?4)" \
		" ON CONFLICT DO UPDATE SET account = excluded.account," \
		" created_us = excluded.created_us, json = excluded.json") \
	X(STATUS_GET, "SELECT json FROM status WHERE uuid = ?1 AND account = ?2 AND created_us > ?3") \
	X(STATUS_OLD, "SELECT 1 FROM status WHERE created_us <= ?1 LIMIT 1") \
	X(STATUS_DROP, "DELETE FROM status WHERE created_us <= ?1") \
	X(DICTIONARIES, "SELECT number, bytes FROM dictionary WHERE number > ?1 ORDER BY number") \
	X(DICTIONARY_ADD, "INSERT INTO dictionary (number, trained_us, bytes) VALUES (?1, ?2, ?3)") \
	/* accounts and rights */ \
	X(ACCOUNTS, "SELECT number, name, role, password, token, pin, disabled, created_us, member" \
		" FROM account ORDER BY number") \
	X(ACCOUNT_BY_NAME, "SELECT number, name, role, password, token, pin, disabled, created_us, member" \
		" FROM account WHERE name = ?1") \
	X(ACCOUNT_BY_TOKEN, "SELECT number, name, role, password, token, pin, disabled, created_us, member" \
		" FROM account WHERE token = ?1") \
	X(ACCOUNT_BY_PIN, "SELECT number, name, role, password, token, pin, disabled, created_us, member" \
		" FROM account WHERE pin = ?1") \
	X(ACCOUNT_PUT, "INSERT INTO account (name, role, password, token, pin, disabled, created_us, member)" \
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (name) DO UPDATE SET" \
		" role = excluded.role, password = excluded.password, token = excluded.token," \
		" pin = excluded.pin, disabled = excluded.disabled," \
		" member = excluded.member") \
	X(ACCOUNT_DELETE, "DELETE FROM account WHERE name = ?1") \
	X(RIGHT_PUT, "INSERT INTO access_right (account, collection, rights) VALUES (?1, ?2, ?3)" \
		" ON CONFLICT DO UPDATE SET rights = excluded.rights") \
	X(RIGHT_DELETE, "DELETE FROM access_right WHERE account = ?1 AND collection = ?2") \
	X(RIGHT_GET, "SELECT rights FROM access_right WHERE account = ?1 AND collection = ?2") \
	/* care */ \
	X(STATS, "SELECT (SELECT count(*) FROM collection)," \
		" (SELECT coalesce(sum(entries), 0) FROM collection), (SELECT count(*) FROM evidence)," \
		" (SELECT count(*) FROM account)," \
		" (SELECT added_us FROM object ORDER BY serial LIMIT 1)," \
		" (SELECT added_us FROM object ORDER BY serial DESC LIMIT 1)") \
	X(CHECK_PAGES, "PRAGMA integrity_check(20)") \
	X(CHECK_TEXT, "INSERT INTO text (text) VALUES ('integrity-check')") \
	X(CHECK_OBJECTS, "SELECT serial, ident, version_us, type, uuid, flags, added_us, label, own," \
		" body_bytes, dictionary, refs, body FROM object ORDER BY serial") \
	X(CHECK_VERSIONS, "SELECT ident, serial, flags FROM object INDEXED BY object_version" \
		" ORDER BY ident, version_us") \
	X(CHECK_OWN, "SELECT own FROM object WHERE ident = ?1") \
	X(CHECK_REFERENCES, "SELECT first, serials FROM reference") \
	X(CHECK_ENTRIES, "SELECT e.serial, e.added_us, e.type, e.flags, o.type, o.ident, o.version_us" \
		" FROM entry e LEFT JOIN object o ON o.serial = e.serial WHERE e.collection = ?1" \
		" ORDER BY e.added_us") \
	X(CHECK_MEMBERS, "SELECT number, name, origin_last FROM member ORDER BY number") \
	X(CHECK_ORIGINS, "SELECT origin FROM object WHERE member = ?1" \
		" UNION ALL SELECT origin FROM gone WHERE member = ?1 ORDER BY origin") \
	X(CHECK_INDEXES, "SELECT (SELECT count(*) FROM value)," \
		" (SELECT count(*) FROM value_of)," \
		" (SELECT count(*) FROM value_of WHERE serial <= (SELECT values_last FROM state))," \
		" (SELECT count(*) FROM value_of v WHERE (serial > (SELECT values_last FROM state)" \
		"  OR EXISTS (SELECT 1 FROM value w WHERE w.kind = v.kind AND w.key = v.key" \
		"   AND w.serial = v.serial))" \
		"  AND EXISTS (SELECT 1 FROM object o WHERE o.serial = v.serial))") \
	X(CHECK_EVIDENCE, "SELECT number, body_bytes, dictionary, body FROM evidence") \
	X(CHECK_ORIGINALS, "SELECT number, body_bytes, 0, body FROM original")
/* clang-format on */

enum sql_id {
#define SQL_ID(name, text) SQL_##name,
	STORE_STATEMENTS(SQL_ID)
#undef SQL_ID
		SQL_COUNT
};

#endif
