/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt) */
/*
 * The target of all probes: accepts, closes and counts. probes_listener PORT FILE; the count is the
 * first eight bytes of the file, which is mapped, so that reading it disturbs nobody.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct sockaddr_in any = {.sin_family = AF_INET};
    volatile uint64_t *count;
    int one = 1, listener, file;

    if (argc != 3)
        return 2;
    any.sin_port = htons(atoi(argv[1]));
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&any, sizeof any) || listen(listener, 8192))
        return 1;
    file = open(argv[2], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0 || ftruncate(file, sizeof *count))
        return 1;
    count = mmap(0, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (count == MAP_FAILED)
        return 1;
    for (;;) {
        int peer = accept(listener, 0, 0);

        if (peer >= 0) {
            close(peer);
            ++*count;
        }
    }
}
