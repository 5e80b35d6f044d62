// One data channel as links see it, wherever the browser keeps it.
import { Bulk, LowWater, type Command, type Report } from "./bridge.ts";

export interface Channel {
  send(data: Uint8Array): void;
  /** Bytes not yet handed to the network. */
  queued(): number;
}

/** What happens on the channels of one connection. */
export interface ChannelEvents {
  opened(channel: number): unknown;
  message(channel: number, data: Uint8Array): unknown;
  closed(): unknown;
  /** The bulk channel has room again. */
  low(): unknown;
}

/** A channel that was moved to this worker. */
export function movedChannel(dc: RTCDataChannel, channel: number, events: ChannelEvents): Channel {
  dc.binaryType = "arraybuffer";
  dc.bufferedAmountLowThreshold = LowWater;
  dc.onopen = () => events.opened(channel);
  dc.onclose = () => events.closed();
  dc.onmessage = ({ data }) => data instanceof ArrayBuffer && events.message(channel, new Uint8Array(data));
  if (channel === Bulk) dc.onbufferedamountlow = () => events.low();
  if (dc.readyState === "open") queueMicrotask(() => events.opened(channel));
  return { send: (data) => dc.send(data as ArrayBufferView<ArrayBuffer>), queued: () => dc.bufferedAmount };
}

/** A channel that the page keeps; `command` reaches it. */
export class PassedChannel implements Channel {
  private sent = 0;
  private gone = 0;
  private readonly id: number;
  private readonly channel: number;
  private readonly command: (c: Command, transfer: Transferable[]) => void;

  constructor(id: number, channel: number, command: (c: Command, transfer: Transferable[]) => void) {
    this.id = id;
    this.channel = channel;
    this.command = command;
  }

  send(data: Uint8Array): void {
    this.sent += data.length;
    this.command({ op: "send", id: this.id, channel: this.channel, data }, [data.buffer as ArrayBuffer]);
  }

  queued(): number {
    return this.sent - this.gone;
  }

  /** Takes the page's word of how much has left. */
  drained(r: Extract<Report, { ev: "drained" }>): void {
    this.gone = r.sent - r.queued;
  }
}
