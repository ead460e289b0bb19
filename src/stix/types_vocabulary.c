/* SPDX-License-Identifier: MPL-2.0 */
/* The terms of section 10 of STIX 2.1, with those that errata 01 added. */
#include "types_vocabulary.h"

#define VOCABULARY(name, clause_)                                                                  \
	const struct vocabulary vocabulary_##name = {clause_, name, COUNT_OF(name)}

static const char *const account_type[] = {"facebook", "ldap", "nis", "openid", "radius", "skype",
	"tacacs", "twitter", "unix", "windows-local", "windows-domain"};
VOCABULARY(account_type, "10.1 Account Type");

static const char *const attack_motivation[] = {"accidental", "coercion", "dominance", "ideology",
	"notoriety", "organizational-gain", "personal-gain", "personal-satisfaction", "revenge",
	"unpredictable"};
VOCABULARY(attack_motivation, "10.2 Attack Motivation");

static const char *const attack_resource_level[] = {
	"individual", "club", "contest", "team", "organization", "government"};
VOCABULARY(attack_resource_level, "10.3 Attack Resource Level");

static const char *const encryption_algorithm[] = {
	"AES-256-GCM", "ChaCha20-Poly1305", "mime-type-indicated"};
VOCABULARY(encryption_algorithm, "10.4 Encryption Algorithm");

static const char *const extension_type[] = {
	"new-sdo", "new-sco", "new-sro", "property-extension", "toplevel-property-extension"};
VOCABULARY(extension_type, "10.5 Extension Types");

static const char *const grouping_context[] = {
	"suspicious-activity", "malware-analysis", "unspecified"};
VOCABULARY(grouping_context, "10.6 Grouping Context");

static const char *const hash_algorithm[] = {
	"MD5", "SHA-1", "SHA-256", "SHA-512", "SHA3-256", "SHA3-512", "SSDEEP", "TLSH"};
VOCABULARY(hash_algorithm, "10.7 Hashing Algorithm");

static const char *const identity_class[] = {
	"individual", "group", "system", "organization", "class", "unknown"};
VOCABULARY(identity_class, "10.8 Identity Class");

static const char *const implementation_language[] = {"applescript", "bash", "c", "c++", "c#", "go",
	"java", "javascript", "lua", "objective-c", "perl", "php", "powershell", "python", "ruby",
	"rust", "scala", "swift", "typescript", "visual-basic", "x86-32", "x86-64"};
VOCABULARY(implementation_language, "10.9 Implementation Language");

static const char *const indicator_type[] = {"anomalous-activity", "anonymization", "benign",
	"compromised", "malicious-activity", "attribution", "unknown"};
VOCABULARY(indicator_type, "10.10 Indicator Type");

static const char *const industry_sector[] = {"agriculture", "aerospace", "automotive", "chemical",
	"commercial", "communications", "construction", "defense", "education", "energy",
	"entertainment", "financial-services", "government", "emergency-services",
	"government-local", "government-national", "government-public-services",
	"government-regional", "healthcare", "hospitality-leisure", "infrastructure", "dams",
	"nuclear", "water", "insurance", "legal", "manufacturing", "mining", "non-profit",
	"pharmaceuticals", "retail", "technology", "telecommunications", "transportation",
	"utilities"};
VOCABULARY(industry_sector, "10.11 Industry Sector");

static const char *const infrastructure_type[] = {"amplification", "anonymization", "botnet",
	"command-and-control", "control-system", "exfiltration", "firewall", "hosting-malware",
	"hosting-target-lists", "phishing", "reconnaissance", "routers-switches", "staging",
	"workstation", "unknown"};
VOCABULARY(infrastructure_type, "10.12 Infrastructure Type");

static const char *const malware_result[] = {"malicious", "suspicious", "benign", "unknown"};
VOCABULARY(malware_result, "10.13 Malware Result");

static const char *const malware_capabilities[] = {"accesses-remote-machines", "anti-debugging",
	"anti-disassembly", "anti-emulation", "anti-memory-forensics", "anti-sandbox", "anti-vm",
	"captures-input-peripherals", "captures-output-peripherals", "captures-system-state-data",
	"cleans-traces-of-infection", "commits-fraud", "communicates-with-c2",
	"compromises-data-availability", "compromises-data-integrity",
	"compromises-system-availability", "controls-local-machine", "degrades-security-software",
	"degrades-system-updates", "determines-c2-server", "emails-spam", "escalates-privileges",
	"evades-av", "exfiltrates-data", "fingerprints-host", "hides-artifacts",
	"hides-executing-code", "infects-files", "infects-remote-machines",
	"installs-other-components", "persists-after-system-reboot", "prevents-artifact-access",
	"prevents-artifact-deletion", "probes-network-environment", "self-modifies",
	"steals-authentication-credentials", "violates-system-operational-integrity"};
VOCABULARY(malware_capabilities, "10.14 Malware Capabilities");

static const char *const malware_type[] = {"adware", "backdoor", "bot", "bootkit", "ddos",
	"downloader", "dropper", "exploit-kit", "keylogger", "ransomware", "remote-access-trojan",
	"resource-exploitation", "rogue-security-software", "rootkit", "screen-capture", "spyware",
	"trojan", "unknown", "virus", "webshell", "wiper", "worm"};
VOCABULARY(malware_type, "10.15 Malware Type");

static const char *const socket_address_family[] = {"AF_UNSPEC", "AF_INET", "AF_IPX",
	"AF_APPLETALK", "AF_NETBIOS", "AF_INET6", "AF_IRDA", "AF_BTH"};
VOCABULARY(socket_address_family, "10.16 Network Socket Address Family");

static const char *const socket_type[] = {
	"SOCK_STREAM", "SOCK_DGRAM", "SOCK_RAW", "SOCK_RDM", "SOCK_SEQPACKET"};
VOCABULARY(socket_type, "10.17 Network Socket Type");

static const char *const opinion[] = {
	"strongly-disagree", "disagree", "neutral", "agree", "strongly-agree"};
VOCABULARY(opinion, "10.18 Opinion");

static const char *const pattern_type[] = {"stix", "pcre", "sigma", "snort", "suricata", "yara"};
VOCABULARY(pattern_type, "10.19 Pattern Type");

static const char *const processor_architecture[] = {
	"alpha", "arm", "ia-64", "mips", "powerpc", "sparc", "x86", "x86-64"};
VOCABULARY(processor_architecture, "10.20 Processor Architecture");

static const char *const region[] = {"africa", "eastern-africa", "middle-africa", "northern-africa",
	"southern-africa", "western-africa", "americas", "caribbean", "central-america",
	"latin-america-caribbean", "northern-america", "south-america", "asia", "central-asia",
	"eastern-asia", "southern-asia", "south-eastern-asia", "western-asia", "europe",
	"eastern-europe", "northern-europe", "southern-europe", "western-europe", "oceania",
	"antarctica", "australia-new-zealand", "melanesia", "micronesia", "polynesia"};
VOCABULARY(region, "10.21 Region");

static const char *const report_type[] = {"attack-pattern", "campaign", "identity", "incident",
	"indicator", "intrusion-set", "malware", "observed-data", "threat-actor", "threat-report",
	"tool", "vulnerability"};
VOCABULARY(report_type, "10.22 Report Type");

static const char *const threat_actor_type[] = {"activist", "competitor", "crime-syndicate",
	"criminal", "hacker", "insider-accidental", "insider-disgruntled", "nation-state",
	"private-sector", "sensationalist", "spy", "terrorist", "unknown"};
VOCABULARY(threat_actor_type, "10.23 Threat Actor Type");

static const char *const threat_actor_role[] = {"agent", "director", "independent",
	"infrastructure-architect", "infrastructure-operator", "malware-author", "sponsor"};
VOCABULARY(threat_actor_role, "10.24 Threat Actor Role");

static const char *const threat_actor_sophistication[] = {
	"none", "minimal", "intermediate", "advanced", "expert", "innovator", "strategic"};
VOCABULARY(threat_actor_sophistication, "10.25 Threat Actor Sophistication");

static const char *const tool_type[] = {"denial-of-service", "exploitation",
	"information-gathering", "network-capture", "credential-exploitation", "remote-access",
	"vulnerability-scanning", "unknown"};
VOCABULARY(tool_type, "10.26 Tool Type");

static const char *const windows_integrity_level[] = {"low", "medium", "high", "system"};
VOCABULARY(windows_integrity_level, "10.27 Windows Integrity Level");

static const char *const windows_pebinary_type[] = {"dll", "exe", "sys"};
VOCABULARY(windows_pebinary_type, "10.28 Windows PE Binary");

static const char *const windows_registry_datatype[] = {"REG_NONE", "REG_SZ", "REG_EXPAND_SZ",
	"REG_BINARY", "REG_DWORD", "REG_DWORD_BIG_ENDIAN", "REG_DWORD_LITTLE_ENDIAN", "REG_LINK",
	"REG_MULTI_SZ", "REG_RESOURCE_LIST", "REG_FULL_RESOURCE_DESCRIPTION",
	"REG_RESOURCE_REQUIREMENTS_LIST", "REG_QWORD", "REG_INVALID_TYPE"};
VOCABULARY(windows_registry_datatype, "10.29 Windows Registry Datatype");

static const char *const windows_service_start_type[] = {"SERVICE_AUTO_START", "SERVICE_BOOT_START",
	"SERVICE_DEMAND_START", "SERVICE_DISABLED", "SERVICE_SYSTEM_ALERT"};
VOCABULARY(windows_service_start_type, "10.30 Windows Service Start Type");

static const char *const windows_service_type[] = {"SERVICE_KERNEL_DRIVER",
	"SERVICE_FILE_SYSTEM_DRIVER", "SERVICE_WIN32_OWN_PROCESS", "SERVICE_WIN32_SHARE_PROCESS"};
VOCABULARY(windows_service_type, "10.31 Windows Service Type");

static const char *const windows_service_status[] = {"SERVICE_CONTINUE_PENDING",
	"SERVICE_PAUSE_PENDING", "SERVICE_PAUSED", "SERVICE_RUNNING", "SERVICE_START_PENDING",
	"SERVICE_STOP_PENDING", "SERVICE_STOPPED"};
VOCABULARY(windows_service_status, "10.32 Windows Service Status");

static const char *const marking_type[] = {"statement", "tlp"};
VOCABULARY(marking_type, "7.2.1 Marking Definition");
