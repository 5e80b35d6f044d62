// Keys name the same bytes for every peer of a swarm (swarm/PROTOCOL.md §1, segments/key.go).
import { sha224 } from "@noble/hashes/sha2.js";
import { hex } from "./bytes.ts";

export const MaxKeyLength = 512;

/** Whether a key may be used: 1…512 bytes of 21…7e, with a track before its last "/". */
export const validKey = (key: string): boolean =>
  key.length <= MaxKeyLength && /^[!-~]+\/[!-~]*$/.test(key);

const utf8 = new TextEncoder();

/** Percent-encodes what is outside A–Z a–z 0–9 - . _ ~ @ :, so that "/" always separates components. */
export function component(text: string): string {
  let out = "";
  for (const byte of utf8.encode(text)) {
    const c = String.fromCharCode(byte);
    out += /[\w\-.~@:]/.test(c) ? c : "%" + byte.toString(16).toUpperCase().padStart(2, "0");
  }
  return out || "_";
}

/** One DASH representation. `period` is Period@id, or a name derived from its start. */
export const dashTrack = (period: string, representation: string): string =>
  component(period) + "/" + component(representation);

/** One HLS variant or rendition. */
export const hlsTrack = (rendition: string): string => component(rendition);

/** DASH $Number$, or an HLS media sequence number. */
export const numberKey = (track: string, number: number | bigint): string => `${track}/${number}`;

/** DASH $Time$, in media timescale units. */
export const timeKey = (track: string, time: number | bigint): string => `${track}/t${time}`;

/** A byte range of the track's one resource, inclusive (DASH SegmentBase). */
export const rangeKey = (track: string, first: number, last: number): string => `${track}/${first}-${last}`;

/** An HLS partial segment, by its index in the parent segment. */
export const partKey = (track: string, sequence: number, part: number): string => `${track}/${sequence}.${part}`;

export const dashInitKey = (track: string): string => track + "/init";

const digest = (text: string): string => hex(sha224(utf8.encode(text)));

/** EXT-X-MAP: `path` is the URI's, `range` is "first-last" or empty. */
export const hlsInitKey = (track: string, path: string, range: string): string =>
  `${track}/init.${digest(path + "\n" + range).slice(0, 8)}`;

/** A generic resource, by its URL without user, fragment and CMCD parameter. */
export function resourceKey(url: string | URL): string {
  const u = new URL(url);
  u.hash = u.username = u.password = "";
  let text = u.href;
  if (u.searchParams.has("CMCD")) {
    u.searchParams.delete("CMCD");
    // Go writes the parameters that remain sorted by name.
    u.searchParams.sort();
    text = u.href;
  }
  return "url/" + digest(text);
}
