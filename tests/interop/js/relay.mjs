/** A TCP link to the server that can be cut: every connection through it is reset, new ones are let in. */
import net from "node:net";

export class Relay {
    accepted = 0;
    #open = new Set();
    #listener;

    constructor(target) {
        this.#listener = net.createServer({ noDelay: true }, (client) => {
            this.accepted++;
            const server = net.connect({ host: target.hostname, port: Number(target.port), noDelay: true });
            for (const [one, other] of [
                [client, server],
                [server, client],
            ]) {
                this.#open.add(one);
                one.on("error", () => other.destroy());
                one.on("close", () => {
                    this.#open.delete(one);
                    other.destroy();
                });
                one.pipe(other);
            }
        });
    }

    /** Starts listening on a free port. */
    async start() {
        await new Promise((resolve, reject) => {
            this.#listener.once("error", reject);
            this.#listener.listen(0, "127.0.0.1", resolve);
        });
        return this;
    }

    get url() {
        return `http://127.0.0.1:${this.#listener.address().port}/`;
    }

    cut() {
        for (const socket of this.#open) socket.resetAndDestroy();
    }

    async stop() {
        const closed = new Promise((resolve) => this.#listener.close(resolve));
        this.cut();
        await closed;
    }
}
