// Names of segments (segments/key.go, swarm/PROTOCOL.md §1): the same bytes have the
// same name for every peer. A name never holds a host, a query, a token or CMCD.
import { hex } from "../segments/bytes.ts";
import { sha224 } from "../segments/sha2.ts";

export interface Range {
  first: number;
  last: number;
}

/** Longest key in bytes. */
export const maxKeyLength = 512;

export const digest = (text: string) => sha224(new TextEncoder().encode(text));

/** The first 4 bytes of SHA-224, in hex. */
export const shortHash = (text: string) => hex(digest(text).subarray(0, 4));

/**
 * Escapes everything outside RFC 3986's unreserved set, "@" and ":". encodeURIComponent
 * spares a few more.
 */
export function component(text: string): string {
  const escaped = encodeURIComponent(text)
    .replace(/[!'()*]/g, (c) => "%" + c.charCodeAt(0).toString(16).toUpperCase())
    .replace(/%40/g, "@")
    .replace(/%3A/g, ":");
  return escaped || "_";
}

/** Representation of a period. */
export const dashTrack = (period: string, representation: string) => component(period) + "/" + component(representation);

/** "first-last", last open as "first-". */
export const rangeText = (r: Range) => r.first + "-" + (r.last < 0 || r.last == Infinity ? "" : r.last);

/** An EXT-X-MAP section: a hash of its URL's path and its range. */
export const hlsInitKey = (track: string, path: string, range?: Range) =>
  track + "/init." + shortHash(path + "\n" + (range ? rangeText(range) : ""));

/** Why a key may not be used, or "" (PROTOCOL §1). */
export const keyFault = (key: string) =>
  key.length > maxKeyLength ? "too long" : /[^\x21-\x7e]/.test(key) ? "not escaped" : key.lastIndexOf("/") > 0 ? "" : "no track";

/**
 * Any other resource: a hash of its canonical URL, without fragment, user and CMCD
 * parameter; a token in the query makes it another resource, but is told to nobody.
 */
export function resourceKey(address: string): string {
  const url = new URL(address);
  const query = url.search.slice(1);
  // Where a CMCD parameter is dropped, the others are put in order, as Go does it.
  const parameters = new URLSearchParams(query);
  let search = url.search;
  if (parameters.has("CMCD")) {
    parameters.delete("CMCD");
    parameters.sort();
    search = parameters.size ? "?" + goQuery(parameters) : "";
  }
  return "url/" + hex(digest(url.protocol + "//" + url.host + url.pathname + search));
}

/** As url.Values.Encode of Go writes a query; URLSearchParams spares "*" and escapes "~". */
const goQuery = (parameters: URLSearchParams) => parameters.toString().replace(/\*/g, "%2A").replace(/%7E/g, "~");
