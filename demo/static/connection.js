// The connection and its state. "change" is dispatched whenever something about it has changed, "open" on each connect and reconnect.
const { signalR } = window;

export class Link extends EventTarget {
  constructor(url) {
    super();
    this.url = url;
    this.hub = null;
    this.protocol = null;
    this.transport = null;
    this.error = null;
    this.state = "Disconnected";
  }

  get connected() {
    return this.state === "Connected";
  }

  async connect(protocol) {
    const builder = new signalR.HubConnectionBuilder().withUrl(this.url).withAutomaticReconnect().configureLogging(signalR.LogLevel.Warning);
    if (protocol === "messagepack") builder.withHubProtocol(new signalR.protocols.msgpack.MessagePackHubProtocol());
    const hub = builder.build();
    this.hub = hub;
    this.protocol = protocol;
    hub.onreconnecting((error) => this.#change(hub, "Reconnecting", error));
    hub.onreconnected(() => this.#opened(hub));
    hub.onclose((error) => this.#change(hub, "Disconnected", error));
    this.#change(hub, "Connecting");
    try {
      await hub.start();
      await this.#opened(hub);
    } catch (error) {
      this.#change(hub, "Disconnected", error);
    }
  }

  async disconnect() {
    const hub = this.hub;
    if (!hub) return;
    await hub.stop();
    this.#change(hub, "Disconnected");
  }

  // The transport is asked of the server: the client does not tell which one it took.
  async #opened(hub) {
    this.transport = (await hub.invoke("About")).transport;
    this.#change(hub, "Connected");
    this.dispatchEvent(new Event("open"));
  }

  #change(hub, state, error = null) {
    if (hub !== this.hub) return;
    this.state = state;
    this.error = error;
    this.dispatchEvent(new Event("change"));
  }
}
