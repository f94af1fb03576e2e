/* The stack under test for packetdrill's --so_filename: every call goes over a unix socket to the process whose path
 * is in RUMP_PACKETDRILL, and waits for the answer there. Each thread has a connection of its own, since blocking calls
 * are made by a thread of theirs. To be loaded with LD_PRELOAD as well: scripts' code and the end of a run call directly.
 *
 * A request is: int32 operation, int32 length, bytes. An answer: int64 result, int32 errno, int32 length, bytes.
 * The meaning of the bytes is in stack.py; numbers are of this machine's order.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "packetdrill.h"

#define FIRST 1000 /* descriptors of the stack are above all of this process */
#define MOST (1 << 20)

enum { SOCKET, BIND, LISTEN, ACCEPT, CONNECT, RECV, SEND, FCNTL, IOCTL, CLOSE, SHUTDOWN, GETSOCKOPT, SETSOCKOPT, POLL,
       NETSEND, NETRECEIVE, USLEEP, NOW, RECVMSG };

static __thread int line = -1;

/* Commands of scripts are written for bash: for others "&>" leaves the command behind in the background. */
int system(const char *command)
{
	int status = -1;
	pid_t pid = fork();
	if (pid == 0) {
		execlp("bash", "bash", "-c", command, NULL);
		_exit(127);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid ? status : -1;
}

static void fail(const char *what) { fprintf(stderr, "shim: %s\n", what); _exit(1); }

static void all(int fd, char *at, size_t left, int out)
{
	while (left) {
		ssize_t n = out ? write(fd, at, left) : read(fd, at, left);
		if (n <= 0)
			fail("the stack is gone");
		at += n;
		left -= n;
	}
}

/* Makes a call: the arguments are ints, then bytes; what comes back is cut to *got. */
static int64_t call(int op, const int32_t *ints, int count, const void *data, size_t length, void *back, size_t *got)
{
	static __thread char spill[MOST];
	int32_t head[2] = { op, (int32_t)(count * 4 + length) }, tail[2];
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int64_t result;

	if (line < 0) {
		const char *path = getenv("RUMP_PACKETDRILL");
		if (!path)
			fail("RUMP_PACKETDRILL is not set");
		strncpy(name.sun_path, path, sizeof(name.sun_path) - 1);
		line = socket(AF_UNIX, SOCK_STREAM, 0);
		if (line < 0 || connect(line, (void *)&name, sizeof(name)))
			fail("cannot reach the stack");
	}
	all(line, (char *)head, sizeof(head), 1);
	all(line, (char *)ints, count * 4, 1);
	all(line, (char *)data, length, 1);
	all(line, (char *)&result, 8, 0);
	all(line, (char *)tail, sizeof(tail), 0);
	if (tail[1] < 0 || tail[1] > MOST)
		fail("an answer that is too long");
	all(line, spill, tail[1], 0);
	if (got) {
		*got = (size_t)tail[1] < *got ? (size_t)tail[1] : *got;
		memcpy(back, spill, *got);
	}
	if (result < 0)
		errno = tail[0];
	return result;
}

#define INTS(...) (const int32_t[]){ __VA_ARGS__ }, sizeof((const int32_t[]){ __VA_ARGS__ }) / 4

static int s_socket(void *u, int d, int t, int p) { return call(SOCKET, INTS(d, t, p), NULL, 0, NULL, NULL); }
static int s_bind(void *u, int fd, const struct sockaddr *a, socklen_t n) { return call(BIND, INTS(fd), a, n, NULL, NULL); }
static int s_listen(void *u, int fd, int b) { return call(LISTEN, INTS(fd, b), NULL, 0, NULL, NULL); }
static int s_connect(void *u, int fd, const struct sockaddr *a, socklen_t n) { return call(CONNECT, INTS(fd), a, n, NULL, NULL); }
static int s_close(void *u, int fd) { return call(CLOSE, INTS(fd), NULL, 0, NULL, NULL); }
static int s_shutdown(void *u, int fd, int how) { return call(SHUTDOWN, INTS(fd, how), NULL, 0, NULL, NULL); }
static void s_free(void *u) { }

static int s_accept(void *u, int fd, struct sockaddr *a, socklen_t *n)
{
	size_t got = n ? *n : 0;
	int result = call(ACCEPT, INTS(fd), NULL, 0, a, &got);
	if (n)
		*n = got;
	return result;
}

static size_t total(const struct iovec *v, int count)
{
	size_t sum = 0;
	for (int i = 0; i < count; i++)
		sum += v[i].iov_len;
	return sum;
}

static void scatter(const struct iovec *v, int count, const char *from, size_t got)
{
	size_t at = 0;
	for (int i = 0; i < count && at < got; i++) {
		size_t n = got - at < v[i].iov_len ? got - at : v[i].iov_len;
		memcpy(v[i].iov_base, from + at, n);
		at += n;
	}
}

static ssize_t receive(int fd, const struct iovec *v, int count, int flags)
{
	static __thread char buffer[MOST];
	size_t want = total(v, count), got = want < MOST ? want : MOST;
	ssize_t result = call(RECV, INTS(fd, (int)got, flags), NULL, 0, buffer, &got);
	scatter(v, count, buffer, got);
	return result;
}

static ssize_t transmit(int fd, const struct iovec *v, int count, int flags, const void *name, socklen_t length)
{
	static __thread char buffer[MOST];
	size_t at = length;
	if (total(v, count) + length > MOST)
		fail("too much to send");
	if (length)
		memcpy(buffer, name, length);
	for (int i = 0; i < count; i++) {
		memcpy(buffer + at, v[i].iov_base, v[i].iov_len);
		at += v[i].iov_len;
	}
	return call(SEND, INTS(fd, flags, (int)length), buffer, at, NULL, NULL);
}

#define ONE(b, n) &(struct iovec){ (void *)(b), n }, 1
static ssize_t s_read(void *u, int fd, void *b, size_t n) { return receive(fd, ONE(b, n), 0); }
static ssize_t s_readv(void *u, int fd, const struct iovec *v, int n) { return receive(fd, v, n, 0); }
static ssize_t s_recv(void *u, int fd, void *b, size_t n, int f) { return receive(fd, ONE(b, n), f); }
static ssize_t s_recvfrom(void *u, int fd, void *b, size_t n, int f, struct sockaddr *a, socklen_t *l) { return receive(fd, ONE(b, n), f); }
static ssize_t s_recvmsg(void *u, int fd, struct msghdr *m, int f)
{
	/* An answer is a count, and that often level, kind and a number; then the data. */
	static __thread char buffer[MOST];
	size_t want = total(m->msg_iov, m->msg_iovlen), got = MOST, room = m->msg_controllen;
	ssize_t result = call(RECVMSG, INTS(fd, want < MOST / 2 ? (int)want : MOST / 2, f, (int)room), NULL, 0, buffer, &got);
	int32_t count = 0, (*item)[3] = (void *)(buffer + 4);
	m->msg_controllen = 0;
	m->msg_flags = 0;
	if (result < 0)
		return result;
	memcpy(&count, buffer, 4);
	for (int i = 0; i < count && m->msg_controllen + CMSG_SPACE(4) <= room; i++) {
		struct cmsghdr *c = (void *)((char *)m->msg_control + m->msg_controllen);
		*c = (struct cmsghdr){ .cmsg_len = CMSG_LEN(4), .cmsg_level = item[i][0], .cmsg_type = item[i][1] };
		memcpy(CMSG_DATA(c), &item[i][2], 4);
		m->msg_controllen += CMSG_SPACE(4);
	}
	scatter(m->msg_iov, m->msg_iovlen, buffer + 4 + 12 * count, got - 4 - 12 * count);
	return result;
}
static ssize_t s_write(void *u, int fd, const void *b, size_t n) { return transmit(fd, ONE(b, n), 0, NULL, 0); }
static ssize_t s_writev(void *u, int fd, const struct iovec *v, int n) { return transmit(fd, v, n, 0, NULL, 0); }
static ssize_t s_send(void *u, int fd, const void *b, size_t n, int f) { return transmit(fd, ONE(b, n), f, NULL, 0); }
static ssize_t s_sendto(void *u, int fd, const void *b, size_t n, int f, const struct sockaddr *a, socklen_t l) { return transmit(fd, ONE(b, n), f, a, l); }
static ssize_t s_sendmsg(void *u, int fd, const struct msghdr *m, int f) { return transmit(fd, m->msg_iov, m->msg_iovlen, f, m->msg_name, m->msg_namelen); }

static int s_fcntl(void *u, int fd, int cmd, ...)
{
	va_list list;
	va_start(list, cmd);
	int arg = va_arg(list, int);
	va_end(list);
	return call(FCNTL, INTS(fd, cmd, arg), NULL, 0, NULL, NULL);
}

static int s_ioctl(void *u, int fd, unsigned long request, ...)
{
	va_list list;
	va_start(list, request);
	int *arg = va_arg(list, int *);
	va_end(list);
	size_t got = sizeof(*arg);
	return call(IOCTL, INTS(fd, (int)request), NULL, 0, arg, &got);
}

static int s_getsockopt(void *u, int fd, int level, int name, void *value, socklen_t *length)
{
	size_t got = *length;
	int result = call(GETSOCKOPT, INTS(fd, level, name, (int)got), NULL, 0, value, &got);
	*length = got;
	return result;
}

static int s_setsockopt(void *u, int fd, int level, int name, const void *value, socklen_t length)
{
	return call(SETSOCKOPT, INTS(fd, level, name), value, length, NULL, NULL);
}

static int s_poll(void *u, struct pollfd *fds, nfds_t n, int timeout)
{
	size_t got = n * sizeof(*fds);
	return call(POLL, INTS(timeout), fds, got, fds, &got);
}

static int s_netdev_send(void *u, const void *b, size_t n) { return call(NETSEND, NULL, 0, b, n, NULL, NULL); }

static int s_netdev_receive(void *u, void *b, size_t *n, long long *when)
{
	*when = call(NETRECEIVE, NULL, 0, NULL, 0, b, n);
	if (*when < 0)
		fail("no packet comes");
	return 0;
}

static int s_usleep(void *u, useconds_t usec) { return call(USLEEP, INTS((int)usec), NULL, 0, NULL, NULL); }

static int s_gettimeofday(void *u, struct timeval *tv, struct timezone *tz)
{
	int64_t now = call(NOW, NULL, 0, NULL, 0, NULL, NULL);
	tv->tv_sec = now / 1000000;
	tv->tv_usec = now % 1000000;
	return 0;
}

static int s_none(void) { errno = ENOSYS; return -1; }

int getsockopt(int fd, int level, int name, void *value, socklen_t *length)
{
	static int (*real)(int, int, int, void *, socklen_t *);
	if (fd >= FIRST)
		return s_getsockopt(NULL, fd, level, name, value, length);
	if (!real)
		real = dlsym(RTLD_NEXT, "getsockopt");
	return real(fd, level, name, value, length);
}

int close(int fd)
{
	static int (*real)(int);
	if (fd >= FIRST)
		return s_close(NULL, fd);
	if (!real)
		real = dlsym(RTLD_NEXT, "close");
	return real(fd);
}

void packetdrill_interface_init(const char *flags, struct packetdrill_interface *ifc)
{
	*ifc = (struct packetdrill_interface){
		.free = s_free, .socket = s_socket, .bind = s_bind, .listen = s_listen, .accept = s_accept,
		.connect = s_connect, .read = s_read, .readv = s_readv, .recv = s_recv, .recvfrom = s_recvfrom,
		.recvmsg = s_recvmsg, .write = s_write, .writev = s_writev, .send = s_send, .sendto = s_sendto,
		.sendmsg = s_sendmsg, .fcntl = s_fcntl, .ioctl = s_ioctl, .close = s_close, .shutdown = s_shutdown,
		.getsockopt = s_getsockopt, .setsockopt = s_setsockopt, .poll = s_poll, .netdev_send = s_netdev_send,
		.netdev_receive = s_netdev_receive, .usleep = s_usleep, .gettimeofday = s_gettimeofday,
		.epoll_create = (void *)s_none, .epoll_ctl = (void *)s_none, .epoll_wait = (void *)s_none,
		.pipe = (void *)s_none, .splice = (void *)s_none,
	};
}
