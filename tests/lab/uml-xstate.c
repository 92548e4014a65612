/*
 * Lets User-Mode Linux before 6.13 run on a CPU whose register state is larger than it knows (AMX).
 *
 * UML keeps the registers of a guest process in a `struct _xstate`, which ends with AVX-512 and the
 * protection keys, and gives exactly that to PTRACE_SETREGSET.  The host's xstateregs_set() refuses
 * anything but its whole buffer with EFAULT, and UML panics: "ptrace set fp regs failed".  Preloaded
 * into UML, this completes the buffer with zeros: registers that were never used.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/* Not on the stack: that is a small one, of a guest's kernel.  The guest has one CPU and does not
 * switch tasks in between, so one buffer is enough. */
static char whole[65536];
static size_t whole_size;

static long raw(int request, pid_t pid, void *address, void *data)
{
	return syscall(SYS_ptrace, request, pid, address, data);
}

static size_t size_in_host(pid_t pid)
{
	struct iovec all = { whole, sizeof(whole) };

	if (raw(PTRACE_GETREGSET, pid, (void *)NT_X86_XSTATE, &all) < 0)
		return 0;
	memset(whole, 0, sizeof(whole));
	return all.iov_len;
}

long ptrace(enum __ptrace_request request, ...)
{
	va_list arguments;
	va_start(arguments, request);
	pid_t pid = va_arg(arguments, pid_t);
	void *address = va_arg(arguments, void *);
	void *data = va_arg(arguments, void *);
	va_end(arguments);

	/* libc's own ptrace gives the word that a PEEK reads as its result. */
	if (request >= PTRACE_PEEKTEXT && request <= PTRACE_PEEKUSER) {
		long word;
		long result = raw(request, pid, address, &word);
		return result < 0 ? result : word;
	}
	if (request == PTRACE_SETREGSET && address == (void *)NT_X86_XSTATE) {
		struct iovec *given = data;
		if (whole_size == 0)
			whole_size = size_in_host(pid);
		if (given->iov_len < whole_size) {
			struct iovec completed = { whole, whole_size };
			memcpy(whole, given->iov_base, given->iov_len);
			return raw(request, pid, address, &completed);
		}
	}
	return raw(request, pid, address, data);
}
