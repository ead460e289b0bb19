/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Least privilege for the process that parses what strangers send: Landlock by system call (glibc
 * has no wrappers) and a seccomp filter. systemd does the same from outside; this holds without it.
 */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FILE_READ   LANDLOCK_ACCESS_FS_READ_FILE
#define FOLDER_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FOLDER_WRITE                                                                               \
	(FOLDER_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE |            \
		LANDLOCK_ACCESS_FS_MAKE_REG)
/* Everything of Landlock's first version: what is handled and not allowed is refused. */
#define HANDLED                                                                                    \
	(FOLDER_WRITE | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_REMOVE_DIR |               \
		LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |                       \
		LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |                      \
		LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)

static enum err_kind path_allow(int rules, const char *path, uint64_t access, struct err *e)
{
	struct landlock_path_beneath_attr rule = {.allowed_access = access};
	enum err_kind kind = OK;

	rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return err_set(e, err_kind_of_errno(errno), "could not open \"%s\": %s", path,
			strerror(errno));
	if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
		kind = err_set(e, ERR_IO, "could not allow \"%s\": %s", path, strerror(errno));
	close(rule.parent_fd);
	return kind;
}

/* The folder of a file: what replaces it is a new file under the same name. */
static void folder_of_file(const char *file, char *ret_folder, size_t bytes)
{
	const char *slash = strrchr(file, '/');
	size_t len = slash == NULL ? 0 : slash == file ? 1 : (size_t)(slash - file);

	snprintf(ret_folder, bytes, "%.*s", len == 0 || len >= bytes ? 1 : (int)len,
		len == 0 || len >= bytes ? "." : file);
}

static enum err_kind path_rule(int rules, const struct sandbox_path *p, struct err *e)
{
	char folder[4096];
	const char *path = p->path;
	struct stat st;
	uint64_t access = p->access == SANDBOX_READ ? FOLDER_READ : FOLDER_WRITE;

	if (p->access == SANDBOX_FOLDERS)
		access |= LANDLOCK_ACCESS_FS_MAKE_DIR;

	if (p->of_file) {
		folder_of_file(path, folder, sizeof(folder));
		path = folder;
	}
	if (stat(path, &st) != 0 && p->optional)
		return OK;
	/* Of a file only what concerns files may be allowed. */
	if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
		access &= FILE_READ | LANDLOCK_ACCESS_FS_WRITE_FILE;
	return path_allow(rules, path, access, e);
}

static enum err_kind files_restrict(const struct sandbox_rules *r, bool *ret_files, struct err *e)
{
	const struct landlock_ruleset_attr handled = {.handled_access_fs = HANDLED};
	int rules;
	enum err_kind kind = OK;

	*ret_files = false;
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) < 1)
		return OK; /* a kernel without it, or with it switched off */
	rules = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof(handled), 0);
	if (rules < 0)
		return OK;
	for (size_t i = 0; i < r->paths_count && kind == OK; i++)
		kind = path_rule(rules, &r->paths[i], e);
	if (kind == OK && r->only == NULL)
		kind = path_allow(rules, "/proc/self", FOLDER_READ, e); /* our own memory figures */
	if (kind == OK && syscall(SYS_landlock_restrict_self, rules, 0) != 0)
		kind = err_set(e, ERR_IO, "could not restrict files: %s", strerror(errno));
	close(rules);
	*ret_files = kind == OK;
	return kind;
}

static enum err_kind calls_restrict(const struct sandbox_rules *r, struct err *e)
{
	static const int never[] = {
		SCMP_SYS(execve),
		SCMP_SYS(execveat),
		SCMP_SYS(fork),
		SCMP_SYS(vfork),
		SCMP_SYS(ptrace),
		SCMP_SYS(process_vm_readv),
		SCMP_SYS(process_vm_writev),
		SCMP_SYS(mount),
		SCMP_SYS(umount2),
		SCMP_SYS(pivot_root),
		SCMP_SYS(chroot),
		SCMP_SYS(unshare),
		SCMP_SYS(setns),
		SCMP_SYS(bpf),
		SCMP_SYS(perf_event_open),
		SCMP_SYS(init_module),
		SCMP_SYS(finit_module),
		SCMP_SYS(delete_module),
		SCMP_SYS(kexec_load),
		SCMP_SYS(kexec_file_load),
		SCMP_SYS(reboot),
		SCMP_SYS(swapon),
		SCMP_SYS(swapoff),
		SCMP_SYS(keyctl),
		SCMP_SYS(add_key),
		SCMP_SYS(request_key),
		SCMP_SYS(userfaultfd),
		SCMP_SYS(io_uring_setup),
		SCMP_SYS(settimeofday),
		SCMP_SYS(clock_settime),
		SCMP_SYS(adjtimex),
		SCMP_SYS(clock_adjtime),
		SCMP_SYS(sethostname),
		SCMP_SYS(setdomainname),
		SCMP_SYS(acct),
		SCMP_SYS(quotactl),
		SCMP_SYS(personality),
		SCMP_SYS(open_by_handle_at),
	};
	static const int sending[] = {
		SCMP_SYS(socket),
		SCMP_SYS(socketpair),
		SCMP_SYS(connect),
		SCMP_SYS(bind),
		SCMP_SYS(listen),
		SCMP_SYS(accept),
		SCMP_SYS(accept4),
		SCMP_SYS(sendto),
		SCMP_SYS(sendmsg),
		SCMP_SYS(sendmmsg),
	};
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	enum err_kind kind = OK;
	int status = 0;

	if (filter == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < COUNT_OF(never) && status == 0; i++)
		status = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, never[i], 0);
	for (size_t i = 0; r->no_sending && i < COUNT_OF(sending) && status == 0; i++)
		status = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, sending[i], 0);
	if (r->no_listening && !r->no_sending && status == 0)
		status = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(listen), 0);
	if (r->no_listening && !r->no_sending && status == 0)
		status = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(bind), 0);
	if (status == 0)
		status = seccomp_load(filter);
	if (status != 0)
		kind = err_set(e, ERR_IO, "could not restrict system calls: %s", strerror(-status));
	seccomp_release(filter);
	return kind;
}

/* ---- nothing but ----------------------------------------------------------------------------- */

static int call_allow(scmp_filter_ctx filter, const struct sandbox_call *c)
{
	const struct scmp_arg_cmp on = SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)c->fd);
	const struct scmp_arg_cmp nobody = SCMP_A4(SCMP_CMP_EQ, 0);
	const struct scmp_arg_cmp no_code = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	int number = seccomp_syscall_resolve_name(c->name);

	if (number == __NR_SCMP_ERROR)
		return -EINVAL;
	switch (c->arguments) {
	case SANDBOX_ON:
		return seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 1, on);
	case SANDBOX_TO_PEER:
		return seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 2, on, nobody);
	case SANDBOX_NO_CODE:
		return seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 1, no_code);
	default:
		return seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
	}
}

static enum err_kind calls_only(const struct sandbox_rules *r, struct err *e)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	enum err_kind kind = OK;
	int status = 0;

	if (filter == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < r->only_count && kind == OK; i++)
		if (call_allow(filter, &r->only[i]) != 0)
			kind = err_set(e, ERR_USAGE, "could not allow system call \"%s\"",
				r->only[i].name);
	if (kind == OK) {
		status = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
		if (status == 0)
			status = seccomp_load(filter);
		if (status != 0)
			kind = err_set(e, ERR_IO, "could not restrict system calls: %s",
				strerror(-status));
	}
	seccomp_release(filter);
	return kind;
}

/* Somebody outside may forbid even this call: fine when there is nothing to give up. */
static enum err_kind capabilities_drop(struct err *e)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};
	struct __user_cap_data_struct have[_LINUX_CAPABILITY_U32S_3] = {0};
	int why;

	if (syscall(SYS_capset, &head, none) == 0)
		return OK;
	why = errno;
	if (syscall(SYS_capget, &head, have) == 0 && memcmp(have, none, sizeof(have)) == 0)
		return OK;
	return err_set(e, ERR_IO, "could not give up capabilities: %s", strerror(why));
}

/* What root could do, and what would need a descriptor, is gone whatever the filter forgets. */
static enum err_kind privileges_drop(struct err *e)
{
	const struct rlimit zero = {0, 0};

	if (setrlimit(RLIMIT_CORE, &zero) != 0 || setrlimit(RLIMIT_NOFILE, &zero) != 0)
		return err_set(e, ERR_IO, "could not lower limits: %s", strerror(errno));
	return capabilities_drop(e);
}

enum err_kind sandbox_enter(const struct sandbox_rules *rules, bool *ret_files, struct err *e)
{
	enum err_kind kind;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return err_set(e, ERR_IO, "could not give up new privileges: %s", strerror(errno));
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* no core file with keys in it */
	kind = files_restrict(rules, ret_files, e);
	if (kind == OK && rules->only == NULL && rules->no_capabilities)
		kind = capabilities_drop(e);
	if (kind != OK || rules->only == NULL)
		return kind == OK ? calls_restrict(rules, e) : kind;
	kind = privileges_drop(e);
	return kind == OK ? calls_only(rules, e) : kind;
}
