// See wsclient.h. With -DWITH_ZLIB it can speak permessage-deflate (RFC 7692), both directions, as browsers do.
#define _GNU_SOURCE
#include "wsclient.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#ifdef WITH_ZLIB
#include <zlib.h>
#endif

Counting counting = COUNT_FRAMES;
bool deflating = false;

enum { OPCODE_TEXT = 1, OPCODE_BINARY = 2, OPCODE_CLOSE = 8, RSV1 = 0x40, FIN = 0x80 };

double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void die(const char *what) {
    perror(what);
    exit(1);
}

void write_all(int fd, const uint8_t *data, size_t length) {
    while (length) {
        ssize_t sent = send(fd, data, length, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno != EAGAIN) die("send");
            struct pollfd writable = {fd, POLLOUT, 0};
            poll(&writable, 1, 1000);
            continue;
        }
        data += sent;
        length -= (size_t)sent;
    }
}

// ---- compression

#ifdef WITH_ZLIB
static const uint8_t SYNC_TAIL[4] = {0, 0, 0xff, 0xff}; // what RFC 7692 7.2.1 takes off a message's end

static void *new_inflater(void) {
    z_stream *stream = calloc(1, sizeof *stream);
    if (inflateInit2(stream, -15) != Z_OK) die("inflateInit2");
    return stream;
}

// Each request is compressed by itself, so that it may be sent again and again: legal with the context kept by the receiver.
static size_t deflate_payload(uint8_t *out, size_t room, const uint8_t *payload, size_t length) {
    z_stream stream = {0};
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK) die("deflateInit2");
    stream.next_in = (uint8_t *)payload;
    stream.avail_in = (uInt)length;
    stream.next_out = out;
    stream.avail_out = (uInt)room;
    if (deflate(&stream, Z_SYNC_FLUSH) != Z_OK || stream.avail_in) die("deflate");
    size_t produced = room - stream.avail_out - sizeof SYNC_TAIL;
    deflateEnd(&stream);
    return produced;
}
#endif

// ---- connecting and writing

void connect_websocket(Conn *conn, int port, const char *path, int receive_buffer) {
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    if (fd < 0) die("socket");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (receive_buffer) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (void *)&address, sizeof address) < 0) die("connect");

    char request[1024], answer[4096];
    int length = snprintf(request, sizeof request,
                          "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n",
                          path, port,
                          deflating ? "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n" : "");
    write_all(fd, (uint8_t *)request, (size_t)length);
    // One byte at a time: what follows the head belongs to the frames.
    size_t read = 0;
    while (read < sizeof answer - 1) {
        if (recv(fd, answer + read, 1, 0) <= 0) {
            fprintf(stderr, "the server closed instead of upgrading\n");
            exit(1);
        }
        read++;
        if (read >= 4 && !memcmp(answer + read - 4, "\r\n\r\n", 4)) break;
    }
    answer[read] = 0;
    if (strncmp(answer, "HTTP/1.1 101", 12) != 0) {
        fprintf(stderr, "no upgrade: %s\n", answer);
        exit(1);
    }
    if (deflating && !strcasestr(answer, "permessage-deflate")) {
        fprintf(stderr, "the server did not accept permessage-deflate\n");
        exit(1);
    }
#ifdef WITH_ZLIB
    if (deflating) conn->inflater = new_inflater();
#endif
    fcntl(fd, F_SETFL, O_NONBLOCK);
    conn->fd = fd;
}

size_t make_frame(uint8_t *out, bool binary, const uint8_t *payload, size_t length, uint32_t mask) {
    uint8_t *start = out, first = FIN | (binary ? OPCODE_BINARY : OPCODE_TEXT);
    uint8_t *packed = NULL;
#ifdef WITH_ZLIB
    if (deflating) {
        size_t room = length + FRAME_ROOM - 14 + 4;
        packed = malloc(room);
        length = deflate_payload(packed, room, payload, length);
        payload = packed;
        first |= RSV1;
    }
#endif
    *out++ = first;
    if (length < 126) {
        *out++ = (uint8_t)(0x80 | length);
    } else if (length < 65536) {
        *out++ = 0x80 | 126;
        *out++ = (uint8_t)(length >> 8);
        *out++ = (uint8_t)length;
    } else {
        *out++ = 0x80 | 127;
        for (int i = 7; i >= 0; i--) *out++ = (uint8_t)((uint64_t)length >> (8 * i));
    }
    uint8_t key[4];
    memcpy(key, &mask, 4);
    memcpy(out, key, 4);
    out += 4;
    for (size_t i = 0; i < length; i++) out[i] = payload[i] ^ key[i & 3];
    free(packed);
    return (size_t)(out + length - start);
}

// ---- reading and counting

static uint64_t count_json(const uint8_t *data, size_t length) {
    uint64_t items = 0;
    const uint8_t *end = data + length;
    while ((data = memchr(data, 0x1e, (size_t)(end - data)))) {
        items++;
        if (++data == end) break;
    }
    return items;
}

static uint64_t count_msgpack(Conn *conn, const uint8_t *data, size_t length) {
    uint64_t items = 0;
    size_t i = 0;
    while (i < length) {
        if (conn->length_shift >= 0) {
            uint8_t byte = data[i++];
            conn->record_left |= (uint64_t)(byte & 127) << conn->length_shift;
            conn->length_shift = byte & 128 ? conn->length_shift + 7 : -1;
        } else {
            size_t taken = conn->record_left < length - i ? conn->record_left : length - i;
            conn->record_left -= taken;
            i += taken;
        }
        if (conn->length_shift < 0 && !conn->record_left) {
            items++;
            conn->length_shift = 0;
        }
    }
    return items;
}

static uint64_t count_plain(Conn *conn, const uint8_t *data, size_t length) {
    if (counting == COUNT_FRAMES || conn->skip || !length) return 0;
    return counting == COUNT_JSON ? count_json(data, length) : count_msgpack(conn, data, length);
}

static uint64_t count_compressed(Conn *conn, const uint8_t *data, size_t length) {
    uint64_t items = 0;
#ifdef WITH_ZLIB
    static uint8_t plain[1 << 18];
    z_stream *stream = conn->inflater;
    stream->next_in = (uint8_t *)data;
    stream->avail_in = (uInt)length;
    do {
        stream->next_out = plain;
        stream->avail_out = sizeof plain;
        int code = inflate(stream, Z_SYNC_FLUSH);
        if (code != Z_OK && code != Z_BUF_ERROR) {
            fprintf(stderr, "inflate: %d\n", code);
            exit(1);
        }
        items += count_plain(conn, plain, sizeof plain - stream->avail_out);
    } while (stream->avail_in || !stream->avail_out);
#else
    (void)conn, (void)data, (void)length;
#endif
    return items;
}

// Bytes the header needs, as far as it is known.
static int header_size(const Conn *conn) {
    if (conn->header_length < 2) return 2;
    int length = conn->header[1] & 127;
    return length < 126 ? 2 : length == 126 ? 4 : 10;
}

static void start_payload(Conn *conn) {
    const uint8_t *header = conn->header;
    int length = header[1] & 127, from = 2, to = header_size(conn);
    conn->payload_left = from == to ? (uint64_t)length : 0;
    for (int i = from; i < to; i++) conn->payload_left = conn->payload_left << 8 | header[i];
    conn->opcode = header[0] & 15;
    conn->final = header[0] & FIN;
    if (conn->opcode == OPCODE_TEXT || conn->opcode == OPCODE_BINARY) conn->compressed = header[0] & RSV1;
    conn->in_payload = true;
    conn->header_length = 0;
}

static uint64_t end_frame(Conn *conn) {
    uint64_t items = 0;
    conn->in_payload = false;
    if (conn->opcode == OPCODE_CLOSE) {
        fprintf(stderr, "the server closed the connection\n");
        exit(2);
    }
    if (conn->opcode > OPCODE_BINARY) return 0;
#ifdef WITH_ZLIB
    if (conn->compressed && conn->final) items += count_compressed(conn, SYNC_TAIL, sizeof SYNC_TAIL);
#endif
    if (conn->skip) {
        conn->skip--;
    } else {
        conn->frames++;
        if (counting == COUNT_FRAMES) items++;
    }
    return items;
}

static uint64_t feed(Conn *conn, const uint8_t *data, size_t length) {
    uint64_t items = 0;
    conn->bytes += length;
    while (length) {
        if (!conn->in_payload) {
            while (length && conn->header_length < header_size(conn)) {
                conn->header[conn->header_length++] = *data++;
                length--;
            }
            if (conn->header_length < header_size(conn)) return items;
            start_payload(conn);
        }
        size_t taken = conn->payload_left < length ? conn->payload_left : length;
        if (conn->opcode <= OPCODE_BINARY)
            items += conn->compressed ? count_compressed(conn, data, taken) : count_plain(conn, data, taken);
        conn->payload_left -= taken;
        data += taken;
        length -= taken;
        if (!conn->payload_left) items += end_frame(conn);
    }
    return items;
}

int64_t receive(Conn *conn) {
    static uint8_t buffer[1 << 20];
    ssize_t length = recv(conn->fd, buffer, sizeof buffer, 0);
    if (length < 0 && errno == EAGAIN) return -1;
    if (length <= 0) {
        fprintf(stderr, "the server cut the connection\n");
        exit(2);
    }
    return (int64_t)feed(conn, buffer, (size_t)length);
}
