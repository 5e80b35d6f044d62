// Cuts a growing CMAF segment where a fragment ends (ISO/IEC 14496-12 §4.2), as dash.js's
// own FetchLoader does: a source buffer is given whole moov or moof+mdat.
import { join } from "./transfer.ts";

/** Boxes that end something that can be appended. */
const ends = new Set([0x6d6f6f76 /* moov */, 0x6d646174 /* mdat */]);

export class BoxSplitter {
  private held: Uint8Array<ArrayBuffer> = new Uint8Array();

  /** Takes bytes; returns everything up to the end of the last whole moov or mdat, if there is one. */
  push(bytes: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
    this.held = join([this.held, bytes]);
    const view = new DataView(this.held.buffer);
    let [at, end] = [0, 0];
    while (at + 8 <= view.byteLength) {
      let size = view.getUint32(at);
      // 1: a 64-bit size follows; 0: to the end of the file.
      if (size == 1) size = at + 16 <= view.byteLength ? Number(view.getBigUint64(at + 8)) : 0;
      if (size < 8 || at + size > view.byteLength) break;
      at += size;
      if (ends.has(view.getUint32(at - size + 4))) end = at;
    }
    if (!end) return undefined;
    const whole = this.held.slice(0, end);
    this.held = this.held.slice(end);
    return whole;
  }

  /** What came after. */
  rest(): Uint8Array<ArrayBuffer> {
    return this.held;
  }
}
