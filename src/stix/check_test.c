/* SPDX-License-Identifier: MPL-2.0 */
/* Common data types, common properties, markings, extensions and meta objects: each rule on both
 * sides. */
#include "check_testing.h"

#define CAMPAIGN(rest) CORE("campaign", ",'name':'Green'" rest)
#define FILE_(rest)    SCO("file", ",'name':'a.exe'" rest)

static void test_values(void **state)
{
	static const struct check_case cases[] = {
		GOOD("2.1 base64", SCO("artifact", ",'payload_bin':'AAEC'")),
		GOOD("2.1 empty", SCO("artifact", ",'payload_bin':''")),
		BAD("2.1 length", SCO("artifact", ",'payload_bin':'AAE'"), "2.1", "payload_bin"),
		BAD("2.1 alphabet", SCO("artifact", ",'payload_bin':'AA-_'"), "2.1", "payload_bin"),
		BAD("2.1 padding", SCO("artifact", ",'payload_bin':'A==='"), "2.1", "payload_bin"),
		WARN("2.1 spare bits", SCO("artifact", ",'payload_bin':'AB=='"), "2.1",
			"payload_bin"),
		QUIET("2.1 no spare bits", SCO("artifact", ",'payload_bin':'AA=='"), "2.1",
			"payload_bin"),
		GOOD("2.2 true", CAMPAIGN(",'revoked':true")),
		BAD("2.2 a string", CAMPAIGN(",'revoked':'true'"), "3.2", "revoked"),
		GOOD("2.3 a dictionary",
			SCO("process", ",'pid':1,'environment_variables':{'PATH':'/bin'}")),
		BAD("2.3 empty", SCO("process", ",'environment_variables':{}"), "2.3",
			"environment_variables"),
		BAD("2.3 key", SCO("process", ",'environment_variables':{'a.b':'c'}"), "2.3",
			"environment_variables.a.b"),
		BAD("2.3 no dictionary", SCO("process", ",'environment_variables':[]"), "6.13",
			"environment_variables"),
		GOOD("2.5 one of three",
			CAMPAIGN(",'external_references':[{'source_name':'a','url':'http://a/'}]")),
		BAD("2.5 none of three", CAMPAIGN(",'external_references':[{'source_name':'a'}]"),
			"2.5", "external_references[0]"),
		BAD("2.5 no source", CAMPAIGN(",'external_references':[{'url':'http://a/'}]"),
			"2.5", "external_references[0].source_name"),
		WARN("2.5 url",
			CAMPAIGN(",'external_references':[{'source_name':'a','url':'a b'}]"), "2.5",
			"external_references[0].url"),
		WARN("2.5 url without hashes",
			CAMPAIGN(",'external_references':[{'source_name':'a','url':'http://a/'}]"),
			"2.5", "external_references"),
		BAD("2.5 no object", CAMPAIGN(",'external_references':['a']"), "3.2",
			"external_references[0]"),
		GOOD("2.6 a float", CORE("location", ",'latitude':1.5,'longitude':2")),
		BAD("2.6 a string", CORE("location", ",'latitude':'1.5','longitude':2"), "4.10",
			"latitude"),
		WARN("2.7 custom algorithm", FILE_(",'hashes':{'x_foo':'zz'}"), "10.7",
			"hashes.x_foo"),
		GOOD("2.7 algorithm of 3", FILE_(",'hashes':{'abc':'zz'}")),
		BAD("2.7 algorithm of 2", FILE_(",'hashes':{'ab':'zz'}"), "2.7", "hashes.ab"),
		BAD("2.7 algorithm with a dot", FILE_(",'hashes':{'a.b':'zz'}"), "2.7",
			"hashes.a.b"),
		BAD("2.7 no string", FILE_(",'hashes':{'MD5':5}"), "2.7", "hashes.MD5"),
		BAD("2.7 empty", FILE_(",'hashes':{}"), "2.3", "hashes"),
		WARN("2.7 no SHA-256",
			FILE_(",'hashes':{'MD5':'d41d8cd98f00b204e9800998ecf8427e'}"), "2.7",
			"hashes"),
		GOOD("10.7 MD5", FILE_(",'hashes':{'MD5':'D41D8CD98F00B204E9800998ECF8427E'}")),
		BAD("10.7 short MD5", FILE_(",'hashes':{'MD5':'d41d'}"), "10.7", "hashes.MD5"),
		GOOD("10.7 SHA-1",
			FILE_(",'hashes':{'SHA-1':'da39a3ee5e6b4b0d3255bfef95601890afd80709'}")),
		BAD("10.7 SHA-1 with g",
			FILE_(",'hashes':{'SHA-1':'ga39a3ee5e6b4b0d3255bfef95601890afd80709'}"),
			"10.7", "hashes.SHA-1"),
		GOOD("10.7 SSDEEP",
			FILE_(",'hashes':{'SSDEEP':'3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C'}")),
		GOOD("10.7 SSDEEP with a name", FILE_(",'hashes':{'SSDEEP':'3:AXG:AXG,a'}")),
		BAD("10.7 SSDEEP with two parts", FILE_(",'hashes':{'SSDEEP':'3:AXG'}"), "10.7",
			"hashes.SSDEEP"),
		GOOD("10.7 TLSH", FILE_(",'hashes':{'TLSH':'"
					"6FF02BEF718027B0160B4391212923ED7F1A463D563B1549B86CF62973"
					"B197AD2731F8'}")),
		GOOD("10.7 TLSH with T1", FILE_(",'hashes':{'TLSH':'"
						"T16FF02BEF718027B0160B4391212923ED7F1A463D563B1549"
						"B86CF62973B197AD2731F8'}")),
		BAD("10.7 short TLSH", FILE_(",'hashes':{'TLSH':'6FF0'}"), "10.7", "hashes.TLSH"),
		GOOD("2.8 hex", FILE_(",'magic_number_hex':'504b0304'")),
		BAD("2.8 upper case", FILE_(",'magic_number_hex':'504B0304'"), "2.8",
			"magic_number_hex"),
		BAD("2.8 odd", FILE_(",'magic_number_hex':'504'"), "2.8", "magic_number_hex"),
		GOOD("2.10 an integer", FILE_(",'size':9007199254740991")),
		GOOD("2.10 written as 5.0", FILE_(",'size':5.0")),
		BAD("2.10 too large", FILE_(",'size':9007199254740992"), "6.7", "size"),
		BAD("2.10 far too large", FILE_(",'size':18446744073709551615"), "2.10", "size"),
		BAD("2.10 a fraction", FILE_(",'size':5.5"), "6.7", "size"),
		QUIET("2.11 both names",
			CORE("tool", ",'name':'a','kill_chain_phases':[{'kill_chain_name':'a','"
				     "phase_name':'b-c'}]"),
			"2.11", "kill_chain_phases[0].phase_name"),
		BAD("2.11 one name",
			CORE("tool", ",'name':'a','kill_chain_phases':[{'kill_chain_name':'a'}]"),
			"2.11", "kill_chain_phases[0].phase_name"),
		WARN("2.11 upper case",
			CORE("tool", ",'name':'a','kill_chain_phases':[{'kill_chain_name':'A','"
				     "phase_name':'b'}]"),
			"2.11", "kill_chain_phases[0].kill_chain_name"),
		GOOD("2.12 a list", CAMPAIGN(",'aliases':['a']")),
		BAD("2.12 empty", CAMPAIGN(",'aliases':[]"), "2.12", "aliases"),
		BAD("2.12 no list", CAMPAIGN(",'aliases':'a'"), "4.2", "aliases"),
		BAD("2.12 a wrong item", CAMPAIGN(",'aliases':['a',5]"), "4.2", "aliases[1]"),
		BAD("2.12 empty custom list", CAMPAIGN(",'x_a':[]"), "2.12", "x_a"),
		QUIET("2.14 a term", CORE("identity", ",'name':'a','identity_class':'group'"),
			"10.8", "identity_class"),
		WARN("2.14 another", CORE("identity", ",'name':'a','identity_class':'guild'"),
			"10.8", "identity_class"),
		BAD("2.15 null", CORE("identity", ",'name':null"), "4.5", "name"),
		GOOD("2.16 a fraction of nine digits",
			CAMPAIGN(",'first_seen':'2020-01-01T00:00:00.123456789Z'")),
		GOOD("2.16 no fraction", CAMPAIGN(",'first_seen':'2020-01-01T00:00:00Z'")),
		BAD("2.16 an offset", CAMPAIGN(",'first_seen':'2020-01-01T00:00:00+00:00'"), "2.16",
			"first_seen"),
		BAD("2.16 30 February", CAMPAIGN(",'first_seen':'2020-02-30T00:00:00Z'"), "2.16",
			"first_seen"),
		BAD("2.16 a number", CAMPAIGN(",'first_seen':5"), "4.2", "first_seen"),
	};

	check_cases(*state, cases, COUNT_OF(cases));
}

static void test_identifiers(void **state)
{
	static const struct check_case cases[] = {
		QUIET("a reference", CAMPAIGN(",'created_by_ref':" REF("identity")), "3.2",
			"created_by_ref"),
		GOOD("UUID version 1", CAMPAIGN(",'created_by_ref':'identity--c232ab00-9414-11ec-"
						"b3c8-9f6bdeced846'")),
		GOOD("upper case digits", CAMPAIGN(",'created_by_ref':'identity--C232AB00-9414-"
						   "41EC-B3C8-9F6BDECED846'")),
		BAD("UUID version 7",
			CAMPAIGN(",'created_by_ref':'identity--c232ab00-9414-71ec-b3c8-"
				 "9f6bdeced846'"),
			"2.9", "created_by_ref"),
		BAD("wrong variant",
			CAMPAIGN(",'created_by_ref':'identity--c232ab00-9414-41ec-13c8-"
				 "9f6bdeced846'"),
			"2.9", "created_by_ref"),
		BAD("one digit too few",
			CAMPAIGN(",'created_by_ref':'identity--c232ab00-9414-41ec-b3c8-"
				 "9f6bdeced84'"),
			"2.9", "created_by_ref"),
		BAD("no digit",
			CAMPAIGN(",'created_by_ref':'identity--c232ab0g-9414-41ec-b3c8-"
				 "9f6bdeced846'"),
			"2.9", "created_by_ref"),
		BAD("one hyphen",
			CAMPAIGN(",'created_by_ref':'identity-c232ab00-9414-41ec-b3c8-"
				 "9f6bdeced846'"),
			"2.9", "created_by_ref"),
		BAD("upper case type",
			CAMPAIGN(",'created_by_ref':'Identity--c232ab00-9414-41ec-b3c8-"
				 "9f6bdeced846'"),
			"2.9", "created_by_ref"),
		BAD("another type's id",
			"{'type':'tool','spec_version':'2.1','id':'malware--" V4
			"','created':'2020-01-01T00:00:00.000Z','modified':'2020-01-01T00:00:00."
			"000Z','name':'a'}",
			"2.9", "id"),
		QUIET("SDO of version 4", CAMPAIGN(""), "2.9", "id"),
		WARN("SDO of version 5",
			"{'type':'tool','spec_version':'2.1','id':'tool--8e2e2d2b-17d4-5cbf-938f-"
			"98ee46b3cd3f"
			"','created':'2020-01-01T00:00:00.000Z','modified':'2020-01-01T00:00:00."
			"000Z','name':'a'}",
			"2.9", "id"),
		QUIET("the deterministic id",
			"{'type':'ipv4-addr','id':'ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4'"
			",'value':'198.51.100.3'}",
			"2.9", "id"),
		WARN("another id",
			"{'type':'ipv4-addr','id':'ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4'"
			",'value':'198.51.100.4'}",
			"2.9", "id"),
		WARN("a random id", SCO("ipv4-addr", ",'value':'198.51.100.4'"), "2.9", "id"),
		QUIET("no contributing property, random", SCO("process", ",'pid':5"), "2.9", "id"),
		BAD("no contributing property, version 5",
			"{'type':'user-account','id':'user-account--ff26c055-6336-5bc5-b98d-"
			"13d6226742dd','display_name':'a'}",
			"2.9", "id"),
		QUIET("3.6 versioned with a random id",
			SCO("ipv4-addr", ",'value':'198.51.100.3','created':'2020-01-01T00:00:00."
					 "000Z','modified':'2020-01-01T00:00:00.000Z'"),
			"3.6", "id"),
		BAD("3.6 versioned with the deterministic id",
			"{'type':'ipv4-addr','id':'ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4'"
			",'value':'198.51.100.3',"
			"'created':'2020-01-01T00:00:00.000Z','modified':'2020-01-01T00:00:00.000Z'"
			"}",
			"3.6", "id"),
	};

	check_cases(*state, cases, COUNT_OF(cases));
}

static void test_common(void **state)
{
	static const struct check_case cases[] = {
		BAD("no type", "{'id':'tool--" V4 "'}", "3.2", "type"),
		BAD("a type that is no string", "{'type':5,'id':'tool--" V4 "'}", "3.2", "type"),
		BAD("no id", "{'type':'url','value':'http://a/'}", "3.2", "id"),
		BAD("no created",
			"{'type':'tool','spec_version':'2.1','id':'tool--" V4
			"','modified':'2020-01-01T00:00:00.000Z','name':'a'}",
			"3.2", "created"),
		BAD("no modified",
			"{'type':'tool','spec_version':'2.1','id':'tool--" V4
			"','created':'2020-01-01T00:00:00.000Z','name':'a'}",
			"3.2", "modified"),
		BAD("created in seconds",
			"{'type':'tool','spec_version':'2.1','id':'tool--" V4
			"','created':'2020-01-01T00:00:00Z','modified':'2020-01-01T00:00:00.000Z','"
			"name':'a'}",
			"3.2", "created"),
		BAD("modified in hundredths",
			"{'type':'tool','spec_version':'2.1','id':'tool--" V4
			"','created':'2020-01-01T00:00:00.000Z','modified':'2020-01-01T00:00:00."
			"00Z','name':'a'}",
			"3.2", "modified"),
		BAD("modified before created",
			"{'type':'tool','spec_version':'2.1','id':'tool--" V4
			"','created':'2020-01-01T00:00:00.001Z','modified':'2020-01-01T00:00:00."
			"000Z','name':'a'}",
			"3.2", "modified"),
		GOOD("modified after created", "{'type':'tool','spec_version':'2.1','id':'tool--" V4
					       "','created':'2020-01-01T00:00:00.001Z','modified':'"
					       "2020-01-01T00:00:00.002Z','name':'a'}"),
		WARN("STIX 2.0",
			"{'type':'tool','id':'tool--" V4
			"','created':'2020-01-01T00:00:00.000Z','modified':'2020-01-01T00:00:00."
			"000Z','name':'a'}",
			"3.2", "spec_version"),
		WARN("STIX 2.0, said",
			"{'type':'tool','spec_version':'2.0','id':'tool--" V4
			"','created':'2020-01-01T00:00:00.000Z','modified':'2020-01-01T00:00:00."
			"000Z','name':'a'}",
			"3.2", "spec_version"),
		GOOD("STIX 2.0 had no is_family",
			"{'type':'malware','id':'malware--" V4
			"','created':'2020-01-01T00:00:00.000Z','modified':'2020-01-01T00:00:00."
			"000Z','name':'a'}"),
		BAD("STIX 2.0 had names",
			"{'type':'tool','id':'tool--" V4 "','created':'2020-01-01T00:00:00.000Z','"
			"modified':'2020-01-01T00:00:00.000Z'}",
			"4.18", "name"),
		BAD("STIX 2.2",
			"{'type':'tool','spec_version':'2.2','id':'tool--" V4
			"','created':'2020-01-01T00:00:00.000Z','modified':'2020-01-01T00:00:00."
			"000Z','name':'a'}",
			"3.2", "spec_version"),
		GOOD("an observable of 2.1", SCO("mutex", ",'name':'a','spec_version':'2.1'")),
		BAD("an observable of 2.0", SCO("mutex", ",'name':'a','spec_version':'2.0'"), "3.2",
			"spec_version"),
		WARN("a creator that is no identity", CAMPAIGN(",'created_by_ref':" REF("tool")),
			"3.2", "created_by_ref"),
		GOOD("labels", CAMPAIGN(",'labels':['a']")),
		BAD("a label that is no string", CAMPAIGN(",'labels':[5]"), "3.2", "labels[0]"),
		GOOD("confidence 0", CAMPAIGN(",'confidence':0")),
		GOOD("confidence 100", CAMPAIGN(",'confidence':100")),
		BAD("confidence 101", CAMPAIGN(",'confidence':101"), "3.2", "confidence"),
		BAD("confidence -1", CAMPAIGN(",'confidence':-1"), "3.2", "confidence"),
		QUIET("a language", CAMPAIGN(",'lang':'en'"), "3.2", "lang"),
		GOOD("script and region", CAMPAIGN(",'lang':'zh-Hant-TW'")),
		GOOD("extended language, variant, extension, private use",
			CAMPAIGN(",'lang':'zh-yue-HK-u-co-phonebk-x-a'")),
		GOOD("a variant of four", CAMPAIGN(",'lang':'de-1996'")),
		GOOD("private use", CAMPAIGN(",'lang':'x-whatever'")),
		GOOD("a language for private use", CAMPAIGN(",'lang':'qtz'")),
		GOOD("irregular", CAMPAIGN(",'lang':'i-klingon'")),
		BAD("an unknown language", CAMPAIGN(",'lang':'foo'"), "3.2", "lang"),
		BAD("a word", CAMPAIGN(",'lang':'english'"), "3.2", "lang"),
		BAD("an underscore", CAMPAIGN(",'lang':'en_US'"), "3.2", "lang"),
		BAD("a hyphen at the end", CAMPAIGN(",'lang':'en-'"), "3.2", "lang"),
		BAD("nothing behind x", CAMPAIGN(",'lang':'en-x'"), "3.2", "lang"),
		BAD("region before script", CAMPAIGN(",'lang':'zh-TW-Hant'"), "3.2", "lang"),
		WARN("no language", CAMPAIGN(""), "3.2", "lang"),
		QUIET("nothing to translate", CORE("location", ",'country':'de'"), "3.2", "lang"),
		GOOD("defanged observable", SCO("url", ",'value':'hxxp://a[.]b/','defanged':true")),
		BAD("the same, not defanged",
			SCO("url", ",'value':'hxxp://a[.]b/','defanged':false"), "6.15", "value"),
		BAD("defanged domain object", CAMPAIGN(",'defanged':false"), "3.2", "defanged"),
		WARN("labels of an observable", SCO("mutex", ",'name':'a','labels':['b']"), "3.2",
			"labels"),
		BAD("3.8 severity", CAMPAIGN(",'severity':5"), "3.8", "severity"),
		BAD("3.8 username", SCO("user-account", ",'user_id':'1','username':'a'"), "3.8",
			"username"),
		BAD("3.8 action", CORE("course-of-action", ",'name':'a','action':'b'"), "3.8",
			"action"),
		BAD("3.8 phone_number", CORE("x-a", ",'phone_number':'b'"), "3.8", "phone_number"),
		WARN("11.1 custom property", CAMPAIGN(",'x_acme_score':10"), "11.1",
			"x_acme_score"),
		WARN("11.1 without x_", CAMPAIGN(",'acme_score':10"), "11.1", "acme_score"),
		GOOD("11.1 of three letters", CAMPAIGN(",'x_a':10")),
		BAD("11.1 of two letters", CAMPAIGN(",'xa':10"), "3.1", "xa"),
		BAD("3.1 starts with a digit", CAMPAIGN(",'9lives':10"), "3.1", "9lives"),
		BAD("3.1 upper case", CAMPAIGN(",'x_Score':10"), "3.1", "x_Score"),
		BAD("3.1 hyphen", CAMPAIGN(",'x-score':10"), "3.1", "x-score"),
		BAD("3.1 not ASCII", CAMPAIGN(",'x_gr\xc3\xbc\xc3\x9f' :10"), "3.1",
			"x_gr\xc3\xbc\xc3\x9f"),
		BAD("3.1 bad behind sixteen good ones", CAMPAIGN(",'x_abcdefghijklmnop!':10"),
			"3.1", "x_abcdefghijklmnop!"),
		BAD("no object", "[]", "3", ""),
		BAD("a bundle", "{'type':'bundle','id':'bundle--" V4 "'}", "8", ""),
	};

	check_cases(*state, cases, COUNT_OF(cases));
}

/* 250 characters are the most that a name may have. */
static void test_name_limit(void **state)
{
	struct check_test *t = *state;
	struct buf text = BUF_INIT;

	for (size_t len = 250; len <= 251; len++) {
		buf_clear(&text);
		buf_text(&text, "{'type':'mutex','id':'mutex--" V4 "','name':'a','x_");
		for (size_t i = 2; i < len; i++)
			buf_char(&text, 'n');
		buf_text(&text, "':1}");
		buf_char(&text, '\0');
		check_run(t, check_parse(t, text.data), NULL);
		assert_int_equal(t->report.errors, len > 250);
	}
	buf_fini(&text);
}

#define STATEMENT ",'definition_type':'statement','definition':{'statement':'Copyright'}"
#define MARKING(rest)                                                                              \
	"{'type':'marking-definition','spec_version':'2.1','id':'marking-definition--" V4          \
	"','created':'2020-01-01T00:00:00.000Z'" rest "}"
#define GREEN(rest)                                                                                \
	"{'type':'marking-definition','spec_version':'2.1','id':'marking-definition--"             \
	"34098fce-860f-48ae-8e50-ebd3cc5e41da','created':'2017-01-20T00:00:00.000Z'" rest "}"
#define GREEN_REST ",'definition_type':'tlp','name':'TLP:GREEN','definition':{'tlp':'green'}"
#define TLP_2      "'extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d'"

static void test_markings(void **state)
{
	static const struct check_case cases[] = {
		GOOD("a statement", MARKING(STATEMENT)),
		WARN("7.2.1 a statement is deprecated", MARKING(STATEMENT), "7.2.1",
			"definition_type"),
		GOOD("an extension",
			MARKING(",'extensions':{'extension-definition--" V4
				"':{'extension_type':'property-extension','iep':'a'}}")),
		BAD("neither", MARKING(""), "7.2.1", "definition"),
		BAD("a type alone", MARKING(",'definition_type':'statement'"), "7.2.1",
			"definition"),
		BAD("a definition alone", MARKING(",'definition':{'statement':'a'}"), "7.2.1",
			"definition_type"),
		BAD("an empty statement", MARKING(",'definition_type':'statement','definition':{}"),
			"7.2.1.3", "definition.statement"),
		BAD("a definition that is no object",
			MARKING(",'definition_type':'a','definition':'b'"), "7.2.1", "definition"),
		BAD("modified", MARKING(STATEMENT ",'modified':'2020-01-01T00:00:00.000Z'"), "3.2",
			"modified"),
		BAD("revoked", MARKING(STATEMENT ",'revoked':false"), "3.2", "revoked"),
		WARN("another type", MARKING(",'definition_type':'iep','definition':{'a':'b'}"),
			"7.2.1", "definition_type"),
		GOOD("marked with another", MARKING(STATEMENT ",'object_marking_refs':[" REF(
						    "marking-definition") "]")),
		BAD("marked with itself",
			MARKING(STATEMENT ",'object_marking_refs':['marking-definition--" V4 "']"),
			"3.2", ""),
		BAD("in part marked with itself",
			MARKING(STATEMENT
				",'granular_markings':[{'marking_ref':'marking-definition--" V4
				"','selectors':['created']}]"),
			"3.2", ""),
		GOOD("TLP 1", GREEN(GREEN_REST)),
		GOOD("TLP 1 of STIX 2.0", "{'type':'marking-definition','id':'marking-definition--"
					  "34098fce-860f-48ae-8e50-ebd3cc5e41da',"
					  "'created':'2017-01-20T00:00:00.000Z','definition_type':'"
					  "tlp','definition':{'tlp':'green'}}"),
		BAD("TLP without its name",
			GREEN(",'definition_type':'tlp','definition':{'tlp':'green'}"), "7.2.1.4",
			""),
		BAD("TLP of another colour",
			GREEN(",'definition_type':'tlp','name':'TLP:GREEN','definition':{'tlp':'"
			      "red'}"),
			"7.2.1.4", ""),
		BAD("TLP with more", GREEN(GREEN_REST ",'x_a':'b'"), "7.2.1.4", ""),
		BAD("TLP with another definition", GREEN(STATEMENT ",'name':'TLP:GREEN'"),
			"7.2.1.4", ""),
		BAD("TLP of another day",
			"{'type':'marking-definition','spec_version':'2.1','id':'marking-"
			"definition--34098fce-860f-48ae-8e50-ebd3cc5e41da',"
			"'created':'2017-01-21T00:00:00.000Z'" GREEN_REST "}",
			"7.2.1.4", ""),
		BAD("another id that says tlp",
			MARKING(",'definition_type':'tlp','definition':{'tlp':'green'}"), "7.2.1.4",
			""),
		BAD("another id with a colour",
			MARKING(",'definition_type':'statement','definition':{'tlp':'green'}"),
			"7.2.1.4", ""),
		BAD("another id with its name", MARKING(STATEMENT ",'name':'TLP:AMBER+STRICT'"),
			"7.2.1.4", ""),
		BAD("a statement that says TLP",
			MARKING(",'definition_type':'statement','definition':{'statement':'tlp:red'"
				"}"),
			"7.2.1.4", ""),
		GOOD("a statement about TLP", MARKING(",'definition_type':'statement','definition':"
						      "{'statement':'TLP:RED is best'}")),
		BAD("another id with the extension of TLP 2.0",
			MARKING(",'extensions':{" TLP_2
				":{'extension_type':'property-extension','tlp_2_0':'red'}}"),
			"7.2.1.4", ""),
		BAD("7.2.2 no marking", CAMPAIGN(",'object_marking_refs':[" REF("tool") "]"),
			"7.2.2", "object_marking_refs[0]"),
		GOOD("7.2.3 a property",
			CAMPAIGN(",'granular_markings':[{'lang':'de','selectors':['name']}]")),
		GOOD("7.2.3 an item", CAMPAIGN(",'labels':['a','b'],'granular_markings':[{'lang':'"
					       "de','selectors':['labels.[1]']}]")),
		GOOD("7.2.3 within an item",
			CAMPAIGN(",'external_references':[{'source_name':'a','external_id':'b'}],"
				 "'granular_markings':[{'lang':'de','selectors':['external_"
				 "references.[0].source_name']}]")),
		BAD("7.2.3 no such property",
			CAMPAIGN(
				",'granular_markings':[{'lang':'de','selectors':['description']}]"),
			"7.2.3", "granular_markings[0].selectors[0]"),
		BAD("7.2.3 no such item",
			CAMPAIGN(",'labels':['a'],'granular_markings':[{'lang':'de','selectors':['"
				 "name','labels.[1]']}]"),
			"7.2.3", "granular_markings[0].selectors[1]"),
		BAD("7.2.3 an item of a string",
			CAMPAIGN(",'granular_markings':[{'lang':'de','selectors':['name.[0]']}]"),
			"7.2.3", "granular_markings[0].selectors[0]"),
		BAD("7.2.3 a property of a list",
			CAMPAIGN(",'labels':['a'],'granular_markings':[{'lang':'de','selectors':['"
				 "labels.name']}]"),
			"7.2.3", "granular_markings[0].selectors[0]"),
		BAD("7.2.3 an index with a zero before it",
			CAMPAIGN(",'labels':['a'],'granular_markings':[{'lang':'de','selectors':['"
				 "labels.[00]']}]"),
			"7.2.3", "granular_markings[0].selectors[0]"),
		BAD("7.2.3 empty selector",
			CAMPAIGN(",'granular_markings':[{'lang':'de','selectors':['']}]"), "7.2.3",
			"granular_markings[0].selectors[0]"),
		BAD("7.2.3 a dot at the end",
			CAMPAIGN(",'granular_markings':[{'lang':'de','selectors':['name.']}]"),
			"7.2.3", "granular_markings[0].selectors[0]"),
		BAD("7.2.3 no selectors", CAMPAIGN(",'granular_markings':[{'lang':'de'}]"), "7.2.3",
			"granular_markings[0].selectors"),
		BAD("7.2.3 neither", CAMPAIGN(",'granular_markings':[{'selectors':['name']}]"),
			"7.2.3", "granular_markings[0]"),
		BAD("7.2.3 both",
			CAMPAIGN(",'granular_markings':[{'lang':'de','marking_ref':" REF(
				"marking-definition") ",'selectors':['name']}]"),
			"7.2.3", "granular_markings[0]"),
		GOOD("7.2.3 a marking", CAMPAIGN(",'granular_markings':[{'marking_ref':" REF(
						"marking-definition") ",'selectors':['name']}]")),
		BAD("7.2.3 no marking",
			CAMPAIGN(",'granular_markings':[{'marking_ref':" REF(
				"tool") ",'selectors':['name']}]"),
			"7.2.3", "granular_markings[0].marking_ref"),
		BAD("7.2.3 no language",
			CAMPAIGN(",'granular_markings':[{'lang':'foo','selectors':['name']}]"),
			"7.2.3", "granular_markings[0].lang"),
	};

	check_cases(*state, cases, COUNT_OF(cases));
}

#define EXTENSION(key, rest) ",'extensions':{'" key "':{" rest "}}"
#define DEFINED(rest)        EXTENSION("extension-definition--" V4, rest)
#define DEFINED_AT           "extensions.extension-definition--" V4

static void test_extensions(void **state)
{
	static const struct check_case cases[] = {
		GOOD("property-extension",
			CAMPAIGN(DEFINED("'extension_type':'property-extension','rank':5"))),
		BAD("no extension_type", CAMPAIGN(DEFINED("'rank':5")), "7.3",
			DEFINED_AT ".extension_type"),
		BAD("unknown extension_type", CAMPAIGN(DEFINED("'extension_type':'a'")), "10.5",
			DEFINED_AT ".extension_type"),
		BAD("bad property name",
			CAMPAIGN(DEFINED("'extension_type':'property-extension','id':5")), "3.1",
			DEFINED_AT ".id"),
		BAD("bad id",
			CAMPAIGN(EXTENSION("extension-definition--5",
				"'extension_type':'property-extension'")),
			"2.9", "extensions.extension-definition--5"),
		QUIET("toplevel-property-extension",
			CAMPAIGN(",'rank':5" DEFINED(
				"'extension_type':'toplevel-property-extension'")),
			"11.1", "rank"),
		BAD("a standard type anew", CAMPAIGN(DEFINED("'extension_type':'new-sdo'")), "7.3",
			DEFINED_AT ".extension_type"),
		QUIET("new-sdo", CORE("my-sdo", ",'rank':5" DEFINED("'extension_type':'new-sdo'")),
			"11.2", "type"),
		BAD("new-sdo without modified",
			"{'type':'my-sdo','spec_version':'2.1','id':'my-sdo--" V4
			"','created':'2020-01-01T00:00:00.000Z'" DEFINED(
				"'extension_type':'new-sdo'") "}",
			"7.3", "modified"),
		BAD("new-sdo, defanged",
			CORE("my-sdo", ",'defanged':true" DEFINED("'extension_type':'new-sdo'")),
			"3.2", "defanged"),
		GOOD("new-sro", CORE("my-sro", DEFINED("'extension_type':'new-sro'"))),
		GOOD("new-sco", SCO("my-sco", ",'rank':5" DEFINED("'extension_type':'new-sco'"))),
		BAD("new-sro without timestamps",
			SCO("my-sro", DEFINED("'extension_type':'new-sro'")), "7.3", "created"),
		BAD("bad type name", CORE("my_sdo", DEFINED("'extension_type':'new-sdo'")), "7.3",
			"type"),
		WARN("11.2 custom object", CORE("x-my-sdo", ",'rank':5"), "11.2", "type"),
		GOOD("11.2 without timestamps it may be an observable",
			SCO("x-my-sco", ",'rank':5")),
		BAD("11.2 without modified",
			"{'type':'x-my','spec_version':'2.1','id':'x-my--" V4
			"','created':'2020-01-01T00:00:00.000Z'}",
			"11.2", "modified"),
		BAD("11.2 two hyphens", CORE("x--a", ""), "11.2", "type"),
		BAD("11.2 two letters", CORE("xa", ""), "11.2", "type"),
		WARN("11.3 custom extension", FILE_(EXTENSION("x-acme-ext", "'foo_val':1")), "11.3",
			"extensions.x-acme-ext"),
		BAD("11.3 without -ext", FILE_(EXTENSION("x-acme", "'foo_val':1")), "11.3",
			"extensions.x-acme"),
		BAD("11.3 upper case", FILE_(EXTENSION("x-Acme-ext", "'foo_val':1")), "11.3",
			"extensions.x-Acme-ext"),
		BAD("11.3 empty", FILE_(EXTENSION("x-acme-ext", "")), "3.2",
			"extensions.x-acme-ext"),
		WARN("11.3 of a domain object", CAMPAIGN(EXTENSION("x-acme-ext", "'foo_val':1")),
			"11.3", "extensions.x-acme-ext"),
		BAD("no object", FILE_(",'extensions':{'x-acme-ext':5}"), "3.2",
			"extensions.x-acme-ext"),
		BAD("none", FILE_(",'extensions':{}"), "2.3", "extensions"),
		WARN("3.10 on another type",
			SCO("mutex", ",'name':'a'" EXTENSION("ntfs-ext", "'sid':'1'")), "3.10",
			"extensions.ntfs-ext"),
		GOOD("3.10 on its type", FILE_(EXTENSION("ntfs-ext", "'sid':'1'"))),
	};

	check_cases(*state, cases, COUNT_OF(cases));
}

#define DEFINITION(rest)                                                                           \
	CORE("extension-definition",                                                               \
		",'created_by_ref':" REF(                                                          \
			"identity") ",'name':'a','schema':'b','version':'1'" rest)
#define CONTENT(rest)                                                                              \
	CORE("language-content", ",'object_ref':" REF("threat-actor") ",'contents':" rest)

static void test_meta(void **state)
{
	static const struct check_case cases[] = {
		GOOD("7.3 a definition",
			DEFINITION(",'extension_types':['new-sdo','property-extension']")),
		BAD("7.3 without creator",
			CORE("extension-definition", ",'name':'a','schema':'b','version':'1','"
						     "extension_types':['new-sdo']"),
			"3.2", "created_by_ref"),
		BAD("7.3 without types", DEFINITION(""), "7.3", "extension_types"),
		BAD("7.3 another type", DEFINITION(",'extension_types':['a']"), "10.5",
			"extension_types[0]"),
		GOOD("7.3 properties", DEFINITION(",'extension_types':['toplevel-property-"
						  "extension'],'extension_properties':['rank']")),
		BAD("7.3 properties of another",
			DEFINITION(
				",'extension_types':['new-sdo'],'extension_properties':['rank']"),
			"7.3", "extension_properties"),
		BAD("7.3 bad property",
			DEFINITION(",'extension_types':['toplevel-property-extension'],'extension_"
				   "properties':['Rank']"),
			"7.3", "extension_properties[0]"),
		WARN("7.3 properties not listed",
			DEFINITION(",'extension_types':['toplevel-property-extension']"), "7.3",
			"extension_properties"),
		WARN("7.3 without description", DEFINITION(",'extension_types':['new-sdo']"), "7.3",
			""),
		QUIET("7.3 with description",
			DEFINITION(",'extension_types':['new-sdo'],'description':'a'"), "7.3", ""),
		GOOD("7.1 a translation", CONTENT("{'de':{'name':'a','goals':['b','']}}")),
		BAD("7.1 empty", CONTENT("{}"), "2.3", "contents"),
		BAD("7.1 no language", CONTENT("{'foo':{'name':'a'}}"), "7.1", "contents.foo"),
		BAD("7.1 no dictionary", CONTENT("{'de':'a'}"), "7.1", "contents.de"),
		BAD("7.1 empty dictionary", CONTENT("{'de':{}}"), "2.3", "contents.de"),
		BAD("7.1 a list for a string", CONTENT("{'de':{'name':['a']}}"), "7.1",
			"contents.de.name"),
		BAD("7.1 a string for a list", CONTENT("{'de':{'goals':'a'}}"), "7.1",
			"contents.de.goals"),
		BAD("7.1 a number", CONTENT("{'de':{'name':5}}"), "7.1", "contents.de.name"),
		BAD("7.1 a number in a list", CONTENT("{'de':{'goals':['a',5]}}"), "7.1",
			"contents.de.goals[1]"),
		GOOD("7.1 unknown properties are ignored", CONTENT("{'de':{'x_a':'b'}}")),
		GOOD("7.1 of a custom object",
			CORE("language-content",
				",'object_ref':" REF("x-a") ",'contents':{'de':{'name':['a']}}")),
		BAD("7.1 of a bundle",
			CORE("language-content",
				",'object_ref':" REF("bundle") ",'contents':{'de':{'a':'b'}}"),
			"7.1", "object_ref"),
		WARN("7.1 has no lang", CONTENT("{'de':{'name':'a'}},'lang':'en'"), "3.2", "lang"),
	};

	check_cases(*state, cases, COUNT_OF(cases));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_identifiers),
		cmocka_unit_test(test_common),
		cmocka_unit_test(test_name_limit),
		cmocka_unit_test(test_markings),
		cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_meta),
	};

	return cmocka_run_group_tests(tests, check_setup, check_teardown);
}
