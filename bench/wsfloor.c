// wsfloor: the floor. A WebSocket server in C on epoll that moves the bytes a hub would move, and does nothing else.
//
// usage: wsfloor PORT. It answers the frames of one read with one send(); by their payload:
//   "P<n>"  pushes n text frames of 100 bytes, one send() each
//   "Q<n>"  the same frames, 64 KiB a send()
//   "B"     sends one such frame to every connection
//   else    is echoed
// Nothing is checked: it serves wsload only.
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_CONNECTIONS = 65536, PUSHED = 102, PUSHED_IN_64_KIB = 642, READ_SIZE = 1 << 18 };

typedef struct {
    int fd;
    bool upgraded;
    uint8_t *partial; // a frame that has not come whole
    size_t length, capacity;
} Conn;

static Conn *by_fd[MAX_CONNECTIONS];
static int open_fds[MAX_CONNECTIONS], open_count;
static uint8_t pushed[PUSHED_IN_64_KIB * PUSHED]; // the pushed frame, again and again

static void write_all(int fd, const uint8_t *data, size_t length) {
    while (length) {
        ssize_t sent = send(fd, data, length, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno != EAGAIN) return;
            struct pollfd writable = {fd, POLLOUT, 0};
            poll(&writable, 1, 1000);
            continue;
        }
        data += sent;
        length -= (size_t)sent;
    }
}

// ---- the upgrade

static uint32_t rotate(uint32_t x, int n) { return x << n | x >> (32 - n); }

static void sha1(const uint8_t *data, size_t length, uint8_t digest[20]) {
    uint8_t blocks[256] = {0};
    size_t total = (length + 9 + 63) / 64 * 64;
    memcpy(blocks, data, length);
    blocks[length] = 0x80;
    for (int i = 0; i < 8; i++) blocks[total - 1 - i] = (uint8_t)((uint64_t)length * 8 >> (8 * i));
    uint32_t h[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    for (size_t k = 0; k < total; k += 64) {
        uint32_t w[80];
        for (int i = 0; i < 16; i++) {
            const uint8_t *word = blocks + k + 4 * i;
            w[i] = (uint32_t)word[0] << 24 | (uint32_t)word[1] << 16 | (uint32_t)word[2] << 8 | word[3];
        }
        for (int i = 16; i < 80; i++) w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
        uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
        for (int i = 0; i < 80; i++) {
            uint32_t f, constant;
            if (i < 20) f = (b & c) | (~b & d), constant = 0x5A827999;
            else if (i < 40) f = b ^ c ^ d, constant = 0x6ED9EBA1;
            else if (i < 60) f = (b & c) | (b & d) | (c & d), constant = 0x8F1BBCDC;
            else f = b ^ c ^ d, constant = 0xCA62C1D6;
            uint32_t next = rotate(a, 5) + f + e + constant + w[i];
            e = d, d = c, c = rotate(b, 30), b = a, a = next;
        }
        h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
    }
    for (int i = 0; i < 20; i++) digest[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
}

static void base64_of_digest(const uint8_t digest[20], char out[29]) {
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t padded[21] = {0};
    memcpy(padded, digest, 20);
    for (int i = 0; i < 28; i++) {
        uint32_t group = (uint32_t)padded[i / 4 * 3] << 16 | (uint32_t)padded[i / 4 * 3 + 1] << 8 | padded[i / 4 * 3 + 2];
        out[i] = alphabet[group >> (18 - 6 * (i % 4)) & 63];
    }
    out[27] = '=';
    out[28] = 0;
}

// Answers the request when it has come whole; returns how many bytes it took.
static size_t upgrade(Conn *conn, const uint8_t *data, size_t length) {
    const uint8_t *end = memmem(data, length, "\r\n\r\n", 4), *key = memmem(data, length, "Sec-WebSocket-Key: ", 19);
    if (!end || !key) return 0;
    char proof[160], accept[29], answer[256];
    uint8_t digest[20];
    int key_length = 0;
    for (key += 19; key[key_length] != '\r' && key_length < 100; key_length++) proof[key_length] = (char)key[key_length];
    memcpy(proof + key_length, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36);
    sha1((uint8_t *)proof, (size_t)key_length + 36, digest);
    base64_of_digest(digest, accept);
    int size = snprintf(answer, sizeof answer,
                        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Accept: %s\r\n\r\n",
                        accept);
    write_all(conn->fd, (uint8_t *)answer, (size_t)size);
    conn->upgraded = true;
    return (size_t)(end + 4 - data);
}

// ---- frames

static bool command(int fd, const uint8_t *payload, size_t length) {
    if (length == 1 && *payload == 'B') {
        for (int i = 0; i < open_count; i++) write_all(open_fds[i], pushed, PUSHED);
        return true;
    }
    if (length == 0 || length >= 32 || (*payload != 'P' && *payload != 'Q')) return false;
    char text[33];
    memcpy(text, payload, length);
    text[length] = 0;
    for (long left = atol(text + 1), batch = *payload == 'P' ? 1 : PUSHED_IN_64_KIB; left > 0; left -= batch)
        write_all(fd, pushed, (size_t)(left < batch ? left : batch) * PUSHED);
    return true;
}

// Answers all whole frames; returns how many bytes they took.
static size_t answer_frames(int fd, const uint8_t *data, size_t length) {
    static uint8_t out[1 << 19];
    size_t used = 0, position = 0;
    while (length - position >= 6) {
        const uint8_t *frame = data + position;
        size_t size = frame[1] & 127, header = 2;
        if (size == 126) {
            size = (size_t)frame[2] << 8 | frame[3];
            header = 4;
        } else if (size == 127) {
            if (length - position < 14) break;
            size = 0;
            for (int i = 0; i < 8; i++) size = size << 8 | frame[2 + i];
            header = 10;
        }
        if (length - position < header + 4 + size) break;
        if (used + size + 10 > sizeof out) {
            write_all(fd, out, used);
            used = 0;
        }
        memcpy(out + used, frame, header);
        out[used + 1] &= 127; // what the server sends is not masked
        uint8_t *answer = out + used + header;
        const uint8_t *mask = frame + header, *masked = mask + 4;
        uint32_t mask32;
        memcpy(&mask32, mask, 4);
        uint64_t mask64 = (uint64_t)mask32 << 32 | mask32;
        size_t i = 0;
        for (; i + 8 <= size; i += 8) {
            uint64_t word;
            memcpy(&word, masked + i, 8);
            word ^= mask64;
            memcpy(answer + i, &word, 8);
        }
        for (; i < size; i++) answer[i] = masked[i] ^ mask[i & 3];
        if ((frame[0] & 15) != 8 && !command(fd, answer, size)) used += header + size;
        position += header + 4 + size;
    }
    if (used) write_all(fd, out, used);
    return position;
}

// ---- connections

static void reserve(Conn *conn, size_t capacity) {
    if (conn->capacity >= capacity) return;
    conn->capacity = capacity;
    conn->partial = realloc(conn->partial, capacity);
}

static void drop(Conn *conn) {
    close(conn->fd);
    by_fd[conn->fd] = NULL;
    for (int i = 0; i < open_count; i++)
        if (open_fds[i] == conn->fd) {
            open_fds[i] = open_fds[--open_count];
            break;
        }
    free(conn->partial);
    free(conn);
}

static void readable(Conn *conn) {
    static uint8_t buffer[READ_SIZE];
    uint8_t *data = buffer;
    size_t length = 0;
    if (conn->length) {
        reserve(conn, conn->length + 65536);
        data = conn->partial;
        length = conn->length;
    }
    ssize_t got = recv(conn->fd, data + length, conn->length ? 65536 : READ_SIZE, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
        drop(conn);
        return;
    }
    length += (size_t)got;
    size_t taken = conn->upgraded ? answer_frames(conn->fd, data, length) : upgrade(conn, data, length);
    conn->length = length - taken;
    if (!conn->length) return;
    if (data == buffer) {
        reserve(conn, conn->length + 65536);
        memcpy(conn->partial, data + taken, conn->length);
    } else {
        memmove(conn->partial, conn->partial + taken, conn->length);
    }
}

static void accept_all(int listener, int epoll) {
    int fd, on = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        Conn *conn = calloc(1, sizeof *conn);
        conn->fd = fd;
        by_fd[fd] = conn;
        open_fds[open_count++] = fd;
        struct epoll_event event = {EPOLLIN, {.fd = fd}};
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    }
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: wsfloor PORT\n");
        return 1;
    }
    signal(SIGPIPE, SIG_IGN);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max < MAX_CONNECTIONS ? files.rlim_max : MAX_CONNECTIONS;
    setrlimit(RLIMIT_NOFILE, &files);
    for (int i = 0; i < PUSHED_IN_64_KIB; i++) {
        memset(pushed + i * PUSHED, 'y', PUSHED);
        memcpy(pushed + i * PUSHED, "\x81\x64", 2);
    }
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (void *)&address, sizeof address) < 0 || listen(listener, 4096) < 0) {
        perror("listen");
        return 1;
    }
    int epoll = epoll_create1(0);
    struct epoll_event event = {EPOLLIN, {.fd = listener}};
    static struct epoll_event events[4096];
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int ready = epoll_wait(epoll, events, 4096, -1);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) accept_all(listener, epoll);
            else if (by_fd[fd]) readable(by_fd[fd]);
        }
    }
}
