/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What serai rehearse rehearses with besides real intelligence: a policy, an amendment of it, and a
 * few objects that stand for what must not travel. The names are those reserved by RFC 2606.
 */
#include "verb_rehearse.h"

/* clang-format off */

/* ---- the policies ---------------------------------------------------------------------------- */

/* JSON as it is written, without a backslash before each quote. */
#define LINE(...) #__VA_ARGS__ "\n"

#define POLICY(version_and_base, rules)                                                            \
	LINE({"type": "policy", "name": "silk-road", "expires": "2099-01-01T00:00:00Z",)           \
	version_and_base                                                                           \
	LINE("rules": [) rules LINE(]})

/* Indicators up to this to all. */
#define R1(tlp)                                                                                    \
	LINE({"id": "R1", "family": "exchange", "effect": "permit", "clause": "2.1",)              \
	LINE("when": {"act": ["share"], "to": ["@members"],)                                       \
	LINE("kind": ["indicator", "malware", "vulnerability"],)                                   \
	"\"tlp\": {\"le\": \"" tlp "\"},\n"                                                        \
	LINE("pii": ["none"]}, "must": {"retain_days": 365}},)

/* Observations of the energy sector to the affected member alone. */
#define R2                                                                                         \
	LINE({"id": "R2", "family": "exchange", "effect": "permit", "clause": "3.1",)              \
	LINE("when": {"act": ["share"], "to": ["@members"], "kind": ["observed-data"],)            \
	LINE("sector": ["energy"], "to_affected": [true], "tlp": {"le": "amber+strict"},)          \
	LINE("pii": ["none", "pseudonymous"]}, "must": {"retain_days": 180, "onward": "none"}},)

/* Received GREEN may be told on. */
#define R3                                                                                         \
	LINE({"id": "R3", "family": "exchange", "effect": "permit", "clause": "2.2",)              \
	LINE("when": {"act": ["reshare"], "to": ["@members"], "origin": ["received"],)             \
	LINE("kind": {"not": ["identity", "observed-data"]}, "tlp": {"le": "green"},)              \
	LINE("pii": ["none"]}, "must": {"retain_days": 365}},)

/* Attack patterns and mitigations, also when nobody marked them. */
#define R4                                                                                         \
	LINE({"id": "R4", "family": "exchange", "effect": "permit", "clause": "2.3",)              \
	LINE("when": {"act": ["share"], "to": ["@members"],)                                       \
	LINE("kind": ["attack-pattern", "course-of-action"], "tlp": ["none", "clear", "green"],)   \
	LINE("pii": ["none"]}, "must": {"retain_days": 365, "attribution": "as-marked"}},)

/* RED and personal data never; what nobody marked not at all, as no rule says so. */
#define NEVER                                                                                      \
	LINE({"id": "N1", "family": "exchange", "effect": "never", "clause": "1.1",)               \
	LINE("when": {"tlp": ["red"]}},)                                                           \
	LINE({"id": "N2", "family": "exchange", "effect": "never", "clause": "1.2",)               \
	LINE("when": {"pii": ["personal"]}})

const char rehearse_policy_1[] =
	POLICY(LINE("version": 1, "base": "",), R1("amber") R2 R3 NEVER);

/* AMBER indicators no longer. */
const char rehearse_policy_2[] =
	POLICY(LINE("version": 2, "base": "sha256:%s",), R1("green") R2 R3 R4 NEVER);

/* ---- the objects ----------------------------------------------------------------------------- */

#define TIME  "2026-01-05T08:00:00.000Z"
#define SINCE "2026-01-05T08:00:00Z"

#define BUNDLE(number, objects)                                                                    \
	"{\"type\":\"bundle\",\"id\":\"bundle--a1a1a1a1-0000-4000-8000-00000000000" number         \
	"\",\"objects\":[\n" objects "\n]}\n"
#define NEXT ",\n"

#define OBJECT(type, id) "{\"type\":\"" type "\",\"spec_version\":\"2.1\",\"id\":\"" id "\""
#define DATED(type, id)  OBJECT(type, id) ",\"created\":\"" TIME "\",\"modified\":\"" TIME "\""
#define NAMED(type, id, name) DATED(type, id) ",\"name\":\"" name "\""

#define MARKED(id) ",\"object_marking_refs\":[\"marking-definition--" id "\"]}"
/* The marking definitions of TLP 2.0, as src/stix/tlp.c names them. */
#define GREEN      MARKED("bab4a63c-aed9-4cf5-a766-dfca5abac2bb")
#define AMBER      MARKED("55d920b0-5e8b-4f79-9ee9-91f868d9b421")
#define RED        MARKED("e828b379-4e03-4974-9ac4-e53a884c97c1")
#define UNMARKED   "}"

#define INDICATOR(id, name, pattern, marking)                                                      \
	NAMED("indicator", id, name) ",\"indicator_types\":[\"malicious-activity\"],\"pattern\":\"[" \
	pattern "]\",\"pattern_type\":\"stix\",\"valid_from\":\"" SINCE "\"" marking
#define DOMAIN_IS(name) "domain-name:value = '" name "'"

#define PLANT "domain-name--24056210-2c62-5cde-80b9-06c7d232798a"

/* At north. */
const char rehearse_objects[] = BUNDLE("1",
	NAMED("report", REHEARSE_RED, "Who is behind it (for two people)")
		",\"report_types\":[\"threat-report\"],\"published\":\"" SINCE
		"\",\"object_refs\":[\"" REHEARSE_GREEN "\"]" RED NEXT
	DATED("observed-data", REHEARSE_OBSERVED) /* at a plant of east */
		",\"first_observed\":\"2026-01-04T22:10:00Z\""
		",\"last_observed\":\"2026-01-05T03:30:00Z\",\"number_observed\":17"
		",\"labels\":[\"sector:energy\",\"affected:east\"]"
		",\"object_refs\":[\"" PLANT "\"]" AMBER NEXT
	OBJECT("domain-name", PLANT) ",\"value\":\"plant.lantern.example\"" AMBER NEXT
	INDICATOR(REHEARSE_MISTAKE, "Wrongly listed: a mirror of a distribution",
		DOMAIN_IS("mirror.harmless.example"), GREEN) NEXT
	INDICATOR(REHEARSE_AMBER, "Staging server, under investigation",
		DOMAIN_IS("staging.lantern.example"), AMBER) NEXT
	INDICATOR(REHEARSE_PERSONAL, "Sender of the lure",
		"email-addr:value = 'ann.person@mail.example'", GREEN) NEXT
	INDICATOR(REHEARSE_UNMARKED, "Nobody said who may have it",
		DOMAIN_IS("unmarked.lantern.example"), UNMARKED) NEXT
	INDICATOR(REHEARSE_GREEN, "Command and control at a utility",
		DOMAIN_IS("control.lantern.example"), GREEN) NEXT
	/* Two that everybody may know and nobody marked. */
	NAMED("attack-pattern", "attack-pattern--d1a5c2e0-7b1f-4c3e-8a55-2b7c9d1e7a0d",
		"Commands to a controller from an office network") UNMARKED NEXT
	NAMED("course-of-action", "course-of-action--e2b6d3f1-8c20-4d4f-9b66-3c8dae2f7a0e",
		"Separate the office network from the controllers") UNMARKED);

/* At north, while east cannot be reached. */
const char rehearse_late[] = BUNDLE("2",
	INDICATOR("indicator--6ed19f50-81a7-4ad3-8caa-cea0df917a08", "Second server",
		DOMAIN_IS("second.lantern.example"), GREEN) NEXT
	INDICATOR("indicator--7fe2a061-92b8-4be4-9dbb-dfb1e0a27a09", "Third server",
		DOMAIN_IS("third.lantern.example"), GREEN) NEXT
	INDICATOR("indicator--70e3a162-93b9-4be5-9dbc-dfb2e1a37a0b",
		"Fourth server, under investigation",
		DOMAIN_IS("fourth.lantern.example"), AMBER));

/* At west, which no network reaches. */
const char rehearse_west[] = BUNDLE("3",
	INDICATOR(REHEARSE_WEST_GREEN, "Seen behind the air gap",
		DOMAIN_IS("relay.lantern.example"), GREEN) NEXT
	INDICATOR("indicator--9f04c283-b4da-4d06-9fdd-f1d302c47a0c",
		"Seen behind the air gap, not to be told on",
		DOMAIN_IS("quiet.lantern.example"), AMBER));
