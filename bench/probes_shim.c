/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt) */
/*
 * Lets keepalived run its checkers where the kernel has no IPVS: every call of the old IPVS socket
 * options (ip_vs.h: IP_VS_BASE_CTL and the 63 after it) succeeds and does nothing, and every other
 * goes to the kernel. So its checkers are measured for what they are, without a table behind them,
 * as ours are.
 */
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FIRST 1152
#define LAST (FIRST + 63)
#define VERSION 0x010201

static int is_ipvs(int level, int name)
{
    return level == IPPROTO_IP && name >= FIRST && name <= LAST;
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
    if (is_ipvs(level, name))
        return 0;
    return syscall(SYS_setsockopt, fd, level, name, value, length);
}

int getsockopt(int fd, int level, int name, void *restrict value, socklen_t *restrict length)
{
    uint32_t version = VERSION;

    if (!is_ipvs(level, name))
        return syscall(SYS_getsockopt, fd, level, name, value, length);
    memset(value, 0, *length);
    if (*length >= sizeof version)
        memcpy(value, &version, sizeof version);
    return 0;
}
