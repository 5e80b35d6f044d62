// Names of the tracks of an HLS presentation, from its multivariant playlist: the
// grammar and its reasons are in the comment of the Go package manifest/hls.
import { component, shortHash } from "./key.ts";

export type Attributes = Record<string, string>;

/** Leniently, as the Go package reads them: the first of a name counts, quotes are removed. */
export function attributesOf(text: string): Attributes {
  const found: Attributes = {};
  for (const [, name, quoted, plain] of text.matchAll(/([^\s,=]+)[ \t]*=[ \t]*(?:"([^"]*)"?|([^,"]*))/g)) {
    found[name!] ??= quoted ?? plain!.trim();
  }
  return found;
}

const escapeName = (s: string) => s.replace(/[%:@~]/g, (c) => "%" + c.charCodeAt(0).toString(16).toUpperCase());

/** A longer name, in bytes, is cut and its hash appended. */
const maxNameBytes = 120;

function shorten(name: string): string {
  const bytes = new TextEncoder().encode(name);
  if (bytes.length <= maxNameBytes) return name;
  return new TextDecoder().decode(bytes.subarray(0, maxNameBytes - 9)) + "~" + shortHash(name);
}

const plainInteger = (s = "") => (/^\s*\d+\s*$/.test(s) && BigInt(s.trim()) < 1n << 64n ? String(BigInt(s.trim())) : "0");

function variantName(prefix: string, bandwidth: string, a: Attributes, muxed: string[]): string {
  const id = a["STABLE-VARIANT-ID"];
  if (id) return shorten(`${prefix}@${escapeName(id)}`);
  const resolution = (a["RESOLUTION"] ?? "").toLowerCase();
  const told = ["FRAME-RATE", "VIDEO-RANGE", "HDCP-LEVEL", "REQ-VIDEO-LAYOUT", "NAME", "VIDEO"].map((n) => a[n] ?? "");
  const canonical = [bandwidth, a["CODECS"] ?? "", a["SUPPLEMENTAL-CODECS"] ?? "", resolution, ...told, muxed.join("\t")].join("\n");
  return shorten(`${prefix}:${bandwidth}:${escapeName(resolution)}:${shortHash(canonical)}`);
}

/** The name of a playlist that no multivariant playlist led to. */
export const mainTrack = "main";

/** A playlist's address without what a player adds to it (_HLS_msn, _HLS_part, …; RFC 8216bis §6.2.5). */
export function playlistURL(address: string): string {
  return address.replace(/#.*$/, "").replace(/([?&])_HLS_\w+=[^&]*/g, "$1").replace(/[?&]+$/, "").replace(/\?&+/, "?").replace(/&{2,}/g, "&");
}

/**
 * Tracks by playlist URL, as playlistURL makes it; undefined for what is no multivariant
 * playlist.
 *
 * @param base the playlist's own URL, after redirects
 */
export function trackNames(text: string, base: string): Map<string, string> | undefined {
  if (!/^#EXT-X-(STREAM-INF|MEDIA|I-FRAME-STREAM-INF):/m.test(text)) return undefined;
  const variables = new Map<string, string>();
  const filled = (s = "") => (variables.size ? s.replace(/\{\$([\w-]+)\}/g, (whole, name) => variables.get(name) ?? whole) : s);
  const read = (s: string) => Object.fromEntries(Object.entries(attributesOf(s)).map(([n, v]) => [n, filled(v)]));
  const variants: [Attributes, string][] = [];
  const media: Attributes[] = [];
  const iframes: Attributes[] = [];
  let pending: Attributes | undefined;
  for (const raw of text.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/)) {
    const line = raw.trim();
    const [, tag, rest] = /^#EXT-X-(DEFINE|STREAM-INF|MEDIA|I-FRAME-STREAM-INF):(.*)$/.exec(line) ?? [];
    if (tag == "DEFINE") {
      const { NAME, VALUE, QUERYPARAM } = attributesOf(rest!);
      const name = NAME ?? QUERYPARAM;
      if (name) variables.set(name, NAME ? (VALUE ?? "") : (new URL(base).searchParams.get(name) ?? ""));
    } else if (tag == "STREAM-INF") pending = read(rest!);
    else if (tag == "MEDIA") media.push(read(rest!));
    else if (tag == "I-FRAME-STREAM-INF") iframes.push(read(rest!));
    else if (line && line[0] != "#" && pending) {
      variants.push([pending, filled(line)]);
      pending = undefined;
    }
  }
  const named = new Map<string, string>();
  /** For each base name, the file names that bear it, in order. */
  const files = new Map<string, string[]>();
  const claim = (base_: string, uri: string | undefined) => {
    if (!uri) return;
    const url = new URL(uri, base);
    const address = url.href.replace(/#.*$/, "");
    if (named.has(address) || !/^https?:$/.test(url.protocol)) return;
    const alike = files.get(base_) ?? [];
    files.set(base_, alike);
    const file = url.pathname.slice(url.pathname.lastIndexOf("/") + 1);
    if (!alike.includes(file)) alike.push(file);
    const ordinal = alike.indexOf(file) + 1;
    named.set(address, component(base_ + (ordinal > 1 ? "~" + ordinal : "")));
  };
  const bandwidths = new Set(variants.map(([a]) => plainInteger(a["BANDWIDTH"])));
  for (const [a, uri] of variants) {
    const muxed = a["AUDIO"]
      ? media.filter((m) => m["TYPE"] == "AUDIO" && m["GROUP-ID"] == a["AUDIO"] && !m["URI"]).map((m) => `${m["LANGUAGE"] ?? ""}|${m["NAME"] ?? ""}`)
      : [];
    claim(variantName("variant", bandwidths.size == 1 ? "0" : plainInteger(a["BANDWIDTH"]), a, muxed), uri);
  }
  for (const m of media) {
    if (m["TYPE"] == "CLOSED-CAPTIONS") continue;
    const kind = (m["TYPE"] ?? "").toLowerCase();
    const id = m["STABLE-RENDITION-ID"];
    claim(shorten(id ? `${kind}@${escapeName(id)}` : `${kind}:${escapeName(m["GROUP-ID"] ?? "")}:${escapeName(m["NAME"] ?? "")}`), m["URI"]);
  }
  for (const a of iframes) claim(variantName("iframes", plainInteger(a["BANDWIDTH"]), a, []), a["URI"]);
  return named;
}
