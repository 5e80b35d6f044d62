// The page's side of links: it owns the RTCPeerConnections and does what the worker says.
import { Bulk, labels, LowWater, type Command, type Report } from "./bridge.ts";

/** How often round trips are read, ms. ICE measures one with every check. */
const RttEvery = 2000;

interface Connection {
  pc: RTCPeerConnection;
  channels: RTCDataChannel[];
  /** Bytes handed to the bulk channel on the worker's behalf. */
  sent: number;
}

export class Connections {
  private readonly all = new Map<number, Connection>();
  private readonly post: (report: Report, transfer: Transferable[]) => void;
  private readonly timer = setInterval(() => this.measure(), RttEvery);
  /** Whether channels can be moved: there is a worker, and the first one could. */
  movable = false;

  constructor(post: (report: Report, transfer: Transferable[]) => void) {
    this.post = post;
  }

  run(c: Command): void {
    const known = this.all.get(c.id);
    if (c.op === "open") this.open(c.id, { iceServers: c.ice, iceTransportPolicy: c.relayOnly ? "relay" : "all" });
    else if (c.op === "close") this.close(c.id);
    else if (!known) return; // it failed meanwhile, which the worker is about to hear
    else if (c.op === "send") this.send(c.id, known, c.channel, c.data);
    else
      this.describe(c.id, known, c).catch((error) => {
        if (c.op !== "candidate") this.tell({ ev: "failed", id: c.id, message: `${error}` });
      });
  }

  private tell(report: Report, transfer: Transferable[] = []): void {
    this.post(report, transfer);
  }

  private open(id: number, config: RTCConfiguration): void {
    let pc: RTCPeerConnection;
    try {
      pc = new RTCPeerConnection(config);
    } catch (error) {
      this.tell({ ev: "failed", id, message: `${error}` });
      return;
    }
    pc.onicecandidate = (e) => e.candidate?.candidate && this.tell({ ev: "candidate", id, candidate: e.candidate.candidate });
    pc.oniceconnectionstatechange = () => {
      this.tell({ ev: "state", id, state: pc.iceConnectionState });
      if (pc.iceConnectionState === "connected") this.read(id, pc);
    };
    pc.onconnectionstatechange = () => pc.connectionState === "failed" && this.tell({ ev: "failed", id, message: "connection failed" });
    pc.ondatachannel = () => this.tell({ ev: "failed", id, message: "the peer opened a channel that the protocol does not have" });
    const channels = labels.map((label, n) => {
      const channel = pc.createDataChannel(label, { negotiated: true, id: n, ordered: true });
      channel.binaryType = "arraybuffer";
      return channel;
    });
    this.all.set(id, { pc, channels, sent: 0 });
    // A channel can only be moved in the very task that made it.
    if (this.movable) {
      try {
        this.tell({ ev: "channels", id, channels }, channels as unknown as Transferable[]);
        return;
      } catch {
        this.movable = false;
      }
    }
    this.serve(id, channels);
    this.tell({ ev: "channels", id });
  }

  /** Passes on what happens on channels that could not be moved. */
  private serve(id: number, channels: RTCDataChannel[]): void {
    channels.forEach((dc, channel) => {
      dc.onopen = () => this.tell({ ev: "open", id, channel });
      dc.onclose = () => this.tell({ ev: "closed", id });
      dc.onmessage = ({ data }) => data instanceof ArrayBuffer && this.tell({ ev: "message", id, channel, data }, [data]);
    });
    const bulk = channels[Bulk]!;
    bulk.bufferedAmountLowThreshold = LowWater;
    bulk.onbufferedamountlow = () => this.drained(id);
  }

  private drained(id: number): void {
    const c = this.all.get(id);
    if (c) this.tell({ ev: "drained", id, sent: c.sent, queued: c.channels[Bulk]!.bufferedAmount });
  }

  private send(id: number, c: Connection, channel: number, data: Uint8Array): void {
    try {
      c.channels[channel]!.send(data as ArrayBufferView<ArrayBuffer>);
    } catch {
      return; // closed meanwhile, which is told
    }
    if (channel !== Bulk) return;
    c.sent += data.length;
    if (c.channels[Bulk]!.bufferedAmount <= LowWater) this.drained(id);
  }

  private async describe(id: number, { pc }: Connection, c: Command): Promise<void> {
    switch (c.op) {
      case "offer":
        break;
      case "answer":
        await pc.setRemoteDescription({ type: "offer", sdp: c.sdp });
        break;
      case "accept":
        return pc.setRemoteDescription({ type: "answer", sdp: c.sdp });
      case "candidate":
        return pc.addIceCandidate({ candidate: c.candidate, sdpMLineIndex: 0 });
    }
    await pc.setLocalDescription();
    this.tell({ ev: "described", id, sdp: pc.localDescription!.sdp });
  }

  private close(id: number): void {
    const c = this.all.get(id);
    if (!c) return;
    this.all.delete(id);
    c.pc.onicecandidate = c.pc.oniceconnectionstatechange = c.pc.onconnectionstatechange = null;
    c.pc.close();
  }

  private measure(): void {
    for (const [id, { pc }] of this.all) if (pc.iceConnectionState === "connected") this.read(id, pc);
  }

  private async read(id: number, pc: RTCPeerConnection): Promise<void> {
    for (const s of (await pc.getStats()).values())
      if (s.type === "candidate-pair" && s.nominated && s.currentRoundTripTime)
        this.tell({ ev: "rtt", id, rtt: s.currentRoundTripTime * 1000 });
  }

  /** Closes everything. */
  stop(): void {
    clearInterval(this.timer);
    for (const id of [...this.all.keys()]) this.close(id);
  }
}
