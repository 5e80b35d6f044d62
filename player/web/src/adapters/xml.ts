// An MPD as the object that dash.js makes of it, for players that keep theirs to
// themselves. What is not well-formed gives an object that names no segment.
import type { Element } from "./mpd.ts";

/** Deeper or longer documents are no MPD that anybody plays. */
const maxDepth = 64;
const maxLength = 16 << 20;

const entities: Record<string, string> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };
const unescape = (text: string) =>
  text.replace(/&(?:#x([\da-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) =>
    name ? (entities[name] ?? whole) : String.fromCodePoint(Math.min(parseInt(hex ?? decimal, hex ? 16 : 10), 0x10ffff)),
  );

/** Attributes that are durations, and those that are texts whatever they look like. */
const durations = new Set(["start", "duration", "mediaPresentationDuration", "timeShiftBufferDepth", "minimumUpdatePeriod"]);
const texts = new Set(["id", "media", "initialization", "mediaRange", "range", "indexRange", "sourceURL"]);

/** xs:duration in seconds, years as 365 days and months as 30. */
function seconds(text: string): number {
  const m = /^(-)?P(?:([\d.]+)Y)?(?:([\d.]+)M)?(?:([\d.]+)D)?(?:T(?:([\d.]+)H)?(?:([\d.]+)M)?(?:([\d.]+)S)?)?$/.exec(text);
  if (!m) return NaN;
  const [, sign, y, mo, d, h, mi, s] = m;
  const sum = (+(y ?? 0) * 365 + +(mo ?? 0) * 30 + +(d ?? 0)) * 86400 + +(h ?? 0) * 3600 + +(mi ?? 0) * 60 + +(s ?? 0);
  return sign ? -sum : sum;
}

function value(name: string, text: string): unknown {
  if (durations.has(name) && /^-?P/.test(text)) return seconds(text);
  return !texts.has(name) && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

const token = /<!--[^]*?-->|<!\[CDATA\[([^]*?)\]\]>|<[?!][^>]*>|<\/([^\s>]+)\s*>|<([^\s/>]+)((?:\s+[^\s=>]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*(\/?)>|([^<]+)/g;
const attribute = /([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;
const local = (name: string) => name.slice(name.indexOf(":") + 1);

/**
 * The document's root element: children are lists by local name, attributes are
 * properties, numbers and durations (in seconds) converted; text is in `__text`.
 */
export function parseMPD(text: string): Element {
  const root: Element = {};
  if (text.length > maxLength) return root;
  const path: Element[] = [root];
  for (const [, cdata, closing, name, attributes, empty, plain] of text.matchAll(token)) {
    const top = path[path.length - 1]!;
    if (name) {
      const e: Element = {};
      for (const [, key, a, b] of attributes!.matchAll(attribute)) e[local(key!)] = value(local(key!), unescape(a ?? b ?? ""));
      (top[local(name)] ??= []).push?.(e);
      if (!empty && path.length < maxDepth) path.push(e);
    } else if (closing) {
      if (path.length > 1) path.pop();
    } else {
      const more = cdata ?? unescape(plain ?? "");
      if (more.trim()) top["__text"] = (top["__text"] ?? "") + more.trim();
    }
  }
  return root["MPD"]?.[0] ?? root;
}
